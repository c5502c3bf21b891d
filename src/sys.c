/* SPDX-License-Identifier: BSD-2-Clause */
#include <errno.h>
#include <fcntl.h>
#include <linux/perf_event.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "sys.h"
#include "token.h"

/* The verifier gives up with EAGAIN when a signal is pending. Handlers get their turn so many times. */
#define EAGAIN_TRIES 5

/* ... and where signals go on coming, they wait for this call, or it would never end. */
static long call_without_signals(int cmd, const void *attr, size_t size)
{
	sigset_t all, before;
	long ret;
	int err;

	sigfillset(&all);
	sigprocmask(SIG_SETMASK, &all, &before);
	ret = syscall(SYS_bpf, cmd, attr, size);
	err = errno;
	sigprocmask(SIG_SETMASK, &before, NULL);
	errno = err;
	return ret;
}

int sys_bpf(int cmd, const void *attr, size_t size)
{
	long ret;
	int tries = EAGAIN_TRIES;

	do {
		ret = syscall(SYS_bpf, cmd, attr, size);
	} while (ret < 0 && errno == EAGAIN && cmd == BPF_PROG_LOAD && --tries > 0);
	if (!tries)
		ret = call_without_signals(cmd, attr, size);
	if (ret >= 0)
		return (int)ret;
	return errno == EPERM ? token_call(cmd, attr, size, -EPERM) : -errno;
}

/* A descriptor above 2 for the same file; takes fd over, also on failure. */
static int fd_above_stdio(int fd)
{
	int higher, err;

	if (fd > STDERR_FILENO)
		return fd;
	higher = fcntl(fd, F_DUPFD_CLOEXEC, STDERR_FILENO + 1);
	err = errno;
	close(fd);
	return higher < 0 ? -err : higher;
}

int sys_bpf_fd(enum bpf_cmd cmd, const void *attr, size_t size)
{
	int fd = sys_bpf(cmd, attr, size);

	return fd < 0 ? fd : fd_above_stdio(fd);
}

int sys_info(int fd, void *info, size_t size)
{
	BPF_ATTR(attr);

	attr.info.bpf_fd = (uint32_t)fd;
	attr.info.info_len = (uint32_t)size;
	attr.info.info = sys_pointer(info);
	return sys_bpf(BPF_OBJ_GET_INFO_BY_FD, &attr, sizeof(attr));
}

int sys_btf_open(uint32_t id)
{
	BPF_ATTR(attr);

	attr.btf_id = id;
	return sys_bpf_fd(BPF_BTF_GET_FD_BY_ID, &attr, sizeof(attr));
}

int sys_bpf_logged(enum bpf_cmd cmd, const void *attr, size_t size, char *log, uint32_t log_size)
{
	struct sys_common_attr common = { .log_buf = sys_pointer(log), .log_size = log_size,
					  .log_level = 1 };
	long ret;

	log[0] = '\0';
	ret = syscall(SYS_bpf, (uint32_t)cmd | SYS_COMMON_ATTRS, attr, size, &common,
		      offsetof(struct sys_common_attr, pad));
	return ret < 0 ? -errno : (int)ret;
}

int sys_perf_event_open(const struct perf_event_attr *attr, int pid, int cpu)
{
	long fd = syscall(SYS_perf_event_open, attr, pid, cpu, -1, PERF_FLAG_FD_CLOEXEC);

	return fd < 0 ? -errno : fd_above_stdio((int)fd);
}

void sys_close(int *fd)
{
	int saved_errno = errno;

	if (*fd >= 0)
		close(*fd);
	*fd = -1;
	errno = saved_errno;
}

size_t sys_page_size(void)
{
	return (size_t)getpagesize(); /* sysconf(3) touches two more pages of the C library */
}

size_t sys_page_round(uint64_t size)
{
	uint64_t mask = sys_page_size() - 1;
	uint64_t rounded = (size + mask) & ~mask;

	return rounded < size || rounded > SIZE_MAX ? 0 : (size_t)rounded;
}

int sys_read_file(const char *path, char *buf, size_t size)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t len;
	int err;

	if (fd < 0)
		return -errno;
	len = read(fd, buf, size - 1);
	err = errno;
	close(fd);
	if (len < 0)
		return -err;
	buf[len] = '\0';
	return 0;
}

/* strncpy(3) would bring 12 KB of variants into a static program. */
void sys_set_name(char name[BPF_OBJ_NAME_LEN], const char *from)
{
	for (size_t i = 0; i + 1 < BPF_OBJ_NAME_LEN && from[i]; i++)
		name[i] = from[i];
}

/* The file reads "0-3,8-11": the last number counts. */
int sys_possible_cpus(void)
{
	char text[256], *last = text;
	int err = sys_read_file("/sys/devices/system/cpu/possible", text, sizeof(text));

	if (err)
		return err;
	for (char *p = text; *p; p++)
		if (*p == '-' || *p == ',')
			last = p + 1;
	return atoi(last) + 1;
}
