/* SPDX-License-Identifier: BSD-2-Clause */
/* Inputs that fuzzing found trouble with: selftests/fuzz/regressions/. */
#include <bpf/libbpf.h>
#include <dirent.h>
#include <stdlib.h>
#include <string.h>

#include "fuzz/fuzz.h"
#include "harness.h"

static void run_file(const char *name, void (*target)(const uint8_t *, size_t))
{
	enum { MAX = 1 << 20 };
	uint8_t *data = malloc(MAX), *exact;
	char relative[300];
	FILE *file;
	size_t size;

	snprintf(relative, sizeof(relative), "selftests/fuzz/regressions/%s", name);
	file = fopen(source_path(relative), "re");
	ck_assert_ptr_nonnull(file);
	size = fread(data, 1, MAX, file);
	fclose(file);
	exact = malloc(size + !size); /* so that a sanitizer sees a read beyond the end */
	memcpy(exact, data, size);
	free(data);
	fprintf(stderr, "%s\n", name);
	target(exact, size);
	free(exact);
}

/* The files whose name begins with the target's and '-'. */
static void run_all(const char *prefix, void (*target)(const uint8_t *, size_t))
{
	DIR *dir = opendir(source_path("selftests/fuzz/regressions"));
	struct dirent *entry;
	int count = 0;

	ck_assert_ptr_nonnull(dir);
	libbpf_set_print(NULL);
	while ((entry = readdir(dir))) {
		if (strncmp(entry->d_name, prefix, strlen(prefix)) != 0)
			continue;
		run_file(entry->d_name, target);
		count++;
	}
	closedir(dir);
	ck_assert_int_gt(count, 0);
}

TEST(reader_takes_what_once_broke_it, .host_only = "reads files of the source tree")
{
	run_all("reader-", fuzz_reader);
}
END_TEST

TEST(image_check_takes_what_once_broke_it, .host_only = "reads files of the source tree")
{
	run_all("image-", fuzz_image);
}
END_TEST

TEST(arena_structures_take_what_once_broke_them, .host_only = "reads files of the source tree")
{
	run_all("arena-", fuzz_arena);
	run_all("damage-", fuzz_damage);
}
END_TEST

/* Inputs made at random: a fuzzer's first minutes, on every kernel and with every compiler. */
static void run_random(void (*target)(const uint8_t *, size_t), int inputs)
{
	unsigned int seed = 17;
	uint8_t data[1000];

	for (int n = 0; n < inputs; n++) {
		size_t size = (unsigned)rand_r(&seed) % sizeof(data);

		for (size_t i = 0; i < size; i++)
			data[i] = (uint8_t)(rand_r(&seed) >> 8);
		target(data, size);
	}
}

TEST(arena_structures_do_what_a_model_does, .timeout = 60)
{
	run_random(fuzz_arena, test_rounds(500));
}
END_TEST

TEST(a_damaged_arena_harms_nobody, .timeout = 60)
{
	run_random(fuzz_damage, test_rounds(500));
}
END_TEST

TEST(memgen_takes_what_once_broke_it, .host_only = "reads files of the source tree", .timeout = 60)
{
	fuzz_compile_every = 1;
	run_all("memgen-", fuzz_memgen);
}
END_TEST

TEST(receive_takes_what_once_broke_it, .host_only = "reads files of the source tree")
{
	run_all("receive-", fuzz_receive);
	fuzz_receive_end();
}
END_TEST
