/* SPDX-License-Identifier: BSD-2-Clause */
/* Regions over Unix sockets, and everything that is not one. */
#include <errno.h>
#include <fcntl.h>
#include <linux/bpf.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "contract.h"
#include "harness.h"
#include "rawbpf.h"
#include "region_arena.skel.h"
#include "region_data.skel.h"
#include "region_grown.skel.h"

enum { MESSAGE_SIZE = 120, FDS_MAX = 40, PASSPIDFD = 76 /* SO_PASSPIDFD */ };

static struct region_data *skel;
static struct mem_region *bss;
static int sockets[2];

static void setup(void)
{
	need_bpf();
	skel = assert_ptr(region_data__open());
	bss = assert_ptr(mem_object_find_region(skel->obj, "bss"));
	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, sockets), 0);
}

static void teardown(void)
{
	region_data__destroy(skel);
	skel = NULL;
	close(sockets[0]);
	close(sockets[1]);
}

FIXTURE(setup, teardown)

static struct mem_region *receive_bss(void)
{
	return mem_region_receive(sockets[1], region_data__image(), "bss", NULL, NULL, NULL);
}

TEST(a_region_arrives_live_and_read_only)
{
	const struct region_data__bss *vars;
	struct mem_region *region;

	assert_err(mem_region_send(sockets[0], bss), -EBADF);
	assert_ok(region_data__load(skel));
	assert_ok(mem_region_send(sockets[0], bss));
	region = assert_ptr(receive_bss());
	vars = mem_region_variables(region, NULL);
	ck_assert_int_eq(mem_region_writable(region), 0);
	assert_ok(mem_prog_run(skel->progs.change, NULL));
	ck_assert_uint_eq(vars->hits, 1);
	region_data__destroy(skel);
	skel = NULL;
	ck_assert_uint_eq(vars->hits, 1);
	mem_region_detach(region);
}
END_TEST

TEST(the_socket_may_be_a_stream)
{
	struct mem_region *regions[3];
	int stream[2];

	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, stream), 0);
	assert_ok(region_data__prepare(skel));
	for (int i = 0; i < 3; i++)
		assert_ok(mem_region_send(stream[0], bss));
	for (int i = 0; i < 3; i++)
		regions[i] = assert_ptr(mem_region_receive(stream[1], region_data__image(), "bss", NULL,
							   NULL, NULL));
	for (int i = 0; i < 3; i++)
		mem_region_detach(regions[i]);
	/* the other end goes in the middle of a message */
	ck_assert_int_eq(write(stream[0], "libmem-r", 8), 8);
	close(stream[0]);
	ck_assert_ptr_null(mem_region_receive(stream[1], region_data__image(), "bss", NULL, NULL, NULL));
	ck_assert_int_eq(errno, EBADMSG);
	ck_assert_ptr_null(mem_region_receive(stream[1], region_data__image(), "bss", NULL, NULL, NULL));
	ck_assert_int_eq(errno, ECONNRESET);
	assert_err(mem_region_send(stream[1], bss), -EPIPE);
	close(stream[1]);
}
END_TEST

static int only_user(void *uid, int pid, unsigned int peer, unsigned int gid)
{
	(void)gid;
	return pid > 0 && peer == *(unsigned int *)uid ? 0 : -EPERM;
}

TEST(the_peer_is_asked_for_first)
{
	unsigned int me = getuid(), other = me + 1;
	struct mem_region *region;

	assert_ok(region_data__prepare(skel));
	assert_ok(mem_region_send(sockets[0], bss));
	ck_assert_ptr_null(mem_region_receive(sockets[1], region_data__image(), "bss", NULL, only_user,
					      &other));
	ck_assert_int_eq(errno, EPERM);
	assert_says("not to be trusted");
	region = assert_ptr(mem_region_receive(sockets[1], region_data__image(), "bss", NULL, only_user, &me));
	mem_region_detach(region);
}
END_TEST

static long nobody_receives(void *unused)
{
	struct mem_attach_opts writable = {.sz = sizeof(writable), .writable = 1};
	struct mem_region *region;
	const struct region_data__bss *vars;

	(void)unused;
	drop_privileges();
	if (mem_region_receive(sockets[1], region_data__image(), "bss", &writable, NULL, NULL) ||
	    errno != EPERM)
		return 1;
	region = receive_bss();
	if (!region)
		return 2;
	vars = mem_region_variables(region, NULL);
	if (vars->last[2] != 5)
		return 3;
	mem_region_detach(region);
	return 0;
}

TEST(a_user_without_privilege_receives)
{
	skel->bss->last[2] = 5;
	assert_ok(mem_region_readonly_set(bss, 1));
	assert_ok(region_data__prepare(skel));
	assert_ok(mem_region_send(sockets[0], bss));
	assert_ok(mem_region_send(sockets[0], bss));
	ck_assert_int_eq(in_child(nobody_receives, NULL), 0);
}
END_TEST

TEST(another_region_than_expected)
{
	struct mem_region *region;

	assert_ok(region_data__prepare(skel));
	assert_ok(mem_region_send(sockets[0], mem_object_find_region(skel->obj, "data")));
	ck_assert_ptr_null(receive_bss());
	ck_assert_int_eq(errno, EINVAL);
	assert_says("the message has region 'data'");
	/* whoever expects nothing in particular takes it */
	assert_ok(mem_region_send(sockets[0], mem_object_find_region(skel->obj, "table")));
	region = assert_ptr(mem_region_receive(sockets[1], NULL, NULL, NULL, NULL, NULL));
	ck_assert_str_eq(mem_region_name(region), "table");
	ck_assert_uint_eq(mem_region_length(region), 2000);
	mem_region_detach(region);
}
END_TEST

/* An older program, or a newer one, has the same region of another layout: it is told the fields. */
static long nobody_expects_another_layout(void *unused)
{
	struct mem_attach_opts opts = {.sz = sizeof(opts)};
	struct mem_region *region;

	(void)unused;
	drop_privileges();
	if (mem_region_receive(sockets[1], region_grown__image(), "table", NULL, NULL, NULL) || errno != EINVAL)
		return 1;
	if (!strstr(mem_error_message(), "- __u32 count @8\n+ __u64 count @8"))
		return 2;
	/* by the generated function, of the right one */
	if (!region_data__attach_region_table(mem_source_socket(sockets[1]), &opts, &region))
		return 3;
	mem_region_detach(region);
	return 0;
}

TEST(fields_are_compared_without_privilege)
{
	struct mem_region *table = mem_object_find_region(skel->obj, "table"), *copy;
	struct mem_attach_opts trusting = {.sz = sizeof(trusting), .check = only_user};
	unsigned int me = getuid(), other = me + 1;

	assert_ok(region_data__prepare(skel));
	assert_ok(mem_region_send(sockets[0], table));
	assert_ok(mem_region_send(sockets[0], table));
	ck_assert_int_eq(in_child(nobody_expects_another_layout, NULL), 0);
	/* passed on by who received it, with the types */
	assert_ok(mem_region_send(sockets[0], table));
	trusting.ctx = &other;
	ck_assert_ptr_null(region_data__attach_region_table(mem_source_socket(sockets[1]), &trusting, &copy));
	ck_assert_int_eq(errno, EPERM);
	trusting.ctx = &me;
	assert_ptr(region_data__attach_region_table(mem_source_socket(sockets[1]), &trusting, &copy));
	assert_ok(mem_region_send(sockets[0], copy));
	assert_ok(mem_region_send(sockets[0], copy));
	mem_region_detach(copy);
	ck_assert_int_eq(in_child(nobody_expects_another_layout, NULL), 0);
	/* a socket is no map that could be reused */
	assert_err(mem_map_max_entries_set(skel->maps.table, 5), -EBUSY);
}
END_TEST

static long receive_arena(void *unused)
{
	struct mem_attach_opts writable = {.sz = sizeof(writable), .writable = 1};
	struct mem_region *region;
	struct region_arena__arena *vars;

	(void)unused;
	region = mem_region_receive(sockets[1], region_arena__image(), "arena", &writable, NULL, NULL);
	if (!region) {
		fprintf(stderr, "%s\n", mem_error_message());
		return 1;
	}
	vars = mem_region_variables(region, NULL);
	if (vars->list.head != &vars->spare[1] || vars->spare[1].value != 7)
		return 2;
	vars->spare[1].value = 8;
	mem_region_detach(region);
	return 0;
}

TEST(an_arena_arrives_at_its_address)
{
	struct region_arena *arena;
	int fd;
	struct mem_region *region;

	need_linux(6, 9, "arenas");
	arena = assert_ptr(region_arena__open_and_load());
	arena->arena->list.head = &arena->arena->spare[1];
	arena->arena->spare[1].value = 7;
	assert_ok(mem_region_send(sockets[0], mem_object_find_region(arena->obj, "arena")));
	fd = dup(mem_map_fd(arena->maps.arena));
	region_arena__destroy(arena); /* the child is to have nothing of it */
	ck_assert_int_eq(in_child(receive_arena, NULL), 0);
	region = assert_ptr(mem_region_attach(region_arena__image(), "arena", mem_source_fd(fd), NULL));
	ck_assert_uint_eq(((struct region_arena__arena *)mem_region_variables(region, NULL))->spare[1].value, 8);
	mem_region_detach(region);
	close(fd);
}
END_TEST

/* ---- messages that are none */

/* The bytes of a good message, for others to be made of. */
static void good_message(unsigned char *bytes)
{
	assert_ok(mem_region_send(sockets[0], bss));
	ck_assert_int_eq(recv(sockets[1], bytes, MESSAGE_SIZE + 100, 0), MESSAGE_SIZE);
}

static void send_raw(const void *bytes, size_t size, const int *fds, size_t fd_count)
{
	union {
		struct cmsghdr header;
		char room[CMSG_SPACE(FDS_MAX * sizeof(int))];
	} control = {0};
	struct iovec part = {(void *)bytes, size};
	struct msghdr header = {.msg_iov = &part, .msg_iovlen = 1};

	if (fd_count) {
		control.header.cmsg_len = CMSG_LEN(fd_count * sizeof(int));
		control.header.cmsg_level = SOL_SOCKET;
		control.header.cmsg_type = SCM_RIGHTS;
		memcpy(CMSG_DATA(&control.header), fds, fd_count * sizeof(int));
		header.msg_control = &control;
		header.msg_controllen = CMSG_SPACE(fd_count * sizeof(int));
	}
	ck_assert_int_eq(sendmsg(sockets[0], &header, 0), (ssize_t)size);
}

static void assert_refused(int err, const char *words)
{
	ck_assert_ptr_null(receive_bss());
	ck_assert_msg(errno == err, "errno %d, not %d: %s", errno, err, mem_error_message());
	assert_says(words);
}

/* Types, but those of another object. */
static int other_types(void)
{
	struct region_grown *grown = assert_ptr(region_grown__open());
	union bpf_attr attr = {.btf_id = 0};
	struct bpf_map_info info;
	long fd;

	assert_ok(region_grown__prepare(grown));
	ck_assert_int_eq(raw_info(mem_map_fd(grown->maps.bss), &info, sizeof(info)), 0);
	attr.btf_id = info.btf_id;
	fd = raw_bpf(BPF_BTF_GET_FD_BY_ID, &attr, sizeof(attr));
	ck_assert_int_ge(fd, 0);
	region_grown__destroy(grown);
	return (int)fd;
}

TEST(bad_messages)
{
	unsigned char bytes[MESSAGE_SIZE + 100] = {0};
	int fds[FDS_MAX], null = open("/dev/null", O_RDWR | O_CLOEXEC);

	assert_ok(region_data__load(skel));
	good_message(bytes);
	for (int i = 0; i < FDS_MAX; i++)
		fds[i] = mem_map_fd(skel->maps.bss);
	send_raw(bytes, MESSAGE_SIZE, fds, 0);
	assert_refused(EBADMSG, "no descriptor");
	send_raw(bytes, MESSAGE_SIZE, fds, 2);
	assert_refused(EBADMSG, "not of its map's types");
	fds[1] = null;
	send_raw(bytes, MESSAGE_SIZE, fds, 2);
	assert_refused(EBADMSG, "not of its map's types");
	fds[1] = other_types();
	send_raw(bytes, MESSAGE_SIZE, fds, 2);
	assert_refused(EBADMSG, "not of its map's types");
	close(fds[1]);
	fds[1] = fds[0];
	send_raw(bytes, MESSAGE_SIZE, fds, 3);
	assert_refused(EBADMSG, "more descriptors");
	send_raw(bytes, MESSAGE_SIZE, fds, 16);
	assert_refused(EBADMSG, "more descriptors");
	send_raw(bytes, MESSAGE_SIZE, fds, FDS_MAX);
	assert_refused(EBADMSG, "more descriptors");
	send_raw(bytes, MESSAGE_SIZE + 1, fds, 1);
	assert_refused(EBADMSG, "too long");
	send_raw(bytes, MESSAGE_SIZE - 1, fds, 1);
	assert_refused(EBADMSG, "too short");
	send_raw(bytes, 1, fds, 1);
	assert_refused(EBADMSG, "too short");
	send_raw(bytes, MESSAGE_SIZE, &null, 1);
	assert_refused(EINVAL, "not a BPF map");
	fds[0] = mem_prog_fd(skel->progs.change);
	send_raw(bytes, MESSAGE_SIZE, fds, 1);
	assert_refused(EINVAL, "not a BPF map");
	fds[0] = mem_map_fd(skel->maps.data);
	send_raw(bytes, MESSAGE_SIZE, fds, 1);
	assert_refused(EINVAL, "not the one it describes");
	fds[0] = mem_map_fd(skel->maps.bss);
	bytes[8] = 2;
	send_raw(bytes, MESSAGE_SIZE, fds, 1);
	assert_refused(EBADMSG, "another version");
	bytes[0] = 'x';
	send_raw(bytes, MESSAGE_SIZE, fds, 1);
	assert_refused(EBADMSG, "not of libmem's");
	close(null);
}
END_TEST

/* It is not the message's fault, and says so. */
TEST(no_descriptor_is_left_to_receive)
{
	struct rlimit limit, none;
	struct mem_region *region;
	int next, err;

	assert_ok(region_data__load(skel));
	assert_ok(mem_region_send(sockets[0], bss));
	ck_assert_int_eq(getrlimit(RLIMIT_NOFILE, &limit), 0);
	next = dup(sockets[0]);
	close(next);
	none = limit;
	none.rlim_cur = (rlim_t)next;
	ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &none), 0);
	region = receive_bss();
	err = errno;
	setrlimit(RLIMIT_NOFILE, &limit);
	ck_assert_ptr_null(region);
	ck_assert_int_eq(err, EMFILE);
	assert_says("no descriptor is left");
}
END_TEST

/* Sockets that tell who has sent a message do so with descriptors; the fixture looks for them. */
TEST(other_words_of_the_kernel_are_left_out)
{
	const int on = 1;

	assert_ok(region_data__load(skel));
	setsockopt(sockets[1], SOL_SOCKET, SO_PASSCRED, &on, sizeof(on));
	setsockopt(sockets[1], SOL_SOCKET, SO_PASSSEC, &on, sizeof(on)); /* where a security module has labels */
	setsockopt(sockets[1], SOL_SOCKET, PASSPIDFD, &on, sizeof(on)); /* from Linux 6.5 on */
	assert_ok(mem_region_send(sockets[0], bss));
	mem_region_detach(assert_ptr(receive_bss()));
}
END_TEST

/* A message has room for 63 characters of a name. */
TEST(a_long_name)
{
	static const char name[] = "a_name_that_somebody_who_likes_to_be_exact_has_given_to_the_variables_of_a_program";
	struct mem_image image = *region_data__image();
	struct mem_region_image rows[16];
	struct mem_region *region;
	struct mem_object *obj;
	uint32_t i = 0;

	ck_assert_uint_eq(image.regions.row_size, sizeof(rows[0]));
	ck_assert_uint_le(image.regions.count, sizeof(rows) / sizeof(rows[0]));
	memcpy(rows, image.regions.rows, image.regions.count * sizeof(rows[0]));
	while (strcmp(rows[i].name, "bss") != 0)
		i++;
	rows[i].name = name;
	image.regions.rows = rows;
	obj = assert_ptr(mem_object_open(&image, NULL));
	assert_ok(mem_object_prepare(obj));
	assert_ok(mem_region_send(sockets[0], mem_object_find_region(obj, name)));
	region = assert_ptr(mem_region_receive(sockets[1], &image, name, NULL, NULL, NULL));
	ck_assert_str_eq(mem_region_name(region), name);
	mem_region_detach(region);
	mem_object_close(obj);
}
END_TEST

/* A good message with some bytes changed: a region, or an error; the fixture looks for what is left. */
TEST(damaged_messages, .timeout = 60)
{
	unsigned char good[MESSAGE_SIZE + 100], bytes[MESSAGE_SIZE];
	unsigned int arrived = 0;
	int fds[3];

	assert_ok(region_data__load(skel));
	good_message(good);
	fds[0] = mem_map_fd(skel->maps.bss);
	fds[1] = mem_map_fd(skel->maps.table);
	fds[2] = mem_prog_fd(skel->progs.change);
	srand(7);
	for (int round = 0; round < test_rounds(10000); round++) {
		size_t size = rand() % 8 ? MESSAGE_SIZE : 1 + (size_t)rand() % (MESSAGE_SIZE - 1);
		struct mem_region *region;

		memcpy(bytes, good, sizeof(bytes));
		for (int i = rand() % 3; i > 0; i--)
			bytes[(size_t)rand() % sizeof(bytes)] = (unsigned char)rand();
		send_raw(bytes, size, fds + (rand() % 8 ? 0 : rand() % 3), rand() % 8 ? 1 : 0);
		region = rand() % 2 ? receive_bss()
				    : mem_region_receive(sockets[1], NULL, NULL, NULL, NULL, NULL);
		arrived += region != NULL;
		mem_region_detach(region);
	}
	ck_assert_uint_gt(arrived, test_rounds(100));
}
END_TEST
