/* SPDX-License-Identifier: BSD-2-Clause */
#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <linux/capability.h>

#include "contract.h"
#include "harness.h"

#define ENOTSUPP 524 /* the kernel's own, which user space has no name for */

/* From a Linux version on (major * 1000 + minor), the answer is this. */
struct answer {
	int since;
	int result;
};

struct row {
	const char *name;
	struct answer answers[4]; /* by ascending version; the first has no lower end */
};

#define ALWAYS(result)                                                                             \
	{                                                                                          \
		{                                                                                  \
			0, result                                                                  \
		}                                                                                  \
	}

static const struct row rows[] = {
	/* arrays */
	{"array.key_size", ALWAYS(-EINVAL)},
	{"array.no_value", ALWAYS(-EINVAL)},
	{"array.no_entries", ALWAYS(-EINVAL)},
	{"array.zeroed", ALWAYS(0)},
	{"array.lookup_past_end", ALWAYS(-ENOENT)},
	{"array.update_past_end", ALWAYS(-E2BIG)},
	{"array.update_noexist", ALWAYS(-EEXIST)},
	{"array.delete", ALWAYS(-EINVAL)},
	{"array.next_key_first", ALWAYS(0)},
	{"array.next_key_out_of_range", ALWAYS(0)},
	{"array.next_key_last", ALWAYS(-ENOENT)},
	{"array.stride", ALWAYS(24)},
	{"array.update_is_torn", ALWAYS(DIFFERS)},

	/* mapping arrays */
	{"mmap.per_cpu_array", ALWAYS(-EINVAL)},
	{"mmap.hash", ALWAYS(-EINVAL)},
	{"mmap.special_fields", ALWAYS(-ENOTSUPP)},
	{"mmap.private", ALWAYS(-EINVAL)},
	{"mmap.too_long", ALWAYS(-EINVAL)},
	{"mmap.offset_past_end", ALWAYS(-EINVAL)},
	{"mmap.whole_pages", ALWAYS(0)},
	{"mmap.without_flag", ALWAYS(-EINVAL)},
	{"mmap.exec", {{0, 0}, {6018, -EPERM}}},
	{"mmap.freeze_while_writable", ALWAYS(-EBUSY)},
	{"mmap.freeze_while_child_has_it", ALWAYS(-EBUSY)},
	{"mmap.freeze_after_last", ALWAYS(0)},
	{"mmap.freeze_while_read_only", ALWAYS(0)},
	{"mmap.freeze_twice", {{0, -EBUSY}, {6012, -EPERM}}},
	{"mmap.frozen_writable", ALWAYS(-EPERM)},
	{"mmap.frozen_update", ALWAYS(-EPERM)},
	{"mmap.frozen_read_only", ALWAYS(0)},
	{"mmap.frozen_lookup", ALWAYS(0)},
	{"mmap.frozen_program_writes", ALWAYS(0)},
	{"mmap.refused_fixed_keeps_old", ALWAYS(-ENOMEM)},
	{"mmap.mprotect_write", ALWAYS(-EACCES)},
	{"mmap.mprotect_write_frozen", ALWAYS(-EACCES)},
	{"mmap.rdonly_fd_writable", ALWAYS(-EACCES)},
	{"mmap.rdonly_fd_read_only", ALWAYS(-EINVAL)},
	{"mmap.nobody_reads", ALWAYS(0)},
	{"mmap.nobody_writes", ALWAYS(-EPERM)},
	{"mmap.nobody_updates", ALWAYS(-EPERM)},
	{"mmap.nobody_opens_pin", ALWAYS(0)},
	{"mmap.outlives_fd", ALWAYS(0)},
	{"mmap.inherited_by_fork", ALWAYS(0)},
	{"mmap.tail_is_zero", ALWAYS(0)},
	{"mmap.no_capability_maps", ALWAYS(0)},
	{"mmap.no_capability_looks_up", ALWAYS(0)},
	{"mmap.no_capability_creates", ALWAYS(-EPERM)},

	/* arenas */
	{"arena.key_size", ALWAYS(-EINVAL)},
	{"arena.value_size", ALWAYS(-EINVAL)},
	{"arena.without_mmapable", ALWAYS(-EINVAL)},
	{"arena.no_pages", ALWAYS(-EINVAL)},
	{"arena.4_gib", ALWAYS(0)},
	{"arena.over_4_gib", ALWAYS(-E2BIG)},
	{"arena.extra_unaligned", ALWAYS(-EINVAL)},
	{"arena.crosses_4_gib", ALWAYS(-ERANGE)},
	{"arena.mmap_private", ALWAYS(-EINVAL)},
	{"arena.mmap_offset", ALWAYS(-EINVAL)},
	{"arena.mmap_shorter", ALWAYS(-EINVAL)},
	{"arena.mmap_longer", ALWAYS(-E2BIG)},
	{"arena.mmap_null_hint", ALWAYS(-EINVAL)},
	{"arena.mmap_elsewhere", ALWAYS(-EINVAL)},
	{"arena.mmap_null_hint_after_first", ALWAYS(-EINVAL)},
	{"arena.mmap_first_chooses", ALWAYS(0)},
	{"arena.mmap_again", ALWAYS(0)},
	{"arena.mmap_after_munmap", ALWAYS(0)},
	{"arena.mmap_other_process", ALWAYS(0)},
	{"arena.mmap_read_only", ALWAYS(0)},
	{"arena.mmap_exec", {{0, 0}, {6018, -EPERM}}},
	{"arena.rdonly_at_creation", ALWAYS(-EINVAL)},
	{"arena.rdonly_fd_writable", ALWAYS(-EACCES)},
	{"arena.rdonly_fd_read_only", ALWAYS(-EINVAL)},
	{"arena.no_capability_maps", ALWAYS(0)},
	{"arena.lookup", ALWAYS(-EINVAL)},
	{"arena.update", ALWAYS(-EINVAL)},
	{"arena.freeze_first", ALWAYS(0)},
	{"arena.freeze_while_writable", ALWAYS(-EBUSY)},
	{"arena.freeze_after_writable", ALWAYS(-EBUSY)},
	{"arena.frozen_writable", ALWAYS(-EPERM)},
	{"arena.frozen_read_only", ALWAYS(0)},
	{"arena.address_in_info", ALWAYS(0)},
	{"arena.address_in_fdinfo", ALWAYS(0)},
	{"arena.address_unknown", ALWAYS(0)},
	{"arena.fork", {{0, 0}, {6012, CRASHES}}},
	{"arena.partial_munmap", {{0, 0}, {6012, -EINVAL}}},
	{"arena.mremap", ALWAYS(-EINVAL)},
	{"arena.segv_on_fault", ALWAYS(CRASHES)},
	{"arena.in_vmallocinfo", ALWAYS(0)},
	{"arena.memlock_in_fdinfo", ALWAYS(0)},
	{"arena.outlives_fd", ALWAYS(0)},

	/* arenas as programs see them */
	{"arena.load_absent", ALWAYS(0)},
	{"arena.store_absent", ALWAYS(0)},
	{"arena.store_absent_reported", {{0, -EINVAL}, {6018, 0}}},
	{"arena.touch_populates", ALWAYS(0)},
	{"arena.pointer_to_user", ALWAYS(0)},
	{"arena.pointer_0_is_null", ALWAYS(0)},
	{"arena.no_user_conv", ALWAYS(8)},
	{"arena.two_in_a_program", ALWAYS(-EBUSY)},
	{"arena.two_programs", ALWAYS(0)},
	{"arena.program_before_mmap", ALWAYS(-EINVAL)},
	{"arena.alloc", ALWAYS(0)},
	{"arena.free_vanishes", ALWAYS(CRASHES)},
	{"arena.alloc_again_zero", ALWAYS(0)},
	{"arena.alloc_any_context", {{0, -EACCES}, {7000, 0}}},
	{"arena.reserve_exists", {{0, -ENOENT}, {6017, 0}}},
	{"arena.reserve", ALWAYS(0)},
	{"arena.reserved_is_not_given_out", ALWAYS(0)},

	/* per-task storage */
	{"task.mmap", ALWAYS(-ENOTSUPP)},
	{"task.mmapable", ALWAYS(-EINVAL)},
	{"task.thread_pidfd", {{0, -EINVAL}, {6009, 0}}},
	{"task.uptr", ALWAYS(0)},
	{"task.uptr_is_the_threads_own", ALWAYS(0)},
	{"task.uptr_pins", ALWAYS(0)},
	{"task.uptr_crosses_page", ALWAYS(-EOPNOTSUPP)},
	{"task.uptr_unmapped", ALWAYS(-EFAULT)},

	/* ring buffers */
	{"ring.not_power_of_two", ALWAYS(-EINVAL)},
	{"ring.less_than_a_page", ALWAYS(-EINVAL)},
	{"ring.consumer_writable", ALWAYS(0)},
	{"ring.producer_writable", ALWAYS(-EPERM)},
	{"ring.producer_read_only", ALWAYS(0)},
	{"ring.data_writable", ALWAYS(-EPERM)},
	{"ring.data_twice", ALWAYS(0)},
	{"ring.past_second_copy", ALWAYS(-EINVAL)},
	{"user_ring.consumer_writable", ALWAYS(-EPERM)},
	{"user_ring.consumer_read_only", ALWAYS(0)},
	{"user_ring.producer_writable", ALWAYS(0)},
	{"user_ring.data_twice", ALWAYS(0)},
};

static const struct row *find_row(const char *name)
{
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++)
		if (!strcmp(rows[i].name, name))
			return &rows[i];
	ck_abort_msg("contract.c has no row %s", name);
	return NULL;
}

static const char *answer_name(long answer)
{
	static char text[2][24];
	static int next;

	if (answer == CRASHES)
		return "a crash";
	if (answer == DIFFERS)
		return "different bytes";
	if (answer == -ENOTSUPP)
		return "ENOTSUPP";
	if (answer < 0)
		return strerrorname_np(-answer);
	next = !next;
	snprintf(text[next], sizeof(text[0]), "%ld", answer);
	return text[next];
}

void expect(const char *row_name, long answer)
{
	const struct row *row = find_row(row_name);
	int expected = row->answers[0].result;

	for (int i = 1; i < 4 && row->answers[i].since; i++)
		if (linux_version() >= row->answers[i].since)
			expected = row->answers[i].result;
	ck_assert_msg(answer == expected, "%s: this kernel answers %s, the contract has %s",
		      row_name, answer_name(answer), answer_name(expected));
}

long try_mmap(void *address, size_t size, int protection, int flags, int fd, off_t offset)
{
	void *at = mmap(address, size, protection, flags, fd, offset);

	if (at == MAP_FAILED)
		return -errno;
	munmap(at, size);
	return 0;
}

void *must_mmap(void *address, size_t size, int protection, int flags, int fd)
{
	void *at = mmap(address, size, protection, flags, fd, 0);

	ck_assert_msg(at != MAP_FAILED, "mmap: %s", strerror(errno));
	return at;
}

int must(long fd)
{
	ck_assert_msg(fd >= 0, "%s", strerror(-fd));
	return fd;
}

long in_child(long (*fn)(void *arg), void *arg)
{
	int channel[2], status;
	long answer = 0;
	pid_t child;

	ck_assert_int_eq(pipe(channel), 0);
	child = fork();
	if (!child) {
		signal(SIGSEGV, SIG_DFL); /* a sanitizer would catch it */
		signal(SIGBUS, SIG_DFL);
		answer = fn(arg);
		_exit(write(channel[1], &answer, sizeof(answer)) != sizeof(answer));
	}
	close(channel[1]);
	if (read(channel[0], &answer, sizeof(answer)) != sizeof(answer))
		answer = CRASHES;
	close(channel[0]);
	ck_assert_int_eq(waitpid(child, &status, 0), child);
	if (answer == CRASHES)
		ck_assert(WIFSIGNALED(status) &&
			  (WTERMSIG(status) == SIGSEGV || WTERMSIG(status) == SIGBUS));
	return answer;
}

void drop_privileges(void)
{
	struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
	struct __user_cap_data_struct none[2] = {0};

	if (setgid(65534) || setuid(65534) || syscall(SYS_capset, &header, none))
		_exit(99);
}
