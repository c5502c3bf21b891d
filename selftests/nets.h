/* SPDX-License-Identifier: BSD-2-Clause */
/* Networks that only the running test sees. */
#ifndef SELFTESTS_NETS_H
#define SELFTESTS_NETS_H

/* A network namespace of the test's own, with a loopback that is up. Returns the loopback's index. */
int nets_own(void);

/* UDP packets over the loopback to a port where nobody listens: they leave, and a socket is looked for. */
void nets_send(int count);

/* Make a pair of netkit devices in the test's own namespace, up and with the address 10.9.9.1. Returns the
 * primary one's index, or -errno of a kernel that can't. */
int nets_netkit(void);

/* UDP packets through the pair. */
void nets_send_netkit(int count);

/* Connect sockets[0] to sockets[1] by TCP over the loopback. */
void nets_connect(int sockets[2]);

#endif /* SELFTESTS_NETS_H */
