/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Where nobody has mounted tracefs, libmem makes a mount of its own that is attached to no directory:
 * only the descriptor sees it, and closing that undoes it.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/mount.h>
#include <stddef.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "sys.h"
#include "tracefs.h"

/* The root of a tracefs of our own; Linux 5.2 and CAP_SYS_ADMIN. fd or -errno. */
static int tracefs_mount_detached(void)
{
	int context = (int)syscall(SYS_fsopen, "tracefs", FSOPEN_CLOEXEC);
	int root = -1, err = 0;

	if (context < 0)
		return -errno;
	if (syscall(SYS_fsconfig, context, FSCONFIG_CMD_CREATE, NULL, NULL, 0))
		err = -errno;
	else
		root = (int)syscall(SYS_fsmount, context, FSMOUNT_CLOEXEC, 0);
	if (!err && root < 0)
		err = -errno;
	close(context);
	return err ?: root;
}

/* tracefs, wherever it is: fd of its root or -errno. */
int tracefs_open(void)
{
	static const char *const places[] = { TRACEFS_USUAL, "/sys/kernel/debug/tracing" };

	for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++) {
		int fd = open(places[i], O_PATH | O_DIRECTORY | O_CLOEXEC);

		/* an empty directory is where it would be mounted */
		if (fd >= 0 && !syscall(SYS_faccessat, fd, "events", F_OK))
			return fd;
		sys_close(&fd);
	}
	return tracefs_mount_detached();
}

FILE *tracefs_fopen(const char *path)
{
	int root = tracefs_open(), fd;
	FILE *file;

	if (root < 0) {
		errno = -root;
		return NULL;
	}
	fd = openat(root, path, O_RDONLY | O_CLOEXEC);
	sys_close(&root);
	if (fd < 0)
		return NULL;
	file = fdopen(fd, "r");
	if (!file)
		sys_close(&fd);
	return file;
}
