#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# size.sh RUN FOLDER OBJECT...: how large the same tool is with each library, all stripped. "+ libraries": with
# every library that it needs, other than the C library.
set -eu

run=$1 tools=$2
shift 2
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT

# size FILE...: bytes of all, stripped
size()
{
	for file; do
		strip -o "$scratch/stripped" "$file"
		stat -c %s "$scratch/stripped"
	done | awk '{ sum += $1 } END { print sum + 0 }'
}

# What a program loads at run time, and all programs don't.
libraries()
{
	ldd "$1" | sed -n 's/.* => \(\/[^ ]*\) .*/\1/p' | grep -vE '/(libc|ld-linux[^/]*)[.]so' || true
}

# A light skeleton that can't be is a script.
is_program()
{
	[ "$(head -c 2 "$1")" != '#!' ]
}

# entry NAME FILE FUNCTION: an argument for run in $entries, which is a file of lines
entry()
{
	if is_program "$2"; then
		echo "$1=$($3 "$2")" >> "$scratch/entries"
	fi
}

with_libraries()
{
	# shellcheck disable=SC2046 # one word for each library
	size "$1" $(libraries "$1")
}

# table TITLE SUFFIX FUNCTION OBJECT
table()
{
	{
		echo "empty program=$($3 "$tools/empty$2")"
	} > "$scratch/entries"
	entry libmem "$tools/$4_libmem$2" "$3"
	entry libbpf "$tools/$4_libbpf$2" "$3"
	entry "light skeleton" "$tools/$4_light$2" "$3"
	tr '\n' '\0' < "$scratch/entries" | xargs -0 "$run" -v -u bytes -m size size "$1"
}

for object; do
	table "$object, dynamic: the program" '' size "$object"
	table "$object, dynamic: + libraries" '' with_libraries "$object"
	table "$object, static" _static size "$object"
done
for library in $(libraries "$tools/globals_libmem") "$tools"/../../libmem-parts.so.[0-9]* \
	$(libraries "$tools/globals_libbpf"); do
	echo "$(basename "$library")=$(size "$library")"
done | sort -u | tr '\n' '\0' | xargs -0 "$run" -v -u bytes -m size -b libmem.so.0 size "the libraries"
