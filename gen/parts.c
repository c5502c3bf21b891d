/* SPDX-License-Identifier: BSD-2-Clause */
/* Which parts of the library an object needs, for static programs: see "parts" in mem/object.h. */
#include <string.h>

#include "skeleton.h"

static bool has_map(const struct image_view *view, uint32_t type)
{
	for (uint32_t i = 0; i < view->map_count; i++)
		if (view->maps[i].type == type)
			return true;
	return false;
}

static bool has_pinned_map(const struct image_view *view)
{
	for (uint32_t i = 0; i < view->map_count; i++)
		if (view->maps[i].pinning)
			return true;
	return false;
}

static bool has_region(const struct image_view *view, uint32_t kind)
{
	for (uint32_t i = 0; i < view->region_count; i++)
		if (view->regions[i].kind == kind)
			return true;
	return false;
}

static bool has_kernel_names(const struct image_view *view)
{
	for (uint32_t i = 0; i < view->extern_count; i++)
		if (view->externs[i].kind != MEM_EXTERN_KCONFIG && view->externs[i].kind != MEM_EXTERN_TASK)
			return true;
	for (uint32_t i = 0; i < view->prog_count; i++)
		if (view->progs[i].target_kind != MEM_TARGET_NONE)
			return true;
	return false;
}

static bool has_extern(const struct image_view *view, uint32_t kind)
{
	for (uint32_t i = 0; i < view->extern_count; i++)
		if (view->externs[i].kind == kind)
			return true;
	return false;
}

static bool attaches(const struct image_view *view, uint32_t kind)
{
	for (uint32_t i = 0; i < view->prog_count; i++)
		if (view->progs[i].attach_kind == kind)
			return true;
	return false;
}

/* Arguments that are the program's context, of which only Linux 6.8 reads the tag. */
static bool has_context_arguments(const struct image_view *view)
{
	return view->btf_size && memmem(view->btf, view->btf_size, "\0arg:ctx", sizeof("\0arg:ctx"));
}

static bool has_type_matches(const struct image_view *view)
{
	for (uint32_t i = 0; i < view->core_relo_count; i++)
		if (view->core_relos[i].kind == BPF_CORE_TYPE_MATCHES)
			return true;
	return false;
}

static void use(struct writer *w, bool needed, const char *part)
{
	if (needed)
		writer_part(w, "\tmem_%s_use();\n", part);
}

void parts_emit(struct writer *w, const struct image_view *view)
{
	use(w, has_region(view, MEM_REGION_ARENA), "arena");
	use(w, has_context_arguments(view), "context_arguments");
	use(w, has_region(view, MEM_REGION_KCONFIG), "kconfig");
	use(w, has_extern(view, MEM_EXTERN_KSYM_ADDR), "kernel_addresses");
	use(w, has_kernel_names(view), "kernel_names");
	use(w, has_region(view, MEM_REGION_PERCPU), "percpu");
	use(w, has_pinned_map(view), "pinning");
	use(w, attaches(view, MEM_ATTACH_KPROBE) || attaches(view, MEM_ATTACH_KSYSCALL) ||
		       attaches(view, MEM_ATTACH_UPROBE), "probe");
	use(w, attaches(view, MEM_ATTACH_KPROBE_MULTI) || attaches(view, MEM_ATTACH_UPROBE_MULTI),
	    "probe_multi");
	use(w, has_map(view, BPF_MAP_TYPE_STRUCT_OPS), "struct_ops");
	use(w, attaches(view, MEM_ATTACH_TRACE_MULTI), "trace_multi");
	use(w, attaches(view, MEM_ATTACH_TRACEPOINT), "tracepoint");
	use(w, has_type_matches(view), "type_matches");
	use(w, attaches(view, MEM_ATTACH_USDT), "usdt");
}
