#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# generate.sh RUN MEMGEN BPFTOOL FOLDER OBJECT...: from an object file to a header, whole processes: time,
# memory, and how large the header is.
set -eu

run=$1 memgen=$2 bpftool=$3 folder=$4
shift 4

for object; do
	name=$(basename "$object" .bpf.o)
	title="$name, $(($(stat -c %s "$object") / 1000)) KB"
	rounds=40
	[ "$(stat -c %s "$object")" -lt 5000000 ] || rounds=6
	"$run" -n $rounds -b bpftool -c user,system,maxrss generate "$title" \
		"bpftool=$bpftool gen skeleton $object name $name" \
		"memgen=$memgen skeleton $object --name=$name"
	"$bpftool" gen skeleton "$object" name "$name" > "$folder/bpftool.h"
	"$memgen" skeleton "$object" --name="$name" > "$folder/memgen.h"
	"$run" -v -m size -u bytes -b bpftool generate "$title: the header" \
		"bpftool=$(stat -c %s "$folder/bpftool.h")" "memgen=$(stat -c %s "$folder/memgen.h")"
done
rm -f "$folder/bpftool.h" "$folder/memgen.h"
