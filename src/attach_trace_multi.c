/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * One trampoline program at many functions of the kernel (fentry.multi and its kin), which are named by
 * their ids in the kernel's BTF.
 */
#include <errno.h>
#include <linux/btf.h>
#include <stdlib.h>

#include "kernel_btf.h"
#include "link.h"
#include "opts.h"
#include "places.h"

static const struct feature trace_multi = { "fentry.multi", 7, 2 };

/* Names become ids; what has none is left out. 0, or -errno with a message. */
static int names_to_ids(const struct mem_prog *prog, const struct places *names, uint32_t *ids,
			struct places *found)
{
	struct kernel_btf_want *wants = calloc(names->count, sizeof(*wants));
	int err;

	if (!wants)
		return mem__error(ENOMEM, "%s: program '%s': no memory to look up %u functions",
				  prog->obj->name, prog->image->name, names->count);
	for (uint32_t i = 0; i < names->count; i++)
		wants[i] = (struct kernel_btf_want){ .name = (const char *)(uintptr_t)names->at[i],
						     .prefix = "", .kind = BTF_KIND_FUNC, .id = &ids[i] };
	err = kernel_btf_find(wants, names->count, NULL, prog->obj->name);
	if (err)
		mem__error_prefix("attaching program '%s': ", prog->image->name);
	free(wants);
	for (uint32_t i = 0; !err && i < names->count; i++)
		if (ids[i] && !places_add(found, ids[i]))
			err = mem__error(ENOMEM, "%s: program '%s': no memory for a list of functions",
					 prog->obj->name, prog->image->name);
	places_unique(found);
	return err;
}

static struct mem_link *link_ids(const struct mem_prog *prog, const char *pattern,
				 const struct places *found, uint64_t cookie)
{
	uint32_t *ids = calloc(found->count + 1, sizeof(*ids));
	uint64_t *cookies = cookie ? calloc(found->count + 1, sizeof(*cookies)) : NULL;
	struct sys_link_create_tracing_multi attr = { .prog_fd = (uint32_t)prog->fd,
						      .attach_type = prog->attach_type,
						      .ids = sys_pointer(ids),
						      .cookies = sys_pointer(cookies),
						      .count = found->count };
	struct mem_link *link;

	for (uint32_t i = 0; ids && i < found->count; i++)
		ids[i] = (uint32_t)found->at[i];
	for (uint32_t i = 0; cookies && i < found->count; i++)
		cookies[i] = cookie;
	if (!ids || (cookie && !cookies))
		link = link_error(prog, pattern, ENOMEM, NULL);
	else if (!found->count)
		link = link_error(prog, pattern, ENOENT, NULL);
	else
		link = link_create(prog, &attr, sizeof(attr), pattern, &trace_multi);
	free(cookies);
	free(ids);
	return link;
}

struct mem_link *mem_prog_attach_trace_multi(const struct mem_prog *prog, const char *pattern,
					     const struct mem_probe_opts *opts)
{
	struct places names = { .pattern = pattern, .names = true }, found = { 0 };
	struct mem_link *link = NULL;
	uint32_t *ids = NULL;
	int err;

	if (!LINK_READY(prog, opts, mem_probe_opts))
		return NULL;
	err = places_of_kernel(&names);
	ids = err ? NULL : calloc(names.count + 1, sizeof(*ids));
	if (err || !ids) {
		link_error(prog, pattern, err ? -err : ENOMEM, NULL);
	} else {
		err = names.count ? names_to_ids(prog, &names, ids, &found) : 0;
		if (!err)
			link = link_ids(prog, pattern, &found, link_cookie(prog, opts));
		else
			object_result(prog->obj, err);
	}
	free(ids);
	free(found.at);
	places_free(&names);
	return link;
}

struct mem_link *attach_trace_multi_target(const struct mem_prog *prog)
{
	return mem_prog_attach_trace_multi(prog, prog_target(prog), NULL);
}

void mem_trace_multi_use(void)
{
}
