#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# 32-bit applications: libmem compiled for them, and headers made for them, run on the 64-bit kernel.
. "$(dirname "$0")/harness.sh"

BUILD=$(readlink -f "$BUILD")
# what is in asm/ is the same for both, where the headers are installed for one only
compiler="gcc -idirafter /usr/include/$(gcc -print-multiarch)"
narrow="$compiler -m32"

application_shares_memory()
{
	local name

	echo '#include <stdio.h>' > "$scratch/probe.c"
	$narrow -c "$scratch/probe.c" -o "$scratch/probe.o" && $narrow -shared "$scratch/probe.o" -o "$scratch/probe.so" ||
		skip "gcc can't make 32-bit programs here (gcc-multilib)"
	# for what it does, and what gcc says to it, not for how fast it is
	"$MAKE" --no-print-directory -s BUILD="$scratch/m32" CFLAGS="-O1 -m32" CC="$compiler" "$scratch/m32/libmem.a"
	for name in accessors grow rings; do
		"$BUILD/memgen" skeleton "$BUILD/selftests/$name.bpf.o" --pointers=32 --accessors \
			-o "$scratch/$name.skel.h"
	done
	$narrow -std=gnu11 -O1 -Wall -Wextra -Werror -Iinclude -I"$scratch" selftests/narrow/app.c \
		"$scratch/m32/libmem.a" -o "$scratch/app"
	"$BUILD/selftests/can_bpf" > /dev/null || return 0
	[ "$("$scratch/app")" = ok ]
}

check application_shares_memory application_shares_memory
finish
