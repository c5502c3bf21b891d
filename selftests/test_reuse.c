/* SPDX-License-Identifier: BSD-2-Clause */
/* Maps that an object takes on instead of making them: by descriptor, id, pin and name. */
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <mem/migrate.h>

#include "bpffs.h"
#include "contract.h"
#include "harness.h"
#include "plain.skel.h"
#include "rawbpf.h"
#include "region_data.skel.h"
#include "region_named.skel.h"

#define PIN "/sys/fs/bpf/reuse"

static struct region_data *maker, *user;

static void setup(void)
{
	need_bpf();
	maker = assert_ptr(region_data__open());
	assert_ok(region_data__load(maker));
	user = assert_ptr(region_data__open());
}

static void teardown(void)
{
	region_data__destroy(user);
	region_data__destroy(maker);
	maker = user = NULL;
	bpffs_unmount();
}

FIXTURE(setup, teardown)

/* ---- what libbpf does */

static struct bpf_object *libbpf_object(int bss)
{
	struct bpf_object *obj = bpf_object__open_file(build_path("selftests/region_data.bpf.o"), NULL);

	ck_assert_ptr_nonnull(obj);
	if (bss >= 0)
		ck_assert_int_eq(bpf_map__reuse_fd(bpf_object__find_map_by_name(obj, ".bss"), bss), 0);
	ck_assert_int_eq(bpf_object__load(obj), 0);
	return obj;
}

static const uint64_t *libbpf_hits(struct bpf_object *obj)
{
	size_t size;
	const struct region_data__bss *bss;

	bss = bpf_map__initial_value(bpf_object__find_map_by_name(obj, ".bss"), &size);
	return (const uint64_t *)&bss->hits;
}

/*
 * After reuse the application's pointer leads to memory that no program knows, and load returns 0.
 * Since libbpf 1.5, which maps variables at load; before, only skeletons had them mapped.
 */
TEST(libbpf_leaves_a_private_copy_after_reuse)
{
	struct bpf_object *first = libbpf_object(-1), *second;
	LIBBPF_OPTS(bpf_test_run_opts, opts);
	int bss = bpf_map__fd(bpf_object__find_map_by_name(first, ".bss"));

	second = libbpf_object(bss);
	ck_assert_int_eq(bpf_prog_test_run_opts(
		bpf_program__fd(bpf_object__find_program_by_name(second, "change")), &opts), 0);
	if (libbpf_minor_version() >= 5)
		ck_assert_uint_eq(*libbpf_hits(first), 1);
	ck_assert_uint_eq(*libbpf_hits(second), 0); /* the same variable */
	bpf_object__close(second);
	bpf_object__close(first);
}
END_TEST

/* ---- what libmem does */

TEST(variables_are_live_from_the_call_on)
{
	struct region_data before = *user;

	ck_assert_int_eq(run_program(maker->progs.change), 1);
	user->data->counter = 1; /* is dropped */
	assert_ok(mem_map_reuse_fd(user->maps.bss, mem_map_fd(maker->maps.bss)));
	assert_ok(mem_map_reuse_fd(user->maps.data, mem_map_fd(maker->maps.data)));
	ck_assert_uint_eq(user->bss->hits, 1);
	ck_assert_uint_eq(user->data->counter, 43);
	ck_assert_int_eq(mem_map_is_reused(user->maps.data), 1);
	ck_assert_int_eq(mem_map_is_reused(user->maps.table), 0);
	assert_ok(region_data__load(user));
	ck_assert_mem_eq(&before, user, sizeof(before)); /* no pointer has changed */
	ck_assert_uint_eq(user->data->counter, 43);
	user->data->counter = 100;
	ck_assert_int_eq(run_program(maker->progs.change), 2);
	ck_assert_int_eq(run_program(user->progs.change), 3);
	ck_assert_uint_eq(maker->data->counter, 106);
	ck_assert_uint_eq(user->data->counter, 106);
	ck_assert_uint_eq(maker->bss->hits, 3);
	ck_assert_uint_eq(maker->bss->last[2], 106);
	ck_assert_uint_eq(user->arrays.table[1999].count, 1); /* its own */
	ck_assert_int_eq(mem_region_writable(mem_object_find_region(user->obj, "data")), 1);
}
END_TEST

TEST(constants_are_those_of_the_maker)
{
	struct region_data *third = assert_ptr(region_data__open());

	user->rodata->factor = 50;
	assert_ok(region_data__load(user));
	assert_ok(mem_map_reuse(third->maps.rodata, mem_source_id(mem_map_id(user->maps.rodata))));
	ck_assert_uint_eq(third->rodata->factor, 50);
	ck_assert_int_eq(mem_region_writable(mem_object_find_region(third->obj, "rodata")), 0);
	assert_ok(region_data__load(third));
	run_program(third->progs.change);
	ck_assert_uint_eq(third->data->counter, 90);
	region_data__destroy(third);
}
END_TEST

TEST(constants_that_nobody_froze)
{
	int fd = must(raw_map_create(BPF_MAP_TYPE_ARRAY, 4, mem_map_value_size(user->maps.rodata), 1,
				     BPF_F_MMAPABLE | BPF_F_RDONLY_PROG, 0));
	uint32_t value = 9;

	must(raw_map_update(fd, &(uint32_t){0}, &value, 0));
	assert_ok(mem_map_reuse_fd(user->maps.rodata, fd));
	ck_assert_uint_eq(user->rodata->factor, 9);
	value = 10;
	must(raw_map_update(fd, &(uint32_t){0}, &value, 0)); /* still its owner's to change */
	ck_assert_uint_eq(user->rodata->factor, 10);
	assert_ok(region_data__load(user));
	run_program(user->progs.change);
	ck_assert_uint_eq(user->data->counter, 50);
	close(fd);
}
END_TEST

TEST(arrays_and_maps_without_memory)
{
	uint64_t value = 12;

	assert_ok(mem_map_update(maker->maps.hash, &(uint32_t){7}, &value, 0));
	run_program(maker->progs.change);
	assert_ok(mem_map_reuse_fd(user->maps.table, mem_map_fd(maker->maps.table)));
	assert_ok(mem_map_reuse_fd(user->maps.hash, mem_map_fd(maker->maps.hash)));
	ck_assert_uint_eq(user->arrays.table[1999].count, 1);
	value = 0;
	assert_ok(mem_map_lookup(user->maps.hash, &(uint32_t){7}, &value, 0));
	ck_assert_uint_eq(value, 12);
	assert_ok(region_data__load(user));
	run_program(user->progs.change);
	ck_assert_uint_eq(maker->arrays.table[1999].count, 2);
}
END_TEST

TEST(memory_of_a_closed_maker_stays)
{
	assert_ok(mem_map_reuse_fd(user->maps.bss, mem_map_fd(maker->maps.bss)));
	maker->bss->last[3] = 5;
	region_data__destroy(maker);
	maker = NULL;
	ck_assert_uint_eq(user->bss->last[3], 5);
	assert_ok(region_data__load(user));
	run_program(user->progs.change);
	ck_assert_uint_eq(user->bss->hits, 1);
}
END_TEST

TEST(each_difference_is_named)
{
	int fd = must(raw_map_create(BPF_MAP_TYPE_HASH, 8, 16, 5, BPF_F_NO_PREALLOC, 0));

	assert_err(mem_map_reuse_fd(user->maps.table, fd), -EINVAL);
	assert_says("region_data: map 'table' can't be reused");
	assert_says("its type is 1, not 2");
	assert_says("its key size is 8, not 4");
	assert_says("its max_entries is 5, not 2000");
	assert_says("its flags is 0x1, not 0x400");
	ck_assert_ptr_null(strstr(mem_error_message(), "value size")); /* which is the same */
	assert_err(mem_map_reuse_fd(user->maps.bss, mem_map_fd(maker->maps.data)), -EINVAL);
	assert_says("its value size is 24, not 40");
	close(fd);
	/* as if nothing had happened */
	assert_ok(region_data__load(user));
	run_program(user->progs.change);
	ck_assert_uint_eq(user->arrays.table[1999].count, 1);
	ck_assert_uint_eq(maker->arrays.table[1999].count, 0);
}
END_TEST

TEST(what_is_no_map)
{
	int null = open("/dev/null", O_RDWR | O_CLOEXEC);

	assert_err(mem_map_reuse_fd(user->maps.bss, null), -EINVAL);
	assert_says("it is not a BPF map");
	close(null);
	assert_err(mem_map_reuse_fd(user->maps.bss, null), -EBADF);
	assert_err(mem_map_reuse_fd(user->maps.bss, -1), -EBADF);
	assert_err(mem_map_reuse_fd(user->maps.bss, mem_prog_fd(maker->progs.change)), -EINVAL);
	assert_says("it is not a BPF map");
	assert_err(mem_map_reuse(user->maps.bss, mem_source_id(0x7fffffff)), -ENOENT);
	assert_says("can't open map id 2147483647: there is none");
	assert_err(mem_map_reuse(user->maps.bss, mem_source_socket(0)), -EINVAL);
	assert_says("what comes over a socket can be attached to, and nothing else");
	assert_err(mem_map_reuse(user->maps.bss, mem_source_pin("/nowhere/at/all")), -ENOENT);
	assert_err(mem_map_reuse(user->maps.bss, mem_source_pin(NULL)), -EINVAL);
	assert_err(mem_map_reuse(user->maps.bss, (struct mem_source){.kind = 77}), -EINVAL);
	assert_says("77");
}
END_TEST

TEST(too_late)
{
	int bss = mem_map_fd(maker->maps.bss);

	assert_ok(mem_map_reuse_fd(user->maps.bss, bss));
	assert_err(mem_map_reuse_fd(user->maps.bss, bss), -EBUSY);
	assert_err(mem_map_pin_path_set(user->maps.bss, PIN), -EBUSY);
	assert_ok(mem_map_reuse_fd(user->maps.table, mem_map_fd(maker->maps.table)));
	assert_err(mem_map_max_entries_set(user->maps.table, 7), -EBUSY);
	assert_ok(region_data__prepare(user));
	assert_err(mem_map_reuse_fd(user->maps.data, bss), -EBUSY);
	assert_err(mem_map_pin_path_set(user->maps.data, PIN), -EBUSY);
}
END_TEST

TEST(a_descriptor_for_reading_only_is_refused_with_the_reason)
{
	union bpf_attr attr = {.map_id = mem_map_id(maker->maps.bss), .open_flags = BPF_F_RDONLY};
	int fd = must(raw_bpf(BPF_MAP_GET_FD_BY_ID, &attr, sizeof(attr)));

	ck_assert_int_lt(mem_map_reuse_fd(user->maps.bss, fd), 0);
	assert_says("BPF_F_RDONLY");
	close(fd);
	user->bss->hits = 3;
	assert_ok(region_data__load(user));
	ck_assert_uint_eq(user->bss->hits, 3);
}
END_TEST

TEST(what_only_programs_write_is_read_only_for_all_who_reuse_it)
{
	struct region_data *third = assert_ptr(region_data__open());

	user->bss->last[1] = 8;
	user->arrays.table[7].sum = 9;
	assert_ok(mem_region_readonly_set(mem_object_find_region(user->obj, "bss"), 1));
	assert_ok(mem_region_readonly_set(mem_object_find_region(user->obj, "table"), 1));
	assert_err(mem_region_readonly_set(mem_object_find_region(user->obj, "rodata"), 1), -EINVAL);
	assert_ok(region_data__load(user));
	ck_assert_uint_eq(user->bss->last[1], 8);
	ck_assert_uint_eq(user->arrays.table[7].sum, 9);
	assert_err(mem_region_readonly_set(mem_object_find_region(user->obj, "bss"), 0), -EBUSY);
	assert_ok(mem_map_reuse_fd(third->maps.bss, mem_map_fd(user->maps.bss)));
	assert_ok(mem_map_reuse_fd(third->maps.table, mem_map_fd(user->maps.table)));
	ck_assert_int_eq(mem_region_writable(mem_object_find_region(third->obj, "bss")), 0);
	ck_assert_int_eq(mem_region_writable(mem_object_find_region(user->obj, "bss")), 0);
	ck_assert_int_eq(mem_region_writable(mem_object_find_region(user->obj, "data")), 1);
	run_program(user->progs.change);
	ck_assert_uint_eq(third->bss->hits, 1);
	ck_assert_uint_eq(third->arrays.table[1999].count, 1);
	ck_assert_int_eq(mprotect(third->bss, PAGE, PROT_READ | PROT_WRITE), -1);
	region_data__destroy(third);
}
END_TEST

TEST(an_array_may_have_no_memory)
{
	struct mem_region *table = mem_object_find_region(user->obj, "table");

	assert_err(mem_region_leave_unmapped(mem_object_find_region(user->obj, "bss")), -EINVAL);
	assert_ok(mem_region_leave_unmapped(table));
	ck_assert_ptr_null(user->arrays.table);
	assert_ok(mem_map_max_entries_set(user->maps.table, 3000));
	ck_assert_ptr_null(user->arrays.table);
	assert_ok(region_data__load(user));
	ck_assert_ptr_null(mem_region_data(table, NULL));
	run_program(user->progs.change);
	assert_err(mem_region_leave_unmapped(table), -EBUSY);
}
END_TEST

TEST(an_array_without_memory_may_be_read_only)
{
	struct mem_region *table = mem_object_find_region(user->obj, "table");
	struct region_data *third = assert_ptr(region_data__open());
	char element[16] = {1};
	int fd;

	assert_ok(mem_region_readonly_set(table, 1));
	assert_ok(mem_region_leave_unmapped(table));
	assert_ok(region_data__load(user));
	fd = mem_map_fd(user->maps.table);
	ck_assert_ptr_eq(mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0), MAP_FAILED);
	assert_err(mem_map_update(user->maps.table, &(uint32_t){0}, element, 0), -EPERM);
	assert_err(mem_region_migrate(table, mem_source_fd(mem_map_fd(maker->maps.table)), NULL), -EACCES);
	assert_ok(mem_map_reuse_fd(third->maps.table, fd));
	ck_assert_int_eq(mem_region_writable(mem_object_find_region(third->obj, "table")), 0);
	run_program(user->progs.change);
	ck_assert_uint_eq(third->arrays.table[1999].count, 1);
	region_data__destroy(third);
}
END_TEST

/* ---- by name */

TEST(objects_share_by_pin_path)
{
	struct region_data *third = assert_ptr(region_data__open());

	bpffs_mount();
	ck_assert_ptr_null(mem_map_pin_path(user->maps.bss));
	assert_ok(mem_map_pin_path_set(user->maps.bss, PIN "/deep/bss"));
	assert_ok(mem_map_pin_path_set(third->maps.bss, PIN "/deep/bss"));
	ck_assert_str_eq(mem_map_pin_path(third->maps.bss), PIN "/deep/bss");
	user->bss->last[2] = 22;
	third->bss->last[2] = 33;
	assert_ok(region_data__load(user));
	ck_assert_int_eq(mem_map_is_reused(user->maps.bss), 0);
	assert_ok(region_data__load(third));
	ck_assert_int_eq(mem_map_is_reused(third->maps.bss), 1);
	ck_assert_uint_eq(third->bss->last[2], 22);
	ck_assert_int_eq(run_program(user->progs.change), 1);
	ck_assert_int_eq(run_program(third->progs.change), 2);
	ck_assert_uint_eq(user->bss->hits, 2);
	ck_assert_uint_eq(third->bss->hits, 2);
	region_data__destroy(third);
	/* the pin outlives the objects */
	region_data__destroy(user);
	user = assert_ptr(region_data__open());
	assert_ok(mem_map_reuse(user->maps.bss, mem_source_pin(PIN "/deep/bss")));
	ck_assert_uint_eq(user->bss->hits, 2);
}
END_TEST

TEST(a_pin_that_others_can_write_to_is_not_read_only)
{
	struct mem_region *bss = mem_object_find_region(user->obj, "bss");

	bpffs_mount();
	assert_ok(mem_map_pin(maker->maps.bss, PIN, 0));
	assert_ok(mem_region_readonly_set(bss, 1));
	assert_err(mem_map_reuse(user->maps.bss, mem_source_pin(PIN)), -EINVAL);
	assert_says("region 'bss' is to be read-only");
	assert_ok(mem_map_pin_path_set(user->maps.bss, PIN));
	assert_err(region_data__load(user), -EINVAL);
	assert_says("is not frozen");
	region_data__destroy(user);

	assert_ok(mem_unpin(PIN));
	for (int i = 0; i < 2; i++) {
		user = assert_ptr(region_data__open());
		assert_ok(mem_region_readonly_set(mem_object_find_region(user->obj, "bss"), 1));
		assert_ok(mem_map_pin_path_set(user->maps.bss, PIN));
		assert_ok(region_data__load(user));
		ck_assert_int_eq(mem_map_is_reused(user->maps.bss), i);
		ck_assert_int_eq(run_program(user->progs.change), i + 1);
		ck_assert_uint_eq(user->bss->hits, (uint64_t)i + 1);
		ck_assert_int_eq(mem_region_writable(mem_object_find_region(user->obj, "bss")), 0);
		region_data__destroy(user);
	}
	user = NULL;
}
END_TEST

TEST(objects_share_by_declaration)
{
	struct mem_open_opts opts = {.sz = sizeof(opts), .pin_dir = "/sys/fs/bpf/other"};
	struct region_named *first, *second, *apart;

	bpffs_mount();
	first = assert_ptr(region_named__open_and_load());
	ck_assert_str_eq(mem_map_pin_path(first->maps.common), "/sys/fs/bpf/common");
	second = assert_ptr(region_named__open_and_load());
	apart = assert_ptr(region_named__open_opts(&opts));
	assert_ok(region_named__load(apart));
	ck_assert_int_eq(run_program(first->progs.bump), 1);
	ck_assert_int_eq(run_program(second->progs.bump), 2);
	ck_assert_int_eq(run_program(apart->progs.bump), 1);
	ck_assert_uint_eq(first->arrays.common[3], 2);
	ck_assert_uint_eq(second->arrays.common[3], 2);
	ck_assert_uint_eq(apart->arrays.common[3], 1);
	ck_assert_uint_eq(second->bss->own, 1);
	ck_assert_int_eq(access("/sys/fs/bpf/common", F_OK), 0);
	ck_assert_int_eq(access("/sys/fs/bpf/other/common", F_OK), 0);
	region_named__destroy(first);
	region_named__destroy(second);
	region_named__destroy(apart);
}
END_TEST

TEST(a_pin_of_another_kind_is_refused)
{
	bpffs_mount();
	assert_ok(mem_map_pin(maker->maps.hash, PIN, 0));
	assert_ok(mem_map_pin_path_set(user->maps.bss, PIN));
	assert_err(region_data__load(user), -EINVAL);
	assert_says("its type is 1, not 2");
	ck_assert_int_eq(access(PIN, F_OK), 0);
}
END_TEST

TEST(an_object_that_fails_leaves_no_pin)
{
	bpffs_mount();
	assert_ok(mem_map_pin(maker->maps.hash, PIN, 0));
	assert_ok(mem_map_pin_path_set(user->maps.bss, PIN "-mine"));
	assert_ok(mem_map_pin_path_set(user->maps.table, PIN "/not-a-folder"));
	ck_assert_int_lt(region_data__load(user), 0);
	ck_assert_int_eq(access(PIN "-mine", F_OK), -1);
	ck_assert_int_eq(access(PIN, F_OK), 0);
}
END_TEST

TEST(without_a_bpf_file_system_the_mount_command_is_told)
{
	assert_ok(mem_map_pin_path_set(user->maps.bss, "/tmp/libmem-no-bpffs/x"));
	assert_err(region_data__load(user), -EPERM);
	assert_says("'/tmp' is not in a BPF file system; mount one and give a path in it: mount -t bpf bpf /sys/fs/bpf");
	ck_assert_int_eq(access("/tmp/libmem-no-bpffs", F_OK), -1);
}
END_TEST

/* Called when one map is found at its pin: another process now pins one that was not there. */
static void be_faster(void *ctx, enum mem_log_level level, const char *text)
{
	(void)level;
	if (strstr(text, "uses map id") && access(PIN "-inner", F_OK))
		assert_ok(mem_map_pin(ctx, PIN "-inner", 0));
}

TEST(maps_hold_the_map_of_who_was_faster)
{
	struct plain *first = assert_ptr(plain__open()), *second = assert_ptr(plain__open());
	uint32_t inner = 0;

	bpffs_mount();
	assert_ok(plain__prepare(first));
	assert_ok(mem_map_pin(first->maps.jumps, PIN "-jumps", 0));
	assert_ok(mem_map_pin_path_set(second->maps.inner_one, PIN "-inner"));
	assert_ok(mem_map_pin_path_set(second->maps.jumps, PIN "-jumps"));
	mem_log_set(MEM_LOG_INFO, be_faster, first->maps.inner_one);
	assert_ok(plain__prepare(second));
	mem_log_set(MEM_LOG_SILENT, NULL, NULL);
	ck_assert_int_eq(mem_map_is_reused(second->maps.inner_one), 1);
	assert_ok(mem_map_lookup(second->maps.outer, &(uint32_t){2}, &inner, 0));
	ck_assert_uint_eq(inner, mem_map_id(first->maps.inner_one));
	ck_assert_uint_eq(inner, mem_map_id(second->maps.inner_one));
	plain__destroy(second);
	plain__destroy(first);
}
END_TEST

/* Each adds its bit to what it finds. */
static int join(unsigned int number)
{
	struct region_data *skel = region_data__open();
	int err;

	if (!skel || mem_map_pin_path_set(skel->maps.bss, PIN))
		return 1;
	err = region_data__prepare(skel);
	if (!err)
		__atomic_fetch_or(&skel->bss->last[0], 1ULL << number, __ATOMIC_RELAXED);
	else
		fprintf(stderr, "%s\n", mem_error_message());
	region_data__destroy(skel);
	return err ? 1 : 0;
}

TEST(all_who_start_at_once_have_the_same_memory, .timeout = 60)
{
	enum { PROCESSES = 12 };
	pid_t children[PROCESSES];

	bpffs_mount();
	for (int round = 0; round < 10; round++) {
		struct region_data *skel = assert_ptr(region_data__open());
		int status;

		for (unsigned int i = 0; i < PROCESSES; i++) {
			children[i] = fork();
			if (!children[i])
				_exit(join(i));
		}
		for (unsigned int i = 0; i < PROCESSES; i++) {
			ck_assert_int_eq(waitpid(children[i], &status, 0), children[i]);
			ck_assert_int_eq(status, 0);
		}
		assert_ok(mem_map_reuse(skel->maps.bss, mem_source_pin(PIN)));
		ck_assert_uint_eq(skel->bss->last[0], (1 << PROCESSES) - 1);
		region_data__destroy(skel);
		assert_ok(mem_unpin(PIN));
	}
}
END_TEST
