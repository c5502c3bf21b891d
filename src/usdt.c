/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * USDT probes: a uprobe at each place, with a number as its cookie by which the program finds in a map
 * where the arguments are at that place. Places with the same arguments share a number, and a probe
 * that is attached again gets the numbers it had. Which numbers are given out stands in the map alone:
 * it may be another process's too, whose links live on.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "elf_symbols.h"
#include "link.h"
#include "usdt_args.h"
#include "usdt_notes.h"

#define SPEC_MAP "__bpf_usdt_specs"

/* Attaching one probe. */
struct attachment {
	const struct mem_prog *prog;
	const char *path, *provider, *name;
	const struct mem_map *map;
	uint64_t cookie;
	int pid;
	struct mem_link *links; /* what is attached so far */
};

static int spec_error(const struct attachment *attachment, int err, const char *what)
{
	return mem__error(err, "%s: can't attach program '%s' to probe %s:%s of %s: %s",
			  attachment->prog->obj->name, attachment->prog->image->name,
			  attachment->provider, attachment->name, attachment->path, what);
}

/* A number for these arguments, the first free one if they are new. -errno with a message. */
static int spec_number(const struct attachment *attachment, const struct usdt_spec *spec)
{
	struct usdt_spec there;
	uint32_t number;
	int err = 0;

	for (number = 0; number < attachment->map->max_entries; number++) {
		err = mem_map_lookup(attachment->map, &number, &there, 0);
		if (err || !there.in_use)
			break;
		/* NOLINTNEXTLINE(bugprone-suspicious-memory-comparison): no stray bytes, see attach_place() */
		if (!memcmp(&there, spec, sizeof(there)))
			return (int)number;
	}
	if (number == attachment->map->max_entries)
		return spec_error(attachment, E2BIG,
				  "map " SPEC_MAP " is full: define BPF_USDT_MAX_SPEC_CNT larger in the program");
	err = err ?: mem_map_update(attachment->map, &number, spec, 0);
	if (err)
		return link_failed(attachment->prog, err), err;
	return (int)number;
}

static int attach_place(void *ctx, const struct usdt_note *note)
{
	struct attachment *attachment = ctx;
	struct usdt_spec spec;
	struct mem_link *link;
	int number, err;

	if (strcmp(note->provider, attachment->provider) || strcmp(note->name, attachment->name))
		return 0;
	memset(&spec, 0, sizeof(spec)); /* compared as bytes */
	spec.cookie = attachment->cookie;
	spec.in_use = 1;
	err = usdt_args_parse(note->args, &spec);
	if (err)
		return spec_error(attachment, -err, note->args);
	number = spec_number(attachment, &spec);
	if (number < 0)
		return number;
	link = link_uprobe(attachment->prog, attachment->pid, attachment->path, note->offset,
			   note->ref_counter, (uint64_t)number);
	if (!link)
		return -errno;
	link->next = attachment->links;
	attachment->links = link;
	return 0;
}

static int attach_places(struct attachment *attachment)
{
	struct elf_file elf;
	int err = elf_file_open(&elf, attachment->path);

	if (err)
		return link_failed(attachment->prog, err), err;
	err = usdt_notes_walk(&elf, attach_place, attachment);
	elf_file_close(&elf);
	if (!err && !attachment->links)
		err = spec_error(attachment, ENOENT, "the binary has no such probe");
	return err;
}

struct mem_link *mem_prog_attach_usdt(const struct mem_prog *prog, int pid, const char *binary,
				      const char *provider, const char *name, uint64_t cookie)
{
	struct attachment attachment = { .prog = prog, .provider = provider, .name = name,
					 .cookie = cookie, .pid = pid };
	char path[4096];
	int err;

	if (link_check_loaded(prog))
		return NULL;
	attachment.path = binary;
	err = elf_find_binary(binary, path, sizeof(path));
	if (err)
		return link_failed(prog, err);
	attachment.path = path;
	attachment.map = mem_object_find_map(prog->obj, SPEC_MAP);
	if (!attachment.map || attachment.map->image->value_size != sizeof(struct usdt_spec))
		err = spec_error(&attachment, EINVAL,
				 "the object has no map " SPEC_MAP ": include <bpf/usdt.bpf.h> in the "
				 "program");
	err = err ?: attach_places(&attachment);
	if (!err)
		return attachment.links;
	object_result(prog->obj, err);
	mem_link_destroy(attachment.links);
	errno = -err;
	return NULL;
}

/* "binary:provider:name"; the binary may have colons of its own. */
struct mem_link *attach_usdt_target(const struct mem_prog *prog)
{
	char text[1024], *name, *provider;

	snprintf(text, sizeof(text), "%s", prog_target(prog));
	name = strrchr(text, ':');
	if (name)
		*name++ = '\0';
	provider = name ? strrchr(text, ':') : NULL;
	if (provider)
		*provider++ = '\0';
	if (!provider || !*text) {
		object_result(prog->obj, mem__error(EINVAL, "%s: program '%s': write section '%s' as "
						    "usdt/BINARY:PROVIDER:NAME", prog->obj->name,
						    prog->image->name, prog->image->section));
		return NULL;
	}
	return mem_prog_attach_usdt(prog, -1, text, provider, name, prog->cookie);
}

void mem_usdt_use(void)
{
}
