/* SPDX-License-Identifier: BSD-2-Clause */
#include <dlfcn.h>
#include <errno.h>
#include <linux/bpf.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "harness.h"
#include "made.h"

enum {
	IDS_MAX = 1 << 18, /* of a kind, in one test; pages that nothing is written to cost nothing */
	COMMAND = 0xffff,  /* what a flag may be added to */
};

/* Shared with forked children, so that theirs are noted as well. */
static struct made {
	uint32_t count; /* that were made; those past IDS_MAX are not in ids */
	uint32_t ids[IDS_MAX];
} *made; /* [MADE_KINDS] */

static int stopped;

typedef long (*syscall_fn)(long number, ...);

/* The C library's, below the one here and below faults/inject.c's. */
static syscall_fn real_syscall(void)
{
	static syscall_fn real;

	if (!real)
		*(void **)&real = dlsym(RTLD_NEXT, "syscall");
	if (!real)
		abort(); /* perhaps before main(): there is no test to fail */
	return real;
}

void made_start(void)
{
	if (!made) {
		made = mmap(NULL, MADE_KINDS * sizeof(*made), PROT_READ | PROT_WRITE,
			    MAP_SHARED | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
		ck_assert_ptr_ne(made, MAP_FAILED);
	}
	for (int kind = 0; kind < MADE_KINDS; kind++)
		__atomic_store_n(&made[kind].count, 0, __ATOMIC_RELAXED);
	stopped = 0;
}

void made_stop(void)
{
	stopped = 1;
}

const uint32_t *made_ids(enum made_kind kind, uint32_t *count)
{
	*count = __atomic_load_n(&made[kind].count, __ATOMIC_ACQUIRE);
	ck_assert_uint_le(*count, IDS_MAX);
	return made[kind].ids;
}

/* The kind of object that a command makes, MADE_KINDS if none. */
static enum made_kind kind_made_by(long command)
{
	switch (command & COMMAND) {
	case BPF_LINK_CREATE:
	case BPF_RAW_TRACEPOINT_OPEN:
		return MADE_LINK;
	case BPF_PROG_LOAD:
		return MADE_PROG;
	case BPF_MAP_CREATE:
		return MADE_MAP;
	case BPF_BTF_LOAD:
		return MADE_BTF;
	default:
		return MADE_KINDS;
	}
}

/* 0 if the kernel does not tell: programs attached in the oldest way have a descriptor, but are no link. */
static uint32_t id_of(enum made_kind kind, int fd)
{
	union {
		struct bpf_link_info link;
		struct bpf_prog_info prog;
		struct bpf_map_info map;
		struct bpf_btf_info btf;
	} info;
	union bpf_attr attr;

	memset(&info, 0, sizeof(info));
	memset(&attr, 0, sizeof(attr));
	attr.info.bpf_fd = fd;
	attr.info.info = (uintptr_t)&info;
	attr.info.info_len = kind == MADE_LINK ? sizeof(info.link) :
			     kind == MADE_PROG ? sizeof(info.prog) :
			     kind == MADE_MAP  ? sizeof(info.map) :
						 sizeof(info.btf);
	if (real_syscall()(SYS_bpf, BPF_OBJ_GET_INFO_BY_FD, &attr, sizeof(attr)))
		return 0;
	return kind == MADE_LINK ? info.link.id :
	       kind == MADE_PROG ? info.prog.id :
	       kind == MADE_MAP	 ? info.map.id :
				   info.btf.id;
}

void made_note(long number, long command, long result)
{
	int saved_errno = errno;
	enum made_kind kind;
	uint32_t id, slot;

	if (number != SYS_bpf || result < 0 || !made || stopped)
		return;
	kind = kind_made_by(command);
	id = kind == MADE_KINDS ? 0 : id_of(kind, (int)result);
	if (id) {
		slot = __atomic_fetch_add(&made[kind].count, 1, __ATOMIC_RELAXED);
		if (slot < IDS_MAX)
			__atomic_store_n(&made[kind].ids[slot], id, __ATOMIC_RELEASE);
	}
	errno = saved_errno;
}

/*
 * Weak: a program that lets calls fail has its own. Six arguments are read, however many there are: the last
 * of them may be anything on the caller's stack, which is no business of a sanitizer's.
 */
__attribute__((weak, visibility("default"), no_sanitize_address)) long syscall(long number, ...)
{
	long arg[6], result;
	va_list args;

	va_start(args, number);
	for (int i = 0; i < 6; i++)
		arg[i] = va_arg(args, long);
	va_end(args);
	result = real_syscall()(number, arg[0], arg[1], arg[2], arg[3], arg[4], arg[5]);
	made_note(number, arg[0], result);
	return result;
}
