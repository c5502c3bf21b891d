/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The object's BTF in the kernel: maps refer to it for their types, programs for their functions,
 * lines and CO-RE records.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "explain.h"
#include "object.h"
#include "sys.h"

#define BTF_LOG_SIZE (64 * 1024)

/* Ask again with a log, of which the last line says what is wrong. */
static void btf_reason(struct mem_object *obj, union bpf_attr *attr, char *reason, size_t size)
{
	char *log = calloc(1, BTF_LOG_SIZE), *line = log;
	int fd;

	reason[0] = '\0';
	if (!log)
		return;
	attr->btf_log_buf = sys_pointer(log);
	attr->btf_log_size = BTF_LOG_SIZE;
	attr->btf_log_level = 1;
	fd = sys_bpf(BPF_BTF_LOAD, attr, sizeof(*attr));
	sys_close(&fd);
	mem__log(MEM_LOG_DEBUG, "%s: the kernel's log of the BTF:\n%s", obj->name, log);
	for (char *p = log; *p; p++)
		if (p[0] == '\n' && p[1])
			line = p + 1;
	line[strcspn(line, "\n")] = '\0';
	snprintf(reason, size, "%s", line);
	free(log);
}

static int btf_load_error(struct mem_object *obj, union bpf_attr *attr, int err)
{
	char why[256];

	if (err == EPERM)
		explain_eperm(why, sizeof(why));
	else
		btf_reason(obj, attr, why, sizeof(why));
	return mem__error(err, "%s: the kernel refused the object's BTF: %s%s%s", obj->name,
			  strerror(err), why[0] ? ": " : "", why);
}

/*
 * Programs without CO-RE records run without BTF as well, on a kernel that does not know some kind
 * of type yet, or finds them nested too deep. With them BTF is a must: the kernel would silently
 * leave the offsets unrelocated.
 */
int btf_load(struct mem_object *obj)
{
	int fd;
	BPF_ATTR(attr);

	if (!obj->image.btf_size)
		return 0;
	attr.btf = sys_pointer(obj->image.btf);
	attr.btf_size = obj->image.btf_size;
	fd = sys_bpf_fd(BPF_BTF_LOAD, &attr, sizeof(attr));
	if (fd >= 0) {
		obj->btf_fd = fd;
		return 0;
	}
	if (fd != -EPERM && fd != -ENOMEM && !obj->image.core_relo_count) {
		char why[256];

		btf_reason(obj, &attr, why, sizeof(why));
		mem__log(MEM_LOG_WARN, "%s: going on without BTF, which the kernel refused: %s",
			 obj->name, why);
		return 0;
	}
	return btf_load_error(obj, &attr, -fd);
}
