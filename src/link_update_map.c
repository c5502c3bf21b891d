/* SPDX-License-Identifier: BSD-2-Clause */
/* Another implementation of a kernel interface under a link; a file of its own for static programs. */
#include <errno.h>

#include "link.h"
#include "struct_ops.h"

static int check_map(const struct mem_map *map)
{
	if (map->ops && map->fd >= 0 && map->image->map_flags & MEM_BPF_F_LINK)
		return 0;
	return mem__error(EINVAL, "%s: map '%s' is not a struct_ops map of section .struct_ops.link, or not "
				  "prepared", map->obj->name, map->image->name);
}

int mem_link_update_map(struct mem_link *link, const struct mem_map *map, const struct mem_map *old)
{
	int err = check_map(map);

	if (!err && old)
		err = check_map(old);
	err = err ?: struct_ops_fill(map);
	err = err ?: link_update(link, map->fd, old ? old->fd : -1, map->image->name);
	return object_result(map->obj, err);
}
