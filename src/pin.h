/* SPDX-License-Identifier: BSD-2-Clause */
/* The BPF file system: paths, folders, and why something can't be pinned. */
#ifndef LIBMEM_PIN_H
#define LIBMEM_PIN_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#define PIN_DIR_DEFAULT "/sys/fs/bpf"
#define PIN_MODE_DEFAULT 0600u

/* What is pinned beside a region, for those who can't read its types: schema_publish.c. */
#define PIN_SCHEMA_SUFFIX "~schema"
#define PIN_SCHEMA_NAME "libmem_schema" /* the kernel's name of that map */

/*
 * "'/x' is not in a BPF file system; mount one ...: mount -t bpf bpf /sys/fs/bpf" into text. False if
 * path is in one, or would be.
 */
bool pin_explain_mount(const char *path, char *text, size_t size);

/*
 * Pin what fd is at path, making the folders above it. replace: in one step, in place of what is
 * there; else EEXIST is left to the caller, without a message. Other errors: -errno with a message
 * that starts with who.
 */
int pin_create(int fd, const char *path, mode_t mode, bool replace, const char *who);

/*
 * Remove what processes that were killed in pin_create() left in a folder: of those that are gone, or of all, whose
 * names begin with one of these, the last of which is NULL.
 */
void pin_remove_temporaries(const char *folder, const char *const *names, bool all);

#endif /* LIBMEM_PIN_H */
