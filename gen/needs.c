/* SPDX-License-Identifier: BSD-2-Clause */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "needs.h"
#include "uapi.h"

#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))
#define ANY	      UINT32_MAX

struct version {
	uint32_t major, minor;
};

struct map_rule {
	uint32_t type;  /* BPF_MAP_TYPE_*, or ANY */
	uint32_t flags; /* those that it takes, 0 for none */
	struct version version;
	const char *feature;
};

static const struct map_rule map_rules[] = {
	{BPF_MAP_TYPE_SK_STORAGE, 0, {5, 2}, "socket storage"},
	{BPF_MAP_TYPE_DEVMAP_HASH, 0, {5, 4}, "devmap hashes"},
	{ANY, BPF_F_MMAPABLE, {5, 5}, "arrays that applications map"},
	{BPF_MAP_TYPE_STRUCT_OPS, 0, {5, 6}, "struct_ops"},
	{BPF_MAP_TYPE_RINGBUF, 0, {5, 8}, "ring buffers"},
	{BPF_MAP_TYPE_INODE_STORAGE, 0, {5, 10}, "inode storage"},
	{BPF_MAP_TYPE_ARRAY, BPF_F_INNER_MAP, {5, 10}, "inner arrays of different sizes"},
	{BPF_MAP_TYPE_TASK_STORAGE, 0, {5, 11}, "task storage"},
	{BPF_MAP_TYPE_BLOOM_FILTER, 0, {5, 16}, "bloom filters"},
	{BPF_MAP_TYPE_USER_RINGBUF, 0, {6, 1}, "user ring buffers"},
	{MEM_BPF_MAP_TYPE_CGRP_STORAGE, 0, {6, 2}, "control group local storage"},
	{BPF_MAP_TYPE_STRUCT_OPS, MEM_BPF_F_LINK, {6, 4}, "links to struct_ops"},
	{MEM_BPF_MAP_TYPE_ARENA, 0, {6, 9}, "arenas"},
	{MEM_BPF_MAP_TYPE_INSN_ARRAY, 0, {6, 19}, "instruction arrays"},
};

struct prog_rule {
	uint32_t type;	 /* BPF_PROG_TYPE_* */
	uint32_t attach; /* expected attach type, or ANY */
	uint32_t flags;	 /* prog_flags that it takes, 0 for none */
	struct version version;
	const char *feature;
};

#define UNIX_SOCKET_RULE(attach)                                                                   \
	{                                                                                          \
		BPF_PROG_TYPE_CGROUP_SOCK_ADDR, attach, 0, {6, 7}, "cgroup hooks of Unix sockets"  \
	}

static const struct prog_rule prog_rules[] = {
	{BPF_PROG_TYPE_CGROUP_SYSCTL, ANY, 0, {5, 2}, "cgroup/sysctl programs"},
	{BPF_PROG_TYPE_RAW_TRACEPOINT_WRITABLE, ANY, 0, {5, 2}, "writable raw tracepoints"},
	{BPF_PROG_TYPE_CGROUP_SOCKOPT, ANY, 0, {5, 3}, "cgroup socket option programs"},
	{BPF_PROG_TYPE_TRACING, BPF_TRACE_RAW_TP, 0, {5, 5}, "tp_btf programs"},
	{BPF_PROG_TYPE_TRACING, BPF_TRACE_FENTRY, 0, {5, 5}, "fentry and fexit programs"},
	{BPF_PROG_TYPE_TRACING, BPF_TRACE_FEXIT, 0, {5, 5}, "fentry and fexit programs"},
	{BPF_PROG_TYPE_EXT, ANY, 0, {5, 6}, "freplace programs"},
	{BPF_PROG_TYPE_STRUCT_OPS, ANY, 0, {5, 6}, "struct_ops"},
	{BPF_PROG_TYPE_TRACING, BPF_MODIFY_RETURN, 0, {5, 7}, "fmod_ret programs"},
	{BPF_PROG_TYPE_LSM, BPF_LSM_MAC, 0, {5, 7}, "LSM programs"},
	{BPF_PROG_TYPE_TRACING, BPF_TRACE_ITER, 0, {5, 8}, "iterators"},
	{BPF_PROG_TYPE_XDP, BPF_XDP_DEVMAP, 0, {5, 8}, "XDP programs of devmaps"},
	{BPF_PROG_TYPE_XDP, BPF_XDP_CPUMAP, 0, {5, 9}, "XDP programs of cpumaps"},
	{BPF_PROG_TYPE_SK_LOOKUP, ANY, 0, {5, 9}, "sk_lookup programs"},
	{BPF_PROG_TYPE_CGROUP_SOCK, BPF_CGROUP_INET_SOCK_RELEASE, 0, {5, 9}, "cgroup/sock_release"},
	{BPF_PROG_TYPE_TRACING, ANY, BPF_F_SLEEPABLE, {5, 10}, "sleepable programs"},
	{BPF_PROG_TYPE_LSM, ANY, BPF_F_SLEEPABLE, {5, 10}, "sleepable programs"},
	{BPF_PROG_TYPE_SK_SKB, BPF_SK_SKB_VERDICT, 0, {5, 13}, "sk_skb/verdict"},
	{BPF_PROG_TYPE_SYSCALL, ANY, 0, {5, 14}, "syscall programs"},
	{BPF_PROG_TYPE_SK_REUSEPORT, BPF_SK_REUSEPORT_SELECT_OR_MIGRATE, 0, {5, 14},
	 "sk_reuseport/migrate"},
	{BPF_PROG_TYPE_TRACING, BPF_TRACE_ITER, BPF_F_SLEEPABLE, {5, 18}, "sleepable iterators"},
	{BPF_PROG_TYPE_KPROBE, BPF_TRACE_KPROBE_MULTI, 0, {5, 18}, "kprobe.multi"},
	{BPF_PROG_TYPE_XDP, ANY, BPF_F_XDP_HAS_FRAGS, {5, 18}, "XDP with frags"},
	{BPF_PROG_TYPE_LSM, BPF_LSM_CGROUP, 0, {6, 0}, "lsm_cgroup programs"},
	{BPF_PROG_TYPE_KPROBE, ANY, BPF_F_SLEEPABLE, {6, 0}, "sleepable uprobes"},
	{MEM_BPF_PROG_TYPE_NETFILTER, ANY, 0, {6, 4}, "netfilter programs"},
	{BPF_PROG_TYPE_SCHED_CLS, MEM_BPF_TCX_INGRESS, 0, {6, 6}, "tcx"},
	{BPF_PROG_TYPE_SCHED_CLS, MEM_BPF_TCX_EGRESS, 0, {6, 6}, "tcx"},
	{BPF_PROG_TYPE_KPROBE, MEM_BPF_TRACE_UPROBE_MULTI, 0, {6, 6}, "uprobe.multi"},
	{BPF_PROG_TYPE_SCHED_CLS, MEM_BPF_NETKIT_PRIMARY, 0, {6, 7}, "netkit"},
	{BPF_PROG_TYPE_SCHED_CLS, MEM_BPF_NETKIT_PEER, 0, {6, 7}, "netkit"},
	UNIX_SOCKET_RULE(MEM_BPF_CGROUP_UNIX_CONNECT),
	UNIX_SOCKET_RULE(MEM_BPF_CGROUP_UNIX_SENDMSG),
	UNIX_SOCKET_RULE(MEM_BPF_CGROUP_UNIX_RECVMSG),
	UNIX_SOCKET_RULE(MEM_BPF_CGROUP_UNIX_GETPEERNAME),
	UNIX_SOCKET_RULE(MEM_BPF_CGROUP_UNIX_GETSOCKNAME),
	{BPF_PROG_TYPE_KPROBE, MEM_BPF_TRACE_KPROBE_SESSION, 0, {6, 10}, "kprobe.session"},
	{BPF_PROG_TYPE_KPROBE, MEM_BPF_TRACE_UPROBE_SESSION, 0, {6, 13}, "uprobe.session"},
	{BPF_PROG_TYPE_TRACING, MEM_BPF_TRACE_FSESSION, 0, {7, 0}, "fsession programs"},
};

/* Helpers are numbered in the order in which kernels got them: the first one of each version. */
static const struct helper_rule {
	int32_t first;
	struct version version;
	const char *feature;
} helper_rules[] = {
	{111, {5, 5}, "helpers of Linux 5.5"},	 {116, {5, 6}, "helpers of Linux 5.6"},
	{119, {5, 7}, "helpers of Linux 5.7"},	 {125, {5, 8}, "helpers of Linux 5.8"},
	{136, {5, 9}, "helpers of Linux 5.9"},	 {142, {5, 10}, "helpers of Linux 5.10"},
	{156, {5, 11}, "helpers of Linux 5.11"}, {163, {5, 12}, "helpers of Linux 5.12"},
	{164, {5, 13}, "helpers of Linux 5.13"}, {166, {5, 14}, "helpers of Linux 5.14"},
	{169, {5, 15}, "helpers of Linux 5.15"}, {176, {5, 16}, "helpers of Linux 5.16"},
	{180, {5, 17}, "helpers of Linux 5.17"}, {186, {5, 18}, "helpers of Linux 5.18"},
	{194, {5, 19}, "helpers of Linux 5.19"}, {204, {6, 0}, "helpers of Linux 6.0"},
	{208, {6, 1}, "helpers of Linux 6.1"},	 {210, {6, 2}, "helpers of Linux 6.2"},
};

/* Kernel functions of libmem's and libbpf's headers; others are looked up by name when loading. */
static const struct kfunc_rule {
	const char *name; /* its beginning */
	struct version version;
} kfunc_rules[] = {
	{"bpf_rcu_read_", {6, 2}},	{"bpf_rdonly_cast", {6, 2}},
	{"bpf_cast_to_kern_ctx", {6, 2}}, {"bpf_obj_new_impl", {6, 2}},
	{"bpf_iter_num_", {6, 4}},	{"bpf_dynptr_slice", {6, 4}},
	{"bpf_iter_task_", {6, 7}},	{"bpf_throw", {6, 7}},
	{"bpf_arena_reserve_pages", {6, 17}}, {"bpf_arena_", {6, 9}},
	{"bpf_preempt_", {6, 10}},	{"bpf_wq_", {6, 10}},
	{"scx_bpf_", {6, 12}},		{"bpf_res_spin_", {6, 15}},
};

static void add(struct needs *needs, struct version version, const char *feature, const char *user)
{
	struct need *rows = needs->rows.data, *need;

	for (uint32_t i = 0; i < needs->rows.count; i++) {
		if (!strcmp(rows[i].feature, feature))
			return;
	}
	need = rows_add(needs->pool, &needs->rows, 1, sizeof(*need));
	if (!need)
		needs->failed = true;
	else
		*need = (struct need){version.major, version.minor, feature, user};
}

static void add_maps(struct needs *needs, const struct image_view *view)
{
	for (uint32_t i = 0; i < view->map_count; i++) {
		const struct mem_map_image *map = &view->maps[i];

		if (map->flags & MEM_MAP_TASK)
			continue; /* the loader picks what the kernel has */
		for (size_t r = 0; r < ARRAY_SIZE(map_rules); r++) {
			const struct map_rule *rule = &map_rules[r];
			bool type = map->type == rule->type;

			/* an arena has the flag of mappable arrays as well */
			if (rule->type == ANY)
				type = map->type == BPF_MAP_TYPE_ARRAY;
			if (type && (map->map_flags & rule->flags) == rule->flags)
				add(needs, rule->version, rule->feature, map->name);
		}
	}
}

static void add_prog(struct needs *needs, const struct mem_prog_image *prog)
{
	for (size_t r = 0; r < ARRAY_SIZE(prog_rules); r++) {
		const struct prog_rule *rule = &prog_rules[r];

		if (prog->type == rule->type &&
		    (rule->attach == ANY || rule->attach == prog->expected_attach_type) &&
		    (prog->prog_flags & rule->flags) == rule->flags)
			add(needs, rule->version, rule->feature, prog->name);
	}
	if (prog->target_kind != MEM_TARGET_NONE && prog->target_kind != MEM_TARGET_PROG &&
	    !needs->kernel_btf)
		needs->kernel_btf = prog->name;
}

static void add_helper(struct needs *needs, int32_t helper, const char *user)
{
	size_t i = ARRAY_SIZE(helper_rules);

	while (i && helper < helper_rules[i - 1].first)
		i--;
	/* numbers beyond the last helper there will ever be are calls the loader fills in */
	if (i && helper < 256)
		add(needs, helper_rules[i - 1].version, helper_rules[i - 1].feature, user);
}

static void add_atomic(struct needs *needs, const struct bpf_insn *insn, const char *user)
{
	if (insn->imm == 0x100 || insn->imm == 0x110)
		add(needs, (struct version){6, 15}, "load-acquire and store-release", user);
	else if (insn->imm)
		add(needs, (struct version){5, 12}, "atomics that return the old value", user);
}

static void add_alu(struct needs *needs, const struct bpf_insn *insn, const char *user)
{
	static const struct version v4 = {6, 6};
	uint8_t op = insn->code & 0xf0;

	if (insn->code == 0xbf && insn->off == 1)
		return; /* a cast of an arena pointer: the arena counts, unless the loader may do without */
	if (op == 0xb0 && insn->off)
		add(needs, v4, "sign-extending moves (-mcpu=v4)", user);
	else if ((op == 0x30 || op == 0x90) && insn->off == 1)
		add(needs, v4, "signed divisions (-mcpu=v4)", user);
	else if (insn->code == 0xd7)
		add(needs, v4, "byte swaps (-mcpu=v4)", user);
}

static void add_insn(struct needs *needs, const struct bpf_insn *insn, const char *user)
{
	switch (insn->code & 7) {
	case BPF_LDX:
		if ((insn->code & 0xe0) == 0x80)
			add(needs, (struct version){6, 6}, "sign-extending loads (-mcpu=v4)", user);
		break;
	case BPF_STX:
		if ((insn->code & 0xe0) == 0xc0)
			add_atomic(needs, insn, user);
		break;
	case BPF_ALU:
	case BPF_ALU64:
		add_alu(needs, insn, user);
		break;
	case BPF_JMP:
		if (insn->code == MEM_OP_CALL && !insn->src_reg)
			add_helper(needs, insn->imm, user);
		else if (insn->code == 0xe5)
			add(needs, (struct version){6, 9}, "loops with may_goto", user);
		else if (insn->code == 0x0d)
			add(needs, (struct version){6, 19}, "indirect jumps", user);
		break;
	case BPF_JMP32:
		if (insn->code == BPF_JMP32)
			add(needs, (struct version){6, 6}, "long jumps (-mcpu=v4)", user);
		break;
	default: /* the others are as old as BPF */
		break;
	}
}

static void add_extern(struct needs *needs, const struct mem_extern_image *ext, const char *user)
{
	bool wanted = !(ext->flags & MEM_EXTERN_WEAK);

	if (ext->kind != MEM_EXTERN_KFUNC && ext->kind != MEM_EXTERN_KSYM)
		return;
	if (wanted && !needs->kernel_btf)
		needs->kernel_btf = user;
	if (wanted && ext->kind == MEM_EXTERN_KSYM)
		add(needs, (struct version){5, 10}, "kernel variables with a type", ext->name);
	if (!wanted || ext->kind != MEM_EXTERN_KFUNC)
		return;
	for (size_t i = 0; i < ARRAY_SIZE(kfunc_rules); i++) {
		const char *name = kfunc_rules[i].name;

		if (!strncmp(ext->name, name, strlen(name))) {
			add(needs, kfunc_rules[i].version, ext->name, user);
			return;
		}
	}
	add(needs, (struct version){5, 13}, "kernel functions", ext->name);
}

static void add_func(struct needs *needs, const struct image_view *view,
		     const struct mem_func_image *func)
{
	for (uint32_t i = 0; i < func->insns.count; i++) {
		struct bpf_insn insn;

		memcpy(&insn, &view->insns[func->insns.first + i], sizeof(insn));
		add_insn(needs, &insn, func->name);
		if (insn.code == MEM_OP_LD_IMM64)
			i++; /* the second half is a number */
	}
	for (uint32_t i = 0; i < func->relocs.count; i++) {
		const struct mem_reloc_image *reloc = &view->relocs[func->relocs.first + i];

		if (reloc->kind == MEM_RELOC_EXTERN)
			add_extern(needs, &view->externs[reloc->target], func->name);
		else if (reloc->kind == MEM_RELOC_REGION &&
			 view->regions[reloc->target].kind == MEM_REGION_PERCPU)
			add(needs, (struct version){7, 3}, "variables of each CPU (.percpu)", func->name);
		else if (reloc->kind == MEM_RELOC_FUNC)
			add(needs, (struct version){5, 13}, "callbacks", func->name);
	}
	if (func->cores.count) {
		add(needs, (struct version){5, 17}, "CO-RE relocation by the kernel", func->name);
		if (!needs->kernel_btf)
			needs->kernel_btf = func->name;
	}
}

static int newest_first(const void *a, const void *b)
{
	const struct need *x = a, *y = b;

	if (x->major != y->major)
		return x->major < y->major ? 1 : -1;
	if (x->minor != y->minor)
		return x->minor < y->minor ? 1 : -1;
	return strcmp(x->feature, y->feature);
}

int needs_find(struct needs *needs, const struct image_view *view, struct pool *pool)
{
	bool *seen = pool_alloc(pool, view->func_count + 1, sizeof(*seen));

	*needs = (struct needs){.pool = pool};
	if (!seen)
		return -ENOMEM;
	add_maps(needs, view);
	for (uint32_t i = 0; i < view->prog_count; i++) {
		const struct mem_prog_image *prog = &view->progs[i];

		if (prog->flags & MEM_PROG_NO_AUTOLOAD)
			continue;
		add_prog(needs, prog);
		for (uint32_t f = 0; f < prog->funcs.count; f++) {
			uint32_t func = view->prog_funcs[prog->funcs.first + f];

			if (!seen[func])
				add_func(needs, view, &view->funcs[func]);
			seen[func] = true;
		}
	}
	if (needs->rows.count)
		qsort(needs->rows.data, needs->rows.count, sizeof(struct need), newest_first);
	return needs->failed ? -ENOMEM : 0;
}
