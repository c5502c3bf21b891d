/* SPDX-License-Identifier: BSD-2-Clause */
/* Whoever runs the process keeps it from something: each way has a message of its own, with what to do. */
#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <pthread.h>
#include <sched.h>
#include <stddef.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <mem/share.h>

#include "harness.h"
#include "hooks.skel.h"
#include "plain.skel.h"
#include "probes.skel.h"
#include "refused.skel.h"

FIXTURE(need_bpf, NULL)

/* ---- seccomp filters, of one thread: what looks for leaks needs bpf(2) */

struct filtered {
	void (*run)(int err);
	long call; /* number of the system call that is filtered */
	int err;   /* what it says */
};

static void filter(long call, int err)
{
	struct sock_filter code[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (unsigned int)call, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | (unsigned int)err),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	struct sock_fprog prog = {sizeof(code) / sizeof(code[0]), code};

	ck_assert_int_eq(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0), 0);
	if (prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &prog))
		test_skip("no seccomp filter can be installed here: %s", strerror(errno));
}

static void *run_filtered(void *arg)
{
	const struct filtered *filtered = arg;

	filter(filtered->call, filtered->err);
	filtered->run(filtered->err);
	return NULL;
}

static void under_filter(long call, int err, void (*run)(int err))
{
	struct filtered filtered = {run, call, err};
	pthread_t thread;

	ck_assert_int_eq(pthread_create(&thread, NULL, run_filtered, &filtered), 0);
	ck_assert_int_eq(pthread_join(thread, NULL), 0);
}

static void load_plain(int err)
{
	struct plain *skel = assert_ptr(plain__open());

	assert_err(plain__load(skel), -err);
	assert_says("plain: ");
	assert_says("seccomp filter");
	assert_says("allow bpf(2)");
	plain__destroy(skel);
}

TEST(filter_on_bpf_is_named)
{
	under_filter(SYS_bpf, EPERM, load_plain);
	under_filter(SYS_bpf, EACCES, load_plain);
	under_filter(SYS_bpf, ENOSYS, load_plain);
}
END_TEST

static struct refused *core; /* with CO-RE records BTF is a must, and refused first */

static void load_core(int err)
{
	assert_err(refused__load(core), -err);
	assert_says("refused the object's BTF");
	assert_says("seccomp filter");
}

TEST(filter_on_bpf_is_named_where_types_are_a_must)
{
	static const int errors[] = {EPERM, EACCES, ENOSYS};

	need_linux(5, 17, "CO-RE in the kernel");
	for (int i = 0; i < 3; i++) {
		core = assert_ptr(refused__open());
		assert_ok(mem_map_max_entries_set(core->maps.unsized, 1));
		under_filter(SYS_bpf, errors[i], load_core);
		refused__destroy(core);
	}
}
END_TEST

static struct hooks *hooks;

static void attach_tracepoint(int err)
{
	errno = 0;
	ck_assert_ptr_null(mem_prog_attach(hooks->progs.on_tracepoint));
	ck_assert_int_eq(errno, err);
	assert_says("can't attach program 'on_tracepoint'");
	assert_says("seccomp filter");
	assert_says("perf_event_open(2)");
}

TEST(filter_on_perf_events_is_named)
{
	hooks = assert_ptr(hooks__open());
	load_only(hooks->obj, hooks->progs.on_tracepoint);
	under_filter(SYS_perf_event_open, EPERM, attach_tracepoint);
	under_filter(SYS_perf_event_open, EACCES, attach_tracepoint);
	under_filter(SYS_perf_event_open, ENOSYS, attach_tracepoint);
	mem_link_destroy(assert_ptr(mem_prog_attach(hooks->progs.on_tracepoint)));
	hooks__destroy(hooks);
}
END_TEST

/* A filter that lets bpf(2) through is not what is wrong. */
static void load_refused(int err)
{
	struct refused *skel = assert_ptr(refused__open());

	(void)err;
	assert_err(refused__load(skel), -EINVAL);
	assert_says("map 'unsized'");
	ck_assert_ptr_null(strstr(test_message(), "seccomp"));
	refused__destroy(skel);
}

TEST(filter_on_something_else_is_not_blamed)
{
	under_filter(SYS_reboot, EPERM, load_refused);
}
END_TEST

/* ---- capabilities, each taken away alone */

static void drop(int capability)
{
	struct __user_cap_header_struct header = {_LINUX_CAPABILITY_VERSION_3, 0};
	struct __user_cap_data_struct sets[2];

	ck_assert_int_eq(syscall(SYS_capget, &header, sets), 0);
	sets[capability / 32].effective &= ~CAP_TO_MASK(capability);
	ck_assert_int_eq(syscall(SYS_capset, &header, sets), 0);
}

/* CAP_SYS_ADMIN stands for the three. */
static void drop_both(int capability)
{
	drop(CAP_SYS_ADMIN);
	drop(capability);
}

static void raise_all(void)
{
	struct __user_cap_header_struct header = {_LINUX_CAPABILITY_VERSION_3, 0};
	struct __user_cap_data_struct sets[2];

	ck_assert_int_eq(syscall(SYS_capget, &header, sets), 0);
	for (int i = 0; i < 2; i++)
		sets[i].effective = sets[i].permitted;
	ck_assert_int_eq(syscall(SYS_capset, &header, sets), 0);
}

static void refused_without(int capability, const struct mem_prog *(*prog)(struct hooks *skel), const char *words)
{
	struct hooks *skel = assert_ptr(hooks__open());
	const struct mem_prog *one = prog(skel);

	for (struct mem_prog *p = NULL; (p = mem_object_next_prog(skel->obj, p));)
		assert_ok(mem_prog_autoload_set(p, p == one));
	drop_both(capability);
	assert_err(hooks__load(skel), -EPERM);
	assert_says(words);
	assert_says("give it CAP_BPF and CAP_PERFMON");
	hooks__destroy(skel);
	raise_all();
}

static const struct mem_prog *tracepoint(struct hooks *skel)
{
	return skel->progs.on_tracepoint;
}

static const struct mem_prog *xdp(struct hooks *skel)
{
	return skel->progs.on_xdp;
}

TEST(each_capability_is_named)
{
	refused_without(CAP_BPF, tracepoint, "the process lacks CAP_BPF:");
	refused_without(CAP_PERFMON, tracepoint, "the process lacks CAP_PERFMON:");
	refused_without(CAP_NET_ADMIN, xdp, "the process lacks CAP_NET_ADMIN (for network programs):");
}
END_TEST

/* What the system says of those without privilege is repeated as it is there. */
TEST(setting_for_the_unprivileged_is_shown)
{
	struct plain *skel = assert_ptr(plain__open());
	char value[16] = "", words[80];
	FILE *file = fopen("/proc/sys/kernel/unprivileged_bpf_disabled", "re");

	ck_assert_ptr_nonnull(file);
	ck_assert_ptr_nonnull(fgets(value, sizeof(value), file));
	fclose(file);
	value[strcspn(value, "\n")] = '\0';
	drop_both(CAP_BPF);
	assert_err(plain__load(skel), -EPERM);
	snprintf(words, sizeof(words), "(kernel.unprivileged_bpf_disabled is %s)", value);
	assert_says(words);
	raise_all();
	plain__destroy(skel);
}
END_TEST

/* The three are enough to load and to attach; maps by number are CAP_SYS_ADMIN's. */
TEST(without_sys_admin_all_but_numbers_works)
{
	struct hooks *skel = assert_ptr(hooks__open());
	struct plain *other = assert_ptr(plain__open());

	drop(CAP_SYS_ADMIN);
	load_only(skel->obj, skel->progs.on_raw_tracepoint);
	mem_link_destroy(assert_ptr(mem_prog_attach(skel->progs.on_raw_tracepoint)));
	assert_err(mem_map_reuse(other->maps.lru, mem_source_id(mem_map_id(skel->maps.bss))), -EPERM);
	assert_says("CAP_SYS_ADMIN");
	raise_all();
	plain__destroy(other);
	hooks__destroy(skel);
}
END_TEST

/* Root there has every capability, and none of them counts. */
TEST(user_namespace_is_named)
{
	struct plain *skel = assert_ptr(plain__open());

	if (unshare(CLONE_NEWUSER))
		test_skip("can't make a user namespace: %s", strerror(errno));
	assert_err(plain__load(skel), -EPERM);
	assert_says("the process is in a user namespace");
	plain__destroy(skel);
}
END_TEST

static int addresses_are_hidden(void)
{
	unsigned long address = 1;
	FILE *file = fopen("/proc/kallsyms", "re");

	ck_assert_ptr_nonnull(file);
	ck_assert_int_eq(fscanf(file, "%lx", &address), 1);
	fclose(file);
	return !address;
}

TEST(hidden_addresses_of_the_kernel_are_named)
{
	struct refused *skel = assert_ptr(refused__open());

	drop(CAP_SYSLOG);
	if (!addresses_are_hidden())
		test_skip("this kernel shows its addresses to everybody");
	assert_ok(mem_map_max_entries_set(skel->maps.unsized, 1));
	keep_programs(skel->obj, PROGRAMS(skel->progs.names_missing_symbol));
	assert_err(refused__load(skel), -EPERM);
	assert_says("/proc/kallsyms hides its addresses: the process needs CAP_SYSLOG");
	raise_all();
	refused__destroy(skel);
}
END_TEST

/* ---- descriptors */

static int load_with(rlim_t files, struct rlimit *limit)
{
	struct hooks *skel = assert_ptr(hooks__open());
	int err;

	for (struct mem_prog *p = NULL; (p = mem_object_next_prog(skel->obj, p));)
		assert_ok(mem_prog_autoload_set(p, p == skel->progs.on_tracepoint));
	limit->rlim_cur = files;
	ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, limit), 0);
	err = hooks__load(skel);
	if (!err && !(skel->links.on_tracepoint = mem_prog_attach(skel->progs.on_tracepoint)))
		err = -errno;
	limit->rlim_cur = limit->rlim_max;
	hooks__destroy(skel);
	return err;
}

/* Whatever finds none left: BTF, maps, programs, files, events and links. */
TEST(no_descriptor_left_says_how_to_have_more)
{
	int first = open("/dev/null", O_RDONLY | O_CLOEXEC), err; /* whoever ran the test may have left it some */
	rlim_t files = (rlim_t)first;
	struct rlimit limit;
	char words[64];

	ck_assert_int_ge(first, 0);
	close(first);
	ck_assert_int_eq(getrlimit(RLIMIT_NOFILE, &limit), 0);
	for (; (err = load_with(files, &limit)); files++) {
		ck_assert_int_lt((int)files, first + 100);
		ck_assert_msg(err == -EMFILE, "%d: %s", err, test_message());
		snprintf(words, sizeof(words), "RLIMIT_NOFILE is %d", (int)files);
		assert_says(words);
		assert_says("ulimit -n");
		ck_assert_ptr_null(strstr(test_message(), "reason")); /* there is no other */
		ck_assert_ptr_null(strstr(test_message(), "FWD"));
	}
	ck_assert_int_gt((int)files, first + 2);
}
END_TEST

/* ---- lockdown(7) */

#define SECURITYFS "/sys/kernel/security"

/* "[integrity]" or so; skips the test where the kernel is not locked down. */
static const char *lockdown(void)
{
	static char text[128];
	FILE *file = fopen(SECURITYFS "/lockdown", "re");

	if (!file && !unshare(CLONE_NEWNS) && !mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) &&
	    !mount("security", SECURITYFS, "securityfs", 0, NULL))
		file = fopen(SECURITYFS "/lockdown", "re");
	if (!file || !fgets(text, sizeof(text), file) || strstr(text, "[none]"))
		test_skip("this kernel is not locked down");
	fclose(file);
	text[strcspn(text, "\n")] = '\0';
	return text;
}

static void assert_refused(const char *name)
{
	struct refused *skel = assert_ptr(refused__open());

	assert_ok(mem_map_max_entries_set(skel->maps.unsized, 1));
	for (struct mem_prog *p = NULL; (p = mem_object_next_prog(skel->obj, p));)
		assert_ok(mem_prog_autoload_set(p, !strcmp(mem_prog_name(p), name)));
	ck_assert_int_lt(refused__load(skel), 0);
	refused__destroy(skel);
}

static void program_says(const char *name, const char *words)
{
	assert_refused(name);
	assert_says("the kernel is locked down");
	assert_says(words);
}

TEST(lockdown_forbids_probes)
{
	struct probes *skel;

	if (!strstr(lockdown(), "[confidentiality]"))
		test_skip("this kernel is not locked down for confidentiality");
	skel = assert_ptr(probes__open());
	load_only(skel->obj, skel->progs.on_kprobe);
	ck_assert_ptr_null(mem_prog_attach(skel->progs.on_kprobe));
	ck_assert_int_eq(errno, EPERM);
	assert_says("the kernel's lockdown or a security module forbids it");
	assert_says("[confidentiality]");
	probes__destroy(skel);
}
END_TEST

TEST(lockdown_takes_helpers_away)
{
	const char *state = lockdown();

	program_says("writes_user", state);
	if (strstr(state, "[confidentiality]"))
		program_says("tests_for_field", state);
}
END_TEST

/* A program of the wrong type is just that. */
TEST(lockdown_takes_no_other_helpers)
{
	lockdown();
	assert_refused("calls_foreign_helper");
	assert_says("bpf_get_socket_cookie");
	ck_assert_ptr_null(strstr(mem_error_message(), "locked down"));
}
END_TEST
