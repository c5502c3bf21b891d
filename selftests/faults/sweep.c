/* SPDX-License-Identifier: BSD-2-Clause */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "faults/sweep.h"
#include "leaks.h"

enum { NTH_MAX = 20000 }; /* an operation with more calls than that does not end */
#define NO_MESSAGE "image: NULL"

/* ---- tables */

static const struct operation *tables[32];
static size_t table_count;

void sweep_register(const struct operation *table)
{
	if (table_count == sizeof(tables) / sizeof(tables[0]))
		abort(); /* before main(): there is no test to fail */
	tables[table_count++] = table;
}

int sweep_has(const char *function)
{
	size_t len = strlen(function);

	for (size_t i = 0; i < table_count; i++) {
		for (const struct operation *op = tables[i]; op->name; op++) {
			if (!strncmp(op->name, function, len) && (!op->name[len] || op->name[len] == ' '))
				return 1;
		}
	}
	return 0;
}

/* ---- setups */

int result(const void *pointer)
{
	return pointer ? 0 : -errno;
}

static int opened_as(struct subject *s, void *skel)
{
	s->skel = skel;
	if (skel)
		memcpy(&s->obj, (char *)skel + s->object->obj, sizeof(s->obj));
	return result(skel);
}

int open_object(struct subject *s)
{
	return opened_as(s, mem_skeleton_open(s->object->image(), s->object->layout(), NULL));
}

int open_and_load(struct subject *s)
{
	return opened_as(s, mem_skeleton_open_and_load(s->object->image(), s->object->layout()));
}

void opened(struct subject *s)
{
	assert_ok(open_object(s));
}

void prepared(struct subject *s)
{
	opened(s);
	assert_ok(mem_object_prepare(s->obj));
}

void loaded(struct subject *s)
{
	opened(s);
	assert_ok(mem_object_load(s->obj));
}

/* Attaching and detaching takes its time, and not every kernel has the hooks of the others. */
void one_loaded(struct subject *s)
{
	struct mem_prog *prog = NULL;

	opened(s);
	while ((prog = mem_object_next_prog(s->obj, prog)))
		assert_ok(mem_prog_autoload_set(prog, !strcmp(mem_prog_name(prog), s->part)));
	assert_ok(mem_object_load(s->obj));
}

struct mem_prog *the_prog(const struct subject *s)
{
	return assert_ptr(mem_object_find_prog(s->obj, s->part));
}

struct mem_map *the_map(const struct subject *s)
{
	return assert_ptr(mem_object_find_map(s->obj, s->part));
}

struct mem_region *the_region(const struct subject *s)
{
	return assert_ptr(mem_object_find_region(s->obj, s->part));
}

/* ---- one try */

static void tear_down(const struct operation *op, struct subject *s)
{
	if (op->undo)
		op->undo(s);
	mem_link_destroy(s->link);
	mem_region_detach(s->attached);
	mem_schema_free(s->schema);
	mem_ringbuf_free(s->ring);
	mem_user_ringbuf_free(s->user_ring);
	mem_perf_buffer_free(s->perf);
	if (s->source)
		close(s->source);
	for (int i = 0; i < 2; i++)
		if (s->sockets[i])
			close(s->sockets[i]);
	if (s->skel)
		mem_skeleton_destroy(s->skel, s->object->layout());
	else
		mem_object_close(s->obj);
	mem_image_free(s->read);
}

static void check_failure(const struct operation *op, const char *where, int err, int seen_errno)
{
	const char *message = mem_error_message();

	ck_assert_msg(seen_errno == -err, "%s: returned %d with errno %d", where, err, seen_errno);
	ck_assert_msg(strcmp(message, NO_MESSAGE) != 0, "%s: no message", where);
	ck_assert_msg(op->flags & NAMELESS || strstr(message, op->object->name),
		      "%s: does not name the object: %s", where, message);
	ck_assert_msg(!op->part || op->flags & NAMELESS || strstr(message, op->part),
		      "%s: does not name '%s': %s", where, op->part, message);
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

/* What an operation is up to: the answer without a failure, and what is to fail. */
struct sweep {
	const struct operation *op;
	int usual;         /* 0 or more, or what a kernel answers that refuses it */
	unsigned long nth; /* call to fail */
	int bpf_errno;     /* 0: of any call; else of bpf(2), and this is its answer */
	char where[160];   /* for messages */
	unsigned long most; /* calls that were counted in one pass */
};

static void check_again(const struct sweep *sweep, struct subject *s)
{
	int err = sweep->op->run(s);

	ck_assert_msg(sweep->usual < 0 ? err == sweep->usual : err >= 0, "%s: not again: %d, %s",
		      sweep->where, err, mem_error_message());
}

/* Returns the name of the function that failed, NULL if there are not as many calls. */
static const char *run_nth(struct sweep *sweep)
{
	const struct operation *op = sweep->op;
	struct subject s = {.object = op->object, .part = op->part};
	int err, seen_errno;
	const char *failed;

	if (op->setup)
		op->setup(&s);
	mem_image_is_valid(NULL); /* sets NO_MESSAGE */
	errno = 0;
	if (sweep->bpf_errno)
		inject_arm_bpf(sweep->nth, sweep->bpf_errno);
	else
		inject_arm(sweep->nth);
	err = op->run(&s);
	seen_errno = errno;
	failed = inject_disarm();
	snprintf(sweep->where, sizeof(sweep->where), "%s, call %lu (%s)", op->name, sweep->nth,
		 failed ?: "none");
	if (err < 0) {
		ck_assert_msg(failed || err == sweep->usual, "%s: %s", sweep->where, mem_error_message());
		check_failure(op, sweep->where, err, seen_errno);
		if (failed && strstr(failed, "alloc") && op->flags & TOLD)
			ck_assert_msg(err == -ENOMEM, "%s: %d: %s", sweep->where, err, mem_error_message());
		if (failed && op->flags & AGAIN)
			check_again(sweep, &s);
	}
	tear_down(op, &s);
	return failed;
}

/*
 * The call to fail after this one. Emulated kernels share them out, a third for each after the first call: what they
 * differ in is a few of the kernel's answers.
 */
static unsigned long next_call(unsigned long nth)
{
	unsigned long share = (unsigned long)linux_version() % 1000 % 3;

	nth++;
	while (nth > 1 && fewer_rounds() && nth % 3 != share)
		nth++;
	return nth;
}

static void sweep_calls(struct sweep *sweep)
{
	const char *failed;

	sweep->nth = 0;
	do {
		long blocks = inject_blocks();
		uint64_t fds = open_fds();

		sweep->nth = next_call(sweep->nth);
		failed = run_nth(sweep);
		ck_assert_msg(inject_blocks() == blocks, "%s: %ld blocks left", sweep->where,
			      inject_blocks() - blocks);
		ck_assert_msg(open_fds() == fds, "%s: open descriptors changed: %#lx to %#lx",
			      sweep->where, fds, open_fds());
		ck_assert_uint_lt(sweep->nth, NTH_MAX);
	} while (failed);
	sweep->most = sweep->nth > sweep->most ? sweep->nth : sweep->most;
	ck_assert_msg(sweep->bpf_errno || sweep->nth > 1, "%s: no call failed: is nothing injected?",
		      sweep->op->name);
}

/* The answer when nothing fails; also for what is allocated once in a process. */
static int usual_answer(const struct operation *op)
{
	struct subject s = {.object = op->object, .part = op->part};
	int err;

	if (op->setup)
		op->setup(&s);
	err = op->run(&s);
	ck_assert_msg(err >= 0 || op->flags & REFUSED, "%s: %s", op->name, mem_error_message());
	if (err < 0)
		fprintf(stderr, "%s: refused: %s\n", op->name, mem_error_message());
	tear_down(op, &s);
	return err < 0 ? err : 0;
}

/* A thread keeps the memory that its first long message takes. */
static void have_long_message(void)
{
	char path[1000];

	memset(path, '/', sizeof(path) - 1);
	path[sizeof(path) - 1] = '\0';
	mem_unpin(path);
	ck_assert_uint_gt(strlen(mem_error_message()), sizeof(path) - 1);
}

void sweep_all(const struct operation *table)
{
	static const int errnos[] = {0, ENOMEM, EINVAL};
	char left[1000];

	have_long_message();
	for (; table->name; table++) {
		struct sweep sweep = {.op = table};
		time_t start = time(NULL);

		if (linux_version() < table->object->since)
			continue;
		sweep.usual = usual_answer(table);
		leaks_before();
		for (size_t i = 0; i < sizeof(errnos) / sizeof(errnos[0]); i++) {
			sweep.bpf_errno = errnos[i];
			sweep_calls(&sweep);
		}
		ck_assert_msg(!leaks_after(left, sizeof(left)), "%s: left behind:\n%s", table->name,
			      left);
		fprintf(stderr, "%s: %ld s, %lu calls\n", table->name, (long)(time(NULL) - start), sweep.most);
	}
}
