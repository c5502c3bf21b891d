/* SPDX-License-Identifier: BSD-2-Clause */
/* memgen inspect: what is in an object, as text for people and as JSON for programs. */
#include <argp.h>
#include <bpf/btf.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "commands.h"
#include "describe.h"
#include "exports.h"
#include "names.h"
#include "needs.h"
#include "object_file.h"
#include "sheet.h"
#include "tables.h"

#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))

/* Longest chain of qualifiers in front of an exported type. */
#define EXPORT_CHAIN_MAX 256

/* Everything that is said about one object. */
struct report {
	const struct object_file *object;
	struct pool *pool;
	struct needs needs;
	struct sheet versions; /* what needs which version */
	struct sheet regions;
	struct sheet maps;
	struct sheet progs;
	struct sheet externs;
	struct sheet struct_ops;
	struct sheet tasks;
	struct sheet exports;
};

struct arguments {
	struct pool pool;
	struct rows objects; /* const char * */
	const char *output;  /* NULL: standard output */
	bool json;
};

static const char *name_of(const char *const *names, size_t count, uint32_t index)
{
	return index < count && names[index] ? names[index] : "?";
}

/* Expected attach types, BPF_* in lower case; our own, to say the same with each libbpf. */
static const char *attach_type(const struct mem_prog_image *prog)
{
	static const char *const names[] = {
		"cgroup_inet_ingress", "cgroup_inet_egress", "cgroup_inet_sock_create",
		"cgroup_sock_ops", "sk_skb_stream_parser", "sk_skb_stream_verdict", "cgroup_device",
		"sk_msg_verdict", "cgroup_inet4_bind", "cgroup_inet6_bind", "cgroup_inet4_connect",
		"cgroup_inet6_connect", "cgroup_inet4_post_bind", "cgroup_inet6_post_bind",
		"cgroup_udp4_sendmsg", "cgroup_udp6_sendmsg", "lirc_mode2", "flow_dissector",
		"cgroup_sysctl", "cgroup_udp4_recvmsg", "cgroup_udp6_recvmsg", "cgroup_getsockopt",
		"cgroup_setsockopt", "trace_raw_tp", "trace_fentry", "trace_fexit", "modify_return",
		"lsm_mac", "trace_iter", "cgroup_inet4_getpeername", "cgroup_inet6_getpeername",
		"cgroup_inet4_getsockname", "cgroup_inet6_getsockname", "xdp_devmap",
		"cgroup_inet_sock_release", "xdp_cpumap", "sk_lookup", "xdp", "sk_skb_verdict",
		"sk_reuseport_select", "sk_reuseport_select_or_migrate", "perf_event",
		"trace_kprobe_multi", "lsm_cgroup", "struct_ops", "netfilter", "tcx_ingress",
		"tcx_egress", "trace_uprobe_multi", "cgroup_unix_connect", "cgroup_unix_sendmsg",
		"cgroup_unix_recvmsg", "cgroup_unix_getpeername", "cgroup_unix_getsockname",
		"netkit_primary", "netkit_peer", "trace_kprobe_session", "trace_uprobe_session",
		"trace_fsession", "trace_fentry_multi", "trace_fexit_multi", "trace_fsession_multi",
	};
	static const char *const kinds[] = {
		NULL, "tracepoint", "raw_tracepoint", NULL, NULL, "kprobe", NULL, "uprobe", NULL,
		"usdt", "ksyscall", "struct_ops",
	};

	if (prog->expected_attach_type || prog->type == BPF_PROG_TYPE_CGROUP_SKB)
		return name_of(names, ARRAY_SIZE(names), prog->expected_attach_type);
	return prog->attach_kind < ARRAY_SIZE(kinds) ? kinds[prog->attach_kind] : NULL;
}

static const char *type_name(const struct object_file *object, uint32_t id)
{
	const struct btf_type *type = object->btf ? btf__type_by_id(object->btf, id) : NULL;
	const char *name = type ? btf__name_by_offset(object->btf, type->name_off) : NULL;

	return name && *name ? name : NULL;
}

static void fill_versions(struct report *report)
{
	const struct need *need = report->needs.rows.data;

	for (uint32_t i = 0; i < report->needs.rows.count; i++) {
		const char *version =
			name_printf(report->pool, "%u.%u", need[i].major, need[i].minor);

		report->versions.failed |= !version;
		SHEET_ADD(&report->versions, TEXT(version), TEXT(need[i].feature),
			  TEXT(need[i].user));
	}
}

static void fill_regions(struct report *report)
{
	static const char *const kinds[] = {
		NULL, "data", "rodata", "array", "arena", "kconfig", "struct_ops", "percpu",
	};
	const struct image_view *view = &report->object->view;

	for (uint32_t i = 0; i < view->region_count; i++) {
		const struct mem_region_image *region = &view->regions[i];

		SHEET_ADD(&report->regions, TEXT(region->name),
			  TEXT(name_of(kinds, ARRAY_SIZE(kinds), region->kind)),
			  TEXT(region->section), NUMBER(region->size), NUMBER(region->init_size),
			  TEXT(view->maps[region->map].name));
	}
}

static void fill_maps(struct report *report)
{
	const struct image_view *view = &report->object->view;

	for (uint32_t i = 0; i < view->map_count; i++) {
		const struct mem_map_image *map = &view->maps[i];
		const char *flags = name_printf(report->pool, "0x%x", map->map_flags);
		bool nested = map->inner_map != MEM_NONE;

		report->maps.failed |= !flags;
		SHEET_ADD(&report->maps, TEXT(map->name), TEXT(tables_map_type(map->type)),
			  NUMBER(map->key_size), NUMBER(map->value_size), NUMBER(map->max_entries),
			  TEXT(flags), TEXT(nested ? view->maps[map->inner_map].name : NULL),
			  FLAG(map->flags & MEM_MAP_INTERNAL),
			  FLAG(map->pinning || map->pin_path));
	}
}

static void fill_progs(struct report *report)
{
	const struct image_view *view = &report->object->view;

	for (uint32_t i = 0; i < view->prog_count; i++) {
		const struct mem_prog_image *prog = &view->progs[i];
		uint64_t insns = 0;

		for (uint32_t f = 0; f < prog->funcs.count; f++)
			insns += view->funcs[view->prog_funcs[prog->funcs.first + f]].insns.count;
		SHEET_ADD(&report->progs, TEXT(prog->name), TEXT(prog->section),
			  TEXT(tables_prog_type(prog->type)), TEXT(attach_type(prog)),
			  TEXT(prog->target), FLAG(prog->prog_flags & BPF_F_SLEEPABLE),
			  FLAG(!(prog->flags & MEM_PROG_NO_AUTOLOAD)), NUMBER(insns));
	}
}

static void fill_externs(struct report *report)
{
	static const char *const kinds[] = {
		NULL, "kfunc", "ksym", "ksym address", "kconfig", "task",
	};
	const struct image_view *view = &report->object->view;

	for (uint32_t i = 0; i < view->extern_count; i++) {
		const struct mem_extern_image *ext = &view->externs[i];

		SHEET_ADD(&report->externs, TEXT(ext->name),
			  TEXT(name_of(kinds, ARRAY_SIZE(kinds), ext->kind)),
			  TEXT(ext->flags & MEM_EXTERN_WEAK ? "weak" : "strong"));
	}
}

/* A row for each program that a struct_ops variable points to; one without programs has one row. */
static void fill_struct_ops(struct report *report)
{
	const struct object_file *object = report->object;
	const struct image_view *view = &object->view;

	for (uint32_t i = 0; i < view->map_count; i++) {
		const struct mem_map_image *map = &view->maps[i];
		const char *type = type_name(object, map->value_type);
		const char *attach = map->map_flags & (1U << 13) ? "link" : "map";
		uint32_t programs = 0;

		if (map->type != BPF_MAP_TYPE_STRUCT_OPS)
			continue;
		for (uint32_t n = 0; n < map->inits.count; n++) {
			const struct mem_init_image *init = &view->inits[map->inits.first + n];

			if (init->kind != MEM_INIT_CALLBACK)
				continue;
			SHEET_ADD(&report->struct_ops, TEXT(map->name), TEXT(type), TEXT(attach),
				  NUMBER(init->slot), TEXT(view->progs[init->target].name));
			programs++;
		}
		if (!programs)
			SHEET_ADD(&report->struct_ops, TEXT(map->name), TEXT(type), TEXT(attach),
				  NUMBER(0), TEXT(NULL));
	}
}

static void fill_tasks(struct report *report)
{
	const struct image_view *view = &report->object->view;

	for (uint32_t i = 0; i < view->task_count; i++)
		SHEET_ADD(&report->tasks, TEXT(view->tasks[i].name), NUMBER(view->tasks[i].size),
			  NUMBER(view->tasks[i].align));
}

/* "struct event": a type as C refers to it; NULL: no memory. */
static const char *spelled(struct report *report, uint32_t id)
{
	const struct btf_type *type = btf__type_by_id(report->object->btf, id);
	const char *name = type_name(report->object, id), *keyword = "";

	if (type && btf_is_composite(type))
		keyword = btf_is_union(type) ? "union " : "struct ";
	else if (type && btf_is_any_enum(type))
		keyword = "enum ";
	return name_printf(report->pool, "%s%s", keyword, name ? name : "(unnamed)");
}

/* What MEM_EXPORT() and MEM_RECORD() name. */
static void add_export(void *context, uint32_t type, const char *buffer)
{
	struct report *report = context;
	const struct btf *btf = report->object->btf;
	const struct btf_type *held = btf__type_by_id(btf, type);
	const char *name;
	int64_t size;

	for (int i = 0; i < EXPORT_CHAIN_MAX && held && btf_is_mod(held); i++) {
		type = held->type;
		held = btf__type_by_id(btf, type);
	}
	name = spelled(report, type);
	size = btf__resolve_size(btf, type);
	report->exports.failed |= !name;
	SHEET_ADD(&report->exports, TEXT(name), NUMBER(size > 0 ? (uint64_t)size : 0), TEXT(buffer));
}

/* The sheets, in the order in which they are printed. */
#define SHEETS 8

static void list_sheets(struct report *report, struct sheet *sheets[SHEETS])
{
	struct sheet *const order[SHEETS] = {
		&report->versions, &report->regions,	&report->maps,	&report->progs,
		&report->externs,  &report->struct_ops, &report->tasks, &report->exports,
	};

	memcpy(sheets, order, sizeof(order));
}

/* 0 or -ENOMEM. */
static int report_fill(struct report *report, struct object_file *object)
{
	static const char *const versions[] = {"linux", "feature", "used_by", NULL};
	static const char *const regions[] = {"name", "kind",	"section", "size",
					      "stored", "map", NULL};
	static const char *const maps[] = {"name",  "type",  "key",	 "value",  "entries",
					   "flags", "inner", "internal", "pinned", NULL};
	static const char *const progs[] = {"name",   "section",   "type", "attach",
					    "target", "sleepable", "load", "instructions", NULL};
	static const char *const externs[] = {"name", "kind", "binding", NULL};
	static const char *const ops[] = {"name", "type", "attach", "offset", "program", NULL};
	static const char *const tasks[] = {"name", "size", "align", NULL};
	static const char *const exports[] = {"type", "size", "record_of", NULL};
	struct sheet *sheets[SHEETS];
	int err;

	*report = (struct report){
		.object = object,
		.pool = &object->pool,
		.versions = {.name = "requirements", .columns = versions},
		.regions = {.name = "regions", .columns = regions},
		.maps = {.name = "maps", .columns = maps},
		.progs = {.name = "programs", .columns = progs},
		.externs = {.name = "externs", .columns = externs},
		.struct_ops = {.name = "struct_ops", .columns = ops},
		.tasks = {.name = "tasks", .columns = tasks},
		.exports = {.name = "exports", .columns = exports},
	};
	list_sheets(report, sheets);
	for (int i = 0; i < SHEETS; i++)
		sheets[i]->pool = report->pool;
	err = needs_find(&report->needs, &object->view, report->pool);
	fill_versions(report);
	fill_regions(report);
	fill_maps(report);
	fill_progs(report);
	fill_externs(report);
	fill_struct_ops(report);
	fill_tasks(report);
	exports_list(object->btf, add_export, report);
	for (int i = 0; i < SHEETS && !err; i++)
		err = sheets[i]->failed ? -ENOMEM : 0;
	return err;
}

static void print_text(struct writer *w, struct report *report)
{
	const struct image_view *view = &report->object->view;
	const struct need *newest = report->needs.rows.data;
	struct sheet *sheets[SHEETS];

	sheet_visible(w, object_file_base(report->object->path));
	writer_part(w, ": ");
	if (newest && report->needs.rows.count)
		writer_part(w, "needs Linux %u.%u, for %s", newest->major, newest->minor,
			    newest->feature);
	else
		writer_part(w, "runs on every kernel that libmem knows");
	writer_end(w);
	writer_part(w, "  license ");
	sheet_visible(w, view->image->license ? view->image->license : "none");
	writer_part(w, ", %u instructions, %u bytes of BTF\n", view->insn_count, view->btf_size);
	if (report->needs.kernel_btf)
		writer_line(w, "  needs a kernel with BTF (CONFIG_DEBUG_INFO_BTF), for %s",
			    report->needs.kernel_btf);
	list_sheets(report, sheets);
	for (int i = 0; i < SHEETS; i++)
		sheet_print(w, sheets[i]);
}

static void print_key(struct writer *w, const char *key, const char *value)
{
	writer_begin(w);
	sheet_json_string(w, key);
	writer_part(w, ": ");
	sheet_json_string(w, value);
	writer_part(w, ",\n");
}

static void print_json(struct writer *w, struct report *report)
{
	const struct image_view *view = &report->object->view;
	const struct cell *newest = report->versions.rows.data;
	struct sheet *sheets[SHEETS];

	writer_open(w, "{");
	print_key(w, "file", object_file_base(report->object->path));
	print_key(w, "name", view->image->name);
	print_key(w, "license", view->image->license);
	print_key(w, "linux", newest ? newest->text : NULL);
	writer_line(w, "\"kernel_btf\": %s,", report->needs.kernel_btf ? "true" : "false");
	writer_line(w, "\"instructions\": %u,", view->insn_count);
	writer_line(w, "\"btf_size\": %u,", view->btf_size);
	list_sheets(report, sheets);
	for (int i = 0; i < SHEETS; i++) {
		sheet_print_json(w, sheets[i]);
		writer_part(w, i + 1 < SHEETS ? ",\n" : "\n");
	}
	w->indent--;
	writer_begin(w);
	writer_part(w, "}");
}

int inspect_object(struct writer *w, struct object_file *object, bool json)
{
	struct report report;
	int err = report_fill(&report, object);

	if (err)
		return err;
	if (json)
		print_json(w, &report);
	else
		print_text(w, &report);
	return 0;
}

/* One object's part of the output. */
static int inspect(struct writer *w, const struct arguments *args, uint32_t index)
{
	const char *path = ((const char *const *)args->objects.data)[index];
	struct object_file object;
	int err = object_file_open(&object, path, NULL);

	if (err)
		return err;
	if (index)
		writer_part(w, args->json ? ",\n" : "\n");
	err = inspect_object(w, &object, args->json);
	if (err)
		fprintf(stderr, "memgen: %s: %s\n", path, strerror(-err));
	object_file_close(&object);
	return err;
}

/* Every bad object is reported; there is output only if none is. */
static int inspect_all(void *arguments)
{
	const struct arguments *args = arguments;
	struct writer w = WRITER_INIT;
	int first = 0;

	if (args->json)
		writer_open(&w, "[");
	for (uint32_t i = 0; i < args->objects.count; i++) {
		int err = inspect(&w, args, i);

		first = first ? first : err;
	}
	if (args->json) {
		writer_end(&w);
		writer_close(&w, "]");
	}
	if (!first)
		first = output_commit(&w, args->output);
	writer_free(&w);
	return first;
}

enum { OPT_JSON = 0x100 };

static error_t parse(int key, char *arg, struct argp_state *state)
{
	struct arguments *args = state->input;
	const char **object;

	switch (key) {
	case 'o':
		args->output = arg;
		return 0;
	case OPT_JSON:
		args->json = true;
		return 0;
	case ARGP_KEY_ARG:
		object = rows_add(&args->pool, &args->objects, 1, sizeof(*object));
		if (!object)
			return ENOMEM;
		*object = arg;
		return 0;
	case ARGP_KEY_NO_ARGS:
		argp_error(state, "which object file?");
		return 0;
	case ARGP_KEY_END:
		for (uint32_t i = 0; args->output && i < args->objects.count; i++)
			if (path_is_same(((const char *const *)args->objects.data)[i], args->output))
				argp_error(state, "-o %s: it is an object, which would be overwritten",
					   args->output);
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

static const struct argp_option options[] = {
	{"json", OPT_JSON, NULL, 0, "an array with an object for each file", 0},
	{"output", 'o', "FILE", 0, "write to FILE, whole or not at all (default: standard output)",
	 0},
	{0},
};

static const char doc[] =
	"Say what is in BPF objects: regions, maps, programs and what they attach to, what they "
	"want from the kernel, types that they export (MEM_EXPORT, MEM_RECORD), and the oldest kernel "
	"that has it all. OBJ may be - for standard input.\v"
	"The version is what the object itself shows: programs that are not loaded by default and "
	"weak symbols don't count, and kernel functions that memgen does not know count as "
	"Linux 5.13.\n"
	"\n"
	"Example:\n"
	"  memgen inspect build/tool.bpf.o\n"
	"  memgen inspect --json *.bpf.o | jq -r '.[] | \"\\(.file) \\(.linux)\"'";

static void free_arguments(void *arguments)
{
	struct arguments *args = arguments;

	pool_free(&args->pool);
}

static struct arguments arguments;

const struct command inspect_command = {
	.name = "inspect",
	.summary = "say what is in BPF objects, and which kernel they need",
	.argp = {.options = options, .parser = parse, .args_doc = "OBJ...", .doc = doc},
	.arguments = &arguments,
	.run = inspect_all,
	.free = free_arguments,
};
