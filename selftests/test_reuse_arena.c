/* SPDX-License-Identifier: BSD-2-Clause */
/* Arenas that are met again: in other objects, other processes, forked children. */
#include <errno.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "apart.h"
#include "bpffs.h"
#include "contract.h"
#include "harness.h"
#include "rawbpf.h"
#include "region_arena.skel.h"
#include "region_visitor.skel.h"

#define PIN "/sys/fs/bpf/arena"

static struct region_arena *maker, *user;

static void setup(void)
{
	need_bpf();
	need_linux(6, 9, "arenas");
	maker = assert_ptr(region_arena__open());
	user = assert_ptr(region_arena__open());
}

static void teardown(void)
{
	region_arena__destroy(user);
	region_arena__destroy(maker);
	maker = user = NULL;
	bpffs_unmount();
}

FIXTURE(setup, teardown)

static struct mem_region *arena_of(struct region_arena *skel)
{
	return assert_ptr(mem_object_find_region(skel->obj, "arena"));
}

/* ---- in one process */

TEST(two_arenas_in_one_object)
{
	struct region_arena__arena *vars = maker->arena;
	struct node *node;

	assert_ok(region_arena__load(maker));
	assert_ok(mem_arena_populate(mem_object_find_region(maker->obj, "second"), 0, PAGE));
	node = mem_region_data(mem_object_find_region(maker->obj, "second"), NULL);
	node->value = 77;
	maker->bss->elsewhere = node;
	ck_assert_int_eq(run_program(maker->progs.sum_second), 77);
	ck_assert_int_eq(run_program(maker->progs.push), 1001);
	ck_assert_ptr_eq(vars, maker->arena);
	ck_assert_uint_eq(vars->list.head->value, 1001);
}
END_TEST

TEST(two_objects_have_one_arena_and_its_variables)
{
	struct region_arena__arena *before = user->arena;

	maker->arena->pushed = 20;
	assert_ok(region_arena__load(maker));
	ck_assert_int_eq(run_program(maker->progs.push), 21);
	user->arena->pushed = 5; /* is dropped */
	assert_ok(mem_map_reuse_fd(user->maps.arena, mem_map_fd(maker->maps.arena)));
	ck_assert_ptr_ne(user->arena, before);
	ck_assert_ptr_eq(user->arena, maker->arena);
	ck_assert_uint_eq(user->arena->pushed, 21);
	assert_ok(region_arena__load(user));
	ck_assert_ptr_eq(user->arena, maker->arena);
	ck_assert_int_eq(run_program(user->progs.push), 22);
	ck_assert_int_eq(run_program(maker->progs.sum), 43);
	ck_assert_uint_eq(maker->arena->list.head->value, 22);
	/* who closes first takes nothing from the other */
	region_arena__destroy(maker);
	maker = NULL;
	ck_assert_uint_eq(user->arena->list.head->next->value, 21);
	ck_assert_int_eq(run_program(user->progs.sum), 43);
}
END_TEST

TEST(an_object_of_another_source_walks_the_list)
{
	struct region_visitor *visitor = assert_ptr(region_visitor__open());

	assert_ok(region_arena__load(maker));
	run_program(maker->progs.push);
	run_program(maker->progs.push);
	assert_ok(mem_map_reuse(visitor->maps.arena, mem_source_id(mem_map_id(maker->maps.arena))));
	ck_assert_ptr_eq(visitor->arena, mem_region_data(arena_of(maker), NULL));
	assert_ok(region_visitor__load(visitor));
	visitor->bss->start = (void *)maker->arena->list.head;
	ck_assert_int_eq(run_program(visitor->progs.visit), 2003);
	region_visitor__destroy(visitor);
	ck_assert_int_eq(run_program(maker->progs.sum), 2003);
}
END_TEST

TEST(an_arena_without_variables_does_not_take_them)
{
	struct region_visitor *visitor = assert_ptr(region_visitor__open_and_load());

	assert_err(mem_map_reuse_fd(user->maps.arena, mem_map_fd(visitor->maps.arena)), -EINVAL);
	assert_says("libmem has put no variables into it");
	region_visitor__destroy(visitor);
	user->arena->pushed = 3;
	assert_ok(region_arena__load(user)); /* with its own */
	ck_assert_int_eq(run_program(user->progs.push), 4);
}
END_TEST

/* Not where the kernel puts what processes map: there it would be in the way in one of some hundred. */
TEST(an_arena_lies_apart)
{
	const char *base = mem_region_data(mem_object_find_region(maker->obj, "arena"), NULL);
	const char *other = mem_region_data(mem_object_find_region(user->obj, "arena"), NULL);

	ck_assert_uint_lt((uintptr_t)base - APART_AT, APART_SIZE);
	ck_assert_uint_lt((uintptr_t)other - APART_AT, APART_SIZE);
	ck_assert_ptr_ne(base, other);
}
END_TEST

TEST(an_arena_of_another_size_is_refused)
{
	assert_ok(mem_map_max_entries_set(maker->maps.arena, 200));
	assert_ok(region_arena__load(maker));
	assert_err(mem_map_reuse_fd(user->maps.arena, mem_map_fd(maker->maps.arena)), -EINVAL);
	assert_says("its max_entries is 200, not 100");
	assert_ok(mem_map_max_entries_set(user->maps.arena, 200));
	assert_ok(mem_map_reuse_fd(user->maps.arena, mem_map_fd(maker->maps.arena)));
	ck_assert_ptr_eq(user->arena, maker->arena);
}
END_TEST

TEST(an_arena_whose_address_nobody_recorded)
{
	int fd = must(raw_map_create(RAW_MAP_TYPE_ARENA, 0, 0, 100, BPF_F_MMAPABLE, 0));

	assert_err(mem_map_reuse_fd(user->maps.arena, fd), -EINVAL);
	assert_says("map_extra");
	close(fd);
}
END_TEST

/* Nothing is mapped over what is there. */
TEST(a_collision_says_what_is_there)
{
	char *place = must_mmap(NULL, 100 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1);
	int fd = must(raw_map_create(RAW_MAP_TYPE_ARENA, 0, 0, 100, BPF_F_MMAPABLE, (uintptr_t)place));

	place[5] = 55;
	assert_err(mem_map_reuse_fd(user->maps.arena, fd), -EEXIST);
	assert_says("where this one has memory without a name at");
	ck_assert_int_eq(place[5], 55);
	close(fd);
	fd = must(raw_map_create(RAW_MAP_TYPE_ARENA, 0, 0, 100, BPF_F_MMAPABLE,
				 (uintptr_t)must_mmap & ~(PAGE - 1)));
	assert_err(mem_map_reuse_fd(user->maps.arena, fd), -EEXIST);
	assert_says("/test_reuse_arena at");
	close(fd);
	munmap(place, 100 * PAGE);
	assert_ok(region_arena__load(user));
}
END_TEST

TEST(its_own_reservation_is_no_collision)
{
	char *place = mem_region_data(arena_of(user), NULL);
	int fd = must(raw_map_create(RAW_MAP_TYPE_ARENA, 0, 0, 100, BPF_F_MMAPABLE,
				     (uintptr_t)place));

	/* no variables of libmem's in it: refused, and everything as before */
	assert_err(mem_map_reuse_fd(user->maps.arena, fd), -EINVAL);
	close(fd);
	user->arena->pushed = 6;
	assert_ok(region_arena__load(user));
	ck_assert_int_eq(run_program(user->progs.push), 7);
}
END_TEST

TEST(what_only_programs_write)
{
	struct region_visitor *visitor = assert_ptr(region_visitor__open()), *other;
	struct mem_region *region = assert_ptr(mem_object_find_region(visitor->obj, "arena"));

	assert_ok(mem_region_readonly_set(region, 1));
	assert_ok(region_visitor__load(visitor));
	ck_assert_int_eq(mem_region_writable(region), 0);
	other = assert_ptr(region_visitor__open());
	assert_ok(mem_map_reuse_fd(other->maps.arena, mem_map_fd(visitor->maps.arena)));
	ck_assert_ptr_eq(other->arena, visitor->arena);
	ck_assert_int_eq(mprotect(visitor->arena, PAGE, PROT_READ | PROT_WRITE), -1);
	region_visitor__destroy(other);
	region_visitor__destroy(visitor);

	/* nobody could write the initial value */
	assert_ok(mem_region_readonly_set(arena_of(user), 1));
	assert_err(region_arena__load(user), -ENOTSUP);
	assert_says("initial values");
}
END_TEST

TEST(variables_of_a_read_only_arena_are_found)
{
	maker->arena->pushed = 0;
	assert_ok(mem_region_readonly_set(arena_of(maker), 1));
	assert_ok(mem_region_readonly_set(arena_of(user), 1));
	assert_ok(region_arena__load(maker));
	assert_ok(mem_map_reuse_fd(user->maps.arena, mem_map_fd(maker->maps.arena)));
	ck_assert_ptr_eq(user->arena, maker->arena);
	run_program(maker->progs.push);
	ck_assert_uint_eq(user->arena->pushed, 1);
}
END_TEST

TEST(an_arena_that_others_can_write_to_is_not_read_only)
{
	assert_ok(region_arena__load(maker));
	assert_ok(mem_region_readonly_set(arena_of(user), 1));
	assert_err(mem_map_reuse_fd(user->maps.arena, mem_map_fd(maker->maps.arena)), -EINVAL);
	assert_says("is not frozen");
}
END_TEST

/* ---- in several processes */

/* A process that is there before the arena, and does its work when told to. */
struct stranger {
	pid_t pid;
	int go;
};

static struct stranger start_stranger(long (*work)(void))
{
	struct stranger stranger;
	int channel[2];
	char byte;

	ck_assert_int_eq(pipe(channel), 0);
	stranger.pid = fork();
	if (!stranger.pid) {
		close(channel[1]);
		_exit(read(channel[0], &byte, 1) == 1 ? (int)work() : 99);
	}
	close(channel[0]);
	stranger.go = channel[1];
	return stranger;
}

static int let_work(struct stranger *stranger)
{
	int status;

	ck_assert_int_eq(write(stranger->go, "", 1), 1);
	close(stranger->go);
	ck_assert_int_eq(waitpid(stranger->pid, &status, 0), stranger->pid);
	return status;
}

static long push_some(void)
{
	struct mem_run_opts opts = {.sz = sizeof(opts)};
	struct region_arena *skel;

	/* what the parent had reserved when this process was made */
	region_arena__destroy(maker);
	region_arena__destroy(user);
	skel = region_arena__open();
	if (!skel || mem_map_pin_path_set(skel->maps.arena, PIN) || region_arena__load(skel)) {
		fprintf(stderr, "%s\n", mem_error_message());
		return 1;
	}
	if (!mem_map_is_reused(skel->maps.arena) || skel->arena->list.head->value != 1001)
		return 2;
	if (mem_prog_run(skel->progs.push, &opts) || opts.retval != 1002)
		return 3;
	/* and the application itself, in front of the program's */
	skel->arena->spare[3].value = 5;
	skel->arena->spare[3].next = skel->arena->list.head;
	skel->arena->list.head = &skel->arena->spare[3];
	region_arena__destroy(skel);
	return 0;
}

TEST(another_process_adds_to_the_list)
{
	struct stranger stranger;

	bpffs_mount();
	stranger = start_stranger(push_some);
	assert_ok(mem_map_pin_path_set(maker->maps.arena, PIN));
	assert_ok(region_arena__load(maker));
	ck_assert_int_eq(run_program(maker->progs.push), 1001);
	ck_assert_int_eq(let_work(&stranger), 0);
	ck_assert_uint_eq(maker->arena->list.head->value, 5);
	ck_assert_uint_eq(maker->arena->list.head->next->value, 1002);
	ck_assert_int_eq(run_program(maker->progs.sum), 5 + 1002 + 1001);
}
END_TEST

/* Joins by the pin; whoever was first made it. */
static long join(unsigned int number)
{
	struct region_arena *skel = region_arena__open();

	if (!skel || mem_map_pin_path_set(skel->maps.arena, PIN) || region_arena__prepare(skel)) {
		fprintf(stderr, "%s\n", mem_error_message());
		return 1;
	}
	if (skel->arena->pushed != 1000)
		return 2;
	__atomic_fetch_or(&skel->arena->spare[0].value, 1ULL << number, __ATOMIC_RELAXED);
	region_arena__destroy(skel);
	return 0;
}

TEST(all_who_start_at_once_have_the_same_arena, .timeout = 60)
{
	enum { PROCESSES = 12 };
	pid_t children[PROCESSES];
	int status;

	bpffs_mount();
	for (int round = 0; round < (fewer_rounds() ? 2 : 10); round++) {
		struct region_arena *skel = assert_ptr(region_arena__open());

		for (unsigned int i = 0; i < PROCESSES; i++) {
			children[i] = fork();
			if (!children[i])
				_exit((int)join(i));
		}
		for (unsigned int i = 0; i < PROCESSES; i++) {
			ck_assert_int_eq(waitpid(children[i], &status, 0), children[i]);
			ck_assert_int_eq(status, 0);
		}
		assert_ok(mem_map_reuse(skel->maps.arena, mem_source_pin(PIN)));
		ck_assert_uint_eq(skel->arena->spare[0].value, (1 << PROCESSES) - 1);
		region_arena__destroy(skel);
		assert_ok(mem_unpin(PIN));
	}
}
END_TEST

/* ---- forked children */

static sigjmp_buf fault;

static void on_fault(int signal)
{
	siglongjmp(fault, signal);
}

/* Whether reading there is SIGSEGV, in a child. */
static int is_absent(const volatile void *at)
{
	signal(SIGSEGV, on_fault);
	if (sigsetjmp(fault, 1))
		return 1;
	(void)*(const volatile char *)at;
	return 0;
}

static long child_of_fork(void *unused)
{
	size_t size;
	char *base = mem_region_data(arena_of(maker), &size);

	(void)unused;
	if (!is_absent(maker->arena) || !is_absent(base))
		return 1;
	/* what the child maps does not land there */
	for (int i = 0; i < 200; i++) {
		char *at = mmap(NULL, size, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

		if (at < base + size && base < at + size)
			return 2;
	}
	if (mem_arena_populate(arena_of(maker), 0, PAGE) != -EINVAL)
		return 3;
	if (mem_object_reattach(maker->obj) || mem_object_reattach(maker->obj))
		return 4;
	if (maker->arena->list.head->value != 1001 || maker->bss->elsewhere != NULL)
		return 5;
	maker->arena->spare[2].value = 222;
	if (run_program(maker->progs.push) != 1002)
		return 6;
	region_arena__destroy(maker);
	return is_absent(base) ? 0 : 7;
}

TEST(a_forked_child_gets_its_arenas_back)
{
	assert_ok(mem_object_reattach(maker->obj)); /* nothing is missing */
	assert_ok(region_arena__load(maker));
	run_program(maker->progs.push);
	ck_assert_int_eq(in_child(child_of_fork, NULL), 0);
	ck_assert_uint_eq(maker->arena->spare[2].value, 222);
	ck_assert_uint_eq(maker->arena->pushed, 1002);
	assert_ok(mem_object_reattach(maker->obj));
}
END_TEST

static long child_with_two_objects(void *unused)
{
	(void)unused;
	if (mem_object_reattach(user->obj) || is_absent(maker->arena))
		return 1;
	region_arena__destroy(user); /* the mapping is maker's, too */
	return maker->arena->pushed == 1000 ? 0 : 2;
}

TEST(a_forked_child_of_two_objects_with_one_arena)
{
	assert_ok(region_arena__load(maker));
	assert_ok(mem_map_reuse_fd(user->maps.arena, mem_map_fd(maker->maps.arena)));
	ck_assert_int_eq(in_child(child_with_two_objects, NULL), 0);
	ck_assert_uint_eq(user->arena->pushed, 1000);
}
END_TEST

static long grandchild(void *unused)
{
	if (!is_absent(maker->arena) || mem_object_reattach(maker->obj))
		return 1;
	return unused ? in_child(grandchild, NULL) : maker->arena->pushed != 1000;
}

TEST(children_of_children)
{
	assert_ok(region_arena__load(maker));
	ck_assert_int_eq(in_child(grandchild, maker), 0);
}
END_TEST

static long child_that_attaches(void *unused)
{
	struct mem_source source = mem_source_fd(mem_map_fd(maker->maps.arena));
	struct mem_region *region = mem_region_attach(region_arena__image(), "arena", source, NULL);

	(void)unused;
	if (!region || mem_region_variables(region, NULL) != maker->arena || maker->arena->pushed != 1000)
		return 1;
	maker->arena->pushed = 1001; /* it is back for all */
	mem_region_detach(region);
	if (maker->arena->pushed != 1001 || mem_object_reattach(maker->obj))
		return 2;
	return 0;
}

static long child_that_reuses(void *unused)
{
	(void)unused;
	if (mem_map_reuse_fd(user->maps.arena, mem_map_fd(maker->maps.arena)) || region_arena__load(user))
		return 1;
	return user->arena == maker->arena && user->arena->pushed == 1001 ? 0 : 2;
}

TEST(a_forked_child_takes_its_arena_on_anew)
{
	assert_ok(region_arena__load(maker));
	ck_assert_int_eq(in_child(child_that_attaches, NULL), 0);
	ck_assert_uint_eq(maker->arena->pushed, 1001);
	ck_assert_int_eq(in_child(child_that_reuses, NULL), 0);
}
END_TEST

/* In the middle of where the arena was. */
static long child_that_maps_over(void *unused)
{
	char *base = mem_region_data(arena_of(maker), NULL), *at;

	(void)unused;
	at = mmap(base + PAGE, PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
	if (at != base + PAGE)
		return 1;
	at[5] = 55;
	if (mem_object_reattach(maker->obj) != -EEXIST || !strstr(mem_error_message(), "without a name"))
		return 2;
	region_arena__destroy(maker);
	return at[5] == 55 ? 0 : 3;
}

/* Cancelled as soon as it may be: not while libmem has a lock, which nobody else would ever get again. */
static void *reattach_cancelled(void *result)
{
	pthread_cancel(pthread_self());
	*(int *)result = mem_object_reattach(maker->obj);
	pthread_testcancel();
	return NULL;
}

static long child_that_reattaches_cancelled(void *unused)
{
	int result = -1;
	void *status = NULL;
	pthread_t thread;

	(void)unused;
	alarm(100); /* a lock that nobody gives back is waited for */
	if (pthread_create(&thread, NULL, reattach_cancelled, &result) || pthread_join(thread, &status))
		return 1;
	if (status != PTHREAD_CANCELED || result || maker->arena->pushed != 1000)
		return 2;
	return mem_object_reattach(maker->obj) ? 3 : 0;
}

TEST(a_thread_of_a_forked_child_is_cancelled)
{
	assert_ok(region_arena__load(maker));
	ck_assert_int_eq(in_child(child_that_reattaches_cancelled, NULL), 0);
}
END_TEST

TEST(what_a_forked_child_maps_over_an_arena_stays)
{
	assert_ok(region_arena__load(maker));
	ck_assert_int_eq(in_child(child_that_maps_over, NULL), 0);
}
END_TEST

/* Made by the system call, so that no handler of fork(3) runs: the range is free to be taken. */
TEST(a_child_made_by_hand)
{
	size_t size;
	char *base;
	pid_t child;
	int status;

	assert_ok(region_arena__load(maker));
	base = mem_region_data(arena_of(maker), &size);
	child = (pid_t)syscall(SYS_clone, SIGCHLD, 0, 0, 0, 0);
	if (!child) {
		char *mine = mmap(base, size, PROT_READ | PROT_WRITE,
				  MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0);

		if (mine != base)
			_exit(1);
		if (mem_object_reattach(maker->obj) != -EEXIST)
			_exit(2);
		region_arena__destroy(maker);
		mine[3] = 3; /* still there */
		_exit(mine[3] == 3 ? 0 : 3);
	}
	ck_assert_int_eq(waitpid(child, &status, 0), child);
	ck_assert_int_eq(status, 0);
	child = (pid_t)syscall(SYS_clone, SIGCHLD, 0, 0, 0, 0);
	if (!child)
		_exit(mem_object_reattach(maker->obj) || maker->arena->pushed != 1000);
	ck_assert_int_eq(waitpid(child, &status, 0), child);
	ck_assert_int_eq(status, 0);
}
END_TEST
