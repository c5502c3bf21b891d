/* SPDX-License-Identifier: BSD-2-Clause */
#include <errno.h>
#include <string.h>
#include <sys/mman.h>

#include "fuzz/arena_world.h"
#include "fuzz/fuzz.h"

#define PLACE ((char *)0x5a0000100000UL)
#define ALL   (WORLD_SIZE + 65536) /* the heap, and the variables behind it */

struct world *world_make(unsigned int checks)
{
	struct mem_heap_opts opts = {.sz = sizeof(opts), .present = 256 << 10, .cpus = 1, .threads = 2,
				     .checks = checks};
	struct world *w = (struct world *)(PLACE + WORLD_SIZE);

	FUZZ_REQUIRE(mmap(PLACE, ALL, PROT_READ | PROT_WRITE,
			  MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0) == PLACE,
		     "can't map at %p: %s", (void *)PLACE, strerror(errno));
	FUZZ_REQUIRE(!mem_heap_init(&w->heap, PLACE, WORLD_SIZE, &opts), "%s", mem_error_message());
	FUZZ_REQUIRE(!numbers_create(&w->heap, &w->numbers, 1), "%s", mem_error_message());
	FUZZ_REQUIRE(!wide_create(&w->heap, &w->wide, 10), "%s", mem_error_message());
	FUZZ_REQUIRE(!mem_ring_create(&w->heap, &w->ring, 8, sizeof(struct event)), "ring");
	FUZZ_REQUIRE(!mem_bitmap_create(&w->heap, &w->ids, WORLD_BITS), "bitmap");
	FUZZ_REQUIRE(!mem_array_create(&w->heap, &w->array, WORLD_LENGTH, 8), "array");
	return w;
}

void world_leave(struct world *w)
{
	mem_heap_leave(&w->heap);
	munmap(PLACE, ALL);
}

int world_has(const struct world *w, const void *p, size_t size)
{
	const char *start = (const char *)w - WORLD_SIZE;
	size_t at = (size_t)((const char *)p - start);

	return at < WORLD_SIZE && WORLD_SIZE - at >= size;
}
