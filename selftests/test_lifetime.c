/* SPDX-License-Identifier: BSD-2-Clause */
/* Objects that outlive their loader: pinned as a whole, and taken over by the next process. */
#include <errno.h>
#include <linux/bpf.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "apart.h"
#include "bpffs.h"
#include "harness.h"
#include "lifetime.skel.h"
#include "region_arena.skel.h"
#include "refused.skel.h"
#include "region_data.skel.h"
#include "region_grown.skel.h"
#include "region_moved.skel.h"

#define DIR "/sys/fs/bpf/tool"

static long calls; /* made by this process and to be counted */

static void setup(void)
{
	need_bpf();
	bpffs_mount();
	calls = 0;
}

static void teardown(void)
{
	bpffs_unmount();
}

FIXTURE(setup, teardown)

static void call(int times)
{
	for (int i = 0; i < times; i++)
		syscall(SYS_getpgid, 0);
	calls += times;
}

/* Programs for this process's calls, loaded. */
static struct lifetime *loaded(int pid)
{
	struct lifetime *skel = assert_ptr(lifetime__open());

	skel->rodata->pid = (uint32_t)pid;
	skel->rodata->call_nr = SYS_getpgid;
	assert_ok(lifetime__load(skel));
	return skel;
}

/* The first process of a tool; ends. */
static void start_tool(int pid)
{
	struct lifetime *skel = lifetime__open();

	if (!skel)
		_exit(1);
	skel->rodata->pid = (uint32_t)pid;
	skel->rodata->call_nr = SYS_getpgid;
	if (lifetime__load(skel) || lifetime__attach(skel) || lifetime__pin(skel, DIR)) {
		fprintf(stderr, "%s\n", mem_error_message());
		_exit(2);
	}
	_exit(0);
}

static void run_tool(void (*tool)(int))
{
	int pid = getpid(), status;

	fflush(NULL);
	if (!fork())
		tool(pid);
	ck_assert_int_gt(wait(&status), 0);
	ck_assert_int_eq(status, 0);
}

/* A later one; says whether it saw the counters move on and lets go. */
static void continue_tool(int pid)
{
	struct lifetime *skel = lifetime__open_and_attach_pinned(DIR);

	if (!skel) {
		fprintf(stderr, "%s\n", mem_error_message());
		_exit(1);
	}
	if (skel->rodata->pid != (uint32_t)pid || skel->bss->entered < 100 ||
	    skel->data->traced != 1000 + skel->bss->entered ||
	    skel->arrays.rows[7].hits != skel->bss->entered || !skel->links.on_enter ||
	    !skel->links.on_exit || mem_prog_fd(skel->progs.on_exit) < 0)
		_exit(2);
	if (getpid() % 2) /* in order, or not */
		lifetime__destroy(skel);
	_exit(0);
}

TEST(no_event_is_lost_over_restarts)
{
	struct lifetime *skel;
	uint64_t last;

	run_tool(start_tool);
	call(100);
	for (int i = 0; i < 5; i++) {
		run_tool(continue_tool);
		call(50);
	}
	skel = assert_ptr(lifetime__open_and_attach_pinned(DIR));
	ck_assert_int_eq(mem_map_is_reused(skel->maps.bss), 1);
	ck_assert_uint_eq(skel->bss->entered, calls);
	ck_assert_uint_eq(skel->data->traced, 1000 + calls);
	ck_assert_uint_eq(skel->arrays.rows[7].hits, calls);
	assert_ok(mem_map_lookup(skel->maps.last, &(uint32_t){1}, &last, 0));
	ck_assert_uint_eq(last, 1000 + calls - 1);
	ck_assert_int_lt(mem_prog_fd(skel->progs.spare), 0);
	/* what the application writes there goes on, too */
	skel->bss->entered = 0;
	call(3);
	ck_assert_uint_eq(skel->bss->entered, 3);

	assert_ok(lifetime__unpin(DIR));
	ck_assert_int_eq(access(DIR, F_OK), -1);
	call(1);
	ck_assert_uint_eq(skel->bss->entered, 4);
	lifetime__destroy(skel);
}
END_TEST

/* While one process takes over after the other, this one does not stop. */
TEST(no_event_is_lost_meanwhile)
{
	struct lifetime *skel;
	int status, left = 8, pid = getpid();

	run_tool(start_tool);
	call(100);
	fflush(NULL);
	for (int i = 0; i < left; i++)
		if (!fork())
			continue_tool(pid);
	while (left) {
		pid_t child = waitpid(-1, &status, WNOHANG);

		ck_assert_int_ge(child, 0);
		ck_assert_msg(!child || WEXITSTATUS(status) != 1, "a tool could not take over");
		left -= child > 0;
		call(10);
	}
	skel = assert_ptr(lifetime__open_and_attach_pinned(DIR));
	ck_assert_uint_eq(skel->bss->entered, calls);
	ck_assert_uint_eq(skel->data->traced, 1000 + calls);
	assert_ok(lifetime__unpin(DIR));
	lifetime__destroy(skel);
}
END_TEST

TEST(nothing_there_and_something_else_there)
{
	struct region_data *other;

	ck_assert_ptr_null(lifetime__open_and_attach_pinned(DIR));
	ck_assert_int_eq(errno, ENOENT);
	assert_ok(lifetime__unpin(DIR));
	other = assert_ptr(region_data__open());
	assert_err(region_data__pin(other, DIR), -EBADF);
	assert_ok(region_data__load(other));
	assert_ok(region_data__pin(other, DIR));
	ck_assert_ptr_null(lifetime__open_and_attach_pinned(DIR));
	ck_assert_int_eq(errno, ESTALE);
	assert_says("another object");
	assert_ok(region_data__unpin(DIR));
	region_data__destroy(other);
	assert_err(lifetime__unpin("/tmp"), -EINVAL);
	assert_says("mount -t bpf");
}
END_TEST

/* By its maps, before one of them is refused: what is in them is for the new version to take on. */
TEST(an_older_version_is_there)
{
	struct region_data *older = assert_ptr(region_data__open());

	assert_ok(region_data__load(older));
	assert_ok(region_data__pin(older, DIR));
	region_data__destroy(older);
	ck_assert_ptr_null(region_grown__open_and_attach_pinned(DIR));
	ck_assert_msg(errno == ESTALE, "%m: %s", mem_error_message());
	assert_says("another version");
	ck_assert_ptr_null(region_moved__open_and_attach_pinned(DIR));
	ck_assert_msg(errno == ESTALE, "%m: %s", mem_error_message());
	region_data__destroy(assert_ptr(region_data__open_and_attach_pinned(DIR)));
	assert_ok(region_data__unpin(DIR));
}
END_TEST

static void refuse(int err, const char *words)
{
	ck_assert_ptr_null(lifetime__open_and_attach_pinned(DIR));
	ck_assert_msg(errno == err, "%m, not %s: %s", strerror(err), mem_error_message());
	assert_says(words);
}

/* One pin that somebody replaced is enough. */
TEST(parts_that_do_not_belong_together)
{
	struct lifetime *one = loaded(getpid()), *two = loaded(getpid());

	assert_ok(lifetime__attach(one));
	assert_ok(lifetime__attach(two));
	assert_ok(lifetime__pin(one, DIR));
	assert_ok(mem_map_pin(two->maps.bss, DIR "/map_-bss", 0));
	refuse(EINVAL, "program 'on_enter' can't be taken over: it uses another map '.bss'");
	assert_ok(mem_map_pin(two->maps.last, DIR "/map_-bss", 0));
	refuse(EINVAL, "its type is 1, not 2");
	assert_ok(mem_map_pin(one->maps.bss, DIR "/map_-bss", 0));
	assert_ok(mem_link_pin(two->links.on_enter, DIR "/link_on_enter", 0));
	refuse(EINVAL, "the link of program 'on_enter' can't be taken over");
	assert_ok(mem_unpin(DIR "/link_on_enter"));
	assert_ok(mem_unpin(DIR "/prog_on_exit"));
	refuse(ENOENT, "prog_on_exit");
	/* again, and it is whole */
	assert_ok(lifetime__pin(one, DIR));
	lifetime__destroy(two);
	two = assert_ptr(lifetime__open_and_attach_pinned(DIR));
	/* pinned in part by another: its programs are not those of the record */
	lifetime__destroy(two);
	two = loaded(1);
	assert_ok(lifetime__pin(two, DIR));
	ck_assert_int_eq(access(DIR "/link_on_enter", F_OK), -1);
	assert_ok(mem_map_pin(one->maps.rodata, DIR "/map_-rodata", 0));
	refuse(EINVAL, "another map '.rodata'");
	lifetime__destroy(two);
	lifetime__destroy(one);
	assert_ok(lifetime__unpin(DIR));
}
END_TEST

/* What was loaded and not attached is attached by who takes it over. */
TEST(what_has_no_link_is_attached)
{
	struct lifetime *skel = loaded(getpid());

	assert_ok(lifetime__pin(skel, DIR));
	lifetime__destroy(skel);
	call(5);
	skel = assert_ptr(lifetime__open_and_attach_pinned(DIR));
	ck_assert_uint_eq(skel->bss->entered, 0);
	call(5);
	ck_assert_uint_eq(skel->bss->entered, 5);
	lifetime__destroy(skel);
	assert_ok(lifetime__unpin(DIR));
}
END_TEST

/* A map that was left out has no pin, and what an earlier object had there is not taken for it. */
TEST(what_was_left_out_stays_out)
{
	struct region_data *skel = assert_ptr(region_data__open());

	assert_ok(region_data__load(skel));
	assert_ok(region_data__pin(skel, DIR));
	region_data__destroy(skel);
	skel = assert_ptr(region_data__open());
	assert_ok(mem_map_autocreate_set(skel->maps.hash, 0));
	assert_ok(region_data__load(skel));
	assert_ok(region_data__pin(skel, DIR));
	region_data__destroy(skel);
	skel = assert_ptr(region_data__open_and_attach_pinned(DIR));
	ck_assert_int_eq(mem_map_fd(skel->maps.hash), -EBADF);
	ck_assert_int_eq(mem_map_autocreate(skel->maps.hash), 0);
	region_data__destroy(skel);
	assert_ok(mem_unpin(DIR "/map_table"));
	ck_assert_ptr_null(region_data__open_and_attach_pinned(DIR));
	ck_assert_int_eq(errno, ENOENT);
	assert_ok(region_data__unpin(DIR));
}
END_TEST

/* A program may ask first whether the map is there. */
TEST(program_of_a_map_that_was_left_out)
{
	struct mem_run_opts opts = { .sz = sizeof(opts) };
	struct refused *skel = assert_ptr(refused__open());
	struct mem_prog *prog = NULL;

	while ((prog = mem_object_next_prog(skel->obj, prog)))
		assert_ok(mem_prog_autoload_set(prog, prog == skel->progs.asks_for_optional));
	assert_ok(mem_map_autocreate_set(skel->maps.optional, 0));
	assert_ok(mem_map_max_entries_set(skel->maps.unsized, 1));
	skel->rodata->has_optional = 0;
	assert_ok(refused__load(skel));
	assert_ok(refused__pin(skel, DIR));
	refused__destroy(skel);
	skel = assert_ptr(refused__open_and_attach_pinned(DIR));
	assert_ok(mem_prog_run(skel->progs.asks_for_optional, &opts));
	ck_assert_uint_eq(opts.retval, 2);
	refused__destroy(skel);
	assert_ok(refused__unpin(DIR));
}
END_TEST

TEST(arenas_and_sizes_chosen_when_loaded)
{
	struct region_arena *skel;
	const void *address;

	need_linux(6, 9, "arenas");
	skel = assert_ptr(region_arena__open());
	assert_ok(mem_map_max_entries_set(skel->maps.second, 20));
	assert_ok(region_arena__load(skel));
	assert_ok(mem_prog_run(skel->progs.push, NULL));
	address = skel->arena;
	assert_ok(region_arena__pin(skel, DIR));
	region_arena__destroy(skel);
	skel = assert_ptr(region_arena__open_and_attach_pinned(DIR));
	ck_assert_ptr_eq(skel->arena, address);
	ck_assert_uint_eq(skel->arena->list.head->value, 1001);
	ck_assert_uint_eq(mem_map_max_entries(skel->maps.second), 20);
	assert_ok(mem_prog_run(skel->progs.push, NULL));
	ck_assert_uint_eq(skel->arena->list.head->value, 1002);
	region_arena__destroy(skel);
	assert_ok(region_arena__unpin(DIR));
}
END_TEST

struct place {
	const char *at;
	size_t size;
};

static struct place place_of(const struct region_arena *skel, const char *arena)
{
	struct place place;

	place.at = mem_region_data(assert_ptr(mem_object_find_region(skel->obj, arena)), &place.size);
	return place;
}

static bool is_in(const char *page, const struct place *place)
{
	return page >= place->at && page < place->at + place->size;
}

static char *take_addresses(size_t size)
{
	return mmap(NULL, size, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
}

/*
 * Load, pin and take over in a process where the next mapping would be where an arena has to be, but for room
 * above that the arenas take as long as they don't know.
 */
static int taken_over_in_spite_of_the_bss(void)
{
	const size_t size = (size_t)sysconf(_SC_PAGESIZE), room_size = 110 * size;
	char *room = take_addresses(room_size), *page;
	struct region_arena *skel;
	struct place first, second;

	if (apart_take() == MAP_FAILED)
		return 4;
	while ((page = take_addresses(size)) != MAP_FAILED && page > room)
		;
	skel = region_arena__open_and_load();
	if (!skel || mem_prog_run(skel->progs.push, NULL) || region_arena__pin(skel, DIR))
		return 1;
	first = place_of(skel, "arena");
	second = place_of(skel, "second");
	region_arena__destroy(skel);
	do {
		page = take_addresses(size);
		if (page == MAP_FAILED || (page < first.at && page < second.at))
			return 2;
	} while (!is_in(page, &first) && !is_in(page, &second));
	munmap(page, size);
	munmap(room, room_size);
	skel = region_arena__open_and_attach_pinned(DIR);
	if (!skel)
		fprintf(stderr, "%s\n", mem_error_message());
	return !skel || skel->arena->list.head->value != 1001 ? 3 : 0;
}

TEST(arenas_come_before_what_can_be_anywhere)
{
	int pid, status;

	need_linux(6, 9, "arenas");
	pid = fork();
	if (!pid)
		_exit(taken_over_in_spite_of_the_bss());
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	ck_assert_int_eq(status, 0);
	assert_ok(region_arena__unpin(DIR));
}
END_TEST

/* Closing gives up what is its own, and nothing else. */
TEST(closing_leaves_memory_to_its_other_users)
{
	struct lifetime *maker = loaded(getpid()), *user = assert_ptr(lifetime__open());
	struct lifetime__bss *alone;
	struct mem_region *region;

	assert_ok(lifetime__attach(maker));
	assert_ok(mem_map_reuse_fd(user->maps.bss, mem_map_fd(maker->maps.bss)));
	assert_ok(mem_map_reuse_fd(user->maps.rows, mem_map_fd(maker->maps.rows)));
	alone = assert_ptr(lifetime__attach_region_bss(mem_source_fd(mem_map_fd(maker->maps.bss)), NULL,
						       &region));
	call(4);
	lifetime__destroy(maker);
	ck_assert_uint_eq(user->bss->entered, 4);
	ck_assert_uint_eq(user->arrays.rows[7].hits, 4);
	ck_assert_uint_eq(alone->entered, 4);
	user->bss->entered = 9;
	lifetime__destroy(user);
	ck_assert_uint_eq(alone->entered, 9);
	mem_region_detach(region);
}
END_TEST

/* --- killed --- */

/* Named as a pin is before it gets its name, by a process that is gone, and by one that is not. */
TEST(what_the_killed_left_is_cleared_away)
{
	struct lifetime *skel = loaded(getpid());
	char living[64];

	snprintf(living, sizeof(living), DIR "/map_last~%d-7", getpid());
	assert_ok(lifetime__pin(skel, DIR));
	assert_ok(mem_map_pin(skel->maps.last, DIR "/map_last~99999999-3", 0));
	assert_ok(mem_map_pin(skel->maps.last, living, 0));
	assert_ok(mem_map_pin(skel->maps.last, DIR "/mine~1-1", 0));
	assert_ok(lifetime__pin(skel, DIR));
	ck_assert_int_ne(access(DIR "/map_last~99999999-3", F_OK), 0);
	ck_assert_int_eq(access(living, F_OK), 0);
	assert_ok(lifetime__unpin(DIR));
	ck_assert_int_ne(access(living, F_OK), 0);
	/* what is somebody else's stays, and the folder with it */
	ck_assert_int_eq(access(DIR "/mine~1-1", F_OK), 0);
	lifetime__destroy(skel);
}
END_TEST

TEST(killed_while_pinning, .timeout = 120)
{
	int status, whole = 0, partial = 0;

	for (int delay = 0; delay < 60 || !whole; delay++) {
		struct lifetime *skel;
		pid_t pid = fork();

		if (!pid)
			start_tool((int)getppid());
		usleep((useconds_t)delay * 500);
		kill(pid, SIGKILL);
		ck_assert_int_eq(waitpid(pid, &status, 0), pid);
		skel = lifetime__open_and_attach_pinned(DIR);
		if (skel) { /* all of it, or nothing */
			call(1);
			ck_assert_uint_eq(skel->bss->entered, 1);
			lifetime__destroy(skel);
			whole++;
		} else {
			ck_assert_msg(errno == ENOENT || errno == EINVAL, "%m: %s", mem_error_message());
			partial++;
		}
		assert_ok(lifetime__unpin(DIR));
		ck_assert_int_eq(access(DIR, F_OK), -1);
	}
	ck_assert_int_gt(partial, 0);
}
END_TEST
