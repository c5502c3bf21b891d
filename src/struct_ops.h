/* SPDX-License-Identifier: BSD-2-Clause */
/* Implementations of kernel interfaces (tcp_congestion_ops, sched_ext_ops ...) by programs. */
#ifndef LIBMEM_STRUCT_OPS_H
#define LIBMEM_STRUCT_OPS_H

#include "object.h"

/* A program that the kernel is to call through a member of its struct. */
struct callback {
	struct mem_prog *prog;
	uint32_t offset; /* bytes into the map's value */
};

/* What a struct_ops map is in the running kernel. */
struct struct_ops {
	uint32_t value_type;  /* BTF id of struct bpf_struct_ops_NAME */
	uint32_t value_size;  /* bytes */
	char *value;          /* what the map will hold, laid out as the kernel has it */
	struct callback *callbacks;
	uint32_t callback_count;
};

/* At open: let the variable's members point to the object's programs. */
void struct_ops_point(struct mem_map *map) PART;

/*
 * At prepare: lay out every struct_ops map of the object as the running kernel has it, and tell the
 * programs what they implement. 0, or -errno with a message.
 */
int struct_ops_prepare(struct mem_object *obj) PART;

void struct_ops_free(struct mem_map *map) PART;

/* Write the value of a map of a loaded object, with its programs in it. 0, or -errno with a message. */
int struct_ops_fill(const struct mem_map *map);

/* Undo what writing the value of a map without links did. */
void struct_ops_unregister(int map_fd) PART;

/* mem_map_attach_struct_ops() */
struct mem_link *struct_ops_attach(const struct mem_map *map) PART;

#endif /* LIBMEM_STRUCT_OPS_H */
