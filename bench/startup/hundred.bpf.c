/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/* A hundred programs, each for a tracepoint of its own. */
#include <mem/bpf.h>

__u64 calls;

#define ONE(name)                                                                                  \
	SEC("tracepoint/syscalls/sys_" #name)                                                      \
	int on_##name(void *ctx)                                                                   \
	{                                                                                          \
		__sync_fetch_and_add(&calls, 1);                                                   \
		return 0;                                                                          \
	}
#define BOTH(name) ONE(enter_##name) ONE(exit_##name)

BOTH(accept4) BOTH(getcwd) BOTH(bind) BOTH(capget) BOTH(capset)
BOTH(chroot) BOTH(connect) BOTH(fchmod) BOTH(dup) BOTH(dup3)
BOTH(epoll_create1) BOTH(epoll_ctl) BOTH(eventfd2) BOTH(execveat) BOTH(fallocate)
BOTH(fanotify_init) BOTH(fchdir) BOTH(fdatasync) BOTH(fgetxattr) BOTH(flistxattr)
BOTH(flock) BOTH(fsync) BOTH(getgroups) BOTH(getitimer) BOTH(getpgid)
BOTH(getpriority) BOTH(getsid) BOTH(fchown) BOTH(inotify_init1) BOTH(io_setup)
BOTH(io_submit) BOTH(getresgid) BOTH(listen) BOTH(listxattr) BOTH(mincore)
BOTH(mlock) BOTH(mlockall) BOTH(getsockname) BOTH(msgget) BOTH(msync)
BOTH(getpeername) BOTH(getresuid) BOTH(semget) BOTH(setdomainname) BOTH(sethostname)
BOTH(shmget) BOTH(socketpair) BOTH(splice) BOTH(getdents64) BOTH(tee)

char LICENSE[] SEC("license") = "GPL";
