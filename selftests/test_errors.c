/* SPDX-License-Identifier: BSD-2-Clause */
/* What libmem says when the kernel says no. */
#include <errno.h>
#include <linux/bpf.h>
#include <stdint.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <linux/capability.h>
#include <unistd.h>

#include "harness.h"
#include "plain.skel.h"
#include "refused.skel.h"
#include "refused_maps.skel.h"
#include "shared.skel.h"

FIXTURE(need_bpf, NULL)

static struct refused *open_only(const char *name)
{
	struct refused *skel = assert_ptr(refused__open());
	struct mem_prog *prog = NULL;

	while ((prog = mem_object_next_prog(skel->obj, prog)))
		assert_ok(mem_prog_autoload_set(prog, !strcmp(mem_prog_name(prog), name)));
	assert_ok(mem_map_max_entries_set(skel->maps.unsized, 1));
	return skel;
}

static void message_has(const char *message, const char *part)
{
	ck_assert_msg(strstr(message, part), "no '%s' in: %s", part, message);
}

TEST(verifier_refusal_names_program_instruction_line_and_reason)
{
	struct refused *skel = open_only("null_dereference");
	const char *message;

	assert_err(refused__load(skel), -EACCES);
	message = mem_object_error(skel->obj);
	message_has(message, "refused: program 'null_dereference' (section syscall)");
	message_has(message, "invalid mem access");
	message_has(message, "at instruction ");
	message_has(message, "in unchecked()");
	message_has(message, "refused.bpf.c:");
	message_has(message, "return *value; /* may be NULL */");
	ck_assert_str_eq(message, mem_error_message());
	refused__destroy(skel);
}
END_TEST

TEST(missing_kfunc_is_named)
{
	struct refused *skel = open_only("strong_kfunc");

	assert_err(refused__load(skel), -ENOENT);
	message_has(mem_error_message(), "libmem_no_such_kfunc");
	message_has(mem_error_message(), "__weak");
	refused__destroy(skel);
}
END_TEST

TEST(missing_weak_kfunc_reads_as_null)
{
	struct refused *skel = open_only("weak_kfunc");
	struct mem_run_opts opts = { .sz = sizeof(opts) };

	assert_ok(refused__load(skel));
	assert_ok(mem_prog_run(skel->progs.weak_kfunc, &opts));
	ck_assert_uint_eq(opts.retval, 12);
	refused__destroy(skel);
}
END_TEST

TEST(unknown_section_is_named)
{
	struct refused *skel = open_only("unknown_section");

	assert_err(refused__load(skel), -EINVAL);
	message_has(mem_error_message(), "'no/such/section'");
	refused__destroy(skel);
}
END_TEST

TEST(unknown_attach_target_is_named)
{
	struct refused *skel = open_only("unknown_target");

	assert_err(refused__load(skel), -ENOENT);
	message_has(mem_error_message(), "program 'unknown_target'");
	message_has(mem_error_message(), "'libmem_no_such_tracepoint'");
	refused__destroy(skel);
}
END_TEST

/* The verifier stops where the field is read; that it is missing is what the user has to know. */
TEST(field_that_is_not_in_the_kernel)
{
	struct refused *skel;
	int err;

	need_linux(5, 17, "CO-RE in the kernel");
	skel = open_only("reads_missing_field");
	err = refused__load(skel);
	ck_assert_int_lt(err, 0);
	message_has(mem_error_message(), "program 'reads_missing_field'");
	message_has(mem_error_message(), "this kernel has no STRUCT task_struct.libmem_no_such_member");
	message_has(mem_error_message(), "bpf_core_field_exists()");
	message_has(mem_error_message(), "in reads_missing_field(), ");
	message_has(mem_error_message(), "refused.bpf.c:");
	refused__destroy(skel);
	skel = open_only("tests_for_field");
	assert_ok(refused__load(skel));
	refused__destroy(skel);
}
END_TEST

TEST(weak_kfunc_called_without_a_test)
{
	struct refused *skel = open_only("calls_weak_kfunc");

	ck_assert_int_lt(refused__load(skel), 0);
	message_has(mem_error_message(), "calls 'libmem_no_such_weak_kfunc'");
	message_has(mem_error_message(), "test for it");
	message_has(mem_error_message(), "without looking");
	refused__destroy(skel);
}
END_TEST

TEST(missing_variables_and_symbols_are_named)
{
	struct refused *skel = open_only("reads_missing_variable");

	assert_err(refused__load(skel), -ENOENT);
	message_has(mem_error_message(), "no variable 'libmem_no_such_variable'");
	message_has(mem_error_message(), "__weak");
	refused__destroy(skel);
	skel = open_only("names_missing_symbol");
	assert_err(refused__load(skel), -ENOENT);
	message_has(mem_error_message(), "no symbol 'libmem_no_such_symbol'");
	refused__destroy(skel);
}
END_TEST

TEST(missing_functions_to_attach_to_are_named)
{
	struct refused *skel = open_only("on_missing_function");

	assert_err(refused__load(skel), -ENOENT);
	message_has(mem_error_message(), "program 'on_missing_function'");
	message_has(mem_error_message(), "no function 'libmem_no_such_function'");
	refused__destroy(skel);
	skel = open_only("on_missing_module");
	assert_err(refused__load(skel), -ENOENT);
	message_has(mem_error_message(), "'libmem_no_such_module:its_function'");
	message_has(mem_error_message(), "module");
	refused__destroy(skel);
}
END_TEST

/* 0 if the program can be loaded, else the message says what the kernel lacks and since when it is there. */
static void needs_kernel(const char *name, int version, const char *feature, const char *since)
{
	struct refused *skel = open_only(name);
	int err = refused__load(skel);

	if (linux_version() < version && err != -EPERM) {
		ck_assert_int_eq(err, -ENOTSUP);
		message_has(mem_error_message(), feature);
		message_has(mem_error_message(), since);
	}
	refused__destroy(skel);
	if (err == -EPERM)
		test_skip("this kernel refuses %s", name);
	if (linux_version() >= version && err == -EINVAL)
		test_skip("this kernel is built without %s", feature);
}

TEST(old_kernel_lacks_a_type_of_program)
{
	needs_kernel("on_packet", 6004, "netfilter programs", "6.4");
}
END_TEST

TEST(old_kernel_lacks_an_attach_type)
{
	needs_kernel("on_session", 7000, "fsession programs", "7.0");
}
END_TEST

TEST(program_that_reaches_a_map_that_was_left_out)
{
	struct refused *skel = open_only("reaches_optional");
	struct mem_run_opts opts = { .sz = sizeof(opts) };

	assert_ok(mem_map_autocreate_set(skel->maps.optional, 0));
	ck_assert_int_lt(refused__load(skel), 0);
	message_has(mem_error_message(), "reaches map 'optional'");
	message_has(mem_error_message(), "mem_map_autocreate_set()");
	ck_assert_int_eq(mem_map_fd(skel->maps.optional), -EBADF);
	refused__destroy(skel);

	skel = open_only("asks_for_optional");
	assert_ok(mem_map_autocreate_set(skel->maps.optional, 0));
	ck_assert_int_eq(mem_map_autocreate(skel->maps.optional), 0);
	skel->rodata->has_optional = 0;
	assert_ok(refused__load(skel));
	assert_ok(mem_prog_run(skel->progs.asks_for_optional, &opts));
	ck_assert_uint_eq(opts.retval, 2);
	assert_err(mem_map_autocreate_set(skel->maps.optional, 1), -EBUSY);
	assert_err(mem_map_autocreate_set(skel->maps.rodata, 0), -EBUSY);
	refused__destroy(skel);
}
END_TEST

/* Create one of the maps; the message says what, why and what to do. */
static void map_is_refused(const char *name, const char *reason)
{
	struct refused_maps *skel = assert_ptr(refused_maps__open());
	struct mem_map *map = NULL;

	while ((map = mem_object_next_map(skel->obj, map)))
		assert_ok(mem_map_autocreate_set(map, !strcmp(mem_map_name(map), name)));
	ck_assert_int_lt(refused_maps__load(skel), 0);
	message_has(mem_error_message(), name);
	message_has(mem_error_message(), reason);
	refused_maps__destroy(skel);
}

TEST(refused_maps_break_a_rule_that_is_named)
{
	map_is_refused("long_keys", "keys of arrays are 4 bytes");
	map_is_refused("trie_of_flags", "needs BPF_F_NO_PREALLOC");
	map_is_refused("sized_storage", "no max_entries");
	map_is_refused("without_model", "needs a model of the maps in it");
	map_is_refused("timed_storage", "type 29"); /* which has no size to set */
	map_is_refused("from_the_future", "type 9999");
	map_is_refused("unknown_flag", "flags 0x40000000");
}
END_TEST

TEST(programs_that_do_not_fit_together_are_named)
{
	struct refused *skel = open_only("whole_packets");

	mem_prog_autoload_set(skel->progs.fragments, 1);
	assert_err(refused__load(skel), -EINVAL);
	message_has(mem_error_message(), "map 'mixed': element 1 can't be program 'fragments'");
	message_has(mem_error_message(), "xdp.frags");
	refused__destroy(skel);
}
END_TEST

/* From 7.1 on the kernel has a word on it of its own. */
TEST(newer_kernel_says_what_is_wrong_with_a_map)
{
	need_linux(7, 1, "logs of maps that are refused");
	map_is_refused("from_the_future", "nvalid map_type");
}
END_TEST

TEST(map_without_size_says_what_to_call)
{
	struct refused *skel = assert_ptr(refused__open());

	assert_err(refused__load(skel), -EINVAL);
	message_has(mem_error_message(), "map 'unsized'");
	message_has(mem_error_message(), "mem_map_max_entries_set()");
	refused__destroy(skel);
}
END_TEST

TEST(a_failed_object_can_only_be_closed)
{
	struct refused *skel = open_only("unknown_section");

	assert_err(refused__load(skel), -EINVAL);
	assert_err(refused__load(skel), -EINVAL);
	message_has(mem_error_message(), "only be closed");
	refused__destroy(skel);
}
END_TEST

/* Give up other capabilities for the rest of this process; tests run in a process each. */
static void keep_capabilities(uint32_t from_32_on)
{
	struct __user_cap_header_struct header = { _LINUX_CAPABILITY_VERSION_3, 0 };
	struct __user_cap_data_struct sets[2] = { [1] = { from_32_on, from_32_on, 0 } };

	ck_assert_int_eq(syscall(SYS_capset, &header, sets), 0);
}

TEST(a_stricter_verifier_is_told_of)
{
	struct refused *skel = open_only("null_dereference");

	ck_assert_int_lt(refused__load(skel), 0);
	ck_assert_ptr_null(strstr(mem_error_message(), "CAP_PERFMON"));
	refused__destroy(skel);
	skel = open_only("null_dereference");
	keep_capabilities(CAP_TO_MASK(39)); /* CAP_BPF */
	ck_assert_int_lt(refused__load(skel), 0);
	message_has(mem_error_message(), "was refused: ");
	message_has(mem_error_message(), "the process lacks CAP_PERFMON");
	refused__destroy(skel);
}
END_TEST

TEST(missing_privilege_is_named)
{
	struct plain *skel = assert_ptr(plain__open());

	keep_capabilities(0);
	assert_err(plain__load(skel), -EPERM);
	message_has(mem_error_message(), "CAP_BPF");
	message_has(mem_error_message(), "unprivileged_bpf_disabled");
	plain__destroy(skel);
}
END_TEST

TEST(missing_privilege_for_networks_is_named)
{
	struct refused *skel = open_only("whole_packets");

	keep_capabilities(CAP_TO_MASK(CAP_BPF) | CAP_TO_MASK(CAP_PERFMON));
	assert_err(refused__load(skel), -EPERM);
	message_has(mem_error_message(), "the process lacks CAP_NET_ADMIN");
	message_has(mem_error_message(), "give it CAP_BPF and CAP_PERFMON as well as that");
	refused__destroy(skel);
}
END_TEST

TEST(no_address_space_for_a_region, .unsanitized = "limits the address space")
{
	struct rlimit limit = { 16 << 20, 16 << 20 }; /* less than plain's .bss */

	ck_assert_int_eq(setrlimit(RLIMIT_AS, &limit), 0);
	ck_assert_ptr_null(plain__open());
	ck_assert_int_eq(errno, ENOMEM);
	message_has(mem_error_message(), "'bss'");
}
END_TEST

TEST(no_descriptor_left)
{
	struct plain *skel = assert_ptr(plain__open());
	struct rlimit limit;

	ck_assert_int_eq(getrlimit(RLIMIT_NOFILE, &limit), 0);
	for (rlim_t files = 3; files < 64; files++) {
		limit.rlim_cur = files;
		ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &limit), 0);
		if (!plain__load(skel))
			break;
		message_has(mem_error_message(), "plain: ");
		message_has(mem_error_message(), "ulimit -n");
		plain__destroy(skel);
		skel = assert_ptr(plain__open());
	}
	assert_err(plain__load(skel), -EALREADY);
	plain__destroy(skel);
}
END_TEST

TEST(old_kernel_lacks_arenas)
{
	struct shared *skel = assert_ptr(shared__open());

	if (linux_version() >= 6009) {
		assert_ok(shared__prepare(skel));
	} else {
		assert_err(shared__prepare(skel), -ENOTSUP);
		message_has(mem_error_message(), "lacks arenas");
		message_has(mem_error_message(), "6.9");
	}
	shared__destroy(skel);
}
END_TEST

static char log_text[8192];
static int log_level_seen;

static void keep_log(void *ctx, enum mem_log_level level, const char *text)
{
	ck_assert_ptr_eq(ctx, log_text);
	log_level_seen = (int)level;
	strncat(log_text, text, sizeof(log_text) - strlen(log_text) - 1);
}

TEST(log_goes_where_it_is_told)
{
	mem_log_set(MEM_LOG_ERROR, keep_log, log_text);
	ck_assert_ptr_null(mem_object_open(NULL, NULL));
	ck_assert_str_eq(log_text, mem_error_message());
	ck_assert_int_eq(log_level_seen, MEM_LOG_ERROR);
	log_text[0] = '\0';
	mem_log_set(MEM_LOG_SILENT, keep_log, log_text);
	ck_assert_ptr_null(mem_object_open(NULL, NULL));
	ck_assert_str_eq(log_text, "");
}
END_TEST
