/* SPDX-License-Identifier: BSD-2-Clause */
#include <string.h>

#include <mem/elf.h>

#include "fuzz/fuzz.h"
#include "fuzz/same_image.h"

void fuzz_reader(const uint8_t *data, size_t size)
{
	static const struct mem_read_opts opts = {.sz = sizeof(opts), .name = "fuzz"};
	struct mem_image *image, *again;

	mem_image_is_valid(NULL); /* sets a message to tell a new one from */
	image = mem_image_read(data, size, &opts);
	if (!image) {
		FUZZ_REQUIRE(!strncmp(mem_error_message(), "fuzz", 4), "%s", mem_error_message());
		return;
	}
	FUZZ_REQUIRE(mem_image_is_valid(image), "%s", mem_error_message());
	again = mem_image_read(data, size, &opts);
	FUZZ_REQUIRE(again, "%s", mem_error_message());
	FUZZ_REQUIRE(same_image(image, again), "two readings differ");
	mem_image_free(image);
	mem_image_free(again);
}
