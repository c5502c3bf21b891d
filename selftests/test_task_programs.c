/* SPDX-License-Identifier: BSD-2-Clause */
/* Per-thread memory in security modules and schedulers, in pid namespaces, and beside other libraries'. */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

#include <mem/elf.h>

#include "harness.h"
#include "task_basic.skel.h"
#include "task_interop.skel.h"
#include "task_lsm.skel.h"
#include "task_scheduler.skel.h"
#include "tasks.h"

static struct mem_object *obj; /* that the test has open */

static void teardown(void)
{
	mem_object_close(obj);
	obj = NULL;
	mem_task_unregister();
}

FIXTURE(NULL, teardown)

static int run(const char *name)
{
	struct mem_run_opts opts = {.sz = sizeof(opts)};

	assert_ok(mem_prog_run(assert_ptr(mem_object_find_prog(obj, name)), &opts));
	return (int)opts.retval;
}

/* --- a security module --- */

#define SECURITY "/sys/kernel/security"

/* A kernel can have been started without it: programs are attached then, and never run. */
static bool has_bpf_lsm(void)
{
	char list[256] = "";
	int fd;

	if (unshare(CLONE_NEWNS) || mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) ||
	    mount("securityfs", SECURITY, "securityfs", 0, NULL))
		return false;
	fd = open(SECURITY "/lsm", O_RDONLY | O_CLOEXEC);
	if (fd >= 0 && read(fd, list, sizeof(list) - 1) < 0)
		list[0] = 0;
	close(fd);
	umount(SECURITY);
	return strstr(list, "bpf") != NULL;
}

static void *change_nice(void *result)
{
	errno = 0;
	setpriority(PRIO_PROCESS, 0, 1);
	*(int *)result = errno;
	return NULL;
}

TEST(a_security_module_asks_the_thread)
{
	struct task_lsm *skel;
	pthread_t other;
	int result, err;

	need_bpf();
	if (!has_bpf_lsm())
		test_skip("BPF is not among the security modules that this kernel was started with");
	skel = assert_ptr(task_lsm__open());
	err = task_lsm__load(skel);
	if (err == -EPERM) {
		task_lsm__destroy(skel);
		test_skip("this kernel refuses programs at its functions");
	}
	assert_ok(err);
	assert_ok(task_lsm__attach(skel));
	assert_ptr(task_lsm__task_wishes())->keep_nice = 1;
	change_nice(&result);
	ck_assert_int_eq(result, EPERM);
	ck_assert_uint_eq(task_lsm__task_wishes()->refused, 1);
	ck_assert_int_eq(pthread_create(&other, NULL, change_nice, &result), 0);
	pthread_join(other, NULL);
	ck_assert_int_eq(result, 0);
	task_lsm__task_wishes()->keep_nice = 0;
	change_nice(&result);
	ck_assert_int_eq(result, 0);
	task_lsm__destroy(skel);
}
END_TEST

/* --- a scheduler --- */

#define WISH 1000003 /* ns: a prime, so that a sum of slices shows what it is a sum of */

static void *take_naps(void *arg)
{
	struct share *share = task_scheduler__task_share();
	const struct timespec nap = {.tv_nsec = 2000000};
	uint64_t before;

	(void)arg;
	if (!share)
		return "no struct";
	share->slice = WISH;
	before = share->given;
	for (int i = 0; i < 50; i++)
		nanosleep(&nap, NULL);
	if (share->runs < 10)
		return "the scheduler did not tell how often it ran";
	if (share->given - before < WISH * 10)
		return "the scheduler did not see what it wished for";
	return (share->given - before) % WISH ? "another slice than it wished for" : NULL;
}

TEST(a_scheduler_asks_the_thread, .timeout = 60)
{
	struct task_scheduler *skel;
	struct mem_link *link;
	pthread_t thread;
	void *result;
	int err;

	need_bpf();
	skel = assert_ptr(task_scheduler__open());
	assert_ok(mem_map_autocreate_set(skel->maps.by_wish, 1));
	err = task_scheduler__load(skel);
	if (err == -ENOENT) {
		task_scheduler__destroy(skel);
		test_skip("in this kernel programs can't implement struct sched_ext_ops");
	}
	assert_ok(err);
	if (!in_emulator()) {
		task_scheduler__destroy(skel);
		test_skip("a scheduler would be that of the whole machine: only in the emulator");
	}
	link = assert_ptr(mem_map_attach_struct_ops(skel->maps.by_wish));
	ck_assert_int_eq(pthread_create(&thread, NULL, take_naps, NULL), 0);
	pthread_join(thread, &result);
	ck_assert_msg(!result, "%s", (char *)result);
	mem_link_destroy(link);
	task_scheduler__destroy(skel);
}
END_TEST

/* --- threads whose ids are others in the kernel --- */

static void *in_namespace(void *arg)
{
	struct task_basic *skel = arg;
	struct mem_run_opts opts = {.sz = sizeof(opts)};
	struct request *r = task_basic__task_request();

	if (!r)
		return "no struct";
	r->id = (uint64_t)syscall(SYS_gettid);
	if (mem_prog_run(skel->progs.echo, &opts) || opts.retval != r->id + 1)
		return "not seen";
	return r->seen == r->id ? NULL : "the program did not answer";
}

/* The first process of a pid namespace, with an object from outside or one of its own. */
static void first_process(struct task_basic *skel)
{
	void *result = NULL;
	pthread_t thread;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getpid() != 1 || unshare(CLONE_NEWNS) || mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) ||
	    mount("proc", "/proc", "proc", 0, NULL))
		_exit(10);
	if (!skel && (!(skel = task_basic__open()) || task_basic__load(skel)))
		_exit(11);
	if (in_namespace(skel))
		_exit(12);
	if (mem_task_register_all() < 1)
		_exit(13);
	for (int i = 0; i < 10; i++)
		if (pthread_create(&thread, NULL, in_namespace, skel) || pthread_join(thread, &result) || result)
			_exit(14);
	_exit(0);
}

/* A process that has gone into a namespace makes no more threads, as the leak sanitizer would: not this one. */
static void run_in_namespace(struct task_basic *skel)
{
	pid_t pid = fork();
	int status;

	if (!pid) {
		if (unshare(CLONE_NEWPID))
			_exit(77);
		pid = fork();
		if (!pid)
			first_process(skel);
		_exit(waitpid(pid, &status, 0) == pid && WIFEXITED(status) ? WEXITSTATUS(status) : 99);
	}
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	if (WIFEXITED(status) && WEXITSTATUS(status) == 77)
		test_skip("no pid namespaces");
	ck_assert_msg(!status, "status %#x", status);
}

static void namespaces(enum mem_task_back back)
{
	tasks_use(back, 0);
	run_in_namespace(NULL);
}

TEST(ids_of_a_namespace_uptr)
{
	namespaces(MEM_TASK_BACK_UPTR);
}
END_TEST

TEST(ids_of_a_namespace_arena)
{
	namespaces(MEM_TASK_BACK_ARENA);
}
END_TEST

TEST(ids_of_a_namespace_array)
{
	namespaces(MEM_TASK_BACK_ARRAY);
}
END_TEST

/* A process with an object has a child in a namespace. */
TEST(a_child_in_a_namespace)
{
	struct task_basic *skel;

	need_bpf();
	need_linux(5, 17, "CO-RE by the kernel");
	skel = assert_ptr(task_basic__open());
	assert_ok(task_basic__load(skel));
	assert_ptr(task_basic__task_request())->id = 4;
	run_in_namespace(skel);
	ck_assert_uint_eq(task_basic__task_request()->id, 4);
	task_basic__destroy(skel);
}
END_TEST

/* --- the kernel selftests' task_local_data --- */

struct other_pages {
	struct {
		uint64_t start;
		char data[4088];
	} values;
	struct {
		uint16_t count, size;
		struct {
			char name[62];
			uint16_t size;
		} value[63];
		char rest[60];
	} names;
};

_Static_assert(sizeof(struct other_pages) == 8192, "two pages");

TEST(the_kernel_selftests_pages_lie_beside)
{
	struct task_interop *skel;
	struct other_pages *pages;
	uint64_t value[2];
	int pidfd, *priority;

	need_bpf();
	need_linux(6, 13, "__uptr in task storage");
	skel = assert_ptr(task_interop__open());
	assert_ok(task_interop__load(skel));
	obj = skel->obj;
	assert_ptr(task_interop__task_mine())->id = 1000;
	ck_assert_int_eq(run("add_both"), -1);

	pages = mmap(NULL, sizeof(*pages), PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	ck_assert_ptr_ne(pages, MAP_FAILED);
	pages->values.start = offsetof(struct other_pages, values.data);
	pages->names.count = 2;
	strcpy(pages->names.value[0].name, "flags");
	pages->names.value[0].size = 3;
	strcpy(pages->names.value[1].name, "priority");
	pages->names.value[1].size = sizeof(int);
	priority = (int *)&pages->values.data[8];
	*priority = 20;
	value[0] = (uintptr_t)&pages->values;
	value[1] = (uintptr_t)&pages->names;
	pidfd = (int)syscall(SYS_pidfd_open, syscall(SYS_gettid), O_EXCL);
	ck_assert_int_ge(pidfd, 0);
	assert_ok(mem_map_update(skel->maps.tld_data_map, &pidfd, value, 0));
	ck_assert_int_eq(run("add_both"), 1021);
	ck_assert_int_eq(*priority, 21);
	ck_assert_uint_eq(task_interop__task_mine()->id, 1000);
	/* one goes, the other stays */
	assert_ok(mem_map_delete(skel->maps.tld_data_map, &pidfd));
	close(pidfd);
	ck_assert_int_eq(run("add_both"), -1);
	munmap(pages, sizeof(*pages));
	obj = NULL;
	task_interop__destroy(skel);
}
END_TEST

/* --- OpenTelemetry's thread context --- */

extern __thread void *otel_thread_ctx_v1;
__thread void *otel_thread_ctx_v1;

/* The record has to look as profilers expect it. */
_Static_assert(sizeof(struct otel_context) == 640, "as OpenTelemetry has it");
_Static_assert(offsetof(struct otel_context, span_id) == 16, "as OpenTelemetry has it");
_Static_assert(offsetof(struct otel_context, valid) == 24, "as OpenTelemetry has it");
_Static_assert(offsetof(struct otel_context, attributes_size) == 26, "as OpenTelemetry has it");
_Static_assert(offsetof(struct otel_context, attributes) == 28, "as OpenTelemetry has it");

/* What a profiler without libmem sees: it has found the variable and reads another process. */
static int read_from_outside(void)
{
	void **symbol = &otel_thread_ctx_v1;
	pid_t parent = getpid(), pid = fork();
	int status;

	if (!pid) {
		struct otel_context seen;
		void *record;
		struct iovec to = {&record, sizeof(record)}, from = {symbol, sizeof(record)};

		if (process_vm_readv(parent, &to, 1, &from, 1, 0) != sizeof(record))
			_exit(1);
		to = (struct iovec){&seen, sizeof(seen)};
		from = (struct iovec){record, sizeof(seen)};
		if (process_vm_readv(parent, &to, 1, &from, 1, 0) != sizeof(seen))
			_exit(2);
		_exit(seen.valid == 1 && seen.trace_id[0] == 0xab && seen.span_id[0] == 0xcd &&
				      seen.attributes_size == 3 && !memcmp(seen.attributes, "\0\1x", 3)
			      ? 0
			      : 3);
	}
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	return WEXITSTATUS(status);
}

TEST(one_record_for_programs_and_profilers)
{
	struct task_interop *skel = NULL;
	struct otel_context *record;

	need_bpf();
	need_linux(6, 13, "__uptr in task storage"); /* for the object's other map */
	skel = assert_ptr(task_interop__open());
	assert_ok(task_interop__load(skel));
	obj = skel->obj;
	record = assert_ptr(task_interop__task_otel_context());
	otel_thread_ctx_v1 = record;
	ck_assert_int_eq(run("trace_of"), 0);
	record->trace_id[0] = 0xab;
	record->span_id[0] = 0xcd;
	memcpy(record->attributes, "\0\1x", 3); /* key 0, one byte */
	record->attributes_size = 3;
	__atomic_store_n(&record->valid, 1, __ATOMIC_RELEASE);
	ck_assert_int_eq(run("trace_of"), 0xabcd);
	ck_assert_int_eq(read_from_outside(), 0);
	ck_assert_ptr_eq(task_interop__task_otel_context(), record);
	otel_thread_ctx_v1 = NULL;
	obj = NULL;
	task_interop__destroy(skel);
}
END_TEST
