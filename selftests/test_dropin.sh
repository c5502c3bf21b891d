#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# One application, two generators: what was written for bpftool's skeleton runs with memgen's.
. "$(dirname "$0")/harness.sh"

BUILD=$(readlink -f "$BUILD")
dropin=selftests/dropin
flags='-O1 -Wall -Wextra -Werror -Wno-missing-field-initializers'

command -v bpftool > /dev/null || PATH=$PATH:/usr/sbin

compile_object()
{
	"$CLANG_BPF" -g -O2 -Wall -Werror --target=bpf -mcpu=v3 -I$dropin \
		-idirafter "/usr/include/$("$CC" -print-multiarch)" -c "$1" -o "$2"
}

# The command lines of both compilers, in both languages.
compilers()
{
	local version=${CLANG_BPF#clang}

	echo "$CC -std=gnu11 -x c"
	echo "$CLANG_BPF -std=gnu11 -x c"
	echo "$CXX -std=gnu++17 -x c++"
	echo "clang++$version -std=gnu++17 -x c++"
}

run_application()
{
	"$BUILD/selftests/can_bpf" > /dev/null || return 0
	[ "$("$1")" = ok ]
}

# with_libmem OPTION...: the application against memgen's header
with_libmem()
{
	local compiler

	compilers > "$scratch/compilers"
	while read -r compiler; do
		echo "$compiler $*"
		# shellcheck disable=SC2086
		$compiler $flags "$@" -I"$scratch/memgen" -I$dropin -Iinclude \
			-include $dropin/libbpf_names.h -c $dropin/app.c -o "$scratch/app.o"
		"$CXX" "$scratch/app.o" "$BUILD/libmem.a" -o "$scratch/app"
		run_application "$scratch/app" || return
	done < "$scratch/compilers"
}

setup_header()
{
	mkdir -p "$scratch/memgen" "$scratch/bpftool"
	compile_object $dropin/calls.bpf.c "$scratch/calls.bpf.o"
	"$BUILD/memgen" skeleton "$scratch/calls.bpf.o" -n calls_bpf "$@" \
		-o "$scratch/memgen/calls.skel.h"
}

# The application has the structs from its own header, as every application for bpftool's has.
memgen_shared_header()
{
	setup_header --types=none
	with_libmem
}

# ... or from the skeleton, and then it needs no header.
memgen_own_types()
{
	setup_header
	with_libmem -DOWN_TYPES
}

bpftool_same_source()
{
	local compiler

	command -v bpftool > /dev/null || skip "bpftool is not installed"
	setup_header
	bpftool gen skeleton "$scratch/calls.bpf.o" > "$scratch/bpftool/calls.skel.h"
	compilers > "$scratch/compilers"
	while read -r compiler; do
		echo "$compiler"
		# shellcheck disable=SC2046,SC2086
		$compiler $flags -Wno-unused-parameter -Wno-sign-compare -I"$scratch/bpftool" -I$dropin \
			$("$PKG_CONFIG" --cflags libbpf) -c $dropin/app.c -o "$scratch/app.o"
		# shellcheck disable=SC2046
		"$CXX" "$scratch/app.o" $("$PKG_CONFIG" --libs libbpf) -o "$scratch/app"
		run_application "$scratch/app" || return
	done < "$scratch/compilers"
}

# Everything that bpftool's header declares, under the name it has there.
same_functions()
{
	command -v bpftool > /dev/null || skip "bpftool is not installed"
	setup_header
	bpftool gen skeleton "$scratch/calls.bpf.o" | grep -oE '\bcalls_bpf__[a-z_]+\(' | sort -u |
		grep -vE '__(create_skeleton|elf_bytes|assert|type_asserts)\(' > "$scratch/wanted"
	[ "$(wc -l < "$scratch/wanted")" -ge 7 ]
	while read -r name; do
		grep -qF "$name" "$scratch/memgen/calls.skel.h" || { echo "no $name"; return 1; }
	done < "$scratch/wanted"
}

# What the table of docs/from-bpftool.md sends people to.
table_names_what_there_is()
{
	grep -oE '\bmem_[a-z_]+\(' docs/from-bpftool.md | sort -u > "$scratch/named"
	[ "$(wc -l < "$scratch/named")" -ge 40 ]
	while read -r name; do
		grep -rqwF "${name%(}" include/mem || { echo "no $name"; return 1; }
	done < "$scratch/named"
}

check table_names_what_there_is table_names_what_there_is
check memgen_shared_header memgen_shared_header
check memgen_own_types memgen_own_types
check bpftool_same_source bpftool_same_source
check same_functions same_functions
finish
