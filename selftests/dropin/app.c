/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/*
 * An application for bpftool's skeleton. It is compiled twice, as C and as C++: against bpftool's
 * header and libbpf, and with -include libbpf_names.h against memgen's and libmem. Both have to
 * say "ok". -DOWN_TYPES leaves out the shared header, which memgen's does not need.
 */
#ifndef LIBBPF_NAMES_H
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#endif
#include <errno.h>
#include <linux/types.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#ifndef OWN_TYPES
#include "calls.h"
#endif
#include "calls.skel.h"

/*
 * All that has other arguments in libmem: maps and programs are passed as they are, not as
 * descriptors.
 */
#ifdef LIBBPF_NAMES_H
typedef const void record_data;
#define EVENTS(skel)	(skel)->maps.events
#define EVALUATE(skel)	(skel)->progs.evaluate
#define NEW_RING(map, fn, ctx) ring_buffer__new(map, fn, ctx)
#else
typedef void record_data;
#define EVENTS(skel)	bpf_map__fd((skel)->maps.events)
#define EVALUATE(skel)	bpf_program__fd((skel)->progs.evaluate)
#define NEW_RING(fd, fn, ctx) ring_buffer__new(fd, fn, ctx, NULL)
#endif

static int events_seen;

#define CHECK(condition)                                                                           \
	do {                                                                                       \
		if (!(condition)) {                                                                \
			fprintf(stderr, "%s:%d: %s\n", __FILE__, __LINE__, #condition);            \
			return 1;                                                                  \
		}                                                                                  \
	} while (0)

static int on_event(void *ctx, record_data *data, size_t size)
{
	const struct event *event = (const struct event *)data;

	if (size >= sizeof(*event) && (int)event->number == *(int *)ctx)
		events_seen++;
	return 0;
}

/* Everything that is set between open and load. */
static int configure(struct calls_bpf *skel)
{
	skel->rodata->target_pid = getpid();
	skel->rodata->reported_call = SYS_getppid;
	skel->rodata->limits.calls = 500;
	CHECK(skel->rodata->limits.more[1] == 2);
	CHECK(skel->data->weight == 2 && skel->data_tuning->threshold == 5);
	skel->data->weight = 3;
	CHECK(!skel->bss->hits && skel->bss->state == STATE_IDLE);
	CHECK(!strcmp(bpf_map__name(skel->maps.by_number), "by_number"));
	CHECK(!bpf_map__set_max_entries(skel->maps.by_number, 600));
	CHECK(bpf_map__max_entries(skel->maps.by_number) == 600);
	CHECK(!bpf_program__set_autoload(skel->progs.never, false));
	CHECK(!bpf_program__autoload(skel->progs.never) && bpf_program__autoload(skel->progs.on_enter));
	bpf_program__set_autoattach(skel->progs.on_exit, false);
	return 0;
}

static int make_calls(struct calls_bpf *skel)
{
	__u64 before = skel->bss->hits;

	for (int i = 0; i < 10; i++)
		syscall(SYS_getppid);
	CHECK(skel->bss->hits >= before + 10 && skel->bss->hits < before + 30);
	CHECK(skel->bss->state == STATE_SEEN);
	return 0;
}

static int check_maps(struct calls_bpf *skel)
{
	__u32 key = SYS_getppid;
	struct event event;
	long page = sysconf(_SC_PAGESIZE);
	__u64 *slots;

	CHECK(!bpf_map__lookup_elem(skel->maps.by_number, &key, sizeof(key), &event, sizeof(event), 0));
	CHECK(event.number == key && event.comm[0]);
	CHECK(!bpf_map__delete_elem(skel->maps.by_number, &key, sizeof(key), 0));
	CHECK(bpf_map__lookup_elem(skel->maps.by_number, &key, sizeof(key), &event, sizeof(event), 0) ==
	      -ENOENT);
	CHECK(!bpf_map__update_elem(skel->maps.by_number, &key, sizeof(key), &event, sizeof(event), 0));
	/* as tools map such arrays themselves */
	slots = (__u64 *)mmap(NULL, (size_t)page, PROT_READ, MAP_SHARED, bpf_map__fd(skel->maps.slots),
			      0);
	CHECK(slots != MAP_FAILED && slots[SYS_getppid] >= 10);
	munmap(slots, (size_t)page);
	/* what is frozen stays as it is */
	CHECK(skel->rodata->target_pid == getpid());
	return 0;
}

static int check_ring(struct calls_bpf *skel)
{
	int wanted = SYS_getppid;
	struct ring_buffer *ring = NEW_RING(EVENTS(skel), on_event, &wanted);

	CHECK(ring && ring_buffer__poll(ring, 1000) > 0);
	CHECK(events_seen >= 10);
	ring_buffer__free(ring);
	return 0;
}

static int check_links(struct calls_bpf *skel)
{
	CHECK(skel->links.on_enter && !skel->links.on_exit && !skel->links.never);
	CHECK(bpf_link__fd(skel->links.on_enter) >= 0);
	CHECK(bpf_program__fd(skel->progs.never) < 0);
	/* one link by hand: destroy and detach take it as their own */
	skel->links.on_exit = bpf_program__attach(skel->progs.on_exit);
	CHECK(skel->links.on_exit);
	syscall(SYS_getppid);
	CHECK(skel->bss->per_slot[3] >= 1000000);
	calls_bpf__detach(skel);
	CHECK(!skel->links.on_enter && !skel->links.on_exit);
	CHECK(!calls_bpf__attach(skel) && skel->links.on_enter);
	bpf_link__destroy(skel->links.on_enter);
	skel->links.on_enter = NULL;
	return 0;
}

static int check_run(struct calls_bpf *skel)
{
	LIBBPF_OPTS(bpf_test_run_opts, opts);

	CHECK(!bpf_prog_test_run_opts(EVALUATE(skel), &opts));
	CHECK(opts.retval == 1);
	skel->data_tuning->threshold = 1 << 30;
	CHECK(!bpf_prog_test_run_opts(EVALUATE(skel), &opts));
	CHECK(opts.retval == 2);
	return 0;
}

/* A load that fails says so the same way. */
static int check_failure(void)
{
	struct calls_bpf *skel = calls_bpf__open_and_load();

	CHECK(!skel && errno);
	skel = calls_bpf__open();
	CHECK(skel && calls_bpf__load(skel) < 0);
	calls_bpf__destroy(skel);
	calls_bpf__destroy(NULL);
	return 0;
}

static int run(struct calls_bpf *skel)
{
	return configure(skel) || calls_bpf__load(skel) || calls_bpf__attach(skel) ||
	       make_calls(skel) || check_maps(skel) || check_ring(skel) || check_links(skel) ||
	       check_run(skel);
}

static int open_with_options(void)
{
	LIBBPF_OPTS(bpf_object_open_opts, opts, .pin_root_path = "/sys/fs/bpf");
	struct calls_bpf *skel = calls_bpf__open_opts(&opts);

	CHECK(skel && !strcmp(bpf_object__name(skel->obj), "calls_bpf"));
	CHECK(bpf_object__find_map_by_name(skel->obj, "slots") == skel->maps.slots);
	CHECK(bpf_object__find_program_by_name(skel->obj, "on_exit") == skel->progs.on_exit);
	calls_bpf__destroy(skel);
	return 0;
}

#ifdef __cplusplus
static int check_members(void)
{
	struct calls_bpf *skel = calls_bpf::open();

	CHECK(skel && !configure(skel) && !calls_bpf::load(skel) && !calls_bpf::attach(skel));
	CHECK(skel->links.on_enter);
	calls_bpf::detach(skel);
	calls_bpf::destroy(skel);
	return 0;
}
#else
static int check_members(void)
{
	return 0;
}
#endif

#ifndef LIBBPF_NAMES_H /* libmem says nothing unless it is asked to */
static int silent(enum libbpf_print_level level, const char *format, va_list args)
{
	(void)level;
	(void)format;
	(void)args;
	return 0;
}
#endif

int main(void)
{
	struct calls_bpf *skel;
	int err;

#ifndef LIBBPF_NAMES_H
	libbpf_set_print(silent);
#endif
	skel = calls_bpf__open();
	if (!skel)
		return 1;
	err = run(skel);
	calls_bpf__destroy(skel);
	if (err || check_failure() || open_with_options() || check_members())
		return 1;
	puts("ok");
	return 0;
}
