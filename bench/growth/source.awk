# SPDX-License-Identifier: BSD-2-Clause
# awk -v what=programs -v n=20 -f source.awk: a BPF program that has n of something, and little else. what is
# programs, maps, relocations, zeroes (KiB of variables that are 0) or contents (KiB that are not).
function begin_program(name)
{
	printf "SEC(\"raw_tp/sys_enter\")\nint %s(void *ctx)\n{\n", name
	printf "\t__u32 pid = bpf_get_current_pid_tgid() >> 32;\n"
}

function end_program()
{
	print "\tseen += pid;\n\treturn 0;\n}\n"
}

BEGIN {
	print "#include <mem/bpf.h>\n#include <bpf/bpf_core_read.h>\n"
	print "__u64 seen;"
	print "struct task_struct { int pid; } __attribute__((preserve_access_index));"
	if (what == "zeroes")
		printf "unsigned char table[%d];\n", n * 1024
	if (what == "contents")
		printf "unsigned char table[%d] = {[0 ... %d] = 7};\n", n * 1024, n * 1024 - 1
	for (i = 0; what == "maps" && i < n; i++) {
		printf "struct { __uint(type, BPF_MAP_TYPE_HASH); __uint(max_entries, 16); "
		printf "__type(key, __u32); __type(value, __u64); } map_%d SEC(\".maps\");\n", i
	}
	for (i = 0; what == "programs" && i < n; i++) {
		begin_program("on_enter_" i)
		end_program()
	}
	if (what == "programs")
		n = 0
	else
		begin_program("on_enter")
	if (what == "zeroes" || what == "contents")
		print "\tseen += table[pid & 1023];"
	for (i = 0; what == "maps" && i < n && i < 50; i++)
		printf "\tbpf_map_delete_elem(&map_%d, &pid);\n", i
	if (what == "relocations")
		print "\tstruct task_struct *task = (void *)bpf_get_current_task();"
	for (i = 0; what == "relocations" && i < n; i++)
		print "\tseen += BPF_CORE_READ(task, pid);"
	if (what != "programs")
		end_program()
	print "char LICENSE[] SEC(\"license\") = \"GPL\";"
}
