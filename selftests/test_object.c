/* SPDX-License-Identifier: BSD-2-Clause */
/* The life of an object: phases, maps, programs run on request, closing at any point. */
#include <errno.h>
#include <linux/bpf.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "harness.h"
#include "plain.skel.h"

FIXTURE(need_bpf, NULL)

static uint32_t run(const struct mem_prog *prog)
{
	char packet[64] = { 0 };
	struct mem_run_opts opts = { .sz = sizeof(opts) };

	if (mem_prog_type(prog) == BPF_PROG_TYPE_XDP) {
		opts.data_in = packet;
		opts.data_size_in = sizeof(packet);
	}
	assert_ok(mem_prog_run(prog, &opts));
	return opts.retval;
}

TEST(close_after_open)
{
	plain__destroy(assert_ptr(plain__open()));
}
END_TEST

TEST(close_after_prepare)
{
	struct plain *skel = assert_ptr(plain__open());

	assert_ok(plain__prepare(skel));
	ck_assert_int_gt(mem_map_fd(skel->maps.lru), 2);
	ck_assert_int_eq(mem_prog_fd(skel->progs.calls), -EBADF);
	plain__destroy(skel);
}
END_TEST

TEST(close_after_load)
{
	plain__destroy(assert_ptr(plain__open_and_load()));
}
END_TEST

TEST(close_after_attach)
{
	struct plain *skel = assert_ptr(plain__open_and_load());

	assert_ok(plain__attach(skel));
	getppid();
	ck_assert_uint_gt(skel->bss->hits, 0);
	plain__destroy(skel);
}
END_TEST

TEST(close_of_nothing)
{
	plain__destroy(NULL);
	mem_object_close(NULL);
	mem_link_destroy(NULL);
}
END_TEST

TEST(phases_come_once)
{
	struct plain *skel = assert_ptr(plain__open());

	assert_err(plain__attach(skel), -EBADF);
	assert_ok(plain__prepare(skel));
	assert_err(plain__prepare(skel), -EALREADY);
	assert_err(plain__attach(skel), -EBADF);
	assert_ok(plain__load(skel));
	assert_err(plain__load(skel), -EALREADY);
	assert_err(plain__prepare(skel), -EALREADY);
	/* a refused call changes nothing */
	ck_assert_uint_eq(run(skel->progs.calls), 10);
	plain__destroy(skel);
}
END_TEST

static void call(void)
{
	getppid();
}

TEST(attach_again_after_detach, .timeout = 90)
{
	struct plain *skel = assert_ptr(plain__open_and_load());
	uint64_t seen;

	assert_ok(plain__attach(skel));
	ck_assert_ptr_nonnull(skel->links.on_enter);
	ck_assert_ptr_nonnull(skel->links.on_exit);
	ck_assert_ptr_null(skel->links.target);
	getppid();
	plain__detach(skel);
	ck_assert_ptr_null(skel->links.on_enter);
	ck_assert_uint_gt(skel->bss->hits, 0);
	ck_assert(comes_to_rest(&skel->bss->hits, call));
	seen = skel->bss->hits;
	assert_ok(plain__attach(skel));
	getppid();
	ck_assert_uint_gt(skel->bss->hits, seen);
	plain__destroy(skel);
}
END_TEST

TEST(two_objects_of_one_image_share_nothing)
{
	struct plain *a = assert_ptr(plain__open()), *b = assert_ptr(plain__open());

	a->rodata->step = 5;
	assert_ok(plain__load(a));
	assert_ok(plain__load(b));
	ck_assert_ptr_ne(a->bss, b->bss);
	run(a->progs.calls);
	ck_assert_uint_eq(a->bss->hits, 50);
	ck_assert_uint_eq(b->bss->hits, 0);
	run(b->progs.calls);
	ck_assert_uint_eq(b->bss->hits, 10);
	plain__destroy(a);
	run(b->progs.calls);
	ck_assert_uint_eq(b->bss->hits, 20);
	plain__destroy(b);
}
END_TEST

TEST(sub_programs_callbacks_and_strings)
{
	struct plain *skel = assert_ptr(plain__open_and_load());

	ck_assert_uint_eq(run(skel->progs.calls), 0 + 1 + 2 + 3 + 4);
	ck_assert_uint_eq(skel->bss->hits, 10);
	plain__destroy(skel);
}
END_TEST

TEST(array_of_small_values_is_indexed_by_its_stride)
{
	struct plain *skel = assert_ptr(plain__open_and_load());
	struct mem_region *small = assert_ptr(mem_object_find_region(skel->obj, "small"));
	const char *base = mem_region_data(small, NULL);
	uint32_t key = 1, value = 0;

	ck_assert_uint_eq(mem_region_stride(small), 8);
	run(skel->progs.calls);
	run(skel->progs.calls);
	ck_assert_uint_eq(*(const uint32_t *)(base + 8), 2);
	assert_ok(mem_map_lookup(skel->maps.small, &key, &value, 0));
	ck_assert_uint_eq(value, 2);
	plain__destroy(skel);
}
END_TEST

TEST(maps_and_programs_in_maps_are_filled_in)
{
	struct plain *skel = assert_ptr(plain__open_and_load());
	uint32_t key = 0, value = 4711;

	assert_ok(mem_map_update(skel->maps.inner_one, &key, &value, 0));
	ck_assert_uint_eq(run(skel->progs.inner_lookup), 4711);
	ck_assert_uint_eq(run(skel->progs.jump), 77);
	plain__destroy(skel);
}
END_TEST

TEST(elements_by_system_call)
{
	struct plain *skel = assert_ptr(plain__open());
	uint32_t key = 3, next;
	uint64_t value = 33;

	assert_err(mem_map_update(skel->maps.lru, &key, &value, 0), -EBADF);
	assert_ok(plain__prepare(skel));
	assert_ok(mem_map_update(skel->maps.lru, &key, &value, BPF_NOEXIST));
	assert_err(mem_map_update(skel->maps.lru, &key, &value, BPF_NOEXIST), -EEXIST);
	value = 0;
	assert_ok(mem_map_lookup(skel->maps.lru, &key, &value, 0));
	ck_assert_uint_eq(value, 33);
	assert_ok(mem_map_next_key(skel->maps.lru, NULL, &next));
	ck_assert_uint_eq(next, 3);
	ck_assert_int_eq(mem_map_next_key(skel->maps.lru, &key, &next), -ENOENT);
	assert_ok(mem_map_delete(skel->maps.lru, &key));
	ck_assert_int_eq(mem_map_lookup(skel->maps.lru, &key, &value, 0), -ENOENT);
	key = mem_map_max_entries(skel->maps.inner_one);
	assert_err(mem_map_update(skel->maps.inner_one, &key, &value, 0), -E2BIG);
	ck_assert_ptr_nonnull(strstr(mem_error_message(), "map 'inner_one': can't update an element: no more than "));
	plain__destroy(skel);
}
END_TEST

TEST(properties_of_maps)
{
	struct plain *skel = assert_ptr(plain__open());
	uint32_t count = 0;

	ck_assert_str_eq(mem_map_name(skel->maps.lru), "lru");
	ck_assert_uint_eq(mem_map_type(skel->maps.lru), BPF_MAP_TYPE_LRU_HASH);
	ck_assert_uint_eq(mem_map_key_size(skel->maps.lru), 4);
	ck_assert_uint_eq(mem_map_value_size(skel->maps.lru), 8);
	ck_assert_uint_eq(mem_map_max_entries(skel->maps.lru), 8);
	ck_assert_ptr_eq(mem_object_find_map(skel->obj, "lru"), skel->maps.lru);
	ck_assert_ptr_eq(mem_object_find_map(skel->obj, ".bss"), skel->maps.bss);
	ck_assert_ptr_null(mem_object_find_map(skel->obj, "nope"));
	ck_assert_int_eq(errno, ENOENT);
	for (struct mem_map *map = NULL; (map = mem_object_next_map(skel->obj, map));)
		count++;
	ck_assert_uint_ge(count, 9);
	assert_ok(mem_map_max_entries_set(skel->maps.lru, 100));
	assert_ok(plain__prepare(skel));
	ck_assert_uint_eq(mem_map_max_entries(skel->maps.lru), 100);
	ck_assert_uint_ge(mem_map_max_entries(skel->maps.events), 1); /* one per CPU */
	plain__destroy(skel);
}
END_TEST

TEST(programs_are_left_out_on_request)
{
	struct plain *skel = assert_ptr(plain__open());

	ck_assert_int_eq(mem_prog_autoload(skel->progs.switched_off), 0);
	assert_ok(mem_prog_autoload_set(skel->progs.on_enter, 0));
	assert_ok(mem_prog_autoload_set(skel->progs.target, 0)); /* named by a program array */
	assert_ok(plain__load(skel));
	ck_assert_int_eq(mem_prog_fd(skel->progs.switched_off), -EBADF);
	ck_assert_int_eq(mem_prog_fd(skel->progs.on_enter), -EBADF);
	ck_assert_uint_eq(run(skel->progs.jump), 1);
	assert_err(mem_prog_autoload_set(skel->progs.on_enter, 1), -EBUSY);
	assert_ok(plain__attach(skel));
	ck_assert_ptr_null(skel->links.on_enter);
	ck_assert_ptr_nonnull(skel->links.on_exit);
	ck_assert_ptr_null(mem_prog_attach(skel->progs.on_enter));
	ck_assert_int_eq(errno, EBADF);
	plain__destroy(skel);
}
END_TEST

/* Pages that are resident at the application's side. */
static size_t resident(const void *from, size_t size)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE), pages = size / page, count = 0;
	unsigned char present[4096];

	for (size_t done = 0; done < pages; done += sizeof(present)) {
		size_t batch = pages - done < sizeof(present) ? pages - done : sizeof(present);

		ck_assert_int_eq(mincore((char *)from + done * page, batch * page, present), 0);
		for (size_t i = 0; i < batch; i++)
			count += present[i] & 1;
	}
	return count;
}

TEST(an_empty_region_is_not_touched)
{
	struct plain *skel = assert_ptr(plain__open());
	size_t size = 0, page = (size_t)sysconf(_SC_PAGESIZE);
	struct mem_region *bss = assert_ptr(mem_object_find_region(skel->obj, "bss"));
	char *base = mem_region_data(bss, &size);

	ck_assert_uint_ge(size, sizeof(skel->bss->large));
	ck_assert_uint_eq(resident(base, size / page * page), 0);
	skel->bss->large[1 << 20] = 5; /* one page in the middle */
	assert_ok(plain__load(skel));
	ck_assert_uint_eq(skel->bss->large[1 << 20], 5);
	ck_assert_uint_eq(skel->bss->large[(1 << 20) + 1], 0);
	plain__destroy(skel);
}
END_TEST

TEST(options_of_another_version)
{
	struct {
		struct mem_open_opts known;
		size_t unknown;
	} opts = { .known = { .sz = sizeof(opts), .name = "renamed" } };
	struct plain *skel;

	skel = assert_ptr(plain__open_opts(&opts.known));
	ck_assert_str_eq(mem_object_name(skel->obj), "renamed");
	plain__destroy(skel);

	opts.unknown = 1;
	ck_assert_ptr_null(plain__open_opts(&opts.known));
	ck_assert_int_eq(errno, ENOTSUP);
	opts.known.sz = 3;
	ck_assert_ptr_null(plain__open_opts(&opts.known));
	ck_assert_int_eq(errno, EINVAL);
}
END_TEST
