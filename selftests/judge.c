/* SPDX-License-Identifier: BSD-2-Clause */
#include <stdio.h>
#include <string.h>

#include "btf_layout.h"
#include "judge.h"

/* What 32-bit applications see of the BPF side: numbers for pointers, bytes for integers of 16. */
static void make_narrow(struct layout *layout)
{
	for (size_t i = 0; i < layout->count; i++) {
		struct leaf *leaf = &layout->leaves[i];

		if (leaf->kind == 'p')
			leaf->kind = 'u';
		if (leaf->bits == 128 && (leaf->kind == 'i' || leaf->kind == 'u')) {
			leaf->kind = 'u';
			leaf->bits = 8;
			leaf->count *= 16;
		}
	}
}

/* 0, or -1 with a message. */
static int compare(const struct judge *judge, uint32_t bpf_id, uint32_t header_id, const char *what,
		   char *message, size_t size)
{
	struct layout bpf = {0}, header = {0};
	char difference[300] = "";
	int verdict;

	layout_add(&bpf, judge->bpf, bpf_id, 0);
	layout_add(&header, judge->header, header_id, 0);
	if (judge->narrow)
		make_narrow(&bpf);
	verdict = layout_compare(&bpf, &header, difference, sizeof(difference));
	layout_free(&bpf);
	layout_free(&header);
	if (verdict > 0)
		verdict = !judge->bytes;
	if (verdict)
		snprintf(message, size, "%s %s: %s", judge->name, what, *difference ? difference : "bytes");
	return verdict ? -1 : 0;
}

/* A member that would clash with a keyword has a "_" at its end. */
static int find_section(const struct judge *judge, const char *region)
{
	static const char *const endings[] = {"", "_"};
	char name[300];
	int id = -1;

	for (int i = 0; i < 2 && id < 0; i++) {
		snprintf(name, sizeof(name), "%s__%s%s", judge->name, region, endings[i]);
		id = btf__find_by_name_kind(judge->header, name, BTF_KIND_STRUCT);
	}
	return id;
}

/* Variables of a section against the struct that the skeleton points to. */
static int judge_sections(struct judge *judge, char *message, size_t size)
{
	const struct mem_region_image *regions = judge->image->regions.rows;
	int err = 0;

	for (uint32_t i = 0; !err && i < judge->image->regions.count; i++) {
		int id;

		if (!regions[i].section || regions[i].kind == MEM_REGION_KCONFIG ||
		    !regions[i].type || (judge->narrow && regions[i].kind == MEM_REGION_STRUCT_OPS))
			continue;
		id = find_section(judge, regions[i].name);
		if (id < 0) {
			snprintf(message, size, "%s: there is no struct for %s", judge->name,
				 regions[i].section);
			return -1;
		}
		err = compare(judge, regions[i].type, (uint32_t)id, regions[i].section, message, size);
		judge->sections++;
	}
	return err;
}

/* Different files of a linked object may define a name differently: one of them has to match. */
static int judge_type(struct judge *judge, uint32_t header_id, char *message, size_t size)
{
	const struct btf_type *type = btf__type_by_id(judge->header, header_id), *other;
	const char *name = btf__name_by_offset(judge->header, type->name_off);
	int err = 0, found = 0;

	for (uint32_t id = 1; id < btf__type_cnt(judge->bpf); id++) {
		other = btf__type_by_id(judge->bpf, id);
		if (btf_kind(other) != btf_kind(type) ||
		    strcmp(btf__name_by_offset(judge->bpf, other->name_off), name) != 0)
			continue;
		found = 1;
		err = compare(judge, id, header_id, name, message, size);
		if (!err && other->size != type->size) {
			snprintf(message, size, "%s %s: %u bytes, not %u", judge->name, name, type->size,
				 other->size);
			err = -1;
		}
		if (!err)
			break;
	}
	judge->types += found;
	return err;
}

int judge_all(struct judge *judge, char *message, size_t size)
{
	int err = judge_sections(judge, message, size);

	for (uint32_t id = 1; !err && id < btf__type_cnt(judge->header); id++) {
		const struct btf_type *type = btf__type_by_id(judge->header, id);
		const char *name = btf__name_by_offset(judge->header, type->name_off);

		/* libmem's own types, and the generated struct, may have names of the object's */
		if (!btf_is_composite(type) || !*name || !strcmp(name, judge->name) ||
		    !strncmp(name, "mem_", 4))
			continue;
		err = judge_type(judge, id, message, size);
	}
	return err;
}
