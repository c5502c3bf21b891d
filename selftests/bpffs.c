/* SPDX-License-Identifier: BSD-2-Clause */
#include <errno.h>
#include <sched.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include <mem/mem.h>

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

uint32_t bpffs_id_at(const char *path)
{
	struct mem_region *region = assert_ptr(mem_region_attach(NULL, NULL, mem_source_pin(path), NULL));
	uint32_t id = mem_map_id(mem_region_map(region));

	mem_region_detach(region);
	return id;
}

unsigned int bpffs_mode_at(const char *path)
{
	struct stat status;

	ck_assert_msg(!stat(path, &status), "%s: %m", path);
	return status.st_mode & 07777;
}
