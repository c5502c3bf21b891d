/* SPDX-License-Identifier: BSD-2-Clause */
#include <stdbool.h>
#include <string.h>

#include "schema.h"
#include "tables.h"
#include "task.h"

#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))

/* Words in one line of a table of numbers. */
#define WORDS_PER_LINE 6

/* Comments only: what memgen writes must not depend on the headers it was compiled with. */
static const char *const map_types[] = {
	"UNSPEC",
	"HASH",
	"ARRAY",
	"PROG_ARRAY",
	"PERF_EVENT_ARRAY",
	"PERCPU_HASH",
	"PERCPU_ARRAY",
	"STACK_TRACE",
	"CGROUP_ARRAY",
	"LRU_HASH",
	"LRU_PERCPU_HASH",
	"LPM_TRIE",
	"ARRAY_OF_MAPS",
	"HASH_OF_MAPS",
	"DEVMAP",
	"SOCKMAP",
	"CPUMAP",
	"XSKMAP",
	"SOCKHASH",
	"CGROUP_STORAGE",
	"REUSEPORT_SOCKARRAY",
	"PERCPU_CGROUP_STORAGE",
	"QUEUE",
	"STACK",
	"SK_STORAGE",
	"DEVMAP_HASH",
	"STRUCT_OPS",
	"RINGBUF",
	"INODE_STORAGE",
	"TASK_STORAGE",
	"BLOOM_FILTER",
	"USER_RINGBUF",
	"CGRP_STORAGE",
	"ARENA",
	"INSN_ARRAY",
};

static const char *const prog_types[] = {
	"UNSPEC",
	"SOCKET_FILTER",
	"KPROBE",
	"SCHED_CLS",
	"SCHED_ACT",
	"TRACEPOINT",
	"XDP",
	"PERF_EVENT",
	"CGROUP_SKB",
	"CGROUP_SOCK",
	"LWT_IN",
	"LWT_OUT",
	"LWT_XMIT",
	"SOCK_OPS",
	"SK_SKB",
	"CGROUP_DEVICE",
	"SK_MSG",
	"RAW_TRACEPOINT",
	"CGROUP_SOCK_ADDR",
	"LWT_SEG6LOCAL",
	"LIRC_MODE2",
	"SK_REUSEPORT",
	"FLOW_DISSECTOR",
	"CGROUP_SYSCTL",
	"RAW_TRACEPOINT_WRITABLE",
	"CGROUP_SOCKOPT",
	"TRACING",
	"STRUCT_OPS",
	"EXT",
	"LSM",
	"SK_LOOKUP",
	"SYSCALL",
	"NETFILTER",
};

static const char *type_comment(const char *const *names, size_t count, uint32_t type)
{
	return type < count ? names[type] : "?";
}

const char *tables_map_type(uint32_t type)
{
	return type_comment(map_types, ARRAY_SIZE(map_types), type);
}

const char *tables_prog_type(uint32_t type)
{
	return type_comment(prog_types, ARRAY_SIZE(prog_types), type);
}

/* "7, " and "MEM_NONE, " */
static void emit_number(struct writer *w, uint64_t value)
{
	writer_decimal(w, value);
	writer_bytes(w, ", ", 2);
}

static void emit_row_index(struct writer *w, uint32_t row)
{
	if (row == MEM_NONE)
		writer_part(w, "MEM_NONE, ");
	else
		emit_number(w, row);
}

static void emit_text(struct writer *w, const char *text)
{
	writer_string(w, text);
	writer_bytes(w, ", ", 2);
}

static void emit_range(struct writer *w, struct mem_range range)
{
	writer_part(w, "{%u, %u}, ", range.first, range.count);
}

/* The end of a row whose last value left ", ". */
static void end_row(struct writer *w)
{
	if (!w->error)
		w->len -= 2;
	writer_part(w, "},");
	writer_end(w);
}

static void begin_row(struct writer *w)
{
	writer_begin(w);
	writer_bytes(w, "{", 1);
}

static void emit_words(struct writer *w, const uint64_t *words, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		if (i % WORDS_PER_LINE == 0)
			writer_begin(w);
		writer_hex(w, words[i]);
		writer_bytes(w, ",", 1);
		if (i % WORDS_PER_LINE == WORDS_PER_LINE - 1 || i + 1 == count)
			writer_end(w);
		else
			writer_bytes(w, " ", 1);
	}
}

/* Bytes as words in the byte order of the host, which the header asks for. */
static void emit_bytes(struct writer *w, const void *bytes, size_t size)
{
	const char *at = bytes;
	uint64_t words[WORDS_PER_LINE * 16];

	while (size) {
		size_t n = size < sizeof(words) ? size : sizeof(words);

		words[(n - 1) / sizeof(*words)] = 0;
		memcpy(words, at, n);
		emit_words(w, words, (n + sizeof(*words) - 1) / sizeof(*words));
		at += n;
		size -= n;
	}
}

static void emit_maps(struct writer *w, const struct image_view *view)
{
	if (!view->map_count)
		return;
	writer_open(w, "static const struct mem_map_image maps[] = {");
	for (uint32_t i = 0; i < view->map_count; i++) {
		const struct mem_map_image *map = &view->maps[i];

		writer_line(w, "/* %u: BPF_MAP_TYPE_%s */", i,
			    tables_map_type(map->type));
		begin_row(w);
		emit_text(w, map->name);
		emit_text(w, map->kernel_name);
		emit_text(w, map->pin_path);
		emit_number(w, map->type);
		emit_number(w, map->key_size);
		emit_number(w, map->value_size);
		emit_number(w, map->max_entries);
		writer_part(w, "0x%x, ", map->map_flags);
		emit_number(w, map->numa_node);
		emit_number(w, map->pinning);
		emit_number(w, map->key_type);
		emit_number(w, map->value_type);
		emit_row_index(w, map->inner_map);
		emit_range(w, map->inits);
		writer_hex(w, map->map_extra);
		writer_bytes(w, ", ", 2);
		emit_number(w, map->flags);
		emit_number(w, map->section_offset);
		end_row(w);
	}
	writer_close(w, "};");
}

static void emit_inits(struct writer *w, const struct image_view *view)
{
	if (!view->init_count)
		return;
	writer_open(w, "static const struct mem_init_image inits[] = {");
	for (uint32_t i = 0; i < view->init_count; i++) {
		begin_row(w);
		emit_number(w, view->inits[i].slot);
		emit_number(w, view->inits[i].kind);
		emit_number(w, view->inits[i].target);
		end_row(w);
	}
	writer_close(w, "};");
}

/* 0 for what has no schema. */
static void emit_schema(struct writer *w, const struct image_view *view, const struct mem_region_image *region)
{
	uint64_t hash;
	int err = schema_row_hash(view, region, &hash);

	w->error = w->error ?: err;
	writer_hex(w, hash);
	writer_bytes(w, ", ", 2);
}

static void emit_regions(struct writer *w, const struct image_view *view)
{
	for (uint32_t i = 0; i < view->region_count; i++) {
		const struct mem_region_image *region = &view->regions[i];

		if (!region->init || !region->init_size)
			continue;
		writer_open(w, "static const uint64_t contents_%u[] = {", i);
		emit_bytes(w, region->init, region->init_size);
		writer_close(w, "};");
	}
	if (!view->region_count)
		return;
	writer_open(w, "static const struct mem_region_image regions[] = {");
	for (uint32_t i = 0; i < view->region_count; i++) {
		const struct mem_region_image *region = &view->regions[i];
		bool filled = region->init && region->init_size;

		begin_row(w);
		emit_text(w, region->name);
		emit_text(w, region->section);
		if (filled)
			writer_part(w, "contents_%u, ", i);
		else
			emit_text(w, NULL);
		emit_number(w, filled ? region->init_size : 0);
		emit_number(w, region->size);
		emit_number(w, region->kind);
		emit_row_index(w, region->map);
		emit_number(w, region->type);
		emit_number(w, region->align);
		emit_schema(w, view, region);
		end_row(w);
	}
	writer_close(w, "};");
}

static void emit_progs(struct writer *w, const struct image_view *view)
{
	if (!view->prog_count)
		return;
	writer_open(w, "static const struct mem_prog_image progs[] = {");
	for (uint32_t i = 0; i < view->prog_count; i++) {
		const struct mem_prog_image *prog = &view->progs[i];

		writer_line(w, "/* %u: BPF_PROG_TYPE_%s */", i,
			    tables_prog_type(prog->type));
		begin_row(w);
		emit_text(w, prog->name);
		emit_text(w, prog->section);
		emit_text(w, prog->target);
		emit_number(w, prog->type);
		emit_number(w, prog->expected_attach_type);
		writer_part(w, "0x%x, ", prog->prog_flags);
		emit_number(w, prog->attach_kind);
		emit_number(w, prog->target_kind);
		emit_number(w, prog->flags);
		emit_range(w, prog->funcs);
		end_row(w);
	}
	writer_close(w, "};");
}

static void emit_prog_funcs(struct writer *w, const struct image_view *view)
{
	if (!view->prog_func_count)
		return;
	writer_open(w, "static const uint32_t prog_funcs[] = {");
	for (uint32_t i = 0; i < view->prog_func_count; i++) {
		if (i % 16 == 0)
			writer_begin(w);
		writer_part(w, "%u,", view->prog_funcs[i]);
		writer_bytes(w, i % 16 == 15 || i + 1 == view->prog_func_count ? "\n" : " ", 1);
	}
	writer_close(w, "};");
}

static void emit_funcs(struct writer *w, const struct image_view *view)
{
	if (!view->func_count)
		return;
	writer_open(w, "static const struct mem_func_image funcs[] = {");
	for (uint32_t i = 0; i < view->func_count; i++) {
		const struct mem_func_image *func = &view->funcs[i];

		begin_row(w);
		emit_text(w, func->name);
		emit_text(w, func->section);
		emit_number(w, func->section_offset);
		emit_number(w, func->flags);
		emit_range(w, func->insns);
		emit_range(w, func->relocs);
		emit_range(w, func->lines);
		emit_range(w, func->cores);
		emit_number(w, func->type);
		end_row(w);
	}
	writer_close(w, "};");
}

static void emit_relocs(struct writer *w, const struct image_view *view)
{
	if (!view->reloc_count)
		return;
	writer_open(w, "static const struct mem_reloc_image relocs[] = {");
	for (uint32_t i = 0; i < view->reloc_count; i++) {
		begin_row(w);
		emit_number(w, view->relocs[i].insn);
		emit_number(w, view->relocs[i].kind);
		emit_row_index(w, view->relocs[i].target);
		emit_number(w, view->relocs[i].offset);
		end_row(w);
	}
	writer_close(w, "};");
}

static void emit_externs(struct writer *w, const struct image_view *view)
{
	if (!view->extern_count)
		return;
	writer_open(w, "static const struct mem_extern_image externs[] = {");
	for (uint32_t i = 0; i < view->extern_count; i++) {
		const struct mem_extern_image *ext = &view->externs[i];

		begin_row(w);
		emit_text(w, ext->name);
		emit_number(w, ext->kind);
		emit_number(w, ext->flags);
		emit_number(w, ext->type);
		emit_number(w, ext->kcfg_kind);
		emit_number(w, ext->kcfg_offset);
		emit_number(w, ext->kcfg_size);
		emit_number(w, ext->kcfg_signed);
		end_row(w);
	}
	writer_close(w, "};");
}

static void emit_blob(struct writer *w, const char *name, const void *bytes, size_t size)
{
	if (!size)
		return;
	writer_open(w, "static const uint64_t %s[] = {", name);
	emit_bytes(w, bytes, size);
	writer_close(w, "};");
}

/* Rows of 32-bit numbers whose type the kernel's header has, and this header need not include. */
static void emit_quads(struct writer *w, const char *name, const void *rows, uint32_t count)
{
	const uint32_t *numbers = rows;

	if (!count)
		return;
	writer_open(w, "static const uint32_t %s[][4] = {", name);
	for (uint32_t i = 0; i < count; i++) {
		begin_row(w);
		for (uint32_t j = 0; j < 4; j++)
			emit_number(w, numbers[4 * i + j]);
		end_row(w);
	}
	writer_close(w, "};");
}

static void emit_table(struct writer *w, const char *name, uint32_t count)
{
	if (count)
		writer_line(w, "{%s, %u, (uint32_t)sizeof(%s[0])},", name, count, name);
	else
		writer_line(w, "{NULL, 0, 0}, /* %s */", name);
}

static void emit_image(struct writer *w, const struct image_view *view)
{
	const struct mem_image *image = view->image;

	writer_open(w, "static const struct mem_image image = {");
	writer_line(w, "MEM_IMAGE_ABI,");
	writer_line(w, "(uint32_t)sizeof(struct mem_image),");
	writer_begin(w);
	writer_string(w, image->name);
	writer_part(w, ", ");
	writer_string(w, image->license);
	writer_part(w, ", %u, %u,", image->kern_version, image->flags);
	writer_end(w);
	emit_table(w, "maps", view->map_count);
	emit_table(w, "inits", view->init_count);
	emit_table(w, "regions", view->region_count);
	emit_table(w, "progs", view->prog_count);
	emit_table(w, "prog_funcs", view->prog_func_count);
	emit_table(w, "funcs", view->func_count);
	emit_table(w, "insns", view->insn_count);
	emit_table(w, "relocs", view->reloc_count);
	emit_table(w, "externs", view->extern_count);
	emit_table(w, "line_infos", view->line_info_count);
	emit_table(w, "core_relos", view->core_relo_count);
	if (view->btf_size)
		writer_line(w, "{btf, %u, 1},", view->btf_size);
	else
		writer_line(w, "{NULL, 0, 0}, /* btf */");
	task_emit_table_rows(w, view);
	writer_close(w, "};");
}

void tables_emit(struct writer *w, const struct image_view *view)
{
	emit_maps(w, view);
	emit_inits(w, view);
	emit_regions(w, view);
	emit_progs(w, view);
	emit_prog_funcs(w, view);
	emit_funcs(w, view);
	emit_blob(w, "insns", view->insns, view->insn_count * sizeof(*view->insns));
	emit_relocs(w, view);
	emit_externs(w, view);
	emit_quads(w, "line_infos", view->line_infos, view->line_info_count);
	emit_quads(w, "core_relos", view->core_relos, view->core_relo_count);
	emit_blob(w, "btf", view->btf, view->btf_size);
	task_emit_tables(w, view);
	emit_image(w, view);
}
