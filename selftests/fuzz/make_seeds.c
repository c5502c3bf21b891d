/* SPDX-License-Identifier: BSD-2-Clause */
/* make_seeds DIRECTORY OBJECT...: what the fuzzers start from, in DIRECTORY/TARGET/. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <check.h>

#include "sample_object.h"

/* What ck_assert() of the object builder calls, for a program that is no test. */
void _mark_point(const char *file, int line)
{
	(void)file;
	(void)line;
}

void _ck_assert_failed(const char *file, int line, const char *expr, const char *msg, ...)
{
	(void)msg;
	fprintf(stderr, "%s:%d: %s\n", file, line, expr);
	abort();
}

static void write_seed(const char *directory, const char *target, const char *name,
		       struct elf_bytes object)
{
	const uint32_t size = object.size;
	char path[512];
	FILE *file;
	int bad;

	snprintf(path, sizeof(path), "%s/%s/%s", directory, target, name);
	file = fopen(path, "we");
	if (!file) {
		perror(path);
		exit(EXIT_FAILURE);
	}
	if (!strcmp(target, "image"))
		fwrite(&size, sizeof(size), 1, file);
	fwrite(object.data, 1, object.size, file);
	bad = ferror(file);
	if (fclose(file) || bad) {
		perror(path);
		exit(EXIT_FAILURE);
	}
}

static void write_seeds(const char *directory, const char *name, struct elf_bytes object)
{
	write_seed(directory, "reader", name, object);
	write_seed(directory, "image", name, object);
	write_seed(directory, "memgen", name, object);
}

static struct elf_bytes read_object(const char *path)
{
	FILE *file = fopen(path, "re");
	struct elf_bytes object = {.data = malloc(1 << 20)};

	if (!file || !object.data) {
		perror(path);
		exit(EXIT_FAILURE);
	}
	object.size = fread(object.data, 1, 1 << 20, file);
	fclose(file);
	return object;
}

int main(int argc, char **argv)
{
	struct elf_bytes object = sample_object();

	if (argc < 2)
		return EXIT_FAILURE;
	write_seeds(argv[1], "sample", object);
	free(object.data);
	for (int i = 2; i < argc; i++) {
		const char *slash = strrchr(argv[i], '/');

		object = read_object(argv[i]);
		write_seeds(argv[1], slash ? slash + 1 : argv[i], object);
		free(object.data);
	}
	return EXIT_SUCCESS;
}
