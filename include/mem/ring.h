/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/**
 * @file
 * @brief Queues of values between programs and applications, first in, first out, in an arena.
 *
 *     MEM_ARENA_VAR struct mem_ring events;                     zero: no ring yet
 *     mem_ring_create(&heap, &events, 1024, sizeof(struct event));   in the application
 *
 *     mem_ring_push(&heap, &events, &event);       0, or -ENOSPC: full
 *     mem_ring_pop(&heap, &events, &event);        0, or -ENOENT: empty
 *     mem_ring_wait(&events, 100);                 application: until there is something
 *
 * Layout. `size` slots, a power of two, each with the number of what is in it plus 1, then the value.
 * `head` counts what was taken, `tail` what room was given to; neither wraps.
 *
 * Any number of consumers, on both sides: a value is copied first and then taken by a compare-and-swap of
 * head, so one that dies has taken it or has not. Any number of producers, of one side:
 *
 *     programs      take room by a compare-and-swap of tail, copy, and set the slot's number. One that
 *                   is interrupted in between holds up the consumers until it goes on; programs don't die
 *     applications  hold the ring's lock, copy, set the number, and move tail last. One that dies has
 *                   pushed or has not; who takes the lock over moves tail on if need be
 *
 * mem_ring_push() does what suits the side it is called on; a ring has producers of one side only. All
 * operations take constant time. Against the kernel's ring buffer: values instead of records, no
 * system call to wake or map, consumers on the BPF side, and several of them.
 */
#ifndef MEM_RING_H
#define MEM_RING_H

#include <mem/alloc.h>
#ifndef __bpf__
#include <sys/select.h> /* to sleep: strict C11 has no nanosleep() */
#endif

#ifndef MEM_TYPE_struct_mem_ring
#define MEM_TYPE_struct_mem_ring
/** A ring. */
struct mem_ring {
	unsigned long long tail;    /**< values pushed so far, or about to be */
	unsigned long long dropped; /**< pushes that found it full */
	struct mem_lock lock;       /**< of application producers */
	unsigned long long pad[5];  /**< keeps producers' and consumers' words apart */
	unsigned long long head;    /**< values popped so far */
	unsigned int size;          /**< slots, a power of two; 0: no ring */
	unsigned int bytes;         /**< of a value: a multiple of 8; bits 24 and up: MEM_RING_LAYOUT */
	unsigned int slots;         /**< low address of the first slot */
	unsigned int zero;          /**< 0 */
};
#endif

/** The layout that these headers give rings. A ring of another one, or of other values, is refused by both sides. */
#ifndef MEM_RING_LAYOUT
#define MEM_RING_LAYOUT 1
#endif

/** @cond */
/* struct mem_ring.bytes of a ring of such values. */
#define mem__ring_kind(bytes) ((unsigned int)MEM_RING_LAYOUT << 24 | (unsigned int)(bytes))

/* Why a ring is none for such values. */
MEM_INLINE int mem__ring_refuse(const struct mem_ring __arena *r, unsigned int bytes)
{
	return mem_load(&r->size) && mem_load(&r->bytes) != mem__ring_kind(bytes) ? -MEM_ESTALE : -MEM_EINVAL;
}

/* A slot: its number, then the value. */
#define mem__ring_slot(v, r, number, bytes)                                                        \
	mem_at(unsigned long long, mem__heap(v),                                                   \
	       mem_load(&(r)->slots) +                                                             \
		       ((unsigned int)(number) & (mem_load(&(r)->size) - 1)) *                     \
			       ((unsigned int)(bytes) + 8))

/* The slot of a number, if the ring is of such values and the slot inside. */
MEM_INLINE unsigned long long __arena *mem__ring_at(mem__view v, struct mem_ring __arena *r,
						    unsigned long long number, unsigned int bytes)
{
	unsigned long long __arena *slot;

	if (!mem__is_view(v) || bytes >> 24 || mem_load(&r->bytes) != mem__ring_kind(bytes) || !mem_load(&r->size))
		return NULL;
	slot = mem__ring_slot(v, r, number, bytes);
	return mem_low(slot) % 8 == 0 && mem__inside(v, mem_low(slot) >> 4, bytes + 16) ? slot : NULL;
}

MEM_INLINE void mem__ring_write(unsigned long long __arena *slot, unsigned long long number,
				const void *value, unsigned int bytes)
{
	unsigned int i;

	for (i = 0; i < bytes / 8; i++)
		mem_store(&slot[1 + i], ((const unsigned long long *)value)[i]);
	mem_store_release(&slot[0], number + 1);
}

/* 0: not a constant, since the verifier would follow rounds that are counted from there one by one. */
#ifdef __bpf__
#define mem__ring_first(r) mem_load(&(r)->zero)
#else
#define mem__ring_first(r) ((void)(r), 0U)
#endif

#ifdef __bpf__
MEM_INLINE int mem__ring_push(mem__view v, struct mem_ring __arena *r, const void *value,
			      unsigned int bytes)
{
	unsigned long long __arena *slot;
	unsigned long long tail;
	unsigned int i;

	mem__apart(r); /* in a register: a variable's fields would have an address each */
	for (i = mem__ring_first(r); i < MEM__TRIES; i++) {
		tail = mem_load(&r->tail);
		slot = mem__ring_at(v, r, tail, bytes);
		if (!slot)
			return mem__ring_refuse(r, bytes);
		if (tail - mem_load_acquire(&r->head) >= mem_load(&r->size)) {
			mem_add(&r->dropped, 1ULL);
			return -MEM_ENOSPC;
		}
		if (mem_cas(&r->tail, tail, tail + 1) != tail)
			continue;
		mem__ring_write(slot, tail, value, bytes);
		return 0;
	}
	return -MEM_EAGAIN;
}
#else
MEM_INLINE int mem__ring_push(mem__view v, struct mem_ring *r, const void *value, unsigned int bytes)
{
	unsigned long long tail, *slot;
	int err;

	if (!r || !value)
		return -MEM_EINVAL;
	if (mem_load(&r->bytes) != mem__ring_kind(bytes)) /* its lock may be elsewhere */
		return mem__ring_refuse(r, bytes);
	err = mem_lock(&r->lock);
	if (err < 0)
		return err;
	tail = mem_load(&r->tail);
	slot = mem__ring_at(v, r, tail, bytes);
	if (slot && mem_load(&slot[0]) == tail + 1) { /* its producer died before it moved tail */
		mem_store_release(&r->tail, ++tail);
		slot = mem__ring_at(v, r, tail, bytes);
	}
	err = !slot ? mem__ring_refuse(r, bytes) : 0;
	if (slot && tail - mem_load_acquire(&r->head) >= mem_load(&r->size)) {
		mem_add(&r->dropped, 1ULL);
		err = -MEM_ENOSPC;
	}
	if (!err) {
		mem__ring_write(slot, tail, value, bytes);
		mem_store_release(&r->tail, tail + 1);
	}
	mem_unlock(&r->lock);
	return err;
}
#endif

MEM_INLINE int mem__ring_pop(mem__view v, struct mem_ring __arena *r, void *value, unsigned int bytes)
{
	unsigned long long __arena *slot;
	unsigned long long head;
	unsigned int i, tries;

	if (!mem__given(r) || !mem__given(value))
		return -MEM_EINVAL;
	mem__apart(r);
	for (tries = mem__ring_first(r); tries < MEM__TRIES; tries++) {
		head = mem_load_acquire(&r->head);
		slot = mem__ring_at(v, r, head, bytes);
		if (!slot)
			return mem__ring_refuse(r, bytes);
		if (mem_load_acquire(&slot[0]) != head + 1) {
			if (mem_load(&r->head) != head) /* it was taken, and the slot may be used again */
				continue;
			return -MEM_ENOENT;
		}
		for (i = 0; i < bytes / 8; i++)
			((unsigned long long *)value)[i] = mem_load(&slot[1 + i]);
		if (mem_cas(&r->head, head, head + 1) == head)
			return 0;
	}
	return -MEM_EAGAIN;
}
/** @endcond */

/**
 * @brief Put a value at the end: mem_ring_push(heap, ring, const type *value).
 * @return 0; -ENOSPC full, counted in `dropped`; -EINVAL no ring; -ESTALE one of other values, or of another
 *         layout; -EAGAIN others were faster 16 times (programs)
 */
#define mem_ring_push(heap, ring, value)                                                           \
	mem__ring_push(mem__view_of(heap), ring, value, sizeof(*(value)))

/**
 * @brief Take the first value: mem_ring_pop(heap, ring, type *value).
 * @return 0; -ENOENT empty; -EINVAL no ring; -ESTALE one of other values, or of another layout; -EAGAIN others were
 *         faster too often
 */
#define mem_ring_pop(heap, ring, value)                                                            \
	mem__ring_pop(mem__view_of(heap), ring, value, sizeof(*(value)))

#ifndef __bpf__
/**
 * @brief Make a ring.
 * @param heap   with memory for it: size * (bytes + 8)
 * @param ring   zero: no ring yet
 * @param size   values it holds: a power of two
 * @param bytes  of a value: a multiple of 8, less than 16 MiB
 * @return 0, or -EINVAL; -EBUSY it is a ring; -ENOMEM; what mem_heap_view() says
 */
MEM_INLINE int mem_ring_create(struct mem_heap *heap, struct mem_ring *ring, unsigned int size,
			       unsigned int bytes)
{
	/* 16 more: a slot is checked with what follows it */
	char *slots = NULL;

	if (!ring || !size || size & (size - 1) || !bytes || bytes % 8 || bytes >> 24 || size > (1U << 30) / (bytes + 8))
		return -EINVAL;
	if (mem_load(&ring->size))
		return -EBUSY;
	slots = (char *)mem_alloc(heap, (size_t)size * (bytes + 8) + 16);
	if (!slots)
		return mem__no_memory(heap);
	__builtin_memset(slots, 0, (size_t)size * (bytes + 8));
	__builtin_memset(ring, 0, sizeof(*ring));
	ring->bytes = mem__ring_kind(bytes);
	ring->slots = mem_low(slots);
	mem_store_release(&ring->size, size);
	return 0;
}

/**
 * @brief Free a ring that nobody uses any more.
 * @param heap  as given to mem_ring_create()
 * @param ring  zero afterwards; one of another layout is left alone
 */
MEM_INLINE void mem_ring_destroy(struct mem_heap *heap, struct mem_ring *ring)
{
	unsigned int slots;

	if (!ring || (ring->slots && mem_load(&ring->bytes) >> 24 != MEM_RING_LAYOUT))
		return;
	slots = ring->slots;
	mem_store(&ring->size, 0U); /* who is killed now leaves no ring of freed memory */
	mem_order();
	__builtin_memset(ring, 0, sizeof(*ring)); /* nor one that can be freed again */
	mem_order();
	if (slots)
		mem_free(heap, mem_at(void, heap, slots));
}

/**
 * @brief Wait until a ring is not empty.
 *
 * A program can wake nobody from every context, so this looks again after pauses that grow from 1
 * microsecond to 1 millisecond.
 *
 * @param ring          a ring
 * @param milliseconds  to wait at most
 * @return 1 there is something, 0 there was nothing
 */
MEM_INLINE int mem_ring_wait(const struct mem_ring *ring, unsigned int milliseconds)
{
	long long left = milliseconds * 1000LL; /* microseconds */
	long microseconds = 1;

	while (ring && mem_load(&ring->head) == mem_load(&ring->tail)) {
		struct timeval pause = {0, microseconds};

		if (left <= 0)
			return 0;
		select(0, NULL, NULL, NULL, &pause);
		left -= microseconds;
		microseconds = microseconds < 500 ? microseconds * 2 : 1000;
	}
	return ring != NULL;
}
#endif

#endif /* MEM_RING_H */
