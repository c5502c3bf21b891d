/* SPDX-License-Identifier: BSD-2-Clause */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "btf_view.h"
#include "error.h"
#include "prog_btf.h"
#include "sys.h"

/* The blob behind a BTF id; NULL with *err. */
static char *read_btf(uint32_t id, uint32_t *size, int *err)
{
	struct bpf_btf_info info = { 0 };
	char *data = NULL;
	int fd = sys_btf_open(id);

	*err = fd < 0 ? fd : sys_info(fd, &info, sizeof(info));
	if (!*err) {
		*size = info.btf_size;
		data = malloc(*size + 1);
		info = (struct bpf_btf_info){ .btf = sys_pointer(data), .btf_size = *size };
		*err = data ? sys_info(fd, &info, sizeof(info)) : -ENOMEM;
	}
	sys_close(&fd);
	if (*err) {
		free(data);
		return NULL;
	}
	return data;
}

/* 0 with *id, which is 0 if there is no such function, or -ENOMEM. */
static int find_function(char *data, uint32_t size, const char *function, uint32_t *id)
{
	struct btf_view view;
	int err;

	*id = 0;
	if (!btf_view_init(&view, data, size))
		return 0;
	err = btf_view_index(&view);
	if (err)
		return err == -ENOMEM ? err : 0;
	*id = btf_view_find(&view, function, BTF_KIND_FUNC);
	btf_view_free(&view);
	return 0;
}

int prog_btf_find(int prog_fd, const char *function, uint32_t *id, const char *object)
{
	struct bpf_prog_info info = { 0 };
	uint32_t size = 0;
	char *data;
	int err = sys_info(prog_fd, &info, sizeof(info));

	if (err)
		return mem__error(-err, "%s: can't look at program %d to attach to: %s", object, prog_fd,
				  strerror(-err));
	if (!info.btf_id)
		return mem__error(EINVAL, "%s: program '%s' has no BTF, so none of its functions can be "
					  "attached to: compile it with -g", object, info.name);
	data = read_btf(info.btf_id, &size, &err);
	if (!data)
		return mem__error(-err, "%s: can't read the BTF of program '%s': %s", object, info.name,
				  strerror(-err));
	err = find_function(data, size, function, id);
	free(data);
	if (err)
		return mem__error(-err, "%s: no memory to look through the functions of program '%s'", object,
				  info.name);
	if (*id)
		return 0;
	return mem__error(ENOENT, "%s: program '%s' has no function '%s'", object, info.name, function);
}
