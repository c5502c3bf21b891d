/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/* Structs in structs, more than the 32 levels that the kernel follows in a BTF. */
#include <mem/bpf.h>

struct deep0 {
	int value;
};
#define DEEPER(level, inner)                                                                       \
	struct deep##level {                                                                       \
		struct deep##inner in;                                                             \
	};
#define TEN_DEEPER(tens, before)                                                                   \
	DEEPER(tens##0, before) DEEPER(tens##1, tens##0) DEEPER(tens##2, tens##1)                  \
	DEEPER(tens##3, tens##2) DEEPER(tens##4, tens##3) DEEPER(tens##5, tens##4)                 \
	DEEPER(tens##6, tens##5) DEEPER(tens##7, tens##6) DEEPER(tens##8, tens##7)                 \
	DEEPER(tens##9, tens##8)
TEN_DEEPER(1, 0)
TEN_DEEPER(2, 19)
TEN_DEEPER(3, 29)
TEN_DEEPER(4, 39)

struct deep49 deep;

SEC("raw_tp/sys_enter")
int on_enter(void *ctx)
{
	*(int *)&deep = 1;
	return 0;
}

char LICENSE[] SEC("license") = "GPL";
