/* SPDX-License-Identifier: BSD-2-Clause */
/* The kernel contract: arenas, as far as no program is needed. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "contract.h"
#include "harness.h"
#include "rawbpf.h"

enum { READ = PROT_READ, WRITE = PROT_READ | PROT_WRITE };
enum { PAGES = 4 };
#define SIZE (PAGES * PAGE)
#define GIB  ((size_t)1 << 30)

static void setup(void)
{
	need_bpf();
	need_linux(6, 9, "arenas");
}
FIXTURE(setup, NULL)

static int create(uint32_t pages, uint64_t address, uint32_t flags)
{
	return raw_map_create(RAW_MAP_TYPE_ARENA, 0, 0, pages, BPF_F_MMAPABLE | flags, address);
}

/* 4 GiB of addresses that nothing uses, from a multiple of 4 GiB on. */
static char *free_range(void)
{
	char *start = must_mmap(NULL, 8 * GIB, PROT_NONE,
				MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1);

	munmap(start, 8 * GIB);
	return (char *)(((uintptr_t)start + 4 * GIB - 1) & ~(4 * GIB - 1));
}

/* An arena at an address of our choice, which is also stored at *address. */
static int make_arena(char **address, uint32_t flags)
{
	*address = free_range() + 16 * PAGE;
	return must(create(PAGES, (uintptr_t)*address, flags));
}

static long try(char *address, int protection, int fd)
{
	return try_mmap(address, SIZE, protection, MAP_SHARED, fd, 0);
}

TEST(creating)
{
	int fd;

	expect("arena.key_size", raw_map_create(RAW_MAP_TYPE_ARENA, 4, 0, 1, BPF_F_MMAPABLE, 0));
	expect("arena.value_size", raw_map_create(RAW_MAP_TYPE_ARENA, 0, 8, 1, BPF_F_MMAPABLE, 0));
	expect("arena.without_mmapable", raw_map_create(RAW_MAP_TYPE_ARENA, 0, 0, 1, 0, 0));
	expect("arena.no_pages", create(0, 0, 0));
	expect("arena.over_4_gib", create(4 * GIB / PAGE + 1, 0, 0));
	fd = create(4 * GIB / PAGE, 0, 0);
	expect("arena.4_gib", fd < 0 ? fd : 0);
	close(fd);
}
END_TEST

TEST(addresses)
{
	uintptr_t start = (uintptr_t)free_range();

	expect("arena.extra_unaligned", create(PAGES, start + 1, 0));
	expect("arena.crosses_4_gib", create(PAGES, start - PAGE, 0));
	expect("arena.crosses_4_gib", create(4 * GIB / PAGE, start + PAGE, 0));
}
END_TEST

TEST(what_mmap_accepts)
{
	char *address;
	int fd = make_arena(&address, 0);

	expect("arena.mmap_private", try_mmap(address, SIZE, WRITE, MAP_PRIVATE, fd, 0));
	expect("arena.mmap_offset", try_mmap(address, SIZE, WRITE, MAP_SHARED, fd, PAGE));
	expect("arena.mmap_shorter", try_mmap(address, SIZE - PAGE, WRITE, MAP_SHARED, fd, 0));
	expect("arena.mmap_longer", try_mmap(address, SIZE + PAGE, WRITE, MAP_SHARED, fd, 0));
	expect("arena.mmap_null_hint", try(NULL, WRITE, fd));
	expect("arena.mmap_elsewhere", try(address + PAGE, WRITE, fd));
	expect("arena.mmap_read_only", try(address, READ, fd));
	expect("arena.mmap_exec", try(address, READ | PROT_EXEC, fd));
	close(fd);
}
END_TEST

TEST(the_first_mmap_chooses_the_address)
{
	int fd = must(create(PAGES, 0, 0));
	struct bpf_map_info info = {0};
	char *mapping = mmap(NULL, SIZE, WRITE, MAP_SHARED, fd, 0);

	expect("arena.mmap_first_chooses", mapping == MAP_FAILED ? -errno : 0);
	must(raw_info(fd, &info, sizeof(info)));
	expect("arena.address_unknown", info.map_extra);
	munmap(mapping, SIZE);
	expect("arena.mmap_null_hint_after_first", try(NULL, WRITE, fd));
	expect("arena.mmap_elsewhere", try(mapping + PAGE, WRITE, fd));
	expect("arena.mmap_again", try(mapping, WRITE, fd));
	close(fd);
}
END_TEST

/* A process that has the fd, but not the mapping. */
struct visitor {
	int fd;
	char *address;
	int nobody; /* without any capability */
};

static long visit(void *arg)
{
	struct visitor *visitor = arg;
	char *mapping;

	munmap(visitor->address, SIZE); /* where fork copies it */
	if (visitor->nobody)
		drop_privileges();
	mapping = mmap(visitor->address, SIZE, READ, MAP_SHARED, visitor->fd, 0);
	if (mapping == MAP_FAILED)
		return -errno;
	return mapping == visitor->address && mapping[PAGE] == 42 ? 0 : DIFFERS;
}

TEST(the_same_range_again)
{
	struct visitor visitor = {0};
	char *mapping, *again;

	visitor.fd = make_arena(&visitor.address, 0);
	mapping = must_mmap(visitor.address, SIZE, WRITE, MAP_SHARED, visitor.fd);
	ck_assert_ptr_eq(mapping, visitor.address);
	mapping[PAGE] = 42;
	expect("arena.mmap_other_process", in_child(visit, &visitor));
	visitor.nobody = 1;
	expect("arena.no_capability_maps", in_child(visit, &visitor));

	again = mmap(mapping, SIZE, READ, MAP_SHARED | MAP_FIXED, visitor.fd, 0);
	expect("arena.mmap_again", again == MAP_FAILED ? -errno : 0);
	expect("arena.mmap_again", again == mapping && again[PAGE] == 42 ? 0 : DIFFERS);
	munmap(mapping, SIZE);
	again = must_mmap(visitor.address, SIZE, WRITE, MAP_SHARED, visitor.fd);
	expect("arena.mmap_after_munmap", again == mapping && again[PAGE] == 42 ? 0 : DIFFERS);
	munmap(again, SIZE);
	close(visitor.fd);
}
END_TEST

TEST(elements)
{
	char *address;
	int fd = make_arena(&address, 0);
	uint64_t value = 0;

	expect("arena.lookup", raw_map_lookup(fd, &(uint32_t){0}, &value));
	expect("arena.update", raw_map_update(fd, &(uint32_t){0}, &value, BPF_ANY));
	close(fd);
}
END_TEST

TEST(freezing)
{
	char *address, *mapping;
	int frozen = make_arena(&address, 0), fd;

	expect("arena.freeze_first", raw_map_freeze(frozen));
	expect("arena.frozen_writable", try(address, WRITE, frozen));
	expect("arena.frozen_read_only", try(address, READ, frozen));
	fd = make_arena(&address, 0);
	mapping = must_mmap(address, SIZE, WRITE, MAP_SHARED, fd);
	expect("arena.freeze_while_writable", raw_map_freeze(fd));
	munmap(mapping, SIZE);
	expect("arena.freeze_after_writable", raw_map_freeze(fd));
	close(fd);
	close(frozen);
}
END_TEST

TEST(a_read_only_fd_cannot_be_mapped)
{
	struct bpf_map_info info = {0};
	union bpf_attr attr = {0};
	char *address;
	int fd = make_arena(&address, 0), opened;

	expect("arena.rdonly_at_creation", create(PAGES, 0, BPF_F_RDONLY));
	must(raw_info(fd, &info, sizeof(info)));
	attr.map_id = info.id;
	attr.open_flags = BPF_F_RDONLY;
	opened = must(raw_bpf(BPF_MAP_GET_FD_BY_ID, &attr, sizeof(attr)));
	expect("arena.rdonly_fd_writable", try(address, WRITE, opened));
	expect("arena.rdonly_fd_read_only", try(address, READ, opened));
	close(opened);
	close(fd);
}
END_TEST

/* The value of a line of the fd's /proc/self/fdinfo, or "". */
static const char *fdinfo(int fd, const char *name)
{
	static char value[64];
	char path[64], line[128];
	FILE *file;

	snprintf(path, sizeof(path), "/proc/self/fdinfo/%d", fd);
	file = fopen(path, "re");
	ck_assert_ptr_nonnull(file);
	value[0] = '\0';
	while (fgets(line, sizeof(line), file))
		if (!strncmp(line, name, strlen(name)) && line[strlen(name)] == ':')
			sscanf(line + strlen(name) + 1, "%63s", value);
	fclose(file);
	return value;
}

TEST(what_can_be_learned_of_an_arena)
{
	struct bpf_map_info info = {0};
	char *address, *mapping;
	int fd = make_arena(&address, 0);

	mapping = must_mmap(address, SIZE, WRITE, MAP_SHARED, fd);
	memset(mapping, 1, SIZE);
	must(raw_info(fd, &info, sizeof(info)));
	expect("arena.address_in_info", info.map_extra == (uintptr_t)address ? 0 : DIFFERS);
	expect("arena.address_in_fdinfo",
	       strtoull(fdinfo(fd, "map_extra"), NULL, 16) == (uintptr_t)address ? 0 : DIFFERS);
	expect("arena.memlock_in_fdinfo", strtol(fdinfo(fd, "memlock"), NULL, 10));
	munmap(mapping, SIZE);
	close(fd);
}
END_TEST

/* Areas of the kernel's own addresses that belong to arenas; -1 where that is not shown. */
static int kernel_areas(void)
{
	FILE *file = fopen("/proc/vmallocinfo", "re");
	char line[256];
	int count = 0;

	if (!file)
		return -1;
	while (fgets(line, sizeof(line), file)) {
		size_t size;

		if (!strstr(line, "arena_map_alloc") || !strstr(line, " sparse"))
			continue;
		ck_assert_int_eq(sscanf(line, "%*s %zu", &size), 1);
		ck_assert_uint_ge(size, 4 * GIB);
		count++;
	}
	fclose(file);
	return count;
}

TEST(the_area_behind_an_arena)
{
	char *address;
	int fd, before = kernel_areas(), with;

	if (before < 0)
		test_skip("/proc/vmallocinfo can't be read");
	fd = make_arena(&address, 0);
	with = kernel_areas();
	/* only in the emulator is nobody else around who could make arenas meanwhile */
	if (in_emulator())
		ck_assert_int_eq(before, 0);
	expect("arena.in_vmallocinfo", with >= 1 ? 0 : DIFFERS);
	close(fd);
	for (int tries = 0; in_emulator() && kernel_areas() > 0; tries++) {
		ck_assert_int_lt(tries, 600);
		usleep(50000); /* it is given back some time after the last user is gone */
	}
}
END_TEST

static long read_mapping(void *mapping)
{
	return *(volatile char *)mapping == 42 ? 0 : DIFFERS;
}

TEST(fork_and_mappings)
{
	char *address, *mapping;
	int fd = make_arena(&address, 0);

	mapping = must_mmap(address, SIZE, WRITE, MAP_SHARED, fd);
	mapping[0] = 42;
	expect("arena.fork", in_child(read_mapping, mapping));
	munmap(mapping, SIZE);
	close(fd);
}
END_TEST

TEST(a_mapping_stays_whole)
{
	char *address, *mapping, *moved;
	int fd = make_arena(&address, 0);

	mapping = must_mmap(address, SIZE, WRITE, MAP_SHARED, fd);
	moved = mremap(mapping, SIZE, SIZE, MREMAP_MAYMOVE | MREMAP_FIXED, mapping + 64 * PAGE);
	expect("arena.mremap", moved == MAP_FAILED ? -errno : 0);
	if (moved != MAP_FAILED)
		munmap(moved, SIZE);
	else
		munmap(mapping, SIZE);
	mapping = must_mmap(address, SIZE, WRITE, MAP_SHARED, fd);
	expect("arena.partial_munmap", munmap(mapping, PAGE) ? -errno : 0);
	munmap(mapping, SIZE);
	close(fd);
}
END_TEST

TEST(a_mapping_outlives_its_fd)
{
	struct bpf_map_info info = {0};
	char *address, *mapping;
	int fd = make_arena(&address, 0);

	mapping = must_mmap(address, SIZE, WRITE, MAP_SHARED, fd);
	must(raw_info(fd, &info, sizeof(info)));
	close(fd);
	mapping[0] = 42;
	fd = raw_fd_by_id(BPF_MAP_GET_FD_BY_ID, info.id);
	expect("arena.outlives_fd", fd < 0 ? fd : 0);
	munmap(mapping, SIZE);
	close(fd);
}
END_TEST

TEST(segv_on_fault)
{
	char *address, *mapping;
	int fd = make_arena(&address, RAW_F_SEGV_ON_FAULT);

	mapping = must_mmap(address, SIZE, WRITE, MAP_SHARED, fd);
	/* for a child that has a mapping: its own, since fork may not give it one */
	struct visitor visitor = {.fd = fd, .address = address};

	expect("arena.segv_on_fault", in_child(visit, &visitor));
	munmap(mapping, SIZE);
	close(fd);
}
END_TEST
