// SPDX-License-Identifier: BSD-2-Clause
/* Make the calls of a table: nothing is computed, looked up or checked but each call's result. */
#include <errno.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/syscall.h>

#include "floor.h"
#include "phases.h"

#ifndef MAP_FIXED_NOREPLACE
#define MAP_FIXED_NOREPLACE 0x100000
#endif

static struct {
	char *at;
	size_t size;
} mappings[512];

static void fail(const struct floor_call *call, const char *what)
{
	fprintf(stderr, "floor: call %d, %s: %s\n", (int)(call - floor_calls), what, strerror(errno));
	exit(1);
}

static long call_bpf(struct floor_call *call)
{
	for (int i = 0; i < call->fd_count; i++)
		memcpy((char *)call->attr + call->fds[i].offset, &floor_fds[call->fds[i].slot], sizeof(int));
	return syscall(SYS_bpf, (int)call->number, call->attr, (unsigned int)call->size);
}

static long map_it(const struct floor_call *call)
{
	int fixed = call->offset ? MAP_FIXED_NOREPLACE : 0;
	char *at = mmap((void *)(uintptr_t)call->offset, call->size, (int)call->number, MAP_SHARED | fixed,
			floor_fds[call->slot], 0);

	if (at == MAP_FAILED)
		return -1;
	mappings[call->slot].at = at;
	mappings[call->slot].size = call->size;
	return 0;
}

static long fill(const struct floor_call *call)
{
	memcpy(mappings[call->slot].at + call->offset, call->data, call->size);
	return 0;
}

static long touch(const struct floor_call *call)
{
	*(volatile char *)(mappings[call->slot].at + call->offset) = 0;
	return 0;
}

static long call_perf(const struct floor_call *call)
{
	return syscall(SYS_perf_event_open, call->attr, -1, (int)call->number, -1, call->offset);
}

static long call_ioctl(const struct floor_call *call)
{
	unsigned long argument = call->argument < 0 ? call->offset : (unsigned long)floor_fds[call->argument];

	return ioctl(floor_fds[call->slot], call->number, argument);
}

static void make_call(struct floor_call *call)
{
	static const char *const names[] = {"bpf", "mmap", "fill", "touch", "perf_event_open", "ioctl"};
	long result = -1;

	switch (call->op) {
	case FLOOR_BPF: result = call_bpf(call); break;
	case FLOOR_MAP: result = map_it(call); break;
	case FLOOR_FILL: result = fill(call); break;
	case FLOOR_TOUCH: result = touch(call); break;
	case FLOOR_PERF: result = call_perf(call); break;
	case FLOOR_IOCTL: result = call_ioctl(call); break;
	}
	if (result < 0)
		fail(call, names[call->op]);
	if (call->makes >= 0)
		floor_fds[call->makes] = (int)result;
}

static void live(void)
{
	int i = 0;

	bench_start();
	for (; i < floor_call_count && floor_calls[i].phase <= 1; i++)
		make_call(&floor_calls[i]);
	bench_phase("load");
	if (i < floor_call_count) {
		for (; i < floor_call_count; i++)
			make_call(&floor_calls[i]);
		bench_phase("attach");
	}
	for (i = floor_slot_count - 1; i >= 0; i--) {
		if (mappings[i].at)
			munmap(mappings[i].at, mappings[i].size);
		close(floor_fds[i]);
	}
	bench_phase("close");
}

/* Keep tracepoints in use, but without programs, until the input ends. */
static int hold(void)
{
	char c;

	for (int i = 0; i < floor_call_count; i++)
		if (floor_calls[i].op == FLOOR_PERF)
			make_call(&floor_calls[i]);
	puts("held");
	fflush(stdout);
	while (read(STDIN_FILENO, &c, 1) > 0)
		;
	return 0;
}

int main(void)
{
	if (getenv("BENCH_HOLD"))
		return hold();
	bench_live(live);
	return 0;
}
