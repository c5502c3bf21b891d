/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/**
 * @file
 * @brief Arena memory, for BPF programs and applications alike.
 *
 * The same struct serves both sides:
 *
 *     struct node {
 *             struct node __arena *next;
 *             int value;
 *     };
 *
 * In a BPF program `__arena` marks memory of the arena (clang's address space 1); in an
 * application it is nothing, and the pointers are ordinary ones that can be followed.
 */
#ifndef MEM_ARENA_H
#define MEM_ARENA_H

#ifdef __bpf__

#if !defined(__BPF_FEATURE_ADDR_SPACE_CAST)
/* An error where an arena is used, not for every program that includes mem/bpf.h. */
#define MEM_ARENA_NEEDS_CASTS                                                                      \
	_Pragma("GCC error \"arenas need address-space casts: compile with clang 19 or newer\"")
#define __arena MEM_ARENA_NEEDS_CASTS
#define MEM_ARENA_VAR MEM_ARENA_NEEDS_CASTS
#define MEM_ARENA(name, pages) MEM_ARENA_NEEDS_CASTS struct mem_no_arena name
#else

/**
 * Memory of the arena, as in `struct node __arena *next;`. The tag is how the generator recognises
 * such pointers: compilers leave address spaces out of BTF.
 */
#ifndef __arena
#define __arena __attribute__((address_space(1))) __attribute__((btf_type_tag("arena")))
#endif

/** A variable that lives in the object's arena: `MEM_ARENA_VAR int counter;` */
#define MEM_ARENA_VAR __attribute__((address_space(1)))

/** BPF_MAP_TYPE_ARENA: Linux 6.9; older uapi headers lack it. */
#define MEM_MAP_TYPE_ARENA 33
/** BPF_F_MMAPABLE, for programs without linux/bpf.h. */
#define MEM_F_MMAPABLE (1U << 10)

/**
 * Declare an arena.
 *
 * A program may use one arena; several programs may share it. A program whose only mention of the
 * arena is pointers read from elsewhere must name it once, or the verifier refuses them:
 * `MEM_ARENA_USE(name);`
 *
 * name   of the map
 * pages  of address space, at most 4 GiB; memory is taken page by page as it is populated
 */
#define MEM_ARENA(name, pages)                                                                     \
	struct {                                                                                   \
		int(*type)[MEM_MAP_TYPE_ARENA];                                                    \
		int(*map_flags)[MEM_F_MMAPABLE];                                                   \
		int(*max_entries)[pages];                                                          \
	} name __attribute__((section(".maps"), used))

/** Tie the program to an arena that it mentions nowhere else. */
#define MEM_ARENA_USE(name) asm volatile("" : : "r"(&(name)))
#endif

#else /* application */

#ifndef __arena
#define __arena
#endif

#endif
#endif /* MEM_ARENA_H */
