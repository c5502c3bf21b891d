/* SPDX-License-Identifier: BSD-2-Clause */
/* Bytes that are to be sent or written: a buffer that grows. */
#ifndef COMMON_BYTES_H
#define COMMON_BYTES_H

#include <stdbool.h>
#include <stddef.h>

struct bytes {
	char *data;
	size_t size, capacity;
	bool failed; /* there was no room: what was added is missing */
};

void bytes_add(struct bytes *bytes, const void *data, size_t size);
void bytes_text(struct bytes *bytes, const char *text);
/* Less than 512 bytes at a time. */
void bytes_print(struct bytes *bytes, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* Forget the first ones. */
void bytes_drop(struct bytes *bytes, size_t size);
void bytes_free(struct bytes *bytes);

#endif /* COMMON_BYTES_H */
