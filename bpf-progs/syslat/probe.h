/* SPDX-License-Identifier: BSD-2-Clause */
/* The application's end of the memory that syslat.bpf.c shares. The only file that uses libmem. */
#ifndef SYSLAT_PROBE_H
#define SYSLAT_PROBE_H

#include "options.h"
#include "sample.h"

struct probe;

/*
 * Load and attach the programs. From here to probe_close() there is no bpf(2) call: all that
 * follows are loads and stores. Returns NULL with a message on stderr.
 */
struct probe *probe_open(const struct options *options);

/*
 * Take over the records of processes that have ended, and free their slots. To be called a few
 * times a second: a table that is full of the dead has no room for the living. 0 or -ENOMEM.
 */
int probe_reap(struct probe *probe);

/* Everything since the start; `seconds` is the caller's to set. 0 or -ENOMEM. */
int probe_read(struct probe *probe, struct sample *sample);

/* Stop measuring calls, or go on. */
void probe_pause(struct probe *probe, bool pause);

/* Detach. NULL does nothing. */
void probe_close(struct probe *probe);

#endif /* SYSLAT_PROBE_H */
