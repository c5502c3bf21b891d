/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the object expects the kernel to supply: undefined symbols, declared in BTF as members of
 * .ksyms (functions and variables of the kernel) or .kconfig (its configuration). Configuration
 * values get a place in a region of their own.
 */
#include <stdlib.h>

#include "reader/reader.h"

/* A declaration in BTF. */
struct declaration {
	const char *name;
	uint32_t id; /* BTF id of the VAR or FUNC */
	int kconfig;
	uint32_t ext; /* externs row, MEM_NONE as long as no symbol was found */
};

/* A configuration value while it gets its place. */
struct value {
	const struct mem_extern_image *ext;
	uint32_t row;	/* externs row */
	uint32_t align; /* bytes */
};

static int by_name(const void *a, const void *b)
{
	const struct declaration *x = a, *y = b;
	int order = strcmp(x->name, y->name);

	return order ? order : (x->id > y->id) - (x->id < y->id);
}

static int list_datasec(struct reader *r, struct rows *list, uint32_t id, int kconfig)
{
	const struct btf_type *datasec = btf_type(r, id);

	for (uint32_t i = 0; i < btf_vlen(datasec); i++) {
		uint32_t member = btf_var_secinfos(datasec)[i].type;
		struct declaration *decl = reader_rows(r, list, 1, sizeof(*decl));

		if (!decl)
			return -ENOMEM;
		*decl = (struct declaration){
			.name = btf_name(r, btf_type(r, member)->name_off),
			.id = member,
			.kconfig = kconfig,
			.ext = MEM_NONE,
		};
	}
	return 0;
}

/* All declarations, sorted by name. */
static int list_declarations(struct reader *r, struct rows *list)
{
	struct declaration *decls;
	int err = 0;

	for (uint32_t id = 1; !err && id < r->type_count; id++) {
		const struct btf_type *type = btf_type(r, id);
		const char *name;

		if (!btf_is_datasec(type))
			continue;
		name = btf_name(r, type->name_off);
		if (!strcmp(name, ".ksyms"))
			err = list_datasec(r, list, id, 0);
		else if (!strcmp(name, ".kconfig"))
			err = list_datasec(r, list, id, 1);
	}
	if (err || !list->count)
		return err;
	decls = list->data;
	qsort(decls, list->count, sizeof(*decls), by_name);
	for (uint32_t i = 1; i < list->count; i++)
		if (!strcmp(decls[i].name, decls[i - 1].name))
			return BAD(r, ".BTF", btf_place(r, decls[i].id),
				   "extern %s is declared twice", decls[i].name);
	return 0;
}

/* "task_acquire___old" stands for another version of task_acquire. */
static size_t length_without_flavor(const char *name)
{
	size_t len = strlen(name);

	for (size_t i = len < 5 ? 0 : len - 4; i-- > 0;)
		if (name[i] != '_' && !strncmp(name + i + 1, "___", 3) && name[i + 4] != '_')
			return i + 1;
	return len;
}

static uint32_t kcfg_kind(const struct reader *r, uint32_t id, uint32_t *is_signed)
{
	const struct btf_type *type = btf_skip_modifiers(r, id, NULL);
	uint32_t encoding, element_signed;

	*is_signed = 0;
	if (!type)
		return 0;
	switch (btf_kind(type)) {
	case BTF_KIND_INT:
		encoding = btf_int_encoding(type);
		if (encoding & BTF_INT_BOOL)
			return type->size == 1 ? MEM_KCFG_BOOL : 0;
		*is_signed = !!(encoding & BTF_INT_SIGNED);
		if (type->size == 1)
			return MEM_KCFG_CHAR;
		return type->size == 2 || type->size == 4 || type->size == 8 ? MEM_KCFG_INT : 0;
	case BTF_KIND_ENUM:
		return type->size == 4 && !strcmp(btf_name(r, type->name_off), "libbpf_tristate")
			       ? MEM_KCFG_TRISTATE
			       : 0;
	case BTF_KIND_ARRAY:
		return btf_array(type)->nelems && kcfg_kind(r, btf_array(type)->type,
							    &element_signed) == MEM_KCFG_CHAR
			       ? MEM_KCFG_CHAR_ARR
			       : 0;
	default:
		return 0;
	}
}

static int fill_kconfig(struct reader *r, const struct declaration *decl, uint32_t type,
			struct mem_extern_image *ext)
{
	int64_t size = btf__resolve_size(r->btf, type);

	ext->kind = MEM_EXTERN_KCONFIG;
	ext->kcfg_kind = kcfg_kind(r, type, &ext->kcfg_signed);
	if (!ext->kcfg_kind || size <= 0 || size > 4096)
		return UNKNOWN(r, ".BTF", btf_place(r, decl->id),
			       "%s: a configuration value is an integer, bool, char array or enum "
			       "libbpf_tristate",
			       decl->name);
	ext->kcfg_size = size;
	return 0;
}

static int fill_extern(struct reader *r, const struct declaration *decl,
		       struct mem_extern_image *ext)
{
	const struct btf_type *type = btf_type(r, decl->id);

	if (btf_is_func(type)) {
		if (decl->kconfig)
			return BAD(r, ".BTF", btf_place(r, decl->id), "function %s in .kconfig",
				   decl->name);
		ext->kind = MEM_EXTERN_KFUNC;
		ext->type = decl->id;
		return 0;
	}
	btf_skip_modifiers(r, type->type, &ext->type);
	if (decl->kconfig)
		return fill_kconfig(r, decl, ext->type, ext);
	ext->kind = ext->type ? MEM_EXTERN_KSYM : MEM_EXTERN_KSYM_ADDR;
	return 0;
}

static int add_extern(struct reader *r, uint32_t index, const struct rows *decls)
{
	struct symbol *symbol = &r->symbols[index];
	struct declaration key = {.name = symbol->name}, *decl = NULL;
	struct mem_extern_image *ext;
	const char *table = r->sections[r->symbol_section].name;

	for (uint32_t low = 0, high = decls->count; low < high && !decl;) {
		uint32_t mid = low + (high - low) / 2;
		struct declaration *middle = &((struct declaration *)decls->data)[mid];
		int order = strcmp(key.name, middle->name);

		if (!order)
			decl = middle;
		else if (order < 0)
			high = mid;
		else
			low = mid + 1;
	}
	if (!decl)
		return BAD(r, table, index * sizeof(Elf64_Sym),
			   "undefined symbol %s: link the file that defines it (memgen link), or "
			   "declare it __ksym or __kconfig",
			   symbol->name);
	if (decl->ext != MEM_NONE)
		return BAD(r, table, index * sizeof(Elf64_Sym), "a second symbol %s", symbol->name);
	symbol->ext = decl->ext = r->externs.count;
	ext = ADD_ROWS(r, externs, 1, struct mem_extern_image);
	if (!ext)
		return -ENOMEM;
	ext->name = reader_text(r, decl->name, length_without_flavor(decl->name));
	ext->flags = symbol->bind == STB_WEAK ? MEM_EXTERN_WEAK : 0;
	if (!ext->name)
		return -ENOMEM;
	return tasks_fill_extern(r, decl->name, ext) ? 0 : fill_extern(r, decl, ext);
}

/* Large alignment first, so that nothing is lost between values; as libbpf does. */
static int by_alignment(const void *a, const void *b)
{
	const struct value *x = a, *y = b;

	if (x->align != y->align)
		return x->align > y->align ? -1 : 1;
	if (x->ext->kcfg_size != y->ext->kcfg_size)
		return x->ext->kcfg_size < y->ext->kcfg_size ? -1 : 1;
	return strcmp(x->ext->name, y->ext->name) ?: (x->row > y->row) - (x->row < y->row);
}

static int place_values(struct reader *r)
{
	struct value *values = pool_alloc(&r->scratch, r->externs.count, sizeof(*values));
	uint32_t count = 0, offset = 0, align = 1;

	if (!values)
		return reader_no_memory(r);
	for (uint32_t i = 0; i < r->externs.count; i++) {
		const struct mem_extern_image *ext = ROW(r, externs, i, struct mem_extern_image);

		if (ext->kind != MEM_EXTERN_KCONFIG)
			continue;
		values[count++] = (struct value){
			.ext = ext,
			.row = i,
			.align = ext->kcfg_kind == MEM_KCFG_CHAR_ARR ? 1 : ext->kcfg_size,
		};
	}
	if (!count)
		return 0;
	qsort(values, count, sizeof(*values), by_alignment);
	for (uint32_t i = 0; i < count; i++) {
		struct mem_extern_image *ext = ROW(r, externs, values[i].row,
						   struct mem_extern_image);

		offset = (offset + values[i].align - 1) / values[i].align * values[i].align;
		ext->kcfg_offset = offset;
		offset += ext->kcfg_size;
		align = values[i].align > align ? values[i].align : align;
	}
	return data_read_kconfig(r, offset, align);
}

static int by_offset(const void *a, const void *b)
{
	const struct btf_var_secinfo *x = a, *y = b;

	return (x->offset > y->offset) - (x->offset < y->offset);
}

/* Variables of .kconfig where their values are. */
static int patch_kconfig(struct reader *r, struct btf_type *datasec, const uint32_t *ext_of)
{
	struct btf_var_secinfo *infos = btf_var_secinfos(datasec);
	uint32_t end = 0;

	for (uint32_t i = 0; i < btf_vlen(datasec); i++) {
		const struct mem_extern_image *ext;
		uint32_t row = ext_of[infos[i].type];

		if (row == MEM_NONE)
			return BAD(r, ".BTF", btf_place(r, infos[i].type),
				   "no symbol for extern %s",
				   btf_name(r, btf_type(r, infos[i].type)->name_off));
		ext = ROW(r, externs, row, struct mem_extern_image);
		infos[i].offset = ext->kcfg_offset;
		infos[i].size = ext->kcfg_size;
		end = ext->kcfg_offset + ext->kcfg_size > end ? ext->kcfg_offset + ext->kcfg_size
							      : end;
	}
	datasec->size = end;
	qsort(infos, btf_vlen(datasec), sizeof(*infos), by_offset);
	return 0;
}

/* Members of .ksyms as ints in a row: the kernel wants to see variables with sizes. */
static void patch_ksyms(struct reader *r, struct btf_type *datasec)
{
	for (uint32_t i = 0; i < btf_vlen(datasec); i++) {
		struct btf_var_secinfo *info = &btf_var_secinfos(datasec)[i];
		struct btf_type *type = btf_type(r, info->type);

		if (btf_is_func(type))
			info->type = r->dummy_var;
		else
			type->type = r->int_type;
		info->offset = i * 4;
		info->size = 4;
	}
	datasec->size = btf_vlen(datasec) * 4;
}

static int patch_btf(struct reader *r, const struct rows *list)
{
	const struct declaration *decls = list->data;
	uint32_t *ext_of = pool_alloc(&r->scratch, r->type_count, sizeof(*ext_of));
	int err = 0;

	if (!ext_of)
		return reader_no_memory(r);
	memset(ext_of, 0xff, r->type_count * sizeof(*ext_of));
	for (uint32_t i = 0; i < list->count; i++)
		ext_of[decls[i].id] = decls[i].ext;
	for (uint32_t id = 1; !err && id < r->type_count; id++) {
		struct btf_type *type = btf_type(r, id);

		if (!btf_is_datasec(type))
			continue;
		if (!strcmp(btf_name(r, type->name_off), ".ksyms"))
			patch_ksyms(r, type);
		else if (!strcmp(btf_name(r, type->name_off), ".kconfig"))
			err = patch_kconfig(r, type, ext_of);
	}
	return err;
}

int externs_read(struct reader *r)
{
	struct rows decls = {0};
	int err = list_declarations(r, &decls);

	for (uint32_t i = 1; !err && i < r->symbol_count; i++)
		if (elf_is_extern(&r->symbols[i]) && *r->symbols[i].name)
			err = add_extern(r, i, &decls);
	if (!err && r->externs.count)
		err = place_values(r);
	if (!err && decls.count)
		err = patch_btf(r, &decls);
	return err;
}
