/* SPDX-License-Identifier: BSD-2-Clause */
/* Sections that can be made longer: those that end in an array. */
#include <bpf/btf.h>

#include "resize.h"

/* The array at a section's end. */
struct last_array {
	const struct field *field;
	uint64_t offset;  /* bytes into the section */
	uint64_t element; /* bytes */
	uint32_t count;   /* elements that the source declares */
};

static bool find_last_array(const struct skeleton *s, uint32_t region, struct last_array *last)
{
	const struct mem_region_image *row = &s->view->regions[region];
	const struct record *record = s->regions[region].record;
	const struct btf_type *type;
	uint32_t align;

	if ((row->kind != MEM_REGION_DATA && row->kind != MEM_REGION_RODATA) || !record ||
	    !record->count || record->opaque)
		return false;
	last->field = &record->fields[record->count - 1];
	type = types_get(&s->types, types_strip(&s->types, last->field->type, true));
	if (last->field->hidden || !last->field->type || !type || !btf_is_array(type) ||
	    !types_measure(&s->types, btf_array(type)->type, &last->element, &align))
		return false;
	last->offset = last->field->offset / 8;
	last->count = btf_array(type)->nelems;
	/* what the section has behind it would get in between */
	return last->element && last->count &&
	       last->offset + last->count * last->element == row->size;
}

static void emit_set(struct writer *w, const struct skeleton *s, uint32_t i,
		     const struct last_array *last)
{
	const char *section = s->regions[i].variables;

	writer_line(w, "/*");
	writer_line(w, " * Before load: give %s, at the end of %s, more elements than the %u it is declared",
		    last->field->name, section, last->count);
	writer_line(w, " * with. They are zero, and skel->%s is elsewhere afterwards. See mem_region_size_set().",
		    section);
	writer_line(w, " */");
	writer_line(w, "static inline int %s__set_len_%s(struct %s *skel, size_t len)", s->name, section,
		    s->name);
	writer_open(w, "{");
	writer_line(w, "size_t most = ((size_t)UINT32_MAX - %lluU) / %lluU;",
		    (unsigned long long)last->offset, (unsigned long long)last->element);
	writer_blank(w);
	writer_begin(w);
	writer_part(w, "return mem_region_size_set(mem_object_find_region(skel->obj, ");
	writer_string(w, s->view->regions[i].name);
	writer_part(w, "),");
	writer_end(w);
	writer_line(w, "\t\t\t\t   len > most ? SIZE_MAX : %lluU + len * %lluU);",
		    (unsigned long long)last->offset, (unsigned long long)last->element);
	writer_close(w, "}");
	writer_blank(w);
}

static void emit_get(struct writer *w, const struct skeleton *s, uint32_t i,
		     const struct last_array *last)
{
	const char *section = s->regions[i].variables;

	writer_line(w, "/* How many %s has now, and the first of them, for who minds its declaration. */",
		    last->field->name);
	writer_line(w, "static inline size_t %s__%s_len(const struct %s *skel)", s->name, section,
		    s->name);
	writer_open(w, "{");
	writer_line(w, "size_t size = 0;");
	writer_blank(w);
	writer_begin(w);
	writer_part(w, "mem_region_variables(mem_object_find_region(skel->obj, ");
	writer_string(w, s->view->regions[i].name);
	writer_part(w, "), &size);");
	writer_end(w);
	writer_line(w, "return size ? (size - %lluU) / %lluU : 0;", (unsigned long long)last->offset,
		    (unsigned long long)last->element);
	writer_close(w, "}");
	writer_blank(w);
	writer_line(w, "static inline __typeof__(((struct %s *)0)->%s[0]) *%s__%s_elements(const struct %s *skel)",
		    s->regions[i].struct_name, last->field->name, s->name, section, s->name);
	writer_open(w, "{");
	writer_line(w, "return (__typeof__(((struct %s *)0)->%s[0]) *)((uintptr_t)skel->%s + %lluU);",
		    s->regions[i].struct_name, last->field->name, section,
		    (unsigned long long)last->offset);
	writer_close(w, "}");
	writer_blank(w);
}

void resize_emit(struct writer *w, const struct skeleton *s)
{
	for (uint32_t i = 0; i < s->view->region_count; i++) {
		struct last_array last;

		if (!find_last_array(s, i, &last))
			continue;
		emit_set(w, s, i, &last);
		emit_get(w, s, i, &last);
	}
}
