/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/* A USDT probe's arguments, read with libbpf's header. */
#include <stdbool.h>
#include <mem/bpf.h>

#ifdef __TARGET_ARCH_arm64
struct pt_regs;
struct user_pt_regs {
	__u64 regs[31], sp, pc, pstate;
};
#else
struct pt_regs {
	unsigned long r15, r14, r13, r12, rbp, rbx, r11, r10, r9, r8, rax, rcx, rdx, rsi, rdi;
	unsigned long orig_rax, rip, cs, eflags, rsp, ss;
};
#endif

#include <bpf/usdt.bpf.h>

__u64 hits, cookie;
long args[3];
int count;

SEC("usdt")
int on_probe(struct pt_regs *ctx)
{
	long value = 0;

	__sync_fetch_and_add(&hits, 1);
	count = bpf_usdt_arg_cnt(ctx);
	cookie = bpf_usdt_cookie(ctx);
	bpf_usdt_arg(ctx, 0, &value);
	args[0] = value;
	bpf_usdt_arg(ctx, 1, &value);
	args[1] = value;
	bpf_usdt_arg(ctx, 2, &value);
	args[2] = value;
	return 0;
}

char LICENSE[] SEC("license") = "GPL";
