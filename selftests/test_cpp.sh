#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# What there is for C++ alone, compiled and run: of generated headers, and exceptions.
. "$(dirname "$0")/harness.sh"

# compile_and_run SOURCE COMPILER OPTION...
compile_and_run()
{
	local source=$1 sanitize=

	shift
	echo "$*"
	# the pointers that are never freed would not be noticed otherwise
	[ "$1" != "$CXX" ] || sanitize=-fsanitize=address,undefined
	"$@" -O1 -g -Wall -Wextra -Werror -pedantic $sanitize -Iinclude -I"$BUILD/selftests" \
		"selftests/cpp/$source" "$BUILD/libmem.a" -o "$scratch/app"
	"$BUILD/selftests/can_bpf" > /dev/null || return 0
	[ "$("$scratch/app")" = ok ]
}

unique_owns()
{
	compile_and_run unique.cc "$CXX" -std=c++17
	compile_and_run unique.cc "clang++${CLANG_BPF#clang}" -std=c++17
	compile_and_run unique.cc "$CXX" -std=c++20
}

exceptions_pass_through()
{
	compile_and_run throws.cc "$CXX" -std=c++17
	compile_and_run throws.cc "clang++${CLANG_BPF#clang}" -std=c++17
}

check unique_owns unique_owns
check exceptions_pass_through exceptions_pass_through
finish
