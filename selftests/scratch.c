/* SPDX-License-Identifier: BSD-2-Clause */
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "harness.h"
#include "scratch.h"
#include "shell.h"

char scratch[64];

void scratch_make(void)
{
	strcpy(scratch, "/tmp/libmem-test.XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(scratch));
}

void scratch_remove(void)
{
	SHELL_OK("rm -rf %s", scratch);
}

const char *scratch_file(const char *name)
{
	static char paths[4][128];
	static int next;
	char *path = paths[next++ % 4];

	ck_assert_int_lt(snprintf(path, sizeof(paths[0]), "%s/%s", scratch, name), (int)sizeof(paths[0]));
	return path;
}

int count_files(const char *path)
{
	DIR *d = opendir(path);
	struct dirent *entry;
	int n = 0;

	ck_assert_ptr_nonnull(d);
	while ((entry = readdir(d)))
		n += strcmp(entry->d_name, ".") && strcmp(entry->d_name, "..");
	closedir(d);
	return n;
}

char *read_file(const char *path)
{
	FILE *f = fopen(path, "re");
	char *text;
	long size;

	ck_assert_msg(f != NULL, "%s: %m", path);
	fseek(f, 0, SEEK_END);
	size = ftell(f);
	rewind(f);
	text = calloc(1, (size_t)size + 1);
	ck_assert_ptr_nonnull(text);
	ck_assert_uint_eq(fread(text, 1, (size_t)size, f), (size_t)size);
	fclose(f);
	return text;
}

void write_file(const char *path, const char *text)
{
	FILE *f = fopen(path, "we");

	ck_assert_msg(f != NULL, "%s: %m", path);
	ck_assert_int_ge(fputs(text, f), 0);
	ck_assert_int_eq(fclose(f), 0);
}

const char *compile_bpf_with(const char *name, const char *options, const char *source)
{
	const char *compiler = getenv("CLANG_BPF") ?: "clang-19";
	static char object[128];
	char path[128];

	snprintf(path, sizeof(path), "%s/%s.bpf.c", scratch, name);
	write_file(path, source);
	snprintf(object, sizeof(object), "%s/%s.bpf.o", scratch, name);
	SHELL_OK("%s -g -O2 --target=bpf -mcpu=v3 -I%s %s -c %s -o %s", compiler, source_path("include"), options,
		 path, object);
	return object;
}

const char *compile_bpf(const char *name, const char *source)
{
	return compile_bpf_with(name, "", source);
}
