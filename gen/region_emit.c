/* SPDX-License-Identifier: BSD-2-Clause */
#include <bpf/btf.h>
#include <string.h>

#include "region_emit.h"

static void emit_variables(struct writer *w, const struct skeleton *s,
			   const struct mem_region_image *row, const struct skeleton_region *region)
{
	writer_part(w, region->is_struct_ops ? "/* The struct_ops variable " : "/* Variables in ");
	writer_comment_text(w, row->section && !region->is_struct_ops ? row->section : row->name);
	writer_part(w, ". */\n");
	writer_open(w, "struct %s {", region->struct_name);
	types_emit_fields(w, &s->types, region->record, 0);
	writer_close(w, "}%s;", region->record->packed ? " __attribute__((packed))" : "");
	writer_blank(w);
}

static void emit_element(struct writer *w, const struct skeleton *s,
			 const struct mem_region_image *row, const struct skeleton_region *region)
{
	uint32_t id = types_strip(&s->types, row->type, true), align;
	uint64_t size = 0;

	if (region->element != ELEMENT_PADDED && region->element != ELEMENT_STRUCT)
		return;
	types_measure(&s->types, row->type, &size, &align);
	if (region->element == ELEMENT_STRUCT) {
		writer_line(w, "/* An element of %s. */", region->data);
		writer_open(w, "%s %s {",
			    btf_is_union(types_get(&s->types, id)) ? "union" : "struct",
			    region->struct_name);
		types_emit_fields(w, &s->types, s->types.info[id].record, id);
		writer_close(w, "}%s;",
			     s->types.info[id].record->packed ? " __attribute__((packed))" : "");
	} else {
		writer_line(w, "/* An element of %s: the kernel has them %u bytes apart. */",
			    region->data, region->stride);
		writer_open(w, "struct %s {", region->struct_name);
		writer_begin(w);
		types_emit_declaration(w, &s->types, row->type, "value");
		writer_part(w, ";");
		writer_end(w);
		writer_line(w, "unsigned char mem_pad[%u];", region->stride - (uint32_t)size);
		writer_close(w, "};");
	}
	writer_blank(w);
}

/* What the struct of a region is made from: its variables, or an element without a name. */
static const struct record *region_record(const struct skeleton *s, uint32_t i)
{
	const struct skeleton_region *region = &s->regions[i];

	if (region->element == ELEMENT_STRUCT)
		return s->types.info[types_strip(&s->types, s->view->regions[i].type, true)].record;
	return region->record;
}

static void emit_access(struct writer *w, const struct skeleton *s, uint32_t i)
{
	const struct skeleton_region *region = &s->regions[i];
	const struct record *record = region_record(s, i);
	bool is_union = region->element == ELEMENT_STRUCT && record->is_union;
	struct writer name = WRITER_INIT;

	if (!record || !record->accessed)
		return;
	types_emit_access_helpers(w);
	writer_part(&name, "%s %s", is_union ? "union" : "struct", region->struct_name);
	writer_bytes(&name, "", 1);
	if (name.error)
		w->error = w->error ? w->error : name.error;
	else
		types_emit_access(w, &s->types, record, name.text, region->struct_name);
	writer_free(&name);
}

void regions_emit(struct writer *w, const struct skeleton *s)
{
	for (uint32_t i = 0; i < s->view->region_count; i++) {
		const struct skeleton_region *region = &s->regions[i];

		if (region->record)
			emit_variables(w, s, &s->view->regions[i], region);
		else
			emit_element(w, s, &s->view->regions[i], region);
		emit_access(w, s, i);
	}
}

void region_emit_declaration(struct writer *w, const struct skeleton *s, uint32_t i,
				  const char *name)
{
	const struct mem_region_image *row = &s->view->regions[i];
	const struct skeleton_region *region = &s->regions[i];
	struct writer declarator = WRITER_INIT;
	uint32_t id;

	switch (region->element) {
	case ELEMENT_NONE:
		writer_part(w, "void *%s", name);
		return;
	case ELEMENT_STRUCT:
		id = types_strip(&s->types, row->type, true);
		writer_part(w, "%s %s *%s", btf_is_union(types_get(&s->types, id)) ? "union" : "struct",
			    region->struct_name, name);
		return;
	case ELEMENT_PADDED:
		writer_part(w, "struct %s *%s", region->struct_name, name);
		return;
	case ELEMENT_BYTES:
		writer_part(w, "unsigned char (*%s)[%u]", name, region->stride);
		return;
	case ELEMENT_TYPE:
		break;
	}
	writer_part(&declarator, types_spells_array(&s->types, row->type) ? "(*%s)" : "*%s", name);
	writer_bytes(&declarator, "", 1);
	if (declarator.error)
		w->error = declarator.error;
	else
		types_emit_declaration(w, &s->types, row->type, declarator.text);
	writer_free(&declarator);
}

void regions_emit_asserts(struct writer *w, const struct skeleton *s)
{
	types_emit_asserts(w, &s->types);
	for (uint32_t i = 0; i < s->view->region_count; i++) {
		const struct skeleton_region *region = &s->regions[i];
		struct writer name = WRITER_INIT;

		writer_part(&name, "struct %s", region->struct_name ? region->struct_name : "");
		writer_bytes(&name, "", 1);
		if (name.error)
			w->error = name.error;
		else if (region->record)
			types_emit_section_asserts(w, &s->types, region->record, name.text);
		else if (region->element == ELEMENT_PADDED)
			writer_line(w, "MEM_ASSERT_SIZE(%s, %u);", name.text, region->stride);
		writer_free(&name);
	}
	writer_blank(w);
}

void regions_emit_lengths(struct writer *w, const struct skeleton *s)
{
	for (uint32_t i = 0; i < s->view->region_count; i++) {
		const struct skeleton_region *region = &s->regions[i];

		if (region->element == ELEMENT_NONE)
			continue;
		writer_line(w, "/* Number of elements in arrays.%s. */", region->data);
		writer_line(w, "static inline size_t %s__%s_len(const struct %s *skel)", s->name,
			    region->data, s->name);
		writer_open(w, "{");
		writer_line(w, "return mem_map_max_entries(skel->maps.%s);",
			    s->maps[s->view->regions[i].map]);
		writer_close(w, "}");
		writer_blank(w);
	}
}

static void emit_cpu_function(struct writer *w, const struct skeleton *s, uint32_t i, const char *verb,
			      const char *argument)
{
	const struct skeleton_region *region = &s->regions[i];
	bool reads = !strcmp(verb, "read");

	writer_line(w, "static inline int %s__%s_%s(const struct %s *skel, unsigned int cpu, %sstruct %s *%s)",
		    s->name, region->variables, verb, s->name, reads ? "" : "const ",
		    region->struct_name, argument);
	writer_open(w, "{");
	writer_begin(w);
	writer_part(w, "return mem_region_cpu_%s(mem_object_find_region(skel->obj, ", verb);
	writer_string(w, s->view->regions[i].name);
	writer_part(w, "), cpu, %s);", argument);
	writer_end(w);
	writer_close(w, "}");
	writer_blank(w);
}

void regions_emit_percpu(struct writer *w, const struct skeleton *s)
{
	for (uint32_t i = 0; i < s->view->region_count; i++) {
		if (s->view->regions[i].kind != MEM_REGION_PERCPU || !s->regions[i].variables)
			continue;
		writer_line(w, "/*");
		writer_line(w, " * What a CPU has in %s, whose pointer is for initial values and NULL after load:",
			    s->regions[i].variables);
		writer_line(w, " * see mem_region_cpu_read().");
		writer_line(w, " */");
		emit_cpu_function(w, s, i, "read", "to");
		emit_cpu_function(w, s, i, "write", "from");
	}
}

static void emit_pointer(struct writer *w, const struct skeleton *s, uint32_t i,
				    const char *name)
{
	if (s->regions[i].variables)
		writer_part(w, "struct %s *%s", s->regions[i].struct_name, name);
	else
		region_emit_declaration(w, s, i, name);
}

static void emit_attach_region(struct writer *w, const struct skeleton *s, uint32_t i)
{
	const struct skeleton_region *region = &s->regions[i];
	const char *member = region->variables ? region->variables : region->data;
	struct writer function = WRITER_INIT;

	writer_part(&function,
		    "%s__attach_region_%s(struct mem_source source, const struct mem_attach_opts *opts, "
		    "struct mem_region **region)", s->name, member);
	writer_bytes(&function, "", 1);
	if (function.error) {
		w->error = function.error;
		writer_free(&function);
		return;
	}
	writer_begin(w);
	writer_part(w, "static inline ");
	emit_pointer(w, s, i, function.text);
	writer_end(w);
	writer_free(&function);
	writer_open(w, "{");
	writer_begin(w);
	emit_pointer(w, s, i, "data");
	writer_part(w, " = NULL;");
	writer_end(w);
	writer_blank(w);
	writer_begin(w);
	writer_part(w, "*region = mem_region_attach(%s__image(), ", s->name);
	writer_string(w, s->view->regions[i].name);
	writer_part(w, ", source, opts);");
	writer_end(w);
	writer_line(w, "if (*region)");
	writer_line(w, "\tdata = (__typeof__(data))mem_region_%s(*region, NULL);",
		    region->variables ? "variables" : "data");
	writer_line(w, "return data;");
	writer_close(w, "}");
	writer_blank(w);
}

void regions_emit_attach(struct writer *w, const struct skeleton *s)
{
	bool any = false;

	for (uint32_t i = 0; i < s->view->region_count; i++) {
		const struct skeleton_region *region = &s->regions[i];

		if (region->is_struct_ops || (!region->variables && !region->data) ||
		    s->view->regions[i].kind == MEM_REGION_PERCPU)
			continue;
		if (!any)
			writer_part(w,
				    "/*\n"
				    " * A region alone, from its pin, descriptor, id or a socket, without "
				    "loading anything. NULL with\n"
				    " * errno, or the memory, until mem_region_detach(*region).\n"
				    " */\n");
		any = true;
		emit_attach_region(w, s, i);
	}
}
