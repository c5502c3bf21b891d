/* SPDX-License-Identifier: BSD-2-Clause */
/* Per-thread structs of several sizes, and of sides that were built at different times. */
#include <stdint.h>
#include <string.h>

#include <mem/elf.h>

#include "harness.h"
#include "task_basic.skel.h"
#include "task_large.skel.h"
#include "tasks.h"

static struct mem_object *obj;

static void teardown(void)
{
	mem_object_close(obj);
	obj = NULL;
	mem_task_unregister();
}

FIXTURE(NULL, teardown)

static void open_object(const char *name)
{
	need_bpf();
	need_linux(5, 17, "CO-RE by the kernel");
	obj = assert_ptr(mem_object_open_file(build_path(name), NULL));
}

static int run(const char *name)
{
	struct mem_run_opts opts = {.sz = sizeof(opts)};

	assert_ok(mem_prog_run(assert_ptr(mem_object_find_prog(obj, name)), &opts));
	return (int)opts.retval;
}

TEST(a_newer_program_finds_its_own_fields_zero)
{
	struct request *r;

	open_object("selftests/task_newer.bpf.o");
	assert_ok(mem_object_load(obj));
	r = assert_ptr(task_basic__task_request());
	r->id = 5;
	ck_assert_int_eq(run("newer"), 0);
	ck_assert_int_eq(run("newer"), 1);
	ck_assert_uint_eq(r->seen, 5);
	/* and the application's next struct is not where the program's new fields are */
	ck_assert_uint_eq(assert_ptr(task_basic__task_counters())->calls, 0);
}
END_TEST

TEST(an_application_first_leaves_room_for_a_newer_program)
{
	struct request *r = assert_ptr(task_basic__task_request());

	r->id = 6;
	assert_ptr(task_basic__task_counters())->calls = UINT64_MAX;
	open_object("selftests/task_newer.bpf.o");
	assert_ok(mem_object_load(obj));
	r = assert_ptr(task_basic__task_request());
	ck_assert_int_eq(run("newer"), 0);
	ck_assert_int_eq(run("newer"), 1);
	ck_assert_uint_eq(r->seen, 6);
	ck_assert_uint_eq(task_basic__task_counters()->calls, UINT64_MAX);
}
END_TEST

TEST(changed_fields_are_refused_one_by_one)
{
	assert_ptr(task_basic__task_request());
	open_object("selftests/task_changed.bpf.o");
	assert_err(mem_object_load(obj), -EINVAL);
	assert_says("seen: s64, was u64");
	assert_says("name: at bit 128, was at 160");
	assert_says("phase: at bit 224, was at 128");
	ck_assert_ptr_null(strstr(mem_error_message(), "id:"));
}
END_TEST

TEST(an_application_is_refused_like_a_program)
{
	open_object("selftests/task_changed.bpf.o");
	assert_ok(mem_object_load(obj));
	ck_assert_ptr_null(task_basic__task_request());
	ck_assert_int_eq(errno, EINVAL);
	assert_says("seen: u64, was s64");
}
END_TEST

/* In another order, and with fields in between that the application does not know. */
static void fields_move(enum mem_task_back back)
{
	struct request *r;
	struct counters *c;

	tasks_use(back, 0);
	assert_ptr(task_basic__task_request());
	assert_ptr(task_basic__task_counters());
	open_object("selftests/task_moved.bpf.o");
	assert_ok(mem_object_load(obj));
	r = assert_ptr(task_basic__task_request());
	c = assert_ptr(task_basic__task_counters());
	*r = (struct request){.id = 100, .seen = 7, .phase = 5, .name = "abcdefghijk"};
	*c = (struct counters){.calls = 40, .range = {.low = 8, .high = 1}};
	ck_assert_int_eq(run("moved"), 0 + 20 + 1000);
	ck_assert_int_eq(run("moved"), 1 + 40 + 2000);
	ck_assert_uint_eq(r->id, 100);
	ck_assert_uint_eq(r->seen, 105);
	ck_assert_uint_eq(r->phase, 5);
	ck_assert_str_eq(r->name, "abmdfourijk");
	ck_assert_uint_eq(c->calls, 46);
	ck_assert_uint_eq(c->range.low, 8);
	ck_assert_uint_eq(c->range.high, 9);
}

TEST(fields_move_uptr)
{
	fields_move(MEM_TASK_BACK_UPTR);
}
END_TEST

TEST(fields_move_arena)
{
	fields_move(MEM_TASK_BACK_ARENA);
}
END_TEST

TEST(fields_move_array)
{
	fields_move(MEM_TASK_BACK_ARRAY);
}
END_TEST

/* Alone, it is as it was compiled. */
TEST(a_movable_struct_that_nobody_else_has)
{
	open_object("selftests/task_moved.bpf.o");
	assert_ok(mem_object_load(obj));
	ck_assert_int_eq(run("moved"), -1);
	ck_assert_ptr_null(task_basic__task_request()); /* an application does not move */
	ck_assert_int_eq(errno, EINVAL);
	assert_says("phase: at bit 128, was at 64");
}
END_TEST

TEST(what_can_not_move_is_refused)
{
	assert_ptr(task_basic__task_request());
	open_object("selftests/task_moved_bits.bpf.o");
	assert_err(mem_object_load(obj), -EINVAL);
	assert_says("id: s64, was u64");
	assert_says("urgent: new at bit 0, where id was");
	ck_assert_ptr_null(strstr(mem_error_message(), "phase"));
	ck_assert_ptr_null(strstr(mem_error_message(), "seen"));
}
END_TEST

TEST(more_than_a_page_goes_to_a_slot)
{
	struct trace *t;

	open_object("selftests/task_large.bpf.o");
	assert_ok(mem_object_load(obj));
	ck_assert_int_eq(mem_task_back_used(),
			 linux_version() >= 6009 ? MEM_TASK_BACK_ARENA : MEM_TASK_BACK_ARRAY);
	t = assert_ptr(task_large__task_trace());
	t->events[0] = 8;
	ck_assert_int_eq(run("add"), 1);
	ck_assert_uint_eq(t->events[1499], 9);
	ck_assert_uint_eq(t->next, 1);
}
END_TEST

TEST(more_than_a_page_is_no_use_for_task_storage)
{
	struct mem_task_opts opts = {.sz = sizeof(opts), .back = MEM_TASK_BACK_UPTR};

	assert_ok(mem_task_setup(&opts));
	open_object("selftests/task_large.bpf.o");
	assert_err(mem_object_load(obj), linux_version() >= 6013 ? -E2BIG : -ENOTSUP);
}
END_TEST

TEST(what_does_not_fit_any_more_is_refused)
{
	assert_ptr(task_basic__task_request());
	open_object("selftests/task_large.bpf.o");
	assert_err(mem_object_load(obj), -ENOSPC);
}
END_TEST

TEST(setup_is_for_the_beginning)
{
	struct mem_task_opts opts = {.sz = sizeof(opts), .block_size = 3000};

	assert_err(mem_task_setup(&opts), -EINVAL);
	opts.block_size = 0;
	opts.back = (enum mem_task_back)9;
	assert_err(mem_task_setup(&opts), -EINVAL);
	opts.back = MEM_TASK_BACK_AUTO;
	assert_ok(mem_task_setup(&opts));
	assert_ptr(task_basic__task_request());
	assert_err(mem_task_setup(&opts), -EBUSY);
	mem_task_unregister();
	assert_ok(mem_task_setup(NULL));
}
END_TEST
