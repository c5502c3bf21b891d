/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The object's BTF, and the copy of it that the kernel is given.
 *
 * Compilers leave to the linker what they can't know: section sizes, offsets of variables. What
 * declares things of the kernel (.ksyms, .kconfig) is written in a way the kernel's own checks
 * refuse. Both are put right here, in a copy: types are found by libbpf and changed at the same
 * place of the copy. Nothing depends on the kernel's version; that is the loader's part.
 */
#include <bpf/libbpf.h>
#include <stdlib.h>

#include "reader/reader.h"

#define KFUNC_DUMMY "dummy_ksym"

uint32_t btf_place(const struct reader *r, uint32_t id)
{
	const struct btf_type *type = r->btf ? btf__type_by_id(r->btf, id) : NULL;
	uint32_t size;

	if (!id || !type)
		return 0;
	return (const uint8_t *)type - (const uint8_t *)btf__raw_data(r->btf, &size);
}

struct btf_type *btf_type(const struct reader *r, uint32_t id)
{
	if (!id || id >= r->type_count)
		return NULL;
	return (struct btf_type *)(r->btf_copy + btf_place(r, id));
}

const char *btf_name(const struct reader *r, uint32_t name_off)
{
	const char *name = btf__str_by_offset(r->btf, name_off);

	return name ? name : "";
}

static int is_modifier(const struct btf_type *type)
{
	return btf_is_mod(type) || btf_is_typedef(type);
}

const struct btf_type *btf_skip_modifiers(const struct reader *r, uint32_t type, uint32_t *id)
{
	const struct btf_type *t = btf_type(r, type);

	/* btf_check() made sure that no chain comes back to itself */
	while (t && is_modifier(t)) {
		type = t->type;
		t = btf_type(r, type);
	}
	if (id)
		*id = type;
	return t;
}

/* Structs that the kernel puts under a map's own management: such a map can't be mapped. */
static const char *const kernel_structs[] = {
	"bpf_spin_lock", "bpf_res_spin_lock", "bpf_timer",   "bpf_wq",	     "bpf_list_head",
	"bpf_list_node", "bpf_rb_root",	      "bpf_rb_node", "bpf_refcount", "bpf_task_work",
};

static const char *const kernel_tags[] = {"kptr", "kptr_untrusted", "percpu_kptr", "uptr"};

static int is_one_of(const char *name, const char *const *names, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (!strcmp(name, names[i]))
			return 1;
	return 0;
}

#define IS_ONE_OF(name, names) is_one_of(name, names, sizeof(names) / sizeof((names)[0]))

static int is_kernel_pointer(const struct reader *r, const struct btf_type *pointer)
{
	const struct btf_type *tag = btf_type(r, pointer->type);

	return tag && btf_is_type_tag(tag) && IS_ONE_OF(btf_name(r, tag->name_off), kernel_tags);
}

enum { NOT_KNOWN, HAS_NONE, HAS_SOME };

/* Whether a struct or union has them; each is looked at once, however many ways lead to it. */
static int struct_has_fields(const struct reader *r, uint32_t id)
{
	const struct btf_type *type = btf_type(r, id);
	uint8_t *known = &r->kernel_fields[id];

	if (*known != NOT_KNOWN)
		return *known == HAS_SOME;
	*known = HAS_NONE;
	if (btf_is_struct(type) && IS_ONE_OF(btf_name(r, type->name_off), kernel_structs))
		*known = HAS_SOME;
	for (uint32_t i = 0; *known == HAS_NONE && i < btf_vlen(type); i++)
		if (btf_has_kernel_fields(r, btf_members(type)[i].type))
			*known = HAS_SOME;
	return *known == HAS_SOME;
}

int btf_has_kernel_fields(const struct reader *r, uint32_t id)
{
	const struct btf_type *type = btf_skip_modifiers(r, id, &id);

	while (type && btf_is_array(type))
		type = btf_skip_modifiers(r, btf_array(type)->type, &id);
	if (!type)
		return 0;
	if (btf_is_ptr(type))
		return is_kernel_pointer(r, type);
	return btf_is_composite(type) && struct_has_fields(r, id);
}

/*
 * Linux 7.1's compilers put the layout of the kinds behind the header. Without it the rest is
 * what it always was, so that a libbpf which does not know the longer header can read it.
 */
static int shorten_header(struct reader *r, const struct section *section, uint8_t **data,
			  uint32_t *size)
{
	struct btf_header header;
	uint32_t place;
	uint8_t *copy;

	memcpy(&header, section->data, sizeof(header));
	*size = sizeof(header) + header.type_len + header.str_len;
	copy = pool_alloc(&r->scratch, *size, 1);
	if (!copy)
		return reader_no_memory(r);
	place = header.hdr_len + header.type_off;
	memcpy(copy + sizeof(header), section->data + place, header.type_len);
	place = header.hdr_len + header.str_off;
	memcpy(copy + sizeof(header) + header.type_len, section->data + place, header.str_len);
	header.hdr_len = sizeof(header);
	header.type_off = 0;
	header.str_off = header.type_len;
	memcpy(copy, &header, sizeof(header));
	*data = copy;
	return 0;
}

static int check_header(const struct reader *r, const struct section *section)
{
	struct btf_header header;
	uint64_t room;

	if (section->size < sizeof(header))
		return BAD(r, section->name, 0, "only %llu bytes",
			   (unsigned long long)section->size);
	memcpy(&header, section->data, sizeof(header));
	if (header.magic == __builtin_bswap16(BTF_MAGIC))
		return BAD(r, section->name, 0, "made for the other byte order");
	if (header.magic != BTF_MAGIC)
		return BAD(r, section->name, 0, "magic number 0x%x is not that of BTF",
			   header.magic);
	if (header.version != BTF_VERSION || header.flags)
		return UNKNOWN(r, section->name, 2, "BTF version %u with flags 0x%x is not known",
			       header.version, header.flags);
	if (header.hdr_len < sizeof(header) || header.hdr_len > section->size)
		return BAD(r, section->name, offsetof(struct btf_header, hdr_len),
			   "a header of %u bytes", header.hdr_len);
	room = section->size - header.hdr_len;
	if (header.type_off % 4 || (uint64_t)header.type_off + header.type_len > room)
		return BAD(r, section->name, offsetof(struct btf_header, type_off),
			   "%u bytes of types at %u are not in the section", header.type_len,
			   header.type_off);
	if (!header.str_len || (uint64_t)header.str_off + header.str_len > room)
		return BAD(r, section->name, offsetof(struct btf_header, str_off),
			   "%u bytes of strings at %u are not in the section", header.str_len,
			   header.str_off);
	return 0;
}

static int parse(struct reader *r, const void *data, uint32_t size)
{
	btf__free(r->btf);
	r->btf = btf__new(data, size);
	if (r->btf)
		return 0;
	if (errno == ENOMEM)
		return reader_no_memory(r);
	return BAD(r, ".BTF", 0, "libbpf %s can't read it: %s", libbpf_version_string(),
		   strerror(errno));
}

static int has_func(const struct btf *btf, const struct btf_type *datasec)
{
	for (uint32_t i = 0; i < btf_vlen(datasec); i++)
		if (btf_is_func(btf__type_by_id(btf, btf_var_secinfos(datasec)[i].type)))
			return 1;
	return 0;
}

/* What .ksyms declares, if the object has it. */
static void find_ksyms(const struct btf *btf, int *funcs, int *vars)
{
	*funcs = *vars = 0;
	for (uint32_t id = 1; id < btf__type_cnt(btf); id++) {
		const struct btf_type *type = btf__type_by_id(btf, id);

		if (!btf_is_datasec(type) ||
		    strcmp(btf__str_by_offset(btf, type->name_off), ".ksyms"))
			continue;
		*vars = 1;
		*funcs = has_func(btf, type);
	}
}

static uint32_t find_int(const struct btf *btf)
{
	for (uint32_t id = 1; id < btf__type_cnt(btf); id++) {
		const struct btf_type *type = btf__type_by_id(btf, id);

		if (btf_is_int(type) && type->size == 4 && btf_int_bits(type) == 32)
			return id;
	}
	return 0;
}

/*
 * The kernel takes only variables in a DATASEC, and only of known size: an int for each variable
 * of .ksyms, and one for all its functions.
 */
static int add_dummies(struct reader *r)
{
	uint32_t size, count = btf__type_cnt(r->btf);
	int funcs, vars, id;
	const void *raw;
	void *copy;

	find_ksyms(r->btf, &funcs, &vars);
	if (!vars)
		return 0;
	id = find_int(r->btf);
	if (!id)
		id = btf__add_int(r->btf, "int", 4, BTF_INT_SIGNED);
	r->int_type = id;
	if (id > 0 && funcs)
		r->dummy_var = id = btf__add_var(r->btf, KFUNC_DUMMY, BTF_VAR_GLOBAL_ALLOCATED,
						 r->int_type);
	if (id < 0)
		return reader_no_memory(r);
	if (btf__type_cnt(r->btf) == count)
		return 0;
	raw = btf__raw_data(r->btf, &size);
	copy = raw ? pool_alloc(&r->scratch, size, 1) : NULL;
	if (!copy)
		return reader_no_memory(r);
	memcpy(copy, raw, size);
	/* a fresh parse: one that was added to keeps its types apart from its raw data */
	return parse(r, copy, size);
}

int btf_read(struct reader *r)
{
	uint32_t index = elf_find_section(r, ".BTF"), size;
	const struct section *section = &r->sections[index];
	const void *raw;
	uint8_t *data = NULL;
	int err;

	if (!index || section->kind != SECTION_BTF)
		return 0;
	err = check_header(r, section);
	err = err ?: shorten_header(r, section, &data, &size);
	err = err ?: btf_check(r, data, size);
	err = err ?: parse(r, data, size);
	err = err ?: add_dummies(r);
	if (err)
		return err;
	raw = btf__raw_data(r->btf, &r->btf_size);
	r->btf_copy = raw ? pool_alloc(r->pool, r->btf_size, 1) : NULL;
	if (!r->btf_copy)
		return reader_no_memory(r);
	memcpy(r->btf_copy, raw, r->btf_size);
	r->type_count = btf__type_cnt(r->btf);
	r->kernel_fields = pool_alloc(&r->scratch, r->type_count, 1);
	return r->kernel_fields ? 0 : reader_no_memory(r);
}

/* A variable without a byte lies in front of the one at its place. */
static int by_offset(const void *a, const void *b)
{
	const struct btf_var_secinfo *x = a, *y = b;

	if (x->offset != y->offset)
		return x->offset < y->offset ? -1 : 1;
	if (!x->size != !y->size)
		return x->size ? 1 : -1;
	return (x->type > y->type) - (x->type < y->type);
}

/* The static variables of a section by name, where the compiler left their places to the symbols. */
struct statics {
	const struct symbol **symbols;
	uint32_t count;
};

static int by_name(const void *a, const void *b)
{
	const struct symbol *const *x = a, *const *y = b;

	return strcmp((*x)->name, (*y)->name);
}

static int is_static_of(const struct symbol *symbol, uint32_t section)
{
	return symbol->section == section && symbol->type == STT_OBJECT && symbol->bind == STB_LOCAL;
}

/* clang knows where static variables are and says so; gcc says 0 of each. */
static int find_statics(struct reader *r, uint32_t section, const struct btf_type *datasec,
			struct statics *statics)
{
	uint32_t count = 0;

	for (uint32_t i = 0; i < btf_vlen(datasec); i++)
		if (btf_var_secinfos(datasec)[i].offset && !btf_is_astray(&btf_var_secinfos(datasec)[i]))
			return 0;
	/* room for those alone: thousands of sections with thousands of symbols would take gigabytes */
	for (uint32_t i = 1; i < r->symbol_count; i++)
		count += is_static_of(&r->symbols[i], section);
	if (!count)
		return 0;
	statics->symbols = pool_alloc(&r->scratch, count, sizeof(*statics->symbols));
	if (!statics->symbols)
		return reader_no_memory(r);
	for (uint32_t i = 1; i < r->symbol_count; i++)
		if (is_static_of(&r->symbols[i], section))
			statics->symbols[statics->count++] = &r->symbols[i];
	qsort(statics->symbols, statics->count, sizeof(*statics->symbols), by_name);
	return 0;
}

static void fix_static(const struct statics *statics, const char *name, struct btf_var_secinfo *info)
{
	const struct symbol key = {.name = name}, *wanted = &key, **found = NULL;

	if (statics->count)
		found = bsearch(&wanted, statics->symbols, statics->count, sizeof(*found), by_name);
	if (found && (*found)->value <= UINT32_MAX)
		info->offset = (*found)->value;
}

#define DEFINED_ELSEWHERE "%s, of section %s, is defined in another file: link both with memgen link"

/*
 * Offset of a variable, and whether others may see it, from its symbol. What a linker has filled in
 * already is right for static variables only: older ones count from the start of each input file.
 */
static int fix_variable(struct reader *r, uint32_t section, const struct statics *statics,
			struct btf_var_secinfo *info)
{
	struct btf_type *type = btf_type(r, info->type);
	const struct symbol *symbol;
	struct btf_var *var;
	const char *name;

	if (!type || !btf_is_var(type))
		return BAD(r, ".BTF", btf_place(r, info->type), "type %u in %s is not a variable",
			   info->type, r->sections[section].name);
	if (btf_is_astray(info))
		return 0;
	var = btf_var(type);
	name = btf_name(r, type->name_off);
	if (var->linkage == BTF_VAR_STATIC) {
		fix_static(statics, name, info);
		return 0;
	}
	symbol = elf_find_global(r, name);
	if (!symbol && var->linkage == BTF_VAR_GLOBAL_EXTERN)
		return BAD(r, ".BTF", btf_place(r, info->type), DEFINED_ELSEWHERE, name,
			   r->sections[section].name);
	if (!symbol || symbol->type != STT_OBJECT || symbol->section != section)
		return BAD(r, ".BTF", btf_place(r, info->type), "variable %s is not in section %s",
			   name, r->sections[section].name);
	if (symbol->value > UINT32_MAX)
		return BAD(r, r->sections[section].name, symbol->value,
			   "variable %s is past the section's end", name);
	info->offset = symbol->value;
	if (symbol->visibility == STV_HIDDEN || symbol->visibility == STV_INTERNAL)
		var->linkage = BTF_VAR_STATIC;
	return 0;
}

static int check_variables(const struct reader *r, uint32_t section, struct btf_type *datasec)
{
	const char *name = r->sections[section].name;
	uint64_t end = 0;

	for (uint32_t i = 0; i < btf_vlen(datasec); i++) {
		const struct btf_var_secinfo *info = &btf_var_secinfos(datasec)[i];
		const char *var = btf_name(r, btf_type(r, info->type)->name_off);

		if (btf_is_astray(info))
			continue;
		if ((uint64_t)info->offset + info->size > r->sections[section].size)
			return BAD(r, name, info->offset,
				   "variable %s of %u bytes ends past the section's %llu", var,
				   info->size, (unsigned long long)r->sections[section].size);
		if (info->offset < end)
			return BAD(r, name, info->offset, "variable %s overlaps the one before it",
				   var);
		end = (uint64_t)info->offset + info->size;
	}
	return 0;
}

/* Lists of what is defined elsewhere, or has no byte, have no section. */
static int check_absent(struct reader *r, uint32_t id, struct btf_type *datasec)
{
	const char *name = btf_name(r, datasec->name_off);
	uint32_t first = btf_vlen(datasec) ? btf_var_secinfos(datasec)->type : 0;
	const struct btf_type *type = btf_type(r, first);

	if (type && btf_is_var(type) && btf_var(type)->linkage == BTF_VAR_GLOBAL_EXTERN)
		return BAD(r, ".BTF", btf_place(r, first), DEFINED_ELSEWHERE, btf_name(r, type->name_off), name);
	if (btf_is_list_of_nothing(datasec))
		return 0;
	return BAD(r, ".BTF", btf_place(r, id), "there is no section %s with contents", name);
}

static int fix_datasec(struct reader *r, uint32_t id, struct btf_type *datasec)
{
	const char *name = btf_name(r, datasec->name_off);
	uint32_t section = elf_find_section(r, name);
	struct btf_var_secinfo *infos = btf_var_secinfos(datasec);
	struct statics statics = {0};
	int err;

	/* what the kernel supplies is placed by externs.c */
	if (!strcmp(name, ".ksyms") || !strcmp(name, ".kconfig"))
		return 0;
	err = btf_mark_astray(r, section, datasec);
	if (err)
		return err;
	if (!section)
		return check_absent(r, id, datasec);
	if (r->sections[section].datasec)
		return BAD(r, ".BTF", btf_place(r, id), "a second list of the variables of %s",
			   name);
	r->sections[section].datasec = id;
	if (!datasec->size)
		datasec->size = r->sections[section].size;
	if (datasec->size != r->sections[section].size)
		return BAD(r, ".BTF", btf_place(r, id), "section %s has %llu bytes, not %u", name,
			   (unsigned long long)r->sections[section].size, datasec->size);
	err = find_statics(r, section, datasec, &statics);
	for (uint32_t i = 0; !err && i < btf_vlen(datasec); i++)
		err = fix_variable(r, section, &statics, &infos[i]);
	if (err)
		return err;
	qsort(infos, btf_vlen(datasec), sizeof(*infos), by_offset);
	return check_variables(r, section, datasec);
}

int btf_fix(struct reader *r)
{
	struct btf_type *type;
	int err = 0;

	for (uint32_t id = 1; !err && (type = btf_type(r, id)); id++)
		if (btf_is_datasec(type))
			err = fix_datasec(r, id, type);
	return err;
}

static void set_func_linkage(struct btf_type *func, uint32_t linkage)
{
	func->info = BTF_KIND_FUNC << 24 | linkage;
}

/*
 * The kernel wants a name for each parameter of a function, which kfuncs' declarations and naked
 * functions lack. Any will do, and the function's own is there.
 */
static void name_params(struct reader *r, const struct btf_type *func)
{
	struct btf_type *proto = btf_type(r, func->type);

	for (uint32_t i = 0; i < btf_vlen(proto); i++)
		if (btf_params(proto)[i].type && !btf_params(proto)[i].name_off)
			btf_params(proto)[i].name_off = func->name_off;
}

/*
 * What gcc writes and the kernel refuses: characters that are signed, sizes of what is only declared, and
 * prototypes called functions.
 */
static void fix_gcc_type(const struct reader *r, struct btf_type *type)
{
	if (btf_is_int(type) && btf_int_encoding(type) == (BTF_INT_SIGNED | BTF_INT_CHAR))
		*(uint32_t *)(type + 1) &= ~((uint32_t)BTF_INT_CHAR << 24);
	if (btf_is_fwd(type))
		type->type = 0;
	if (btf_is_func(type) && !*btf_name(r, type->name_off))
		type->info = BTF_KIND_PTR << 24;
}

/* The kernel has no use for "extern" and refuses it; hidden functions are not for others. */
void btf_finish(struct reader *r)
{
	struct btf_type *type;

	for (uint32_t id = 1; (type = btf_type(r, id)); id++) {
		fix_gcc_type(r, type);
		if (btf_is_func(type))
			name_params(r, type);
		/* before Linux 6.9 names of sections have no '?' */
		if (btf_is_datasec(type) && *btf_name(r, type->name_off) == '?')
			type->name_off++;
		if (btf_is_func(type) && btf_vlen(type) == BTF_FUNC_EXTERN)
			set_func_linkage(type, BTF_FUNC_GLOBAL);
		else if (btf_is_var(type) && btf_var(type)->linkage == BTF_VAR_GLOBAL_EXTERN)
			btf_var(type)->linkage = BTF_VAR_GLOBAL_ALLOCATED;
	}
	for (uint32_t i = 0; i < r->funcs.count; i++) {
		const struct mem_func_image *func = ROW(r, funcs, i, struct mem_func_image);

		type = btf_type(r, func->type);
		if (type && !(func->flags & MEM_FUNC_GLOBAL))
			set_func_linkage(type, BTF_FUNC_STATIC);
	}
}
