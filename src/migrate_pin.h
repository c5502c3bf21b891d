/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A map takes another one's place at its pin, by rename(2): there is always one or the other. Killed before
 * that, a process leaves the old map where it was, and nothing of the new one but, perhaps, a pin with the name
 * "PATH~next", which the next one replaces.
 *
 * A lock on the folder, which the kernel releases if its holder is killed, keeps those who do so at one path
 * apart: the first does it, and the others find the result.
 */
#ifndef LIBMEM_MIGRATE_PIN_H
#define LIBMEM_MIGRATE_PIN_H

/* The folder of a pin, locked; closing it unlocks. -errno with a message. */
int migrate_pin_lock(const char *path, const char *who);

/* fd's pin in the place of what is at path, with the mode and owner of that. 0 or -errno with a message. */
int migrate_pin_put(int fd, const char *path, const char *who);

#endif /* LIBMEM_MIGRATE_PIN_H */
