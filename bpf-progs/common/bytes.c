/* SPDX-License-Identifier: BSD-2-Clause */
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "bytes.h"

void bytes_add(struct bytes *bytes, const void *data, size_t size)
{
	size_t capacity = bytes->capacity ?: 4096;
	char *room;

	while (capacity - bytes->size < size && capacity < SIZE_MAX / 2)
		capacity *= 2;
	if (capacity != bytes->capacity) {
		room = realloc(bytes->data, capacity);
		if (!room) {
			bytes->failed = true;
			return;
		}
		bytes->data = room;
		bytes->capacity = capacity;
	}
	memcpy(bytes->data + bytes->size, data, size);
	bytes->size += size;
}

void bytes_text(struct bytes *bytes, const char *text)
{
	bytes_add(bytes, text, strlen(text));
}

void bytes_print(struct bytes *bytes, const char *fmt, ...)
{
	char line[512];
	va_list args;
	int size;

	va_start(args, fmt);
	size = vsnprintf(line, sizeof(line), fmt, args);
	va_end(args);
	if (size < 0 || (size_t)size >= sizeof(line))
		bytes->failed = true;
	else
		bytes_add(bytes, line, (size_t)size);
}

void bytes_drop(struct bytes *bytes, size_t size)
{
	if (!size)
		return;
	bytes->size -= size;
	memmove(bytes->data, bytes->data + size, bytes->size);
}

void bytes_free(struct bytes *bytes)
{
	free(bytes->data);
	memset(bytes, 0, sizeof(*bytes));
}
