/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Pins: names in a BPF file system that keep a map alive and let other processes open it.
 *
 * A pin appears at its path with the mode that was asked for and never with another, and takes the
 * place of an older one in a single step: it is made under a temporary name beside it, of the form
 * "name~PID-N", and renamed.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "explain.h"
#include "live_map.h"
#include "object.h"
#include "pin.h"
#include "sys.h"

#ifndef RENAME_NOREPLACE /* musl before 1.2.5 */
#define RENAME_NOREPLACE (1U << 0)

static int renameat2(int from_dir, const char *from, int to_dir, const char *to, unsigned int flags)
{
	return (int)syscall(SYS_renameat2, from_dir, from, to_dir, to, flags);
}
#endif

enum { PIN_PATH_MAX = 4096 };

static bool in_bpffs(const char *path)
{
	struct statfs fs;

	return !statfs(path, &fs) && (uint32_t)fs.f_type == (uint32_t)BPF_FS_MAGIC;
}

/* The folder of a path, cut off until there is one that exists. */
static bool existing_folder(const char *path, char *folder, size_t size)
{
	struct stat status;
	char *slash;

	if ((size_t)snprintf(folder, size, "%s", path) >= size)
		return false;
	while ((slash = strrchr(folder, '/'))) {
		slash[slash == folder] = '\0';
		if (!stat(folder, &status))
			return true;
		if (slash == folder)
			return false;
	}
	return (size_t)snprintf(folder, size, ".") < size;
}

bool pin_explain_mount(const char *path, char *text, size_t size)
{
	bool at_default = !strncmp(path, PIN_DIR_DEFAULT "/", sizeof(PIN_DIR_DEFAULT));
	char folder[PIN_PATH_MAX];

	if (!existing_folder(path, folder, sizeof(folder)) || in_bpffs(folder))
		return false;
	/* not a command that would hide what is in a folder that was named by mistake */
	snprintf(text, size, "'%s' is not in a BPF file system; mount one%s: mount -t bpf bpf "
		 PIN_DIR_DEFAULT, folder, at_default ? "" : " and give a path in it");
	return true;
}

static int path_error(const char *who, const char *path, int err)
{
	const char *name = strrchr(path, '/');
	char why[PIN_PATH_MAX + 128];

	name = name ? name + 1 : path;
	if (err == EPERM && strchr(name, '.'))
		snprintf(why, sizeof(why), "names in a BPF file system have no '.'");
	else if ((err == EPERM || err == EINVAL) && pin_explain_mount(path, why, sizeof(why)))
		;
	else if (err == EPERM)
		explain_eperm(why, sizeof(why));
	else
		snprintf(why, sizeof(why), "%s", strerror(err));
	return mem__error(err, "%s: can't pin it at '%s': %s", who, path, why);
}

/* Folders above path, for this user only; never outside of a BPF file system. */
static int make_folders(const char *path)
{
	char folder[PIN_PATH_MAX], *slash;
	struct stat status;
	size_t done;

	if (!existing_folder(path, folder, sizeof(folder)))
		return -ENAMETOOLONG;
	if (!in_bpffs(folder))
		return -EPERM;
	done = strlen(folder);
	snprintf(folder, sizeof(folder), "%s", path);
	for (slash = folder + done; (slash = strchr(slash + 1, '/'));) {
		*slash = '\0';
		if (mkdir(folder, 0700) && (errno != EEXIST || stat(folder, &status)))
			return -errno;
		*slash = '/';
	}
	return 0;
}

static int pin_at(int fd, const char *path)
{
	BPF_ATTR(attr);

	attr.pathname = sys_pointer(path);
	attr.bpf_fd = (uint32_t)fd;
	return sys_bpf(BPF_OBJ_PIN, &attr, BPF_ATTR_UPTO(file_flags));
}

/* With its folders, if they are missing. */
static int pin_deep(int fd, const char *path)
{
	int err = pin_at(fd, path);

	if (err != -ENOENT)
		return err;
	err = make_folders(path);
	return err ?: pin_at(fd, path);
}

int pin_create(int fd, const char *path, mode_t mode, bool replace, const char *who)
{
	static atomic_uint count;
	char temporary[PIN_PATH_MAX];
	unsigned int flags = replace ? 0 : RENAME_NOREPLACE;
	int err;

	/* the kernel makes pins with mode 0600, and creating one fails if it is there */
	if (!replace && (mode & 07777) == PIN_MODE_DEFAULT) {
		err = pin_deep(fd, path);
		return !err || err == -EEXIST ? err : path_error(who, path, -err);
	}
	if ((size_t)snprintf(temporary, sizeof(temporary), "%s~%d-%u", path, (int)getpid(),
			     atomic_fetch_add(&count, 1)) >= sizeof(temporary))
		return path_error(who, path, ENAMETOOLONG);
	err = pin_deep(fd, temporary);
	if (err)
		return path_error(who, path, -err);
	if (chmod(temporary, mode & 07777) ||
	    renameat2(AT_FDCWD, temporary, AT_FDCWD, path, flags)) {
		err = errno;
		unlink(temporary);
		return err == EEXIST && !replace ? -err : path_error(who, path, err);
	}
	return 0;
}

/* Whether it is one of the names that a pin has before it is renamed to its own: "map_x~PID-N". */
static bool is_temporary(const char *name, const char *const *starts, pid_t *pid)
{
	const char *mark = strrchr(name, '~');
	char *end;

	*pid = mark ? (pid_t)strtol(mark + 1, &end, 10) : 0;
	if (*pid <= 0 || *end != '-')
		return false;
	while (*starts && strncmp(name, *starts, strlen(*starts)))
		starts++;
	return *starts;
}

void pin_remove_temporaries(const char *folder, const char *const *names, bool all)
{
	char path[PIN_PATH_MAX];
	DIR *dir = opendir(folder);
	struct dirent *entry;
	pid_t pid;

	while (dir && (entry = readdir(dir)))
		if (is_temporary(entry->d_name, names, &pid) && (all || (kill(pid, 0) && errno == ESRCH)) &&
		    (size_t)snprintf(path, sizeof(path), "%s/%s", folder, entry->d_name) < sizeof(path))
			unlink(path);
	if (dir)
		closedir(dir);
}

/* A path as another part of the same process or another process would name it. */
static const char *map_title(const struct mem_map *map, char *text, size_t size)
{
	snprintf(text, size, "%s: map '%s'", map->obj->name, map->image->name);
	return text;
}

int mem_map_pin(struct mem_map *map, const char *path, unsigned int mode)
{
	char who[256];
	int err;

	map_title(map, who, sizeof(who));
	if (!path || !*path || mode & ~07777u)
		err = mem__error(EINVAL, "%s: can't be pinned at '%s' with mode %#o", who,
				 path ? path : "(null)", mode);
	else if (map->fd < 0)
		err = mem__error(EBADF, "%s: it does not exist before mem_object_prepare()", who);
	else
		err = pin_create(map->fd, path, mode ? mode : PIN_MODE_DEFAULT, true, who);
	return object_result(map->obj, err);
}

int mem_unpin(const char *path)
{
	char why[PIN_PATH_MAX + 128];
	struct stat status;

	if (!path || lstat(path, &status))
		return mem__error(path ? errno : EINVAL, "can't unpin '%s': %s", path ? path : "(null)",
				  strerror(path ? errno : EINVAL));
	if (pin_explain_mount(path, why, sizeof(why)))
		return mem__error(EINVAL, "can't unpin '%s': %s", path, why);
	if (!S_ISREG(status.st_mode))
		return mem__error(EINVAL, "can't unpin '%s': it is not a pin", path);
	if (unlink(path))
		return mem__error(errno, "can't unpin '%s': %s", path, strerror(errno));
	if ((size_t)snprintf(why, sizeof(why), "%s" PIN_SCHEMA_SUFFIX, path) < sizeof(why))
		unlink(why);
	return 0;
}

/* --- listing --- */

/* A schema is part of the pin that it lies beside. */
static bool is_schema(const char *path, const char *map_name)
{
	size_t len = strlen(path), suffix = sizeof(PIN_SCHEMA_SUFFIX) - 1;

	return len > suffix && !strcmp(path + len - suffix, PIN_SCHEMA_SUFFIX) && !strcmp(map_name, PIN_SCHEMA_NAME);
}

/* One entry of a folder; -errno when it should be in the list and is not to be had. */
static int list_entry(const char *path, const struct stat *status, mem_pin_fn *fn, void *ctx)
{
	struct mem_source source = mem_source_pin(path);
	struct bpf_map_info info;
	struct mem_pin_info pin = {.path = path, .mode = status->st_mode & 07777};
	int fd = live_map_open(&source, "listing"), err;

	if (fd < 0)
		return fd == -EACCES || fd == -ENOENT ? 0 : fd;
	err = live_map_info(fd, "listing", &info);
	sys_close(&fd);
	if (err) /* -EINVAL: a program or a link */
		return err == -EINVAL ? 0 : err;
	if (is_schema(path, info.name))
		return 0;
	pin.id = info.id;
	pin.type = info.type;
	pin.value_size = info.value_size;
	pin.max_entries = info.max_entries;
	pin.name = info.name;
	return fn(ctx, &pin);
}

static int list_folder(const char *folder, mem_pin_fn *fn, void *ctx, int depth);

/* What is gone meanwhile, or others', is left out. */
static int list_error(const char *path)
{
	if (errno == ENOENT || errno == EACCES)
		return 0;
	return mem__error(errno, "can't list '%s': %s", path, strerror(errno));
}

static int list_path(const char *path, mem_pin_fn *fn, void *ctx, int depth)
{
	struct stat status;

	if (lstat(path, &status))
		return list_error(path);
	if (S_ISDIR(status.st_mode))
		return list_folder(path, fn, ctx, depth + 1);
	return S_ISREG(status.st_mode) ? list_entry(path, &status, fn, ctx) : 0;
}

static int list_folder(const char *folder, mem_pin_fn *fn, void *ctx, int depth)
{
	struct dirent **entries;
	char path[PIN_PATH_MAX];
	int count, ret = 0;

	if (depth > 64)
		return mem__error(ELOOP, "can't list '%s': too deep", folder);
	count = scandir(folder, &entries, NULL, alphasort);
	if (count < 0)
		return depth ? list_error(folder)
			     : mem__error(errno, "can't list '%s': %s", folder, strerror(errno));
	for (int i = 0; i < count; i++) {
		const char *name = entries[i]->d_name;

		if (!ret && strcmp(name, ".") && strcmp(name, "..") &&
		    (size_t)snprintf(path, sizeof(path), "%s/%s", folder, name) < sizeof(path))
			ret = list_path(path, fn, ctx, depth);
		free(entries[i]);
	}
	free(entries);
	return ret;
}

int mem_pin_list(const char *folder, mem_pin_fn *fn, void *ctx)
{
	const char *root = folder ? folder : PIN_DIR_DEFAULT;
	char why[PIN_PATH_MAX + 128], inside[PIN_PATH_MAX];

	if ((size_t)snprintf(inside, sizeof(inside), "%s/x", root) >= sizeof(inside))
		return mem__error(ENAMETOOLONG, "can't list '%s': the path is too long", root);
	if (!access(root, F_OK) && pin_explain_mount(inside, why, sizeof(why)))
		return mem__error(EINVAL, "can't list pins: %s", why);
	return list_folder(root, fn, ctx, 0);
}
