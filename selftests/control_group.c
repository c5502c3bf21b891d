/* SPDX-License-Identifier: BSD-2-Clause */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include "control_group.h"
#include "harness.h"

static char root[32], group[96];

static void mount_root(void)
{
	strcpy(root, "/tmp/libmem-cgroup-XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(root));
	ck_assert_int_eq(mount("none", root, "cgroup2", 0, NULL), 0);
}

static void unmount_root(void)
{
	ck_assert_int_eq(umount2(root, MNT_DETACH), 0);
	ck_assert_int_eq(rmdir(root), 0);
}

static int open_folder(const char *path)
{
	int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	ck_assert_msg(fd >= 0, "%s: %m", path);
	return fd;
}

int control_group_root(void)
{
	int fd;

	mount_root();
	fd = open_folder(root);
	unmount_root();
	return fd;
}

int control_group_make(void)
{
	mount_root();
	snprintf(group, sizeof(group), "%s/libmem-test-%d", root, (int)getpid());
	ck_assert_int_eq(mkdir(group, 0700), 0);
	return open_folder(group);
}

void control_group_remove(void)
{
	ck_assert_int_eq(rmdir(group), 0);
	unmount_root();
}

static void move_to(const char *folder)
{
	char file[128];
	int fd;

	snprintf(file, sizeof(file), "%s/cgroup.procs", folder);
	fd = open(file, O_WRONLY | O_CLOEXEC);
	ck_assert_msg(fd >= 0, "%s: %m", file);
	ck_assert_int_eq(write(fd, "0", 1), 1);
	close(fd);
}

void control_group_enter(void)
{
	move_to(group);
}

void control_group_leave(void)
{
	move_to(root);
}
