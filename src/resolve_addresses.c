/* SPDX-License-Identifier: BSD-2-Clause */
/* Symbols of the kernel whose address alone is wanted, and which have no type. */
#include <errno.h>
#include <stdlib.h>

#include "kallsyms.h"
#include "object.h"

int resolve_addresses(struct mem_object *obj, const bool *used)
{
	const struct image_view *image = &obj->image;
	struct kallsyms_want *wants = calloc(image->extern_count + 1, sizeof(*wants));
	uint32_t count = 0, next = 0;
	int err;

	if (!wants)
		return mem__error(ENOMEM, "%s: no memory to look up kernel symbols", obj->name);
	for (uint32_t i = 0; i < image->extern_count; i++)
		if (used[i] && image->externs[i].kind == MEM_EXTERN_KSYM_ADDR)
			wants[count++].name = image->externs[i].name;
	err = kallsyms_find(wants, count, obj->name);
	for (uint32_t i = 0; !err && i < image->extern_count; i++) {
		if (!used[i] || image->externs[i].kind != MEM_EXTERN_KSYM_ADDR)
			continue;
		obj->externs[i].found = wants[next].found == 1;
		obj->externs[i].ambiguous = wants[next].found > 1;
		obj->externs[i].address = wants[next].address;
		next++;
	}
	free(wants);
	return err;
}

void mem_kernel_addresses_use(void)
{
}
