/* SPDX-License-Identifier: BSD-2-Clause */
/* Variables without a byte (`int end[0];`): headers have them, and the kernel does not stumble over them. */
#include <stdlib.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <mem/atomic.h>
#include <mem/elf.h>

#include "empty_variables.skel.h"
#include "harness.h"

FIXTURE(need_bpf, NULL)

/* A program that needs its types, and a map that does. */
TEST(an_object_with_empty_variables_is_loaded)
{
	struct empty_variables *skel = assert_ptr(empty_variables__open_and_load());

	ck_assert_uint_eq(skel->data_empty->full, 3);
	assert_ok(empty_variables__attach(skel));
	while (!mem_load(&skel->bss->last))
		syscall(SYS_getppid);
	ck_assert_uint_ne(mem_load(&skel->bss->first), 0);
	ck_assert_uint_gt(mem_load(&skel->data_empty->full), 3);
	empty_variables__destroy(skel);
}
END_TEST

TEST(an_object_file_with_empty_variables_is_loaded)
{
	struct mem_object *obj =
		assert_ptr(mem_object_open_file(build_path("selftests/empty_variables.bpf.o"), NULL));

	assert_ok(mem_object_load(obj));
	mem_object_close(obj);
}
END_TEST

static void assert_inside(const void *variable, const void *section, size_t size)
{
	const char *from = section;

	ck_assert((const char *)variable >= from && (const char *)variable <= from + size);
}

TEST(empty_variables_are_members)
{
	struct empty_variables *skel = assert_ptr(empty_variables__open());

	assert_inside(skel->bss->middle, skel->bss, sizeof(*skel->bss));
	assert_inside(skel->bss->behind, skel->bss, sizeof(*skel->bss));
	assert_inside(skel->data_empty->no_bytes, skel->data_empty, sizeof(*skel->data_empty));
	empty_variables__destroy(skel);
}
END_TEST
