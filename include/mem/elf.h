/* SPDX-License-Identifier: BSD-2-Clause */
/**
 * @file
 * @brief libmem-elf: read BPF object files at run time.
 *
 * Only programs that open object files need this (link with libmem-elf); a generated header has
 * its image built in.
 */
#ifndef MEM_ELF_H
#define MEM_ELF_H

#include <mem/mem.h>

#ifdef __cplusplus
extern "C" {
#endif
#pragma GCC visibility push(default)

/** Options of mem_image_read() and mem_image_read_file(). Zero means the default. */
struct mem_read_opts {
	size_t sz;        /**< sizeof(struct mem_read_opts) */
	const char *name; /**< name of the image; NULL: the file's name without directory and ".bpf.o" or ".o" */
};

/**
 * @brief Read an object file into an image.
 *
 * Needs no privilege and no kernel; the same file gives the same image everywhere. The file is
 * untrusted: anything inconsistent in it is an error, "file:section+offset: what is wrong".
 *
 * @param path  of an ELF relocatable for BPF, in the byte order of this machine
 * @param opts  NULL for defaults
 * @return the image, to be released by mem_image_free(); NULL with errno EINVAL the file is not
 *         what it should be, ENOTSUP it uses something libmem does not know, ENOMEM, or what
 *         open(2) or read(2) answered. mem_error_message() says more.
 */
struct mem_image *mem_image_read_file(const char *path, const struct mem_read_opts *opts);

/**
 * @brief Read an object file that is in memory into an image.
 * @param data  the file's contents; not needed after the call
 * @param size  bytes
 * @param opts  NULL for defaults; opts->name also stands for the file in messages
 * @return as mem_image_read_file()
 */
struct mem_image *mem_image_read(const void *data, size_t size, const struct mem_read_opts *opts);

/**
 * @brief Release an image made by mem_image_read() or mem_image_read_file().
 * @param image  not in use by any object; NULL does nothing
 */
void mem_image_free(struct mem_image *image);

/**
 * @brief Read an object file and open it: mem_image_read_file(), then mem_object_open().
 * @param path  of the object file; not needed after the call
 * @param opts  NULL for defaults
 * @return the object, which owns the image; to be closed by the caller. NULL with errno as the two
 *         functions set it.
 */
struct mem_object *mem_object_open_file(const char *path, const struct mem_open_opts *opts);

#pragma GCC visibility pop
#ifdef __cplusplus
}
#endif

#endif /* MEM_ELF_H */
