/* SPDX-License-Identifier: BSD-2-Clause */
/* Memory of the library's own page: whoever has a piece has it alone, and it begins with zeroes. */
#include <pthread.h>
#include <stdint.h>
#include <string.h>

#include "harness.h"
#include "spare.h"

enum { THREADS = 4, PIECES = 40 };

static void check_bytes(const unsigned char *piece, size_t size, int value)
{
	for (size_t i = 0; i < size; i++)
		ck_assert_int_eq(piece[i], value);
}

static void *use_pieces(void *arg)
{
	int mark = 1 + (int)(intptr_t)arg;

	for (int round = 0; round < test_rounds(2000); round++) {
		unsigned char *pieces[PIECES];
		size_t sizes[PIECES];

		for (int i = 0; i < PIECES; i++) {
			sizes[i] = (size_t)(round * 7 + i * 13) % 300;
			pieces[i] = spare_calloc(1, sizes[i]);
			ck_assert_ptr_nonnull(pieces[i]);
			ck_assert_uint_eq((uintptr_t)pieces[i] % 16, 0);
			check_bytes(pieces[i], sizes[i], 0);
			memset(pieces[i], mark, sizes[i]);
		}
		for (int i = 0; i < PIECES; i++) {
			int which = (i * 17 + round) % PIECES;

			check_bytes(pieces[which], sizes[which], mark);
			spare_free(pieces[which]);
		}
	}
	return NULL;
}

/* More than there is room for, by several threads at once. */
TEST(pieces_do_not_overlap)
{
	pthread_t threads[THREADS];

	for (intptr_t i = 0; i < THREADS; i++)
		ck_assert_int_eq(pthread_create(&threads[i], NULL, use_pieces, (void *)i), 0);
	for (int i = 0; i < THREADS; i++)
		ck_assert_int_eq(pthread_join(threads[i], NULL), 0);
}
END_TEST

TEST(any_size)
{
	void *none[64];

	for (size_t size = 1; size <= 1 << 20; size *= 2) {
		unsigned char *piece = spare_calloc(size, 3);

		ck_assert_ptr_nonnull(piece);
		check_bytes(piece, size * 3, 0);
		memset(piece, 1, size * 3);
		spare_free(piece);
	}
	for (int i = 0; i < 64; i++) { /* of no bytes, but a piece */
		none[i] = spare_calloc(0, 8);
		for (int k = 0; k < i; k++)
			ck_assert_ptr_ne(none[i], none[k]);
	}
	for (int i = 0; i < 64; i++)
		spare_free(none[i]);
	spare_free(NULL);
}
END_TEST

TEST(too_large, .unsanitized = "the sanitizer ends the process")
{
	volatile size_t huge = SIZE_MAX / 4; /* which compilers warn of */

	ck_assert_ptr_null(spare_calloc(huge, 8));
	ck_assert_ptr_null(spare_calloc(huge * 2, 1));
}
END_TEST
