/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/**
 * @file
 * @brief Bitmaps, numbers to give out, and arrays with holes.
 *
 *     MEM_ARENA_VAR struct mem_bitmap ids;
 *     MEM_ARENA_VAR struct mem_array sessions;
 *
 *     mem_bitmap_create(&heap, &ids, 10000);                  application
 *     mem_array_create(&heap, &sessions, 10000, sizeof(struct session));
 *
 *     int id = mem_id_take(&heap, &ids);                      either side: 0 to 9,999, or -ENOSPC
 *     struct session __arena *s = mem_array_at(&heap, &sessions, struct session, id);
 *     mem_id_give(&heap, &ids, id);
 *
 * **Bitmap**: a bit per number, changed by compare-and-swap, in every context. Taking a number looks at
 * 32 of them at a time, from where the last one was found: at most the whole bitmap, in a program at most
 * 64 words (-EAGAIN: call again, it goes on from there). A killed application has taken a number or has
 * not.
 *
 * **Array**: elements in chunks of 32, made when one of their elements is first asked for, zero, and
 * kept until the array is destroyed: a pointer to an element stays good, so there is nothing to
 * reclaim. A directory of 4 bytes for each chunk is all that an empty array takes. Two sides that make
 * the same chunk at once end up with one. Time is constant; memory per element its size and 1/8 byte. A
 * killed application can lose one chunk that it was about to put in.
 */
#ifndef MEM_ARRAY_H
#define MEM_ARRAY_H

#include <mem/alloc.h>

#ifndef MEM_TYPE_struct_mem_bitmap
#define MEM_TYPE_struct_mem_bitmap
/** A bitmap. */
struct mem_bitmap {
	unsigned int bits;   /**< how many; 0: no bitmap */
	unsigned int words;  /**< low address of the first word of 32 */
	unsigned int hint;   /**< word to look at first */
	unsigned int layout; /**< MEM_ARRAY_LAYOUT */
};
#endif

#ifndef MEM_TYPE_struct_mem_array
#define MEM_TYPE_struct_mem_array
/** An array with holes. */
struct mem_array {
	unsigned int length; /**< elements; 0: no array */
	unsigned int size;   /**< bytes of an element, a multiple of 8; bits 16 and up: MEM_ARRAY_LAYOUT */
	unsigned int chunks; /**< low address of the directory: a low address for each chunk */
	unsigned int pad;    /**< 0 */
};
#endif

/** The layout that these headers give both. What has another one, and an array of other elements, is refused. */
#ifndef MEM_ARRAY_LAYOUT
#define MEM_ARRAY_LAYOUT 1
#endif

/** @cond */
#define MEM__CHUNK 32 /* elements */
#define MEM__ELEMENT 4096 /* bytes at most */
/* struct mem_array.size of such elements. */
#define mem__array_kind(size) ((unsigned int)MEM_ARRAY_LAYOUT << 16 | (unsigned int)(size))
/* Whether a bitmap, if it is one, is for these functions. */
#define mem__is_bitmap(b) (mem_load(&(b)->layout) == MEM_ARRAY_LAYOUT)

/* The word that has a bit; NULL if there is none. */
MEM_INLINE unsigned int __arena *mem__bitmap_word(mem__view v, struct mem_bitmap __arena *b,
						  unsigned int word)
{
	unsigned int at;

	if (!mem__is_view(v) || !mem__given(b))
		return NULL;
	at = mem_load(&b->words) + word * 4;
	if (at % 4 || !at || !mem__inside(v, at >> 4, 16))
		return NULL;
	return mem_at(unsigned int, mem__heap(v), at);
}

/* Set or clear a bit: 1 it changed, 0 it was so, -EINVAL. */
MEM__PROGRAM int mem__bitmap_change(mem__handle handle, unsigned long long bitmap, unsigned int bit, int set)
{
	struct mem_bitmap __arena *b = (struct mem_bitmap __arena *)bitmap;
	mem__view v = mem__handle_view(handle);
	unsigned int __arena *at = mem__bitmap_word(v, b, bit / 32);
	unsigned int mask = 1U << (bit % 32), word;
	int i;

	if (!at || bit >= mem_load(&b->bits))
		return -MEM_EINVAL;
	if (!mem__is_bitmap(b))
		return -MEM_ESTALE;
	for (i = 0; i < MEM__TRIES; i++) {
		word = mem_load(at);
		if (!(word & mask) == !set)
			return 0;
		if (mem_cas(at, word, word ^ mask) == word)
			return 1;
	}
	return -MEM_EAGAIN;
}

MEM__PROGRAM int mem__bitmap_test(mem__handle handle, unsigned long long bitmap, unsigned int bit)
{
	struct mem_bitmap __arena *b = (struct mem_bitmap __arena *)bitmap;
	unsigned int __arena *at = mem__bitmap_word(mem__handle_view(handle), b, bit / 32);

	return at && bit < mem_load(&b->bits) && mem__is_bitmap(b) ? mem_load(at) >> bit % 32 & 1 : 0;
}

/* The number of the only bit that is set. */
MEM_INLINE unsigned int mem__bit_number(unsigned int bit)
{
	bit--; /* as many bits as its number */
	bit -= bit >> 1 & 0x55555555U;
	bit = (bit & 0x33333333U) + (bit >> 2 & 0x33333333U);
	return ((bit + (bit >> 4)) & 0x0f0f0f0fU) * 0x01010101U >> 24;
}

/* A free bit of a word, taken: 0 to 31, or -1. */
MEM__PROGRAM int mem__word_take(unsigned long long address)
{
	unsigned int __arena *at = (unsigned int __arena *)address;
	unsigned int word = mem_load(at), low, found;
	int i;

	for (i = 0; i < 4 && word != ~0U; i++) {
		low = ~word & (word + 1);
		found = mem_cas(at, word, word | low);
		if (found == word)
			return (int)mem__bit_number(low);
		word = found;
	}
	return -1;
}

MEM__PROGRAM int mem__id_take(mem__handle handle, unsigned long long bitmap)
{
	struct mem_bitmap __arena *b = (struct mem_bitmap __arena *)bitmap;
	mem__view v = mem__handle_view(handle);
	unsigned int words, word, i;
	unsigned int __arena *at;
	int bit;

	if (!mem__is_view(v) || !mem__given(b))
		return -MEM_EINVAL;
	words = (mem_load(&b->bits) + 31) / 32;
	word = mem_load(&b->hint);
	if (!words)
		return -MEM_EINVAL;
	if (!mem__is_bitmap(b))
		return -MEM_ESTALE;
#ifdef __bpf__
	for (i = 0; i < 64 && i < words; i++, word++) {
#else
	for (i = 0; i < words; i++, word++) {
#endif
		if (word >= words)
			word = 0;
		at = mem__bitmap_word(v, b, word);
		if (!at)
			return -MEM_EINVAL;
		bit = mem__word_take((unsigned long long)at);
		if (bit < 0)
			continue;
		mem_store(&b->hint, word);
		return (int)(word * 32) + bit;
	}
	mem_store(&b->hint, word);
	return i < words ? -MEM_EAGAIN : -MEM_ENOSPC;
}

/* A zero chunk. */
MEM_INLINE unsigned int mem__chunk_make(struct mem_heap __arena *heap, unsigned int bytes)
{
	unsigned long long __arena *chunk =
		(unsigned long long __arena *)mem__alloc(heap, bytes, MEM_SITE);
	unsigned int left;

	if (!chunk)
		return 0;
	/* Downwards, to 0: a comparison with a size would make each round another one to the verifier. */
	for (left = bytes / 8; left && mem_can_loop; left--)
		mem_store(&chunk[left - 1], 0ULL);
	if (!left)
		return mem_low(chunk);
	mem__free(heap, chunk, MEM_SITE); /* the program has looped for too long */
	return 0;
}

/* The low address of an element; 0: beyond the end, or no memory. */
MEM__PROGRAM unsigned int mem__array_at(mem__handle handle, unsigned long long array, unsigned int index,
					unsigned int size, int make)
{
	struct mem_array __arena *a = (struct mem_array __arena *)array;
	mem__view v = mem__handle_view(handle);
	unsigned int at, chunk, mine;
	unsigned int __arena *entry;

	if (!mem__is_view(v) || !mem__given(a))
		return 0;
	at = mem_load(&a->chunks) + index / MEM__CHUNK * 4;
	if (index >= mem_load(&a->length) || mem_load(&a->size) != mem__array_kind(size) || at % 4 ||
	    !mem__inside(v, at >> 4, 16))
		return 0;
	entry = mem_at(unsigned int, mem__heap(v), at);
	chunk = mem_load_acquire(entry);
	if (!chunk && make) {
		mine = mem__chunk_make(mem__heap(v), size * MEM__CHUNK);
		if (!mine)
			return 0;
		chunk = mem_cas(entry, 0U, mine);
		if (chunk)
			mem__free(mem__heap(v), mem_at(void, mem__heap(v), mine), MEM_SITE);
		else
			chunk = mine;
	}
	if (!chunk || chunk % 16 || !mem__inside(v, chunk >> 4, size * MEM__CHUNK))
		return 0;
	return chunk + index % MEM__CHUNK * size;
}

MEM_INLINE void __arena *mem__element(struct mem_heap __arena *heap, struct mem_array __arena *a,
				      unsigned int index, unsigned int size, int make)
{
	unsigned int low = size > MEM__ELEMENT ? 0 : mem__array_at(mem__view_handle(mem__view_of(heap)),
								   (unsigned long long)a, index, size, make);

	return low ? mem_at(void, heap, low) : NULL;
}
/** @endcond */

/**
 * @brief Set a bit.
 * @param heap    that the bitmap is of
 * @param bitmap  the bitmap
 * @param bit     its number
 * @return 1 it was clear, 0 it was set already, -EINVAL beyond the end, -EAGAIN others were faster, -ESTALE
 *         a bitmap of another layout
 */
MEM_INLINE int mem_bitmap_set(struct mem_heap __arena *heap, struct mem_bitmap __arena *bitmap,
			      unsigned int bit)
{
	return mem__bitmap_change(mem__view_handle(mem__view_of(heap)), (unsigned long long)bitmap, bit,
				  1);
}

/**
 * @brief Clear a bit.
 * @param heap    that the bitmap is of
 * @param bitmap  the bitmap
 * @param bit     its number
 * @return 1 it was set, 0 it was clear already, -EINVAL beyond the end, -EAGAIN others were faster, -ESTALE
 *         a bitmap of another layout
 */
MEM_INLINE int mem_bitmap_clear(struct mem_heap __arena *heap, struct mem_bitmap __arena *bitmap,
				unsigned int bit)
{
	return mem__bitmap_change(mem__view_handle(mem__view_of(heap)), (unsigned long long)bitmap, bit,
				  0);
}

/**
 * @brief Whether a bit is set.
 * @param heap    that the bitmap is of
 * @param bitmap  the bitmap
 * @param bit     its number
 * @return 1 or 0; 0 beyond the end
 */
MEM_INLINE int mem_bitmap_test(struct mem_heap __arena *heap, struct mem_bitmap __arena *bitmap,
			       unsigned int bit)
{
	return mem__bitmap_test(mem__view_handle(mem__view_of(heap)), (unsigned long long)bitmap, bit);
}

/**
 * @brief Take a number that nobody has.
 * @param heap    that the bitmap is of
 * @param bitmap  of the numbers: set bits are taken
 * @return the number; -ENOSPC all are taken, -EAGAIN (program) not found yet, -EINVAL no bitmap, -ESTALE one of
 *         another layout
 */
MEM_INLINE int mem_id_take(struct mem_heap __arena *heap, struct mem_bitmap __arena *bitmap)
{
	return mem__id_take(mem__view_handle(mem__view_of(heap)), (unsigned long long)bitmap);
}

/** Give a number back: mem_bitmap_clear(). */
#define mem_id_give(heap, bitmap, id) mem_bitmap_clear(heap, bitmap, (unsigned int)(id))

/** An element of an array, made if it is not there: `type __arena *`, or NULL: beyond the end, no memory. */
#define mem_array_at(heap, array, type, index)                                                     \
	((type __arena *)mem__element(heap, array, (unsigned int)(index), sizeof(type), 1))

/** An element of an array if its chunk is there: `type __arena *`, or NULL. */
#define mem_array_find(heap, array, type, index)                                                   \
	((type __arena *)mem__element(heap, array, (unsigned int)(index), sizeof(type), 0))

#ifndef __bpf__
/**
 * @brief Make a bitmap.
 * @param heap    with memory for it: bits / 8
 * @param bitmap  zero: no bitmap yet
 * @param bits    how many, up to 2^31 - 1; all clear
 * @return 0, or -EINVAL; -EBUSY it is there; -ENOMEM; what mem_heap_view() says
 */
MEM_INLINE int mem_bitmap_create(struct mem_heap *heap, struct mem_bitmap *bitmap, unsigned int bits)
{
	size_t bytes = ((size_t)bits + 31) / 32 * 4;
	unsigned int *words;

	if (!bitmap || !bits || bits > 0x7fffffffU)
		return -EINVAL;
	if (mem_load(&bitmap->bits))
		return -EBUSY;
	words = (unsigned int *)mem_alloc(heap, bytes + 16);
	if (!words)
		return mem__no_memory(heap);
	__builtin_memset(words, 0, bytes);
	if (bits % 32) /* those beyond the end are taken */
		words[bits / 32] = ~0U << bits % 32;
	bitmap->hint = 0;
	bitmap->words = mem_low(words);
	bitmap->layout = MEM_ARRAY_LAYOUT;
	mem_store_release(&bitmap->bits, bits);
	return 0;
}

/**
 * @brief Make an array. Nothing of it is there but the directory.
 * @param heap    with memory for it: length / 8
 * @param array   zero: no array yet
 * @param length  elements it may have
 * @param size    bytes of an element: a multiple of 8, up to 4096
 * @return 0, or -EINVAL; -EBUSY it is there; -ENOMEM; what mem_heap_view() says
 */
MEM_INLINE int mem_array_create(struct mem_heap *heap, struct mem_array *array, unsigned int length,
				unsigned int size)
{
	size_t bytes = ((size_t)length + MEM__CHUNK - 1) / MEM__CHUNK * 4;
	unsigned int *chunks;

	if (!array || !length || !size || size % 8 || size > MEM__ELEMENT)
		return -EINVAL;
	if (mem_load(&array->length))
		return -EBUSY;
	chunks = (unsigned int *)mem_alloc(heap, bytes + 16);
	if (!chunks)
		return mem__no_memory(heap);
	__builtin_memset(chunks, 0, bytes);
	array->size = mem__array_kind(size);
	array->chunks = mem_low(chunks);
	mem_store_release(&array->length, length);
	return 0;
}

/**
 * @brief Free a bitmap that nobody uses any more.
 * @param heap    as given to mem_bitmap_create()
 * @param bitmap  zero afterwards; one of another layout is left alone
 */
MEM_INLINE void mem_bitmap_destroy(struct mem_heap *heap, struct mem_bitmap *bitmap)
{
	unsigned int words;

	if (!bitmap || (bitmap->words && !mem__is_bitmap(bitmap)))
		return;
	words = bitmap->words;
	mem_store(&bitmap->bits, 0U); /* who is killed now leaves no bitmap of freed memory */
	mem_order();
	__builtin_memset(bitmap, 0, sizeof(*bitmap)); /* nor one that can be freed again */
	mem_order();
	if (words)
		mem_free(heap, mem_at(void, heap, words));
}

/**
 * @brief Free an array that nobody uses any more.
 * @param heap   as given to mem_array_create()
 * @param array  zero afterwards; one of another layout is left alone
 */
MEM_INLINE void mem_array_destroy(struct mem_heap *heap, struct mem_array *array)
{
	mem__view v = mem__view_of(heap);
	unsigned int i, at, chunks, length;

	if (!array)
		return;
	chunks = mem_load(&array->chunks);
	if (chunks && mem_load(&array->size) >> 16 != MEM_ARRAY_LAYOUT)
		return;
	length = mem_load(&array->length);
	mem_store(&array->length, 0U); /* who is killed now leaves no array of freed memory */
	mem_order();
	__builtin_memset(array, 0, sizeof(*array)); /* nor one that can be freed again */
	mem_order();
	for (i = 0; v && i < length; i += MEM__CHUNK) {
		at = chunks + i / MEM__CHUNK * 4;
		if (at % 4 || !mem__inside(v, at >> 4, 16))
			break;
		at = *mem_at(unsigned int, heap, at);
		if (at)
			mem_free(heap, mem_at(void, heap, at));
	}
	if (chunks)
		mem_free(heap, mem_at(void, heap, chunks));
}
#endif

#endif /* MEM_ARRAY_H */
