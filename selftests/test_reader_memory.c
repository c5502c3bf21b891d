/* SPDX-License-Identifier: BSD-2-Clause */
/* Reading while memory runs out, at each allocation in turn: an error, and nothing is left behind. */
#include <errno.h>
#include <mem/elf.h>
#include <stdio.h>
#include <stdlib.h>

#include "elf_builder.h"
#include "harness.h"

/* Sanitizers have an allocator of their own, which must not be replaced. */
#if defined(__SANITIZE_ADDRESS__)
#define OWN_ALLOCATOR 0
#else
#define OWN_ALLOCATOR 1
#endif

/* Allocations that still succeed; negative: all of them. Only the next one fails, or all that follow. */
static long left = -1;
static int for_good;
static long live; /* allocations minus frees since counting began */
static int counting;
static size_t taken; /* bytes, since then */

#if OWN_ALLOCATOR
static int fails(void)
{
	if (left < 0)
		return 0;
	if (left > 0) {
		left--;
		return 0;
	}
	if (!for_good)
		left = -1;
	errno = ENOMEM;
	return 1;
}

/* glibc's own; to ask dlsym() for them does not work, as it allocates itself. */
void *__libc_malloc(size_t size);
void *__libc_calloc(size_t count, size_t size);
void *__libc_realloc(void *old, size_t size);
void __libc_free(void *data);

/* visible, so that libelf and libbpf use them as well */
#pragma GCC visibility push(default)

void *malloc(size_t size)
{
	if (fails())
		return NULL;
	live += counting;
	taken += size;
	return __libc_malloc(size);
}

void *calloc(size_t count, size_t size)
{
	if (fails())
		return NULL;
	live += counting;
	taken += count * size;
	return __libc_calloc(count, size);
}

void *realloc(void *old, size_t size)
{
	if (fails())
		return NULL;
	if (!old)
		live += counting;
	taken += size;
	return __libc_realloc(old, size);
}

void free(void *data)
{
	if (data)
		live -= counting;
	__libc_free(data);
}

#pragma GCC visibility pop
#endif

/* Read an object until nothing fails any more; the number of allocations that it takes. */
static long sweep(const char *path, int permanently)
{
	for (long n = 0; n < 100000; n++) {
		struct mem_image *image;
		long before = live;

		left = n;
		for_good = permanently;
		counting = 1;
		errno = 0;
		image = mem_image_read_file(path, NULL);
		left = -1;
		if (image) {
			mem_image_free(image);
			counting = 0;
			ck_assert_int_eq(live, before);
			return n;
		}
		counting = 0;
		ck_assert_msg(errno == ENOMEM, "allocation %ld: errno %d: %s", n, errno,
			      test_message());
		ck_assert_msg(live == before, "allocation %ld: %ld left: %s", n, live - before,
			      test_message());
	}
	ck_abort_msg("it never works");
}

TEST(each_allocation_fails, .unsanitized = "replaces the allocator")
{
	ck_assert_int_gt(sweep(build_path("selftests/reader.bpf.o"), 0), 20);
}
END_TEST

TEST(memory_runs_out, .unsanitized = "replaces the allocator")
{
	ck_assert_int_gt(sweep(build_path("selftests/reader.bpf.o"), 1), 20);
}
END_TEST

/* Many sections of variables, and many symbols in one of them, which are nothing to the others. */
static struct elf_bytes many_symbols(int sections, int symbols)
{
	struct elf_builder *b = elf_builder_new();
	struct btf *btf = btf__new_empty();
	uint32_t section = 0;
	char name[32];

	btf__add_int(btf, "int", 4, BTF_INT_SIGNED);
	for (int i = 0; i < sections; i++) {
		int var = btf__add_var(btf, "x", BTF_VAR_STATIC, 1);

		snprintf(name, sizeof(name), ".bss.%d", i);
		section = elf_add_section(b, name, SHF_ALLOC | SHF_WRITE, NULL, 4);
		btf__add_datasec(btf, name, 4);
		btf__add_datasec_var_info(btf, var, 0, 4);
	}
	for (int i = 0; i < symbols; i++)
		elf_add_symbol(b, "x", section, ELF64_ST_INFO(STB_LOCAL, STT_OBJECT), 0, 4);
	elf_add_btf(b, btf);
	return elf_build(b);
}

TEST(memory_is_in_proportion_to_the_file, .unsanitized = "replaces the allocator")
{
	struct elf_bytes file = many_symbols(50, 20000);
	struct mem_image *image;

	taken = 0;
	image = assert_ptr(mem_image_read(file.data, file.size, NULL));
	ck_assert_uint_lt(taken, 10 * file.size);
	mem_image_free(image);
	free(file.data);
}
END_TEST
