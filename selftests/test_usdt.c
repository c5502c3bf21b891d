/* SPDX-License-Identifier: BSD-2-Clause */
/* USDT probes: those of this program. */
#include <errno.h>
#include <stdint.h>
#include <string.h>
#include <unistd.h>

#include "bpffs.h"
#include "harness.h"
#include "usdt.skel.h"
#include "usdt_args.h"
#include "usdt_note.h"

#define DIR "/sys/fs/bpf/tool"

static struct usdt *skel;

static void setup(void)
{
	need_bpf();
	skel = assert_ptr(usdt__open());
}

static void teardown(void)
{
	usdt__destroy(skel);
	skel = NULL;
}

FIXTURE(setup, teardown)

#if defined(__x86_64__)
static void __attribute__((noinline)) probe_registers(int64_t a, int32_t b)
{
	asm volatile(USDT_NOTE("registers", "8@%%rdi -4@%%esi 8@$-9") : : "D"(a), "S"(b));
}

static void __attribute__((noinline)) probe_memory(const int32_t *values)
{
	asm volatile(USDT_NOTE("memory", "-4@(%%rdi) 4@4(%%rdi)") : : "D"(values) : "memory");
}

static void __attribute__((noinline)) probe_twice(int64_t a)
{
	asm volatile(USDT_NOTE("twice", "8@%%rdi") : : "D"(a));
	asm volatile(USDT_NOTE("twice", "8@%%rsi") : : "S"(a + 1));
}
#elif defined(__aarch64__)
static void __attribute__((noinline)) probe_registers(int64_t a, int32_t b)
{
	register int64_t x19 asm("x19") = a;
	register int32_t w1 asm("w1") = b;

	asm volatile(USDT_NOTE("registers", "8@x19 -4@w1 8@-9") : : "r"(x19), "r"(w1));
}

/* The second one is on the stack. */
static void __attribute__((noinline)) probe_memory(const int32_t *values)
{
	register const int32_t *x0 asm("x0") = values;

	asm volatile("ldr x1, [x0]\n\tstr x1, [sp, -16]!\n" USDT_NOTE("memory", "-4@[x0] 4@[sp, 4]")
		     "add sp, sp, 16" : : "r"(x0) : "x1", "memory");
}

static void __attribute__((noinline)) probe_twice(int64_t a)
{
	register int64_t x0 asm("x0") = a, x1 asm("x1") = a + 1;

	asm volatile(USDT_NOTE("twice", "8@x0") : : "r"(x0));
	asm volatile(USDT_NOTE("twice", "8@x1") : : "r"(x1));
}
#else
#error "write this architecture's probes"
#endif

static void __attribute__((noinline)) probe_empty(void)
{
	asm volatile(USDT_NOTE("empty", ""));
}

TEST(arguments_in_registers_and_constants)
{
	struct mem_link *link;

	assert_ok(usdt__load(skel));
	link = assert_ptr(mem_prog_attach_usdt(skel->progs.on_probe, getpid(), "/proc/self/exe", "libmem",
					       "registers", 0x77));
	probe_registers(0x123456789abcdef, -5);
	ck_assert_uint_eq(skel->bss->hits, 1);
	ck_assert_uint_eq(skel->bss->cookie, 0x77);
	ck_assert_int_eq(skel->bss->count, 3);
	ck_assert_int_eq(skel->bss->args[0], 0x123456789abcdef);
	ck_assert_int_eq(skel->bss->args[1], -5);
	ck_assert_int_eq(skel->bss->args[2], -9);
	mem_link_destroy(link);
	probe_registers(1, 1);
	ck_assert_uint_eq(skel->bss->hits, 1);
}
END_TEST

TEST(arguments_in_memory)
{
	const int32_t values[] = { -7, -8 };
	struct mem_link *link;

	assert_ok(usdt__load(skel));
	link = assert_ptr(mem_prog_attach_usdt(skel->progs.on_probe, getpid(), "/proc/self/exe", "libmem",
					       "memory", 0));
	probe_memory(values);
	ck_assert_int_eq(skel->bss->args[0], -7);
	ck_assert_int_eq(skel->bss->args[1], (uint32_t)-8);
	ck_assert_int_eq(skel->bss->count, 2);
	mem_link_destroy(link);
}
END_TEST

TEST(all_places_and_again)
{
	/* room for the two kinds of arguments, once */
	assert_ok(mem_map_max_entries_set(skel->maps.__bpf_usdt_specs, 2));
	assert_ok(usdt__load(skel));
	for (uint64_t round = 1; round <= 5; round++) {
		struct mem_link *link =
			assert_ptr(mem_prog_attach_usdt(skel->progs.on_probe, getpid(),
							"/proc/self/exe", "libmem", "twice", 0));

		probe_twice(40);
		mem_link_destroy(link);
	}
	ck_assert_uint_eq(skel->bss->hits, 10);
	ck_assert_int_eq(skel->bss->args[0], 41);
}
END_TEST

static struct mem_link *attach(struct usdt *by, const char *name)
{
	return assert_ptr(mem_prog_attach_usdt(by->progs.on_probe, getpid(), "/proc/self/exe", "libmem", name,
					       0));
}

/* What is attached from there on does not take the numbers of links that live on. */
TEST(numbers_are_kept_when_taken_over)
{
	struct mem_link *empty, *memory;
	struct usdt *taken;

	bpffs_mount();
	assert_ok(usdt__load(skel));
	skel->links.on_probe = attach(skel, "registers");
	empty = attach(skel, "empty");
	assert_ok(usdt__pin(skel, DIR));
	taken = assert_ptr(usdt__open_and_attach_pinned(DIR));
	memory = attach(taken, "memory");
	probe_registers(11, 12);
	ck_assert_int_eq(taken->bss->count, 3);
	ck_assert_int_eq(taken->bss->args[0], 11);
	probe_empty();
	ck_assert_int_eq(taken->bss->count, 0);
	/* nor the other way round */
	mem_link_destroy(attach(skel, "twice"));
	probe_memory((int32_t[]){ -7, -8 });
	ck_assert_int_eq(taken->bss->count, 2);
	ck_assert_int_eq(taken->bss->args[0], -7);
	mem_link_destroy(memory);
	mem_link_destroy(empty);
	usdt__destroy(taken);
	assert_ok(usdt__unpin(DIR));
	bpffs_unmount();
}
END_TEST

TEST(probe_that_is_not_there)
{
	assert_ok(usdt__load(skel));
	ck_assert_ptr_null(mem_prog_attach_usdt(skel->progs.on_probe, -1, "/proc/self/exe", "libmem",
						"none", 0));
	ck_assert_int_eq(errno, ENOENT);
	assert_says("libmem:none");
	ck_assert_ptr_null(mem_prog_attach(skel->progs.on_probe));
	ck_assert_int_eq(errno, ENOTSUP);
}
END_TEST

TEST(no_arguments_are_parsed)
{
	struct usdt_spec spec = { .arg_count = 1 };

	ck_assert_int_eq(usdt_args_parse("", &spec), 0);
	ck_assert_int_eq(spec.arg_count, 0);
}
END_TEST

#ifdef __aarch64__
TEST(arguments_are_parsed)
{
	static const char *const wrong[] = {"4@x31", "4@y1", "4@x", "3@x0", "4@", "@x0", "4@[x0", "4@[x0,", "4@[x0,]", "4@[,4]",
		"4@[]", "4@[x0, x1]", "4@[x0, 4", "4@x0]", "4@s1", "4@5x", "4@]"};
	struct usdt_spec spec = {.arg_count = 0};

	ck_assert_int_eq(usdt_args_parse("-4@-9 1@w3 8@[sp, -16] 2@[x30] 8@sp -8@0x10", &spec), 0);
	ck_assert_int_eq(spec.arg_count, 6);
	ck_assert_int_eq(spec.args[0].type, USDT_ARG_CONST);
	ck_assert_int_eq((int64_t)spec.args[0].value, -9);
	ck_assert_int_eq(spec.args[0].is_signed, 1);
	ck_assert_int_eq(spec.args[1].type, USDT_ARG_REG);
	ck_assert_int_eq(spec.args[1].reg_offset, 24);
	ck_assert_int_eq(spec.args[1].shift, 56);
	ck_assert_int_eq(spec.args[2].type, USDT_ARG_DEREF);
	ck_assert_int_eq((int64_t)spec.args[2].value, -16);
	ck_assert_int_eq(spec.args[2].reg_offset, 248);
	ck_assert_int_eq(spec.args[3].type, USDT_ARG_DEREF);
	ck_assert_int_eq(spec.args[3].reg_offset, 240);
	ck_assert_int_eq((int64_t)spec.args[3].value, 0);
	ck_assert_int_eq(spec.args[4].type, USDT_ARG_REG);
	ck_assert_int_eq(spec.args[4].reg_offset, 248);
	ck_assert_int_eq((int64_t)spec.args[5].value, 16);
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
		ck_assert_msg(usdt_args_parse(wrong[i], &spec) == -EINVAL, "%s", wrong[i]);
	ck_assert_int_eq(usdt_args_parse("4@x0 4@x0 4@x0 4@x0 4@x0 4@x0 4@x0 4@x0 4@x0 4@x0 4@x0 4@x0 4@x0", &spec), -E2BIG);
}
END_TEST
#else
TEST(arguments_are_parsed)
{
	struct usdt_spec spec = { .arg_count = 0 };

	ck_assert_int_eq(usdt_args_parse("-4@$-9 1@%al 8@-16(%rbp)", &spec), 0);
	ck_assert_int_eq(spec.arg_count, 3);
	ck_assert_int_eq(spec.args[0].type, USDT_ARG_CONST);
	ck_assert_int_eq((int64_t)spec.args[0].value, -9);
	ck_assert_int_eq(spec.args[0].is_signed, 1);
	ck_assert_int_eq(spec.args[1].type, USDT_ARG_REG);
	ck_assert_int_eq(spec.args[1].reg_offset, 80);
	ck_assert_int_eq(spec.args[1].shift, 56);
	ck_assert_int_eq(spec.args[2].type, USDT_ARG_DEREF);
	ck_assert_int_eq((int64_t)spec.args[2].value, -16);
	ck_assert_int_eq(usdt_args_parse("4@%nope", &spec), -EINVAL);
	ck_assert_int_eq(usdt_args_parse("3@%eax", &spec), -EINVAL);
	ck_assert_int_eq(usdt_args_parse("4@", &spec), -EINVAL);
	ck_assert_int_eq(usdt_args_parse("4@$", &spec), -EINVAL);
	ck_assert_int_eq(usdt_args_parse("@%eax", &spec), -EINVAL);
	ck_assert_int_eq(usdt_args_parse("4@8(%rax", &spec), -EINVAL);
	ck_assert_int_eq(usdt_args_parse("4@%eax 4@%eax 4@%eax 4@%eax 4@%eax 4@%eax 4@%eax 4@%eax "
					 "4@%eax 4@%eax 4@%eax 4@%eax 4@%eax", &spec), -E2BIG);
}
END_TEST
#endif
