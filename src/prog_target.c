/* SPDX-License-Identifier: BSD-2-Clause */
/* What a program attaches to, when the application says so and not the section. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "object.h"
#include "prog_btf.h"
#include "sys.h"

int mem_prog_target_set(struct mem_prog *prog, const char *target, int prog_fd)
{
	struct mem_object *obj = prog->obj;
	uint32_t id = 0;
	char *copy, who[256];
	int fd = -1, err = 0;

	if (obj->phase >= PHASE_LOADING)
		return prog_loaded_error(prog);
	mem_kernel_names_use();
	snprintf(who, sizeof(who), "%s: program '%s'", obj->name, prog->image->name);
	copy = strdup(target);
	if (prog_fd >= 0 && copy) {
		err = prog_btf_find(prog_fd, target, &id, who);
		fd = err ? -1 : fcntl(prog_fd, F_DUPFD_CLOEXEC, STDERR_FILENO + 1);
		if (!err && fd < 0)
			err = mem__error(errno, "%s: no descriptor for its target: %s", who,
					 strerror(errno));
	}
	if (err || !copy) {
		free(copy);
		return object_result(obj, err ?: mem__error(ENOMEM, "%s: no memory for a name", who));
	}
	free(prog->target);
	sys_close(&prog->target_prog_fd);
	prog->target = copy;
	prog->target_prog_fd = fd;
	prog->target_id = id;
	return 0;
}
