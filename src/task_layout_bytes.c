/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What is declared, in the form that processes which share their blocks pass on: a number of structs, and for
 * each its name, who described it, its numbers, and its fields. Strings end with a 0, numbers are of 32 bits
 * and not aligned.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "task_layout.h"

static void put(struct task_bytes *bytes, const void *data, size_t size)
{
	if (bytes->at + size <= bytes->size)
		memcpy(bytes->data + bytes->at, data, size);
	bytes->at += size;
}

static void put_text(struct task_bytes *bytes, const char *text)
{
	put(bytes, text, strlen(text) + 1);
}

void task_layout_write(struct task_bytes *bytes)
{
	uint32_t count = 0;

	for (const struct task_declared *d = task_declared_first(); d; d = d->next)
		count++;
	put(bytes, &count, sizeof(count));
	for (const struct task_declared *d = task_declared_first(); d; d = d->next) {
		const uint32_t numbers[] = { d->offset, d->size, d->room, d->count };

		put_text(bytes, d->name);
		put_text(bytes, d->who);
		put(bytes, numbers, sizeof(numbers));
		for (uint32_t i = 0; i < d->count; i++) {
			const uint32_t place[] = { d->fields[i].offset, d->fields[i].size };

			put_text(bytes, d->fields[i].name);
			put_text(bytes, d->fields[i].type);
			put(bytes, place, sizeof(place));
		}
	}
}

static void get(struct task_bytes *bytes, void *data, size_t size)
{
	memset(data, 0, size);
	if (bytes->size - bytes->at < size) {
		bytes->at = bytes->size;
		return;
	}
	memcpy(data, bytes->data + bytes->at, size);
	bytes->at += size;
}

/* NULL at the end, or without memory. */
static char *get_text(struct task_bytes *bytes)
{
	const char *text = bytes->data + bytes->at;
	size_t room = bytes->size - bytes->at, len = strnlen(text, room);

	bytes->at += len < room ? len + 1 : room;
	return len < room ? strdup(text) : NULL;
}

static struct task_declared *get_declared(struct task_bytes *bytes, uint32_t block_size)
{
	struct task_declared *d = calloc(1, sizeof(*d));
	uint32_t numbers[4] = { 0 };

	if (!d)
		return NULL;
	d->name = get_text(bytes);
	d->who = get_text(bytes);
	get(bytes, numbers, sizeof(numbers));
	d->offset = numbers[0];
	d->size = numbers[1];
	d->room = numbers[2];
	if (!d->name || !d->who || d->offset < MEM_TASK_HEAD || d->offset % 64 || d->size > d->room ||
	    (uint64_t)d->offset + d->room > block_size || numbers[3] > bytes->size)
		goto fail;
	d->fields = calloc(numbers[3] + 1, sizeof(*d->fields));
	while (d->fields && d->count < numbers[3]) {
		struct task_field *field = &d->fields[d->count++];
		uint32_t place[2];

		field->name = get_text(bytes);
		field->type = get_text(bytes);
		get(bytes, place, sizeof(place));
		field->offset = place[0];
		field->size = place[1];
		if (!field->name || !field->type)
			goto fail;
	}
	d->shared = d->count;
	if (d->fields)
		return d;
fail:
	task_declared_free(d);
	return NULL;
}

int task_layout_read(struct task_bytes *bytes, uint32_t block_size)
{
	struct task_declared *all = NULL, *d;
	uint32_t count;
	int err = 0;

	get(bytes, &count, sizeof(count));
	while (!err && count--) {
		d = get_declared(bytes, block_size);
		if (!d) {
			err = mem__error(EINVAL, "shared per-thread structs: their description is damaged");
			break;
		}
		d->next = all;
		all = d;
		err = task_layout_meet(d);
	}
	while ((d = all)) {
		all = d->next;
		if (err)
			task_declared_free(d);
		else
			task_layout_add(d);
	}
	return err;
}
