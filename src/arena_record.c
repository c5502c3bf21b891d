/* SPDX-License-Identifier: BSD-2-Clause */
/* What an arena says of its variables to whoever finds it later: struct arena_record. */
#include <errno.h>
#include <string.h>
#include <sys/mman.h>

#include "arena.h"
#include "schema.h"
#include "sys.h"

#ifndef MADV_POPULATE_READ
#define MADV_POPULATE_READ 22 /* Linux 5.14 */
#endif

static void *record_place(const struct mem_region *region)
{
	return region->base + arena_variables_end(region) - sizeof(struct arena_record);
}

int arena_record_write(struct mem_region *region)
{
	uint64_t schema = region->image->schema;
	struct arena_record *record = record_place(region);
	int err = 0;

	if (!schema && schema_region_hash) /* an image that no memgen has seen */
		err = schema_region_hash(region, &schema);
	if (err)
		return err;
	record->version = ARENA_RECORD_VERSION;
	record->offset = (uint64_t)(region->variables - region->base);
	record->size = region->image->size;
	record->schema = schema;
	record->contents = region->version;
	/* whoever sees the magic number sees the rest, and the variables' initial values */
	__atomic_store_n(&record->magic, ARENA_RECORD_MAGIC, __ATOMIC_RELEASE);
	return 0;
}

int arena_record_read(const struct mem_region *region, struct arena_record *record)
{
	const struct arena_record *live = record_place(region);
	size_t page = sys_page_size();

	/* of an arena whose absent pages are not to be touched: no SIGSEGV, but an answer */
	if (madvise((void *)((uintptr_t)live & ~(page - 1)), page, MADV_POPULATE_READ))
		return -ENOENT;
	if (__atomic_load_n(&live->magic, __ATOMIC_ACQUIRE) != ARENA_RECORD_MAGIC)
		return -ENOENT;
	memcpy(record, live, sizeof(*record));
	if (record->version != ARENA_RECORD_VERSION || record->size > region->size ||
	    record->offset > region->size - record->size)
		return -ENOENT;
	return 0;
}
