/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The kernel contract: arenas as programs see them. The programs are a few instructions each, put
 * together here, so that nothing of libmem is between the test and the kernel.
 */
#include <bpf/btf.h>
#include <errno.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "contract.h"
#include "harness.h"
#include "rawbpf.h"

enum { READ = PROT_READ, WRITE = PROT_READ | PROT_WRITE };
enum { PAGES = 8 };
#define SIZE (PAGES * PAGE)
#define GIB  ((size_t)1 << 30)

static char *arena; /* address of its first byte, which is a multiple of 4 GiB */
static int arena_fd = -1;

static void make_arena(uint32_t flags)
{
	char *start = must_mmap(NULL, 8 * GIB, PROT_NONE,
				MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1);

	munmap(start, 8 * GIB);
	arena = (char *)(((uintptr_t)start + 4 * GIB - 1) & ~(4 * GIB - 1));
	arena_fd = must(raw_map_create(RAW_MAP_TYPE_ARENA, 0, 0, PAGES, BPF_F_MMAPABLE | flags,
				       (uintptr_t)arena));
	must_mmap(arena, SIZE, WRITE, MAP_SHARED, arena_fd);
}

static void drop_arena(void)
{
	if (arena_fd < 0)
		return;
	munmap(arena, SIZE);
	close(arena_fd);
	arena_fd = -1;
}

static void setup(void)
{
	need_bpf();
	need_linux(6, 9, "arenas");
	make_arena(0);
}
FIXTURE(setup, drop_arena)

/* ---- a very small assembler */

#define R0 BPF_REG_0
#define R1 BPF_REG_1
#define R2 BPF_REG_2
#define R3 BPF_REG_3
#define R4 BPF_REG_4
#define R5 BPF_REG_5
#define R6 BPF_REG_6
#define MOV(to, from)                                                                              \
	{                                                                                          \
		.code = BPF_ALU64 | BPF_MOV | BPF_X, .dst_reg = to, .src_reg = from                \
	}
#define SET(to, value)                                                                             \
	{                                                                                          \
		.code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = to, .imm = value                   \
	}
#define LOAD(to, at, offset)                                                                       \
	{                                                                                          \
		.code = BPF_LDX | BPF_MEM | BPF_DW, .dst_reg = to, .src_reg = at, .off = offset    \
	}
#define STORE(at, offset, from)                                                                    \
	{                                                                                          \
		.code = BPF_STX | BPF_MEM | BPF_DW, .dst_reg = at, .src_reg = from, .off = offset  \
	}
#define MAP(to, fd)                                                                                \
	{.code = BPF_LD | BPF_IMM | BPF_DW,                                                        \
	 .dst_reg = to,                                                                            \
	 .src_reg = BPF_PSEUDO_MAP_FD,                                                             \
	 .imm = fd},                                                                               \
	{                                                                                          \
		.code = 0                                                                          \
	}
/* address spaces: 1 is the arena as the program addresses it, 0 user space's addresses */
#define CAST_KERNEL(reg)                                                                           \
	{                                                                                          \
		.code = BPF_ALU64 | BPF_MOV | BPF_X, .dst_reg = reg, .src_reg = reg, .off = 1,     \
		.imm = 1                                                                           \
	}
#define CAST_USER(reg)                                                                             \
	{                                                                                          \
		.code = BPF_ALU64 | BPF_MOV | BPF_X, .dst_reg = reg, .src_reg = reg, .off = 1,     \
		.imm = 1 << 16                                                                     \
	}
#define KFUNC(id)                                                                                  \
	{                                                                                          \
		.code = BPF_JMP | BPF_CALL, .src_reg = BPF_PSEUDO_KFUNC_CALL, .imm = id            \
	}
#define EXIT                                                                                       \
	{                                                                                          \
		.code = BPF_JMP | BPF_EXIT                                                         \
	}
#define COUNT(array) (sizeof(array) / sizeof(*(array)))

/* What a program gets, and gives back. */
struct context {
	uint64_t in;
	uint64_t out;
};

/* Load a program that may sleep. */
#define LOAD_SYSCALL(insns)                                                                        \
	raw_prog_load(BPF_PROG_TYPE_SYSCALL, BPF_F_SLEEPABLE, insns, COUNT(insns))

/* Run such a program once. */
static uint64_t run(int prog, uint64_t in, uint64_t out)
{
	struct context context = {.in = in, .out = out};
	union bpf_attr attr;

	memset(&attr, 0, sizeof(attr));
	attr.test.prog_fd = prog;
	attr.test.ctx_in = (uintptr_t)&context;
	attr.test.ctx_size_in = sizeof(context);
	must(raw_bpf(BPF_PROG_TEST_RUN, &attr, sizeof(attr)));
	return context.out;
}

/* Programs that read, write, or convert the address of eight bytes at an offset. */
static int load_reader(void)
{
	const struct bpf_insn insns[] = {
		MOV(R6, R1),	 MAP(R2, arena_fd), LOAD(R1, R6, 0), CAST_KERNEL(R1),
		LOAD(R3, R1, 0), STORE(R6, 8, R3),  SET(R0, 0),	     EXIT,
	};

	return must(LOAD_SYSCALL(insns));
}

static int load_writer(void)
{
	const struct bpf_insn insns[] = {
		MOV(R6, R1),	 MAP(R2, arena_fd), LOAD(R1, R6, 0), CAST_KERNEL(R1),
		LOAD(R3, R6, 8), STORE(R1, 0, R3),  SET(R0, 0),	     EXIT,
	};

	return must(LOAD_SYSCALL(insns));
}

static int load_converter(void)
{
	const struct bpf_insn insns[] = {
		MOV(R6, R1),   MAP(R2, arena_fd), LOAD(R1, R6, 0),
		CAST_USER(R1), STORE(R6, 8, R1),  SET(R0, 0),
		EXIT,
	};

	return must(LOAD_SYSCALL(insns));
}

/* ---- rows */

TEST(absent_pages)
{
	int reader = load_reader(), writer = load_writer();
	volatile uint64_t *word = (volatile uint64_t *)(arena + PAGE);

	expect("arena.load_absent", run(reader, PAGE, 1));
	run(writer, PAGE, 55);
	expect("arena.store_absent", run(reader, PAGE, 1));
	expect("arena.store_absent", *word); /* this makes the page present */
	run(writer, PAGE, 55);
	expect("arena.touch_populates", *word == 55 ? 0 : DIFFERS);
	*word = 66;
	expect("arena.touch_populates", run(reader, PAGE, 1) == 66 ? 0 : DIFFERS);
	close(reader);
	close(writer);
}
END_TEST

TEST(absent_pages_with_segv_on_fault)
{
	int reader, writer;

	drop_arena();
	make_arena(RAW_F_SEGV_ON_FAULT);
	reader = load_reader();
	writer = load_writer();
	expect("arena.load_absent", run(reader, PAGE, 1));
	run(writer, PAGE, 55);
	expect("arena.store_absent", run(reader, PAGE, 1));
	close(reader);
	close(writer);
}
END_TEST

TEST(a_lost_store_is_reported)
{
	enum { BPF_PROG_STREAM_READ_BY_FD = 37, BPF_STDERR = 2 };
	struct {
		uint64_t buffer;
		uint32_t size, stream, prog_fd;
	} attr = {0};
	char text[4096] = "";
	int writer = load_writer();
	long got;

	run(writer, PAGE, 55);
	attr.buffer = (uintptr_t)text;
	attr.size = sizeof(text) - 1;
	attr.stream = BPF_STDERR;
	attr.prog_fd = writer;
	got = raw_bpf(BPF_PROG_STREAM_READ_BY_FD, (union bpf_attr *)&attr, sizeof(attr));
	if (got > 0)
		ck_assert_msg(strstr(text, "WRITE"), "%s", text);
	expect("arena.store_absent_reported", got > 0 ? 0 : got);
	close(writer);
}
END_TEST

TEST(pointers)
{
	int converter = load_converter();

	expect("arena.pointer_to_user", run(converter, 8, 1) == (uintptr_t)arena + 8 ? 0 : DIFFERS);
	expect("arena.pointer_0_is_null", run(converter, 0, 1));
	close(converter);
	drop_arena();
	make_arena(RAW_F_NO_USER_CONV);
	converter = load_converter();
	expect("arena.no_user_conv", run(converter, 8, 1));
	close(converter);
}
END_TEST

TEST(one_arena_in_a_program)
{
	int other = must(raw_map_create(RAW_MAP_TYPE_ARENA, 0, 0, PAGES, BPF_F_MMAPABLE, 0)), fd;
	int first = load_reader(), second = load_writer();
	const struct bpf_insn insns[] = {
		MAP(R1, arena_fd),
		MAP(R2, other),
		SET(R0, 0),
		EXIT,
	};

	fd = LOAD_SYSCALL(insns);
	expect("arena.two_in_a_program", fd);
	arena[PAGE] = 1; /* so that the page is there */
	run(second, PAGE, 77);
	expect("arena.two_programs", run(first, PAGE, 0) == 77 ? 0 : DIFFERS);
	close(other);
	close(first);
	close(second);
}
END_TEST

TEST(an_arena_without_address_needs_a_mapping)
{
	int unmapped = must(raw_map_create(RAW_MAP_TYPE_ARENA, 0, 0, PAGES, BPF_F_MMAPABLE, 0)), fd;
	const struct bpf_insn insns[] = {MAP(R1, unmapped), SET(R0, 0), EXIT};

	fd = LOAD_SYSCALL(insns);
	expect("arena.program_before_mmap", fd);
	close(unmapped);
}
END_TEST

/* ---- kernel functions */

/* Its id in the kernel's type information, 0 if this kernel has no such function. */
static int kfunc(const char *name)
{
	struct btf *btf = btf__load_vmlinux_btf();
	int id;

	ck_assert_ptr_nonnull(btf);
	id = btf__find_by_name_kind(btf, name, BTF_KIND_FUNC);
	btf__free(btf);
	return id > 0 ? id : 0;
}

/*
 * Allocate one page. The function returns the address that user space has; 0 if there is no page.
 * (To convert it again would give 0 for an arena's first page, if that is at a multiple of 4 GiB.)
 */
static int load_allocator(uint32_t type, uint32_t flags)
{
	const struct bpf_insn insns[] = {
		MOV(R6, R1),
		MAP(R1, arena_fd),
		SET(R2, 0),
		SET(R3, 1),
		SET(R4, -1),
		SET(R5, 0),
		KFUNC(kfunc("bpf_arena_alloc_pages")),
		STORE(R6, 8, R0),
		SET(R0, 0),
		EXIT,
	};
	struct bpf_insn silent[COUNT(insns)];

	memcpy(silent, insns, sizeof(insns));
	if (type != BPF_PROG_TYPE_SYSCALL)
		silent[COUNT(insns) - 3] = (struct bpf_insn)SET(R0, 0); /* no context to write to */
	return raw_prog_load(type, flags, silent, COUNT(insns));
}

static int load_freer(void)
{
	const struct bpf_insn insns[] = {
		MOV(R6, R1),
		MAP(R1, arena_fd),
		LOAD(R2, R6, 0),
		SET(R3, 1),
		KFUNC(kfunc("bpf_arena_free_pages")),
		SET(R0, 0),
		EXIT,
	};

	return must(LOAD_SYSCALL(insns));
}

static long read_page(void *page)
{
	char *mapping = mmap(arena, SIZE, READ, MAP_SHARED | MAP_FIXED, arena_fd, 0);

	return mapping == MAP_FAILED ? -errno : *(volatile char *)page == 0 ? 0 : DIFFERS;
}

TEST(pages_from_the_kernels_allocator)
{
	int allocator, freer, reader;
	char *page;

	drop_arena();
	make_arena(RAW_F_SEGV_ON_FAULT); /* so that absent pages can be told from zeroed ones */
	allocator = must(load_allocator(BPF_PROG_TYPE_SYSCALL, BPF_F_SLEEPABLE));
	freer = load_freer();
	reader = load_reader();
	page = (char *)run(allocator, 0, 0);
	expect("arena.alloc", page >= arena && page < arena + SIZE ? 0 : DIFFERS);
	expect("arena.alloc", in_child(read_page, page));
	memset(page, 7, PAGE);
	ck_assert_int_eq(run(reader, page - arena, 1), 0x0707070707070707);
	run(freer, (uintptr_t)page, 0);
	expect("arena.free_vanishes", in_child(read_page, page));
	expect("arena.load_absent", run(reader, page - arena, 1));
	ck_assert_ptr_eq((char *)run(allocator, 0, 0), page);
	expect("arena.alloc_again_zero", in_child(read_page, page));
	close(allocator);
	close(freer);
	close(reader);
}
END_TEST

TEST(allocation_where_sleeping_is_not_allowed)
{
	int prog = load_allocator(BPF_PROG_TYPE_SCHED_CLS, 0);

	expect("arena.alloc_any_context", prog < 0 ? prog : 0);
	if (prog >= 0)
		close(prog);
}
END_TEST

TEST(reserved_pages)
{
	int id = kfunc("bpf_arena_reserve_pages"), reserver, allocator;

	expect("arena.reserve_exists", id ? 0 : -ENOENT);
	if (!id)
		return;
	const struct bpf_insn insns[] = {
		MOV(R6, R1), MAP(R1, arena_fd), LOAD(R2, R6, 0), SET(R3, PAGES),
		KFUNC(id),   STORE(R6, 8, R0),	SET(R0, 0),	 EXIT,
	};

	reserver = must(LOAD_SYSCALL(insns));
	allocator = must(load_allocator(BPF_PROG_TYPE_SYSCALL, BPF_F_SLEEPABLE));
	expect("arena.reserve", run(reserver, (uintptr_t)arena, 1));
	expect("arena.reserved_is_not_given_out", run(allocator, 0, 1));
	close(reserver);
	close(allocator);
}
END_TEST
