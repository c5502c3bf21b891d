/* SPDX-License-Identifier: BSD-2-Clause */
/* Apart from the reader, so that a tool which only reads has no loader linked in. */
#include <errno.h>
#include <mem/elf.h>

#include "private.h"

struct mem_object *mem_object_open_file(const char *path, const struct mem_open_opts *opts)
{
	struct mem_image *image = mem_image_read_file(path, NULL);
	struct mem_object *obj;
	int saved;

	if (!image)
		return NULL;
	obj = mem_object_open(image, opts);
	if (!obj) {
		saved = errno;
		mem_image_free(image);
		errno = saved;
		return NULL;
	}
	mem__object_own_image(obj, image, mem_image_free);
	mem_kconfig_use(); /* a file may have such values; no header can tell beforehand */
	return obj;
}
