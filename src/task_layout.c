/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Where in a thread's block each struct is, and what is known of its fields.
 *
 * Programs and application may describe one struct differently, having been built at different
 * times. All descriptions are merged: a field that both have must be the same in type, size and place;
 * one that only one of them has must not lie where the other has something else. Whoever does not set
 * it leaves it zero. An offset, once given out, is in static variables and programs, and stays.
 *
 * A program whose accesses can be relocated (MEM_MOVABLE) goes by names alone: it is told where each field is.
 *
 * Processes that share their blocks (task_share.c) share a layout too: that of the one that publishes
 * them, as it was then. What a process declares later is its own affair, and no program's.
 */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "task_layout.h"

/* The differences that make two descriptions incompatible, for a message. */
struct diff {
	char text[2048];
	size_t len;
	unsigned int lines;
};

static struct task_declared *first;
static uint32_t used = MEM_TASK_HEAD; /* bytes of a block */
static bool sealed;                   /* programs can have what is shared, and nothing else */

const struct task_declared *task_declared_first(void)
{
	return first;
}

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

static struct task_declared *find(const char *name)
{
	for (struct task_declared *d = first; d; d = d->next)
		if (!strcmp(d->name, name))
			return d;
	return NULL;
}

static const struct task_field *find_field(const struct task_declared *d, const char *name)
{
	for (uint32_t i = 0; *name && i < d->count; i++)
		if (!strcmp(d->fields[i].name, name))
			return &d->fields[i];
	return NULL;
}

static bool overlap(const struct task_field *a, const struct mem_task_field_image *b)
{
	return a->offset < b->offset + b->size && b->offset < a->offset + a->size;
}

static void compare_field(const struct task_declared *d, const struct mem_task_field_image *field,
			  struct diff *diff)
{
	const struct task_field *same = find_field(d, field->name);

	if (same && (strcmp(same->type, field->type) != 0 || same->size != field->size))
		differs(diff, "\n  %s: %s, was %s", field->name, field->type, same->type);
	else if (same && same->offset != field->offset)
		differs(diff, "\n  %s: at bit %u, was at %u", field->name, field->offset, same->offset);
	for (uint32_t i = 0; !same && i < d->count; i++) {
		const struct task_field *other = &d->fields[i];

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

/* at: where each is, if not where it says. */
static int add_fields(struct task_declared *d, const struct mem_task_image *task,
		      const struct mem_task_field_image *fields, const uint32_t *at)
{
	struct task_field *grown = realloc(d->fields, (d->count + task->fields.count + 1) * sizeof(*grown));

	if (!grown)
		return -ENOMEM;
	d->fields = grown;
	for (uint32_t i = 0; i < task->fields.count; i++) {
		const struct mem_task_field_image *from = &fields[i];
		struct task_field *to = &d->fields[d->count];

		if (find_field(d, from->name))
			continue;
		*to = (struct task_field){
			.name = strdup(from->name),
			.type = strdup(from->type),
			.offset = at ? at[i] : from->offset,
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

/* --- fields that move --- */

/* Fields up to the next one that is not of the same member of the outermost struct. */
static uint32_t member_fields(const struct mem_task_field_image *fields, uint32_t count)
{
	size_t len = strcspn(fields[0].name, ".");
	uint32_t n = 1;

	while (n < count && len && strcspn(fields[n].name, ".") == len &&
	       !strncmp(fields[n].name, fields[0].name, len))
		n++;
	return n;
}

/* Accesses to bit-fields and unnamed unions are not relocated. */
static bool can_move(const struct mem_task_field_image *field)
{
	bool number = strchr("su", field->type[0]) && field->type[1] >= '1' && field->type[1] <= '9';

	return *field->name && (!number || strchr(field->type, '[') ||
				strtoul(field->type + 1, NULL, 10) == field->size);
}

static bool is_free(const struct task_declared *d, uint64_t offset, uint32_t size)
{
	for (uint32_t i = 0; i < d->count; i++)
		if (d->fields[i].offset < offset + size && offset < (uint64_t)d->fields[i].offset + d->fields[i].size)
			return false;
	return true;
}

/* How far a member of a program's struct has to move; end: bits where there is room for new ones. */
static int64_t find_move(const struct task_declared *d, const struct mem_task_field_image *fields, uint32_t count,
			 uint32_t align, uint64_t *end)
{
	const struct mem_task_field_image *last = &fields[count - 1];
	bool keep = true;
	int64_t move;

	for (uint32_t i = 0; i < count; i++) {
		const struct task_field *same = find_field(d, fields[i].name);

		if (same)
			return (int64_t)same->offset - fields[i].offset;
		keep &= is_free(d, fields[i].offset, fields[i].size) || !can_move(&fields[i]);
	}
	if (keep)
		return 0;
	/* to a place that is aligned as this one is */
	move = (int64_t)((*end - fields[0].offset % align + align - 1) / align * align +
			 fields[0].offset % align) - fields[0].offset;
	*end = (uint64_t)(last->offset + last->size + move);
	return move;
}

static uint64_t end_of(const struct task_declared *d, const struct mem_task_image *task)
{
	uint64_t end = 8ULL * task->size;

	for (uint32_t i = 0; i < d->count; i++)
		if (d->fields[i].offset + d->fields[i].size > end)
			end = d->fields[i].offset + d->fields[i].size;
	return end;
}

/* Say where each field of a program's struct is. */
static void place_fields(const struct task_declared *d, const struct mem_task_image *task,
			 const struct mem_task_field_image *fields, uint32_t *at, struct diff *diff)
{
	uint64_t end = end_of(d, task);
	uint32_t count;

	for (uint32_t first_of = 0; first_of < task->fields.count; first_of += count) {
		const struct mem_task_field_image *member = &fields[first_of];
		int64_t move;

		count = member_fields(member, task->fields.count - first_of);
		move = find_move(d, member, count, 8 * task->align, &end);
		for (uint32_t i = 0; i < count; i++) {
			struct mem_task_field_image moved = member[i];

			if (can_move(&moved))
				moved.offset = (uint32_t)(moved.offset + move);
			at[first_of + i] = moved.offset;
			compare_field(d, &moved, diff);
		}
	}
}

/* Bytes of a struct with fields at these places. */
static uint32_t size_with(const struct mem_task_image *task, const struct mem_task_field_image *fields,
			  const uint32_t *at)
{
	uint64_t size = task->size;

	for (uint32_t i = 0; at && i < task->fields.count; i++)
		if (((uint64_t)at[i] + fields[i].size + 7) / 8 > size)
			size = ((uint64_t)at[i] + fields[i].size + 7) / 8;
	return (uint32_t)size;
}

static int merge(const char *who, struct task_declared *d, const struct mem_task_image *task,
		 const struct mem_task_field_image *fields, uint32_t *at)
{
	struct diff diff = { .len = 0 };
	uint32_t size;

	if (at)
		place_fields(d, task, fields, at, &diff);
	else
		for (uint32_t i = 0; i < task->fields.count; i++)
			compare_field(d, &fields[i], &diff);
	if (diff.lines)
		return mem__error(EINVAL,
				  "%s: per-thread struct '%s' is not the one that %s has:%s\nfields may be "
				  "added at the end, or the program's struct be MEM_MOVABLE; build both from "
				  "one header", who, task->name, d->who, diff.text);
	size = size_with(task, fields, at);
	if (size > d->room)
		return no_room(who, task, size, d->room);
	if (add_fields(d, task, fields, at))
		return no_memory(who);
	d->size = size > d->size ? size : d->size;
	return (int)d->offset;
}

void task_declared_free(struct task_declared *d)
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
	struct task_declared *d;

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
	if (!d->name || !d->who || add_fields(d, task, fields, NULL)) {
		task_declared_free(d);
		return no_memory(who);
	}
	d->next = first;
	first = d;
	used = d->offset + d->room;
	return (int)d->offset;
}

/* Other processes' threads have something else where only this process knows what it has. */
static int check_sealed(const char *who, const struct mem_task_image *task,
			const struct mem_task_field_image *fields)
{
	const struct task_declared *d = find(task->name);

	for (uint32_t i = 0; d && d->shared && i < task->fields.count; i++) {
		const struct task_field *field = find_field(d, fields[i].name);

		if (*fields[i].name && (!field || field >= d->fields + d->shared))
			return mem__error(EBUSY, "%s: field %s of per-thread struct '%s' is new to the "
						 "processes that share it: load this object before "
						 "mem_task_share()", who, fields[i].name, task->name);
	}
	return d && d->shared ? 0
			      : mem__error(EBUSY, "%s: per-thread struct '%s' is not one of those that are "
						  "shared with other processes: load this object before "
						  "mem_task_share()", who, task->name);
}

int task_declare(const char *who, const struct mem_task_image *task,
		 const struct mem_task_field_image *fields, uint32_t block_size,
		 const struct task_programs *programs)
{
	struct task_declared *d = find(task->name);
	int err = sealed && programs ? check_sealed(who, task, fields) : 0;

	if (err)
		return err;
	for (uint32_t i = 0; programs && i < task->fields.count; i++)
		programs->at[i] = fields[i].offset;
	return d ? merge(who, d, task, fields, programs && programs->movable ? programs->at : NULL)
		 : declare_first(who, task, fields, block_size);
}

/* --- what other processes have declared --- */

/* What this process has in a struct already, into what it is about to take on. */
static int merge_own(struct task_declared *d, const struct task_declared *own)
{
	struct mem_task_image task = { .name = own->name, .size = own->size };
	struct mem_task_field_image *fields = calloc(own->count + 1, sizeof(*fields));
	int result;

	if (!fields)
		return no_memory(own->who);
	task.fields.count = own->count;
	for (uint32_t i = 0; i < own->count; i++) {
		fields[i].name = own->fields[i].name;
		fields[i].type = own->fields[i].type;
		fields[i].offset = own->fields[i].offset;
		fields[i].size = own->fields[i].size;
	}
	result = merge(own->who, d, &task, fields, NULL);
	free(fields);
	return result < 0 ? result : 0;
}

/* Offsets that this process has given out can't be taken back. */
int task_layout_meet(struct task_declared *d)
{
	for (struct task_declared *own = first; own; own = own->next) {
		bool same = !strcmp(own->name, d->name);

		if (same && own->offset == d->offset) {
			int err = merge_own(d, own);

			if (err)
				return err;
		} else if (same || (own->offset < d->offset + d->room &&
				    d->offset < own->offset + own->room)) {
			return mem__error(EBUSY, "%s: per-thread struct '%s' has its place in this "
						 "process, and another one in those that share '%s': join "
						 "before structs are used", own->who, own->name, d->name);
		}
	}
	return 0;
}

void task_layout_add(struct task_declared *d)
{
	struct task_declared **at = &first;

	while (*at && strcmp((*at)->name, d->name) != 0)
		at = &(*at)->next;
	if (*at) {
		struct task_declared *own = *at;

		*at = own->next;
		task_declared_free(own);
	}
	d->next = first;
	first = d;
	if (d->offset + d->room > used)
		used = d->offset + d->room;
}

void task_layout_seal(bool seal)
{
	for (struct task_declared *d = first; seal && d; d = d->next)
		d->shared = d->count;
	sealed = seal;
}
