/* SPDX-License-Identifier: BSD-2-Clause */
/* What an arena says of its variables to whoever finds it later: struct arena_record. */
#include "arena.h"
#include "schema.h"

/* Not all who have an arena have schemas. */
int schema_region_hash(const struct mem_region *region, uint64_t *hash) PART;

void *arena_record_place(const struct mem_region *region)
{
	return region->base + arena_variables_end(region) - sizeof(struct arena_record);
}

int arena_record_write(struct mem_region *region)
{
	uint64_t schema = region->image->schema;
	struct arena_record *record = arena_record_place(region);
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
