/* SPDX-License-Identifier: BSD-2-Clause */
#include <errno.h>

#include "error.h"
#include "names.h"
#include "task.h"

/* A task's name alone is a function's name as well. */
static const char *const endings[] = {"key", "each", "each_shared"};

static int check_task(const struct scope *scope, const char *name)
{
	for (size_t i = 0; i < sizeof(endings) / sizeof(endings[0]); i++) {
		const char *function = name_printf(scope->pool, "%s_%s", name, endings[i]);

		if (!function)
			return -ENOMEM;
		if (scope_has(scope, function))
			return mem__error(EINVAL,
					  "MEM_TASK(..., %s) and MEM_TASK(..., %s): both would have the "
					  "function task_%s(); rename one",
					  name, function, function);
	}
	return 0;
}

/* No two functions may have one name. */
static int check_tasks(struct pool *pool, const struct image_view *view)
{
	struct scope scope = {.pool = pool};
	int err = 0;

	for (uint32_t i = 0; i < view->task_count; i++) {
		if (!scope_claim(&scope, view->tasks[i].name))
			return -ENOMEM;
	}
	for (uint32_t i = 0; !err && i < view->task_count; i++)
		err = check_task(&scope, view->tasks[i].name);
	return err;
}

int task_reach(struct types *types, const struct image_view *view)
{
	int err = check_tasks(types->pool, view);

	for (uint32_t i = 0; !err && i < view->task_count; i++)
		err = types_reach(types, view->tasks[i].type);
	return err;
}

void task_emit_include(struct writer *w, const struct image_view *view)
{
	if (view->task_count)
		writer_part(w, "#include <mem/task.h>\n");
}

static void emit_fields(struct writer *w, const struct image_view *view)
{
	if (!view->task_field_count)
		return;
	writer_open(w, "static const struct mem_task_field_image task_fields[] = {");
	for (uint32_t i = 0; i < view->task_field_count; i++) {
		const struct mem_task_field_image *field = &view->task_fields[i];

		writer_begin(w);
		writer_part(w, "{");
		writer_string(w, field->name);
		writer_part(w, ", ");
		writer_string(w, field->type);
		writer_part(w, ", %u, %u},", field->offset, field->size);
		writer_end(w);
	}
	writer_close(w, "};");
}

void task_emit_tables(struct writer *w, const struct image_view *view)
{
	if (!view->task_count)
		return;
	emit_fields(w, view);
	writer_open(w, "static const struct mem_task_image tasks[] = {");
	for (uint32_t i = 0; i < view->task_count; i++) {
		const struct mem_task_image *task = &view->tasks[i];

		writer_begin(w);
		writer_part(w, "{");
		writer_string(w, task->name);
		writer_part(w, ", %u, %u, %u, %u, {%u, %u}},", task->size, task->align, task->type,
			    task->flags, task->fields.first, task->fields.count);
		writer_end(w);
	}
	writer_close(w, "};");
}

void task_emit_table_rows(struct writer *w, const struct image_view *view)
{
	if (!view->task_count)
		return;
	writer_line(w, "{tasks, %u, (uint32_t)sizeof(tasks[0])},", view->task_count);
	if (view->task_field_count)
		writer_line(w, "{task_fields, %u, (uint32_t)sizeof(task_fields[0])},",
			    view->task_field_count);
	else
		writer_line(w, "{NULL, 0, 0}, /* task_fields */");
}

void task_emit_use(struct writer *w, const struct image_view *view)
{
	if (view->task_count)
		writer_line(w, "mem_task_use();");
}

/* "struct request *server__task_request(void)" */
static void emit_prototype(struct writer *w, const struct skeleton *s,
			   const struct mem_task_image *task)
{
	struct writer name = WRITER_INIT;

	writer_part(&name, "*%s__task_%s(void)", s->name, task->name);
	writer_bytes(&name, "", 1);
	if (name.error)
		w->error = name.error;
	else
		types_emit_declaration(w, &s->types, task->type, name.text);
	writer_free(&name);
}

static void emit_walk(struct writer *w, const struct skeleton *s, uint32_t i, const char *walk,
		      const char *what)
{
	const char *task = s->view->tasks[i].name;

	writer_line(w, "/* %s of %s: see mem_task_%s(). */", task, what, walk);
	writer_line(w, "static inline int %s__task_%s_%s(mem_task_fn *fn, void *ctx)", s->name, task, walk);
	writer_open(w, "{");
	writer_line(w, "return mem_task_%s(%s__task_%s_key(), %s__image(), %u, fn, ctx);", walk, s->name,
		    task, s->name, i);
	writer_close(w, "}");
	writer_blank(w);
}

static void emit_accessor(struct writer *w, const struct skeleton *s, uint32_t i)
{
	const struct mem_task_image *task = &s->view->tasks[i];

	writer_line(w, "static inline struct mem_task *%s__task_%s_key(void)", s->name, task->name);
	writer_open(w, "{");
	writer_line(w, "static struct mem_task task;");
	writer_blank(w);
	writer_line(w, "return &task;");
	writer_close(w, "}");
	writer_blank(w);
	writer_line(w, "/*");
	writer_line(w, " * The calling thread's %s, which programs see too; its first use registers the",
		    task->name);
	writer_line(w, " * thread. NULL with errno: mem_task_register() says when. Don't keep the pointer across");
	writer_line(w, " * fork, or across loading the first object.");
	writer_line(w, " */");
	writer_begin(w);
	writer_part(w, "static inline ");
	emit_prototype(w, s, task);
	writer_end(w);
	writer_open(w, "{");
	writer_line(w, "static __thread struct mem_task_cell cell;");
	writer_blank(w);
	writer_line(w, "return (__typeof__(%s__task_%s()))mem_task_find(&cell, %s__task_%s_key(),",
		    s->name, task->name, s->name, task->name);
	writer_line(w, "\t%s__image, %u);", s->name, i);
	writer_close(w, "}");
	writer_blank(w);
	emit_walk(w, s, i, "each", "every registered thread");
	emit_walk(w, s, i, "each_shared", "every thread of all processes that share it");
}

void task_emit(struct writer *w, const struct skeleton *s)
{
	for (uint32_t i = 0; i < s->view->task_count; i++)
		emit_accessor(w, s, i);
}
