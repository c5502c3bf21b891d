/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A BPF file system of the test's own at /sys/fs/bpf, in a mount namespace that nobody else sees.
 * What is pinned there goes with bpffs_unmount(), which belongs into the teardown.
 */
#ifndef SELFTESTS_BPFFS_H
#define SELFTESTS_BPFFS_H

#include <stdint.h>

/* Mount it; skips the test where that is not possible. */
void bpffs_mount(void);

/* Does nothing if it is not mounted. */
void bpffs_unmount(void);

/* The number of the map that is pinned at path. */
uint32_t bpffs_id_at(const char *path);

/* Permission bits of what is at path. */
unsigned int bpffs_mode_at(const char *path);

#endif /* SELFTESTS_BPFFS_H */
