/* SPDX-License-Identifier: BSD-2-Clause */
/* A 32-bit application, whose programs have 64-bit pointers and longs; says "ok". test_narrow.sh builds it. */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "accessors.skel.h"
#include "grow.skel.h"
#include "rings.skel.h"

#define CHECK(condition)                                                                           \
	do {                                                                                       \
		if (!(condition)) {                                                                \
			fprintf(stderr, "%s:%d: %s: %s\n", __FILE__, __LINE__, #condition,         \
				mem_error_message());                                              \
			return 1;                                                                  \
		}                                                                                  \
	} while (0)

static int variables(void)
{
	struct grow *skel = grow__open();
	uint64_t sum = 0;

	CHECK(skel);
	skel->rodata->length = 3000;
	CHECK(!grow__set_len_data_pairs(skel, 3000) && !grow__set_len_bss_counts(skel, 3000));
	CHECK(!grow__set_len_rodata_weights(skel, 3000) && !grow__set_len_data(skel, 3000));
	CHECK(!grow__set_len_bss(skel, 3000));
	grow__data_pairs_elements(skel)[2999].left = 7;
	CHECK(!grow__load(skel) && !mem_prog_run(skel->progs.use_all, NULL));
	for (int i = 0; i < 3000; i++)
		sum += grow__data_pairs_elements(skel)[i].right;
	CHECK(sum == skel->bss_sum->sum && grow__data_pairs_elements(skel)[2999].right == 7);
	CHECK(grow__bss_counts_elements(skel)[2999] == 2999);
	grow__destroy(skel);
	return 0;
}

/* A pointer takes 8 bytes, and so does what is behind it in the section. */
static int pointers(void)
{
	struct accessors *skel = accessors__open_and_load();
	struct sample copy;

	CHECK(skel);
	skel->bss->nowhere = 0x123456789abcdef0;
	CHECK(!mem_prog_run(skel->progs.count, NULL) && skel->bss->nowhere == 0);
	CHECK(skel->bss->total == 1000 && skel->bss->level == -1000 && skel->bss->published == 1);
	CHECK(!mem_prog_run(skel->progs.write_samples, NULL));
	CHECK(!accessors__copy_sample(&copy, &skel->bss->sample));
	CHECK(copy.value[0] == 200 && copy.value[6] == 200 && copy.last == 200);
	accessors__destroy(skel);
	return 0;
}

static int records(void)
{
	struct rings *skel = rings__open();
	struct mem_ringbuf *ring;
	const struct record *record;

	CHECK(skel && !mem_prog_autoload_set(skel->progs.produce, 1) && !rings__load(skel));
	ring = rings__out_new(skel);
	CHECK(ring && !mem_prog_run(skel->progs.produce, NULL));
	record = rings__out_next(ring);
	CHECK(record && record->sequence == 0 && !strcmp(record->text, "from the program"));
	mem_ringbuf_release(ring);
	mem_ringbuf_free(ring);
	rings__destroy(skel);
	return 0;
}

/* Where the kernel's positions have more than 32 bits. */
static int past_4_gib(void)
{
	const uint32_t size = (4 << 20) - 8, rounds = 4096 / 12 + 3;
	struct rings *skel = rings__open();
	struct mem_user_ringbuf *in;
	struct mem_ringbuf *out;
	uint64_t next = 0;
	size_t got;

	CHECK(skel && !mem_map_max_entries_set(skel->maps.out, 16 << 20) &&
	      !mem_map_max_entries_set(skel->maps.in, 16 << 20) &&
	      !mem_prog_autoload_set(skel->progs.produce_large, 1) &&
	      !mem_prog_autoload_set(skel->progs.drain, 1) && !rings__load(skel));
	out = mem_ringbuf_new(skel->maps.out, NULL, NULL);
	in = mem_user_ringbuf_new(skel->maps.in);
	CHECK(out && in);
	for (uint32_t round = 0; round < rounds; round++) {
		const uint64_t *record;
		uint64_t *sent = NULL;

		CHECK(!mem_prog_run(skel->progs.produce_large, NULL));
		while ((record = mem_ringbuf_next(out, &got))) {
			CHECK(got == size && *record == next++);
			mem_ringbuf_release(out);
		}
		for (int i = 0; i < 3; i++) {
			sent = mem_user_ringbuf_reserve(in, size);
			CHECK(sent);
			*sent = 5;
			mem_user_ringbuf_submit(in, sent);
		}
		CHECK(!mem_prog_run(skel->progs.drain, NULL));
	}
	CHECK(!skel->bss->full && next == 3 * rounds && skel->bss->drained_sum == 15 * rounds);
	mem_user_ringbuf_free(in);
	mem_ringbuf_free(out);
	rings__destroy(skel);
	return 0;
}

int main(void)
{
	if (variables() || pointers() || records() || past_4_gib())
		return 1;
	puts("ok");
	return 0;
}
