/* SPDX-License-Identifier: BSD-2-Clause */
/* Programs that implement a kernel interface: a TCP congestion control that carries a connection. */
#include <arpa/inet.h>
#include <errno.h>
#include <net/if.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sched.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "bpffs.h"
#include "congestion.skel.h"
#include "congestion_choice.skel.h"
#include "congestion_link.skel.h"
#include "harness.h"
#include "nets.h"

#define DIR "/sys/fs/bpf/tool"

static struct congestion *skel;
static int turn;

static void setup(void)
{
	need_bpf();
	turn = nets_take_turn();
	skel = assert_ptr(congestion__open());
}

static void teardown(void)
{
	congestion__destroy(skel);
	skel = NULL;
	bpffs_unmount();
	close(turn);
}

FIXTURE(setup, teardown)

/* Send some data over a connection with this congestion control; 0 or -errno. */
static int transfer(const char *congestion)
{
	struct sockaddr_in address = { .sin_family = AF_INET, .sin_addr = { htonl(INADDR_LOOPBACK) } };
	socklen_t len = sizeof(address);
	char data[4096] = { 0 };
	int server = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	int client = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), peer = -1, err = 0;

	bind(server, (struct sockaddr *)&address, sizeof(address));
	listen(server, 1);
	getsockname(server, (struct sockaddr *)&address, &len);
	if (setsockopt(client, IPPROTO_TCP, TCP_CONGESTION, congestion, strlen(congestion)))
		err = -errno;
	if (!err && connect(client, (struct sockaddr *)&address, sizeof(address)))
		err = -errno;
	if (!err)
		peer = accept(server, NULL, NULL);
	for (int i = 0; !err && i < 50; i++) {
		if (write(client, data, sizeof(data)) != sizeof(data) ||
		    recv(peer, data, sizeof(data), MSG_WAITALL) != sizeof(data))
			err = -EIO;
	}
	close(peer);
	close(client);
	close(server);
	return err;
}

/* Registered, or skipped where the kernel can't build what calls the programs. */
static struct mem_link *attach(void)
{
	struct mem_link *link;

	if (congestion__load(skel) == -ENOENT)
		test_skip("in this kernel programs can't implement struct tcp_congestion_ops");
	link = mem_map_attach_struct_ops(skel->maps.libmem_cc);
	if (!link && errno == EPERM)
		test_skip("this kernel refuses struct_ops programs");
	if (!link && errno == ENOTSUP)
		test_skip("this kernel has no trampolines, through which it would call the programs");
	return assert_ptr(link);
}

TEST(congestion_control_carries_a_connection)
{
	struct mem_link *link = attach();

	nets_own();
	ck_assert_int_eq(transfer("libmem_cc"), 0);
	ck_assert_uint_ge(skel->bss->inits, 1);
	ck_assert_uint_ge(skel->bss->avoids, 1);
	mem_link_destroy(link);
	ck_assert_int_eq(transfer("libmem_cc"), -ENOENT);
}
END_TEST

TEST(without_a_link_it_can_only_be_destroyed)
{
	struct mem_link *link = attach();

	assert_err(mem_link_pin(link, "/sys/fs/bpf/libmem-none", 0), -ENOTSUP);
	assert_says("put it into .struct_ops.link (Linux 6.4)");
	assert_err(mem_link_detach(link), -ENOTSUP);
	assert_says("the link can only be destroyed");
	assert_err(mem_link_update_map(link, skel->maps.libmem_cc, NULL), -EINVAL);
	assert_says("not a struct_ops map of section .struct_ops.link");
	mem_link_destroy(link);
}
END_TEST

TEST(it_is_registered_once)
{
	struct mem_link *link = attach();

	ck_assert_ptr_null(mem_map_attach_struct_ops(skel->maps.libmem_cc));
	mem_link_destroy(link);
	ck_assert_ptr_null(mem_map_attach_struct_ops(skel->maps.bss));
	ck_assert_int_eq(errno, EINVAL);
}
END_TEST

TEST(skeleton_attaches_it)
{
	mem_link_destroy(attach());
	congestion__destroy(skel);
	skel = assert_ptr(congestion__open_and_load());
	assert_ok(congestion__attach(skel));
	ck_assert_ptr_nonnull(skel->links.libmem_cc);
	nets_own();
	ck_assert_int_eq(transfer("libmem_cc"), 0);
	congestion__detach(skel);
	ck_assert_ptr_null(skel->links.libmem_cc);
	ck_assert_int_eq(transfer("libmem_cc"), -ENOENT);
}
END_TEST

TEST(member_that_the_kernel_lacks_must_be_zero)
{
	struct mem_region *region = assert_ptr(mem_object_find_region(skel->obj, "libmem_cc"));
	char *variable = mem_region_data(region, NULL);

	variable[32] = 1; /* libmem_no_such_member */
	if (congestion__load(skel) == -ENOENT)
		test_skip("in this kernel programs can't implement struct tcp_congestion_ops");
	assert_says("libmem_no_such_member");
}
END_TEST

TEST(attach_leaves_out_what_it_is_told_to)
{
	mem_link_destroy(attach());
	congestion__destroy(skel);
	skel = assert_ptr(congestion__open_and_load());
	mem_map_autoattach_set(skel->maps.libmem_cc, 0);
	assert_ok(congestion__attach(skel));
	ck_assert_ptr_null(skel->links.libmem_cc);
	mem_map_autoattach_set(skel->maps.libmem_cc, 1);
	assert_ok(congestion__attach(skel));
	ck_assert_ptr_nonnull(skel->links.libmem_cc);
}
END_TEST

/* Load, or skip as attach() does. */
static void load_choice(struct congestion_choice *choice)
{
	int err = congestion_choice__load(choice);

	if (err == -ENOENT)
		test_skip("in this kernel programs can't implement struct tcp_congestion_ops");
	assert_ok(err);
}

TEST(what_is_for_the_asking_is_left_out)
{
	struct congestion_choice *choice = assert_ptr(congestion_choice__open());

	ck_assert_int_eq(mem_map_autocreate(choice->maps.usual), 1);
	ck_assert_int_eq(mem_map_autocreate(choice->maps.special), 0);
	load_choice(choice);
	ck_assert_int_eq(mem_map_fd(choice->maps.special), -EBADF);
	ck_assert_int_eq(mem_prog_fd(choice->progs.avoid_special), -EBADF);
	ck_assert_int_eq(mem_prog_fd(choice->progs.special_undo), -EBADF);
	/* its section says no, but the map that is created points to it */
	ck_assert_int_ge(mem_prog_fd(choice->progs.usual_undo), 0);
	ck_assert_ptr_null(mem_map_attach_struct_ops(choice->maps.special));
	ck_assert_int_eq(errno, EINVAL);
	if (congestion_choice__attach(choice) == -ENOTSUP)
		test_skip("this kernel has no trampolines, through which it would call the programs");
	ck_assert_ptr_nonnull(choice->links.usual);
	ck_assert_ptr_null(choice->links.special);
	congestion_choice__destroy(choice);
}
END_TEST

TEST(what_is_for_the_asking_is_asked_for)
{
	struct congestion_choice *choice = assert_ptr(congestion_choice__open());

	assert_ok(mem_map_autocreate_set(choice->maps.special, 1));
	assert_ok(mem_map_autocreate_set(choice->maps.usual, 0));
	load_choice(choice);
	ck_assert_int_ge(mem_prog_fd(choice->progs.avoid_special), 0);
	ck_assert_int_ge(mem_prog_fd(choice->progs.special_undo), 0);
	ck_assert_int_eq(mem_prog_fd(choice->progs.avoid_usual), -EBADF);
	if (congestion_choice__attach(choice) == -ENOTSUP)
		test_skip("this kernel has no trampolines, through which it would call the programs");
	nets_own();
	ck_assert_int_eq(transfer("libmem_special"), 0);
	ck_assert_int_eq(transfer("libmem_usual"), -ENOENT);
	congestion_choice__destroy(choice);
}
END_TEST

TEST(pinned_while_it_was_detached)
{
	struct congestion *taken;

	mem_link_destroy(attach());
	bpffs_mount();
	assert_ok(congestion__pin(skel, DIR));
	taken = assert_ptr(congestion__open_and_attach_pinned(DIR));
	ck_assert_ptr_null(taken->links.libmem_cc);
	ck_assert_ptr_null(mem_map_attach_struct_ops(taken->maps.libmem_cc));
	ck_assert_int_eq(errno, EINVAL);
	assert_says("only who loaded it");
	congestion__destroy(taken);
	assert_ok(congestion__unpin(DIR));
}
END_TEST

TEST(link_of_another_map_is_not_taken_over)
{
	struct congestion_link *one = assert_ptr(congestion_link__open());
	struct congestion_link *other = assert_ptr(congestion_link__open());
	struct congestion_link *taken;

	need_linux(6, 4, "links to struct_ops maps");
	mem_link_destroy(attach());
	bpffs_mount();
	assert_ok(congestion_link__load(one));
	assert_ok(congestion_link__load(other));
	assert_ok(congestion_link__attach(one));
	assert_ok(congestion_link__pin(one, DIR));
	taken = assert_ptr(congestion_link__open_and_attach_pinned(DIR));
	ck_assert_ptr_nonnull(taken->links.updated_cc);
	congestion_link__destroy(taken);
	/* the same programs, but those of another object, which count elsewhere */
	assert_ok(mem_link_update_map(one->links.updated_cc, other->maps.updated_cc, NULL));
	ck_assert_ptr_null(congestion_link__open_and_attach_pinned(DIR));
	ck_assert_int_eq(errno, EINVAL);
	assert_says("another map's");
	congestion_link__destroy(one);
	congestion_link__destroy(other);
	assert_ok(congestion_link__unpin(DIR));
}
END_TEST
