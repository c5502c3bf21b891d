/* SPDX-License-Identifier: BSD-2-Clause */
/* In a user namespace, to which a BPF file system delegates bpf(2), or some of it, or nothing. */
#include <errno.h>
#include <fcntl.h>
#include <linux/mount.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

#include <mem/mem.h>

#include "harness.h"
#include "shared.skel.h"

FIXTURE(need_bpf, NULL)

#define USUAL "/sys/fs/bpf"

/* A child in a namespace of its own, as which it is root; each side waits for the other by a pipe. */
struct inmate {
	pid_t pid;
	int says, hears; /* of the parent */
	int said, heard; /* of the child */
};

static void put(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);

	ck_assert_msg(fd >= 0, "%s: %m", path);
	ck_assert_msg(write(fd, text, strlen(text)) == (ssize_t)strlen(text), "%s: %m", path);
	close(fd);
}

static int hear(int fd)
{
	int value;

	return read(fd, &value, sizeof(value)) == sizeof(value) ? value : -1;
}

static void say(int fd, int value)
{
	ck_assert_int_eq(write(fd, &value, sizeof(value)), sizeof(value));
}

/* A file system context belongs to the namespace of who opens it; what it delegates is for its parent to say. */
static int open_context(int pid, int fd)
{
	int process = (int)syscall(SYS_pidfd_open, pid, 0), copy;

	ck_assert_msg(process >= 0, "pidfd_open: %m");
	copy = (int)syscall(SYS_pidfd_getfd, process, fd, 0);
	ck_assert_msg(copy >= 0, "pidfd_getfd: %m");
	close(process);
	return copy;
}

static void delegate(int context, const char *const *options)
{
	for (; *options; options += 2)
		ck_assert_msg(!syscall(SYS_fsconfig, context, FSCONFIG_SET_STRING, options[0], options[1], 0),
			      "%s=%s: %m", options[0], options[1]);
	ck_assert_msg(!syscall(SYS_fsconfig, context, FSCONFIG_CMD_CREATE, NULL, NULL, 0), "a BPF file system: %m");
}

/* The child's side: 0 when the file system is at the path. */
static int mount_delegated(const struct inmate *i, const char *path)
{
	int context, root;

	if (unshare(CLONE_NEWUSER | CLONE_NEWNS))
		return errno;
	say(i->said, 0);
	hear(i->heard);
	context = (int)syscall(SYS_fsopen, "bpf", FSOPEN_CLOEXEC);
	say(i->said, context);
	if (context < 0 || hear(i->heard))
		return errno;
	root = (int)syscall(SYS_fsmount, context, FSMOUNT_CLOEXEC, 0);
	if (root < 0 || syscall(SYS_move_mount, root, "", AT_FDCWD, path, MOVE_MOUNT_F_EMPTY_PATH))
		return errno;
	close(root);
	close(context);
	return 0;
}

/* Runs in a child of a namespace with such a file system at the path: what it returns is the child's answer. */
static int answer_of(int (*run)(void), const char *path, const char *const *options)
{
	struct inmate i;
	int to[2], from[2], context, status;
	char map[64];

	ck_assert_int_eq(pipe2(to, O_CLOEXEC) | pipe2(from, O_CLOEXEC), 0);
	i = (struct inmate){ 0, to[1], from[0], from[1], to[0] };
	i.pid = fork();
	ck_assert_int_ge(i.pid, 0);
	if (!i.pid) {
		int err;

		close(i.says);
		close(i.hears);
		err = mount_delegated(&i, path);
		if (err)
			fprintf(stderr, "can't mount a BPF file system: %s\n", strerror(err));
		_exit(err ? 100 : run());
	}
	close(i.said);
	close(i.heard);
	if (!hear(i.hears)) {
		snprintf(map, sizeof(map), "/proc/%d/uid_map", i.pid);
		put(map, "0 0 1");
		say(i.says, 0);
		context = hear(i.hears);
		ck_assert_int_ge(context, 0);
		context = open_context(i.pid, context);
		delegate(context, options);
		close(context);
		say(i.says, 0);
		context = 0;
	} else {
		context = -1;
	}
	close(i.says);
	close(i.hears);
	ck_assert_int_eq(waitpid(i.pid, &status, 0), i.pid);
	if (context < 0)
		test_skip("this machine has no user namespaces");
	ck_assert_msg(WIFEXITED(status), "died of signal %d", WTERMSIG(status));
	return WEXITSTATUS(status);
}

static const char *const everything[] = { "delegate_cmds", "any", "delegate_maps", "any", "delegate_progs", "any",
					  "delegate_attachs", "any", NULL };

/* Variables, constants, an array, a hash table and an arena, and programs that use them. */
static int loads(void)
{
	struct shared *skel = shared__open();
	struct mem_run_opts opts = { .sz = sizeof(opts) };
	int err;

	if (!skel || shared__load(skel) || mem_prog_run(skel->progs.change, &opts)) {
		fprintf(stderr, "%s\n", mem_error_message());
		return 1;
	}
	skel->arena->pool[0].value = 5;
	skel->bss->head = &skel->arena->pool[0];
	err = opts.retval != 1 || skel->data->counter != 43 || skel->arrays.table[999].x != 43;
	err = err || mem_prog_run(skel->progs.walk, &opts) || opts.retval != 5 || skel->arena->walked != 5;
	shared__destroy(skel);
	return err ? 2 : 0;
}

static void on_signal(int signal)
{
	(void)signal;
}

/* The verifier gives up at a signal; these come in less time than it takes for one of the programs. */
static int loads_under_signals(void)
{
	struct sigaction action = { .sa_handler = on_signal, .sa_flags = SA_RESTART };
	int pause = in_emulator() ? 1000 : 20; /* us */
	struct itimerval often = { { 0, pause }, { 0, pause } }, never = { { 0, 0 }, { 0, 0 } };
	struct shared *skel = shared__open();
	int err;

	if (!skel || sigaction(SIGALRM, &action, NULL) || setitimer(ITIMER_REAL, &often, NULL))
		return 1;
	err = shared__load(skel);
	setitimer(ITIMER_REAL, &never, NULL);
	if (err)
		fprintf(stderr, "%s\n", mem_error_message());
	shared__destroy(skel);
	return err ? 2 : 0;
}

static int refused(const char *words, int expected)
{
	struct shared *skel = shared__open();
	int err = skel ? shared__load(skel) : 0;

	if (err != expected || !strstr(mem_error_message(), words)) {
		fprintf(stderr, "%d: %s\n", err, mem_error_message());
		return 1;
	}
	shared__destroy(skel);
	return 0;
}

static void need_tokens(void)
{
	need_linux(6, 9, "BPF tokens");
}

TEST(a_namespace_loads_what_is_delegated_to_it)
{
	need_tokens();
	ck_assert_int_eq(answer_of(loads, USUAL, everything), 0);
}
END_TEST

TEST(signals_may_come_in_a_namespace)
{
	need_tokens();
	ck_assert_int_eq(answer_of(loads_under_signals, USUAL, everything), 0);
}
END_TEST

static int loads_from_elsewhere(void)
{
	mem_token_path_set("/dev");
	return loads();
}

TEST(the_file_system_may_be_elsewhere)
{
	need_tokens();
	ck_assert_int_eq(answer_of(loads_from_elsewhere, "/dev", everything), 0);
}
END_TEST

static int refused_without_tokens(void)
{
	mem_token_path_set("");
	return refused("in a user namespace, whose capabilities do not reach bpf(2)", -EPERM);
}

TEST(a_token_can_be_declined)
{
	need_tokens();
	ck_assert_int_eq(answer_of(refused_without_tokens, USUAL, everything), 0);
}
END_TEST

static int refused_by_delegation(void)
{
	return refused("the token of the BPF file system at /sys/fs/bpf does not allow it", -EPERM);
}

TEST(what_is_not_delegated_is_named)
{
	static const char *const types[] = { "delegate_cmds", "btf_load", NULL };
	static const char *const no_arena[] = { "delegate_cmds", "any", "delegate_maps", "array:hash",
						"delegate_progs", "any", "delegate_attachs", "any", NULL };

	need_tokens();
	ck_assert_int_eq(answer_of(refused_by_delegation, USUAL, types), 0);
	ck_assert_int_eq(answer_of(refused_by_delegation, USUAL, no_arena), 0);
}
END_TEST

static int refused_by_nothing(void)
{
	return refused("mount a BPF file system for it that delegates", -EPERM);
}

TEST(a_file_system_that_delegates_nothing)
{
	static const char *const nothing[] = { "mode", "0755", NULL };

	need_tokens();
	ck_assert_int_eq(answer_of(refused_by_nothing, USUAL, nothing), 0);
}
END_TEST
