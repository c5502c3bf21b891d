/* SPDX-License-Identifier: BSD-2-Clause */
/* An exception leaves a function that libmem calls, by way of libmem; says "ok". test_cpp.sh builds it. */
#include <cstdio>
#include <unistd.h>

#include <mem/ringbuf.h>

#include "rings.skel.h"

static int take(void *, const void *, size_t size)
{
	throw size;
}

/* Bytes of the record that the exception was about, 0 if there was none. */
static size_t consume(struct mem_ringbuf *ring)
{
	try {
		mem_ringbuf_consume(ring, 0);
	} catch (size_t size) {
		return size;
	}
	return 0;
}

int main()
{
	struct rings *skel = rings__open();
	struct mem_ringbuf *ring = nullptr;

	if (skel) {
		skel->rodata->own_pid = (unsigned int)getpid();
		mem_prog_autoload_set(skel->progs.produce, true);
		if (!rings__load(skel) && !mem_prog_run(skel->progs.produce, nullptr))
			ring = mem_ringbuf_new(skel->maps.out, take, nullptr);
	}
	if (!ring) {
		fprintf(stderr, "%s\n", mem_error_message());
		return 1;
	}
	puts(consume(ring) == sizeof(struct record) ? "ok" : "no exception");
	mem_ringbuf_free(ring);
	rings__destroy(skel);
	return 0;
}
