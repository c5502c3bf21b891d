/* SPDX-License-Identifier: BSD-2-Clause */
/* What memgen does with an object, up to the text: the header, the report, the drawing. */
#include <bpf/btf.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <mem/elf.h>

#include "describe.h"
#include "error.h"
#include "fuzz/fuzz.h"
#include "image.h"
#include "json.h"
#include "object_file.h"
#include "reader/pool.h"
#include "reader/whole_btf.h"
#include "../../gen/skeleton.h" /* there is another one in src/ */
#include "writer.h"

unsigned int fuzz_compile_every = 4096;

enum { TEXT_MAX = 4 << 20 }; /* bytes; types that hold each other twice explode */

/* The same header is compiled, or not compiled, each time. */
static int is_sampled(const char *text, size_t len)
{
	uint32_t hash = 2166136261U;

	for (size_t i = 0; i < len; i++)
		hash = (hash ^ (unsigned char)text[i]) * 16777619U;
	return hash / 7 % fuzz_compile_every == 0;
}

static void compile(const struct writer *w)
{
	char path[] = "/tmp/libmem-fuzz-XXXXXX.h", command[512];
	int fd = mkstemps(path, 2), status;

	FUZZ_REQUIRE(fd >= 0 && write(fd, w->text, w->len) == (ssize_t)w->len, "can't write %s", path);
	close(fd);
	for (int cxx = 0; cxx < 2; cxx++) {
		snprintf(command, sizeof(command), "%s -fsyntax-only -Wall -Wextra -Werror -I%s/include %s",
			 cxx ? "c++ -std=c++17 -x c++" : "cc -std=c11 -x c",
			 getenv("LIBMEM_SOURCE") ?: ".", path);
		status = system(command);
		FUZZ_REQUIRE(status == 0, "the header does not compile, see %s: %s", path, command);
	}
	unlink(path);
}

/* Functions for variables as well, and 32-bit applications: one input in two each. */
static void generate(const struct image_view *view, const struct btf *btf, size_t size)
{
	const struct type_policy policy = {.prefix = "", .name = "fuzz", .narrow = size % 4 > 1};
	struct writer w = WRITER_INIT, types = WRITER_INIT;
	struct pool pool = {0};
	struct skeleton skeleton;

	if (!skeleton_init(&skeleton, view, btf, &pool, &policy, "fuzz.bpf.o")) {
		w.limit = TEXT_MAX;
		skeleton.accessors = size % 2;
		skeleton_emit(&w, &skeleton);
		if (!w.error && !policy.narrow && is_sampled(w.text, w.len))
			compile(&w);
		types.limit = TEXT_MAX;
		skeleton_emit_types(&types, &skeleton);
		if (!types.error && !policy.narrow && is_sampled(types.text, types.len))
			compile(&types);
	} else {
		FUZZ_REQUIRE(*mem_error_message(), "no message");
	}
	writer_free(&types);
	writer_free(&w);
	pool_free(&pool);
}

/* What people read must not do anything to their terminals. */
static void check_text(const struct writer *w)
{
	for (size_t i = 0; i < w->len; i++) {
		unsigned char c = (unsigned char)w->text[i];

		FUZZ_REQUIRE(c == '\n' || c == '\t' || (c >= ' ' && c < 0x7f), "byte %#x at %zu", c, i);
	}
}

static void describe(const struct mem_image *image, const struct image_view *view, struct btf *btf)
{
	struct object_file object = {.path = "fuzz.bpf.o", .image = (struct mem_image *)image,
				     .view = *view, .btf = btf};
	struct writer text = WRITER_INIT, json = WRITER_INIT, drawing = WRITER_INIT;

	FUZZ_REQUIRE(!inspect_object(&text, &object, false), "no text");
	check_text(&text);
	FUZZ_REQUIRE(!inspect_object(&json, &object, true), "no JSON");
	writer_bytes(&json, "", 1);
	FUZZ_REQUIRE(json.error || !json_error(json.text), "no JSON at: %.40s", json_error(json.text));
	if (!layout_object(&drawing, &object) && !drawing.error)
		check_text(&drawing);
	writer_free(&text);
	writer_free(&json);
	writer_free(&drawing);
	pool_free(&object.pool);
}

void fuzz_memgen(const uint8_t *data, size_t size)
{
	static const struct mem_read_opts opts = {.sz = sizeof(opts), .name = "fuzz"};
	struct mem_image *image = mem_image_read(data, size, &opts);
	struct image_view view;
	struct btf *btf = NULL;
	const void *whole;
	uint32_t whole_size;

	if (!image)
		return;
	FUZZ_REQUIRE(!image_widen(image, &view), "%s", mem_error_message());
	whole = image_whole_btf(image, &whole_size);
	if (whole_size)
		btf = btf__new(whole, whole_size);
	if (btf || !view.btf_size) {
		generate(&view, btf, size);
		describe(image, &view, btf);
	}
	btf__free(btf);
	image_view_free(&view);
	mem_image_free(image);
}
