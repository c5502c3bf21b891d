/* SPDX-License-Identifier: BSD-2-Clause */
/* Networks that only the running test sees. */
#ifndef SELFTESTS_NETS_H
#define SELFTESTS_NETS_H

/* A network namespace of the test's own, with a loopback that is up. Returns the loopback's index. */
int nets_own(void);

/* Set a device up, with an IPv4 address unless that is NULL. */
void nets_set_up(const char *name, const char *address);

/* UDP packets to port 9 of an address. */
void nets_send_to(const char *address, int count);

/* The same over the loopback, where nobody listens: they leave, and a socket is looked for. */
void nets_send(int count);

/* Connect sockets[0] to sockets[1] by TCP over the loopback. */
void nets_connect(int sockets[2]);

/*
 * Make a pair of netkit devices: the primary one is called name, the other is the kernel's next "nk0".
 * 0, or -errno of a kernel that can't.
 */
int nets_netkit(const char *name);

/*
 * Congestion controls have names that are the machine's, in whatever network: one test at a time, be it of this
 * suite, another, or another run. The result is to be closed.
 */
int nets_take_turn(void);

#endif /* SELFTESTS_NETS_H */
