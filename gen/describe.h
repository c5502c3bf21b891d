/* SPDX-License-Identifier: BSD-2-Clause */
/* What the commands inspect and layout say of an object that is open. */
#ifndef MEMGEN_DESCRIBE_H
#define MEMGEN_DESCRIBE_H

#include <stdbool.h>

struct object_file;
struct writer;

/* Write a report, for people or as a JSON object. 0 or -ENOMEM. */
int inspect_object(struct writer *w, struct object_file *object, bool json);

/* Write drawings of what the object shares. 0 or a negative errno with a message. */
int layout_object(struct writer *w, struct object_file *object);

#endif /* MEMGEN_DESCRIBE_H */
