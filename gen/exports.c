/* SPDX-License-Identifier: BSD-2-Clause */
#include <bpf/btf.h>
#include <errno.h>
#include <string.h>

#include "error.h"
#include "exports.h"
#include "skeleton.h"

#define SECTION	      ".mem_export"
#define RECORD_PREFIX "mem_record__"
#define CHAIN_MAX     256 /* typedefs and qualifiers in front of a pointer */

static bool is_buffer(const struct mem_map_image *map)
{
	return map->type == BPF_MAP_TYPE_RINGBUF || map->type == BPF_MAP_TYPE_USER_RINGBUF ||
	       map->type == BPF_MAP_TYPE_PERF_EVENT_ARRAY;
}

/* Functions return its address: it is spelled in their declarations, and points to one record. */
static int check_record(const struct skeleton *s, const char *name, uint32_t id)
{
	const struct btf_type *type = types_get(&s->types, types_strip(&s->types, id, false));

	if (type && (btf_is_composite(type) || btf_is_any_enum(type)) &&
	    !*types_raw_name(&s->types, type))
		return mem__error(EINVAL, "MEM_RECORD(%s, ...): give the type a name, which C++ wants to "
					  "return a pointer to it", name);
	type = types_get(&s->types, types_strip(&s->types, id, true));
	if (type && btf_is_array(type))
		return mem__error(EINVAL, "MEM_RECORD(%s, ...): a record can't be an array; make it a "
					  "member of a struct", name);
	return 0;
}

static int add_record(struct skeleton *s, const char *name, uint32_t type)
{
	struct buffer_record *record;
	uint32_t row = 0;
	int err = check_record(s, name, type);

	if (err)
		return err;
	while (row < s->view->map_count && strcmp(s->view->maps[row].name, name) != 0)
		row++;
	if (row == s->view->map_count || !s->maps[row] || !is_buffer(&s->view->maps[row]))
		return mem__error(EINVAL, "MEM_RECORD(%s, ...): there is no ring buffer or perf event "
					  "array of this name", name);
	for (uint32_t i = 0; i < s->records.count; i++) {
		if (((const struct buffer_record *)s->records.data)[i].map == row)
			return mem__error(EINVAL, "MEM_RECORD(%s, ...): it has two types; make them "
						  "members of a union", name);
	}
	record = rows_add(s->types.pool, &s->records, 1, sizeof(*record));
	if (!record)
		return -ENOMEM;
	*record = (struct buffer_record){.map = row, .type = type};
	return 0;
}

/* A variable of the section: what it points to, if it is a pointer at all. */
static void list_variable(const struct btf *btf, uint32_t id,
			  void (*found)(void *context, uint32_t type, const char *buffer), void *context)
{
	const struct btf_type *var = btf__type_by_id(btf, id), *pointer;
	const char *name;

	if (!var || !btf_is_var(var))
		return;
	pointer = btf__type_by_id(btf, var->type);
	for (int i = 0; i < CHAIN_MAX && pointer && (btf_is_mod(pointer) || btf_is_typedef(pointer)); i++)
		pointer = btf__type_by_id(btf, pointer->type);
	if (!pointer || !btf_is_ptr(pointer))
		return;
	name = btf__name_by_offset(btf, var->name_off);
	found(context, pointer->type,
	      name && !strncmp(name, RECORD_PREFIX, strlen(RECORD_PREFIX)) ? name + strlen(RECORD_PREFIX)
									    : NULL);
}

void exports_list(const struct btf *btf, void (*found)(void *context, uint32_t type, const char *buffer),
		  void *context)
{
	for (uint32_t id = 1; btf && id < btf__type_cnt(btf); id++) {
		const struct btf_type *type = btf__type_by_id(btf, id);
		const char *name;

		if (!btf_is_datasec(type))
			continue;
		name = btf__name_by_offset(btf, type->name_off);
		for (uint32_t i = 0; name && !strcmp(name, SECTION) && i < btf_vlen(type); i++)
			list_variable(btf, btf_var_secinfos(type)[i].type, found, context);
	}
}

struct reaching {
	struct skeleton *skeleton;
	int err;
};

static void reach_export(void *context, uint32_t type, const char *buffer)
{
	struct reaching *reaching = context;

	if (!reaching->err)
		reaching->err = types_reach(&reaching->skeleton->types, type);
	if (!reaching->err && buffer)
		reaching->err = add_record(reaching->skeleton, buffer, type);
}

int exports_reach(struct skeleton *s)
{
	struct reaching reaching = {.skeleton = s};

	exports_list(s->types.btf, reach_export, &reaching);
	return reaching.err;
}

/* What has no size is as good as no record. */
void exports_measure(struct skeleton *s)
{
	struct buffer_record *records = s->records.data;

	for (uint32_t i = 0; i < s->records.count; i++) {
		uint32_t id = types_strip(&s->types, records[i].type, true), align;
		uint64_t size = 0;

		if (types_measure(&s->types, id, &size, &align))
			records[i].size = (uint32_t)size;
	}
}

/* --- functions --- */

void exports_emit_include(struct writer *w, const struct skeleton *s)
{
	if (s->records.count)
		writer_part(w, "#include <mem/ringbuf.h>\n");
}

/* "static inline const struct event *NAME__events_next(...)" */
static void emit_function(struct writer *w, const struct skeleton *s,
			  const struct buffer_record *record, bool constant, const char *suffix,
			  const char *arguments)
{
	struct writer name = WRITER_INIT;

	writer_part(&name, types_spells_array(&s->types, record->type) ? "(*%s__%s_%s(%s))" : "*%s__%s_%s(%s)",
		    s->name, s->maps[record->map], suffix, arguments);
	writer_bytes(&name, "", 1);
	if (name.error)
		w->error = name.error;
	writer_begin(w);
	writer_part(w, "static inline %s", constant ? "const " : "");
	if (!name.error)
		types_emit_declaration(w, &s->types, record->type, name.text);
	writer_end(w);
	writer_free(&name);
	writer_open(w, "{");
}

static void end_function(struct writer *w)
{
	writer_close(w, "}");
	writer_blank(w);
}

static void emit_new(struct writer *w, const struct skeleton *s, uint32_t map, const char *kind,
		     const char *arguments)
{
	writer_line(w, "static inline struct mem_%s *%s__%s_new(const struct %s *skel)", kind, s->name,
		    s->maps[map], s->name);
	writer_open(w, "{");
	writer_line(w, "return mem_%s_new(skel->maps.%s%s);", kind, s->maps[map], arguments);
	end_function(w);
}

/* For callbacks: what they are passed has a size of its own. */
static void emit_cast(struct writer *w, const struct skeleton *s, const struct buffer_record *record)
{
	writer_line(w, "/* What a callback was given, as a record of %s; NULL: it is too short for one. */",
		    s->maps[record->map]);
	emit_function(w, s, record, true, "record", "const void *data, size_t size");
	writer_line(w, "return size < %u ? NULL : (__typeof__(%s__%s_record(data, size)))data;",
		    record->size, s->name, s->maps[record->map]);
	end_function(w);
}

static void emit_next(struct writer *w, const struct skeleton *s, const struct buffer_record *record)
{
	const char *map = s->maps[record->map];

	writer_line(w, "/* A consumer of %s, for %s__%s_next(): see mem_ringbuf_new(). */", map, s->name,
		    map);
	emit_new(w, s, record->map, "ringbuf", ", NULL, NULL");
	writer_line(w, "/* The next record, until mem_ringbuf_release(); NULL: none now. Shorter ones are "
		       "skipped. */");
	emit_function(w, s, record, true, "next", "struct mem_ringbuf *ringbuf");
	writer_line(w, "const void *data;");
	writer_line(w, "size_t size;");
	writer_blank(w);
	writer_line(w, "while ((data = mem_ringbuf_next(ringbuf, &size)) != NULL && size < %u)",
		    record->size);
	writer_line(w, "\tmem_ringbuf_release(ringbuf);");
	writer_line(w, "return (__typeof__(%s__%s_next(ringbuf)))data;", s->name, map);
	end_function(w);
}

/* The kernel aligns these to 4 bytes only. */
static void emit_copy(struct writer *w, const struct skeleton *s, const struct buffer_record *record)
{
	const char *map = s->maps[record->map];

	writer_line(w, "/* Copy what a callback was given into a record; 0: it is too short for one. */");
	writer_begin(w);
	writer_part(w, "static inline int %s__%s_copy(", s->name, map);
	types_emit_declaration(w, &s->types, record->type,
			       types_spells_array(&s->types, record->type) ? "(*record)" : "*record");
	writer_part(w, ", const void *data, size_t size)");
	writer_end(w);
	writer_open(w, "{");
	writer_line(w, "if (size >= sizeof(*record))");
	writer_line(w, "\t__builtin_memcpy(record, data, sizeof(*record));");
	writer_line(w, "return size >= sizeof(*record);");
	end_function(w);
}

static void emit_reserve(struct writer *w, const struct skeleton *s,
			 const struct buffer_record *record)
{
	const char *map = s->maps[record->map];

	writer_line(w, "/* The producer of %s: see mem_user_ringbuf_new(). */", map);
	emit_new(w, s, record->map, "user_ringbuf", "");
	writer_line(w, "/* Room for a record: see mem_user_ringbuf_reserve(). */");
	emit_function(w, s, record, false, "reserve", "struct mem_user_ringbuf *ringbuf");
	writer_line(w, "return (__typeof__(%s__%s_reserve(ringbuf)))mem_user_ringbuf_reserve(ringbuf, %u);",
		    s->name, map, record->size);
	end_function(w);
}

void exports_emit(struct writer *w, const struct skeleton *s)
{
	const struct buffer_record *records = s->records.data;

	for (uint32_t i = 0; i < s->records.count; i++) {
		uint32_t type = s->view->maps[records[i].map].type;

		if (!records[i].size)
			continue;
		if (type == BPF_MAP_TYPE_USER_RINGBUF) {
			emit_reserve(w, s, &records[i]);
		} else if (type == BPF_MAP_TYPE_PERF_EVENT_ARRAY) {
			emit_copy(w, s, &records[i]);
		} else {
			emit_cast(w, s, &records[i]);
			emit_next(w, s, &records[i]);
		}
	}
}
