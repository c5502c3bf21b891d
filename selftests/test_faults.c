/* SPDX-License-Identifier: BSD-2-Clause */
/* Calls that fail while objects are read, opened, prepared and loaded; the rest is in faults/. */
#include <errno.h>
#include <linux/bpf.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <mem/migrate.h>

#include "context_arguments.skel.h"
#include "externs.skel.h"
#include "faults/sweep.h"
#include "grow.skel.h"
#include "hooks.skel.h"
#include "many.skel.h"
#include "migrate_new.skel.h"
#include "odd_maps.skel.h"
#include "percpu.skel.h"
#include "plain.skel.h"
#include "region_arena.skel.h"
#include "replace.skel.h"
#include "shared.skel.h"
#include "task_basic.skel.h"

OBJECT(plain, 0);
OBJECT(shared, 6009);
OBJECT(context_arguments, 5018);
OBJECT(hooks, 6006);
OBJECT(externs, 0);
OBJECT(replace, 0);
OBJECT(task_basic, 0);
OBJECT(grow, 0);
OBJECT(percpu, 0);
OBJECT(migrate_new, 0);
OBJECT(region_arena, 6009);
OBJECT(odd_maps, 6002);
OBJECT(many, 0);

/* ---- reading and opening */

static const char *file_of(const struct subject *s)
{
	static char relative[64];

	snprintf(relative, sizeof(relative), "selftests/%s.bpf.o", s->object->name);
	return build_path(relative);
}

static int try_mem_image_read_file(struct subject *s)
{
	s->read = mem_image_read_file(file_of(s), NULL);
	return result(s->read);
}

static int try_mem_image_read(struct subject *s)
{
	static char bytes[1 << 18]; /* the largest of the objects is 90 KB */
	struct mem_read_opts opts = {.sz = sizeof(opts), .name = s->object->name};
	static size_t size;

	if (!size) {
		FILE *file = fopen(file_of(s), "re");

		ck_assert_ptr_nonnull(file);
		size = fread(bytes, 1, sizeof(bytes), file);
		fclose(file);
	}
	s->read = mem_image_read(bytes, size, &opts);
	return result(s->read);
}

static int try_mem_object_open_file(struct subject *s)
{
	s->obj = mem_object_open_file(file_of(s), NULL);
	return result(s->obj);
}

static int try_mem_object_open(struct subject *s)
{
	s->obj = mem_object_open(s->object->image(), NULL);
	return result(s->obj);
}

static int try_mem_skeleton_open(struct subject *s)
{
	return open_object(s);
}

static int try_mem_map_max_entries_set(struct subject *s)
{
	return mem_map_max_entries_set(the_map(s), 5000);
}

static int resize_arena(struct subject *s)
{
	return mem_map_max_entries_set(the_map(s), 100);
}

static int try_mem_region_size_set(struct subject *s)
{
	return mem_region_size_set(the_region(s), 10000);
}

static int try_mem_map_autocreate_set(struct subject *s)
{
	int err = mem_map_autocreate_set(the_map(s), 0);

	return err ?: mem_map_autocreate_set(the_map(s), 1);
}

static int try_mem_map_migrate_set(struct subject *s)
{
	return mem_map_migrate_set(the_map(s), NULL);
}

static int try_mem_object_migrate_set(struct subject *s)
{
	return mem_object_migrate_set(s->obj, NULL);
}

static void opened_with_a_path(struct subject *s)
{
	opened(s);
	assert_ok(mem_map_pin_path_set(mem_object_find_map(s->obj, ".bss"), "/sys/fs/bpf/none"));
}

static void opened_and_resized(struct subject *s)
{
	opened(s);
	assert_ok(mem_region_size_set(mem_object_find_region(s->obj, "data_pairs"), 10000));
}

static int try_mem_prog_target_set(struct subject *s)
{
	return mem_prog_target_set(the_prog(s), "answer", s->source);
}

/* The program that has the function is another object's. */
static void target_loaded(struct subject *s)
{
	struct replace *target = assert_ptr(replace__open_and_load());

	s->source = dup(mem_prog_fd(target->progs.original));
	replace__destroy(target);
	opened(s);
}

/* ---- the phases */

static int try_mem_object_prepare(struct subject *s)
{
	return mem_object_prepare(s->obj);
}

static int try_mem_object_load(struct subject *s)
{
	return mem_object_load(s->obj);
}

/* ---- calls on maps and programs */

static int try_mem_arena_populate(struct subject *s)
{
	return mem_arena_populate(the_region(s), 0, 4096);
}

static int try_mem_map_update(struct subject *s)
{
	return mem_map_update(the_map(s), &(uint32_t){1}, &(uint64_t){2}, 0);
}

static void updated(struct subject *s)
{
	prepared(s);
	assert_ok(try_mem_map_update(s));
}

static int try_mem_map_lookup(struct subject *s)
{
	uint64_t value;

	return mem_map_lookup(the_map(s), &(uint32_t){1}, &value, 0);
}

static int try_mem_map_next_key(struct subject *s)
{
	uint32_t next;

	return mem_map_next_key(the_map(s), NULL, &next);
}

static int try_mem_map_delete(struct subject *s)
{
	return mem_map_delete(the_map(s), &(uint32_t){1});
}

static int try_mem_map_id(struct subject *s)
{
	return mem_map_id(the_map(s)) ? 0 : -errno;
}

static int try_mem_region_cpu_read(struct subject *s)
{
	char values[64]; /* of the section: 31 bytes */

	return mem_region_cpu_read(the_region(s), 0, values);
}

static int try_mem_region_cpu_write(struct subject *s)
{
	char values[64] = {0};

	return mem_region_cpu_write(the_region(s), 0, values);
}

static int try_mem_prog_run(struct subject *s)
{
	return mem_prog_run(the_prog(s), NULL);
}

static int try_mem_arena_usage(struct subject *s)
{
	struct mem_arena_usage usage = {.sz = sizeof(usage)};

	return mem_arena_usage(the_region(s), &usage);
}

static int try_mem_prog_stats(struct subject *s)
{
	struct mem_prog_stats stats = {.sz = sizeof(stats)};

	return mem_prog_stats(the_prog(s), &stats);
}

static int try_mem_prog_stream_read(struct subject *s)
{
	char text[100];

	return mem_prog_stream_read(the_prog(s), MEM_STREAM_ERR, text, sizeof(text));
}

static int try_mem_object_check_faults(struct subject *s)
{
	return mem_object_check_faults(s->obj);
}

/* ---- the tables */

static const struct operation reading[] = {
	{TRY_WITH(mem_image_read_file, "plain"), &plain, NULL, NULL, AGAIN},
	{TRY_WITH(mem_image_read_file, "shared"), &shared, NULL, NULL, AGAIN},
	{TRY_WITH(mem_image_read_file, "hooks"), &hooks, NULL, NULL, AGAIN},
	{TRY_WITH(mem_image_read_file, "externs"), &externs, NULL, NULL, AGAIN},
	{TRY_WITH(mem_image_read_file, "task_basic"), &task_basic, NULL, NULL, AGAIN},
	{TRY(mem_image_read), &plain, NULL, NULL, AGAIN},
	{TRY(mem_object_open_file), &plain, NULL, NULL, AGAIN},
	{0},
};

static const struct operation opening[] = {
	{TRY(mem_object_open), &plain, NULL, NULL, AGAIN},
	{TRY_WITH(mem_skeleton_open, "plain"), &plain, NULL, NULL, AGAIN},
	{TRY_WITH(mem_skeleton_open, "shared"), &shared, NULL, NULL, AGAIN},
	{TRY_WITH(mem_skeleton_open, "hooks"), &hooks, NULL, NULL, AGAIN},
	{TRY_WITH(mem_skeleton_open, "externs"), &externs, NULL, NULL, AGAIN},
	{TRY_WITH(mem_skeleton_open, "task_basic"), &task_basic, NULL, NULL, AGAIN},
	{TRY_WITH(mem_map_max_entries_set, "array"), &shared, opened, "table", AGAIN},
	{TRY_AS("mem_map_max_entries_set arena", resize_arena), &shared, opened, "arena", AGAIN},
	{TRY(mem_region_size_set), &grow, opened, "data_pairs", AGAIN},
	{TRY(mem_map_autocreate_set), &shared, opened, "table", AGAIN},
	{TRY(mem_map_migrate_set), &migrate_new, opened_with_a_path, ".bss", AGAIN},
	{TRY(mem_object_migrate_set), &migrate_new, opened_with_a_path, NULL, AGAIN},
	{0},
};

static const struct operation preparing[] = {
	{TRY_WITH(mem_object_prepare, "plain"), &plain, opened, NULL, ONCE},
	{TRY_WITH(mem_object_prepare, "shared"), &shared, opened, NULL, ONCE},
	{TRY_WITH(mem_object_prepare, "hooks"), &hooks, opened, NULL, ONCE},
	{TRY_WITH(mem_object_prepare, "externs"), &externs, opened, NULL, ONCE},
	{TRY_WITH(mem_object_prepare, "resized"), &grow, opened_and_resized, NULL, ONCE | TOLD},
	{0},
};

static const struct operation loading[] = {
	{TRY_WITH(mem_object_load, "plain"), &plain, prepared, NULL, ONCE | TOLD},
	{TRY_WITH(mem_object_load, "shared"), &shared, prepared, NULL, ONCE | TOLD},
	{TRY_WITH(mem_object_load, "hooks"), &hooks, prepared, NULL, ONCE | TOLD},
	{TRY_WITH(mem_object_load, "context_arguments"), &context_arguments, prepared, NULL, ONCE | TOLD},
	{TRY_WITH(mem_object_load, "externs"), &externs, prepared, NULL, ONCE | TOLD},
	{0},
};

/*
 * Here regions have no memory but the maps'. More of them: faults/memory.c has per-thread structs, sharing.c pins,
 * attaching.c struct_ops.
 */
#define AT_ONCE(object) {TRY_AS("mem_skeleton_open_and_load " #object, open_and_load), &object, NULL, NULL, AGAIN}
static const struct operation loading_at_once[] = {
	AT_ONCE(plain), AT_ONCE(shared), AT_ONCE(hooks), AT_ONCE(percpu), AT_ONCE(odd_maps), AT_ONCE(region_arena),
	AT_ONCE(grow), {0},
};

/* Threads load them; each finds a failure of its own, and what it could not do is tried again by one. */
static const struct operation loading_many[] = { AT_ONCE(many), {0} };

static const struct operation calling[] = {
	{TRY(mem_arena_populate), &shared, prepared, "arena", AGAIN},
	{TRY(mem_arena_usage), &shared, prepared, "arena", AGAIN},
	{TRY(mem_object_check_faults), &shared, loaded, NULL, AGAIN | REFUSED}, /* before Linux 6.17 */
	{TRY(mem_prog_stream_read), &plain, loaded, "calls", AGAIN | REFUSED}, /* the same */
	{TRY(mem_prog_stats), &plain, loaded, "calls", AGAIN},
	{TRY(mem_map_update), &plain, prepared, "lru", AGAIN},
	{TRY(mem_map_lookup), &plain, updated, "lru", AGAIN},
	{TRY(mem_map_next_key), &plain, updated, "lru", AGAIN},
	{TRY(mem_map_delete), &plain, updated, "lru", AGAIN},
	{TRY(mem_map_id), &plain, prepared, "lru", AGAIN},
	{TRY(mem_region_cpu_read), &percpu, prepared, "percpu", AGAIN},
	{TRY(mem_region_cpu_write), &percpu, prepared, "percpu", AGAIN | REFUSED}, /* before Linux 7.0 */
	{TRY(mem_prog_run), &plain, loaded, "calls", AGAIN},
	{TRY(mem_prog_target_set), &replace, target_loaded, "replacement", AGAIN | TOLD},
	{0},
};

SWEEP_TABLE(reading)
SWEEP_TABLE(opening)
SWEEP_TABLE(preparing)
SWEEP_TABLE(loading)
SWEEP_TABLE(loading_at_once)
SWEEP_TABLE(loading_many)
SWEEP_TABLE(calling)

TEST(reading_fails, .timeout = 60)
{
	sweep_all(reading);
}
END_TEST

TEST(opening_fails, .timeout = 60)
{
	sweep_all(opening);
}
END_TEST

TEST(preparing_fails, .timeout = 60)
{
	need_bpf();
	sweep_all(preparing);
}
END_TEST

TEST(loading_fails, .timeout = 120, .slow_emulated = "loads programs a thousand times")
{
	need_bpf();
	sweep_all(loading);
}
END_TEST

TEST(loading_at_once_fails, .timeout = 120, .slow_emulated = "loads programs a thousand times")
{
	need_bpf();
	sweep_all(loading_at_once);
}
END_TEST

TEST(loading_many_programs_fails, .timeout = 120, .slow_emulated = "loads forty programs a hundred times")
{
	need_bpf();
	sweep_all(loading_many);
}
END_TEST

TEST(calls_fail, .timeout = 60)
{
	need_bpf();
	sweep_all(calling);
}
END_TEST

/* ---- nothing was forgotten */

/*
 * Public functions without a row, and why: those that make no call which could fail. What they do with
 * wrong arguments is their suites' business.
 */
static const char *const exempt[] = {
	/* answer from memory */
	"mem_arena_version", "mem_error_message", "mem_heap_usage", "mem_link_fd", "mem_map_fd", "mem_map_autocreate",
	"mem_map_is_reused",
	"mem_map_key_size", "mem_map_max_entries", "mem_map_name", "mem_map_pin_path", "mem_map_type",
	"mem_map_value_size", "mem_object_error", "mem_object_find_map", "mem_object_find_prog",
	"mem_object_find_region", "mem_object_name", "mem_object_next_map", "mem_object_next_prog",
	"mem_object_next_region", "mem_perf_buffer_fd", "mem_prog_autoload", "mem_prog_error",
	"mem_prog_fd", "mem_prog_name", "mem_prog_section", "mem_prog_type", "mem_region_data",
	"mem_region_kind", "mem_region_length", "mem_region_map", "mem_region_name",
	"mem_region_stride", "mem_region_variables", "mem_region_writable", "mem_ringbuf_fd",
	"mem_schema_compare", "mem_schema_diff", "mem_schema_fields", "mem_schema_hash",
	"mem_task_back_used", "mem_version",
	/* note down what somebody wants */
	"mem_arena_version_set", "mem_log_set", "mem_map_autoattach_set", "mem_prog_autoattach_set",
	"mem_prog_autoload_set", "mem_prog_cookie_set", "mem_prog_type_set", "mem_region_leave_unmapped",
	"mem_region_readonly_set", "mem_task_setup", "mem_token_path_set",
	/* link something in */
	"mem_arena_use", "mem_context_arguments_use", "mem_kconfig_use", "mem_kernel_addresses_use",
	"mem_kernel_names_use", "mem_percpu_use", "mem_pinning_use",
	"mem_probe_multi_use", "mem_probe_use", "mem_struct_ops_use", "mem_task_use",
	"mem_trace_multi_use", "mem_tracepoint_use", "mem_type_matches_use", "mem_usdt_use",
	/* move pointers in shared memory */
	"mem_ringbuf_consume", "mem_ringbuf_next", "mem_ringbuf_release", "mem_perf_buffer_consume",
	"mem_user_ringbuf_discard", "mem_user_ringbuf_reserve", "mem_user_ringbuf_submit",
	"mem_hash_destroy", "mem_heap_leave", "mem_heap_report",
	/* asks for memory of an image with hundreds of functions only */
	"mem_image_is_valid",
	/* take away, and return nothing; every row ends with some of them */
	"mem_heap_keep_stop", "mem_image_free", "mem_link_destroy", "mem_object_close",
	"mem_region_detach", "mem_ringbuf_free", "mem_schema_free", "mem_skeleton_detach", "mem_task_forget",
	"mem_task_leave", "mem_task_unregister", "mem_user_ringbuf_free",
	/* ask for the own number, which the kernel always has, or take a thread for alive when they can't ask */
	"mem_thread_id", "mem_thread_lives",
};

static int is_exempt(const char *function)
{
	for (size_t i = 0; i < sizeof(exempt) / sizeof(exempt[0]); i++)
		if (!strcmp(exempt[i], function))
			return 1;
	return 0;
}

/* A line of a version script that names a function: "\t\tNAME;". */
static void check_exported(char *line, const char *script, int *count)
{
	char *name = line + strspn(line, " \t");

	if (strncmp(name, "mem_", 4) || !strncmp(name, "mem__", 5))
		return;
	name[strcspn(name, ";\n")] = '\0';
	ck_assert_msg(sweep_has(name) != is_exempt(name), "%s() of %s is %s", name, script,
		      is_exempt(name) ? "exempt from the sweep and in it"
				      : "in no table of faults/ and not exempt");
	++*count;
}

TEST(every_public_function_has_a_row, .host_only = "reads files of the source tree")
{
	static const char *const scripts[] = {"libmem.map", "libmem-elf.map"};
	char line[200];
	int count = 0;

	for (int i = 0; i < 2; i++) {
		FILE *file = fopen(source_path(scripts[i]), "re");

		ck_assert_ptr_nonnull(file);
		while (fgets(line, sizeof(line), file))
			check_exported(line, scripts[i], &count);
		fclose(file);
	}
	ck_assert_int_gt(count, 100);
}
END_TEST
