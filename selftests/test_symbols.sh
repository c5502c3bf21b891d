#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# What the libraries export is what their version scripts say, which is what their headers declare;
# and the layers are apart: libmem needs libc alone, memgen makes no system calls of libmem's.
. "$(dirname "$0")/harness.sh"

# The public names in a version script.
in_map()
{
	sed -n '/LIBMEM_PRIVATE/,$d; s/^\t\t\(mem_[a-z0-9_]*\);$/\1/p' "$1" | sort
}

# The functions that a header declares, without those it includes.
in_header()
{
	$CC -std=gnu11 -Iinclude -fsyntax-only -aux-info "$scratch/prototypes" -x c "include/mem/$1"
	# /* include/mem/mem.h:12:NC */ extern int mem_function (...);
	sed -n "s|^/\* include/mem/$1:[0-9]*:[A-Z]* \*/ extern [^(]*[ *]\(mem_[a-z0-9_]*\) (.*|\1|p" \
		"$scratch/prototypes" | sort -u
}

# The public names that a library exports: one that is default for its version ("@@").
in_library()
{
	nm -D --defined-only --with-symbol-versions "$1" |
		sed -n 's/^[0-9a-f]* [TDB] \(mem_[a-z0-9][a-z0-9_]*\)@@.*/\1/p' | sort
}

same()
{
	[ -s "$scratch/$1" ] || { echo "no name in $1" && return 1; }
	diff -u --label "$1" --label "$2" "$scratch/$1" "$scratch/$2"
}

libmem_exports_its_map()
{
	in_map libmem.map > "$scratch/map"
	in_library "$BUILD/libmem.so.$SOVERSION" > "$scratch/library"
	same map library
}

libmem_parts_exports_its_map()
{
	in_map libmem-parts.map > "$scratch/map"
	in_library "$BUILD/libmem-parts.so.$SOVERSION" > "$scratch/library"
	same map library
}

# Of both libraries, which are one to who links them.
libmem_headers_declare_its_maps()
{
	{ in_map libmem.map && in_map libmem-parts.map; } | sort > "$scratch/map"
	{
		for header in include/mem/*.h; do
			case ${header##*/} in
			bpf.h | elf.h) ;; # for programs; of the other library
			*) in_header "${header##*/}" ;;
			esac
		done
	} | sort -u > "$scratch/headers"
	same map headers
}

libmem_elf_exports_its_map()
{
	in_map libmem-elf.map > "$scratch/map"
	in_library "$BUILD/libmem-elf.so.$SOVERSION" > "$scratch/library"
	same map library
}

libmem_elf_header_declares_its_map()
{
	in_map libmem-elf.map > "$scratch/map"
	in_header elf.h > "$scratch/header"
	same map header
}

# Whatever else is exported is marked as private.
only_private_names_besides()
{
	nm -D --defined-only --with-symbol-versions "$BUILD/libmem.so.$SOVERSION" \
		"$BUILD/libmem-parts.so.$SOVERSION" "$BUILD/libmem-elf.so.$SOVERSION" > "$scratch/all"
	grep -E ' [TDBRW] ' "$scratch/all" | grep -vE ' mem_[a-z0-9]|mem__[a-z_]*@@LIBMEM_PRIVATE$' \
		> "$scratch/others" || true
	cat "$scratch/others"
	[ ! -s "$scratch/others" ]
}

# The loader ld-linux is a part of libc; whatever has thread-local variables needs it.
needed()
{
	readelf -d "$1" | sed -n 's/.*(NEEDED).*\[\(.*\)\]$/\1/p' | grep -v '^ld-linux' | sort | tr '\n' ' '
}

libmem_needs_libc_alone()
{
	needed "$BUILD/libmem.so.$SOVERSION"
	[ "$(needed "$BUILD/libmem.so.$SOVERSION")" = "libc.so.6 " ]
}

libmem_parts_needs_libmem()
{
	needed "$BUILD/libmem-parts.so.$SOVERSION"
	[ "$(needed "$BUILD/libmem-parts.so.$SOVERSION")" = "libc.so.6 libmem.so.$SOVERSION " ]
}

# What libmem.so takes from the parts it gets when they are loaded: that they are absent is not to be found out
# by a weak symbol, which is looked up once.
libmem_leaves_nothing_open()
{
	nm -D "$BUILD/libmem.so.$SOVERSION" | grep -E ' [wvU] mem_' > "$scratch/open" || true
	cat "$scratch/open"
	[ ! -s "$scratch/open" ]
}

# A library that was linked with libmem.a and lacks a part is not to find that of another in the same process: but
# for what the shared libraries take from each other.
static_parts_are_a_programs_own()
{
	printf '%s\n' mem__arena_holds mem__arena_reserve > "$scratch/shared"
	readelf -sW "$BUILD/libmem.a" |
		awk '$5 == "WEAK" && $6 == "DEFAULT" && $7 == "UND" && $8 ~ /^mem__/ { print $8 }' | sort -u > "$scratch/weak"
	same weak shared
}

# Each of the private functions that libmem.so exports has a user in another library.
libmem_exports_what_is_used()
{
	nm -D --defined-only "$BUILD/libmem.so.$SOVERSION" | sed -n 's/.* \(mem__[a-z_]*\)@@.*/\1/p' | sort > "$scratch/exported"
	nm -D --undefined-only "$BUILD/libmem-parts.so.$SOVERSION" "$BUILD/libmem-elf.so.$SOVERSION" |
		sed -n 's/.* [Uw] \(mem__[a-z_]*\)@.*/\1/p' | sort -u > "$scratch/used"
	same exported used
}

libmem_elf_needs_its_readers()
{
	needed "$BUILD/libmem-elf.so.$SOVERSION"
	[ "$(needed "$BUILD/libmem-elf.so.$SOVERSION")" = "libbpf.so.1 libc.so.6 libelf.so.1 libmem-parts.so.$SOVERSION libmem.so.$SOVERSION " ]
}

# Who includes a header of one part without having use for it, as libmem itself, is not to need that part for it:
# without optimization all functions are there that are not inline.
headers_alone_use_nothing()
{
	local header

	for header in mem task ringbuf schema migrate; do
		echo "#include <mem/$header.h>" > "$scratch/header.c"
		"$CC" -O0 -Iinclude -c "$scratch/header.c" -o "$scratch/header.o"
		if nm -u "$scratch/header.o" | grep mem_; then
			echo "by mem/$header.h"
			return 1
		fi
	done
}

memgen_has_no_system_call_code()
{
	nm "$BUILD/memgen" | awk '{ print $NF }' | sed 's/@.*//' > "$scratch/names"
	# what libmem's system-call layer defines, and what such a layer would use
	nm --defined-only "$BUILD/src/sys.o" | awk '$2 == "T" { print $3 }' > "$scratch/layer"
	printf '%s\n' syscall mmap munmap mprotect ioctl perf_event_open >> "$scratch/layer"
	[ "$(wc -l < "$scratch/layer")" -gt 7 ] || { echo "src/sys.o defines nothing" && return 1; }
	if grep -Fx -f "$scratch/layer" "$scratch/names"; then
		return 1
	fi
}

for test in libmem_exports_its_map libmem_parts_exports_its_map libmem_headers_declare_its_maps \
	libmem_elf_exports_its_map libmem_elf_header_declares_its_map only_private_names_besides \
	libmem_needs_libc_alone libmem_parts_needs_libmem libmem_leaves_nothing_open libmem_exports_what_is_used \
	static_parts_are_a_programs_own \
	libmem_elf_needs_its_readers headers_alone_use_nothing memgen_has_no_system_call_code; do
	check $test $test
done
finish
