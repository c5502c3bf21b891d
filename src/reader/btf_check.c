/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Is BTF safe to use? libbpf reads it, but older versions trust references between types, and
 * none looks for a type that contains itself. After these checks everything that walks types may
 * follow ids and strings without looking, and recursion ends.
 */
#include "reader/reader.h"

/* The kernel's limit is 32 types in a row; more can't be loaded. */
#define NESTING_MAX 128

#define NAME_LENGTH_MAX 1023 /* characters */

#define KIND_LAST BTF_KIND_ENUM64

/* What each kind consists of behind its struct btf_type. */
static const struct kind_info {
	uint8_t extra;	    /* bytes, once */
	uint8_t per_member; /* bytes, for each of vlen members */
	uint8_t refers;	    /* type->type is a type id */
	uint8_t contains;   /* ... and that type is part of this one */
} kinds[KIND_LAST + 1] = {
	[BTF_KIND_INT] = {.extra = 4},
	[BTF_KIND_PTR] = {.refers = 1},
	[BTF_KIND_ARRAY] = {.extra = sizeof(struct btf_array)},
	[BTF_KIND_STRUCT] = {.per_member = sizeof(struct btf_member)},
	[BTF_KIND_UNION] = {.per_member = sizeof(struct btf_member)},
	[BTF_KIND_ENUM] = {.per_member = sizeof(struct btf_enum)},
	[BTF_KIND_FWD] = {0},
	[BTF_KIND_TYPEDEF] = {.refers = 1, .contains = 1},
	[BTF_KIND_VOLATILE] = {.refers = 1, .contains = 1},
	[BTF_KIND_CONST] = {.refers = 1, .contains = 1},
	[BTF_KIND_RESTRICT] = {.refers = 1, .contains = 1},
	[BTF_KIND_FUNC] = {.refers = 1, .contains = 1},
	[BTF_KIND_FUNC_PROTO] = {.per_member = sizeof(struct btf_param), .refers = 1},
	[BTF_KIND_VAR] = {.extra = sizeof(struct btf_var), .refers = 1, .contains = 1},
	[BTF_KIND_DATASEC] = {.per_member = sizeof(struct btf_var_secinfo)},
	[BTF_KIND_FLOAT] = {0},
	[BTF_KIND_DECL_TAG] = {.extra = sizeof(struct btf_decl_tag), .refers = 1, .contains = 1},
	[BTF_KIND_TYPE_TAG] = {.refers = 1, .contains = 1},
	[BTF_KIND_ENUM64] = {.per_member = sizeof(struct btf_enum64)},
};

/* The blob while it is checked. */
struct blob {
	const struct reader *r;
	const uint8_t *data;
	uint32_t types;	    /* bytes into data of the first type */
	uint32_t types_end; /* bytes into data */
	const char *strings;
	uint32_t strings_size; /* bytes */
	uint8_t *odd;	       /* by offset of a string: it is no name */
	uint32_t count;	       /* ids are below; type 0 is void */
	uint32_t *places;      /* by id: bytes into data */
};

#define BAD_TYPE(blob, id, fmt, ...)                                                               \
	BAD((blob)->r, ".BTF", (blob)->places[id], "type %u " fmt, id, ##__VA_ARGS__)

static const struct btf_type *type_of(const struct blob *blob, uint32_t id)
{
	return (const struct btf_type *)(blob->data + blob->places[id]);
}

/* Size of the type at a place, 0 with a message if it is not one. */
static uint64_t type_size(const struct blob *blob, uint32_t place, uint32_t id)
{
	const struct btf_type *type = (const struct btf_type *)(blob->data + place);
	uint32_t room = blob->types_end - place, kind;
	uint64_t size;

	if (room < sizeof(*type)) {
		BAD(blob->r, ".BTF", place, "type %u is cut off", id);
		return 0;
	}
	kind = btf_kind(type);
	if (!kind || kind > KIND_LAST) {
		UNKNOWN(blob->r, ".BTF", place,
			"type %u is of a kind (%u) that this libmem does not know: compile with an "
			"older clang or install a newer libmem",
			id, kind);
		return 0;
	}
	if (type->info & 0x60ff0000) {
		UNKNOWN(blob->r, ".BTF", place,
			"type %u has more than 65535 members, or is from a newer compiler (0x%x)",
			id, type->info);
		return 0;
	}
	size = sizeof(*type) + kinds[kind].extra +
	       (uint64_t)kinds[kind].per_member * btf_vlen(type);
	if (size > room) {
		BAD(blob->r, ".BTF", place, "type %u is cut off", id);
		return 0;
	}
	return size;
}

static int find_types(struct blob *blob, struct reader *r)
{
	uint32_t place = blob->types;

	/* the smallest type has 12 bytes */
	blob->places = pool_alloc(&r->scratch, (blob->types_end - place) / 12 + 2,
				  sizeof(*blob->places));
	if (!blob->places)
		return reader_no_memory(r);
	blob->count = 1;
	while (place < blob->types_end) {
		uint64_t size = type_size(blob, place, blob->count);

		if (!size)
			return -errno;
		blob->places[blob->count++] = place;
		place += size;
	}
	return 0;
}

/* Names end up in messages and generated headers; the kernel's own limit for them is 512. */
static int find_odd_strings(struct blob *blob, struct reader *r)
{
	uint32_t len = 0; /* characters from here on */
	uint8_t odd = 0;

	blob->odd = pool_alloc(&r->scratch, blob->strings_size, 1);
	if (!blob->odd)
		return reader_no_memory(r);
	for (uint32_t i = blob->strings_size; i-- > 0;) {
		unsigned char c = blob->strings[i];

		len = c ? len + 1 : 0;
		odd = c ? odd || c < ' ' || c == 127 : 0;
		blob->odd[i] = odd || len > NAME_LENGTH_MAX;
	}
	return 0;
}

static int name_ok(const struct blob *blob, uint32_t name_off)
{
	return name_off < blob->strings_size && !blob->odd[name_off];
}

static int id_ok(const struct blob *blob, uint32_t id)
{
	return id < blob->count;
}

/* Members in the order of their offsets, none behind the end; those of a union all at its start. */
static int fields_ok(const struct blob *blob, const struct btf_type *type)
{
	uint32_t last = 0;

	for (uint32_t i = 0; i < btf_vlen(type); i++) {
		const struct btf_member *member = &btf_members(type)[i];
		uint32_t offset = btf_member_bit_offset(type, i);

		if (!name_ok(blob, member->name_off) || !id_ok(blob, member->type))
			return 0;
		if (offset < last || offset > type->size * 8ULL || (offset && btf_is_union(type)))
			return 0;
		last = offset;
	}
	return 1;
}

static int members_ok(const struct blob *blob, const struct btf_type *type)
{
	uint32_t count = btf_vlen(type);

	switch (btf_kind(type)) {
	case BTF_KIND_STRUCT:
	case BTF_KIND_UNION:
		return fields_ok(blob, type);
	case BTF_KIND_ENUM:
		for (const struct btf_enum *e = btf_enum(type); count; e++, count--)
			if (!name_ok(blob, e->name_off))
				return 0;
		return 1;
	case BTF_KIND_ENUM64:
		for (const struct btf_enum64 *e = btf_enum64(type); count; e++, count--)
			if (!name_ok(blob, e->name_off))
				return 0;
		return 1;
	case BTF_KIND_FUNC_PROTO:
		for (const struct btf_param *p = btf_params(type); count; p++, count--)
			if (!name_ok(blob, p->name_off) || !id_ok(blob, p->type))
				return 0;
		return 1;
	default:
		return 1;
	}
}

/* Variables, and the functions that .ksyms declares. */
static int datasec_ok(const struct blob *blob, const struct btf_type *type)
{
	for (uint32_t i = 0; i < btf_vlen(type); i++) {
		uint32_t id = btf_var_secinfos(type)[i].type;

		if (!id || !id_ok(blob, id) ||
		    (!btf_is_var(type_of(blob, id)) && !btf_is_func(type_of(blob, id))))
			return 0;
	}
	return 1;
}

static int check_references(const struct blob *blob, uint32_t id)
{
	const struct btf_type *type = type_of(blob, id);

	/* a tag is any text */
	if (btf_is_decl_tag(type) || btf_is_type_tag(type) ? type->name_off >= blob->strings_size
							   : !name_ok(blob, type->name_off))
		return BAD_TYPE(blob, id, "has no valid name");
	if (kinds[btf_kind(type)].refers && !id_ok(blob, type->type))
		return BAD_TYPE(blob, id, "refers to type %u of %u", type->type, blob->count);
	if (btf_is_array(type) &&
	    (!id_ok(blob, btf_array(type)->type) || !id_ok(blob, btf_array(type)->index_type)))
		return BAD_TYPE(blob, id, "is an array of type %u of %u", btf_array(type)->type,
				blob->count);
	if (btf_is_func(type) && (!type->type || !btf_is_func_proto(type_of(blob, type->type))))
		return BAD_TYPE(blob, id, "is a function without a prototype");
	if (!members_ok(blob, type))
		return BAD_TYPE(blob, id, "has a member that can't be: its name, type or place");
	if (btf_is_datasec(type) && !datasec_ok(blob, type))
		return BAD_TYPE(blob, id, "lists something other than variables");
	return 0;
}

/*
 * The i-th type that a type leads to, 0 at the end. With contains, those it holds by value;
 * otherwise what a declaration spells out: pointers and prototypes as well, but no struct's members.
 */
static uint32_t next_type(const struct btf_type *type, uint32_t i, int contains)
{
	const struct kind_info *kind = &kinds[btf_kind(type)];

	if (btf_is_array(type))
		return i ? 0 : btf_array(type)->type;
	if (contains && btf_is_composite(type))
		return i < btf_vlen(type) ? btf_members(type)[i].type : 0;
	if (!contains && btf_is_func_proto(type) && i)
		return i <= btf_vlen(type) ? btf_params(type)[i - 1].type : 0;
	return !i && kind->refers && (kind->contains || !contains) ? type->type : 0;
}

/* Number of types that next_type() may give; some of them may be 0, void. */
static uint32_t next_count(const struct btf_type *type, int contains)
{
	if (contains && btf_is_composite(type))
		return btf_vlen(type);
	if (!contains && btf_is_func_proto(type))
		return btf_vlen(type) + 1;
	return 1;
}

/* A walk along next_type(), depth first and without recursion: input decides how deep it is. */
struct walk {
	const struct blob *blob;
	int contains; /* of next_type() */
	/* by id: types in the longest row from here on; 0 not known yet, ON_PATH under way */
	uint8_t *lengths;
	uint32_t depth; /* types on the path */
	struct step {
		uint32_t id;
		uint32_t next;	  /* of next_type() */
		uint32_t longest; /* of the lengths behind it so far */
	} path[NESTING_MAX];
};

#define ON_PATH 255

static int enter(struct walk *walk, uint32_t id)
{
	if (walk->depth == NESTING_MAX)
		return BAD_TYPE(walk->blob, id, "is nested more than %u deep", NESTING_MAX);
	walk->lengths[id] = ON_PATH;
	walk->path[walk->depth++] = (struct step){.id = id};
	return 0;
}

static void leave(struct walk *walk)
{
	struct step *step = &walk->path[--walk->depth];
	uint32_t length = step->longest + 1;

	walk->lengths[step->id] = length;
	if (walk->depth && step[-1].longest < length)
		step[-1].longest = length;
}

/* One move: into a type that is not known yet, or back. */
static int move(struct walk *walk)
{
	struct step *step = &walk->path[walk->depth - 1];
	const struct btf_type *type = type_of(walk->blob, step->id);
	uint32_t next;

	if (step->next == next_count(type, walk->contains)) {
		leave(walk);
		return 0;
	}
	next = next_type(type, step->next++, walk->contains);
	if (!next)
		return 0;
	if (walk->lengths[next] == ON_PATH)
		return BAD_TYPE(walk->blob, next, "contains itself");
	if (!walk->lengths[next])
		return enter(walk, next);
	if (walk->depth + walk->lengths[next] > NESTING_MAX)
		return BAD_TYPE(walk->blob, step->id, "is nested more than %u deep", NESTING_MAX);
	if (step->longest < walk->lengths[next])
		step->longest = walk->lengths[next];
	return 0;
}

static int check_loops(const struct blob *blob, struct reader *r, int contains)
{
	struct walk walk = {.blob = blob, .contains = contains};
	int err = 0;

	walk.lengths = pool_alloc(&r->scratch, blob->count, 1);
	if (!walk.lengths)
		return reader_no_memory(r);
	for (uint32_t id = 1; !err && id < blob->count; id++) {
		if (!walk.lengths[id])
			err = enter(&walk, id);
		while (!err && walk.depth)
			err = move(&walk);
	}
	return err;
}

int btf_check(struct reader *r, const uint8_t *data, uint32_t size)
{
	struct blob blob = {.r = r, .data = data};
	struct btf_header header;
	int err;

	memcpy(&header, data, sizeof(header));
	blob.types = header.hdr_len + header.type_off;
	blob.types_end = blob.types + header.type_len;
	blob.strings = (const char *)data + header.hdr_len + header.str_off;
	blob.strings_size = header.str_len;
	if (blob.strings[0] || blob.strings[blob.strings_size - 1])
		return BAD(r, ".BTF", size - blob.strings_size,
			   "strings don't begin and end with NUL");
	err = find_odd_strings(&blob, r);
	err = err ?: find_types(&blob, r);
	for (uint32_t id = 1; !err && id < blob.count; id++)
		err = check_references(&blob, id);
	err = err ?: check_loops(&blob, r, 1);
	return err ?: check_loops(&blob, r, 0);
}
