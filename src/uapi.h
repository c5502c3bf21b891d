/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Numbers of the kernel interface that are younger than the linux/bpf.h libmem may be built with
 * (Linux 6.1), and of the BPF target. They are fixed for ever; names differ from the kernel's so that
 * they don't clash with those of a newer header.
 */
#ifndef LIBMEM_UAPI_H
#define LIBMEM_UAPI_H

#include <linux/bpf.h>

#define MEM_EM_BPF 247

/* enum bpf_map_type */
#define MEM_BPF_MAP_TYPE_CGRP_STORAGE 32 /* Linux 6.2 */
#define MEM_BPF_MAP_TYPE_ARENA        33 /* Linux 6.9 */
#define MEM_BPF_MAP_TYPE_INSN_ARRAY   34 /* Linux 6.19 */

/* map_flags */
#define MEM_BPF_F_LINK (1U << 13) /* Linux 6.4: what a struct_ops map implements is attached by a link */

/* map_flags, prog_flags and btf_flags */
#define MEM_BPF_F_TOKEN_FD (1U << 16) /* Linux 6.9 */

/* enum bpf_cmd */
#define MEM_BPF_TOKEN_CREATE 36 /* Linux 6.9 */

/* enum bpf_prog_type */
#define MEM_BPF_PROG_TYPE_NETFILTER 32 /* Linux 6.4 */

/* enum bpf_attach_type */
#define MEM_BPF_STRUCT_OPS              44 /* Linux 6.4 */
#define MEM_BPF_NETFILTER               45 /* Linux 6.4 */
#define MEM_BPF_TCX_INGRESS             46 /* Linux 6.6 */
#define MEM_BPF_TCX_EGRESS              47 /* Linux 6.6 */
#define MEM_BPF_TRACE_UPROBE_MULTI      48 /* Linux 6.6 */
#define MEM_BPF_CGROUP_UNIX_CONNECT     49 /* Linux 6.7 */
#define MEM_BPF_CGROUP_UNIX_SENDMSG     50 /* Linux 6.7 */
#define MEM_BPF_CGROUP_UNIX_RECVMSG     51 /* Linux 6.7 */
#define MEM_BPF_CGROUP_UNIX_GETPEERNAME 52 /* Linux 6.7 */
#define MEM_BPF_CGROUP_UNIX_GETSOCKNAME 53 /* Linux 6.7 */
#define MEM_BPF_NETKIT_PRIMARY          54 /* Linux 6.7 */
#define MEM_BPF_NETKIT_PEER             55 /* Linux 6.7 */
#define MEM_BPF_TRACE_KPROBE_SESSION    56 /* Linux 6.10 */
#define MEM_BPF_TRACE_UPROBE_SESSION    57 /* Linux 6.13 */
#define MEM_BPF_TRACE_FSESSION          58 /* Linux 7.0 */
#define MEM_BPF_TRACE_FENTRY_MULTI      59 /* Linux 7.2 */
#define MEM_BPF_TRACE_FEXIT_MULTI       60 /* Linux 7.2 */
#define MEM_BPF_TRACE_FSESSION_MULTI    61 /* Linux 7.2 */

/* struct bpf_insn.code */
#define MEM_OP_LD_IMM64 0x18 /* takes two instructions; the second one's code is 0 */
#define MEM_OP_CALL     0x85

/* ELF relocations of the BPF target, in code */
#define MEM_R_BPF_64_64 1  /* the 64-bit constant of a ld_imm64 */
#define MEM_R_BPF_64_32 10 /* a call */

#endif /* LIBMEM_UAPI_H */
