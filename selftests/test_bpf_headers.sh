#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# What BPF programs include compiles alone, in any order, for old instruction sets, and beside a
# vmlinux.h of the running kernel that has prototypes of kfuncs.
. "$(dirname "$0")/harness.sh"

flags=(--target=bpf -O2 -g -Wall -Wextra -Werror -Wconversion -Wshadow -Wcast-qual -Wsign-conversion
	-Iinclude "-I$scratch")

# Those that are for both sides or for BPF alone.
headers()
{
	grep -lE '__bpf__|<mem/(arena|lock|heap|depot|alloc|hash_[a-z]+)\.h>' include/mem/*.h |
		xargs grep -L 'is for applications' | sed 's|include/||' | grep -v '_app\.h$'
}

compile()
{
	"$CLANG_BPF" "${flags[@]}" "$@" -o "$scratch/out.o" "$scratch/program.bpf.c"
}

# Functions that nobody calls become no instructions: there is nothing to see behind the compiler's front.
each_header_compiles_alone()
{
	local header cpu count=0

	for header in $(headers); do
		printf '#include <mem/bpf.h>\n#include <%s>\n' "$header" > "$scratch/program.bpf.c"
		for cpu in v3 v4; do
			compile -fsyntax-only "-mcpu=$cpu" -D__TARGET_ARCH_x86 || return 1
			compile -fsyntax-only "-mcpu=$cpu" || return 1 # fences of its own
		done
		count=$((count + 1))
	done
	[ "$count" -ge 12 ]
}

# Where the CPU keeps no order a fence is an instruction that does, at each level: one without a result would not.
fences_order()
{
	local level

	printf '%s\n' '#include <mem/bpf.h>' '#include <mem/atomic.h>' 'unsigned long long a, b;' \
		'int last(void) { b = mem_load_acquire(&a); mem_store_release(&a, b); return 0; }' \
		> "$scratch/program.bpf.c"
	for level in -O1 -O2 -Os; do
		"$CLANG_BPF" "${flags[@]}" "$level" -mcpu=v3 -D__TARGET_ARCH_arm64 -S -o "$scratch/out.s" \
			"$scratch/program.bpf.c"
		[ "$(grep -c '= xchg_64(' "$scratch/out.s")" = 2 ]
		! grep -q 'lock \*' "$scratch/out.s" || return 1
	done
}

vmlinux()
{
	[ -r /sys/kernel/btf/vmlinux ] || skip "this kernel has no BTF"
	command -v bpftool > /dev/null || PATH=$PATH:/usr/sbin
	bpftool btf dump file /sys/kernel/btf/vmlinux format c > "$scratch/vmlinux.h"
	grep -q bpf_arena_alloc_pages "$scratch/vmlinux.h" && return
	# bpftool before 7.5 leaves kfuncs out; this is what later ones print
	cat >> "$scratch/vmlinux.h" <<-'END'
		extern void __attribute__((address_space(1))) *bpf_arena_alloc_pages(void *p__map,
			void __attribute__((address_space(1))) *addr__ign, u32 page_cnt, int node_id, u64 flags)
			__attribute__((weak, section(".ksyms")));
		extern void bpf_arena_free_pages(void *p__map, void __attribute__((address_space(1))) *ptr__ign,
			u32 page_cnt) __attribute__((weak, section(".ksyms")));
		extern int bpf_arena_reserve_pages(void *p__map, void *ptr__ign, u32 page_cnt)
			__attribute__((weak, section(".ksyms")));
	END
}

# Uses ours and the kernel's declaration of the same kfunc.
program()
{
	cat <<-'END'
		MEM_HASH(numbers, unsigned long long, unsigned long long)
		MEM_ARENA(arena, 100);
		MEM_ARENA_VAR struct mem_heap heap;
		MEM_ARENA_VAR struct mem_hash table;
		MEM_ARENA_VAR struct mem_list list;
		SEC("syscall") int work(void *ctx)
		{
			__u64 key = (__u64)ctx, value = 2;
			if (mem_heap_extend(arena, &heap, 4))
				return 1;
			if (!bpf_arena_alloc_pages(&arena, NULL, 1, -1, 0))
				return 2;
			return numbers_set(&heap, &table, &key, &value, MEM_HASH_ANY) +
			       (mem_list_shift(&heap, &list) != NULL);
		}
		char LICENSE[] SEC("license") = "GPL";
	END
}

all_headers_go_with_a_vmlinux_header()
{
	local cpu

	vmlinux
	for cpu in v3 v4; do
		{
			echo '#include "vmlinux.h"'
			echo '#include <mem/bpf.h>'
			headers | sed 's/.*/#include <&>/'
			program
		} > "$scratch/program.bpf.c"
		compile -c "-mcpu=$cpu" -D__TARGET_ARCH_x86
		{
			echo '#include "vmlinux.h"'
			echo '#include <bpf/bpf_helpers.h>'
			headers | sort -r | sed 's/.*/#include <&>/'
			echo '#include <bpf/bpf_core_read.h>'
			program
		} > "$scratch/program.bpf.c"
		compile -c "-mcpu=$cpu" -D__TARGET_ARCH_x86
	done
}

check each_header_compiles_alone each_header_compiles_alone
check fences_order fences_order
check all_headers_go_with_a_vmlinux_header all_headers_go_with_a_vmlinux_header
finish
