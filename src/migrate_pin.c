/* SPDX-License-Identifier: BSD-2-Clause */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "error.h"
#include "migrate_pin.h"
#include "pin.h"
#include "sys.h"

enum { LOCK_TRIES = 1000, LOCK_PAUSE_NS = 10 * 1000 * 1000, PATH_SIZE = 4096 };

int migrate_pin_lock(const char *path, const char *who)
{
	const struct timespec pause = {0, LOCK_PAUSE_NS};
	const char *slash = strrchr(path, '/');
	char folder[PATH_SIZE];
	int fd;

	snprintf(folder, sizeof(folder), "%.*s", slash ? (int)(slash - path) + 1 : 1, slash ? path : ".");
	fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return mem__error(errno, "%s: can't open '%s': %s", who, folder, strerror(errno));
	for (int tries = 0; tries < LOCK_TRIES; tries++) {
		if (!flock(fd, LOCK_EX | LOCK_NB))
			return fd;
		if (errno != EWOULDBLOCK && errno != EINTR)
			break;
		nanosleep(&pause, NULL);
	}
	if (errno == EWOULDBLOCK || errno == EINTR)
		mem__error(EBUSY, "%s: can't lock '%s': another process holds it and does not let go of it", who,
			   folder);
	else
		mem__error(errno, "%s: can't lock '%s': %s", who, folder, strerror(errno));
	sys_close(&fd);
	return -errno;
}

int migrate_pin_put(int fd, const char *path, const char *who)
{
	char next[PATH_SIZE];
	struct stat old;
	int err;

	if ((size_t)snprintf(next, sizeof(next), "%s~next", path) >= sizeof(next))
		return mem__error(ENAMETOOLONG, "%s: its path is too long", who);
	if (unlink(next) && errno != ENOENT)
		return mem__error(errno, "%s: can't remove '%s': %s", who, next, strerror(errno));
	err = pin_create(fd, next, PIN_MODE_DEFAULT, false, who);
	if (err)
		return err == -EEXIST ? mem__error(EBUSY, "%s: '%s' is in the way", who, next) : err;
	if ((!stat(path, &old) && (chown(next, old.st_uid, old.st_gid) || chmod(next, old.st_mode & 07777))) ||
	    rename(next, path)) {
		err = mem__error(errno, "%s: can't put its pin at '%s': %s", who, path, strerror(errno));
		unlink(next);
	}
	return err;
}
