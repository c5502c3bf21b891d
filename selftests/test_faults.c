/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The Nth call for memory, a file or something of the kernel fails, for N = 1, 2, 3 ... until an
 * operation gets by without meeting the failure. Each time there has to be an error and a message
 * that names the object, nothing may be left behind, and trying again has to work.
 *
 * A new public call is one line in a table below.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/bpf.h>
#include <net/if.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <mem/elf.h>
#include <mem/migrate.h>

#include "bpffs.h"
#include "externs.skel.h"
#include "faults/inject.h"
#include "harness.h"
#include "hooks.skel.h"
#include "leaks.h"
#include "migrate_new.skel.h"
#include "plain.skel.h"
#include "rawbpf.h"
#include "shared.skel.h"

enum { NTH_MAX = 20000 }; /* an operation with more calls than that does not end */
#define NO_MESSAGE "image: NULL"

/* What an operation works on. */
struct subject {
	const struct object *object;
	struct mem_image *read; /* from a file */
	void *skel;             /* as far as setup brought it */
	struct mem_object *obj; /* skel's, or opened from a file */
	struct mem_link *link;
	struct mem_region *attached;
	int source;             /* of a map that exists already; 0: none */
	const char *part;       /* the operation's */
};

/* The objects that everything is tried with. */
static const struct object {
	const char *name;
	const struct mem_image *(*image)(void);
	const struct mem_skeleton_layout *(*layout)(void);
	size_t obj; /* offset in the generated struct */
	int since;  /* linux_version() that takes it */
} plain = {"plain", plain__image, plain__layout, offsetof(struct plain, obj), 0},
  shared = {"shared", shared__image, shared__layout, offsetof(struct shared, obj), 6009},
  hooks = {"hooks", hooks__image, hooks__layout, offsetof(struct hooks, obj), 6006},
  externs = {"externs", externs__image, externs__layout, offsetof(struct externs, obj), 0},
  grown = {"migrate_new", migrate_new__image, migrate_new__layout, offsetof(struct migrate_new, obj), 0};

enum {
	ONCE = 0,   /* after a failure the object can only be closed */
	AGAIN = 1,  /* after a failure it works on the same object */
	ON_LINK = 2 /* which does not know its object's name */
};

/* One row of a table: what is tried, from where, on what. */
struct operation {
	const char *name;
	const struct object *object;
	void (*setup)(struct subject *s); /* NULL: nothing before */
	int (*run)(struct subject *s);    /* 0 or more, or -errno */
	const char *part;                 /* what a message names besides the object; NULL: nothing */
	int flags;                        /* ONCE ... */
};

/* Pointer functions as those that return int. */
static int result(const void *pointer)
{
	return pointer ? 0 : -errno;
}

/* ---- reading and opening */

static const char *file_of(const struct subject *s)
{
	static char relative[64];

	snprintf(relative, sizeof(relative), "selftests/%s.bpf.o", s->object->name);
	return build_path(relative);
}

static int read_file(struct subject *s)
{
	s->read = mem_image_read_file(file_of(s), NULL);
	return result(s->read);
}

static int open_file(struct subject *s)
{
	s->obj = mem_object_open_file(file_of(s), NULL);
	return result(s->obj);
}

static int open_object(struct subject *s)
{
	s->skel = mem_skeleton_open(s->object->image(), s->object->layout(), NULL);
	if (s->skel)
		memcpy(&s->obj, (char *)s->skel + s->object->obj, sizeof(s->obj));
	return result(s->skel);
}

/* ---- the phases, and how to get there */

static int prepare(struct subject *s)
{
	return mem_object_prepare(s->obj);
}

static int load(struct subject *s)
{
	return mem_object_load(s->obj);
}

static int attach(struct subject *s)
{
	return mem_skeleton_attach(s->skel, s->object->layout());
}

static void opened(struct subject *s)
{
	assert_ok(open_object(s));
}

static void prepared(struct subject *s)
{
	opened(s);
	assert_ok(prepare(s));
}

static void loaded(struct subject *s)
{
	opened(s);
	assert_ok(load(s));
}

/* Of the programs just the one that it is about: attaching and detaching takes its time. */
static void one_loaded(struct subject *s)
{
	struct mem_prog *prog = NULL;

	opened(s);
	while ((prog = mem_object_next_prog(s->obj, prog)))
		assert_ok(mem_prog_autoload_set(prog, !strcmp(mem_prog_name(prog), s->part)));
	assert_ok(load(s));
}

static void attached_iterator(struct subject *s)
{
	loaded(s);
	s->link = assert_ptr(mem_prog_attach_iter(mem_object_find_prog(s->obj, "dump_tasks"), NULL));
}

/* ---- calls on maps, regions and programs */

static int resize_array(struct subject *s)
{
	return mem_map_max_entries_set(mem_object_find_map(s->obj, "table"), 5000);
}

static int resize_arena(struct subject *s)
{
	return mem_map_max_entries_set(mem_object_find_map(s->obj, "arena"), 100);
}

static int populate(struct subject *s)
{
	return mem_arena_populate(mem_object_find_region(s->obj, "arena"), 0, 4096);
}

static int update(struct subject *s)
{
	return mem_map_update(mem_object_find_map(s->obj, "lru"), &(uint32_t){1}, &(uint64_t){2}, 0);
}

static void updated(struct subject *s)
{
	prepared(s);
	assert_ok(update(s));
}

static int lookup(struct subject *s)
{
	uint64_t value;

	return mem_map_lookup(mem_object_find_map(s->obj, "lru"), &(uint32_t){1}, &value, 0);
}

static int next_key(struct subject *s)
{
	uint32_t next;

	return mem_map_next_key(mem_object_find_map(s->obj, "lru"), NULL, &next);
}

static int delete_key(struct subject *s)
{
	return mem_map_delete(mem_object_find_map(s->obj, "lru"), &(uint32_t){1});
}

/* ---- maps and regions that exist already */

static int reuse(struct subject *s)
{
	struct mem_map *map = mem_object_find_map(s->obj, s->part);

	return mem_map_is_reused(map) ? 0 : mem_map_reuse_fd(map, s->source);
}

/* Another object made the map; its descriptor is kept, and the object is gone. */
static void made(struct subject *s)
{
	struct mem_object *maker;

	maker = assert_ptr(mem_object_open(s->object->image(), NULL));
	assert_ok(mem_object_prepare(maker));
	s->source = dup(mem_map_fd(mem_object_find_map(maker, s->part)));
	mem_object_close(maker);
}

static void made_and_opened(struct subject *s)
{
	made(s);
	opened(s);
}

static int attach_region(struct subject *s)
{
	s->attached = mem_region_attach(s->object->image(), s->part, mem_source_fd(s->source), NULL);
	return result(s->attached);
}

/* ---- memory of an older version */

#define PIN "/sys/fs/bpf/faults"

static uint32_t published_id;

static uint32_t id_at_pin(void)
{
	union bpf_attr attr = {.pathname = (uintptr_t)PIN};
	struct bpf_map_info info;
	int fd = (int)raw_bpf(BPF_OBJ_GET, &attr, sizeof(attr));

	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(raw_info(fd, &info, sizeof(info)), 0);
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
	int err = mem_object_prepare(s->obj), saved_errno = errno;

	if (err < 0)
		ck_assert_uint_eq(id_at_pin(), published_id);
	errno = saved_errno;
	return err;
}

static void prepared_to_migrate(struct subject *s)
{
	published(s);
	prepared(s);
}

static int migrate_region(struct subject *s)
{
	return mem_region_migrate(mem_object_find_region(s->obj, s->part), mem_source_fd(s->source), NULL);
}

/* ---- regions for others */

static int pin_region(struct subject *s)
{
	return mem_region_pin(mem_object_find_region(s->obj, s->part), PIN, 0666);
}

static int send_region(struct subject *s)
{
	int sockets[2], err, saved_errno;

	if (socketpair(AF_UNIX, SOCK_SEQPACKET, 0, sockets))
		abort(); /* Check's own calls would meet the failure */
	err = mem_region_send(sockets[0], mem_object_find_region(s->obj, s->part));
	saved_errno = errno;
	close(sockets[0]);
	close(sockets[1]);
	errno = saved_errno;
	return err;
}

static int receive_region(struct subject *s)
{
	int sockets[2], saved_errno;

	if (socketpair(AF_UNIX, SOCK_SEQPACKET, 0, sockets))
		abort(); /* Check's own calls would meet the failure */
	if (mem_region_send(sockets[0], mem_object_find_region(s->obj, s->part)))
		s->attached = NULL;
	else
		s->attached = mem_region_receive(sockets[1], s->object->image(), s->part, NULL, NULL, NULL);
	saved_errno = errno;
	close(sockets[0]);
	close(sockets[1]);
	errno = saved_errno;
	return result(s->attached);
}

/* ---- objects that outlive their process */

#define FOLDER "/sys/fs/bpf/object"

static int pin_all(struct subject *s)
{
	return mem_skeleton_pin(s->skel, s->object->layout(), FOLDER);
}

static void pinned(struct subject *s)
{
	loaded(s);
	assert_ok(attach(s));
	assert_ok(pin_all(s));
	mem_skeleton_destroy(s->skel, s->object->layout());
	s->skel = NULL;
	s->obj = NULL;
}

static int open_pinned(struct subject *s)
{
	s->skel = mem_skeleton_open_pinned(s->object->image(), s->object->layout(), NULL, FOLDER);
	return result(s->skel);
}

static int run_prog(struct subject *s)
{
	return mem_prog_run(mem_object_find_prog(s->obj, "calls"), NULL);
}

static int attach_one(struct subject *s, const char *name)
{
	s->link = mem_prog_attach(mem_object_find_prog(s->obj, name));
	return result(s->link);
}

static int attach_tracepoint(struct subject *s)
{
	return attach_one(s, "on_tracepoint");
}

static int attach_raw_tracepoint(struct subject *s)
{
	return attach_one(s, "on_raw_tracepoint");
}

static int attach_trace(struct subject *s)
{
	return attach_one(s, "on_btf_tracepoint");
}

static int attach_iter(struct subject *s)
{
	return attach_one(s, "dump_tasks");
}

static int attach_xdp(struct subject *s)
{
	s->link = mem_prog_attach_xdp(mem_object_find_prog(s->obj, "on_xdp"),
				      (int)if_nametoindex("lo"), 0);
	return result(s->link);
}

static int attach_tcx(struct subject *s)
{
	s->link = mem_prog_attach_tcx(mem_object_find_prog(s->obj, "on_ingress"),
				      (int)if_nametoindex("lo"), NULL);
	return result(s->link);
}

static int iter_create(struct subject *s)
{
	int fd = mem_iter_create(s->link);

	if (fd >= 0)
		close(fd);
	return fd;
}

/* ---- the tables */

static const struct operation reading[] = {
	{"read plain", &plain, NULL, read_file, NULL, AGAIN},
	{"read shared", &shared, NULL, read_file, NULL, AGAIN},
	{"read hooks", &hooks, NULL, read_file, NULL, AGAIN},
	{"read externs", &externs, NULL, read_file, NULL, AGAIN},
	{"open_file plain", &plain, NULL, open_file, NULL, AGAIN},
	{0},
};

static const struct operation opening[] = {
	{"open plain", &plain, NULL, open_object, NULL, AGAIN},
	{"open shared", &shared, NULL, open_object, NULL, AGAIN},
	{"open hooks", &hooks, NULL, open_object, NULL, AGAIN},
	{"open externs", &externs, NULL, open_object, NULL, AGAIN},
	{"resize array", &shared, opened, resize_array, "table", AGAIN},
	{"resize arena", &shared, opened, resize_arena, "arena", AGAIN},
	{0},
};

static const struct operation preparing[] = {
	{"prepare plain", &plain, opened, prepare, NULL, ONCE},
	{"prepare shared", &shared, opened, prepare, NULL, ONCE},
	{"prepare hooks", &hooks, opened, prepare, NULL, ONCE},
	{"prepare externs", &externs, opened, prepare, NULL, ONCE},
	{0},
};

static const struct operation loading[] = {
	{"load plain", &plain, prepared, load, NULL, ONCE},
	{"load shared", &shared, prepared, load, NULL, ONCE},
	{"load hooks", &hooks, prepared, load, NULL, ONCE},
	{"load externs", &externs, prepared, load, NULL, ONCE},
	{0},
};

static const struct operation attaching[] = {
	{"attach plain", &plain, loaded, attach, NULL, AGAIN},
	{"attach hooks", &hooks, loaded, attach, NULL, AGAIN},
	{"attach externs", &externs, loaded, attach, NULL, AGAIN},
	{"attach tracepoint", &hooks, one_loaded, attach_tracepoint, "on_tracepoint", AGAIN},
	{"attach raw tracepoint", &hooks, one_loaded, attach_raw_tracepoint, "on_raw_tracepoint", AGAIN},
	{"attach trace", &hooks, one_loaded, attach_trace, "on_btf_tracepoint", AGAIN},
	{"attach iterator", &hooks, one_loaded, attach_iter, "dump_tasks", AGAIN},
	{"attach xdp", &hooks, one_loaded, attach_xdp, "on_xdp", AGAIN},
	{"attach tcx", &hooks, one_loaded, attach_tcx, "on_ingress", AGAIN},
	{0},
};

static const struct operation calling[] = {
	{"reuse table", &shared, made_and_opened, reuse, "table", AGAIN},
	{"reuse arena", &shared, made_and_opened, reuse, "arena", AGAIN},
	{"attach region", &shared, made, attach_region, "table", AGAIN},
	{"attach arena", &shared, made, attach_region, "arena", AGAIN},
	{"migrate at a pin", &grown, opened_to_migrate, migrate_at_prepare, NULL, ONCE},
	{"pin region", &shared, prepared, pin_region, "table", AGAIN},
	{"send region", &shared, prepared, send_region, "table", AGAIN},
	{"receive region", &shared, prepared, receive_region, "table", AGAIN | ON_LINK},
	{"pin all", &grown, loaded, pin_all, NULL, AGAIN},
	{"open pinned", &grown, pinned, open_pinned, NULL, AGAIN},
	{"open pinned, attached", &externs, pinned, open_pinned, NULL, AGAIN},
	{"migrate region", &grown, prepared_to_migrate, migrate_region, "bss", AGAIN},
	{"populate", &shared, prepared, populate, "arena", AGAIN},
	{"update", &plain, prepared, update, "lru", AGAIN},
	{"look up", &plain, updated, lookup, "lru", AGAIN},
	{"next key", &plain, updated, next_key, "lru", AGAIN},
	{"delete", &plain, updated, delete_key, "lru", AGAIN},
	{"run", &plain, loaded, run_prog, "calls", AGAIN},
	{"iter_create", &hooks, attached_iterator, iter_create, "the iterator", AGAIN | ON_LINK},
	{0},
};

/* ---- the sweep */

static void tear_down(struct subject *s)
{
	mem_link_destroy(s->link);
	mem_region_detach(s->attached);
	if (s->source)
		close(s->source);
	unlink(PIN);
	unlink(PIN "~schema");
	if (s->skel)
		mem_skeleton_destroy(s->skel, s->object->layout());
	else
		mem_object_close(s->obj);
	mem_image_free(s->read);
	if (!access(FOLDER, F_OK))
		assert_ok(mem_skeleton_unpin(s->object->image(), FOLDER));
	memset(s, 0, sizeof(*s));
}

static void check_failure(const struct operation *op, const char *where, int err, int seen_errno)
{
	const char *message = mem_error_message();

	ck_assert_msg(seen_errno == -err, "%s: returned %d with errno %d", where, err, seen_errno);
	ck_assert_msg(strcmp(message, NO_MESSAGE) != 0, "%s: no message", where);
	ck_assert_msg(op->flags & ON_LINK || strstr(message, op->object->name),
		      "%s: does not name the object: %s", where, message);
	ck_assert_msg(!op->part || strstr(message, op->part), "%s: does not name '%s': %s", where,
		      op->part, message);
}

/* The descriptors that are open, as bits. */
static uint64_t open_fds(void)
{
	uint64_t bits = 0;

	for (int fd = 0; fd < 64; fd++)
		if (fcntl(fd, F_GETFD, 0) >= 0)
			bits |= 1ULL << fd;
	return bits;
}

/*
 * The operation with its nth call failing, or, given an errno for it, its nth call of bpf(2).
 * Returns the name of the function that failed, NULL if there are not as many calls.
 */
static const char *run_nth(const struct operation *op, unsigned long nth, int bpf_errno)
{
	struct subject s = {.object = op->object, .part = op->part};
	int err, seen_errno;
	char where[128];
	const char *failed;

	if (op->setup)
		op->setup(&s);
	mem_image_is_valid(NULL); /* sets NO_MESSAGE */
	errno = 0;
	if (bpf_errno)
		inject_arm_bpf(nth, bpf_errno);
	else
		inject_arm(nth);
	err = op->run(&s);
	seen_errno = errno;
	failed = inject_disarm();
	snprintf(where, sizeof(where), "%s, call %lu (%s)", op->name, nth, failed ?: "none");
	if (err < 0) {
		ck_assert_msg(failed != NULL, "%s: %s", where, mem_error_message());
		check_failure(op, where, err, seen_errno);
		if (op->flags & AGAIN)
			ck_assert_msg(op->run(&s) >= 0, "%s: not again: %s", where, mem_error_message());
	}
	tear_down(&s);
	return failed;
}

static void sweep(const struct operation *op, int bpf_errno)
{
	unsigned long nth = 0;
	const char *failed;

	do {
		long blocks = inject_blocks();
		uint64_t fds = open_fds();

		failed = run_nth(op, ++nth, bpf_errno);
		ck_assert_msg(inject_blocks() == blocks, "%s, call %lu (%s): %ld blocks left", op->name,
			      nth, failed, inject_blocks() - blocks);
		ck_assert_msg(open_fds() == fds, "%s, call %lu (%s): open descriptors changed: %#lx to %#lx",
			      op->name, nth, failed, fds, open_fds());
		ck_assert_uint_lt(nth, NTH_MAX);
	} while (failed);
	ck_assert_msg(bpf_errno || nth > 1, "%s: no call failed: is nothing injected?", op->name);
}

static void sweep_all(const struct operation *table)
{
	static const int errnos[] = {0, ENOMEM, EINVAL};

	char left[1000];

	leaks_patience = 10; /* there are many programs to be freed */
	for (; table->name; table++) {
		if (linux_version() < table->object->since)
			continue;
		run_nth(table, NTH_MAX, 0); /* for what is allocated once in a process */
		leaks_before();
		for (size_t i = 0; i < sizeof(errnos) / sizeof(errnos[0]); i++)
			sweep(table, errnos[i]);
		ck_assert_msg(!leaks_after(left, sizeof(left)), "%s: left behind:\n%s", table->name,
			      left);
	}
}

TEST(reading_fails, .timeout = 60)
{
	sweep_all(reading);
}
END_TEST

TEST(opening_fails, .timeout = 60)
{
	sweep_all(opening);
}
END_TEST

TEST(preparing_fails, .timeout = 60)
{
	need_bpf();
	sweep_all(preparing);
}
END_TEST

TEST(loading_fails, .timeout = 60, .slow_emulated = "loads programs a thousand times")
{
	need_bpf();
	sweep_all(loading);
}
END_TEST

TEST(attaching_fails, .timeout = 60, .slow_emulated = "loads programs a thousand times")
{
	need_bpf();
	sweep_all(attaching);
}
END_TEST

TEST(calls_fail, .timeout = 60)
{
	need_bpf();
	bpffs_mount();
	sweep_all(calling);
	bpffs_unmount();
}
END_TEST

/* ---- memgen, as a process */

static char directory[64];

static void make_directory(void)
{
	snprintf(directory, sizeof(directory), "/tmp/libmem-faults-XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(directory));
}

/* The file, or an empty string; to be freed. */
static char *contents(const char *path)
{
	FILE *file = fopen(path, "re"), *copy;
	char *text = NULL;
	size_t size;
	int c;

	copy = open_memstream(&text, &size);
	while (file && (c = getc(file)) != EOF)
		putc(c, copy);
	fclose(copy);
	if (file)
		fclose(file);
	return text;
}

static const char *in_directory(const char *name)
{
	static char paths[4][128];
	static unsigned next;
	char *path = paths[next++ % 4];

	snprintf(path, sizeof(paths[0]), "%s/%s", directory, name);
	return path;
}

/* What memgen and everything it calls does with the nth call failing. Exits with its status. */
static void become_memgen(const char *object, unsigned long nth)
{
	char number[24];
	int report = open(in_directory("failed"), O_WRONLY | O_CREAT | O_TRUNC, 0600);

	snprintf(number, sizeof(number), "%lu", nth);
	setenv(INJECT_NTH, number, 1);
	snprintf(number, sizeof(number), "%d", report);
	setenv(INJECT_FD, number, 1);
	setenv("LD_PRELOAD", build_path("selftests/inject.so"), 1);
	setenv("ASAN_OPTIONS", "verify_asan_link_order=0", 1); /* where it is a sanitizer's build */
	dup2(open(in_directory("messages"), O_WRONLY | O_CREAT | O_TRUNC, 0600), STDERR_FILENO);
	execl(build_path("memgen"), "memgen", "skeleton", object, "-o", in_directory("out.h"), NULL);
	_exit(127);
}

static int run_memgen(const char *object, unsigned long nth)
{
	pid_t pid = fork();
	int status;

	if (!pid)
		become_memgen(object, nth);
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	ck_assert_msg(WIFEXITED(status), "memgen ended by signal %d", WTERMSIG(status));
	return WEXITSTATUS(status);
}

/* No file but those of this test and what memgen was to write. */
static void check_directory(const char *where, int written)
{
	ck_assert_msg((access(in_directory("out.h"), F_OK) == 0) == written, "%s: header %s", where,
		      written ? "missing" : "written");
	unlink(in_directory("out.h"));
	unlink(in_directory("messages"));
	unlink(in_directory("failed"));
	ck_assert_msg(!rmdir(directory), "%s: left a file in %s", where, directory);
	ck_assert_int_eq(mkdir(directory, 0700), 0);
}

/* Whether a message names what it is about: the input, the output, or that it came to neither. */
static int names_it(const char *message, const char *input)
{
	return strstr(message, input) || strstr(message, "out.h") ||
	       strstr(message, "the command line");
}

/* Returns whether a call failed. */
static int generate_nth(const char *name, const char *expected, unsigned long nth)
{
	char object[64], where[128];
	char *failed, *messages, *header;
	int status, fired;

	snprintf(object, sizeof(object), "selftests/%s.bpf.o", name);
	status = run_memgen(build_path(object), nth);
	failed = contents(in_directory("failed"));
	messages = contents(in_directory("messages"));
	header = contents(in_directory("out.h"));
	fired = *failed != '\0';
	snprintf(where, sizeof(where), "memgen %s, call %lu (%s)", name, nth, failed);
	ck_assert_msg(status == 0 || (status == 1 && fired), "%s: exit status %d: %s", where, status,
		      messages);
	if (status)
		ck_assert_msg(names_it(messages, name), "%s: does not say what for: %s", where,
			      messages);
	else
		ck_assert_msg(!strcmp(header, expected), "%s: success with another header", where);
	check_directory(where, status == 0);
	free(failed);
	free(messages);
	free(header);
	return fired;
}

static void sweep_memgen(const char *name)
{
	char skeleton[64];
	char *expected;
	unsigned long nth = 1;

	snprintf(skeleton, sizeof(skeleton), "selftests/%s.skel.h", name);
	expected = contents(build_path(skeleton));
	make_directory();
	while (generate_nth(name, expected, nth))
		ck_assert_uint_lt(++nth, NTH_MAX);
	ck_assert_uint_gt(nth, 20);
	free(expected);
	ck_assert_int_eq(rmdir(directory), 0);
}

TEST(generating_fails, .timeout = 60, .host_only = "preloads a library into memgen")
{
#ifdef LIBMEM_COVERAGE
	test_skip("libgcov writes its files when memgen ends, and crashes without memory");
#endif
	sweep_memgen("plain");
	sweep_memgen("shared");
	sweep_memgen("hooks");
	sweep_memgen("externs");
}
END_TEST
