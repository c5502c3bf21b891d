/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Reading an image whose tables another version of libmem wrote.
 *
 * image_widen() gives typed rows of this library's size: those of the image itself when the sizes
 * agree, which costs nothing, or copies with the missing fields zero. Rows longer than ours are
 * accepted as long as what we don't know of them is zero.
 */
#ifndef LIBMEM_IMAGE_H
#define LIBMEM_IMAGE_H

#include <linux/bpf.h>
#include <mem/image.h>

#include "parts.h"

/* The tables of an image. A pointer may be NULL when its count is 0. */
struct image_view {
	const struct mem_map_image *maps;
	const struct mem_init_image *inits;
	const struct mem_region_image *regions;
	const struct mem_prog_image *progs;
	const uint32_t *prog_funcs;
	const struct mem_func_image *funcs;
	const uint64_t *insns;
	const struct mem_reloc_image *relocs;
	const struct mem_extern_image *externs;
	const struct bpf_line_info *line_infos;
	const struct bpf_core_relo *core_relos;
	const void *btf;
	const struct mem_task_image *tasks;
	const struct mem_task_field_image *task_fields;
	uint32_t map_count;
	uint32_t init_count;
	uint32_t region_count;
	uint32_t prog_count;
	uint32_t prog_func_count;
	uint32_t func_count;
	uint32_t insn_count;
	uint32_t reloc_count;
	uint32_t extern_count;
	uint32_t line_info_count;
	uint32_t core_relo_count;
	uint32_t btf_size;	       /* bytes */
	uint32_t task_count;
	uint32_t task_field_count;
	const struct mem_image *image; /* whose rows these are: name, license, kern_version */
	void *owned;		       /* widened copies, NULL if none were needed */
};

/*
 * Make the view of an image. Only what is needed to walk the tables is checked here.
 * 0, or -EINVAL, -ENOTSUP, -ENOMEM with a message; view is then empty.
 */
int image_widen(const struct mem_image *image, struct image_view *view);

/* Free what image_widen() allocated. An empty view is fine. */
void image_view_free(struct image_view *view);

/* All the checks of mem_image_is_valid(). 0, or -EINVAL, -ENOMEM with a message. */
int image_check(const struct image_view *view) PART;

/* Where the strings of a BTF blob are; see image_btf_strings(). */
struct image_strings {
	const char *data; /* data[size - 1] is NUL */
	uint32_t size;	  /* bytes */
};

/* Find the strings of the image's BTF: 0, or -EINVAL with a message if its header is bad. */
int image_btf_strings(const struct image_view *view, struct image_strings *strings);

#endif /* LIBMEM_IMAGE_H */
