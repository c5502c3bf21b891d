/* SPDX-License-Identifier: BSD-2-Clause */
/* An object file as the commands look at it: its image, and its BTF parsed. */
#ifndef MEMGEN_OBJECT_FILE_H
#define MEMGEN_OBJECT_FILE_H

#include <stdbool.h>

#include "image.h"
#include "reader/pool.h"
#include "writer.h"

struct btf;

struct object_file {
	const char *path;       /* as messages and headers name it */
	struct mem_image *image;
	struct image_view view; /* of image */
	struct btf *btf;        /* NULL: the object has none */
	struct pool pool;       /* for whoever looks at it */
};

/* Whether an argument stands for standard input, or standard output, as the case may be: "-". */
bool path_is_stream(const char *path);

/* name: of the image, NULL for the file's. 0 or -errno; a failure has been printed, and the object is closed. */
int object_file_open(struct object_file *object, const char *path, const char *name);

/* An object that is closed or zero is fine. */
void object_file_close(struct object_file *object);

/* A path without its directories. */
const char *object_file_base(const char *path);

/* One file by one name, or by two. Devices are never the same: they take what they are given. */
bool path_is_same(const char *a, const char *b);

/* writer_commit(), with a message when it fails. */
int output_commit(struct writer *w, const char *path);

#endif /* MEMGEN_OBJECT_FILE_H */
