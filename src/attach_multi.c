/* SPDX-License-Identifier: BSD-2-Clause */
/* Attaching one program to many functions with one link: all that match a pattern. */
#include <errno.h>
#include <fnmatch.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "elf_symbols.h"
#include "link.h"
#include "opts.h"
#include "places.h"
#include "probe_target.h"
#include "tracefs.h"

#define MULTI_RETURN 1U /* BPF_F_KPROBE_MULTI_RETURN, BPF_F_UPROBE_MULTI_RETURN */

static const struct feature kprobe_multi = { "kprobe.multi", 5, 18 };
static const struct feature uprobe_multi = { "uprobe.multi", 6, 6 };

bool places_add(struct places *places, uint64_t at)
{
	if (places->count == places->room) {
		uint32_t room = places->room ? places->room * 2 : 64;
		uint64_t *grown = realloc(places->at, room * sizeof(*grown));

		places->no_memory = !grown;
		if (!grown)
			return false;
		places->at = grown;
		places->room = room;
	}
	places->at[places->count++] = at;
	return true;
}

static int compare_places(const void *a, const void *b)
{
	const uint64_t *x = a, *y = b;

	return *x < *y ? -1 : *x > *y;
}

/* A function in both symbol tables is one place. */
void places_unique(struct places *places)
{
	uint32_t kept = 0;

	if (!places->count)
		return;
	qsort(places->at, places->count, sizeof(*places->at), compare_places);
	for (uint32_t i = 0; i < places->count; i++)
		if (!kept || places->at[kept - 1] != places->at[i])
			places->at[kept++] = places->at[i];
	places->count = kept;
}

/* From Linux 6.5 on there is a list with addresses, which spares the kernel looking up each name. */
int places_of_kernel(struct places *places)
{
	FILE *file = places->names ? NULL : tracefs_fopen("available_filter_functions_addrs");
	bool addresses = file != NULL;
	char *line = NULL, *name;
	size_t size = 0;

	if (!file)
		file = tracefs_fopen("available_filter_functions");
	if (!file)
		return -errno;
	while (!places->no_memory && getline(&line, &size, file) > 0) {
		uint64_t address = addresses ? strtoull(line, &name, 16) : 0;

		if (!addresses)
			name = line;
		if (places->names && strchr(name, '[')) /* a module's */
			continue;
		name += strspn(name, " ");
		name[strcspn(name, " \t\n")] = '\0';
		if (fnmatch(places->pattern, name, 0))
			continue;
		if (!addresses)
			address = sys_pointer(strdup(name));
		if (!address || !places_add(places, address)) {
			places->no_memory = true;
			free(addresses ? NULL : (void *)(uintptr_t)address);
		}
	}
	places->no_memory |= !feof(file); /* or some are missing */
	free(line);
	fclose(file);
	places->names = !addresses;
	return places->no_memory ? -ENOMEM : 0;
}

void places_free(struct places *places)
{
	for (uint32_t i = 0; places->names && i < places->count; i++)
		free((void *)(uintptr_t)places->at[i]);
	free(places->at);
}

static int link_kprobe_multi(const struct mem_prog *prog, const struct mem_probe_opts *opts,
			     const struct places *places)
{
	uint64_t cookie = link_cookie(prog, opts), *cookies = NULL;
	bool returns = probe_returns(prog, opts);
	int fd;
	BPF_ATTR(attr);

	if (cookie) {
		cookies = calloc(places->count, sizeof(*cookies));
		if (!cookies)
			return -ENOMEM;
		for (uint32_t i = 0; i < places->count; i++)
			cookies[i] = cookie;
	}
	attr.link_create.prog_fd = (uint32_t)prog->fd;
	attr.link_create.attach_type = prog->attach_type ?: BPF_TRACE_KPROBE_MULTI;
	attr.link_create.kprobe_multi.flags = returns ? MULTI_RETURN : 0;
	attr.link_create.kprobe_multi.cnt = places->count;
	attr.link_create.kprobe_multi.cookies = sys_pointer(cookies);
	if (places->names)
		attr.link_create.kprobe_multi.syms = sys_pointer(places->at);
	else
		attr.link_create.kprobe_multi.addrs = sys_pointer(places->at);
	fd = sys_bpf_fd(BPF_LINK_CREATE, &attr, sizeof(attr));
	free(cookies);
	return fd;
}

struct mem_link *mem_prog_attach_kprobe_multi(const struct mem_prog *prog, const char *pattern,
					      const struct mem_probe_opts *opts)
{
	struct places places = { .pattern = pattern };
	int fd;

	if (!LINK_READY(prog, opts, mem_probe_opts))
		return NULL;
	fd = places_of_kernel(&places);
	if (!fd && !places.count)
		fd = -ENOENT;
	if (!fd)
		fd = link_kprobe_multi(prog, opts, &places);
	places_free(&places);
	if (fd == -ENOTSUP) {
		object_result(prog->obj, mem__error(ENOTSUP, "%s: can't attach program '%s': this kernel is "
						    "built without fprobes (CONFIG_FPROBE)",
						    prog->obj->name, prog->image->name));
		return NULL;
	}
	return fd < 0 ? link_error(prog, pattern, -fd, &kprobe_multi) : link_new(prog->obj, prog->image->name, fd, -1);
}

static bool offer_symbol(void *ctx, const char *name, uint64_t offset, bool is_global)
{
	struct places *places = ctx;
	char plain[256];

	(void)is_global;
	snprintf(plain, sizeof(plain), "%.*s", (int)strcspn(name, "@"), name);
	return fnmatch(places->pattern, plain, 0) || places_add(places, offset);
}

static int binary_places(const char *path, struct places *places)
{
	struct elf_file elf;
	int err = elf_file_open(&elf, path);

	if (err)
		return err;
	err = elf_file_symbols(&elf, offer_symbol, places);
	elf_file_close(&elf);
	if (!err && places->no_memory)
		err = mem__error(ENOMEM, "%s: no memory for its functions", path);
	if (!err && !places->count)
		err = mem__error(ENOENT, "%s has no function that matches '%s'", path, places->pattern);
	places_unique(places);
	return err;
}

static struct mem_link *link_uprobe_multi(const struct mem_prog *prog, int pid, const char *path,
					  const struct mem_probe_opts *opts,
					  const struct places *places)
{
	bool returns = probe_returns(prog, opts);
	uint64_t cookie = link_cookie(prog, opts);
	struct sys_link_create_uprobe_multi attr = {
		.prog_fd = (uint32_t)prog->fd,
		.attach_type = prog->attach_type ?: MEM_BPF_TRACE_UPROBE_MULTI,
		.path = sys_pointer(path),
		.offsets = sys_pointer(places->at),
		.count = places->count,
		.multi_flags = returns ? MULTI_RETURN : 0,
		.pid = pid > 0 ? (uint32_t)pid : 0,
	};
	uint64_t *cookies = cookie ? calloc(places->count, sizeof(*cookies)) : NULL;
	struct mem_link *link;

	if (cookie && !cookies)
		return link_error(prog, path, ENOMEM, NULL);
	for (uint32_t i = 0; cookies && i < places->count; i++)
		cookies[i] = cookie;
	attr.cookies = sys_pointer(cookies);
	link = link_create(prog, &attr, sizeof(attr), path, &uprobe_multi);
	free(cookies);
	return link;
}

struct mem_link *mem_prog_attach_uprobe_multi(const struct mem_prog *prog, int pid,
					      const char *binary, const char *pattern,
					      const struct mem_probe_opts *opts)
{
	struct places places = { .pattern = pattern };
	struct mem_link *link = NULL;
	char path[4096];
	int err;

	if (!LINK_READY(prog, opts, mem_probe_opts))
		return NULL;
	err = elf_find_binary(binary, path, sizeof(path));
	err = err ?: binary_places(path, &places);
	if (!err)
		link = link_uprobe_multi(prog, pid, path, opts, &places);
	else
		link_failed(prog, err);
	free(places.at);
	return link;
}

struct mem_link *attach_kprobe_multi_target(const struct mem_prog *prog)
{
	return mem_prog_attach_kprobe_multi(prog, prog_target(prog), NULL);
}

/* "binary:pattern" */
struct mem_link *attach_uprobe_multi_target(const struct mem_prog *prog)
{
	const char *target = prog_target(prog), *colon = strrchr(target, ':');
	char binary[512];

	if (!colon || (size_t)(colon - target) >= sizeof(binary)) {
		object_result(prog->obj, mem__error(EINVAL, "program '%s': write section '%s' as "
						    "uprobe.multi/BINARY:PATTERN",
						    prog->image->name, prog->image->section));
		return NULL;
	}
	snprintf(binary, sizeof(binary), "%.*s", (int)(colon - target), target);
	return mem_prog_attach_uprobe_multi(prog, -1, binary, colon + 1, NULL);
}

void mem_probe_multi_use(void)
{
}
