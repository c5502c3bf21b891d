/* SPDX-License-Identifier: BSD-2-Clause */
/* What section names mean: the same as to libbpf, and to newer versions of it. */
#include <bpf/libbpf.h>
#include <mem/elf.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "elf_builder.h"
#include "harness.h"

static struct mem_image *image;

/* The only program of an object that has it in a section of this name. */
static const struct mem_prog_image *prog_in(const char *section)
{
	static const struct bpf_insn code[] = {INSN_MOV(0, 0), INSN_EXIT};
	struct elf_builder *b = elf_builder_new();
	struct elf_bytes file;

	elf_add_func(b, "prog", elf_add_section(b, section, SHF_EXECINSTR, code, sizeof(code)), 0,
		     sizeof(code));
	file = elf_build(b);
	image = assert_ptr(mem_image_read(file.data, file.size, NULL));
	free(file.data);
	ck_assert_msg(mem_image_is_valid(image), "%s", test_message());
	ck_assert_uint_eq(image->progs.count, 1);
	return image->progs.rows;
}

static const char *const names[] = {
	"socket",
	"sk_reuseport/migrate",
	"sk_reuseport",
	"kprobe",
	"kprobe/f",
	"uprobe",
	"uprobe/b:f",
	"uprobe.s/b:f",
	"kretprobe/f",
	"uretprobe/b:f",
	"uretprobe.s",
	"kprobe.multi/f*",
	"kretprobe.multi/f*",
	"ksyscall/read",
	"kretsyscall/read",
	"usdt/b:p:n",
	"tc",
	"classifier",
	"action",
	"tracepoint/c/n",
	"tp/c/n",
	"raw_tracepoint/n",
	"raw_tp/n",
	"raw_tracepoint.w/n",
	"raw_tp.w/n",
	"tp_btf/n",
	"fentry/f",
	"fmod_ret/f",
	"fexit/f",
	"fentry.s/f",
	"fmod_ret.s/f",
	"fexit.s/f",
	"freplace/f",
	"lsm/h",
	"lsm.s/h",
	"lsm_cgroup/h",
	"iter/task",
	"iter.s/task",
	"syscall",
	"xdp.frags/devmap",
	"xdp/devmap",
	"xdp.frags/cpumap",
	"xdp/cpumap",
	"xdp.frags",
	"xdp",
	"perf_event",
	"lwt_in",
	"lwt_out",
	"lwt_xmit",
	"lwt_seg6local",
	"sockops",
	"sk_skb/stream_parser",
	"sk_skb/stream_verdict",
	"sk_skb",
	"sk_msg",
	"lirc_mode2",
	"flow_dissector",
	"cgroup_skb/ingress",
	"cgroup_skb/egress",
	"cgroup/skb",
	"cgroup/sock_create",
	"cgroup/sock_release",
	"cgroup/sock",
	"cgroup/post_bind4",
	"cgroup/post_bind6",
	"cgroup/bind4",
	"cgroup/bind6",
	"cgroup/connect4",
	"cgroup/connect6",
	"cgroup/sendmsg4",
	"cgroup/sendmsg6",
	"cgroup/recvmsg4",
	"cgroup/recvmsg6",
	"cgroup/getpeername4",
	"cgroup/getpeername6",
	"cgroup/getsockname4",
	"cgroup/getsockname6",
	"cgroup/sysctl",
	"cgroup/getsockopt",
	"cgroup/setsockopt",
	"cgroup/dev",
	"struct_ops/f",
	"sk_lookup",
};

TEST(names_mean_what_they_mean_to_libbpf)
{
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		const struct mem_prog_image *prog = prog_in(names[i]);
		enum bpf_attach_type attach;
		enum bpf_prog_type type;

		ck_assert_msg(!libbpf_prog_type_by_name(names[i], &type, &attach),
			      "libbpf does not know %s", names[i]);
		ck_assert_msg(prog->type == type && prog->expected_attach_type == attach,
			      "%s: type %u and attach type %u instead of %u and %u", names[i],
			      prog->type, prog->expected_attach_type, type, attach);
		mem_image_free(image);
	}
}
END_TEST

/* Every name that is younger than libbpf 1.1, with what libbpf 1.8 makes of it. */
static const struct {
	const char *section;
	uint32_t type, attach;
} young[] = {
	{"tc/ingress", BPF_PROG_TYPE_SCHED_CLS, 46},
	{"tc/egress", BPF_PROG_TYPE_SCHED_CLS, 47},
	{"tcx/ingress", BPF_PROG_TYPE_SCHED_CLS, 46},
	{"tcx/egress", BPF_PROG_TYPE_SCHED_CLS, 47},
	{"netkit/primary", BPF_PROG_TYPE_SCHED_CLS, 54},
	{"netkit/peer", BPF_PROG_TYPE_SCHED_CLS, 55},
	{"netfilter", 32, 45},
	{"sk_skb/verdict", BPF_PROG_TYPE_SK_SKB, BPF_SK_SKB_VERDICT},
	{"uprobe.multi/b:f", BPF_PROG_TYPE_KPROBE, 48},
	{"uretprobe.multi/b:f", BPF_PROG_TYPE_KPROBE, 48},
	{"uprobe.multi.s/b:f", BPF_PROG_TYPE_KPROBE, 48},
	{"uretprobe.multi.s/b:f", BPF_PROG_TYPE_KPROBE, 48},
	{"usdt.s/b:p:n", BPF_PROG_TYPE_KPROBE, 0},
	{"kprobe.session/f", BPF_PROG_TYPE_KPROBE, 56},
	{"uprobe.session/b:f", BPF_PROG_TYPE_KPROBE, 57},
	{"uprobe.session.s/b:f", BPF_PROG_TYPE_KPROBE, 57},
	{"fsession/f", BPF_PROG_TYPE_TRACING, 58},
	{"fsession.s/f", BPF_PROG_TYPE_TRACING, 58},
	{"fentry.multi/f*", BPF_PROG_TYPE_TRACING, 59},
	{"fentry.multi.s/f*", BPF_PROG_TYPE_TRACING, 59},
	{"fexit.multi/f*", BPF_PROG_TYPE_TRACING, 60},
	{"fexit.multi.s/f*", BPF_PROG_TYPE_TRACING, 60},
	{"fsession.multi/f*", BPF_PROG_TYPE_TRACING, 61},
	{"fsession.multi.s/f*", BPF_PROG_TYPE_TRACING, 61},
	{"struct_ops.s/f", BPF_PROG_TYPE_STRUCT_OPS, 0},
	{"cgroup/connect_unix", BPF_PROG_TYPE_CGROUP_SOCK_ADDR, 49},
	{"cgroup/sendmsg_unix", BPF_PROG_TYPE_CGROUP_SOCK_ADDR, 50},
	{"cgroup/recvmsg_unix", BPF_PROG_TYPE_CGROUP_SOCK_ADDR, 51},
	{"cgroup/getpeername_unix", BPF_PROG_TYPE_CGROUP_SOCK_ADDR, 52},
	{"cgroup/getsockname_unix", BPF_PROG_TYPE_CGROUP_SOCK_ADDR, 53},
};

TEST(newer_names)
{
	for (size_t i = 0; i < sizeof(young) / sizeof(young[0]); i++) {
		const struct mem_prog_image *prog = prog_in(young[i].section);

		ck_assert_msg(prog->type == young[i].type &&
				      prog->expected_attach_type == young[i].attach,
			      "%s: type %u and attach type %u", young[i].section, prog->type,
			      prog->expected_attach_type);
		mem_image_free(image);
	}
}
END_TEST

/* What the libbpf that runs here says of the names that it knows: any version, in any place. */
TEST(newer_names_mean_the_same_to_a_newer_libbpf)
{
	size_t known = 0;

	libbpf_set_print(NULL);
	for (size_t i = 0; i < sizeof(young) / sizeof(young[0]); i++) {
		enum bpf_attach_type attach;
		enum bpf_prog_type type;

		if (libbpf_prog_type_by_name(young[i].section, &type, &attach))
			continue;
		known++;
		ck_assert_msg(type == young[i].type && attach == young[i].attach,
			      "%s: type %u and attach type %u to libbpf", young[i].section, type, attach);
	}
	if (!known)
		test_skip("libbpf %s knows none of them", libbpf_version_string());
}
END_TEST

/* "?" before any of them changes nothing but whether the program is loaded. */
TEST(question_mark_before_each_name)
{
	char section[64];

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		struct mem_prog_image plain = *prog_in(names[i]);
		const struct mem_prog_image *marked;

		mem_image_free(image);
		snprintf(section, sizeof(section), "?%s", names[i]);
		marked = prog_in(section);
		ck_assert_uint_eq(marked->type, plain.type);
		ck_assert_uint_eq(marked->expected_attach_type, plain.expected_attach_type);
		ck_assert_uint_eq(marked->prog_flags, plain.prog_flags);
		ck_assert_uint_eq(marked->attach_kind, plain.attach_kind);
		ck_assert_uint_eq(marked->flags, plain.flags | MEM_PROG_NO_AUTOLOAD);
		mem_image_free(image);
	}
}
END_TEST

/* Sections with a target, and how such a program is attached. */
TEST(targets)
{
	static const struct {
		const char *section, *target;
		uint32_t attach_kind, target_kind, prog_flags, flags;
	} known[] = {
		{"kprobe/do_unlink+0x4", "do_unlink+0x4", MEM_ATTACH_KPROBE, 0, 0, 0},
		{"kretprobe/do_unlink", "do_unlink", MEM_ATTACH_KPROBE, 0, 0, MEM_PROG_RETURN},
		{"kprobe", NULL, MEM_ATTACH_KPROBE, 0, 0, 0},
		{"kprobe/", NULL, MEM_ATTACH_KPROBE, 0, 0, 0},
		{"uretprobe.s//bin/sh:f", "/bin/sh:f", MEM_ATTACH_UPROBE, 0, 1 << 4,
		 MEM_PROG_RETURN},
		{"kprobe.multi/tcp_*", "tcp_*", MEM_ATTACH_KPROBE_MULTI, 0, 0, 0},
		{"usdt/b:p:n", "b:p:n", MEM_ATTACH_USDT, 0, 0, 0},
		{"tp/sched/sched_switch", "sched/sched_switch", MEM_ATTACH_TRACEPOINT, 0, 0, 0},
		{"?raw_tp/x", "x", MEM_ATTACH_RAW_TRACEPOINT, 0, 0, MEM_PROG_NO_AUTOLOAD},
		{"fentry.s/f", "f", MEM_ATTACH_BTF_TRACE, MEM_TARGET_FUNC, 1 << 4, 0},
		{"tp_btf/x", "x", MEM_ATTACH_BTF_TRACE, MEM_TARGET_TRACEPOINT, 0, 0},
		{"lsm/h", "h", MEM_ATTACH_BTF_TRACE, MEM_TARGET_LSM, 0, 0},
		{"iter/task", "task", MEM_ATTACH_ITER, MEM_TARGET_ITER, 0, 0},
		{"freplace/f", "f", MEM_ATTACH_BTF_TRACE, MEM_TARGET_PROG, 0, 0},
		{"syscall", NULL, MEM_ATTACH_NONE, 0, 1 << 4, 0},
		{"xdp.frags", NULL, MEM_ATTACH_NONE, 0, 1 << 5, 0},
		{"fentry.multi.s/f*", "f*", MEM_ATTACH_TRACE_MULTI, MEM_TARGET_NONE, 1 << 4, 0},
		{"usdt.s/b:p:n", "b:p:n", MEM_ATTACH_USDT, 0, 1 << 4, 0},
		{"fsession.s/f", "f", MEM_ATTACH_BTF_TRACE, MEM_TARGET_FUNC, 1 << 4, 0},
		/* a name nobody knows is for the loader to refuse, when it has to load it */
		{"xdpress", NULL, 0, 0, 0, 0},
		{"xdp/eth0", NULL, 0, 0, 0, 0},
		{"kprobes/f", NULL, 0, 0, 0, 0},
	};

	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
		const struct mem_prog_image *prog = prog_in(known[i].section);

		ck_assert_str_eq(prog->section, known[i].section);
		ck_assert_pstr_eq(prog->target, known[i].target);
		ck_assert_msg(prog->attach_kind == known[i].attach_kind &&
				      prog->target_kind == known[i].target_kind &&
				      prog->prog_flags == known[i].prog_flags &&
				      prog->flags == known[i].flags,
			      "%s: attach kind %u, target kind %u, prog flags %#x, flags %#x",
			      known[i].section, prog->attach_kind, prog->target_kind,
			      prog->prog_flags, prog->flags);
		mem_image_free(image);
	}
}
END_TEST

/* Functions in .text are for others to call. */
TEST(text_has_no_programs)
{
	static const struct bpf_insn code[] = {INSN_MOV(0, 0), INSN_EXIT};
	struct elf_builder *b = elf_builder_new();
	struct elf_bytes file;

	elf_add_func(b, "f", elf_add_section(b, ".text", SHF_EXECINSTR, code, sizeof(code)), 0,
		     sizeof(code));
	file = elf_build(b);
	image = assert_ptr(mem_image_read(file.data, file.size, NULL));
	free(file.data);
	ck_assert_msg(mem_image_is_valid(image), "%s", test_message());
	ck_assert_uint_eq(image->progs.count, 0);
	ck_assert_uint_eq(image->funcs.count, 1);
	mem_image_free(image);
}
END_TEST
