/* SPDX-License-Identifier: BSD-2-Clause */
/* Arguments of global functions that are tagged as the context: kernels that read the tag, and those that don't. */
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "context_arguments.skel.h"
#include "harness.h"

static int changed;

static void count_changes(void *ctx, enum mem_log_level level, const char *text)
{
	(void)ctx, (void)level;
	changed += strstr(text, "goes by the names of arguments' types") != NULL;
}

static void setup(void)
{
	need_bpf();
	changed = 0;
	mem_log_set(MEM_LOG_INFO, count_changes, NULL);
}

static void teardown(void)
{
	mem_log_set(MEM_LOG_SILENT, NULL, NULL);
}

FIXTURE(setup, teardown)

TEST(programs_of_each_type_give_their_context_away)
{
	struct context_arguments *skel = assert_ptr(context_arguments__open_and_load());
	char packet[100] = "";
	struct mem_run_opts opts = {.sz = sizeof(opts), .data_in = packet, .data_size_in = sizeof(packet)};
	struct mem_link *link;

	ck_assert_int_eq(changed, linux_version() < 6008 ? 4 : 0);
	assert_ok(mem_prog_run(skel->progs.on_packet, &opts));
	ck_assert_uint_eq(opts.retval, 2 * sizeof(packet));
	link = assert_ptr(mem_prog_attach(skel->progs.on_call));
	syscall(SYS_getppid);
	mem_link_destroy(link);
	ck_assert_uint_gt(skel->bss->calls, 0);
	ck_assert_uint_gt(skel->bss->depth, 0);
	context_arguments__destroy(skel);
}
END_TEST
