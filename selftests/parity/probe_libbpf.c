/* SPDX-License-Identifier: BSD-2-Clause */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include <bpf/libbpf.h>

#include "probe.h"

const char *const probe_loader = "libbpf";

static struct bpf_object *obj;
static struct bpf_program *last;
static char said[1 << 18], shortened[sizeof(said)];

static int keep(enum libbpf_print_level level, const char *fmt, va_list args)
{
	size_t used = strlen(said);

	if (level == LIBBPF_WARN)
		vsnprintf(said + used, sizeof(said) - used, fmt, args);
	return 0;
}

int probe_open(const char *path)
{
	libbpf_set_strict_mode(LIBBPF_STRICT_ALL);
	libbpf_set_print(keep);
	obj = bpf_object__open_file(path, NULL);
	return obj ? 0 : -errno;
}

bool probe_next_prog(const char **name, const char **section, bool *autoload)
{
	last = bpf_object__next_program(obj, last);
	if (!last)
		return false;
	*name = bpf_program__name(last);
	*section = bpf_program__section_name(last);
	*autoload = bpf_program__autoload(last);
	return true;
}

int probe_load(const char *only)
{
	struct bpf_program *prog;

	if (only)
		bpf_object__for_each_program(prog, obj)
			bpf_program__set_autoload(prog, !strcmp(bpf_program__name(prog), only));
	return bpf_object__load(obj);
}

/* Of the verifier's log only the end says why; libbpf's lines say it all. */
const char *probe_message(void)
{
	char *from = said, *to = shortened, *log = NULL, *line;

	while ((line = strsep(&from, "\n"))) {
		if (strstr(line, "BEGIN PROG LOAD LOG"))
			log = to;
		if (!strncmp(line, "processed ", 10) && strstr(line, "insns"))
			continue;
		if (strstr(line, "END PROG LOAD LOG") && log) {
			/* back to where the last three lines begin */
			char *start = to;

			for (int lines = 0; start > log && lines < 4; start--)
				lines += start[-1] == '\n';
			memmove(log, start, (size_t)(to - start));
			to = log + (to - start);
			log = NULL;
			continue;
		}
		to += sprintf(to, "%s\n", line);
	}
	return shortened;
}
