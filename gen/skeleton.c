/* SPDX-License-Identifier: BSD-2-Clause */
/* What is in a skeleton, and what it is called. skeleton_emit.c prints it. */
#include <bpf/btf.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "error.h"
#include "skeleton.h"
#include "task.h"

/* Members that every generated struct may have, and its functions in C++. */
static const char *const own_members[] = {
	"obj",	"maps",		 "progs",  "links",  "arrays",	"struct_ops", "open",
	"load", "open_and_load", "attach", "detach", "prepare", "destroy",    "elf_bytes",
};

/* ".rodata.str1.1" is rodata_str1_1; a map of the source keeps its name. */
static const char *map_member(struct pool *pool, const struct mem_map_image *map)
{
	const char *name = map->name;
	char *plain;

	if (!(map->flags & MEM_MAP_INTERNAL))
		return name_identifier(pool, name);
	plain = pool_text(pool, name + (*name == '.'), strlen(name + (*name == '.')));
	if (!plain)
		return NULL;
	for (char *c = plain; *c; c++) {
		if (*c == '.')
			*c = '_';
	}
	return name_identifier(pool, plain);
}

static int name_maps(struct skeleton *s, struct pool *pool)
{
	struct scope scope = {.pool = pool};

	s->maps = pool_alloc(pool, s->view->map_count, sizeof(*s->maps));
	if (!s->maps)
		return -ENOMEM;
	for (uint32_t i = 0; i < s->view->map_count; i++) {
		const struct mem_map_image *map = &s->view->maps[i];
		const char *name;

		if (map->flags & (MEM_MAP_PROTOTYPE | MEM_MAP_TASK))
			continue;
		name = map_member(pool, map);
		s->maps[i] = name ? scope_claim(&scope, name) : NULL;
		if (!s->maps[i])
			return -ENOMEM;
		s->map_count++;
	}
	return 0;
}

static int name_progs(struct skeleton *s, struct pool *pool)
{
	struct scope scope = {.pool = pool};

	s->progs = pool_alloc(pool, s->view->prog_count, sizeof(*s->progs));
	if (!s->progs)
		return -ENOMEM;
	for (uint32_t i = 0; i < s->view->prog_count; i++) {
		const char *name = name_identifier(pool, s->view->progs[i].name);

		s->progs[i] = name ? scope_claim(&scope, name) : NULL;
		if (!s->progs[i])
			return -ENOMEM;
	}
	return 0;
}

static bool is_struct_ops(const struct mem_map_image *map)
{
	return map->type == BPF_MAP_TYPE_STRUCT_OPS;
}

/* A link for each program, by its name, and for each struct_ops map. */
static int name_links(struct skeleton *s, struct pool *pool)
{
	uint32_t progs = s->view->prog_count, maps = s->view->map_count;
	struct scope scope = {.pool = pool};

	s->links = pool_alloc(pool, (size_t)progs + maps, sizeof(*s->links));
	if (!s->links)
		return -ENOMEM;
	for (uint32_t i = 0; i < progs + maps; i++) {
		const char *name = i < progs ? s->progs[i] : s->maps[i - progs];

		if (i >= progs && !is_struct_ops(&s->view->maps[i - progs]))
			continue;
		s->links[s->link_count] = scope_claim(&scope, name);
		if (!s->links[s->link_count++])
			return -ENOMEM;
	}
	return 0;
}

/* --- regions: members --- */

static const struct btf_type *datasec(const struct skeleton *s, const struct mem_region_image *row)
{
	const struct btf_type *type = types_get(&s->types, row->type);

	return type && btf_is_datasec(type) && row->kind != MEM_REGION_ARRAY ? type : NULL;
}

/* The struct of a struct_ops variable. */
static const struct btf_type *ops_type(const struct skeleton *s, const struct mem_region_image *row)
{
	const struct btf_type *type = types_get(&s->types, types_strip(&s->types, row->type, true));

	return type && btf_is_struct(type) && row->kind == MEM_REGION_STRUCT_OPS ? type : NULL;
}

/* Scopes of the members that point to regions. */
struct region_scopes {
	struct scope top;
	struct scope arrays;
	struct scope ops;
};

static int name_region(struct skeleton *s, uint32_t i, struct pool *pool,
		       struct region_scopes *scopes)
{
	const struct mem_region_image *row = &s->view->regions[i];
	struct skeleton_region *region = &s->regions[i];
	const char *name = name_identifier(pool, row->name);

	if (!name)
		return -ENOMEM;
	if (row->kind == MEM_REGION_KCONFIG)
		return 0;
	region->is_struct_ops = ops_type(s, row) != NULL;
	if (datasec(s, row) || region->is_struct_ops) {
		region->variables = scope_claim(region->is_struct_ops ? &scopes->ops : &scopes->top,
						name);
		if (!region->variables)
			return -ENOMEM;
		s->ops_count += region->is_struct_ops;
	}
	if (row->kind != MEM_REGION_ARRAY && row->kind != MEM_REGION_ARENA)
		return 0;
	region->data_on_top = row->kind == MEM_REGION_ARENA && !region->variables;
	region->data = scope_claim(region->data_on_top ? &scopes->top : &scopes->arrays, name);
	s->array_count += !region->data_on_top;
	return region->data ? 0 : -ENOMEM;
}

static int name_regions(struct skeleton *s, struct pool *pool)
{
	struct region_scopes scopes = {{.pool = pool}, {.pool = pool}, {.pool = pool}};

	for (size_t i = 0; i < sizeof(own_members) / sizeof(own_members[0]); i++) {
		if (!scope_claim(&scopes.top, own_members[i]))
			return -ENOMEM;
	}
	s->regions = pool_alloc(pool, s->view->region_count, sizeof(*s->regions));
	if (!s->regions)
		return -ENOMEM;
	for (uint32_t i = 0; i < s->view->region_count; i++) {
		int err = name_region(s, i, pool, &scopes);

		if (err)
			return err;
	}
	return 0;
}

/* Names in the scope of the file, before types take theirs. */
static int name_structs(struct skeleton *s, struct pool *pool)
{
	const char *owner = name_printf(pool, "%s__unique", s->name);

	/* a type of the skeleton's own, in C++ */
	if (!owner || !scope_claim(&s->types.tags, owner))
		return -ENOMEM;
	for (uint32_t i = 0; i < s->view->region_count; i++) {
		struct skeleton_region *region = &s->regions[i];
		const char *name = region->variables ? region->variables : region->data;

		if (!name)
			continue;
		name = name_printf(pool, "%s__%s", s->name, name);
		region->struct_name = name ? scope_claim(&s->types.tags, name) : NULL;
		if (!region->struct_name)
			return -ENOMEM;
	}
	return 0;
}

/* --- regions: contents --- */

static int compare_offsets(const void *a, const void *b)
{
	const struct btf_var_secinfo *const *left = a, *const *right = b;

	if ((*left)->offset != (*right)->offset)
		return (*left)->offset < (*right)->offset ? -1 : 1;
	/* an empty variable shares its offset with the one behind it */
	if (!(*left)->size != !(*right)->size)
		return (*left)->size ? 1 : -1;
	return (*left < *right) ? -1 : *left > *right;
}

static struct btf_var_secinfo **sorted_variables(const struct btf_type *section, struct pool *pool)
{
	uint32_t n = btf_vlen(section);
	struct btf_var_secinfo **sorted = pool_alloc(pool, n, sizeof(struct btf_var_secinfo *));

	if (!sorted)
		return NULL;
	for (uint32_t i = 0; i < n; i++)
		sorted[i] = btf_var_secinfos(section) + i;
	qsort(sorted, n, sizeof(*sorted), compare_offsets);
	return sorted;
}

static int read_variables(struct skeleton *s, const struct mem_region_image *row,
			  struct skeleton_region *region, struct pool *pool)
{
	const struct btf_type *section = datasec(s, row);
	struct btf_var_secinfo **sorted = sorted_variables(section, pool);
	struct record *record = pool_alloc(pool, 1, sizeof(*record));

	if (!sorted || !record)
		return -ENOMEM;
	record->fields = pool_alloc(pool, btf_vlen(section), sizeof(*record->fields));
	if (!record->fields)
		return -ENOMEM;
	record->size = row->size;
	for (uint32_t i = 0; i < btf_vlen(section); i++) {
		const struct btf_type *var = types_get(&s->types, sorted[i]->type);
		struct field *field = &record->fields[record->count];
		int err;

		/* what a broken section has beyond its end is not in the memory either */
		if (!var || !btf_is_var(var) ||
		    (uint64_t)sorted[i]->offset + sorted[i]->size > row->size)
			continue;
		field->raw = types_raw_name(&s->types, var);
		field->type = var->type;
		field->offset = 8 * (uint64_t)sorted[i]->offset;
		field->bits = 8 * (uint64_t)sorted[i]->size;
		err = types_reach(&s->types, var->type);
		if (err)
			return err;
		record->count++;
	}
	region->record = record;
	return 0;
}

/* A member that points to a function holds the program that is called. */
static bool is_callback(const struct types *types, uint32_t id)
{
	const struct btf_type *type = types_get(types, types_strip(types, id, true));

	if (!type || !btf_is_ptr(type))
		return false;
	type = types_get(types, types_strip(types, type->type, true));
	return type && btf_is_func_proto(type);
}

/* Only what the members hold is defined: the struct itself is the kernel's, and ours differs. */
static int reach_ops(struct skeleton *s, const struct mem_region_image *row)
{
	const struct btf_type *type = ops_type(s, row);
	int err = 0;

	for (uint32_t i = 0; !err && i < btf_vlen(type); i++) {
		if (!is_callback(&s->types, btf_members(type)[i].type))
			err = types_reach(&s->types, btf_members(type)[i].type);
	}
	return err;
}

/* The variable's own version of the struct, with programs as callbacks. */
static int read_ops(struct skeleton *s, const struct mem_region_image *row,
		    struct skeleton_region *region, struct pool *pool)
{
	uint32_t id = types_strip(&s->types, row->type, true);
	int err = types_layout_composite(&s->types, id);
	struct record *record = pool_alloc(pool, 1, sizeof(*record));

	if (err || !record)
		return -ENOMEM;
	*record = *s->types.info[id].record;
	record->fields = pool_alloc(pool, record->count, sizeof(*record->fields));
	if (!record->fields)
		return -ENOMEM;
	for (uint32_t i = 0; i < record->count; i++) {
		record->fields[i] = s->types.info[id].record->fields[i];
		record->fields[i].callback = is_callback(&s->types, record->fields[i].type);
	}
	region->record = record;
	return types_name_fields(&s->types, record, false);
}

static int read_regions(struct skeleton *s, struct pool *pool)
{
	for (uint32_t i = 0; i < s->view->region_count; i++) {
		const struct mem_region_image *row = &s->view->regions[i];
		int err = 0;

		if (s->regions[i].is_struct_ops)
			err = reach_ops(s, row);
		else if (s->regions[i].variables)
			err = read_variables(s, row, &s->regions[i], pool);
		else if (row->kind == MEM_REGION_ARRAY && row->type)
			err = types_reach(&s->types, row->type);
		if (err)
			return err;
	}
	return 0;
}

/* After the layout of types is known. */
static void choose_element(struct skeleton *s, const struct mem_region_image *row,
			   struct skeleton_region *region)
{
	uint32_t id = types_strip(&s->types, row->type, true), align;
	const struct btf_type *type = types_get(&s->types, id);
	uint64_t size;

	region->stride = (s->view->maps[row->map].value_size + 7) & ~7U;
	if (!types_measure(&s->types, row->type, &size, &align) || size > region->stride ||
	    (size < region->stride && align > 8))
		region->element = ELEMENT_BYTES;
	else if (size != region->stride)
		region->element = ELEMENT_PADDED;
	else if (btf_is_composite(type) && !s->types.info[id].named_by &&
		 !*types_raw_name(&s->types, type))
		region->element = ELEMENT_STRUCT;
	else
		region->element = ELEMENT_TYPE;
}

static int finish_regions(struct skeleton *s, struct pool *pool)
{
	for (uint32_t i = 0; i < s->view->region_count; i++) {
		struct skeleton_region *region = &s->regions[i];
		int err = 0;

		if (s->view->regions[i].kind == MEM_REGION_ARRAY)
			choose_element(s, &s->view->regions[i], region);
		if (region->is_struct_ops) {
			err = read_ops(s, &s->view->regions[i], region, pool);
		} else if (region->record) {
			types_layout_section(&s->types, region->record);
			err = types_name_fields(&s->types, region->record, false);
		}
		if (err)
			return err;
	}
	return 0;
}

static bool has_arena(const struct image_view *view)
{
	for (uint32_t i = 0; i < view->region_count; i++) {
		if (view->regions[i].kind == MEM_REGION_ARENA)
			return true;
	}
	return false;
}

int skeleton_init(struct skeleton *s, const struct image_view *view, const struct btf *btf,
		  struct pool *pool, const struct type_policy *policy, const char *file)
{
	int err;

	memset(s, 0, sizeof(*s));
	s->name = policy->name;
	s->file = file;
	s->view = view;
	err = types_init(&s->types, btf, pool, policy, has_arena(view));
	if (!err)
		err = name_maps(s, pool);
	if (!err)
		err = name_progs(s, pool);
	if (!err)
		err = name_links(s, pool);
	if (!err)
		err = name_regions(s, pool);
	if (!err)
		err = name_structs(s, pool);
	if (!err)
		err = read_regions(s, pool);
	if (!err)
		err = task_reach(&s->types, view);
	if (!err)
		err = exports_reach(s);
	if (!err)
		err = types_finish(&s->types);
	if (!err)
		err = finish_regions(s, pool);
	exports_measure(s);
	return err == -ENOMEM ? mem__error(ENOMEM, "out of memory") : err;
}
