/* SPDX-License-Identifier: BSD-2-Clause */
/* The schema of any map: by its types in the kernel or, for those who may not read these, from beside its pin. */
#include <errno.h>

#include "live_map.h"
#include "schema.h"
#include "sys.h"

struct mem_schema *mem_schema_of_map(struct mem_source source)
{
	struct mem_schema *schema = NULL;
	struct bpf_map_info info;
	char who[256];
	int fd;

	live_map_describe(&source, who, sizeof(who));
	fd = live_map_open(&source, "schema");
	if (fd < 0)
		return NULL;
	if (!live_map_info(fd, who, &info)) {
		schema = schema_of_info(&info, NULL, who);
		if (!schema && errno == EPERM && source.kind == MEM_SOURCE_PIN)
			schema = schema_published(source.path, info.id);
	}
	sys_close(&fd);
	return schema;
}
