/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Where in a thread's block each struct is, and what is known of its fields.
 *
 * Programs and application may describe one struct differently, having been built at different
 * times. All descriptions are merged: a field that both have must be the same in type, size and place;
 * one that only one of them has must not lie where the other has something else. Whoever does not set
 * it leaves it zero. An offset, once given out, is in static variables and programs, and stays.
 */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "task.h"

struct field {
	char *name, *type;
	uint32_t offset, size; /* bits */
};

struct declared {
	struct declared *next;
	char *name;
	char *who;         /* whose description came first, for messages */
	uint32_t offset;   /* bytes from the start of a block */
	uint32_t size;     /* bytes; the largest that was declared */
	uint32_t room;     /* bytes until the next struct */
	uint32_t count;    /* fields */
	struct field *fields;
};

/* The differences that make two descriptions incompatible, for a message. */
struct diff {
	char text[2048];
	size_t len;
	unsigned int lines;
};

static struct declared *first;
static uint32_t used = MEM_TASK_HEAD; /* bytes of a block */

uint32_t task_declared_size(void)
{
	return used;
}

static void differs(struct diff *diff, const char *fmt, ...) PRINTF_LIKE(2, 3);

static void differs(struct diff *diff, const char *fmt, ...)
{
	size_t room = sizeof(diff->text) - diff->len;
	va_list args;
	int len;

	va_start(args, fmt);
	len = vsnprintf(diff->text + diff->len, room, fmt, args);
	va_end(args);
	if (len > 0)
		diff->len += (size_t)len < room ? (size_t)len : room - 1;
	diff->lines++;
}

static struct declared *find(const char *name)
{
	for (struct declared *d = first; d; d = d->next)
		if (!strcmp(d->name, name))
			return d;
	return NULL;
}

static const struct field *find_field(const struct declared *d, const char *name)
{
	for (uint32_t i = 0; *name && i < d->count; i++)
		if (!strcmp(d->fields[i].name, name))
			return &d->fields[i];
	return NULL;
}

static bool overlap(const struct field *a, const struct mem_task_field_image *b)
{
	return a->offset < b->offset + b->size && b->offset < a->offset + a->size;
}

static void compare_field(const struct declared *d, const struct mem_task_field_image *field,
			  struct diff *diff)
{
	const struct field *same = find_field(d, field->name);

	if (same && (strcmp(same->type, field->type) != 0 || same->size != field->size))
		differs(diff, "\n  %s: %s, was %s", field->name, field->type, same->type);
	else if (same && same->offset != field->offset)
		differs(diff, "\n  %s: at bit %u, was at %u", field->name, field->offset, same->offset);
	for (uint32_t i = 0; !same && i < d->count; i++) {
		const struct field *other = &d->fields[i];

		if (!overlap(other, field))
			continue;
		/* two without a name (unions) can only be told apart by what they are */
		if (!*other->name && !*field->name && !strcmp(other->type, field->type) &&
		    other->offset == field->offset)
			return;
		differs(diff, "\n  %s: new at bit %u, where %s was", field->name, field->offset,
			other->name);
		return;
	}
}

static int add_fields(struct declared *d, const struct mem_task_image *task,
		      const struct mem_task_field_image *fields)
{
	struct field *grown = realloc(d->fields, (d->count + task->fields.count + 1) * sizeof(*grown));

	if (!grown)
		return -ENOMEM;
	d->fields = grown;
	for (uint32_t i = 0; i < task->fields.count; i++) {
		const struct mem_task_field_image *from = &fields[i];
		struct field *to = &d->fields[d->count];

		if (find_field(d, from->name))
			continue;
		*to = (struct field){
			.name = strdup(from->name),
			.type = strdup(from->type),
			.offset = from->offset,
			.size = from->size,
		};
		if (!to->name || !to->type) {
			free(to->name);
			free(to->type);
			return -ENOMEM;
		}
		d->count++;
	}
	return 0;
}

static int no_memory(const char *who)
{
	return mem__error(ENOMEM, "%s: no memory for per-thread structs", who);
}

static int no_room(const char *who, const struct mem_task_image *task, uint32_t size, uint32_t room)
{
	return mem__error(ENOSPC,
			  "%s: per-thread struct '%s' of %u bytes does not fit: %u are left in each "
			  "thread's block; load the object that declares it before threads use any, or "
			  "ask for larger blocks with mem_task_setup()",
			  who, task->name, size, room);
}

static int merge(const char *who, struct declared *d, const struct mem_task_image *task,
		 const struct mem_task_field_image *fields)
{
	struct diff diff = { .len = 0 };

	for (uint32_t i = 0; i < task->fields.count; i++)
		compare_field(d, &fields[i], &diff);
	if (diff.lines)
		return mem__error(EINVAL,
				  "%s: per-thread struct '%s' is not the one that %s has:%s\nfields may be "
				  "added at the end; build both from one header", who, task->name, d->who,
				  diff.text);
	if (task->size > d->room)
		return no_room(who, task, task->size, d->room);
	if (add_fields(d, task, fields))
		return no_memory(who);
	d->size = task->size > d->size ? task->size : d->size;
	return (int)d->offset;
}

static void forget(struct declared *d)
{
	for (uint32_t i = 0; i < d->count; i++) {
		free(d->fields[i].name);
		free(d->fields[i].type);
	}
	free(d->fields);
	free(d->name);
	free(d->who);
	free(d);
}

static int declare_first(const char *who, const struct mem_task_image *task,
			 const struct mem_task_field_image *fields, uint32_t block_size)
{
	uint32_t align = task->align > 64 ? task->align : 64;
	uint64_t offset = ((uint64_t)used + align - 1) & ~(uint64_t)(align - 1);
	uint64_t room = ((uint64_t)task->size + 63) & ~(uint64_t)63;
	struct declared *d;

	if (offset + task->size > block_size)
		return no_room(who, task, task->size,
			       offset < block_size ? (uint32_t)(block_size - offset) : 0);
	/* what a later version adds needs a place too, where there is plenty */
	if (offset + 2 * room + 64 <= block_size / 4)
		room += 64;
	d = calloc(1, sizeof(*d));
	if (!d)
		return no_memory(who);
	d->name = strdup(task->name);
	d->who = strdup(who);
	d->offset = (uint32_t)offset;
	d->size = task->size;
	d->room = (uint32_t)room;
	if (!d->name || !d->who || add_fields(d, task, fields)) {
		forget(d);
		return no_memory(who);
	}
	d->next = first;
	first = d;
	used = d->offset + d->room;
	return (int)d->offset;
}

int task_declare(const char *who, const struct mem_task_image *task,
		 const struct mem_task_field_image *fields, uint32_t block_size)
{
	struct declared *d = find(task->name);

	return d ? merge(who, d, task, fields) : declare_first(who, task, fields, block_size);
}
