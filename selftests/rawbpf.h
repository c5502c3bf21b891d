/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * bpf(2) and what belongs to it, by hand: for the checks of leaks and the tests of the kernel
 * itself, which must not trust the library that is under test.
 */
#ifndef SELFTESTS_RAWBPF_H
#define SELFTESTS_RAWBPF_H

#include <linux/bpf.h>
#include <stddef.h>
#include <stdint.h>

/* Newer than the oldest uapi header that is supported (Linux 6.1's). */
#define RAW_MAP_TYPE_ARENA  33
#define RAW_F_SEGV_ON_FAULT (1U << 17)
#define RAW_F_NO_USER_CONV  (1U << 18)

/* The system call; returns its result, or -errno. */
long raw_bpf(int cmd, union bpf_attr *attr, size_t size);

/* Create a map. Returns an fd or -errno. */
int raw_map_create(uint32_t type, uint32_t key_size, uint32_t value_size, uint32_t max_entries,
		   uint32_t flags, uint64_t extra);

/* Elements. flags as the kernel takes them. Return 0 or -errno. */
int raw_map_lookup(int fd, const void *key, void *value);
int raw_map_update(int fd, const void *key, const void *value, uint64_t flags);
int raw_map_delete(int fd, const void *key);
int raw_map_next_key(int fd, const void *key, void *next);
int raw_map_freeze(int fd);

/* BPF_OBJ_GET_INFO_BY_FD; the rest of info is zero. Returns 0 or -errno. */
int raw_info(int fd, void *info, uint32_t size);

/* The id after `id` of a kind (cmd is BPF_*_GET_NEXT_ID), 0 after the last, or -errno. */
long raw_next_id(int cmd, uint32_t id);

/* An fd for an id (cmd is BPF_*_GET_FD_BY_ID), or -errno. */
int raw_fd_by_id(int cmd, uint32_t id);

/* Load a program of a type from instructions; flags: BPF_F_*. An fd, or -errno with the verifier's log on stderr. */
int raw_prog_load(uint32_t type, uint32_t flags, const struct bpf_insn *insns, uint32_t count);

/*
 * Load type information: 1 is unsigned int, 2 struct bpf_spin_lock, 3 a struct of one and an
 * unsigned int. Returns an fd or -errno.
 */
int raw_btf_with_spin_lock(void);

/* 0 if this process may create maps and load programs here, else -errno of what refused. */
int raw_bpf_allowed(void);

#endif /* SELFTESTS_RAWBPF_H */
