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
#define MEM_ARENA(name, ...) MEM_ARENA_NEEDS_CASTS struct mem_no_arena name
#else

/**
 * Memory of the arena, as in `struct node __arena *next;`. The tag is how the generator recognises
 * such pointers: compilers leave address spaces out of BTF.
 */
#ifndef __arena
#define __arena __attribute__((address_space(1))) __attribute__((btf_type_tag("arena")))
#endif

/**
 * A variable that lives in the object's arena: `MEM_ARENA_VAR int counter;`. For a pointer the mark goes
 * behind the star, `struct node __arena *MEM_ARENA_VAR head;`: in front it is about what it points to.
 */
#define MEM_ARENA_VAR __attribute__((address_space(1)))

/** BPF_MAP_TYPE_ARENA: Linux 6.9; older uapi headers lack it. */
#define MEM_MAP_TYPE_ARENA 33
/** BPF_F_MMAPABLE, for programs without linux/bpf.h. */
#define MEM_F_MMAPABLE (1U << 10)

/**
 * For MEM_ARENA(): the application gets SIGSEGV where programs have taken no page, instead of a
 * page. mem_arena_populate() and everything built on it (variables, heaps) need an arena without.
 */
#define MEM_ARENA_SEGV_ON_FAULT (1U << 17)
/**
 * For MEM_ARENA(): pointers that programs store stay the 32-bit ones they compute with. An
 * application can't follow them; it saves programs an instruction per stored pointer.
 */
#define MEM_ARENA_NO_USER_CONV (1U << 18)

/**
 * Declare an arena: `MEM_ARENA(arena, 1000);` or `MEM_ARENA(arena, 1000, MEM_ARENA_SEGV_ON_FAULT);`
 *
 * A program may use one arena; several programs may share it. A program whose only mention of the
 * arena is pointers read from elsewhere must name it once, or the verifier refuses them:
 * `MEM_ARENA_USE(name);`
 *
 * name   of the map
 * pages  of address space, of the size that the kernel has (4096 bytes; 16384 or 65536 on some arm64), at most 4 GiB;
 *        memory is taken page by page as it is populated
 * ...    nothing, or flags
 */
#define MEM_ARENA(name, ...) MEM__ARENA(name, __VA_ARGS__, 0, )
/** @cond */
#define MEM__ARENA(name, pages, flags, ...)                                                        \
	struct {                                                                                   \
		int(*type)[MEM_MAP_TYPE_ARENA];                                                    \
		int(*map_flags)[MEM_F_MMAPABLE | (flags)];                                         \
		int(*max_entries)[pages];                                                          \
	} name __attribute__((section(".maps"), used))
/** @endcond */

/**
 * Tie a program to an arena that it mentions nowhere else.
 *
 * A sub-program that is not static is checked by itself, but counts as part of each program that
 * calls it: one mention anywhere in the program is enough, in the sub-program it is always there.
 */
#define MEM_ARENA_USE(name) __asm__ volatile("" : : "r"(&(name)))

/**
 * @brief Take pages of an arena. Sleepable programs only; from Linux 7.0 in every program.
 *
 * Declared under a name of its own ("___" and what follows is not part of the kernel's), so that it
 * doesn't matter whether a vmlinux.h declares the function too, or how.
 *
 * @param map    the arena, by its name: `&arena`
 * @param at     where, page aligned, or NULL for anywhere
 * @param pages  how many
 * @param node   of NUMA, or -1
 * @param flags  0
 * @return the first page, all of them zero; NULL if there is no memory or `at` is taken
 */
extern void __arena *bpf_arena_alloc_pages___mem(void *map, void __arena *at, unsigned int pages,
						 int node, unsigned long long flags)
	__attribute__((section(".ksyms"), weak));

/**
 * @brief Give pages back, from every mapping: who touches them gets new ones, or loses the access.
 *
 * Costs an interrupt of all CPUs for each page, so never on a path that has to be fast.
 *
 * @param map    the arena
 * @param first  page aligned
 * @param pages  how many
 */
extern void bpf_arena_free_pages___mem(void *map, void __arena *first, unsigned int pages)
	__attribute__((section(".ksyms"), weak));

/**
 * @brief Keep bpf_arena_alloc_pages() away from a range. Linux 6.17; test for it:
 * `if (bpf_arena_reserve_pages___mem) ...`
 *
 * A write by an application still populates its pages (unless with MEM_ARENA_SEGV_ON_FAULT), so it does
 * not make guard pages of them.
 *
 * @param map    the arena
 * @param first  page aligned
 * @param pages  how many
 * @return 0, or a negative errno: -EBUSY some are taken
 */
extern int bpf_arena_reserve_pages___mem(void *map, void __arena *first, unsigned int pages)
	__attribute__((section(".ksyms"), weak));

/** bpf_arena_alloc_pages___mem() */
#define mem_arena_alloc_pages(map, at, pages) bpf_arena_alloc_pages___mem(&(map), at, pages, -1, 0)
/** bpf_arena_free_pages___mem() */
#define mem_arena_free_pages(map, first, pages) bpf_arena_free_pages___mem(&(map), first, pages)
#endif

#else /* application */

#ifndef __arena
#define __arena
#endif

/** Loops on memory that others change are bounded by their own counts here. */
#ifndef mem_can_loop
#define mem_can_loop 1
#endif

#endif

/** @cond */
/* Inlined into every caller: what has to be fast, and what depends on constant arguments. */
#define MEM_INLINE static inline __attribute__((always_inline, unused))
/* Called: what is long. One copy for each source file, or one check by the verifier for each call. */
#define MEM_CALLED static __attribute__((noinline, unused))
/** @endcond */

/**
 * The 32 bits that tell an object from all others in its arena; 0 is NULL. An arena never crosses a
 * boundary of 4 GiB.
 */
#define mem_low(p) ((unsigned int)(unsigned long)(p))

/** The object whose mem_low() is given, in the arena that has `near` in it. */
#define mem_at(type, near, low)                                                                    \
	((type __arena *)(((unsigned long)(near) & ~0xffffffffUL) | (unsigned int)(low)))

#endif /* MEM_ARENA_H */
