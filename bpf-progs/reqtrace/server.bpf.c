/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/* What servers are built with: the struct alone. The programs that look at it are the tracer's. */
#include <mem/task.h>
#include "marks.h"

MEM_TASK(struct marks, marks);

char LICENSE[] SEC("license") = "GPL";
