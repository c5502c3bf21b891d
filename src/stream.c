/* SPDX-License-Identifier: BSD-2-Clause */
/* What programs, and the kernel on their behalf, wrote into their streams. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "object.h"
#include "sys.h"

#define PROG_STREAM_READ_BY_FD 37 /* enum bpf_cmd of Linux 6.17 */
#define CHUNK		       1024 /* bytes read at a time */

struct stream_read_attr {
	uint64_t buf;
	uint32_t len;
	uint32_t stream;
	uint32_t prog_fd;
	uint32_t pad;
};

/* Bytes, or -errno without a message. */
static int stream_read(const struct mem_prog *prog, enum mem_stream stream, char *text, size_t size)
{
	struct stream_read_attr attr = {
		.buf = sys_pointer(text),
		.len = size > INT32_MAX ? INT32_MAX : (uint32_t)size,
		.stream = stream,
		.prog_fd = (uint32_t)prog->fd,
	};

	return sys_bpf(PROG_STREAM_READ_BY_FD, &attr, offsetof(struct stream_read_attr, pad));
}

int mem_prog_stream_read(const struct mem_prog *prog, enum mem_stream stream, char *text, size_t size)
{
	struct mem_object *obj = prog->obj;
	int got;

	if (prog->fd < 0)
		return object_result(obj, mem__error(EBADF, "%s: program '%s' is not loaded", obj->name,
						     prog->image->name));
	got = stream_read(prog, stream, text, size);
	if (got >= 0)
		return got;
	if (got == -EINVAL)
		got = mem__error(ENOTSUP, "%s: program '%s': this kernel has no streams of programs (needs "
				 "Linux 6.17)", obj->name, prog->image->name);
	else
		mem__error(-got, "%s: can't read stream %d of program '%s': %s", obj->name, stream,
			   prog->image->name, strerror(-got));
	return object_result(obj, got);
}

/* One line of a program's, without its end. Reports begin with "ERROR:". */
static int log_line(const struct mem_prog *prog, const char *line, size_t size)
{
	static const char error[] = "ERROR:";

	if (size)
		mem__log(MEM_LOG_WARN, "%s: program '%s': %.*s", prog->obj->name, prog->image->name,
			 (int)size, line);
	return size >= sizeof(error) - 1 && !memcmp(line, error, sizeof(error) - 1);
}

/* All that is in a program's stream, line by line: the number of reports, or -errno. */
static int log_stream(const struct mem_prog *prog)
{
	char text[CHUNK];
	size_t size = 0, done;
	int reports = 0, got;

	do {
		got = stream_read(prog, MEM_STREAM_ERR, text + size, sizeof(text) - size);
		if (got < 0)
			return got;
		size += (size_t)got;
		for (done = 0; done < size;) {
			const char *end = memchr(text + done, '\n', size - done);

			if (!end && got && (done || size < sizeof(text)))
				break; /* the rest of the line is to come */
			end = end ?: text + size;
			reports += log_line(prog, text + done, (size_t)(end - text) - done);
			done = (size_t)(end - text) + 1;
		}
		done = done < size ? done : size;
		size -= done;
		memmove(text, text + done, size);
	} while (got);
	return reports;
}

int mem_object_check_faults(struct mem_object *obj)
{
	struct mem_prog *prog = NULL;
	int reports = 0, got;

	while ((prog = mem_object_next_prog(obj, prog))) {
		if (prog->fd < 0)
			continue;
		got = log_stream(prog);
		if (got == -EINVAL)
			got = mem__error(ENOTSUP, "%s: this kernel has no streams of programs (needs "
					 "Linux 6.17)", obj->name);
		else if (got < 0)
			mem__error(-got, "%s: can't read the stream of program '%s': %s", obj->name,
				   prog->image->name, strerror(-got));
		if (got < 0)
			return object_result(obj, got);
		reports += got;
	}
	return reports;
}
