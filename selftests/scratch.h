/* SPDX-License-Identifier: BSD-2-Clause */
/* A folder of the running test's own, and files in it. */
#ifndef SELFTESTS_SCRATCH_H
#define SELFTESTS_SCRATCH_H

/* Its path, without a slash at the end. */
extern char scratch[];

/* FIXTURE(scratch_make, scratch_remove): an empty one for each test. */
void scratch_make(void);
void scratch_remove(void);

/* The path of what is called name there. Static, 4 at a time. */
const char *scratch_file(const char *name);

/* How many files and folders are in a folder. */
int count_files(const char *path);

/* All of a file as text, to be freed by the caller. */
char *read_file(const char *path);
void write_file(const char *path, const char *text);

/* Compile BPF source text into NAME.bpf.o there. Its path, static, until the next one. */
const char *compile_bpf(const char *name, const char *source);
const char *compile_bpf_with(const char *name, const char *options, const char *source);

#endif /* SELFTESTS_SCRATCH_H */
