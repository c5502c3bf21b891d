/* SPDX-License-Identifier: BSD-2-Clause */
/* The checks of leaks find what they are for, and nothing else. */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "bpffs.h"
#include "harness.h"
#include "leaks.h"
#include "made.h"
#include "rawbpf.h"

static char text[4000];

/* So that finding what is really there takes less long. */
static void be_impatient(void)
{
	leaks_patience = 0.1;
}

/* What other processes let go of meanwhile, the kernel frees late. */
static void be_patient(void)
{
	leaks_patience = LEAKS_PATIENCE;
}

/* The harness remembered the state before the test; what the test did to that must not count. */
static void be_forgotten(void)
{
	be_patient();
	leaks_before();
}
FIXTURE(be_impatient, be_forgotten)

static void expect_leak(const char *what)
{
	ck_assert_int_ge(leaks_after(text, sizeof(text)), 1);
	ck_assert_msg(strstr(text, what) != NULL, "\"%s\" is not in: %s", what, text);
}

static void expect_none(void)
{
	be_patient();
	ck_assert_msg(leaks_after(text, sizeof(text)) == 0, "%s", text);
	be_impatient();
}

TEST(nothing_done_is_no_leak)
{
	leaks_before();
	expect_none();
}
END_TEST

TEST(finds_an_open_fd)
{
	int fd;

	leaks_before();
	fd = open("/dev/null", O_RDONLY);
	expect_leak("/dev/null) left open");
	close(fd);
	expect_none();
}
END_TEST

TEST(finds_a_closed_and_a_changed_fd)
{
	int fd = open("/dev/null", O_RDONLY), copy = dup(fd);

	leaks_before();
	close(fd);
	expect_leak("was closed");
	ck_assert_int_eq(open("/dev/zero", O_RDONLY), fd);
	expect_leak("was /dev/null, is /dev/zero");
	dup2(copy, fd);
	expect_none();
	close(fd);
	close(copy);
}
END_TEST

TEST(finds_a_file_left_mapped)
{
	int fd = open("/proc/self/exe", O_RDONLY);
	void *mapping;

	leaks_before();
	mapping = mmap(NULL, 4096, PROT_READ, MAP_PRIVATE, fd, 0);
	expect_leak("left mapped");
	munmap(mapping, 4096);
	expect_none();
	close(fd);
}
END_TEST

#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
TEST(finds_memory_left_mapped_and_clobbered)
{
	char *old = mmap(NULL, 3 * 4096, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0), *more;

	leaks_before();
	more = mmap(NULL, 1 << 20, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	expect_leak("(anonymous) left mapped");
	munmap(more, 1 << 20);
	expect_none();
	munmap(old + 4096, 4096);
	expect_leak("is gone");
	ck_assert_ptr_eq(mmap(old + 4096, 4096, PROT_READ,
			      MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0),
			 old + 4096);
	expect_none();
	munmap(old, 3 * 4096);
}
END_TEST
#endif

static void *touch(void *unused)
{
	free(malloc(1000));
	return unused;
}

TEST(threads_and_big_allocations_are_no_leak)
{
	pthread_t thread;
	char *big;

	leaks_before();
	big = malloc(1 << 22);
	memset(big, 1, 1 << 22);
	ck_assert_int_eq(pthread_create(&thread, NULL, touch, NULL), 0);
	pthread_join(thread, NULL);
	free(big);
	expect_none();
}
END_TEST

TEST(finds_a_child)
{
	pid_t child = fork();

	if (!child)
		_exit(0);
	leaks_before();
	waitid(P_PID, child, NULL, WEXITED | WNOWAIT);
	expect_leak("child process"); /* and waits for it */
	expect_none();
}
END_TEST

TEST(finds_a_map)
{
	int fd;

	need_bpf();
	leaks_before();
	fd = raw_map_create(BPF_MAP_TYPE_ARRAY, 4, 8, 1, 0, 0);
	ck_assert_int_ge(fd, 0);
	expect_leak("\"\" of type 2 left in the kernel");
	close(fd);
	expect_none();
}
END_TEST

TEST(finds_a_map_that_only_a_mapping_holds)
{
	void *mapping;
	int fd;

	need_bpf();
	leaks_before();
	fd = raw_map_create(BPF_MAP_TYPE_ARRAY, 4, 8, 1, BPF_F_MMAPABLE, 0);
	mapping = mmap(NULL, 4096, PROT_READ, MAP_SHARED, fd, 0);
	ck_assert_ptr_ne(mapping, MAP_FAILED);
	close(fd);
	expect_leak("left in the kernel");
	munmap(mapping, 4096);
	expect_none();
}
END_TEST

/* A child makes a map when it is told to, and tells which; it ends when it is told to. */
static void make_map_when_told(int told, int tell)
{
	struct bpf_map_info info = {0};
	char byte;
	int fd;

	made_stop(); /* as if it were no child of this test */
	if (read(told, &byte, 1) != 1)
		_exit(1);
	fd = raw_map_create(BPF_MAP_TYPE_ARRAY, 4, 8, 1, 0, 0);
	if (fd < 0 || raw_info(fd, &info, sizeof(info)) ||
	    write(tell, &info.id, sizeof(info.id)) != sizeof(info.id) || read(told, &byte, 1) != 1)
		_exit(1);
	_exit(0);
}

TEST(a_map_of_another_process_is_no_leak)
{
	int to_child[2], to_parent[2];
	char line[40];
	uint32_t id;
	pid_t child;

	need_bpf();
	ck_assert_int_eq(pipe(to_child) | pipe(to_parent), 0);
	child = fork();
	if (!child)
		make_map_when_told(to_child[0], to_parent[1]);
	leaks_before();
	ck_assert_int_eq(write(to_child[1], "m", 1), 1);
	ck_assert_int_eq(read(to_parent[0], &id, sizeof(id)), sizeof(id));
	be_patient();
	leaks_after(text, sizeof(text));
	snprintf(line, sizeof(line), "map %u ", id);
	ck_assert_msg(!strstr(text, line), "%s", text);
	ck_assert_int_eq(write(to_child[1], "x", 1), 1);
	waitpid(child, NULL, 0);
	for (int i = 0; i < 2; i++) {
		close(to_child[i]);
		close(to_parent[i]);
	}
}
END_TEST

TEST(finds_what_a_child_left_pinned)
{
	pid_t child;
	int status;

	need_bpf();
	bpffs_mount();
	leaks_before();
	child = fork();
	if (!child) {
		union bpf_attr attr = {.pathname = (uintptr_t)"/sys/fs/bpf/left"};

		attr.bpf_fd = raw_map_create(BPF_MAP_TYPE_ARRAY, 4, 8, 1, 0, 0);
		_exit(raw_bpf(BPF_OBJ_PIN, &attr, sizeof(attr)) != 0);
	}
	ck_assert_int_eq(waitpid(child, &status, 0), child);
	ck_assert_int_eq(status, 0);
	expect_leak("of type 2 left in the kernel");
	ck_assert_int_eq(unlink("/sys/fs/bpf/left"), 0);
	expect_none();
	bpffs_unmount();
}
END_TEST

/* Maps come and go all the time in a process that is not the test's; whose they are is known all the same. */
TEST(finds_its_own_among_many)
{
	char wanted[40];
	pid_t child;
	int fd;

	need_bpf();
	child = fork();
	if (!child) {
		made_stop();
		for (;;)
			close(raw_map_create(BPF_MAP_TYPE_ARRAY, 4, 8, 1, 0, 0));
	}
	for (int i = 0; i < (fewer_rounds() ? 4 : 20); i++) {
		struct bpf_map_info info;

		leaks_before();
		fd = raw_map_create(BPF_MAP_TYPE_HASH, 4, 8, 1, 0, 0);
		ck_assert_int_eq(raw_info(fd, &info, sizeof(info)), 0);
		snprintf(wanted, sizeof(wanted), "map %u \"\" of type 1 left", info.id);
		leaks_after(text, sizeof(text));
		ck_assert_msg(strstr(text, wanted) && !strstr(text, "of type 2"), "not just \"%s\": %s",
			      wanted, text);
		close(fd);
	}
	kill(child, SIGKILL);
	waitpid(child, NULL, 0);
}
END_TEST
