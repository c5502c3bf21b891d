/* SPDX-License-Identifier: BSD-2-Clause */
/* Bytes that are to be sent: a buffer that grows. */
#ifndef KV_REPLY_H
#define KV_REPLY_H

#include <stdbool.h>
#include <stddef.h>

struct reply {
	char *bytes;
	size_t size;
	size_t capacity;
	bool failed; /* there was no memory: what was added is missing */
};

void reply_add(struct reply *reply, const void *bytes, size_t size);
void reply_text(struct reply *reply, const char *text);
void reply_print(struct reply *reply, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* Forget the first bytes. */
void reply_drop(struct reply *reply, size_t size);
void reply_free(struct reply *reply);

#endif /* KV_REPLY_H */
