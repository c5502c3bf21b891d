/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/* Shared by the program and its application, as tools for libbpf have it. */
#ifndef CALLS_H
#define CALLS_H

enum state { STATE_IDLE, STATE_SEEN };

struct limits {
	int calls;
	int more[2];
};

struct event {
	unsigned long long sequence;
	unsigned int number;
	char comm[16];
};

#endif
