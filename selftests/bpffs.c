/* SPDX-License-Identifier: BSD-2-Clause */
#include <errno.h>
#include <sched.h>
#include <string.h>
#include <sys/mount.h>
#include <unistd.h>

#include "bpffs.h"
#include "harness.h"

#define PLACE "/sys/fs/bpf"

static int mounted;

void bpffs_mount(void)
{
	if (unshare(CLONE_NEWNS) || mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) ||
	    mount("bpf", PLACE, "bpf", 0, "mode=0755"))
		test_skip("can't mount a BPF file system at " PLACE ": %s", strerror(errno));
	mounted = 1;
}

void bpffs_unmount(void)
{
	if (mounted)
		ck_assert_int_eq(umount2(PLACE, MNT_DETACH), 0);
	mounted = 0;
}
