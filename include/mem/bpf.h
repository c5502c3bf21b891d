/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/**
 * @file
 * @brief What a BPF program includes first: kernel types, libbpf's helpers and libmem's macros.
 *
 * Works with a vmlinux.h included before it, and without any; not with one behind it, for C defines
 * no enumerator twice. libbpf's headers (bpf/bpf_helpers.h) must be installed; no option beyond
 * -I<prefix>/include is needed.
 */
#ifndef MEM_BPF_H
#define MEM_BPF_H

#ifndef __bpf__
#error "mem/bpf.h is for BPF programs (clang --target=bpf); applications include mem/mem.h"
#endif

#ifndef __VMLINUX_H__
/*
 * linux/types.h wants asm/types.h, which clang's BPF target does not find where a distribution
 * keeps it in a directory per architecture. Where it is out of reach, stand in for it.
 */
/** @cond */
#if !__has_include(<asm/types.h>) && !defined(_LINUX_TYPES_H)
#define _LINUX_TYPES_H
typedef signed char __s8;
typedef short __s16;
typedef int __s32;
typedef long long __s64;
typedef unsigned char __u8;
typedef unsigned short __u16;
typedef unsigned int __u32;
typedef unsigned long long __u64;
typedef __u16 __le16;
typedef __u16 __be16;
typedef __u32 __le32;
typedef __u32 __be32;
typedef __u64 __le64;
typedef __u64 __be64;
typedef __u16 __sum16;
typedef __u32 __wsum;
#define __bitwise
#define __bitwise__
#define __aligned_u64 __u64 __attribute__((aligned(8)))
#define __aligned_be64 __be64 __attribute__((aligned(8)))
#define __aligned_le64 __le64 __attribute__((aligned(8)))
#endif
/** @endcond */
#include <linux/bpf.h>
#endif

#if !__has_include(<bpf/bpf_helpers.h>)
#error "mem/bpf.h needs libbpf's headers: install libbpf-dev (Debian, Ubuntu) or libbpf-devel"
#endif
#include <bpf/bpf_helpers.h>

#include <mem/arena.h>

/** @cond */
#ifdef __BPF_FEATURE_MAY_GOTO
#define MEM_MAY_GOTO(label) asm volatile goto("may_goto %l[" #label "]" : : : : label)
#else /* the same instruction for assemblers that have no name for it */
#define MEM_MAY_GOTO(label)                                                                        \
	asm volatile goto("1:.byte 0xe5, 0; .short (%l[" #label "] - 1b - 8) / 8; .long 0"         \
			  : : : : label)
#endif
/** @endcond */

/**
 * True as long as the kernel lets a loop go on, which it does for about 8 million rounds or 250 ms:
 * `for (n = head; n && mem_can_loop; n = n->next)` verifies without a bound of its own. Linux 6.9.
 */
#define mem_can_loop                                                                               \
	({                                                                                         \
		__label__ stop, end;                                                               \
		int go_on = 1;                                                                     \
		MEM_MAY_GOTO(stop);                                                                \
		goto end;                                                                          \
	stop:                                                                                      \
		go_on = 0;                                                                         \
	end:                                                                                       \
		go_on;                                                                             \
	})

/**
 * Marks of a field or variable that only one side writes: `long requests MEM_WRITER_APP;`. They
 * change nothing; `memgen layout` warns where the two sides write to one cache line.
 */
#if __has_attribute(btf_decl_tag)
#define MEM_WRITER_APP __attribute__((btf_decl_tag("mem:writer=app")))
/** The same for what programs write. */
#define MEM_WRITER_BPF __attribute__((btf_decl_tag("mem:writer=bpf")))
/**
 * Marks a field or variable that was renamed: `long answered MEM_WAS("replies");`. Where nothing
 * else changed, a map of the older version, or of the newer, is taken on as it is; else migration
 * (mem/migrate.h) finds the value under the old name, or under one of several.
 */
#define MEM_WAS(old_name) __attribute__((btf_decl_tag("mem:was=" old_name)))
/** Mark of a struct's sequence counter, a member of 4 or 8 bytes: see mem/seq.h. */
#define MEM_SEQ __attribute__((btf_decl_tag("mem:seq")))
#else
/** @cond */
#define MEM_WRITER_APP
#define MEM_WRITER_BPF
#define MEM_WAS(old_name)
#define MEM_SEQ
/** @endcond */
#endif

/** @cond */
#define MEM_EXPORT_AS__(type, name)                                                                \
	_Static_assert(sizeof(type) > 0, "the type has to be defined");                           \
	static __typeof__(type) *name __attribute__((section(".mem_export"), used))
#define MEM_EXPORT_AS_(type, number) MEM_EXPORT_AS__(type, mem_export__##number)
#define MEM_EXPORT_AS(type, number)  MEM_EXPORT_AS_(type, number)
/** @endcond */

/**
 * Define a type in generated headers though no variable, map or arena has it: what maps that are not
 * shared hold, say. `MEM_EXPORT(struct key);` at file scope.
 */
#define MEM_EXPORT(type) MEM_EXPORT_AS(type, __COUNTER__)

/**
 * Name the type of a buffer's records: `MEM_RECORD(events, struct event);` at file scope. Generated
 * headers define it, and have typed functions for the ring buffer, user ring buffer or perf event
 * array of that name.
 */
#define MEM_RECORD(map, type) MEM_EXPORT_AS__(type, mem_record__##map)

#endif /* MEM_BPF_H */
