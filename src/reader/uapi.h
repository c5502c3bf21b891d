/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Numbers of the kernel interface that are younger than the linux/bpf.h libmem may be built with
 * (Linux 6.1). They are fixed for ever; names differ from the kernel's so that they don't clash with
 * those of a newer header.
 */
#ifndef READER_UAPI_H
#define READER_UAPI_H

#include <linux/bpf.h>

#define MEM_EM_BPF 247

/* enum bpf_map_type */
#define MEM_BPF_MAP_TYPE_ARENA 33

/* enum bpf_prog_type */
#define MEM_BPF_PROG_TYPE_NETFILTER 32

/* enum bpf_attach_type */
#define MEM_BPF_STRUCT_OPS		44
#define MEM_BPF_NETFILTER		45
#define MEM_BPF_TCX_INGRESS		46
#define MEM_BPF_TCX_EGRESS		47
#define MEM_BPF_TRACE_UPROBE_MULTI	48
#define MEM_BPF_CGROUP_UNIX_CONNECT	49
#define MEM_BPF_CGROUP_UNIX_SENDMSG	50
#define MEM_BPF_CGROUP_UNIX_RECVMSG	51
#define MEM_BPF_CGROUP_UNIX_GETPEERNAME 52
#define MEM_BPF_CGROUP_UNIX_GETSOCKNAME 53
#define MEM_BPF_NETKIT_PRIMARY		54
#define MEM_BPF_NETKIT_PEER		55
#define MEM_BPF_TRACE_KPROBE_SESSION	56
#define MEM_BPF_TRACE_UPROBE_SESSION	57
#define MEM_BPF_TRACE_FSESSION		58
#define MEM_BPF_TRACE_FENTRY_MULTI	59
#define MEM_BPF_TRACE_FEXIT_MULTI	60
#define MEM_BPF_TRACE_FSESSION_MULTI	61

/* struct bpf_insn.code */
#define MEM_OP_LD_IMM64 0x18 /* takes two instructions; the second one's code is 0 */
#define MEM_OP_CALL	0x85

/* ELF relocations of the BPF target */
#define MEM_R_BPF_64_64	      1	 /* the 64-bit constant of a ld_imm64 */
#define MEM_R_BPF_64_ABS64    2	 /* 8 bytes of data */
#define MEM_R_BPF_64_ABS32    3	 /* 4 bytes of data */
#define MEM_R_BPF_64_NODYLD32 4	 /* 4 bytes of .BTF or .BTF.ext */
#define MEM_R_BPF_64_32	      10 /* a call */

#endif /* READER_UAPI_H */
