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

int main(void)
{
	if (variables() || pointers() || records())
		return 1;
	puts("ok");
	return 0;
}
