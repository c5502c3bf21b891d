/* SPDX-License-Identifier: BSD-2-Clause */
/* Per-thread memory of one process that another one's programs see. */
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <mem/elf.h>

#include "bpffs.h"
#include "harness.h"
#include "rawbpf.h"
#include "task_basic.skel.h"
#include "task_large.skel.h"
#include "tasks.h"
#include "victims.h"

#define FOLDER "/sys/fs/bpf/tasks"

enum { NOBODY = 65534, THREADS = 20 };

static struct task_basic *skel;
static int to_child[2], to_parent[2];
static pid_t child;

static void teardown(void)
{
	task_basic__destroy(skel);
	skel = NULL;
	mem_task_leave();
	mem_task_unregister();
	bpffs_unmount();
}

FIXTURE(NULL, teardown)

/* --- the two processes take turns --- */

static void tell(int fd, uint64_t number)
{
	if (write(fd, &number, sizeof(number)) != sizeof(number))
		_exit(101);
}

static uint64_t hear(int fd)
{
	uint64_t number;

	if (read(fd, &number, sizeof(number)) != sizeof(number)) {
		if (getpid() != child && child)
			return UINT64_MAX;
		_exit(102);
	}
	return number;
}

static uint64_t wait_for_parent(void)
{
	return hear(to_child[0]);
}

static void done(uint64_t result)
{
	tell(to_parent[1], result);
}

/* What the child says next; it does one thing at a time. */
static uint64_t go_on(void)
{
	tell(to_child[1], 0);
	return hear(to_parent[0]);
}

/* A process that has nothing of this one's: it is there before anything is loaded. */
static void start(void (*run)(void))
{
	ck_assert_int_eq(pipe(to_child), 0);
	ck_assert_int_eq(pipe(to_parent), 0);
	child = fork();
	if (!child) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		close(to_child[1]);
		close(to_parent[0]);
		run();
		_exit(0);
	}
	close(to_child[0]);
	close(to_parent[1]);
}

static void finish(void)
{
	int status;

	close(to_child[1]);
	close(to_parent[0]);
	ck_assert_int_eq(waitpid(child, &status, 0), child);
	ck_assert_msg(!status, "child: status %#x", status);
}

/* --- the process that has the programs --- */

static void use(enum mem_task_back back)
{
	mem_log_set(MEM_LOG_WARN, NULL, NULL);
	tasks_use(back, 100);
	bpffs_mount();
}

static void load(void)
{
	skel = assert_ptr(task_basic__open());
	assert_ok(task_basic__load(skel));
}

struct walk {
	uint64_t sum;
	int count;
};

static int add(void *ctx, int tid, void *data)
{
	struct walk *walk = ctx;

	(void)tid;
	walk->sum += ((struct request *)data)->id;
	walk->count++;
	return 0;
}

static void check_seen(enum mem_task_back back, uint64_t sum, int count)
{
	struct walk walk = {0};
	int found;

	ck_assert_uint_eq(tasks_sum(skel->progs.dump, &found), sum);
	ck_assert_int_eq(found, count);
	if (back == MEM_TASK_BACK_UPTR) {
		assert_err(task_basic__task_request_each_shared(add, &walk), -ENOTSUP);
	} else {
		assert_ok(task_basic__task_request_each_shared(add, &walk));
		ck_assert_uint_eq(walk.sum, sum);
		ck_assert_int_eq(walk.count, count);
	}
}

/* --- an application that never loads anything --- */

static pthread_barrier_t all_set, all_done;

static void *one_thread(void *arg)
{
	struct request *r = task_basic__task_request();

	if (r)
		r->id = (uintptr_t)arg;
	pthread_barrier_wait(&all_set);
	pthread_barrier_wait(&all_done);
	return r && r->id == (uintptr_t)arg ? NULL : arg;
}

static void server(void)
{
	pthread_t thread[THREADS];
	struct request *r = task_basic__task_request();
	uint64_t wrong = 0;

	r->id = 1000; /* nobody shares anything yet */
	if (mem_task_join(FOLDER) != -ENOENT)
		done(1);
	done(0);
	wait_for_parent();
	if (mem_task_join(FOLDER) != 1 || mem_task_join(FOLDER))
		done(fprintf(stderr, "%s\n", mem_error_message()) > 0);
	r = task_basic__task_request();
	if (r->id != 1000)
		done(2);
	pthread_barrier_init(&all_set, NULL, THREADS + 1);
	pthread_barrier_init(&all_done, NULL, THREADS + 1);
	for (uintptr_t i = 0; i < THREADS; i++)
		pthread_create(&thread[i], NULL, one_thread, (void *)(i + 1));
	pthread_barrier_wait(&all_set);
	done(0);
	wait_for_parent(); /* has looked */
	pthread_barrier_wait(&all_done);
	for (int i = 0; i < THREADS; i++) {
		void *result;

		pthread_join(thread[i], &result);
		wrong += !!result;
	}
	r->id++;
	done(wrong);
	wait_for_parent();
	mem_task_leave();
	task_basic__task_request()->id = 5;
	done(0);
	wait_for_parent();
}

static void seen(enum mem_task_back back)
{
	use(back);
	start(server);
	ck_assert_uint_eq(hear(to_parent[0]), 0);
	load();
	assert_ok(mem_task_share(FOLDER, 0));
	check_seen(back, 0, 0);
	ck_assert_uint_eq(go_on(), 0);
	assert_ptr(task_basic__task_request())->id = 1;
	check_seen(back, 1 + 1000 + THREADS * (THREADS + 1) / 2, THREADS + 2);
	ck_assert_uint_eq(go_on(), 0);
	check_seen(back, 1 + 1001, 2);
	ck_assert_uint_eq(go_on(), 0);
	check_seen(back, 1, 1);
	tell(to_child[1], 0);
	finish();
	assert_ok(mem_task_unshare(FOLDER));
	assert_ok(mem_task_unshare(FOLDER));
	ck_assert_int_ne(access(FOLDER, F_OK), 0);
}

/* --- killed --- */

static void victim(void)
{
	wait_for_parent();
	done(mem_task_join(FOLDER) != 1);
	task_basic__task_request()->id = 9;
	done(0);
	pause();
}

static void killed(enum mem_task_back back)
{
	use(back);
	start(victim);
	load();
	assert_ok(mem_task_share(FOLDER, 0));
	ck_assert_uint_eq(go_on(), 0);
	ck_assert_uint_eq(hear(to_parent[0]), 0);
	check_seen(back, 9, 1);
	kill(child, SIGKILL);
	waitpid(child, NULL, 0);
	close(to_child[1]);
	close(to_parent[0]);
	check_seen(back, 0, 0);
	assert_ok(mem_task_unshare(FOLDER));
}

/* --- one tracer after the other --- */

static void loyal(void)
{
	for (uint64_t id = 1; id <= 3; id++) {
		wait_for_parent();
		if (mem_task_join(FOLDER) != 1)
			done(fprintf(stderr, "%s\n", mem_error_message()) > 0);
		if (task_basic__task_request()->id)
			done(2);
		task_basic__task_request()->id = id;
		done(0);
	}
}

static void replaced(enum mem_task_back back)
{
	use(back);
	start(loyal);
	for (uint64_t id = 1; id <= 3; id++) {
		load();
		assert_ok(mem_task_share(FOLDER, 0));
		ck_assert_uint_eq(go_on(), 0);
		if (id < 3)
			check_seen(back, id, 1);
		task_basic__destroy(skel);
		skel = NULL;
	}
	finish();
	assert_ok(mem_task_unshare(FOLDER));
}

/* --- without any privilege --- */

static void nobody(void)
{
	if (syscall(SYS_setresgid, NOBODY, NOBODY, NOBODY) ||
	    syscall(SYS_setresuid, NOBODY, NOBODY, NOBODY))
		_exit(1);
	wait_for_parent();
	done((uint64_t)-mem_task_join(FOLDER));
	wait_for_parent();
	if (mem_task_join(FOLDER) != 1)
		done(fprintf(stderr, "%s\n", mem_error_message()) > 0);
	task_basic__task_request()->id = 70;
	done(0);
	wait_for_parent();
}

static void unprivileged(enum mem_task_back back)
{
	need_linux(6, 1, "bpf(2) on what others have made");
	use(back);
	ck_assert_int_eq(chmod("/sys/fs/bpf", 0755), 0);
	start(nobody);
	load();
	assert_ok(mem_task_share(FOLDER, 0));
	ck_assert_uint_eq(go_on(), EACCES);
	assert_ok(mem_task_unshare(FOLDER));
	assert_ok(mem_task_share(FOLDER, 0666));
	ck_assert_uint_eq(go_on(), 0);
	check_seen(back, 70, 1);
	tell(to_child[1], 0);
	finish();
	assert_ok(mem_task_unshare(FOLDER));
}

#define FOR_EACH_BACK(what)                                                                        \
	TEST(what##_uptr)                                                                          \
	{                                                                                          \
		what(MEM_TASK_BACK_UPTR);                                                          \
	}                                                                                          \
	END_TEST                                                                                   \
	TEST(what##_arena)                                                                         \
	{                                                                                          \
		what(MEM_TASK_BACK_ARENA);                                                         \
	}                                                                                          \
	END_TEST                                                                                   \
	TEST(what##_array)                                                                         \
	{                                                                                          \
		what(MEM_TASK_BACK_ARRAY);                                                         \
	}                                                                                          \
	END_TEST

FOR_EACH_BACK(seen)
FOR_EACH_BACK(killed)
FOR_EACH_BACK(replaced)
FOR_EACH_BACK(unprivileged)

/* --- what processes have to agree upon --- */

static void other_layout(void)
{
	struct mem_object *newer;

	if (!task_basic__task_counters()) /* takes the place that the others have given to request */
		_exit(1);
	wait_for_parent();
	done((uint64_t)-mem_task_join(FOLDER));
	if (!strstr(mem_error_message(), "counters"))
		_exit(3);
	newer = mem_object_open_file(build_path("selftests/task_changed.bpf.o"), NULL);
	if (!newer)
		_exit(2);
	mem_object_close(newer);
}

TEST(structs_with_another_place_are_refused)
{
	use(MEM_TASK_BACK_AUTO);
	start(other_layout);
	assert_ptr(task_basic__task_request());
	mem_task_unregister();
	load();
	assert_ok(mem_task_share(FOLDER, 0));
	ck_assert_uint_eq(go_on(), EBUSY);
	finish();
	assert_ok(mem_task_unshare(FOLDER));
}
END_TEST

static void other_fields(void)
{
	struct mem_object *changed = mem_object_open_file(build_path("selftests/task_changed.bpf.o"), NULL);

	if (!changed || mem_object_load(changed))
		_exit(1);
	done((uint64_t)-mem_task_join(FOLDER)); /* has programs of its own */
	mem_object_close(changed);
	wait_for_parent();
	done((uint64_t)-mem_task_join(FOLDER));
	done(!strstr(mem_error_message(), "seen: s64, was u64"));
}

TEST(changed_fields_are_refused)
{
	use(MEM_TASK_BACK_AUTO);
	start(other_fields);
	ck_assert_uint_eq(hear(to_parent[0]), EBUSY);
	load();
	assert_ok(mem_task_share(FOLDER, 0));
	ck_assert_uint_eq(go_on(), EINVAL);
	ck_assert_uint_eq(hear(to_parent[0]), 0);
	finish();
	assert_ok(mem_task_unshare(FOLDER));
}
END_TEST

TEST(programs_have_what_is_shared_and_nothing_else)
{
	struct mem_object *newer;

	use(MEM_TASK_BACK_AUTO);
	assert_err(mem_task_share(FOLDER, 0), -EINVAL);
	load();
	assert_err(mem_task_share("/tmp/no_bpffs", 0), -EINVAL);
	assert_ok(mem_task_share(FOLDER, 0));
	newer = assert_ptr(mem_object_open_file(build_path("selftests/task_newer.bpf.o"), NULL));
	assert_err(mem_object_load(newer), -EBUSY);
	assert_says("deadline");
	mem_object_close(newer);
	newer = assert_ptr(mem_object_open_file(build_path("selftests/task_large.bpf.o"), NULL));
	assert_err(mem_object_load(newer), -EBUSY);
	mem_object_close(newer);
	assert_ok(mem_task_unshare(FOLDER));
}
END_TEST

/* A pin of something else, or of something that somebody made up. */
/* What the pinned description starts with: src/task_share.h. */
enum { LAYOUT_SIZE_AT = 24, LAYOUT_HEAD = 56 };

/* Put another one in its place: with a size of memory that has none, and cut off. */
static void damage_layout(void)
{
	static char bytes[1 << 16];
	const uint64_t size = 1 << 20;
	const uint32_t key = 0;
	union bpf_attr attr = {.pathname = (uintptr_t)(FOLDER "/layout")};
	int fd = (int)raw_bpf(BPF_OBJ_GET, &attr, sizeof(attr));

	ck_assert_int_eq(raw_map_lookup(fd, &key, bytes), 0);
	close(fd);
	memcpy(bytes + LAYOUT_SIZE_AT, &size, sizeof(size));
	fd = raw_map_create(BPF_MAP_TYPE_ARRAY, 4, LAYOUT_HEAD + 8, 1, 0, 0);
	ck_assert_int_eq(raw_map_update(fd, &key, bytes, 0), 0);
	ck_assert_int_eq(unlink(FOLDER "/layout"), 0);
	attr.bpf_fd = (uint32_t)fd;
	ck_assert_int_eq(raw_bpf(BPF_OBJ_PIN, &attr, sizeof(attr)), 0);
	close(fd);
}

static void joins_damaged(void)
{
	void *low = (void *)(uintptr_t)(1 << 16); /* the lowest address that there is */
	volatile char *page = mmap(low, 1, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS |
				   MAP_FIXED_NOREPLACE, -1, 0);

	wait_for_parent();
	done((uint64_t)-mem_task_join(FOLDER));
	*page = 1;
}

TEST(a_damaged_description_takes_no_memory_away)
{
	use(MEM_TASK_BACK_UPTR);
	start(joins_damaged);
	load();
	assert_ok(mem_task_share(FOLDER, 0));
	damage_layout();
	ck_assert_uint_eq(go_on(), EINVAL);
	finish();
	assert_ok(mem_task_unshare(FOLDER));
}
END_TEST

TEST(a_folder_whose_path_is_too_long)
{
	char folder[5000] = "/sys/fs/bpf/";

	use(MEM_TASK_BACK_AUTO);
	load();
	memset(folder + strlen(folder), 'x', sizeof(folder) - 1 - strlen(folder));
	assert_err(mem_task_share(folder, 0), -ENAMETOOLONG);
	assert_says("is too long");
	assert_err(mem_task_unshare(folder), -ENAMETOOLONG);
	task_basic__destroy(skel);
	skel = NULL;
	assert_err(mem_task_join(folder), -ENAMETOOLONG);
	assert_says("is too long");
}
END_TEST

TEST(what_is_pinned_is_not_trusted)
{
	struct task_basic *other;

	use(MEM_TASK_BACK_AUTO);
	assert_err(mem_task_join(FOLDER), -ENOENT);
	assert_err(mem_task_join(""), -EINVAL);
	other = assert_ptr(task_basic__open());
	assert_ok(task_basic__load(other));
	assert_ok(mem_map_pin(other->maps.bss, FOLDER "/layout", 0));
	task_basic__destroy(other);
	assert_err(mem_task_join(FOLDER), -EINVAL);
	assert_ok(mem_task_unshare(FOLDER));
}
END_TEST

/* --- killed --- */

static void share_and_end(void)
{
	_exit(mem_task_share(FOLDER, 0640) != 0);
}

static void joins_again_and_again(void)
{
	for (;;) {
		int err;

		wait_for_parent();
		err = mem_task_join(FOLDER);
		mem_task_leave();
		done(err < 0 ? (uint64_t)-err : 0);
	}
}

/* At each point of it there is all, or nothing that another process could take for all; and no pin is left over. */
TEST(killed_while_sharing, .timeout = 60, .slow_emulated = "a hundred processes")
{
	int nth = 1, ended = 0, whole = 0, partial = 0, status;

	use(MEM_TASK_BACK_ARRAY);
	start(joins_again_and_again);
	load();
	for (; !ended; nth++) {
		uint64_t err;

		ended = victim_kill_at(share_and_end, nth);
		err = go_on();
		ck_assert_msg(!err || err == ENOENT, "killed at call %d: %s", nth, strerror((int)err));
		*(err ? &partial : &whole) += 1;
		if (nth % 2) { /* in place of what there is, or of nothing */
			assert_ok(mem_task_share(FOLDER, 0640));
			ck_assert_uint_eq(go_on(), 0);
		}
		assert_ok(mem_task_unshare(FOLDER));
		ck_assert_msg(access(FOLDER, F_OK), "killed at call %d: something is left", nth);
	}
	ck_assert_int_gt(whole, 0);
	ck_assert_int_gt(partial, 10);
	kill(child, SIGKILL);
	ck_assert_int_eq(waitpid(child, &status, 0), child);
	close(to_child[1]);
	close(to_parent[0]);
}
END_TEST
