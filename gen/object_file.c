/* SPDX-License-Identifier: BSD-2-Clause */
#include <bpf/btf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include <mem/elf.h>

#include "error.h"
#include "object_file.h"
#include "reader/whole_btf.h"

/* Our own messages say what libbpf's would. */
static int silent(enum libbpf_print_level level, const char *fmt, va_list args)
{
	(void)level;
	(void)fmt;
	(void)args;
	return 0;
}

static int parse_btf(struct object_file *object)
{
	uint32_t size;
	const void *data = image_whole_btf(object->image, &size);
	int err;

	if (!size)
		return 0;
	object->btf = btf__new(data, size);
	if (object->btf)
		return 0;
	err = errno;
	return mem__error(err, "its BTF can't be read: %s; compile with clang -g", strerror(err));
}

bool path_is_stream(const char *path)
{
	return !strcmp(path, "-");
}

int object_file_open(struct object_file *object, const char *path, const char *name)
{
	struct mem_read_opts opts = {.sz = sizeof(opts), .name = name};
	int err;

	*object = (struct object_file){.path = path};
	if (path_is_stream(path))
		object->path = path = "/dev/stdin";
	libbpf_set_print(silent);
	object->image = mem_image_read_file(path, &opts);
	if (!object->image) {
		err = -errno;
		/* the reader's messages begin with the file's name */
		fprintf(stderr, "memgen: %s\n", mem_error_message());
		return err ? err : -EINVAL;
	}
	err = image_widen(object->image, &object->view);
	if (!err)
		err = parse_btf(object);
	if (err) {
		fprintf(stderr, "memgen: %s: %s\n", path, mem_error_message());
		object_file_close(object);
	}
	return err;
}

void object_file_close(struct object_file *object)
{
	btf__free(object->btf);
	image_view_free(&object->view);
	mem_image_free(object->image);
	pool_free(&object->pool);
	*object = (struct object_file){0};
}

const char *object_file_base(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash ? slash + 1 : path;
}

bool path_is_same(const char *a, const char *b)
{
	struct stat first, second;

	if (path_is_stream(a) || path_is_stream(b))
		return false;
	if (stat(a, &first) || stat(b, &second))
		return !strcmp(a, b);
	return S_ISREG(first.st_mode) && first.st_dev == second.st_dev && first.st_ino == second.st_ino;
}

int output_commit(struct writer *w, const char *path)
{
	const char *action = NULL;
	int err = writer_commit(w, path, &action);

	if (err)
		fprintf(stderr, "memgen: %s: can't %s it: %s\n", path ? path : "standard output",
			action, strerror(-err));
	return err;
}
