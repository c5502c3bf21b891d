/* SPDX-License-Identifier: BSD-2-Clause */
/* Calls that fail while maps and regions are reused, pinned, attached to, sent and described. */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <mem/migrate.h>

#include "bpffs.h"
#include "faults/sweep.h"
#include "lifetime.skel.h"
#include "migrate_new.skel.h"
#include "rawbpf.h"
#include "region_data.skel.h"
#include "region_named.skel.h"
#include "shared.skel.h"

OBJECT(shared, 6009);
OBJECT(region_data, 0);
OBJECT(region_named, 0);
OBJECT(migrate_new, 0);
OBJECT(lifetime, 0);

/* As if memgen had not said what the regions hold: that is found out when somebody asks. */
static const struct mem_image *unhashed_image(void)
{
	static struct mem_region_image rows[16];
	static struct mem_image image;

	image = *migrate_new__image();
	ck_assert_uint_le(image.regions.count, 16);
	ck_assert_uint_eq(image.regions.row_size, sizeof(*rows));
	for (uint32_t i = 0; i < image.regions.count; i++) {
		rows[i] = ((const struct mem_region_image *)image.regions.rows)[i];
		ck_assert_uint_ne(rows[i].schema, 0);
		rows[i].schema = 0;
	}
	image.regions.rows = rows;
	return &image;
}

static const struct object unhashed = {"migrate_new", unhashed_image, migrate_new__layout,
				       offsetof(struct migrate_new, obj), 0};

#define ROOT "/sys/fs/bpf/"
#define PIN ROOT "folder/pin"
#define FOLDER ROOT "object" /* of all that belongs to one */

/* ---- maps and regions that exist already */

static int try_mem_map_reuse_fd(struct subject *s)
{
	struct mem_map *map = the_map(s);

	return mem_map_is_reused(map) ? 0 : mem_map_reuse_fd(map, s->source);
}

static int try_mem_map_reuse(struct subject *s)
{
	struct mem_map *map = the_map(s);

	return mem_map_is_reused(map) ? 0 : mem_map_reuse(map, mem_source_pin(PIN));
}

/* Another object made the map; its descriptor is kept, and the object is gone. */
static void made(struct subject *s)
{
	struct mem_object *maker = assert_ptr(mem_object_open(s->object->image(), NULL));

	assert_ok(mem_object_prepare(maker));
	s->source = dup(mem_map_fd(mem_object_find_map(maker, s->part)));
	mem_object_close(maker);
}

static void made_and_opened(struct subject *s)
{
	made(s);
	opened(s);
}

static void pin_away(struct subject *s)
{
	(void)s;
	unlink(PIN);
	unlink(PIN "~schema");
	rmdir(ROOT "folder");
}

static void pinned_and_opened(struct subject *s)
{
	struct mem_object *maker = assert_ptr(mem_object_open(s->object->image(), NULL));

	assert_ok(mem_object_prepare(maker));
	assert_ok(mem_map_pin(mem_object_find_map(maker, s->part), PIN, 0));
	mem_object_close(maker);
	opened(s);
}

static int try_mem_region_attach(struct subject *s)
{
	s->attached = mem_region_attach(s->object->image(), s->part, mem_source_fd(s->source), NULL);
	return result(s->attached);
}

/* A few elements, and not by the map's declaration. */
static int attach_window(struct subject *s)
{
	struct mem_attach_opts opts = {.sz = sizeof(opts), .writable = 1, .first = 10, .count = 20};

	s->attached = mem_region_attach(NULL, s->part, mem_source_fd(s->source), &opts);
	return result(s->attached);
}

/* ---- pins */

static int try_mem_map_pin(struct subject *s)
{
	return mem_map_pin(the_map(s), PIN, 0600);
}

static int try_mem_region_pin(struct subject *s)
{
	return mem_region_pin(the_region(s), PIN, 0600);
}

static int try_mem_map_pin_path_set(struct subject *s)
{
	return mem_map_pin_path_set(the_map(s), PIN);
}

/* A map that its declaration shares by name, and does not leave there when it fails. */
static int try_mem_object_prepare(struct subject *s)
{
	int err = mem_object_prepare(s->obj), saved = errno;

	if (err < 0 && !access(ROOT "common", F_OK))
		ck_abort_msg("a pin was left by a prepare that failed");
	errno = saved;
	return err;
}

static int load_pinned_at_once(struct subject *s)
{
	int err = open_and_load(s);

	if (err < 0 && !access(ROOT "common", F_OK))
		ck_abort_msg("a pin was left by an object that failed to load");
	errno = -err;
	return err;
}

/* Another process's object has made and pinned it. */
static void common_pinned(struct subject *s)
{
	struct mem_object *maker = assert_ptr(mem_object_open(s->object->image(), NULL));

	assert_ok(mem_object_prepare(maker));
	mem_object_close(maker);
}

static void unpin_common(struct subject *s)
{
	(void)s;
	unlink(ROOT "common");
}

static void pinned(struct subject *s)
{
	prepared(s);
	assert_ok(try_mem_region_pin(s));
	s->part = PIN;
}

static int try_mem_unpin(struct subject *s)
{
	(void)s;
	return mem_unpin(PIN);
}

static int see_pin(void *ctx, const struct mem_pin_info *pin)
{
	(void)ctx, (void)pin;
	return 0;
}

static int try_mem_pin_list(struct subject *s)
{
	(void)s;
	return mem_pin_list(ROOT "folder", see_pin, NULL);
}

/* ---- memory of an older version */

static uint32_t published_id;

static uint32_t id_at_pin(void)
{
	union bpf_attr attr = {.pathname = (uintptr_t)PIN};
	struct bpf_map_info info = {0};
	int fd = (int)raw_bpf(BPF_OBJ_GET, &attr, sizeof(attr));

	if (fd >= 0)
		raw_info(fd, &info, sizeof(info));
	close(fd);
	return info.id;
}

/* Pinned, and also kept as a descriptor. */
static void published(struct subject *s)
{
	struct mem_object *maker = assert_ptr(mem_object_open_file(
		build_path("selftests/migrate_old.bpf.o"), NULL));
	struct mem_map *map = assert_ptr(mem_object_find_map(maker, ".bss"));

	assert_ok(mem_object_prepare(maker));
	assert_ok(mem_map_pin(map, PIN, 0));
	published_id = mem_map_id(map);
	s->source = dup(mem_map_fd(map));
	mem_object_close(maker);
}

static void opened_to_migrate(struct subject *s)
{
	published(s);
	opened(s);
	assert_ok(mem_map_pin_path_set(mem_object_find_map(s->obj, ".bss"), PIN));
	assert_ok(mem_object_migrate_set(s->obj, NULL));
}

/* What fails leaves the old map at its pin. */
static int migrate_at_prepare(struct subject *s)
{
	int err = mem_object_prepare(s->obj), saved = errno;

	inject_pause(1);
	if (err < 0 && id_at_pin() != published_id)
		ck_abort_msg("another map is at the pin after a failure");
	inject_pause(0);
	errno = saved;
	return err;
}

static void prepared_to_migrate(struct subject *s)
{
	published(s);
	prepared(s);
}

static int try_mem_region_migrate(struct subject *s)
{
	return mem_region_migrate(the_region(s), mem_source_fd(s->source), NULL);
}

/* ---- objects that outlive their process */

static int try_mem_skeleton_pin(struct subject *s)
{
	return mem_skeleton_pin(s->skel, s->object->layout(), FOLDER);
}

static void attached_and_pinned(struct subject *s)
{
	loaded(s);
	assert_ok(mem_skeleton_attach(s->skel, s->object->layout()));
	assert_ok(try_mem_skeleton_pin(s));
	mem_skeleton_destroy(s->skel, s->object->layout());
	s->skel = NULL;
	s->obj = NULL;
}

static int try_mem_skeleton_open_pinned(struct subject *s)
{
	int err;

	s->skel = mem_skeleton_open_pinned(s->object->image(), s->object->layout(), NULL, FOLDER);
	err = result(s->skel);
	/* whoever is told so replaces what is pinned */
	ck_assert_msg(err != -ESTALE, "the same version counts as another: %s", mem_error_message());
	return err;
}

static int try_mem_skeleton_unpin(struct subject *s)
{
	return mem_skeleton_unpin(s->object->image(), FOLDER);
}

static void unpin_all(struct subject *s)
{
	if (!access(FOLDER, F_OK))
		assert_ok(try_mem_skeleton_unpin(s));
}

/* ---- sockets */

static void connected(struct subject *s)
{
	prepared(s);
	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, s->sockets), 0);
}

static int try_mem_region_send(struct subject *s)
{
	return mem_region_send(s->sockets[0], the_region(s));
}

/* The message may have been read, or not, when it failed the last time. */
static void send_afresh(struct subject *s)
{
	char byte;

	inject_pause(1);
	while (recv(s->sockets[1], &byte, 1, MSG_DONTWAIT) > 0)
		;
	assert_ok(try_mem_region_send(s));
	inject_pause(0);
}

static int trust(void *ctx, int pid, unsigned int uid, unsigned int gid)
{
	(void)ctx, (void)pid, (void)uid, (void)gid;
	return 0;
}

static int try_mem_region_receive(struct subject *s)
{
	send_afresh(s);
	s->attached = mem_region_receive(s->sockets[1], s->object->image(), s->part, NULL, trust, NULL);
	return result(s->attached);
}

/* As a source for whoever attaches. */
static int try_mem_source_socket(struct subject *s)
{
	send_afresh(s);
	s->attached = mem_region_attach(s->object->image(), s->part, mem_source_socket(s->sockets[1]), NULL);
	return result(s->attached);
}

/* For others to read, with its schema beside it. */
static int pin_for_others(struct subject *s)
{
	return mem_region_pin(the_region(s), PIN, 0666);
}

/* ---- schemas */

static int try_mem_schema_of_image(struct subject *s)
{
	s->schema = mem_schema_of_image(s->object->image(), "table");
	return result(s->schema);
}

static int try_mem_schema_of_map(struct subject *s)
{
	s->schema = mem_schema_of_map(mem_source_fd(s->source));
	return result(s->schema);
}

/* ---- the tables */

static const struct operation reusing[] = {
	{TRY(mem_map_reuse_fd), &region_data, made_and_opened, "table", AGAIN},
	{TRY_WITH(mem_map_reuse_fd, "arena"), &shared, made_and_opened, "arena", AGAIN},
	{TRY(mem_region_attach), &region_data, made, "table", AGAIN},
	{TRY_AS("mem_region_attach window", attach_window), &region_data, made, "table", AGAIN | NAMELESS},
	{TRY_WITH(mem_region_attach, "arena"), &shared, made, "arena", AGAIN},
	{TRY(mem_schema_of_image), &region_data, NULL, NULL, AGAIN},
	{TRY(mem_schema_of_map), &region_data, made, "table", AGAIN | NAMELESS},
	{TRY(mem_region_send), &region_data, connected, "bss", AGAIN},
	{TRY(mem_region_receive), &region_data, connected, "bss", AGAIN | NAMELESS},
	{TRY(mem_source_socket), &region_data, connected, "bss", AGAIN | NAMELESS},
	{TRY_WITH(mem_region_receive, "arena"), &shared, connected, "arena", AGAIN | NAMELESS},
	{0},
};

static const struct operation pinning[] = {
	{TRY(mem_map_reuse), &region_data, pinned_and_opened, "table", AGAIN, pin_away},
	{TRY(mem_map_pin), &region_data, prepared, "hash", AGAIN, pin_away},
	{TRY(mem_region_pin), &region_data, prepared, "bss", AGAIN, pin_away},
	{TRY_AS("mem_region_pin for others", pin_for_others), &region_data, prepared, "table", AGAIN, pin_away},
	{TRY(mem_map_pin_path_set), &region_data, opened, "table", AGAIN},
	{TRY(mem_unpin), &region_data, pinned, "bss", AGAIN | NAMELESS, pin_away},
	{TRY(mem_pin_list), &region_data, pinned, "bss", AGAIN | NAMELESS, pin_away},
	{TRY_WITH(mem_object_prepare, "pinned"), &region_named, opened, NULL, ONCE, unpin_common},
	{TRY_AS("mem_skeleton_open_and_load pins", load_pinned_at_once), &region_named, NULL, NULL, AGAIN,
	 unpin_common},
	{TRY_AS("mem_skeleton_open_and_load pinned", open_and_load), &region_named, common_pinned, NULL, AGAIN,
	 unpin_common},
	{TRY_AS("mem_object_prepare migrating", migrate_at_prepare), &migrate_new, opened_to_migrate, NULL,
	 ONCE, pin_away},
	{TRY(mem_region_migrate), &migrate_new, prepared_to_migrate, "bss", AGAIN, pin_away},
	{0},
};

static const struct operation outliving[] = {
	{TRY(mem_skeleton_pin), &migrate_new, loaded, NULL, AGAIN, unpin_all},
	{TRY(mem_skeleton_open_pinned), &migrate_new, attached_and_pinned, NULL, AGAIN, unpin_all},
	{TRY_WITH(mem_skeleton_open_pinned, "attached"), &lifetime, attached_and_pinned, NULL, AGAIN, unpin_all},
	{TRY_WITH(mem_skeleton_open_pinned, "unhashed"), &unhashed, attached_and_pinned, NULL, AGAIN, unpin_all},
	{TRY(mem_skeleton_unpin), &migrate_new, attached_and_pinned, NULL, AGAIN | NAMELESS, unpin_all},
	{0},
};

/* In a forked child, which starts without arenas. */
static int try_mem_object_reattach(struct subject *s)
{
	return mem_object_reattach(s->obj);
}

static int try_mem_region_reattach(struct subject *s)
{
	return mem_region_reattach(the_region(s));
}

static const struct operation reattaching[] = {
	{TRY(mem_object_reattach), &shared, prepared, "arena", AGAIN},
	{TRY(mem_region_reattach), &shared, prepared, "arena", AGAIN},
	{0},
};

SWEEP_TABLE(reusing)
SWEEP_TABLE(pinning)
SWEEP_TABLE(outliving)
SWEEP_TABLE(reattaching)

TEST(sharing_fails, .timeout = 60)
{
	need_bpf();
	sweep_all(reusing);
}
END_TEST

TEST(pinning_fails, .timeout = 60)
{
	need_bpf();
	bpffs_mount();
	sweep_all(pinning);
	bpffs_unmount();
}
END_TEST

TEST(outliving_the_process_fails, .timeout = 60, .slow_emulated = "loads programs a hundred times")
{
	need_bpf();
	bpffs_mount();
	sweep_all(outliving);
	bpffs_unmount();
}
END_TEST

enum { MET_NONE = 0, MET_ONE = 1, NO_NAME, NOT_AGAIN };

/* What the child does; its exit code is one of the above, or it dies where there is no arena. */
static int in_child(const struct operation *op, struct subject *s, unsigned long nth)
{
	const char *failed;
	int err;

	inject_arm(nth);
	err = op->run(s);
	failed = inject_disarm();
	if (err < 0 && (!strstr(mem_error_message(), op->object->name) ||
			!strstr(mem_error_message(), op->part)))
		return NO_NAME;
	if (err < 0 && op->run(s))
		return NOT_AGAIN;
	*(volatile char *)mem_region_variables(the_region(s), NULL) = 1;
	return failed ? MET_ONE : MET_NONE;
}

static void sweep_in_children(const struct operation *op)
{
	struct subject s = {.object = op->object, .part = op->part};
	unsigned long nth = 0;
	int status;

	op->setup(&s);
	do {
		pid_t pid = fork();

		nth++;
		if (!pid)
			_exit(in_child(op, &s, nth));
		ck_assert_int_eq(waitpid(pid, &status, 0), pid);
		ck_assert_msg(WIFEXITED(status) && WEXITSTATUS(status) <= MET_ONE, "%s, call %lu: %#x",
			      op->name, nth, status);
	} while (WEXITSTATUS(status) == MET_ONE);
	ck_assert_uint_gt(nth, 1);
	mem_skeleton_destroy(s.skel, op->object->layout());
}

TEST(reattaching_fails)
{
	need_bpf();
	need_linux(6, 9, "arenas");
	for (const struct operation *op = reattaching; op->name; op++)
		sweep_in_children(op);
}
END_TEST
