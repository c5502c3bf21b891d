/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Fuzz targets. Each is a function that takes any bytes whatever, and aborts when libmem does what it
 * must not do. libFuzzer drives them through entry.c; selftests/test_fuzz.c runs them on the inputs
 * that once made trouble, selftests/fuzz/regressions/TARGET-what.
 */
#ifndef FUZZ_FUZZ_H
#define FUZZ_FUZZ_H

#include <stddef.h>
#include <stdint.h>

/* An object file: an error with a message, or an image that is valid; the same when read again. */
void fuzz_reader(const uint8_t *data, size_t size);

/*
 * An object file followed by edits of the image it makes (see fuzz_image.c): refused with a message,
 * or loadable as far as that goes without a kernel.
 */
void fuzz_image(const uint8_t *data, size_t size);

/*
 * An object file: of each image a header can be made, and one in some thousands is compiled; and what
 * memgen inspect and layout say of it is text, or JSON.
 */
void fuzz_memgen(const uint8_t *data, size_t size);
extern unsigned int fuzz_compile_every;

/*
 * Operations on the structures of an arena: they do what a simple model of them does, and in the end no
 * memory is lost. fuzz_damage() has writes by a stranger among the operations, and no model: whatever is
 * written, nothing crashes, loops, or reaches outside.
 */
void fuzz_arena(const uint8_t *data, size_t size);
void fuzz_damage(const uint8_t *data, size_t size);

/*
 * A message to a socket, with descriptors (see fuzz_receive.c): a region whose memory can be used, or an
 * error with a message and no descriptor left open.
 */
void fuzz_receive(const uint8_t *data, size_t size);
void fuzz_receive_end(void); /* closes what the first call opened */

/*
 * Change an object file in a way that leaves most of it sensible: mutate.c. Returns the new size;
 * anything is the library's own way of changing bytes.
 */
size_t mutate_object(uint8_t *data, size_t size, size_t max_size, unsigned int seed,
		     size_t (*anything)(uint8_t *, size_t, size_t));

/* The same for inputs of fuzz_image(): changes the edits. */
size_t mutate_image(uint8_t *data, size_t size, size_t max_size, unsigned int seed,
		    size_t (*anything)(uint8_t *, size_t, size_t));

/* For inputs without a form. */
size_t mutate_bytes(uint8_t *data, size_t size, size_t max_size, unsigned int seed,
		    size_t (*anything)(uint8_t *, size_t, size_t));

/* As mutate_object(), for inputs of fuzz_receive(). */
size_t mutate_receive(uint8_t *data, size_t size, size_t max_size, unsigned int seed,
		      size_t (*anything)(uint8_t *, size_t, size_t));

#define FUZZ_REQUIRE(condition, ...)                                                               \
	do {                                                                                       \
		if (!(condition))                                                                  \
			fuzz_fail(#condition, __VA_ARGS__);                                        \
	} while (0)

/* Say what is wrong and abort. */
void fuzz_fail(const char *condition, const char *fmt, ...)
	__attribute__((format(printf, 2, 3), noreturn));

#endif /* FUZZ_FUZZ_H */
