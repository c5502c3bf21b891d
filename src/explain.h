/* SPDX-License-Identifier: BSD-2-Clause */
/* Why the kernel said no, once it has: privilege, age, limits. Nothing here is probed beforehand. */
#ifndef LIBMEM_EXPLAIN_H
#define LIBMEM_EXPLAIN_H

#include <stdbool.h>
#include <stddef.h>

/* A kernel feature and the release that brought it. */
struct feature {
	const char *name;
	unsigned char major, minor;
};

/*
 * "6.12.3-amd64" into numbers; those that are missing are 0. Whether there was any. (scanf would
 * double the size of a static program.)
 */
bool parse_version(const char *text, unsigned int version[3]);

/* Whether the running kernel is older than major.minor, by its release string. */
bool kernel_older_than(unsigned int major, unsigned int minor);

/* "Linux 5.4.0 lacks arena maps (Linux 6.9 has them)" into text; false if it should have it. */
bool explain_missing(char *text, size_t size, const struct feature *feature);

/* Whether the verifier is stricter with this process than with most: a line to say so, or "". */
const char *explain_perfmon(void);

/* Whether a kernel that is locked down may be why the verifier knows no such helper: a line to say so, or "". */
void explain_helper(const char *reason, char *text, size_t size);

/* What an EPERM of bpf(2) or perf_event_open(2) most likely means and what to do about it. */
void explain_eperm(char *text, size_t size);

/*
 * The same for whatever says that the caller may not: EPERM, what a seccomp filter says instead (ENOSYS, EACCES),
 * EACCES of perf_event_open(2). False, and nothing in text, if err means something else.
 */
bool explain_refusal(int err, char *text, size_t size);

#endif /* LIBMEM_EXPLAIN_H */
