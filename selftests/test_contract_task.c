/* SPDX-License-Identifier: BSD-2-Clause */
/* The kernel contract: per-task storage, and pointers to user memory in it (Linux 6.13). */
#include <bpf/btf.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "contract.h"
#include "harness.h"
#include "rawbpf.h"

#ifndef PIDFD_THREAD
#define PIDFD_THREAD O_EXCL /* Linux 6.9 */
#endif

FIXTURE(need_bpf, NULL)

/* What the application and the program share. */
struct shared {
	uint64_t from_user;
	uint64_t from_program;
};

/* Type information: an unsigned int, and a struct with a __uptr to struct shared. */
struct types {
	struct btf *btf;
	int fd; /* in the kernel */
	int number, value;
};

static struct types make_types(void)
{
	struct types types = {.btf = btf__new_empty()};
	int wide, shared, tagged, pointer;
	union bpf_attr attr;
	uint32_t size;

	ck_assert_ptr_nonnull(types.btf);
	types.number = must(btf__add_int(types.btf, "u32", 4, 0));
	wide = must(btf__add_int(types.btf, "u64", 8, 0));
	shared = must(btf__add_struct(types.btf, "shared", sizeof(struct shared)));
	must(btf__add_field(types.btf, "from_user", wide, 0, 0));
	must(btf__add_field(types.btf, "from_program", wide, 64, 0));
	tagged = must(btf__add_type_tag(types.btf, "uptr", shared));
	pointer = must(btf__add_ptr(types.btf, tagged));
	types.value = must(btf__add_struct(types.btf, "value", 8));
	must(btf__add_field(types.btf, "shared", pointer, 0, 0));

	memset(&attr, 0, sizeof(attr));
	attr.btf = (uintptr_t)btf__raw_data(types.btf, &size);
	attr.btf_size = size;
	types.fd = must(raw_bpf(BPF_BTF_LOAD, &attr, sizeof(attr)));
	return types;
}

static void drop_types(struct types *types)
{
	close(types->fd);
	btf__free(types->btf);
}

static int make_storage(const struct types *types, uint32_t value_size, int value, uint32_t flags)
{
	union bpf_attr attr;

	memset(&attr, 0, sizeof(attr));
	attr.map_type = BPF_MAP_TYPE_TASK_STORAGE;
	attr.key_size = 4;
	attr.value_size = value_size;
	attr.map_flags = BPF_F_NO_PREALLOC | flags;
	attr.btf_fd = types->fd;
	attr.btf_key_type_id = types->number;
	attr.btf_value_type_id = value;
	return raw_bpf(BPF_MAP_CREATE, &attr, sizeof(attr));
}

TEST(storage_cannot_be_mapped)
{
	struct types types = make_types();
	int fd = must(make_storage(&types, 4, types.number, 0));

	expect("task.mmap", try_mmap(NULL, PAGE, PROT_READ, MAP_SHARED, fd, 0));
	expect("task.mmapable", make_storage(&types, 4, types.number, BPF_F_MMAPABLE));
	close(fd);
	drop_types(&types);
}
END_TEST

/* A file descriptor of the calling thread, or -errno. */
static int thread_pidfd(void)
{
	int fd = syscall(SYS_pidfd_open, gettid(), PIDFD_THREAD);

	return fd < 0 ? -errno : fd;
}

static void *open_thread_pidfd(void *result)
{
	int fd = thread_pidfd();

	*(int *)result = fd < 0 ? fd : 0;
	if (fd >= 0)
		close(fd);
	return NULL;
}

TEST(descriptors_of_threads)
{
	pthread_t thread;
	int result = 1;

	ck_assert_int_eq(pthread_create(&thread, NULL, open_thread_pidfd, &result), 0);
	pthread_join(thread, NULL);
	expect("task.thread_pidfd", result);
}
END_TEST

/*
 * A program that finds the running thread's struct shared and copies from_user, plus one, to
 * from_program.
 */
static int load_copier(int map)
{
	const struct bpf_insn insns[] = {
		{.code = BPF_JMP | BPF_CALL, .imm = BPF_FUNC_get_current_task_btf},
		{.code = BPF_ALU64 | BPF_MOV | BPF_X, .dst_reg = BPF_REG_2, .src_reg = BPF_REG_0},
		{.code = BPF_LD | BPF_IMM | BPF_DW,
		 .dst_reg = BPF_REG_1,
		 .src_reg = BPF_PSEUDO_MAP_FD,
		 .imm = map},
		{0},
		{.code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = BPF_REG_3},
		{.code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = BPF_REG_4},
		{.code = BPF_JMP | BPF_CALL, .imm = BPF_FUNC_task_storage_get},
		{.code = BPF_JMP | BPF_JEQ | BPF_K, .dst_reg = BPF_REG_0, .off = 5},
		{.code = BPF_LDX | BPF_MEM | BPF_DW, .dst_reg = BPF_REG_1, .src_reg = BPF_REG_0},
		{.code = BPF_JMP | BPF_JEQ | BPF_K, .dst_reg = BPF_REG_1, .off = 3},
		{.code = BPF_LDX | BPF_MEM | BPF_DW, .dst_reg = BPF_REG_2, .src_reg = BPF_REG_1},
		{.code = BPF_ALU64 | BPF_ADD | BPF_K, .dst_reg = BPF_REG_2, .imm = 1},
		{.code = BPF_STX | BPF_MEM | BPF_DW,
		 .dst_reg = BPF_REG_1,
		 .src_reg = BPF_REG_2,
		 .off = 8},
		{.code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = BPF_REG_0},
		{.code = BPF_JMP | BPF_EXIT},
	};

	return must(raw_prog_load(BPF_PROG_TYPE_SYSCALL, BPF_F_SLEEPABLE, insns, sizeof(insns) / sizeof(*insns)));
}

struct thread {
	int map, prog;
	struct shared *shared;
	long answer;
};

/* Give the calling thread's storage the address of its struct, and run the program. */
static void *use_own_struct(void *arg)
{
	struct thread *thread = arg;
	uint64_t value = (uintptr_t)thread->shared;
	union bpf_attr attr;
	int pidfd = thread_pidfd();

	thread->answer = pidfd;
	if (pidfd < 0)
		return NULL;
	thread->answer = raw_map_update(thread->map, &pidfd, &value, BPF_ANY);
	close(pidfd);
	if (thread->answer)
		return NULL;
	memset(&attr, 0, sizeof(attr));
	attr.test.prog_fd = thread->prog;
	thread->answer = raw_bpf(BPF_PROG_TEST_RUN, &attr, sizeof(attr));
	return NULL;
}

TEST(pointers_to_user_memory)
{
	need_linux(6, 13, "__uptr");
	struct types types = make_types();
	struct shared *page = must_mmap(NULL, 2 * PAGE, PROT_READ | PROT_WRITE,
					MAP_PRIVATE | MAP_ANONYMOUS, -1);
	struct thread mine = {.shared = &page[0]}, other = {.shared = &page[7]};
	pthread_t thread;

	mine.map = other.map = must(make_storage(&types, 8, types.value, 0));
	mine.prog = other.prog = load_copier(mine.map);
	page[0].from_user = 41;
	page[7].from_user = 98;
	use_own_struct(&mine);
	expect("task.uptr", mine.answer);
	expect("task.uptr", page[0].from_program == 42 ? 0 : DIFFERS);
	ck_assert_int_eq(pthread_create(&thread, NULL, use_own_struct, &other), 0);
	pthread_join(thread, NULL);
	expect("task.uptr_is_the_threads_own", other.answer);
	expect("task.uptr_is_the_threads_own",
	       page[7].from_program == 99 && page[0].from_program == 42 ? 0 : DIFFERS);

	/* half of it on the next page */
	mine.shared = (void *)((char *)page + PAGE - sizeof(struct shared) / 2);
	use_own_struct(&mine);
	expect("task.uptr_crosses_page", mine.answer);

	/* the page is the storage's, too: the program may still write there */
	mine.shared = &page[0];
	munmap(page, 2 * PAGE);
	use_own_struct(&mine);
	expect("task.uptr_unmapped", mine.answer);
	union bpf_attr attr;

	memset(&attr, 0, sizeof(attr));
	attr.test.prog_fd = mine.prog;
	expect("task.uptr_pins", raw_bpf(BPF_PROG_TEST_RUN, &attr, sizeof(attr)));
	close(mine.prog);
	close(mine.map);
	drop_types(&types);
}
END_TEST
