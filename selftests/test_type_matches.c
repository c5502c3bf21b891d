/* SPDX-License-Identifier: BSD-2-Clause */
/* bpf_core_type_matches(): by the kernel, and where it does not look deep enough. */
#include <string.h>

#include "harness.h"
#include "type_matches.skel.h"

static int compared_here;

static void count_comparisons(void *ctx, enum mem_log_level level, const char *text)
{
	(void)ctx, (void)level;
	compared_here += strstr(text, "types are compared here") != NULL;
}

static void setup(void)
{
	need_bpf();
	compared_here = 0;
	mem_log_set(MEM_LOG_INFO, count_comparisons, NULL);
}

static void teardown(void)
{
	mem_log_set(MEM_LOG_SILENT, NULL, NULL);
}

FIXTURE(setup, teardown)

static void answers_are(const char *prog, const char *expected)
{
	struct mem_run_opts opts = { .sz = sizeof(opts) };
	struct type_matches *skel = assert_ptr(type_matches__open());
	char answers[17] = "";

	assert_ok(mem_prog_autoload_set(skel->progs.deep, !strcmp(prog, "deep")));
	assert_ok(mem_prog_autoload_set(skel->progs.shallow, !strcmp(prog, "shallow")));
	assert_ok(type_matches__load(skel));
	assert_ok(mem_prog_run(assert_ptr(mem_object_find_prog(skel->obj, prog)), &opts));
	ck_assert_uint_eq(skel->bss->count, strlen(expected));
	for (unsigned int i = 0; i < skel->bss->count; i++)
		answers[i] = (char)('0' + skel->bss->answers[i]);
	ck_assert_str_eq(answers, expected);
	type_matches__destroy(skel);
}

TEST(structs_in_structs_are_compared_here)
{
	answers_are("deep", "1000100101");
	ck_assert_int_eq(compared_here, 1);
}
END_TEST

TEST(what_the_kernel_can_answer_is_its_business)
{
	need_linux(6, 0, "bpf_core_type_matches()");
	answers_are("shallow", "101");
	ck_assert_int_eq(compared_here, 0);
}
END_TEST
