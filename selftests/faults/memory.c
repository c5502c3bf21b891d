/* SPDX-License-Identifier: BSD-2-Clause */
/* Calls that fail while memory is handed out: heaps and tables in arenas, and per-thread structs. */
#include <errno.h>
#include <mem/lock.h>
#include <sched.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/wait.h>
#include <unistd.h>

#include "arena_hash.skel.h"
#include "bpf/arena_hash.h"
#include "bpffs.h"
#include "faults/sweep.h"
#include "task_basic.skel.h"

OBJECT(arena_hash, 6010);

/* ---- heaps and tables */

static struct arena_hash__arena *vars(const struct subject *s)
{
	return mem_region_variables(assert_ptr(mem_object_find_region(s->obj, "arena")), NULL);
}

static struct mem_heap *heap(const struct subject *s)
{
	return &vars(s)->heap;
}

static int try_mem_heap_create(struct subject *s)
{
	struct mem_heap_opts opts = {.sz = sizeof(opts), .present = 4 << 20};

	return mem_heap_create(the_region(s), heap(s), &opts);
}

static void with_heap(struct subject *s)
{
	prepared(s);
	assert_ok(try_mem_heap_create(s));
}

/* The thread's cache may have been taken by making the heap. */
static void with_strange_heap(struct subject *s)
{
	with_heap(s);
	mem_heap_leave(heap(s));
}

static void leave(struct subject *s)
{
	mem_heap_leave(heap(s));
}

static int try_mem_heap_init(struct subject *s)
{
	static char memory[64 * 4096] __attribute__((aligned(4096)));
	static struct mem_heap own;
	int err;

	(void)s;
	memset(memory, 0, sizeof(memory));
	memset(&own, 0, sizeof(own));
	err = mem_heap_init(&own, memory, sizeof(memory), NULL);
	if (!err)
		mem_heap_leave(&own);
	return err;
}

static int try_mem_heap_view(struct subject *s)
{
	return result(mem_heap_view(heap(s)));
}

static int try_mem_heap_refill(struct subject *s)
{
	return mem_heap_refill(heap(s), 8 << 20);
}

static int try_mem_heap_keep(struct subject *s)
{
	struct mem_heap_keeper *keeper = mem_heap_keep(heap(s), 1 << 20);
	int err = result(keeper);

	mem_heap_keep_stop(keeper);
	errno = -err;
	return err;
}

static int try_mem_heap_is_valid(struct subject *s)
{
	return mem_heap_is_valid(heap(s)) ? 0 : -errno;
}

static int try_mem_heap_recover(struct subject *s)
{
	return mem_heap_recover(heap(s));
}

static int try_mem_hash_create(struct subject *s)
{
	return numbers_create(heap(s), &vars(s)->table, 100);
}

static void with_table(struct subject *s)
{
	const unsigned long long key = 1, value = 10;

	with_heap(s);
	assert_ok(try_mem_hash_create(s));
	ck_assert_int_eq(numbers_set(heap(s), &vars(s)->table, &key, &value, 0), 0);
	mem_heap_leave(heap(s));
}

static int try_mem_hash_grow(struct subject *s)
{
	return numbers_grow(heap(s), &vars(s)->table);
}

static int try_mem_hash_next(struct subject *s)
{
	struct mem_hash_cursor cursor = {0};
	unsigned long long key, value;
	int err = numbers_next(heap(s), &vars(s)->table, &cursor, &key, &value);

	if (err >= 0 && (err != 1 || key != 1 || value != 10))
		ck_abort_msg("not the element that is there: %d", err);
	return err;
}

static const struct operation allocating[] = {
	{TRY(mem_heap_create), &arena_hash, prepared, "arena", AGAIN, leave},
	{TRY(mem_heap_init), &arena_hash, NULL, "", AGAIN | NAMELESS},
	{TRY(mem_heap_view), &arena_hash, with_strange_heap, "arena", AGAIN | NAMELESS, leave},
	{TRY(mem_heap_refill), &arena_hash, with_strange_heap, "arena", AGAIN | NAMELESS, leave},
	{TRY(mem_heap_keep), &arena_hash, with_strange_heap, "arena", AGAIN | NAMELESS, leave},
	{TRY(mem_heap_is_valid), &arena_hash, with_strange_heap, "arena", AGAIN | NAMELESS, leave},
	{TRY(mem_heap_recover), &arena_hash, with_strange_heap, "arena", AGAIN | NAMELESS, leave},
	{TRY(mem_hash_create), &arena_hash, with_strange_heap, "arena", AGAIN | NAMELESS, leave},
	{TRY(mem_hash_grow), &arena_hash, with_table, "arena", AGAIN | NAMELESS, leave},
	{TRY(mem_hash_next), &arena_hash, with_table, "arena", AGAIN | NAMELESS, leave},
	{0},
};

SWEEP_TABLE(allocating)

TEST(allocating_fails, .timeout = 60)
{
	need_bpf();
	need_linux(6, 10, "atomic instructions on arena memory");
	sweep_all(allocating);
}
END_TEST

enum { SHARED = 64 * 4096 };

/* What another process makes of a cache whose owner met the nth failure when it took it. */
static int recovered_by_another(struct mem_heap *heap)
{
	int status;
	pid_t pid = fork();

	if (!pid)
		_exit(mem_heap_recover(heap));
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	return status;
}

TEST(the_cache_of_a_thread_that_could_not_look_at_itself_is_left_alone)
{
	char *memory = mmap(NULL, 2 * SHARED, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	struct mem_heap *heap = (struct mem_heap *)(memory + SHARED);
	const char *failed;
	unsigned long nth = 0;

	ck_assert_ptr_ne(memory, MAP_FAILED);
	do {
		const struct mem_heap_view *view;

		memset(memory, 0, 2 * SHARED);
		assert_ok(mem_heap_init(heap, memory, SHARED, NULL));
		mem_heap_leave(heap);
		inject_arm(++nth);
		view = mem_heap_view(heap);
		failed = inject_disarm();
		if (view)
			ck_assert_int_eq(recovered_by_another(heap), 0);
		mem_heap_leave(heap);
	} while (failed);
	ck_assert_uint_gt(nth, 2);
	munmap(memory, 2 * SHARED);
}
END_TEST

/* A process that has no /proc, and one that has ended. */
static int lives_without_proc(pid_t gone)
{
	if (unshare(CLONE_NEWNS) || mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) ||
	    umount2("/proc", MNT_DETACH))
		return 77;
	return !mem_thread_lives((unsigned int)getpid()) || mem_thread_lives((unsigned int)gone);
}

TEST(without_proc_the_living_live)
{
	pid_t gone = fork(), pid;
	int status;

	if (!gone)
		_exit(0);
	ck_assert_int_eq(waitpid(gone, NULL, 0), gone);
	pid = fork();
	if (!pid)
		_exit(lives_without_proc(gone));
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	if (WIFEXITED(status) && WEXITSTATUS(status) == 77)
		test_skip("can't unmount /proc");
	ck_assert_int_eq(status, 0);
}
END_TEST

/* ---- per-thread structs */

OBJECT(task_basic, 5017);

static int try_mem_object_prepare(struct subject *s)
{
	return mem_object_prepare(s->obj);
}

static int try_mem_object_load(struct subject *s)
{
	return mem_object_load(s->obj);
}

/* The thread has private memory if there is no way to have it with the programs. */
static int try_mem_task_register(struct subject *s)
{
	struct request *request = task_basic__task_request();

	(void)s;
	if (request)
		request->id = 5;
	return result(request);
}

static int try_mem_task_register_all(struct subject *s)
{
	(void)s;
	return mem_task_register_all();
}

static int look(void *ctx, int tid, void *data)
{
	(void)tid;
	*(uint64_t *)ctx += ((struct request *)data)->id;
	return 0;
}

static void registered(struct subject *s)
{
	loaded(s);
	assert_ok(try_mem_task_register(s));
}

static int try_mem_task_each(struct subject *s)
{
	struct mem_task place = {0}; /* not known yet */
	uint64_t sum = 0;
	int err = mem_task_each(&place, s->object->image(), 0, look, &sum);

	if (!err && sum != 5)
		ck_abort_msg("the sum is %lu", sum);
	return err;
}

static void unregister(struct subject *s)
{
	(void)s;
	mem_task_unregister();
}

/* ---- threads of other processes */

#define FOLDER "/sys/fs/bpf/faults"

static int try_mem_task_share(struct subject *s)
{
	(void)s;
	return mem_task_share(FOLDER, 0);
}

static int try_mem_task_unshare(struct subject *s)
{
	(void)s;
	return mem_task_unshare(FOLDER);
}

static void shared_by(struct subject *s)
{
	registered(s);
	assert_ok(try_mem_task_share(s));
}

/* The structs are shared, and this process has no object any more. */
static void shared_by_others(struct subject *s)
{
	shared_by(s);
	mem_task_unregister();
	mem_skeleton_destroy(s->skel, s->object->layout());
	s->skel = NULL;
	s->obj = NULL;
}

static int try_mem_task_join(struct subject *s)
{
	(void)s;
	return mem_task_join(FOLDER);
}

static int try_mem_task_each_shared(struct subject *s)
{
	struct mem_task place = {0}; /* not known yet */
	uint64_t sum = 0;
	int err = mem_task_each_shared(&place, s->object->image(), 0, look, &sum);

	if (!err && sum != 5)
		ck_abort_msg("the sum is %lu", sum);
	return err;
}

static void unshare_all(struct subject *s)
{
	mem_task_leave();
	unregister(s);
	assert_ok(mem_task_unshare(FOLDER));
}

static const struct operation threads[] = {
	{TRY_WITH(mem_object_prepare, "task_basic"), &task_basic, opened, NULL, ONCE},
	{TRY_WITH(mem_object_load, "task_basic"), &task_basic, prepared, NULL, ONCE},
	{TRY_AS("mem_skeleton_open_and_load task_basic", open_and_load), &task_basic, NULL, NULL, AGAIN},
	{TRY(mem_task_register), &task_basic, loaded, NULL, AGAIN | NAMELESS, unregister},
	{TRY(mem_task_register_all), &task_basic, loaded, NULL, AGAIN | NAMELESS, unregister},
	{TRY(mem_task_each), &task_basic, registered, NULL, AGAIN | NAMELESS, unregister},
	{0},
};

static const struct operation sharing[] = {
	{TRY(mem_task_share), &task_basic, registered, "", AGAIN | NAMELESS, unshare_all},
	{TRY(mem_task_unshare), &task_basic, shared_by, "", AGAIN | NAMELESS, unshare_all},
	{TRY(mem_task_join), &task_basic, shared_by_others, "", AGAIN | NAMELESS, unshare_all},
	{TRY(mem_task_each_shared), &task_basic, shared_by, "", AGAIN | NAMELESS, unshare_all},
	{0},
};

SWEEP_TABLE(threads)
SWEEP_TABLE(sharing)

static void choose_back(enum mem_task_back back)
{
	struct mem_task_opts opts = {.sz = sizeof(opts), .back = back, .threads = 64};

	need_bpf();
	need_linux(5, 17, "CO-RE by the kernel");
	assert_ok(mem_task_setup(&opts));
}

static void sweep_back(enum mem_task_back back)
{
	choose_back(back);
	sweep_all(threads);
}

TEST(threads_with_task_storage_fail, .timeout = 60, .slow_emulated = "loads programs a hundred times")
{
	need_linux(6, 13, "__uptr in task storage");
	sweep_back(MEM_TASK_BACK_UPTR);
}
END_TEST

TEST(threads_with_an_arena_fail, .timeout = 60, .slow_emulated = "loads programs a hundred times")
{
	need_linux(6, 9, "arenas");
	sweep_back(MEM_TASK_BACK_ARENA);
}
END_TEST

TEST(threads_with_an_array_fail, .timeout = 60, .slow_emulated = "loads programs a hundred times")
{
	sweep_back(MEM_TASK_BACK_ARRAY);
}
END_TEST

TEST(sharing_threads_in_an_array_fails, .timeout = 60, .slow_emulated = "loads programs a hundred times")
{
	choose_back(MEM_TASK_BACK_ARRAY);
	bpffs_mount();
	sweep_all(sharing);
	bpffs_unmount();
}
END_TEST

TEST(sharing_threads_in_an_arena_fails, .timeout = 60, .slow_emulated = "loads programs a hundred times")
{
	need_linux(6, 9, "arenas");
	choose_back(MEM_TASK_BACK_ARENA);
	bpffs_mount();
	sweep_all(sharing);
	bpffs_unmount();
}
END_TEST
