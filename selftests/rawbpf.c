/* SPDX-License-Identifier: BSD-2-Clause */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <linux/btf.h>

#include "rawbpf.h"

long raw_bpf(int cmd, union bpf_attr *attr, size_t size)
{
	long ret = syscall(SYS_bpf, cmd, attr, size);

	return ret < 0 ? -errno : ret;
}

static uint64_t address(const void *pointer)
{
	return (uint64_t)(uintptr_t)pointer;
}

int raw_map_create(uint32_t type, uint32_t key_size, uint32_t value_size, uint32_t max_entries,
		   uint32_t flags, uint64_t extra)
{
	union bpf_attr attr;

	memset(&attr, 0, sizeof(attr));
	attr.map_type = type;
	attr.key_size = key_size;
	attr.value_size = value_size;
	attr.max_entries = max_entries;
	attr.map_flags = flags;
	attr.map_extra = extra;
	return raw_bpf(BPF_MAP_CREATE, &attr, sizeof(attr));
}

static int element(int cmd, int fd, const void *key, const void *value, uint64_t flags)
{
	union bpf_attr attr;

	memset(&attr, 0, sizeof(attr));
	attr.map_fd = fd;
	attr.key = address(key);
	attr.value = address(value);
	attr.flags = flags;
	return raw_bpf(cmd, &attr, sizeof(attr));
}

int raw_map_lookup(int fd, const void *key, void *value)
{
	return element(BPF_MAP_LOOKUP_ELEM, fd, key, value, 0);
}

int raw_map_update(int fd, const void *key, const void *value, uint64_t flags)
{
	return element(BPF_MAP_UPDATE_ELEM, fd, key, value, flags);
}

int raw_map_delete(int fd, const void *key)
{
	return element(BPF_MAP_DELETE_ELEM, fd, key, NULL, 0);
}

int raw_map_next_key(int fd, const void *key, void *next)
{
	return element(BPF_MAP_GET_NEXT_KEY, fd, key, next, 0);
}

int raw_map_freeze(int fd)
{
	union bpf_attr attr;

	memset(&attr, 0, sizeof(attr));
	attr.map_fd = fd;
	return raw_bpf(BPF_MAP_FREEZE, &attr, sizeof(attr));
}

int raw_info(int fd, void *info, uint32_t size)
{
	union bpf_attr attr;

	memset(&attr, 0, sizeof(attr));
	attr.info.bpf_fd = fd;
	attr.info.info_len = size;
	attr.info.info = address(info);
	return raw_bpf(BPF_OBJ_GET_INFO_BY_FD, &attr, sizeof(attr));
}

long raw_next_id(int cmd, uint32_t id)
{
	union bpf_attr attr;
	long ret;

	memset(&attr, 0, sizeof(attr));
	attr.start_id = id;
	ret = raw_bpf(cmd, &attr, sizeof(attr));
	if (ret == -ENOENT)
		return 0;
	return ret < 0 ? ret : attr.next_id;
}

int raw_fd_by_id(int cmd, uint32_t id)
{
	union bpf_attr attr;

	memset(&attr, 0, sizeof(attr));
	attr.map_id = id; /* the same place for all kinds */
	return raw_bpf(cmd, &attr, sizeof(attr));
}

int raw_prog_load(uint32_t type, uint32_t flags, const struct bpf_insn *insns, uint32_t count)
{
	static char log[1 << 16];
	union bpf_attr attr;
	int fd;

	memset(&attr, 0, sizeof(attr));
	attr.prog_type = type;
	attr.prog_flags = flags;
	attr.insns = address(insns);
	attr.insn_cnt = count;
	attr.license = address("GPL");
	attr.log_buf = address(log);
	attr.log_size = sizeof(log);
	attr.log_level = 1;
	log[0] = '\0';
	fd = raw_bpf(BPF_PROG_LOAD, &attr, sizeof(attr));
	if (fd < 0)
		fprintf(stderr, "%s", log);
	return fd;
}

int raw_btf_with_spin_lock(void)
{
	static const struct {
		struct btf_header header;
		struct btf_type number;
		uint32_t encoding;
		struct btf_type lock;
		struct btf_member lock_members[1];
		struct btf_type both;
		struct btf_member both_members[2];
		char strings[24];
	} btf = {
		.header = {.magic = BTF_MAGIC,
			   .version = BTF_VERSION,
			   .hdr_len = sizeof(btf.header),
			   .type_len = sizeof(btf) - sizeof(btf.header) - sizeof(btf.strings),
			   .str_off = sizeof(btf) - sizeof(btf.header) - sizeof(btf.strings),
			   .str_len = sizeof(btf.strings)},
		.number = {.name_off = 15, .info = BTF_KIND_INT << 24, .size = 4},
		.encoding = 32,
		.lock = {.name_off = 1, .info = BTF_KIND_STRUCT << 24 | 1, .size = 4},
		.lock_members = {{.name_off = 19, .type = 1}},
		.both = {.info = BTF_KIND_STRUCT << 24 | 2, .size = 8},
		.both_members = {{.name_off = 19, .type = 2},
				 {.name_off = 21, .type = 1, .offset = 32}},
		.strings = "\0bpf_spin_lock\0u32\0a\0b",
	};
	union bpf_attr attr;

	memset(&attr, 0, sizeof(attr));
	attr.btf = address(&btf);
	attr.btf_size = sizeof(btf);
	return raw_bpf(BPF_BTF_LOAD, &attr, sizeof(attr));
}

int raw_bpf_allowed(void)
{
	static const struct bpf_insn return_0[] = {
		{.code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = BPF_REG_0},
		{.code = BPF_JMP | BPF_EXIT},
	};
	int fd = raw_map_create(BPF_MAP_TYPE_ARRAY, 4, 8, 1, 0, 0);

	if (fd < 0)
		return fd;
	close(fd);
	/* needs CAP_PERFMON too, as the programs of the tests do */
	fd = raw_prog_load(BPF_PROG_TYPE_TRACEPOINT, 0, return_0, 2);
	if (fd < 0)
		return fd;
	close(fd);
	return 0;
}
