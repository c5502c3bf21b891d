/* SPDX-License-Identifier: BSD-2-Clause */
/* The kernel contract: mapping arrays. */
#include <errno.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "contract.h"
#include "harness.h"
#include "rawbpf.h"

FIXTURE(need_bpf, NULL)

enum { READ = PROT_READ, WRITE = PROT_READ | PROT_WRITE };

/* Two pages and a bit: three pages are mapped. */
enum { ENTRIES = 1030 };

static int make_array(uint32_t flags)
{
	return must(raw_map_create(BPF_MAP_TYPE_ARRAY, 4, 8, ENTRIES, flags, 0));
}

static long try(int fd, int protection)
{
	return try_mmap(NULL, 3 * PAGE, protection, MAP_SHARED, fd, 0);
}

TEST(only_plain_arrays)
{
	expect("mmap.per_cpu_array",
	       raw_map_create(BPF_MAP_TYPE_PERCPU_ARRAY, 4, 8, 1, BPF_F_MMAPABLE, 0));
	expect("mmap.hash", raw_map_create(BPF_MAP_TYPE_HASH, 4, 8, 1, BPF_F_MMAPABLE, 0));
}
END_TEST

TEST(not_with_special_fields)
{
	int btf = must(raw_btf_with_spin_lock());
	union bpf_attr attr = {
		.map_type = BPF_MAP_TYPE_ARRAY,
		.key_size = 4,
		.value_size = 8,
		.max_entries = 1,
		.map_flags = BPF_F_MMAPABLE,
		.btf_fd = btf,
		.btf_key_type_id = 1,
		.btf_value_type_id = 3,
	};
	int fd = must(raw_bpf(BPF_MAP_CREATE, &attr, sizeof(attr)));

	expect("mmap.special_fields", try_mmap(NULL, PAGE, READ, MAP_SHARED, fd, 0));
	close(fd);
	close(btf);
}
END_TEST

TEST(what_mmap_accepts)
{
	int fd = make_array(BPF_F_MMAPABLE), plain = make_array(0);

	expect("mmap.whole_pages", try_mmap(NULL, 3 * PAGE, WRITE, MAP_SHARED, fd, 0));
	expect("mmap.whole_pages", try_mmap(NULL, PAGE, WRITE, MAP_SHARED, fd, 2 * PAGE));
	expect("mmap.private", try_mmap(NULL, 3 * PAGE, WRITE, MAP_PRIVATE, fd, 0));
	expect("mmap.too_long", try_mmap(NULL, 4 * PAGE, WRITE, MAP_SHARED, fd, 0));
	expect("mmap.offset_past_end", try_mmap(NULL, PAGE, WRITE, MAP_SHARED, fd, 3 * PAGE));
	expect("mmap.without_flag", try(plain, READ));
	expect("mmap.exec", try(fd, READ | PROT_EXEC));
	close(fd);
	close(plain);
}
END_TEST

TEST(freezing_waits_for_writable_mappings)
{
	int fd = make_array(BPF_F_MMAPABLE), other = make_array(BPF_F_MMAPABLE);
	void *mapping = must_mmap(NULL, 3 * PAGE, WRITE, MAP_SHARED, fd);

	expect("mmap.freeze_while_writable", raw_map_freeze(fd));
	munmap(mapping, 3 * PAGE);
	expect("mmap.freeze_after_last", raw_map_freeze(fd));

	mapping = must_mmap(NULL, 3 * PAGE, READ, MAP_SHARED, other);
	expect("mmap.freeze_while_read_only", raw_map_freeze(other));
	munmap(mapping, 3 * PAGE);
	close(fd);
	close(other);
}
END_TEST

TEST(freezing_waits_for_children)
{
	int fd = make_array(BPF_F_MMAPABLE), channel[2];
	void *mapping = must_mmap(NULL, 3 * PAGE, WRITE, MAP_SHARED, fd);
	pid_t child;
	char byte;

	ck_assert_int_eq(pipe(channel), 0);
	child = fork();
	if (!child) {
		close(channel[1]);
		_exit(read(channel[0], &byte, 1) != 0); /* until the parent closes its end */
	}
	munmap(mapping, 3 * PAGE);
	expect("mmap.freeze_while_child_has_it", raw_map_freeze(fd));
	close(channel[1]);
	ck_assert_int_eq(waitpid(child, NULL, 0), child);
	expect("mmap.freeze_after_last", raw_map_freeze(fd));
	close(channel[0]);
	close(fd);
}
END_TEST

/* Run a program once that stores 42 into the array's first element. Returns 0 or -errno. */
static int store_by_program(int array)
{
	const struct bpf_insn insns[] = {
		{.code = BPF_LD | BPF_IMM | BPF_DW, .dst_reg = BPF_REG_1, .src_reg = BPF_PSEUDO_MAP_VALUE, .imm = array},
		{.code = 0},
		{.code = BPF_ST | BPF_MEM | BPF_W, .dst_reg = BPF_REG_1, .imm = 42},
		{.code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = BPF_REG_0, .imm = 0},
		{.code = BPF_JMP | BPF_EXIT},
	};
	char packet[64] = {0};
	union bpf_attr attr = {0};
	int prog = must(raw_prog_load(BPF_PROG_TYPE_SOCKET_FILTER, 0, insns, sizeof(insns) / sizeof(*insns))), err;

	attr.test.prog_fd = (uint32_t)prog;
	attr.test.data_in = (uintptr_t)packet;
	attr.test.data_size_in = sizeof(packet);
	err = (int)raw_bpf(BPF_PROG_TEST_RUN, &attr, sizeof(attr));
	close(prog);
	return err;
}

TEST(frozen)
{
	int fd = make_array(BPF_F_MMAPABLE);
	void *mapping = must_mmap(NULL, 3 * PAGE, READ, MAP_SHARED, fd);
	uint64_t value = 1;
	uint32_t key = 0;

	expect("mmap.mprotect_write", mprotect(mapping, 3 * PAGE, WRITE) ? -errno : 0);
	must(raw_map_freeze(fd));
	expect("mmap.freeze_twice", raw_map_freeze(fd));
	expect("mmap.frozen_writable", try(fd, WRITE));
	expect("mmap.frozen_read_only", try(fd, READ));
	expect("mmap.frozen_update", raw_map_update(fd, &key, &value, BPF_ANY));
	expect("mmap.frozen_lookup", raw_map_lookup(fd, &key, &value));
	expect("mmap.mprotect_write_frozen", mprotect(mapping, 3 * PAGE, WRITE) ? -errno : 0);
	munmap(mapping, 3 * PAGE);
	close(fd);
}
END_TEST

TEST(programs_write_to_a_frozen_map)
{
	int fd = must(raw_map_create(BPF_MAP_TYPE_ARRAY, 4, 8, 1, BPF_F_MMAPABLE, 0));
	volatile uint32_t *mapping = must_mmap(NULL, PAGE, READ, MAP_SHARED, fd);
	int err;

	must(raw_map_freeze(fd));
	err = store_by_program(fd);
	expect("mmap.frozen_program_writes", err ? err : *mapping == 42 ? 0 : DIFFERS);
	munmap((void *)mapping, PAGE);
	close(fd);
}
END_TEST

TEST(a_refused_fixed_mapping)
{
	int fd = make_array(BPF_F_MMAPABLE);
	char *old = must_mmap(NULL, 3 * PAGE, WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1);

	must(raw_map_freeze(fd));
	old[0] = 42;
	ck_assert_ptr_eq(mmap(old, 3 * PAGE, WRITE, MAP_SHARED | MAP_FIXED, fd, 0), MAP_FAILED);
	expect("mmap.refused_fixed_keeps_old",
	       msync(old, 3 * PAGE, MS_ASYNC) ? -errno : old[0] == 42 ? 0 : DIFFERS);
	munmap(old, 3 * PAGE);
	close(fd);
}
END_TEST

TEST(a_read_only_fd_cannot_be_mapped)
{
	int created = make_array(BPF_F_MMAPABLE | BPF_F_RDONLY), fd = make_array(BPF_F_MMAPABLE);
	struct bpf_map_info info = {0};
	union bpf_attr attr = {0};
	int opened;

	must(raw_info(fd, &info, sizeof(info)));
	attr.map_id = info.id;
	attr.open_flags = BPF_F_RDONLY;
	opened = must(raw_bpf(BPF_MAP_GET_FD_BY_ID, &attr, sizeof(attr)));
	expect("mmap.rdonly_fd_writable", try(created, WRITE));
	expect("mmap.rdonly_fd_writable", try(opened, WRITE));
	expect("mmap.rdonly_fd_read_only", try(created, READ));
	expect("mmap.rdonly_fd_read_only", try(opened, READ));
	close(created);
	close(opened);
	close(fd);
}
END_TEST

TEST(a_mapping_outlives_its_fd)
{
	int fd = make_array(BPF_F_MMAPABLE);
	uint64_t *mapping = must_mmap(NULL, 3 * PAGE, WRITE, MAP_SHARED, fd);
	struct bpf_map_info info = {0};

	must(raw_info(fd, &info, sizeof(info)));
	close(fd);
	mapping[7] = 77;
	fd = raw_fd_by_id(BPF_MAP_GET_FD_BY_ID, info.id);
	expect("mmap.outlives_fd", fd < 0 ? fd : 0);
	expect("mmap.outlives_fd", raw_map_lookup(fd, &(uint32_t){7}, mapping));
	expect("mmap.outlives_fd", mapping[0] == 77 ? 0 : DIFFERS);
	munmap(mapping, 3 * PAGE);
	close(fd);
}
END_TEST

static long write_to_mapping(void *mapping)
{
	((volatile uint64_t *)mapping)[1] = 11;
	return 0;
}

TEST(a_mapping_is_inherited)
{
	int fd = make_array(BPF_F_MMAPABLE);
	volatile uint64_t *mapping = must_mmap(NULL, 3 * PAGE, WRITE, MAP_SHARED, fd);

	expect("mmap.inherited_by_fork", in_child(write_to_mapping, (void *)mapping));
	expect("mmap.inherited_by_fork", mapping[1] == 11 ? 0 : DIFFERS);
	munmap((void *)mapping, 3 * PAGE);
	close(fd);
}
END_TEST

TEST(the_tail_of_the_last_page)
{
	int fd = make_array(BPF_F_MMAPABLE);
	uint64_t *mapping = must_mmap(NULL, 3 * PAGE, WRITE, MAP_SHARED, fd), value = 0;

	for (size_t i = 0; i < ENTRIES; i++)
		mapping[i] = i + 1;
	for (size_t i = ENTRIES; i < 3 * PAGE / 8; i++)
		expect("mmap.tail_is_zero", mapping[i] ? DIFFERS : 0);
	mapping[ENTRIES] = 5; /* belongs to nobody */
	expect("array.lookup_past_end", raw_map_lookup(fd, &(uint32_t){ENTRIES}, &value));
	munmap(mapping, 3 * PAGE);
	close(fd);
}
END_TEST

/* ---- processes without privilege */

static long nobody_maps(void *fd)
{
	drop_privileges();
	return try(*(int *)fd, READ);
}

static long nobody_maps_writable(void *fd)
{
	drop_privileges();
	return try(*(int *)fd, WRITE);
}

static long nobody_looks_up(void *fd)
{
	uint64_t value = 0;
	long ret;

	drop_privileges();
	ret = raw_map_lookup(*(int *)fd, &(uint32_t){3}, &value);
	return ret ? ret : value == 33 ? 0 : DIFFERS;
}

static long nobody_updates(void *fd)
{
	drop_privileges();
	return raw_map_update(*(int *)fd, &(uint32_t){3}, &(uint64_t){1}, BPF_ANY);
}

static long nobody_creates(void *unused)
{
	(void)unused;
	drop_privileges();
	return raw_map_create(BPF_MAP_TYPE_ARRAY, 4, 8, 1, 0, 0);
}

/* The value of kernel.unprivileged_bpf_disabled, 0 if it can't be read. */
static int unprivileged_bpf_disabled(void)
{
	FILE *file = fopen("/proc/sys/kernel/unprivileged_bpf_disabled", "re");
	int value = 0;

	if (file) {
		if (fscanf(file, "%d", &value) != 1)
			value = 0;
		fclose(file);
	}
	return value;
}

TEST(without_capabilities)
{
	int fd = make_array(BPF_F_MMAPABLE);

	must(raw_map_update(fd, &(uint32_t){3}, &(uint64_t){33}, BPF_ANY));
	expect("mmap.no_capability_maps", in_child(nobody_maps, &fd));
	expect("mmap.no_capability_maps", in_child(nobody_maps_writable, &fd));
	expect("mmap.no_capability_looks_up", in_child(nobody_looks_up, &fd));
	close(fd);
	if (!unprivileged_bpf_disabled())
		test_skip("kernel.unprivileged_bpf_disabled is 0: anybody may create maps");
	expect("mmap.no_capability_creates", in_child(nobody_creates, NULL));
}
END_TEST

TEST(readers_without_privilege_of_a_frozen_map)
{
	int fd = make_array(BPF_F_MMAPABLE);

	must(raw_map_update(fd, &(uint32_t){3}, &(uint64_t){33}, BPF_ANY));
	must(raw_map_freeze(fd));
	expect("mmap.nobody_reads", in_child(nobody_maps, &fd));
	expect("mmap.nobody_reads", in_child(nobody_looks_up, &fd));
	expect("mmap.nobody_writes", in_child(nobody_maps_writable, &fd));
	expect("mmap.nobody_updates", in_child(nobody_updates, &fd));
	close(fd);
}
END_TEST

static long nobody_opens_pin(void *path)
{
	union bpf_attr attr = {.pathname = (uintptr_t)path};
	int fd;

	drop_privileges();
	fd = raw_bpf(BPF_OBJ_GET, &attr, sizeof(attr));
	return fd < 0 ? fd : try(fd, READ);
}

/* In a child, so that the mounts are its own and vanish with it. */
static long pin_and_open(void *map_fd)
{
	char folder[] = "/tmp/contract-XXXXXX", path[64];
	union bpf_attr attr = {.pathname = (uintptr_t)path, .bpf_fd = *(int *)map_fd};
	long answer;

	if (!mkdtemp(folder) || unshare(CLONE_NEWNS) ||
	    mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) ||
	    mount("bpf", folder, "bpf", 0, "mode=0755") || chmod(folder, 0755))
		return -errno;
	snprintf(path, sizeof(path), "%s/map", folder);
	answer = raw_bpf(BPF_OBJ_PIN, &attr, sizeof(attr));
	if (!answer)
		answer = chmod(path, 0666) ? -errno : in_child(nobody_opens_pin, path);
	unlink(path);
	umount(folder);
	rmdir(folder);
	return answer;
}

TEST(readers_without_privilege_of_a_pin)
{
	int fd = make_array(BPF_F_MMAPABLE);

	must(raw_map_freeze(fd));
	expect("mmap.nobody_opens_pin", in_child(pin_and_open, &fd));
	close(fd);
}
END_TEST
