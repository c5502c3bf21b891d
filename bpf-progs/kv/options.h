/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef KV_OPTIONS_H
#define KV_OPTIONS_H

#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define MAX_INTERFACES 8

struct options {
	const char *interface[MAX_INTERFACES]; /* that the program is attached to */
	unsigned int interfaces;
	struct in_addr address; /* to listen on; INADDR_ANY: all */
	uint16_t port;		/* UDP and TCP, host byte order */
	size_t memory;		/* bytes of the arena */
	size_t items;		/* that the table is made for */
	bool generic;		/* attach above the driver, not in it */
	bool verbose;
};

/* Reads the command line; ends the program with a message if there is something wrong with it. */
void options_parse(struct options *options, int argc, char **argv);

#endif /* KV_OPTIONS_H */
