/* SPDX-License-Identifier: BSD-2-Clause */
/* Pins: made whole, with their mode, in place of older ones; removed and listed. */
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "bpffs.h"
#include "contract.h"
#include "harness.h"
#include "rawbpf.h"
#include "region_data.skel.h"

#define ROOT "/sys/fs/bpf/"

static struct region_data *skel;
static struct mem_region *bss;

static void setup(void)
{
	need_bpf();
	bpffs_mount();
	skel = assert_ptr(region_data__open());
	bss = assert_ptr(mem_object_find_region(skel->obj, "bss"));
}

static void teardown(void)
{
	region_data__destroy(skel);
	skel = NULL;
	bpffs_unmount();
}

FIXTURE(setup, teardown)

TEST(a_pin_is_for_its_owner_unless_told_otherwise)
{
	mode_t before = umask(0);

	assert_err(mem_region_pin(bss, ROOT "x", 0), -EBADF);
	assert_ok(region_data__prepare(skel));
	assert_ok(mem_region_pin(bss, ROOT "x", 0));
	ck_assert_uint_eq(bpffs_mode_at(ROOT "x"), 0600);
	ck_assert_uint_eq(bpffs_id_at(ROOT "x"), mem_map_id(skel->maps.bss));
	assert_ok(mem_region_pin(bss, ROOT "x", 0666));
	ck_assert_uint_eq(bpffs_mode_at(ROOT "x"), 0666);
	umask(0777); /* which is not the pin's */
	assert_ok(mem_map_pin(skel->maps.hash, ROOT "y", 0640));
	ck_assert_uint_eq(bpffs_mode_at(ROOT "y"), 0640);
	umask(before);
}
END_TEST

TEST(folders_are_made_for_the_owner)
{
	assert_ok(region_data__prepare(skel));
	assert_ok(mem_region_pin(bss, ROOT "a/b/c/x", 0));
	ck_assert_uint_eq(bpffs_mode_at(ROOT "a"), 0700);
	ck_assert_uint_eq(bpffs_mode_at(ROOT "a/b/c"), 0700);
	ck_assert_int_eq(chmod(ROOT "a", 0755), 0);
	assert_ok(mem_region_pin(bss, ROOT "a//b/c/../y", 0));
	ck_assert_uint_eq(bpffs_mode_at(ROOT "a"), 0755);
	ck_assert_int_eq(access(ROOT "a/b/y", F_OK), 0);
	assert_err(mem_region_pin(bss, ROOT "a/b/y/z", 0), -ENOTDIR);
	ck_assert_ptr_null(mem_region_attach(NULL, NULL, mem_source_pin(ROOT "a/b"), NULL));
	ck_assert_int_eq(errno, EACCES);
	assert_says("it is a folder");
}
END_TEST

TEST(what_is_there_is_replaced_and_lives_on_for_those_who_have_it)
{
	struct region_data *newer = assert_ptr(region_data__open());
	struct mem_region *reader;
	const struct region_data__bss *vars;

	assert_ok(region_data__prepare(skel));
	assert_ok(region_data__prepare(newer));
	skel->bss->hits = 1;
	newer->bss->hits = 2;
	assert_ok(mem_region_pin(bss, ROOT "x", 0));
	reader = assert_ptr(mem_region_attach(region_data__image(), "bss", mem_source_pin(ROOT "x"), NULL));
	vars = mem_region_variables(reader, NULL);
	assert_ok(mem_map_pin(newer->maps.bss, ROOT "x", 0));
	ck_assert_uint_eq(vars->hits, 1);
	mem_region_detach(reader);
	reader = assert_ptr(mem_region_attach(region_data__image(), "bss", mem_source_pin(ROOT "x"), NULL));
	vars = mem_region_variables(reader, NULL);
	ck_assert_uint_eq(vars->hits, 2);
	mem_region_detach(reader);
	region_data__destroy(newer);
}
END_TEST

/* Swap two maps at one path until told to stop. */
static void keep_swapping(int stop)
{
	char byte;

	while (read(stop, &byte, 1) < 0) {
		if (mem_region_pin(bss, ROOT "x", 0600) || mem_map_pin(skel->maps.data, ROOT "x", 0660))
			_exit(1);
	}
	_exit(0);
}

TEST(the_path_is_never_without_a_pin)
{
	int channel[2], status;
	pid_t child;

	assert_ok(region_data__prepare(skel));
	assert_ok(mem_region_pin(bss, ROOT "x", 0));
	ck_assert_int_eq(pipe2(channel, O_NONBLOCK), 0);
	child = fork();
	if (!child)
		keep_swapping((close(channel[1]), channel[0]));
	for (int i = 0; i < 3000; i++) {
		union bpf_attr attr = {.pathname = (uintptr_t)ROOT "x"};
		long fd = raw_bpf(BPF_OBJ_GET, &attr, sizeof(attr));

		ck_assert_int_ge(fd, 0);
		close((int)fd);
	}
	close(channel[1]);
	ck_assert_int_eq(waitpid(child, &status, 0), child);
	ck_assert_int_eq(status, 0);
	close(channel[0]);
}
END_TEST

TEST(what_can_not_be_a_pin)
{
	char path[5000];

	assert_ok(region_data__prepare(skel));
	assert_err(mem_region_pin(bss, ROOT "with.dot", 0), -EPERM);
	assert_says("names in a BPF file system have no '.'");
	assert_err(mem_region_pin(bss, "/tmp/x", 0), -EPERM);
	assert_says("'/tmp' is not in a BPF file system; mount one and give a path in it: mount -t bpf bpf /sys/fs/bpf");
	assert_err(mem_region_pin(bss, "/tmp/libmem-none/y/x", 0), -EPERM);
	ck_assert_int_eq(access("/tmp/libmem-none", F_OK), -1);
	assert_err(mem_region_pin(bss, "", 0), -EINVAL);
	assert_err(mem_region_pin(bss, NULL, 0), -EINVAL);
	assert_err(mem_region_pin(bss, ROOT "x", 0100600), -EINVAL);
	memset(path, 'x', sizeof(path));
	path[sizeof(path) - 1] = '\0';
	assert_err(mem_region_pin(bss, path, 0), -ENAMETOOLONG);
}
END_TEST

TEST(unpinning)
{
	assert_ok(region_data__prepare(skel));
	assert_ok(mem_region_pin(bss, ROOT "a/x", 0));
	assert_ok(mem_unpin(ROOT "a/x"));
	ck_assert_int_eq(access(ROOT "a/x", F_OK), -1);
	assert_err(mem_unpin(ROOT "a/x"), -ENOENT);
	assert_err(mem_unpin(ROOT "a"), -EINVAL);
	assert_err(mem_unpin("/etc/passwd"), -EINVAL);
	assert_says("not in a BPF file system");
	ck_assert_int_eq(access("/etc/passwd", F_OK), 0);
	assert_err(mem_unpin(NULL), -EINVAL);
	skel->bss->hits = 1; /* the memory is not the pin's */
}
END_TEST

/* What a list said, and when to stop. */
struct list {
	char text[512];
	int left;
};

static int note(void *ctx, const struct mem_pin_info *pin)
{
	struct list *list = ctx;
	size_t len = strlen(list->text);

	snprintf(list->text + len, sizeof(list->text) - len, "%s %u %#o %s\n", pin->path, pin->type,
		 pin->mode, pin->id ? pin->name : "-");
	return --list->left ? 0 : 42;
}

TEST(listing)
{
	union bpf_attr attr = {.pathname = (uintptr_t)ROOT "program"};
	struct list list = {.left = -1};

	assert_ok(region_data__load(skel));
	assert_ok(mem_map_pin(skel->maps.hash, ROOT "z", 0));
	assert_ok(mem_map_pin(skel->maps.table, ROOT "a/table", 0666));
	assert_ok(mem_region_pin(bss, ROOT "a/b/bss", 0666)); /* and its schema, which is no pin to anybody */
	ck_assert_int_eq(access(ROOT "a/b/bss~schema", F_OK), 0);
	assert_ok(mem_map_pin(skel->maps.hash, ROOT "own~schema", 0)); /* the application's */
	attr.bpf_fd = (uint32_t)mem_prog_fd(skel->progs.change);
	must(raw_bpf(BPF_OBJ_PIN, &attr, sizeof(attr)));
	assert_ok(mem_pin_list(NULL, note, &list));
	ck_assert_str_eq(list.text, ROOT "a/b/bss 2 0666 region_d.bss\n" ROOT "a/table 2 0666 table\n"
			 ROOT "own~schema 1 0600 hash\n" ROOT "z 1 0600 hash\n");
	list = (struct list){.left = 2};
	ck_assert_int_eq(mem_pin_list("/sys/fs/bpf/a", note, &list), 42);
	assert_err(mem_pin_list("/tmp", note, &list), -EINVAL);
	assert_says("mount -t bpf");
	assert_err(mem_pin_list("/nowhere", note, &list), -ENOENT);
}
END_TEST

static long nobody_reads(void *path)
{
	struct mem_attach_opts opts = {.sz = sizeof(opts), .writable = 1};
	const struct region_data__bss *vars;
	struct mem_region *region;
	char *name = path;

	drop_privileges();
	if (mem_region_attach(region_data__image(), "bss", mem_source_pin(ROOT "private"), NULL) ||
	    errno != EACCES)
		return 1;
	if (mem_region_attach(region_data__image(), "bss", mem_source_pin(name), &opts) || errno != EPERM)
		return 2;
	region = mem_region_attach(region_data__image(), "bss", mem_source_pin(name), NULL);
	if (!region) {
		fprintf(stderr, "%s\n", mem_error_message());
		return 3;
	}
	vars = mem_region_variables(region, NULL);
	if (vars->last[1] != 11 || mem_region_writable(region))
		return 4;
	mem_region_detach(region);
	return 0;
}

TEST(anybody_reads_what_is_pinned_for_reading)
{
	assert_ok(mem_region_readonly_set(bss, 1));
	skel->bss->last[1] = 11;
	assert_ok(region_data__prepare(skel));
	assert_ok(mem_region_pin(bss, ROOT "public", 0666));
	assert_ok(mem_region_pin(bss, ROOT "private", 0));
	ck_assert_int_eq(in_child(nobody_reads, ROOT "public"), 0);
}
END_TEST
