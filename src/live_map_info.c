/* SPDX-License-Identifier: BSD-2-Clause */
/* What the kernel says of a map that exists already. */
#include <errno.h>
#include <string.h>

#include "error.h"
#include "live_map.h"
#include "object.h"
#include "sys.h"

int live_map_info(int fd, const char *who, struct bpf_map_info *info)
{
	int err = live_map_peek(fd, info);

	if (!err)
		return 0;
	if (err == -EINVAL || err == -EBADF)
		return mem__error(EINVAL, "%s: it is not a BPF map", who);
	return mem__error(-err, "%s: can't learn about the map: %s", who, strerror(-err));
}

/* An update of a frozen map is refused before it is looked at. This one has no key: it changes nothing. */
bool live_map_is_frozen(int fd)
{
	BPF_ATTR(attr);

	attr.map_fd = (uint32_t)fd;
	return !live_map_fd_is_read_only(fd) &&
	       sys_bpf(BPF_MAP_UPDATE_ELEM, &attr, sizeof(attr)) == -EPERM;
}

uint32_t mem_map_id(const struct mem_map *map)
{
	struct bpf_map_info info;

	if (!live_map_info(map->fd, map->obj->name, &info))
		return info.id;
	mem__error_prefix("map '%s' of ", map->image->name);
	return 0;
}
