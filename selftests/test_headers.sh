#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# What applications include compiles without a warning, however many are asked for: each header alone, all of
# them in either order, as C and as C++.
. "$(dirname "$0")/harness.sh"

warnings=(-Wall -Wextra -Wpedantic -Wconversion -Wshadow -Wcast-qual -Wcast-align -Wsign-conversion -Werror)

headers()
{
	(cd include && grep -L 'is for BPF programs' mem/*.h)
}

# Macros that define functions do so in the includer's file.
tables()
{
	cat <<-'END'
		struct three { unsigned int a, b, c; };
		struct pair { unsigned long long a, b; };
		MEM_HASH(numbers, unsigned long long, unsigned long long)
		MEM_HASH(narrow, struct three, struct three)
		MEM_HASH(pairs, unsigned long long, struct pair)
	END
}

each_header_compiles_alone()
{
	local header files=()

	for header in $(headers); do
		files+=("$scratch/$(basename "$header" .h).c")
		printf '#include <%s>\nint nothing;\n' "$header" > "${files[-1]}"
	done
	[ "${#files[@]}" -ge 25 ]
	"$CC" -std=c11 "${warnings[@]}" -Iinclude -fsyntax-only "${files[@]}"
}

# COMPILER OPTION...
all_compile()
{
	echo "$*"
	"$@" "${warnings[@]}" -Iinclude -fsyntax-only "$scratch/forwards$suffix"
	"$@" "${warnings[@]}" -Iinclude -fsyntax-only "$scratch/backwards$suffix"
}

all_headers_go_together()
{
	local clang=${CLANG_BPF#clang} suffix

	for suffix in .c .cc; do
		(headers | sed 's/.*/#include <&>/'; tables) > "$scratch/forwards$suffix"
		(headers | sort -r | sed 's/.*/#include <&>/'; tables) > "$scratch/backwards$suffix"
	done
	suffix=.c
	all_compile "$CC" -std=c17
	all_compile "$CC" -std=gnu17
	all_compile "clang$clang" -std=c11
	suffix=.cc
	all_compile "$CXX" -std=c++20
	all_compile "clang++$clang" -std=c++17
}

check each_header_compiles_alone each_header_compiles_alone
check all_headers_go_together all_headers_go_together
finish
