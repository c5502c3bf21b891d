/* SPDX-License-Identifier: BSD-2-Clause */
/* Map names, which the kernel cuts to 15 characters, still tell maps apart. */
#include <linux/bpf.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "harness.h"
#include "map_names.skel.h"

/* The name as the kernel has it, and bpftool shows it. */
static const char *kernel_name(const struct mem_map *map)
{
	static struct bpf_map_info info;
	union bpf_attr attr;

	memset(&info, 0, sizeof(info));
	memset(&attr, 0, sizeof(attr));
	attr.info.bpf_fd = (uint32_t)mem_map_fd(map);
	attr.info.info_len = sizeof(info);
	attr.info.info = (uint64_t)(uintptr_t)&info;
	ck_assert_int_eq(syscall(SYS_bpf, BPF_OBJ_GET_INFO_BY_FD, &attr, sizeof(attr)), 0);
	return info.name;
}

TEST(names_that_are_cut_stay_apart)
{
	struct map_names *skel;

	need_bpf();
	skel = assert_ptr(map_names__open_and_load());
	ck_assert_str_eq(kernel_name(skel->maps.connections_by_pid), "connecti.by_pid");
	ck_assert_str_eq(kernel_name(skel->maps.connections_by_port), "connecti.y_port");
	ck_assert_str_eq(kernel_name(skel->maps.data_counters_in), ".data.co.ers_in");
	ck_assert_str_eq(kernel_name(skel->maps.data_counters_out), ".data.co.rs_out");
	map_names__destroy(skel);
}
END_TEST

TEST(where_ends_are_alike_a_number_helps)
{
	struct map_names *skel;
	const char *name;

	need_bpf();
	skel = assert_ptr(map_names__open_and_load());
	ck_assert_str_eq(kernel_name(skel->maps.connections_by_first_thing), "connecti._thing");
	name = kernel_name(skel->maps.connections_by_other_thing);
	ck_assert_str_ne(name, "connecti._thing");
	ck_assert_int_eq(strncmp(name, "connecti._thi", 13), 0);
	map_names__destroy(skel);
}
END_TEST

TEST(who_is_alone_is_left_alone)
{
	struct map_names *skel;

	need_bpf();
	skel = assert_ptr(map_names__open_and_load());
	ck_assert_str_eq(kernel_name(skel->maps.tables_of_connections), "tables_of_conne");
	/* the application's names are the source's */
	ck_assert_ptr_eq(mem_object_find_map(skel->obj, "connections_by_port"),
			 skel->maps.connections_by_port);
	map_names__destroy(skel);
}
END_TEST
