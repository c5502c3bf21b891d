/* SPDX-License-Identifier: BSD-2-Clause */
/**
 * @file
 * @brief libmem for applications: load a BPF object and share its memory.
 *
 * An object passes through these phases, each of which may be left at any time by
 * mem_object_close():
 *
 *     open      memory of every region at its final address, to be given initial values
 *     prepare   maps exist and are mapped
 *     load      programs are in the kernel
 *     attach    programs run
 *
 * A generated header wraps the phases as NAME__open() .. NAME__destroy() and is the usual way in.
 *
 * Functions that return int return 0 or a positive result, or a negative errno. Functions that
 * return a pointer return NULL and set errno. Either way mem_error_message() then says what failed,
 * where, why, and what to do.
 *
 * An object is used by one thread at a time. The memory of its regions is ordinary shared memory:
 * any thread may use it at any time, with the care that any concurrent access needs.
 */
#ifndef MEM_MEM_H
#define MEM_MEM_H

#include <mem/object.h>

#include <mem/attach.h>
#include <mem/share.h>
#include <mem/skeleton.h>
#include <mem/task_app.h>

#endif /* MEM_MEM_H */
