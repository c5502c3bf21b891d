# SPDX-License-Identifier: BSD-2-Clause
# awk -v n=100 -f source.awk: a BPF program with n structs, n variables of them and n programs that use them.
# With -v types=1 the structs alone, for an application.
BEGIN {
	print types ? "#include <linux/types.h>" : "#include <mem/bpf.h>"
	for (i = 0; i < n; i++) {
		printf "struct sample_%d { __u64 count_%d; __u32 pid, cpu; char name[16]; ", i, i
		printf "struct { __u64 low, high; } range; __u32 histogram[%d]; };\n", 4 + i % 13
		if (types)
			continue
		printf "struct sample_%d samples_%d[2]; __u64 limit_%d = %d;\n", i, i, i, i + 1
		printf "SEC(\"raw_tp/sys_enter\") int on_event_%d(void *ctx)\n{\n", i
		printf "\t__u64 now = bpf_ktime_get_ns();\n\tstruct sample_%d *s = &samples_%d[now & 1];\n\n", i, i
		printf "\tif (s->count_%d++ > limit_%d)\n\t\treturn 0;\n", i, i
		printf "\ts->pid = bpf_get_current_pid_tgid() >> 32;\n\ts->cpu = bpf_get_smp_processor_id();\n"
		printf "\tbpf_get_current_comm(s->name, sizeof(s->name));\n"
		printf "\tif (now < s->range.low)\n\t\ts->range.low = now;\n"
		printf "\tif (now > s->range.high)\n\t\ts->range.high = now;\n"
		printf "\ts->histogram[now & 3]++;\n\treturn 0;\n}\n"
	}
	if (!types)
		print "char LICENSE[] SEC(\"license\") = \"GPL\";"
}
