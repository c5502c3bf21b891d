/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The allocator's real functions are had without dlsym(), which may allocate: from a sanitizer if
 * there is one, else from the C library under their internal names.
 */
#include <dirent.h>
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "inject.h"

#define EXPORTED __attribute__((visibility("default")))
#define WEAK __attribute__((weak))

void *__interceptor_malloc(size_t size) WEAK;
void *__interceptor_calloc(size_t count, size_t size) WEAK;
void *__interceptor_realloc(void *block, size_t size) WEAK;
void __interceptor_free(void *block) WEAK;
void *__libc_malloc(size_t size);
void *__libc_calloc(size_t count, size_t size);
void *__libc_realloc(void *block, size_t size);
void __libc_free(void *block);

static unsigned long countdown; /* calls until one fails; 0: none will */
static int bpf_error = EPERM;
static int bpf_only;
static int paused;
static pthread_t armed; /* the thread that is meant; what others do depends on chance */
static int report_fd = -1;
static int until_main_ends; /* as a library */
static const char *failed; /* name of the function */
static long blocks;

void inject_arm(unsigned long nth)
{
	bpf_only = 0;
	bpf_error = EPERM;
	failed = NULL;
	armed = pthread_self();
	countdown = nth;
}

void inject_arm_bpf(unsigned long nth, int err)
{
	inject_arm(nth);
	bpf_only = 1;
	bpf_error = err;
}

void inject_pause(int on)
{
	paused = on;
}

const char *inject_disarm(void)
{
	countdown = 0;
	return failed;
}

long inject_blocks(void)
{
	return blocks;
}

/* The library's own threads allocate, too. */
static void count_blocks(int change)
{
	__atomic_add_fetch(&blocks, change, __ATOMIC_RELAXED);
}

static void end(void)
{
	inject_disarm();
}

/* Whether it is this call's turn to fail; errno is then set. */
static int fails(const char *function, int err)
{
	/* libgcov writes its files later, and crashes; what is called before libraries start is called after they end */
	if (until_main_ends) {
		until_main_ends = 0;
		atexit(end);
	}
	if (!countdown || paused || !pthread_equal(armed, pthread_self()))
		return 0;
	if ((bpf_only && strcmp(function, "bpf") != 0) || --countdown)
		return 0;
	failed = function;
	if (report_fd >= 0)
		syscall(SYS_write, report_fd, function, strlen(function));
	errno = err;
	return 1;
}

/* The same function, further down. */
#define REAL(function)                                                                             \
	({                                                                                         \
		static __typeof__(&function) real_;                                                \
		if (!real_)                                                                        \
			*(void **)&real_ = dlsym(RTLD_NEXT, #function);                            \
		real_;                                                                             \
	})

/* ---- memory */

/*
 * The dynamic linker keeps this for as long as the process lives. A sanitizer knows that it is not a
 * leak by who called its malloc(), and here that is ours.
 */
const char *__lsan_default_suppressions(void);
EXPORTED const char *__lsan_default_suppressions(void)
{
	return "leak:_dl_map_object_deps\n";
}

EXPORTED void *malloc(size_t size)
{
	void *block;

	if (fails("malloc", ENOMEM))
		return NULL;
	block = __interceptor_malloc ? __interceptor_malloc(size) : __libc_malloc(size);
	count_blocks(block != NULL);
	return block;
}

EXPORTED void *calloc(size_t count, size_t size)
{
	void *block;

	if (fails("calloc", ENOMEM))
		return NULL;
	block = __interceptor_calloc ? __interceptor_calloc(count, size) : __libc_calloc(count, size);
	count_blocks(block != NULL);
	return block;
}

EXPORTED void *realloc(void *block, size_t size)
{
	int was = block != NULL, frees = block && !size;

	if (size && fails("realloc", ENOMEM))
		return NULL;
	block = __interceptor_realloc ? __interceptor_realloc(block, size) :
					__libc_realloc(block, size);
	count_blocks(frees ? -1 : !was && block);
	return block;
}

EXPORTED void free(void *block)
{
	count_blocks(-(block != NULL));
	if (__interceptor_free)
		__interceptor_free(block);
	else
		__libc_free(block);
}

/* A sanitizer has its own of these two, which would pass by the functions above. */
EXPORTED char *strndup(const char *text, size_t max)
{
	size_t len = strnlen(text, max);
	char *copy = malloc(len + 1);

	if (copy) {
		memcpy(copy, text, len);
		copy[len] = '\0';
	}
	return copy;
}

EXPORTED char *strdup(const char *text)
{
	return strndup(text, strlen(text));
}

EXPORTED void *mmap(void *addr, size_t size, int prot, int flags, int fd, off_t offset)
{
	if (!fails("mmap", ENOMEM))
		return REAL(mmap)(addr, size, prot, flags, fd, offset);
	if (flags & MAP_FIXED) /* the kernel has removed what was there when it fails */
		munmap(addr, size);
	return MAP_FAILED;
}

EXPORTED void *mremap(void *old, size_t old_size, size_t size, int flags, ...)
{
	void *at;
	va_list args;

	va_start(args, flags);
	at = flags & MREMAP_FIXED ? va_arg(args, void *) : NULL;
	va_end(args);
	return fails("mremap", ENOMEM) ? MAP_FAILED : REAL(mremap)(old, old_size, size, flags, at);
}

EXPORTED int mprotect(void *addr, size_t size, int prot)
{
	return fails("mprotect", ENOMEM) ? -1 : REAL(mprotect)(addr, size, prot);
}

EXPORTED int mincore(void *addr, size_t size, unsigned char *pages)
{
	return fails("mincore", EAGAIN) ? -1 : REAL(mincore)(addr, size, pages);
}

EXPORTED int madvise(void *addr, size_t size, int advice)
{
	return fails("madvise", ENOMEM) ? -1 : REAL(madvise)(addr, size, advice);
}

/* ---- files */

static int has_mode(int flags)
{
	return flags & O_CREAT || (flags & O_TMPFILE) == O_TMPFILE;
}

EXPORTED int open(const char *path, int flags, ...)
{
	mode_t mode;
	va_list args;

	va_start(args, flags);
	mode = has_mode(flags) ? va_arg(args, mode_t) : 0;
	va_end(args);
	return fails("open", EMFILE) ? -1 : REAL(open)(path, flags, mode);
}

EXPORTED int openat(int dir, const char *path, int flags, ...)
{
	mode_t mode;
	va_list args;

	va_start(args, flags);
	mode = has_mode(flags) ? va_arg(args, mode_t) : 0;
	va_end(args);
	return fails("openat", EMFILE) ? -1 : REAL(openat)(dir, path, flags, mode);
}

EXPORTED FILE *fopen(const char *path, const char *mode)
{
	return fails("fopen", EMFILE) ? NULL : REAL(fopen)(path, mode);
}

EXPORTED int mkostemp(char *template, int flags)
{
	return fails("mkostemp", EACCES) ? -1 : REAL(mkostemp)(template, flags);
}

EXPORTED int mkstemp(char *template)
{
	return fails("mkstemp", EACCES) ? -1 : REAL(mkstemp)(template);
}

EXPORTED ssize_t read(int fd, void *buf, size_t size)
{
	return fails("read", EIO) ? -1 : REAL(read)(fd, buf, size);
}

EXPORTED ssize_t write(int fd, const void *buf, size_t size)
{
	return fails("write", ENOSPC) ? -1 : REAL(write)(fd, buf, size);
}

EXPORTED int rename(const char *from, const char *to)
{
	return fails("rename", EIO) ? -1 : REAL(rename)(from, to);
}

EXPORTED ssize_t pread(int fd, void *buf, size_t size, off_t offset)
{
	return fails("pread", EIO) ? -1 : REAL(pread)(fd, buf, size, offset);
}

EXPORTED DIR *opendir(const char *path)
{
	return fails("opendir", EMFILE) ? NULL : REAL(opendir)(path);
}

EXPORTED FILE *fdopen(int fd, const char *mode)
{
	return fails("fdopen", ENOMEM) ? NULL : REAL(fdopen)(fd, mode);
}

EXPORTED ssize_t readlink(const char *path, char *buf, size_t size)
{
	return fails("readlink", EACCES) ? -1 : REAL(readlink)(path, buf, size);
}

EXPORTED int mkdir(const char *path, mode_t mode)
{
	return fails("mkdir", ENOSPC) ? -1 : REAL(mkdir)(path, mode);
}

EXPORTED int unlink(const char *path)
{
	return fails("unlink", EROFS) ? -1 : REAL(unlink)(path);
}

EXPORTED int chmod(const char *path, mode_t mode)
{
	return fails("chmod", EPERM) ? -1 : REAL(chmod)(path, mode);
}

EXPORTED int renameat2(int from_dir, const char *from, int to_dir, const char *to, unsigned int flags)
{
	return fails("renameat2", ENOSPC) ? -1 : REAL(renameat2)(from_dir, from, to_dir, to, flags);
}

EXPORTED int stat(const char *path, struct stat *status)
{
	return fails("stat", EIO) ? -1 : REAL(stat)(path, status);
}

EXPORTED int lstat(const char *path, struct stat *status)
{
	return fails("lstat", EIO) ? -1 : REAL(lstat)(path, status);
}

EXPORTED int fstat(int fd, struct stat *status)
{
	return fails("fstat", EIO) ? -1 : REAL(fstat)(fd, status);
}

EXPORTED int statfs(const char *path, struct statfs *status)
{
	return fails("statfs", EIO) ? -1 : REAL(statfs)(path, status);
}

EXPORTED int memfd_create(const char *name, unsigned int flags)
{
	return fails("memfd_create", EMFILE) ? -1 : REAL(memfd_create)(name, flags);
}

EXPORTED pid_t fork(void)
{
	return fails("fork", EAGAIN) ? -1 : REAL(fork)();
}

EXPORTED int fchmod(int fd, mode_t mode)
{
	return fails("fchmod", EPERM) ? -1 : REAL(fchmod)(fd, mode);
}

EXPORTED int fcntl(int fd, int command, ...)
{
	void *arg;
	va_list args;

	va_start(args, command);
	arg = va_arg(args, void *);
	va_end(args);
	return fails("fcntl", EMFILE) ? -1 : REAL(fcntl)(fd, command, arg);
}

/* ---- sockets, events, libraries */

EXPORTED int socket(int domain, int type, int protocol)
{
	return fails("socket", EMFILE) ? -1 : REAL(socket)(domain, type, protocol);
}

EXPORTED int getsockopt(int sock, int level, int option, void *value, socklen_t *size)
{
	return fails("getsockopt", ENOBUFS) ? -1 : REAL(getsockopt)(sock, level, option, value, size);
}

EXPORTED ssize_t sendmsg(int sock, const struct msghdr *message, int flags)
{
	return fails("sendmsg", ENOBUFS) ? -1 : REAL(sendmsg)(sock, message, flags);
}

EXPORTED ssize_t recvmsg(int sock, struct msghdr *message, int flags)
{
	return fails("recvmsg", ENOMEM) ? -1 : REAL(recvmsg)(sock, message, flags);
}

EXPORTED int epoll_create1(int flags)
{
	return fails("epoll_create1", EMFILE) ? -1 : REAL(epoll_create1)(flags);
}

EXPORTED int epoll_ctl(int fd, int operation, int other, struct epoll_event *event)
{
	return fails("epoll_ctl", ENOMEM) ? -1 : REAL(epoll_ctl)(fd, operation, other, event);
}

EXPORTED int epoll_wait(int fd, struct epoll_event *events, int max, int timeout)
{
	return fails("epoll_wait", EINTR) ? -1 : REAL(epoll_wait)(fd, events, max, timeout);
}

EXPORTED int ioctl(int fd, unsigned long request, ...)
{
	void *arg;
	va_list args;

	va_start(args, request);
	arg = va_arg(args, void *);
	va_end(args);
	return fails("ioctl", ENOMEM) ? -1 : REAL(ioctl)(fd, request, arg);
}

EXPORTED int pthread_create(pthread_t *thread, const pthread_attr_t *attr, void *(*run)(void *), void *arg)
{
	return fails("pthread_create", EAGAIN) ? EAGAIN : REAL(pthread_create)(thread, attr, run, arg);
}

EXPORTED void *dlopen(const char *path, int flags)
{
	return fails("dlopen", ENOMEM) ? NULL : REAL(dlopen)(path, flags);
}

/* ---- the kernel: bpf(2), perf_event_open(2) and others without a function of their own */

/* In test programs: keeps the books about BPF objects, as it does where syscall() is its own. */
void made_note(long number, long command, long result) WEAK;

/* Six arguments are read, however many there are, from the caller's stack: no business of a sanitizer's. */
__attribute__((no_sanitize_address)) EXPORTED long syscall(long number, ...)
{
	long arg[6], result;
	va_list args;

	va_start(args, number);
	for (int i = 0; i < 6; i++)
		arg[i] = va_arg(args, long);
	va_end(args);
	if (fails(number == SYS_bpf ? "bpf" : "syscall", number == SYS_bpf ? bpf_error : EMFILE))
		return -1;
	result = REAL(syscall)(number, arg[0], arg[1], arg[2], arg[3], arg[4], arg[5]);
	if (made_note)
		made_note(number, arg[0], result);
	return result;
}

/* ---- as a library */

__attribute__((constructor)) static void start(void)
{
	const char *nth = getenv(INJECT_NTH), *fd = getenv(INJECT_FD);

	if (fd)
		report_fd = atoi(fd);
	if (!nth)
		return;
	until_main_ends = 1;
	inject_arm(strtoul(nth, NULL, 10));
}
