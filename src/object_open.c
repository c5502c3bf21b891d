/* SPDX-License-Identifier: BSD-2-Clause */
/* Opening any image. A generated header asks for the parts that its own needs; here all come along. */
#include "object.h"
#include "schema.h"

/* But .kconfig, which would make each such program warn of dlopen(3) when it is linked. */
static void use_parts(void)
{
	mem_arena_use();
	mem_context_arguments_use();
	mem_kernel_addresses_use();
	mem_kernel_names_use();
	mem_percpu_use();
	mem_pinning_use();
	mem_probe_use();
	mem_probe_multi_use();
	mem_struct_ops_use();
	mem_task_use();
	mem_trace_multi_use();
	mem_tracepoint_use();
	mem_type_matches_use();
	mem_usdt_use();
	schema_use();
}

struct mem_object *mem_object_open(const struct mem_image *image, const struct mem_open_opts *opts)
{
	use_parts();
	if (!mem_image_is_valid(image))
		return NULL;
	return object_open(image, opts, false);
}
