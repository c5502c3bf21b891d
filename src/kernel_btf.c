/* SPDX-License-Identifier: BSD-2-Clause */
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "btf_scan.h"
#include "error.h"
#include "kernel_btf.h"
#include "module_btf.h"

#define KERNEL_BTF "/sys/kernel/btf/vmlinux"
#define FEW	   16 /* names */

static int read_all(int fd, struct kernel_btf *btf)
{
	char *data = malloc(btf->size);
	int err = data ? btf_file_read(fd, data, btf->size, 0) : -ENOMEM;

	if (err)
		free(data);
	else
		btf->data = data;
	return err;
}

/* So many bytes of it. Mapping works from Linux 6.16 on and is much cheaper than reading. */
static int load(int fd, struct kernel_btf *btf)
{
	void *data = mmap(NULL, btf->size, PROT_READ, MAP_PRIVATE, fd, 0);

	btf->mapped = data != MAP_FAILED;
	btf->data = btf->mapped ? data : NULL;
	return btf->mapped ? 0 : read_all(fd, btf);
}

static int kernel_btf_read(struct kernel_btf *btf)
{
	int fd = open(KERNEL_BTF, O_RDONLY | O_CLOEXEC);
	struct stat st;
	int err = 0;

	if (fd < 0)
		return -errno;
	if (fstat(fd, &st)) {
		err = -errno;
	} else {
		btf->size = (size_t)st.st_size;
		err = load(fd, btf);
	}
	close(fd);
	return err;
}

void kernel_btf_close(struct kernel_btf *btf)
{
	btf_view_free(&btf->view);
	if (btf->mapped)
		munmap((void *)btf->data, btf->size);
	else
		free((void *)btf->data);
}

int kernel_btf_open(struct kernel_btf *btf, const char *object)
{
	int err;

	memset(btf, 0, sizeof(*btf));
	err = kernel_btf_read(btf);
	if (err)
		return mem__error(-err,
				  "%s: can't read the kernel's types from " KERNEL_BTF ": %s%s", object,
				  strerror(-err),
				  err == -ENOENT ? " (a kernel with CONFIG_DEBUG_INFO_BTF has them, "
						   "with /sys mounted)" : "");
	if (btf_view_init(&btf->view, btf->data, btf->size))
		return 0;
	kernel_btf_close(btf);
	return mem__error(EINVAL, "%s: " KERNEL_BTF " is not BTF", object);
}

static int find_all(struct kernel_btf_want *wants, uint32_t count, const struct btf_view *view,
		    struct module_fds *modules, const char *object)
{
	int64_t types = btf_strings_find(view, wants, count);

	if (!types)
		types = btf_scan(view, wants, count);
	if (types < 0)
		return mem__error(ENOMEM, "%s: no memory to look up %u kernel types", object, count);
	if (!types)
		return mem__error(ENOTSUP,
				  "%s: " KERNEL_BTF " has a kind of type that libmem %s does not know",
				  object, mem_version());
	return !modules ? 0 : module_btf_find(wants, count, view, (uint32_t)types, modules, object);
}

/* Their names have been met, the last one's in so many bytes of types: no others are needed to count them. */
static bool count_front(const struct btf_file *file, uint32_t front, struct kernel_btf_want *wants, uint32_t count)
{
	struct kernel_btf btf = { .size = file->types + front };
	bool all;

	if (load(file->fd, &btf))
		return false;
	btf.view.types = btf.data + file->types;
	btf.view.types_end = btf.view.types + front;
	all = btf_scan(&btf.view, wants, count) > 0;
	for (uint32_t i = 0; i < count; i++)
		all &= *wants[i].id != 0;
	kernel_btf_close(&btf);
	return all;
}

/* Without all of it in memory: to map and unmap that takes longer than to look up some functions. */
static bool find_few(struct kernel_btf_want *wants, uint32_t count)
{
	int fd = count <= FEW ? open(KERNEL_BTF, O_RDONLY | O_CLOEXEC) : -1;
	struct btf_file file;
	uint32_t front = 0;
	bool all;

	if (fd < 0)
		return false;
	all = btf_file_init(&file, fd) && btf_functions_find(&file, wants, count, &front);
	if (!all && front)
		all = count_front(&file, front, wants, count);
	close(fd);
	return all;
}

int kernel_btf_find(struct kernel_btf_want *wants, uint32_t count, struct module_fds *modules,
		    const char *object)
{
	struct kernel_btf btf;
	int err;

	if (find_few(wants, count))
		return 0;
	err = kernel_btf_open(&btf, object);
	if (err)
		return err;
	err = find_all(wants, count, &btf.view, modules, object);
	kernel_btf_close(&btf);
	return err;
}
