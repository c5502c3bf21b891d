/* SPDX-License-Identifier: BSD-2-Clause */
/* What the verifier looks at for an operation on a structure in an arena, in loops that it follows round by round. */
#include <linux/bpf.h>
#include <string.h>

#include "arena_loops.skel.h"
#include "arena_loops_o1.skel.h"
#include "harness.h"
#include "rawbpf.h"

static void setup(void)
{
	need_bpf();
	need_linux(6, 10, "atomic instructions on arena memory");
}

FIXTURE(setup, NULL)

static bool begins(const char *name, const char *with)
{
	return !strncmp(name, with, strlen(with));
}

/* Half of what it grants, with the functions behind the operations. Older ones than Linux 6.18 look at more. */
#define LIMIT 500000

/* What takes the verifier long is not looked at twice. */
static bool is_short(const char *name)
{
	static const char *const names[] = {"shift_", "stack_", "bits_", "count_", "sort_", "locked_"};

	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++)
		if (begins(name, names[i]))
			return true;
	return false;
}

static int check_programs(struct mem_object *obj, bool all)
{
	struct mem_run_opts opts = {.sz = sizeof(opts)};
	struct mem_prog *prog = NULL;
	struct bpf_prog_info info;
	int programs = 0;

	while ((prog = mem_object_next_prog(obj, prog)))
		assert_ok(mem_prog_autoload_set(prog, all || is_short(mem_prog_name(prog))));
	assert_ok(mem_object_load(obj));
	while ((prog = mem_object_next_prog(obj, prog))) {
		if (!mem_prog_autoload(prog))
			continue;
		memset(&info, 0, sizeof(info));
		assert_ok(raw_info(mem_prog_fd(prog), &info, sizeof(info)));
		ck_assert_msg(info.verified_insns < LIMIT, "%s: %u", mem_prog_name(prog),
			      info.verified_insns);
		assert_ok(mem_prog_run(prog, &opts));
		programs++;
	}
	return programs;
}

TEST(rounds_cost_little)
{
	struct arena_loops *skel = assert_ptr(arena_loops__open());

	ck_assert_int_eq(check_programs(skel->obj, true), 39);
	arena_loops__destroy(skel);
}
END_TEST

TEST(rounds_cost_little_at_o1)
{
	struct arena_loops_o1 *skel = assert_ptr(arena_loops_o1__open());

	ck_assert_int_eq(check_programs(skel->obj, false), 18);
	arena_loops_o1__destroy(skel);
}
END_TEST
