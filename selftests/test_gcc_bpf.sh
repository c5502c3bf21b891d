#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# What gcc compiles for BPF, with the places of static variables, types and offsets as gcc writes them.
. "$(dirname "$0")/harness.sh"

object=$scratch/globals.bpf.o

compile_object()
{
	[ ! -e "$object" ] || return 0
	command -v bpf-gcc > /dev/null || skip "there is no bpf-gcc (package gcc-bpf)"
	bpf-gcc -gbtf -O2 -Wall -Werror -idirafter /usr/include -idirafter "/usr/include/$("$CC" -print-multiarch)" \
		-c selftests/gcc_bpf/globals.bpf.c -o "$object"
	"$BUILD/memgen" skeleton "$object" -o "$scratch/globals.skel.h"
}

# A kernel that refuses the types would go on without them, and without their names in bpftool.
kernel_takes_the_types()
{
	compile_object
	"$BUILD/selftests/can_bpf" || skip "this machine refuses bpf(2)"
	cat > "$scratch/types.c" <<-END
		#include <mem/elf.h>
		#include <mem/mem.h>
		#include <stdio.h>
		int main(int argc, char **argv)
		{
			struct mem_object *obj = mem_object_open_file(argv[argc - 1], NULL);
			mem_log_set(MEM_LOG_WARN, NULL, NULL);
			if (!obj || mem_object_load(obj))
				return !puts(mem_error_message());
			mem_object_close(obj);
			return 0;
		}
	END
	# shellcheck disable=SC2046 # a word for each option
	"$CC" -Iinclude "$scratch/types.c" "$BUILD/libmem-elf.a" "$BUILD/libmem.a" \
		$("$PKG_CONFIG" --libs libbpf libelf) -o "$scratch/types"
	"$scratch/types" "$object" 2>&1 | tee "$scratch/log"
	[ ! -s "$scratch/log" ]
}

variables_are_where_they_are()
{
	compile_object
	"$CC" -Wall -Wextra -Werror -Iinclude -I"$scratch" selftests/gcc_bpf/app.c "$BUILD/libmem.a" -o "$scratch/app"
	"$BUILD/selftests/can_bpf" || skip "this machine refuses bpf(2)"
	[ "$("$scratch/app" | tee /dev/stderr)" = ok ]
}

for test in kernel_takes_the_types variables_are_where_they_are; do
	check $test $test
done
finish
