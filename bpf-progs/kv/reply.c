/* SPDX-License-Identifier: BSD-2-Clause */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "reply.h"

void reply_add(struct reply *reply, const void *bytes, size_t size)
{
	size_t capacity = reply->capacity ?: 4096;
	char *room;

	while (capacity - reply->size < size)
		capacity *= 2;
	if (capacity != reply->capacity) {
		room = realloc(reply->bytes, capacity);
		if (!room) {
			reply->failed = true;
			return;
		}
		reply->bytes = room;
		reply->capacity = capacity;
	}
	memcpy(reply->bytes + reply->size, bytes, size);
	reply->size += size;
}

void reply_text(struct reply *reply, const char *text)
{
	reply_add(reply, text, strlen(text));
}

void reply_print(struct reply *reply, const char *fmt, ...)
{
	char line[512];
	va_list args;
	int size;

	va_start(args, fmt);
	size = vsnprintf(line, sizeof(line), fmt, args);
	va_end(args);
	if (size > 0)
		reply_add(reply, line, (size_t)size < sizeof(line) ? (size_t)size : sizeof(line) - 1);
}

void reply_drop(struct reply *reply, size_t size)
{
	if (!size)
		return;
	reply->size -= size;
	memmove(reply->bytes, reply->bytes + size, reply->size);
}

void reply_free(struct reply *reply)
{
	free(reply->bytes);
	memset(reply, 0, sizeof(*reply));
}
