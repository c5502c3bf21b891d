/* SPDX-License-Identifier: BSD-2-Clause */
/* What the application changes of programs before they are loaded. */
#include <errno.h>

#include "object.h"

int prog_loaded_error(const struct mem_prog *prog)
{
	return object_result(prog->obj, mem__error(EBUSY, "%s: program '%s': the object is loaded",
						   prog->obj->name, prog->image->name));
}

void mem_prog_cookie_set(struct mem_prog *prog, uint64_t cookie)
{
	prog->cookie = cookie;
}

int mem_prog_type_set(struct mem_prog *prog, uint32_t type, uint32_t attach_type)
{
	if (prog->obj->phase >= PHASE_LOADING)
		return prog_loaded_error(prog);
	prog->type = type;
	prog->attach_type = attach_type;
	return 0;
}

int mem_prog_autoload_set(struct mem_prog *prog, int on)
{
	if (prog->obj->phase >= PHASE_LOADING)
		return prog_loaded_error(prog);
	prog->autoload = on != 0;
	return 0;
}
