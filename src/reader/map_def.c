/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * One map definition: a struct whose members say what the map is like by their types alone.
 *
 *     int (*max_entries)[64];         __uint(max_entries, 64)
 *     struct stats *value;            __type(value, struct stats)
 *     enum { map_extra_ = 1 << 44 } map_extra;    __ulong(map_extra, 1 << 44)
 *     int (*values[])(void *);        __array(values, int (void *))
 */
#include "reader/reader.h"

/* The definition being read. */
struct parse {
	struct reader *r;
	const char *name; /* of the map */
	uint32_t place;	  /* bytes into .maps, for messages */
	int inner;	  /* is a prototype */
	struct map_def *def;
};

#define BAD_MAP(p, fmt, ...)                                                                       \
	BAD((p)->r, ".maps", (p)->place, "map %s: " fmt, (p)->name, ##__VA_ARGS__)

/* A number is the length of the array that the member points to. */
static int read_number(const struct parse *p, const char *attr, uint32_t type, uint32_t *value)
{
	const struct btf_type *t = btf_skip_modifiers(p->r, type, NULL);

	if (t && btf_is_ptr(t))
		t = btf_type(p->r, t->type);
	else
		t = NULL;
	if (!t || !btf_is_array(t))
		return BAD_MAP(p, "%s is not a number: use __uint(%s, ...)", attr, attr);
	*value = btf_array(t)->nelems;
	return 0;
}

/* One of 64 bits is the value of the only name in an enum. */
static int read_long(const struct parse *p, const char *attr, uint32_t type, uint64_t *value)
{
	const struct btf_type *t = btf_skip_modifiers(p->r, type, NULL);
	uint32_t number = 0;
	int err;

	if (t && btf_is_enum(t) && btf_vlen(t) == 1) {
		*value = btf_enum(t)->val;
		return 0;
	}
	if (t && btf_is_enum64(t) && btf_vlen(t) == 1) {
		*value = btf_enum64_value(btf_enum64(t));
		return 0;
	}
	if (t && (btf_is_enum(t) || btf_is_enum64(t)))
		return BAD_MAP(p, "%s has %u values: use __ulong(%s, ...)", attr, btf_vlen(t),
			       attr);
	err = read_number(p, attr, type, &number);
	*value = number;
	return err;
}

static int set_size(const struct parse *p, const char *attr, uint32_t *size, uint32_t value)
{
	if (*size && *size != value)
		return BAD_MAP(p, "%s of %u bytes contradicts %u bytes", attr, value, *size);
	*size = value;
	return 0;
}

/* A key's or value's type is what the member points to. */
static int read_type(const struct parse *p, const char *attr, uint32_t type, uint32_t *size,
		     uint32_t *type_id)
{
	const struct btf_type *t = btf_type(p->r, type);
	int64_t bytes;

	if (!t || !btf_is_ptr(t))
		return BAD_MAP(p, "%s is not a type: use __type(%s, ...)", attr, attr);
	bytes = t->type ? btf__resolve_size(p->r->btf, t->type) : -EINVAL;
	if (bytes < 0 || bytes > UINT32_MAX)
		return BAD_MAP(p, "%s has no size: define its type completely", attr);
	*type_id = t->type;
	return set_size(p, attr, size, bytes);
}

static int holds_maps(uint32_t type)
{
	return type == BPF_MAP_TYPE_ARRAY_OF_MAPS || type == BPF_MAP_TYPE_HASH_OF_MAPS;
}

/* __array(values, ...): the prototype of inner maps, or of programs. */
static int read_values(const struct parse *p, const struct btf_member *member, uint32_t offset)
{
	struct mem_map_image *row = &p->def->row;
	const struct btf_type *t = btf_type(p->r, member->type);
	uint32_t id = 0;
	int err;

	if (p->inner)
		return BAD_MAP(p, "an inner map can't hold maps or programs itself");
	if (!holds_maps(row->type) && row->type != BPF_MAP_TYPE_PROG_ARRAY)
		return BAD_MAP(p,
			       "values need a map of maps or programs; give its type before them");
	err = set_size(p, "values", &row->value_size, 4);
	if (err)
		return err;
	if (!t || !btf_is_array(t) || btf_array(t)->nelems)
		return BAD_MAP(p, "values is not an array without length: use __array()");
	t = btf_skip_modifiers(p->r, btf_array(t)->type, NULL);
	if (t && btf_is_ptr(t))
		t = btf_skip_modifiers(p->r, t->type, &id);
	else
		t = NULL;
	p->def->values_offset = offset;
	if (holds_maps(row->type)) {
		if (!t || !btf_is_struct(t))
			return BAD_MAP(p,
				       "values are not maps: use __array(values, struct { ... })");
		p->def->inner_type = id;
	} else if (!t || !btf_is_func_proto(t)) {
		return BAD_MAP(p, "values are not programs: use __array(values, int (void *))");
	}
	return 0;
}

static int read_pinning(const struct parse *p, uint32_t type)
{
	uint32_t pinning;
	int err = read_number(p, "pinning", type, &pinning);

	if (err)
		return err;
	if (p->inner)
		return BAD_MAP(p, "an inner map can't be pinned by its definition");
	if (pinning > 1)
		return BAD_MAP(p, "pinning %u: only LIBBPF_PIN_NONE and LIBBPF_PIN_BY_NAME exist",
			       pinning);
	p->def->row.pinning = pinning;
	return 0;
}

static int read_attribute(const struct parse *p, const char *attr, const struct btf_member *member,
			  uint32_t offset)
{
	struct mem_map_image *row = &p->def->row;
	const struct {
		const char *attr;
		uint32_t *value;
	} numbers[] = {
		{"type", &row->type},
		{"max_entries", &row->max_entries},
		{"map_flags", &row->map_flags},
		{"numa_node", &row->numa_node},
	};
	uint32_t size;
	int err;

	for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++)
		if (!strcmp(attr, numbers[i].attr))
			return read_number(p, attr, member->type, numbers[i].value);
	if (!strcmp(attr, "key"))
		return read_type(p, attr, member->type, &row->key_size, &row->key_type);
	if (!strcmp(attr, "value"))
		return read_type(p, attr, member->type, &row->value_size, &row->value_type);
	if (!strcmp(attr, "key_size")) {
		err = read_number(p, attr, member->type, &size);
		return err ?: set_size(p, attr, &row->key_size, size);
	}
	if (!strcmp(attr, "value_size")) {
		err = read_number(p, attr, member->type, &size);
		return err ?: set_size(p, attr, &row->value_size, size);
	}
	if (!strcmp(attr, "map_extra"))
		return read_long(p, attr, member->type, &row->map_extra);
	if (!strcmp(attr, "pinning"))
		return read_pinning(p, member->type);
	if (!strcmp(attr, "values"))
		return read_values(p, member, offset);
	return UNKNOWN(p->r, ".maps", p->place, "map %s: attribute %s is not known", p->name, attr);
}

/* Map types whose keys and values the kernel does not want described. */
static int takes_types(uint32_t type)
{
	switch (type) {
	case BPF_MAP_TYPE_PERF_EVENT_ARRAY:
	case BPF_MAP_TYPE_CGROUP_ARRAY:
	case BPF_MAP_TYPE_STACK_TRACE:
	case BPF_MAP_TYPE_ARRAY_OF_MAPS:
	case BPF_MAP_TYPE_HASH_OF_MAPS:
	case BPF_MAP_TYPE_DEVMAP:
	case BPF_MAP_TYPE_DEVMAP_HASH:
	case BPF_MAP_TYPE_CPUMAP:
	case BPF_MAP_TYPE_XSKMAP:
	case BPF_MAP_TYPE_SOCKMAP:
	case BPF_MAP_TYPE_SOCKHASH:
	case BPF_MAP_TYPE_QUEUE:
	case BPF_MAP_TYPE_STACK:
	case MEM_BPF_MAP_TYPE_ARENA:
		return 0;
	default:
		return 1;
	}
}

int map_def_parse(struct reader *r, const char *name, uint32_t type, uint32_t place, int inner,
		  struct map_def *def)
{
	struct parse p = {.r = r, .name = name, .place = place, .inner = inner, .def = def};
	const struct btf_type *t = btf_type(r, type);
	uint32_t count = btf_vlen(t);

	*def = (struct map_def){.values_offset = MEM_NONE};
	def->row.inner_map = MEM_NONE;
	def->row.section_offset = place;
	for (uint32_t i = 0; i < count; i++) {
		const struct btf_member *member = &btf_members(t)[i];
		const char *attr = btf_name(r, member->name_off);
		int err;

		if (!strcmp(attr, "values") && i != count - 1)
			return BAD_MAP(&p, "values must be the last member");
		err = read_attribute(&p, attr, member, btf_member_bit_offset(t, i) / 8);
		if (err)
			return err;
	}
	if (!def->row.type)
		return BAD_MAP(&p, "has no type: add __uint(type, BPF_MAP_TYPE_...)");
	if (def->row.type == MEM_BPF_MAP_TYPE_ARENA && !(def->row.map_flags & BPF_F_MMAPABLE))
		return BAD_MAP(&p, "an arena needs __uint(map_flags, BPF_F_MMAPABLE)");
	if (!takes_types(def->row.type))
		def->row.key_type = def->row.value_type = 0;
	return 0;
}
