/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Types that the source names though no shared memory reaches them: MEM_EXPORT() and MEM_RECORD()
 * of mem/bpf.h. Both make a pointer in the section .mem_export, which nobody loads; what counts is
 * its type, and for a buffer's record its name.
 */
#ifndef MEMGEN_EXPORTS_H
#define MEMGEN_EXPORTS_H

#include "types.h"

struct skeleton;

/* What a ring buffer or perf buffer carries. */
struct buffer_record {
	uint32_t map;  /* maps row */
	uint32_t type; /* BTF id */
	uint32_t size; /* bytes, from exports_measure(); 0: not a type for records */
};

/*
 * Each export's type, and the name of the buffer that it is a record of, or NULL; without an IR. btf
 * may be NULL.
 */
void exports_list(const struct btf *btf, void (*found)(void *context, uint32_t type, const char *buffer),
		  void *context);

/* Reach all of them, and note the records. 0 or -errno with a message. */
int exports_reach(struct skeleton *skeleton);
void exports_measure(struct skeleton *skeleton);

/* What the header includes for buffers, and their functions. */
void exports_emit_include(struct writer *w, const struct skeleton *skeleton);
void exports_emit(struct writer *w, const struct skeleton *skeleton);

#endif /* MEMGEN_EXPORTS_H */
