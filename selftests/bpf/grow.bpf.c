/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/* Sections that end in an array, whose length the application chooses before loading. */
#include <mem/bpf.h>

struct pair {
	__u32 left, right;
};

const volatile __u32 length = 1; /* elements of each array, which the verifier knows */

/* sections of their own, and those that everything else goes to */
struct pair pairs_header SEC(".data.pairs") = { 7, 8 };
struct pair pairs[2] SEC(".data.pairs") = { { 1, 2 }, { 3, 4 } };
__u64 counts[1] SEC(".bss.counts");
const volatile __u16 weights[1] SEC(".rodata.weights") = { 5 };

__u64 sum SEC(".bss.sum");
__u64 totals[1];
int initial = 3;
int more[1] = { 4 };

/* Use every element of each. */
SEC("syscall")
int use_all(void *ctx)
{
	for (__u32 i = 0; i < length && i < 4096; i++) {
		struct pair *pair = &pairs[0];
		__u64 *count = &counts[0], *total = &totals[0];
		const volatile __u16 *weight = &weights[0];
		int *one = &more[0];

		/* compilers take what is declared for what there is */
		asm volatile("" : "+r"(pair), "+r"(count), "+r"(total), "+r"(weight), "+r"(one));
		pair[i].right += pair[i].left;
		count[i] = i + weight[i];
		total[i] += one[i];
		sum += pair[i].right;
	}
	return 0;
}

char LICENSE[] SEC("license") = "GPL";
