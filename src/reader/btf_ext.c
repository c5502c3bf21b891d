/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * .BTF.ext: for each code section, which type a function has, which source line an instruction
 * comes from, and which instructions depend on the layout of the kernel's types (CO-RE). Rows go to
 * the function they belong to; offsets count from there, in instructions.
 *
 *     header | subsection: record size, then per code section: name, count, records | ...
 */
#include <stdlib.h>

#include "reader/reader.h"

#define SECTION	  ".BTF.ext"
#define INSN_SIZE sizeof(struct bpf_insn)

struct header {
	uint16_t magic;
	uint8_t version;
	uint8_t flags;
	uint32_t hdr_len; /* bytes */
	/* offsets count from the end of the header; all in bytes */
	uint32_t func_info_off;
	uint32_t func_info_len;
	uint32_t line_info_off;
	uint32_t line_info_len;
	/* absent when hdr_len says so */
	uint32_t core_relo_off;
	uint32_t core_relo_len;
};

#define HEADER_MIN offsetof(struct header, core_relo_off)

/* One record: it begins with the offset of an instruction, in bytes, in its section. */
struct record {
	uint32_t section;    /* section index */
	uint32_t offset;     /* bytes into the section */
	uint32_t func;	     /* funcs row */
	uint32_t insn;	     /* instruction index from the start of the function */
	const uint8_t *data; /* the record as it is in the file */
	uint32_t place;	     /* bytes into .BTF.ext, for messages */
};

struct subsection {
	const char *what;
	uint32_t record_min; /* bytes that are known; longer records are newer */
	int (*add)(struct reader *r, const struct record *record);
	/* for what is in no function; NULL: it is of no use */
	int (*add_outside)(struct reader *r, const struct record *record);
};

static int add_func_info(struct reader *r, const struct record *record)
{
	struct mem_func_image *func = ROW(r, funcs, record->func, struct mem_func_image);
	const struct btf_type *type;
	uint32_t id;

	memcpy(&id, record->data + 4, sizeof(id));
	type = btf_type(r, id);
	if (record->insn)
		return BAD(r, SECTION, record->place, "type of a function inside of function %s",
			   func->name);
	if (!type || !btf_is_func(type))
		return BAD(r, SECTION, record->place, "type %u of function %s is not a function's",
			   id, func->name);
	if (func->type)
		return BAD(r, SECTION, record->place, "a second type for function %s", func->name);
	func->type = id;
	return 0;
}

static int skip(struct reader *r, const struct record *record)
{
	(void)r;
	(void)record;
	return 0;
}

/*
 * A static function whose symbol was stripped. Other functions without a symbol are weak ones that
 * another has replaced: they get no name.
 */
static int add_stripped(struct reader *r, const struct record *record)
{
	const struct btf_type *type;
	struct func *func;
	uint32_t id;

	memcpy(&id, record->data + 4, sizeof(id));
	type = btf_type(r, id);
	if (!type || !btf_is_func(type))
		return 0;
	func = ADD_ROWS(r, stripped_funcs, 1, struct func);
	if (!func)
		return -ENOMEM;
	*func = (struct func){
		.section = record->section,
		.offset = record->offset,
		.name = btf_vlen(type) == BTF_FUNC_STATIC ? btf_name(r, type->name_off) : "",
		.prog = MEM_NONE,
		.exception = MEM_NONE,
	};
	return 0;
}

static int add_line(struct reader *r, const struct record *record)
{
	struct func_line *line = ADD_ROWS(r, func_lines, 1, struct func_line);

	if (!line)
		return -ENOMEM;
	line->func = record->func;
	memcpy(&line->row, record->data, sizeof(line->row));
	line->row.insn_off = record->insn;
	if (!btf__str_by_offset(r->btf, line->row.file_name_off) ||
	    !btf__str_by_offset(r->btf, line->row.line_off))
		return BAD(r, SECTION, record->place, "a source line outside of BTF's strings");
	return 0;
}

static int add_core(struct reader *r, const struct record *record)
{
	struct func_core *core = ADD_ROWS(r, func_cores, 1, struct func_core);

	if (!core)
		return -ENOMEM;
	core->func = record->func;
	memcpy(&core->row, record->data, sizeof(core->row));
	core->row.insn_off = record->insn;
	if (!btf_type(r, core->row.type_id) ||
	    !btf__str_by_offset(r->btf, core->row.access_str_off))
		return BAD(r, SECTION, record->place, "a CO-RE record with type %u of %u",
			   core->row.type_id, r->type_count);
	return 0;
}

static const struct subsection stripped = {"function types", 8, skip, add_stripped};
static const struct subsection func_info = {"function types", 8, add_func_info, NULL};
static const struct subsection line_info = {"source lines", sizeof(struct bpf_line_info), add_line, NULL};
static const struct subsection core_relo = {"CO-RE records", sizeof(struct bpf_core_relo), add_core, NULL};

static uint32_t read_u32(const uint8_t *data)
{
	uint32_t value;

	memcpy(&value, data, sizeof(value));
	return value;
}

static int read_record(struct reader *r, const struct subsection *sub, uint32_t section,
		       const uint8_t *data, uint32_t place)
{
	uint32_t offset = read_u32(data);
	struct record record = {.section = section, .offset = offset, .data = data, .place = place};

	if (offset >= r->sections[section].size || offset % INSN_SIZE)
		return BAD(r, SECTION, place, "%s: 0x%x is not an instruction of %s", sub->what,
			   offset, r->sections[section].name);
	record.func = progs_func_around(r, section, offset);
	if (record.func == MEM_NONE)
		return sub->add_outside ? sub->add_outside(r, &record) : 0;
	record.insn = (offset - ROW(r, func_sources, record.func, struct func)->offset) / INSN_SIZE;
	return sub->add(r, &record);
}

/* The records of one code section; place is moved behind them. */
static int read_block(struct reader *r, const struct subsection *sub, uint32_t record_size,
		      uint32_t *place, uint32_t end)
{
	const uint8_t *data = r->sections[elf_find_section(r, SECTION)].data;
	uint32_t section, count;
	const char *name;
	int err = 0;

	if (end - *place < 8)
		return BAD(r, SECTION, *place, "%s are cut off", sub->what);
	name = btf__str_by_offset(r->btf, read_u32(data + *place));
	count = read_u32(data + *place + 4);
	section = name ? elf_find_section(r, name) : 0;
	if (!section || r->sections[section].kind != SECTION_CODE)
		return BAD(r, SECTION, *place, "%s for %s, which is not a section of code",
			   sub->what, name ? name : "?");
	*place += 8;
	if (!count || (uint64_t)count * record_size > end - *place)
		return BAD(r, SECTION, *place - 4, "%u %s of %u bytes do not fit", count, sub->what,
			   record_size);
	for (uint32_t i = 0; !err && i < count; i++, *place += record_size)
		err = read_record(r, sub, section, data + *place, *place);
	return err;
}

static int read_subsection(struct reader *r, const struct subsection *sub, uint32_t header_size,
			   uint32_t offset, uint32_t size)
{
	const struct section *section = &r->sections[elf_find_section(r, SECTION)];
	uint64_t first = (uint64_t)header_size + offset;
	uint32_t place, record_size;
	int err = 0;

	if (!size)
		return 0;
	if (first % 4 || size < 4 || first + size > section->size)
		return BAD(r, SECTION, 0, "%s: %u bytes at 0x%llx are not in the section",
			   sub->what, size, (unsigned long long)first);
	place = first;
	record_size = read_u32(section->data + place);
	if (record_size < sub->record_min || record_size % 4)
		return BAD(r, SECTION, place, "%s of %u bytes, at least %u are expected", sub->what,
			   record_size, sub->record_min);
	place += 4;
	while (!err && place < first + size)
		err = read_block(r, sub, record_size, &place, first + size);
	return err;
}

static int by_line(const void *a, const void *b)
{
	const struct func_line *x = a, *y = b;

	if (x->func != y->func)
		return x->func < y->func ? -1 : 1;
	return (x->row.insn_off > y->row.insn_off) - (x->row.insn_off < y->row.insn_off);
}

static int emit_lines(struct reader *r)
{
	if (r->func_lines.count)
		qsort(r->func_lines.data, r->func_lines.count, sizeof(struct func_line), by_line);
	for (uint32_t i = 0; i < r->func_lines.count; i++) {
		const struct func_line *line = ROW(r, func_lines, i, struct func_line);
		struct mem_func_image *func = ROW(r, funcs, line->func, struct mem_func_image);
		struct bpf_line_info *row = ADD_ROWS(r, line_infos, 1, struct bpf_line_info);

		if (!row)
			return -ENOMEM;
		if (i && !by_line(line, line - 1))
			return BAD(r, SECTION, 0,
				   "function %s: two source lines for instruction %u", func->name,
				   line->row.insn_off);
		*row = line->row;
		if (!func->lines.count++)
			func->lines.first = i;
	}
	return 0;
}

static int by_core(const void *a, const void *b)
{
	const struct func_core *x = a, *y = b;

	if (x->func != y->func)
		return x->func < y->func ? -1 : 1;
	return (x->row.insn_off > y->row.insn_off) - (x->row.insn_off < y->row.insn_off);
}

static int emit_cores(struct reader *r)
{
	if (r->func_cores.count)
		qsort(r->func_cores.data, r->func_cores.count, sizeof(struct func_core), by_core);
	for (uint32_t i = 0; i < r->func_cores.count; i++) {
		const struct func_core *core = ROW(r, func_cores, i, struct func_core);
		struct mem_func_image *func = ROW(r, funcs, core->func, struct mem_func_image);
		struct bpf_core_relo *row;

		/* gcc 12 says some things twice */
		if (i && !memcmp(&core->row, &core[-1].row, sizeof(core->row)) && core->func == core[-1].func)
			continue;
		if (i && !by_core(core, core - 1))
			return BAD(r, SECTION, 0,
				   "function %s: two CO-RE records for instruction %u", func->name,
				   core->row.insn_off);
		row = ADD_ROWS(r, core_relos, 1, struct bpf_core_relo);
		if (!row)
			return -ENOMEM;
		*row = core->row;
		if (!func->cores.count++)
			func->cores.first = r->core_relos.count - 1;
	}
	return 0;
}

/* gcc 12 says nothing of functions, but has their types by name. */
static void find_functions(struct reader *r)
{
	for (uint32_t i = 0; i < r->funcs.count; i++)
		if (ROW(r, funcs, i, struct mem_func_image)->type)
			return;
	for (uint32_t i = 0; i < r->funcs.count; i++) {
		struct mem_func_image *func = ROW(r, funcs, i, struct mem_func_image);
		int id = btf__find_by_name_kind(r->btf, func->name, BTF_KIND_FUNC);

		func->type = id > 0 ? (uint32_t)id : 0;
	}
}

/* The header; all zero where there is no such section. */
static int read_header(struct reader *r, struct header *header)
{
	uint32_t index = elf_find_section(r, SECTION);
	const struct section *section = &r->sections[index];

	memset(header, 0, sizeof(*header));
	if (!index || section->kind != SECTION_BTF_EXT)
		return 0;
	if (!r->btf)
		return BAD(r, SECTION, 0, "there is no section .BTF with it");
	if (section->size < HEADER_MIN)
		return BAD(r, SECTION, 0, "only %llu bytes", (unsigned long long)section->size);
	memcpy(header, section->data,
	       section->size < sizeof(*header) ? section->size : sizeof(*header));
	if (header->magic != BTF_MAGIC)
		return BAD(r, SECTION, 0, "magic number 0x%x is not that of BTF", header->magic);
	if (header->version != BTF_VERSION || header->flags)
		return UNKNOWN(r, SECTION, 2, "version %u with flags 0x%x is not known",
			       header->version, header->flags);
	if (header->hdr_len < HEADER_MIN || header->hdr_len > section->size)
		return BAD(r, SECTION, 4, "a header of %u bytes", header->hdr_len);
	if (header->hdr_len < sizeof(*header))
		header->core_relo_off = header->core_relo_len = 0;
	return 0;
}

int btf_ext_find_stripped(struct reader *r)
{
	struct header header;
	int err = read_header(r, &header);

	return err ?: read_subsection(r, &stripped, header.hdr_len, header.func_info_off, header.func_info_len);
}

int btf_ext_read(struct reader *r)
{
	struct header header;
	int err = read_header(r, &header);

	err = err
		      ?: read_subsection(r, &func_info, header.hdr_len, header.func_info_off,
					 header.func_info_len);
	err = err
		      ?: read_subsection(r, &line_info, header.hdr_len, header.line_info_off,
					 header.line_info_len);
	err = err
		      ?: read_subsection(r, &core_relo, header.hdr_len, header.core_relo_off,
					 header.core_relo_len);
	if (!err && r->func_cores.count)
		find_functions(r);
	err = err ?: emit_lines(r);
	return err ?: emit_cores(r);
}
