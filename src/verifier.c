/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The verifier's log comes as text, oldest line first: what it followed, the reason, statistics.
 * Of that the message keeps the instruction it stopped at, the line of C that instruction was
 * compiled from, the reason and the last few lines that led there.
 */
#include <errno.h>
#include <linux/btf.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "explain.h"
#include "sys.h"
#include "verifier.h"

/* The log of a long program can be hundreds of megabytes; older kernels cut it at its end. */
#define LOG_SIZE_FIRST (1U << 20)
#define LOG_SIZE_LAST (1U << 26)
#define LOG_LINES_SHOWN 12

/* Ask the kernel again, with a log. NULL when there is no memory for one. */
static char *fetch_log(union bpf_attr *attr)
{
	for (uint32_t size = LOG_SIZE_FIRST;; size *= 8) {
		char *log = malloc(size); /* not cleared: only what the kernel writes takes memory */
		int ret;

		if (!log)
			return NULL;
		log[0] = '\0';
		attr->log_buf = sys_pointer(log);
		attr->log_size = size;
		attr->log_level = 1;
		ret = sys_bpf(BPF_PROG_LOAD, attr, sizeof(*attr));
		sys_close(&ret);
		log[size - 1] = '\0';
		if (ret != -ENOSPC || size >= LOG_SIZE_LAST)
			return log;
		free(log);
	}
}

static bool is_statistics(const char *line)
{
	static const char *const starts[] = { "processed ", "verification time ", "stack depth ",
					      "peak_states ", "max_states_per_insn " };

	for (size_t i = 0; i < sizeof(starts) / sizeof(starts[0]); i++)
		if (!strncmp(line, starts[i], strlen(starts[i])))
			return true;
	return false;
}

/* Cut the statistics off the end; returns the last line before them, inside the log, or "". */
static char *trim_log(char *log)
{
	size_t len = strlen(log);

	for (;;) {
		char *line;

		while (len && (unsigned char)log[len - 1] <= ' ')
			log[--len] = '\0';
		for (line = log + len; line > log && line[-1] != '\n';)
			line--;
		if (!is_statistics(line))
			return line;
		len = (size_t)(line - log);
		log[len] = '\0';
	}
}

/* "12: (85) call ...": the number of the instruction a line is about, or -1. */
static long line_insn(const char *line)
{
	char *end;
	long insn = strtol(line, &end, 10);

	return end != line && !strncmp(end, ": (", 3) ? insn : -1;
}

/* The instruction the verifier looked at last, or -1. */
static long last_insn(const char *log, const char *from)
{
	for (const char *line = from;; line--) {
		if (line == log || line[-1] == '\n') {
			long insn = line_insn(line);

			if (insn >= 0)
				return insn;
		}
		if (line == log)
			return -1;
	}
}

/* The start of the last lines of a text. */
static const char *last_lines(const char *text, int lines)
{
	const char *at = text + strlen(text);

	while (at > text) {
		if (at[-1] == '\n' && --lines == 0)
			break;
		at--;
	}
	return at;
}

static const char *btf_string(const struct mem_object *obj, uint32_t offset)
{
	struct image_strings strings;

	if (image_btf_strings(&obj->image, &strings) || offset >= strings.size)
		return "";
	return strings.data + offset;
}

/* Where an instruction comes from: "in 'func' at file.c:12: source text". */
static void describe_insn(const struct mem_prog *prog, const struct insns *insns, long insn,
			  char *text, size_t size)
{
	const struct image_view *image = &prog->obj->image;
	const struct bpf_line_info *line = NULL;
	uint32_t func = 0;
	const char *source;
	int len;

	text[0] = '\0';
	if (insn < 0 || (uint32_t)insn >= insns->count)
		return;
	while (func + 1 < insns->func_count && insns->starts[func + 1] <= (uint32_t)insn)
		func++;
	for (uint32_t i = 0; insns->lines && i < insns->line_count; i++)
		if (insns->lines[i].insn_off <= (uint32_t)insn)
			line = &insns->lines[i];
	func = image->prog_funcs[prog->image->funcs.first + func];
	len = snprintf(text, size, "\n  at instruction %ld, in %s()", insn, image->funcs[func].name);
	if (!line || len < 0 || (size_t)len >= size)
		return;
	source = btf_string(prog->obj, line->line_off);
	source += strspn(source, " \t");
	snprintf(text + len, size - len, ", %s:%u: %s", btf_string(prog->obj, line->file_name_off),
		 line->line_col >> 10, source);
}

/*
 * What the CO-RE record of an instruction looks for, from the line that announces it:
 * "relo #3: <byte_off> [7] STRUCT s.member (0:1 @ offset 8)".
 */
static const char *core_record(const char *log, long insn)
{
	char needle[64];
	const char *at, *line;

	snprintf(needle, sizeof(needle), "substituting insn #%ld w/ invalid insn", insn);
	line = at = strstr(log, needle);
	while (line && line > log && line[-1] != '\n')
		line--;
	line = line ? strstr(line, "relo #") : NULL;
	if (!line || line > at)
		return NULL;
	snprintf(needle, sizeof(needle), "%.*s <", (int)strcspn(line, ":") + 1, line);
	at = strstr(log, needle);
	at = at ? strstr(at, "] ") : NULL;
	return at ? at + 2 : NULL;
}

/* Without the numbers in brackets that follow the name. */
static size_t core_record_length(const char *record)
{
	const char *end = strstr(record, " (");
	size_t line = strcspn(record, "\n");

	return end && (size_t)(end - record) < line ? (size_t)(end - record) : line;
}

/* What the program reached that is not there, into text; "" if that is not what is wrong. */
static void explain_poison(const struct mem_prog *prog, long insn, const char *log,
			   const char *reason, char *text, size_t size)
{
	const struct image_view *image = &prog->obj->image;
	const char *number = strstr(reason, "unknown#"), *record;
	uint32_t poison = number ? (uint32_t)strtoul(number + strlen("unknown#"), NULL, 10) : 0;

	text[0] = '\0';
	if (poison == POISON_CORE) {
		record = core_record(log, insn) ?: "what a CO-RE record of this line names";
		snprintf(text, size, "this kernel has no %.*s as the program declares it: test with "
				     "bpf_core_field_exists() or bpf_core_type_exists() before",
			 (int)core_record_length(record), record);
	} else if (poison - POISON_EXTERN < image->extern_count) {
		snprintf(text, size, "it calls '%s', which this kernel lacks and the program declares __weak: "
				     "test for it before", image->externs[poison - POISON_EXTERN].name);
	} else if (poison - POISON_MAP < image->map_count) {
		snprintf(text, size, "it reaches map '%s', which was left out (mem_map_autocreate_set()): let "
				     "a constant keep it from there", image->maps[poison - POISON_MAP].name);
	}
}

/* The only maps that programs refer into and that a kernel may refuse for that. */
static const struct feature percpu_variables = { "variables of each CPU (.percpu)", 7, 3 };

static int explain_log(const struct mem_prog *prog, const struct insns *insns, const char *log,
		       const char *reason, int err)
{
	char where[1024], absent[512], locked[256];
	long insn = last_insn(log, reason);

	mem__log(MEM_LOG_DEBUG, "%s: program '%s': the verifier's log:\n%s", prog->obj->name,
		 prog->image->name, log);
	if (strstr(reason, "no direct value access") &&
	    explain_missing(where, sizeof(where), &percpu_variables))
		return mem__error(ENOTSUP, "%s: program '%s': %s", prog->obj->name, prog->image->name,
				  where);
	describe_insn(prog, insns, insn, where, sizeof(where));
	explain_poison(prog, insn, log, reason, absent, sizeof(absent));
	explain_helper(reason, locked, sizeof(locked));
	return mem__error(err,
			  "%s: program '%s' (section %s) was refused: %s%s%s%s\n"
			  "  the verifier's last lines:\n%s",
			  prog->obj->name, prog->image->name, prog->image->section,
			  absent[0] ? absent : reason, where, locked, explain_perfmon(),
			  last_lines(log, LOG_LINES_SHOWN));
}

/* Types and attach types that some kernels lack, of those that libmem runs on. */
static const struct {
	uint32_t type;
	uint32_t attach; /* 0: any */
	struct feature feature;
} young[] = {
	{ BPF_PROG_TYPE_LSM, BPF_LSM_CGROUP, { "security hooks of control groups", 6, 0 } },
	{ BPF_PROG_TYPE_TRACING, MEM_BPF_TRACE_FSESSION, { "fsession programs", 7, 0 } },
	{ BPF_PROG_TYPE_TRACING, MEM_BPF_TRACE_FENTRY_MULTI, { "fentry.multi", 7, 2 } },
	{ BPF_PROG_TYPE_TRACING, MEM_BPF_TRACE_FEXIT_MULTI, { "fexit.multi", 7, 2 } },
	{ BPF_PROG_TYPE_TRACING, MEM_BPF_TRACE_FSESSION_MULTI, { "fsession.multi", 7, 2 } },
	{ MEM_BPF_PROG_TYPE_NETFILTER, 0, { "netfilter programs", 6, 4 } },
};

static bool explain_young(const struct mem_prog *prog, char *text, size_t size)
{
	for (size_t i = 0; i < sizeof(young) / sizeof(young[0]); i++)
		if (young[i].type == prog->type &&
		    (!young[i].attach || young[i].attach == prog->attach_type))
			return explain_missing(text, size, &young[i].feature);
	return false;
}

static int load_error(const struct mem_prog *prog, int err, const char *why)
{
	return mem__error(err, "%s: program '%s' (section %s) can't be loaded: %s", prog->obj->name,
			  prog->image->name, prog->image->section, why);
}

static int explain_errno(const struct mem_prog *prog, int err)
{
	char why[256];

	if (!explain_refusal(err, why, sizeof(why)))
		snprintf(why, sizeof(why), "%s%s%s", strerror(err),
			 err == EMFILE ? "" : ", without a reason from the verifier",
			 err == EINVAL ? ": this kernel may lack the program type or a flag of it" : "");
	return load_error(prog, err, why);
}

int verifier_explain(const struct mem_prog *prog, const struct insns *insns, union bpf_attr *attr,
		     int err)
{
	const char *reason;
	char *log, why[256];
	int ret;

	if (err == EINVAL && explain_young(prog, why, sizeof(why)))
		return load_error(prog, ENOTSUP, why);
	log = fetch_log(attr);
	reason = log ? trim_log(log) : "";
	if (*reason)
		ret = explain_log(prog, insns, log, reason, err);
	else
		ret = explain_errno(prog, err);
	free(log);
	return ret;
}
