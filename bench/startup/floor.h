/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The bare system calls that bring an object into the kernel, with everything that they are given as
 * constants: bench/startup/record.c writes a table of them, bench/startup/floor.c makes them.
 */
#ifndef BENCH_STARTUP_FLOOR_H
#define BENCH_STARTUP_FLOOR_H

#include <stdint.h>

enum floor_op {
	FLOOR_BPF,      /**< bpf(number, attr) */
	FLOOR_MAP,      /**< mmap of slot, size bytes with protection number; at an arena's address */
	FLOOR_FILL,     /**< data of size bytes to offset in the mapping of slot */
	FLOOR_TOUCH,    /**< the byte at offset in the mapping of slot is written to: its page is there */
	FLOOR_PERF,     /**< perf_event_open of attr, process -1, CPU number, flags offset */
	FLOOR_IOCTL     /**< ioctl(slot, number, argument) */
};

/** A descriptor among the words of attr. */
struct floor_fd {
	uint16_t offset; /**< bytes into attr; 0 in all but the first: none (nothing has one at 0 and a second) */
	uint16_t slot;
};

struct floor_call {
	enum floor_op op;
	int phase;       /**< 1 load, 2 attach */
	int makes;       /**< the slot that gets the descriptor it returns, or -1 */
	int slot;        /**< what it acts on */
	int argument;    /**< of an ioctl: the slot whose descriptor is passed, or -1 for offset as it is */
	uint64_t number;
	uint64_t size;   /**< bytes: of attr, of a mapping, of data */
	uint64_t offset; /**< or the address of an arena */
	const void *data;
	int fd_count;
	struct floor_fd fds[6];
	uint64_t attr[20];
};

/** Descriptors, by slot. Instructions name maps by slot: it is what programs are given as fd_array. */
extern int floor_fds[];
extern struct floor_call floor_calls[];
extern const int floor_call_count, floor_slot_count;

#endif /* BENCH_STARTUP_FLOOR_H */
