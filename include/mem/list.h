/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/**
 * @file
 * @brief Lists and stacks of objects that programs and applications share.
 *
 *     struct job { struct mem_list_node link; int id; };
 *     MEM_ARENA_VAR struct mem_list jobs;
 *
 *     mem_list_push(&heap, &jobs, &job->link);               first
 *     mem_list_append(&heap, &jobs, &job->link);             last
 *     struct mem_list_node __arena *n = mem_list_shift(&heap, &jobs);    takes the first out
 *     struct job __arena *job = mem_entry(n, struct job, link);
 *
 * **List** (struct mem_list): doubly linked, 8 bytes per element, under a spin lock (mem/lock.h): all
 * operations take constant time. In programs they may fail with -ETIMEDOUT or -EDEADLK. The chain of
 * `next` is whole at every instant; an application that takes the lock over from a dead one sets `prev`
 * and `last` right by walking it. A walk by mem_list_first() and mem_list_next() needs no lock, sees
 * every element that stays, and is to be begun again if mem_seq_changed(&list->lock, ...) says so
 * before anything is concluded from it.
 *
 * **Stack** (struct mem_stack): singly linked, 4 bytes per element, no lock: push and pop are one
 * compare-and-swap, in every context, and leave nothing behind when they are killed.
 *
 * Elements are memory of the heap (freed ones stay readable, which pop and walks count on), one list per
 * node. Applications check every link before they follow it.
 */
#ifndef MEM_LIST_H
#define MEM_LIST_H

#include <mem/alloc.h>

#ifndef MEM_TYPE_struct_mem_list_node
#define MEM_TYPE_struct_mem_list_node
/** Part of each element of a list. */
struct mem_list_node {
	unsigned int next; /**< low address of the next node; 0: this is the last */
	unsigned int prev; /**< low address of the one before; 0: this is the first */
};
#endif

#ifndef MEM_TYPE_struct_mem_list
#define MEM_TYPE_struct_mem_list
/** A list; zero is an empty one. */
struct mem_list {
	struct mem_lock lock; /**< held by whoever changes it */
	unsigned int first;   /**< low address of the first node, or 0 */
	unsigned int last;    /**< low address of the last node, or 0 */
};
#endif

#ifndef MEM_TYPE_struct_mem_stack_node
#define MEM_TYPE_struct_mem_stack_node
/** Part of each element of a stack. */
struct mem_stack_node {
	unsigned int next; /**< low address of the one below, or 0 */
};
#endif

#ifndef MEM_TYPE_struct_mem_stack
#define MEM_TYPE_struct_mem_stack
/** A stack; zero is an empty one. */
struct mem_stack {
	unsigned long long top; /**< low address of the top node | number of changes << 32 */
};
#endif

/** The object that a node is part of; NULL for NULL. */
#define mem_entry(node, type, member)                                                              \
	((node) ? (type __arena *)((char __arena *)(node) - __builtin_offsetof(type, member)) : NULL)

/** @cond */
/* The node at a low address, if there is room for one. */
#define mem__node(v, type, low)                                                                    \
	__extension__({                                                                            \
		unsigned int low_ = (low); /* once: it may change */                               \
		low_ && low_ % 4 == 0 && mem__inside(v, low_ >> 4, sizeof(type)) ?                 \
			mem_at(type, mem__heap(v), low_) :                                         \
			(type __arena *)NULL;                                                      \
	})
#define mem__list_node(v, low) mem__node(v, struct mem_list_node, low)

/* The application's bound for walks: no heap has more nodes. */
#ifdef __bpf__
#define mem__walk_limit(v) ~0U
#else
#define mem__walk_limit(v) (mem__total(v) * 256U)

/* Somebody died with the lock: `next` is right, the rest may not be. */
MEM_CALLED void mem__list_repair(mem__view v, struct mem_list *list)
{
	unsigned int low = mem_load(&list->first), prev = 0, i;
	struct mem_list_node *node;

	for (i = 0; i < mem__walk_limit(v) && (node = mem__list_node(v, low)); i++) {
		mem_store(&node->prev, prev);
		prev = low;
		low = mem_load(&node->next);
	}
	mem_store(&list->last, prev);
}
#endif

MEM_INLINE int mem__list_lock(mem__view v, struct mem_list __arena *list)
{
	int err;

	if (!mem__is_view(v) || !mem__given(list))
		return -MEM_EINVAL;
	err = mem_lock(&list->lock);
#ifndef __bpf__
	if (err > 0)
		mem__list_repair(v, list);
#endif
	return err < 0 ? err : 0;
}

/* Put node between two that are neighbours, or NULL where the list ends. The lock is held. */
MEM_INLINE void mem__list_link(struct mem_list __arena *list, struct mem_list_node __arena *prev,
			       struct mem_list_node __arena *node, struct mem_list_node __arena *next)
{
	mem_store(&node->next, mem_low(next));
	mem_store(&node->prev, mem_low(prev));
	if (prev)
		mem_store_release(&prev->next, mem_low(node));
	else
		mem_store_release(&list->first, mem_low(node));
	mem_order();
	if (next)
		mem_store(&next->prev, mem_low(node));
	else
		mem_store(&list->last, mem_low(node));
}

MEM_INLINE void mem__list_unlink(mem__view v, struct mem_list __arena *list,
				 struct mem_list_node __arena *node)
{
	unsigned int next = mem_load(&node->next), prev = mem_load(&node->prev);
	struct mem_list_node __arena *before = mem__list_node(v, prev);
	struct mem_list_node __arena *after = mem__list_node(v, next);

	if (before)
		mem_store_release(&before->next, next);
	else
		mem_store_release(&list->first, next);
	mem_order();
	if (after)
		mem_store(&after->prev, prev);
	else
		mem_store(&list->last, prev);
}
/* Put a node first or last. */
MEM__PROGRAM int mem__list_insert(mem__handle handle, unsigned long long list_at,
				  unsigned long long node_at, int last)
{
	struct mem_list __arena *list = (struct mem_list __arena *)list_at;
	struct mem_list_node __arena *node = (struct mem_list_node __arena *)node_at;
	mem__view v = mem__handle_view(handle);
	int err = node ? mem__list_lock(v, list) : -MEM_EINVAL;

	if (err)
		return err;
	if (last)
		mem__list_link(list, mem__list_node(v, mem_load(&list->last)), node, NULL);
	else
		mem__list_link(list, NULL, node, mem__list_node(v, mem_load(&list->first)));
	mem_unlock(&list->lock);
	return 0;
}

/* Take a node out. */
MEM__PROGRAM int mem__list_remove(mem__handle handle, unsigned long long list_at,
				  unsigned long long node_at)
{
	struct mem_list __arena *list = (struct mem_list __arena *)list_at;
	mem__view v = mem__handle_view(handle);
	int err = node_at ? mem__list_lock(v, list) : -MEM_EINVAL;

	if (err)
		return err;
	mem__list_unlink(v, list, (struct mem_list_node __arena *)node_at);
	mem_unlock(&list->lock);
	return 0;
}

/* Take the first node out: its low address, or 0. */
MEM__PROGRAM unsigned int mem__list_shift(mem__handle handle, unsigned long long list_at)
{
	struct mem_list __arena *list = (struct mem_list __arena *)list_at;
	mem__view v = mem__handle_view(handle);
	struct mem_list_node __arena *node;

	if (!mem__given(list) || !mem_load(&list->first) || mem__list_lock(v, list))
		return 0;
	node = mem__list_node(v, mem_load(&list->first));
	if (node)
		mem__list_unlink(v, list, node);
	mem_unlock(&list->lock);
	return mem_low(node);
}
/** @endcond */

/**
 * @brief Put an element before all others.
 * @param heap  that the elements are of
 * @param list  the list
 * @param node  of an element in no list
 * @return 0, or what mem_lock() says; -EINVAL no heap, no list or no node
 */
MEM_INLINE int mem_list_push(struct mem_heap __arena *heap, struct mem_list __arena *list,
			     struct mem_list_node __arena *node)
{
	return mem__list_insert(mem__view_handle(mem__view_of(heap)), (unsigned long long)list,
				(unsigned long long)node, 0);
}

/**
 * @brief Put an element behind all others.
 * @param heap  that the elements are of
 * @param list  the list
 * @param node  of an element in no list
 * @return 0, or what mem_lock() says; -EINVAL no heap, no list or no node
 */
MEM_INLINE int mem_list_append(struct mem_heap __arena *heap, struct mem_list __arena *list,
			       struct mem_list_node __arena *node)
{
	return mem__list_insert(mem__view_handle(mem__view_of(heap)), (unsigned long long)list,
				(unsigned long long)node, 1);
}

/**
 * @brief Take an element out.
 * @param heap  that the elements are of
 * @param list  the list
 * @param node  of an element that is in it
 * @return 0, or what mem_lock() says; -EINVAL no heap, no list or no node
 */
MEM_INLINE int mem_list_remove(struct mem_heap __arena *heap, struct mem_list __arena *list,
			       struct mem_list_node __arena *node)
{
	return mem__list_remove(mem__view_handle(mem__view_of(heap)), (unsigned long long)list,
				(unsigned long long)node);
}

/**
 * @brief Take the first element out.
 * @param heap  that the elements are of
 * @param list  the list
 * @return its node, for mem_entry(); NULL the list is empty, or the lock could not be had
 */
MEM_INLINE struct mem_list_node __arena *mem_list_shift(struct mem_heap __arena *heap,
							struct mem_list __arena *list)
{
	unsigned int low = mem__list_shift(mem__view_handle(mem__view_of(heap)),
					   (unsigned long long)list);

	return low ? mem_at(struct mem_list_node, heap, low) : NULL;
}

/**
 * @brief The first node, for a walk without the lock.
 * @param heap  that the elements are of
 * @param list  the list
 * @return a node, or NULL
 */
MEM_INLINE struct mem_list_node __arena *mem_list_first(struct mem_heap __arena *heap,
							struct mem_list __arena *list)
{
	mem__view v = mem__view_of(heap);

	return mem__is_view(v) && mem__given(list) ? mem__list_node(v, mem_load_acquire(&list->first)) : NULL;
}

/**
 * @brief The next node. Whoever walks bounds the walk: mem_can_loop in programs, in applications a count, for
 * a damaged list may have no end.
 * @param heap  that the elements are of
 * @param node  a node
 * @return a node, or NULL
 */
MEM_INLINE struct mem_list_node __arena *mem_list_next(struct mem_heap __arena *heap,
						       struct mem_list_node __arena *node)
{
	mem__view v = mem__view_of(heap);

	return mem__is_view(v) && mem__given(node) ? mem__list_node(v, mem_load_acquire(&node->next)) : NULL;
}

/** @cond */
MEM__PROGRAM int mem__stack_push(unsigned long long stack_at, unsigned long long node_at)
{
	struct mem_stack __arena *stack = (struct mem_stack __arena *)(unsigned long)stack_at;
	struct mem_stack_node __arena *node = (struct mem_stack_node __arena *)(unsigned long)node_at;
	unsigned long long top;
	int i;

	if (!mem__given(stack) || !node)
		return -MEM_EINVAL;
	for (i = 0; i < MEM__TRIES; i++) {
		top = mem_load(&stack->top);
		mem_store(&node->next, (unsigned int)top);
		if (mem_cas(&stack->top, top, ((top >> 32) + 1) << 32 | mem_low(node)) == top)
			return 0;
	}
	return -MEM_EAGAIN;
}

/* The low address of the node, or 0. */
MEM__PROGRAM unsigned int mem__stack_pop(mem__handle handle, unsigned long long stack_at)
{
	struct mem_stack __arena *stack = (struct mem_stack __arena *)(unsigned long)stack_at;
	mem__view v = mem__handle_view(handle);
	struct mem_stack_node __arena *node;
	unsigned long long top;
	int i;

	for (i = 0; mem__is_view(v) && mem__given(stack) && i < MEM__TRIES; i++) {
		top = mem_load_acquire(&stack->top);
		node = mem__node(v, struct mem_stack_node, (unsigned int)top);
		if (!node)
			return 0;
		if (mem_cas(&stack->top, top, ((top >> 32) + 1) << 32 | mem__peek(&node->next)) == top)
			return mem_low(node);
	}
	return 0;
}
/** @endcond */

/**
 * @brief Put an element on a stack.
 * @param stack  the stack
 * @param node   of an element in no stack
 * @return 0, or -EAGAIN: others were faster 16 times (programs), 10,000 times (applications); -EINVAL no stack or no
 *         node
 */
MEM_INLINE int mem_stack_push(struct mem_stack __arena *stack, struct mem_stack_node __arena *node)
{
	return mem__stack_push((unsigned long long)(unsigned long)stack, (unsigned long long)(unsigned long)node);
}

/**
 * @brief Take the top element off a stack.
 * @param heap   that the elements are of
 * @param stack  the stack
 * @return its node, for mem_entry(); NULL the stack is empty, or others were faster too often
 */
MEM_INLINE struct mem_stack_node __arena *mem_stack_pop(struct mem_heap __arena *heap,
							struct mem_stack __arena *stack)
{
	unsigned int low = mem__stack_pop(mem__view_handle(mem__view_of(heap)),
					  (unsigned long long)(unsigned long)stack);

	return low ? mem_at(struct mem_stack_node, heap, low) : NULL;
}

#endif /* MEM_LIST_H */
