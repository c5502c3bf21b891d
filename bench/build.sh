#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# build.sh RUN MEMGEN BPFTOOL FOLDER CC LIBBPF-CFLAGS OBJECT...: what a source file that includes the generated
# header takes to compile, and how large that makes it. bpftool's header needs the types of the program's
# variables defined by somebody else: FOLDER has a file with them where there are any.
set -eu

run=$1 memgen=$2 bpftool=$3 folder=$4 cc=$5 cflags=$6
shift 6
mkdir -p "$folder"
export CCACHE_DISABLE=1

# source_of FILE NAME HEADER: a program that does what a skeleton is for
source_of()
{
	cat > "$1" <<-END
		#include "$3"

		int main(void)
		{
			struct $2 *skel = $2__open_and_load();

			if (!skel || $2__attach(skel))
				return 1;
			$2__destroy(skel);
			return 0;
		}
	END
}

# code FILE: bytes of code and data in an object file
code()
{
	size "$1" | awk 'NR == 2 { print $1 + $2 }'
}

for object; do
	name=$(basename "$object" .bpf.o)
	"$bpftool" gen skeleton "$object" name "$name" > "$folder/$name.libbpf.h"
	"$memgen" skeleton "$object" -o "$folder/$name.skel.h"
	touch "$folder/$name.types.h"
	source_of "$folder/${name}_libbpf.c" "$name" "$name.libbpf.h"
	sed -i "1i #include \"$name.types.h\"" "$folder/${name}_libbpf.c"
	source_of "$folder/${name}_libmem.c" "$name" "$name.skel.h"
	libbpf="$cc -O2 $cflags -c $folder/${name}_libbpf.c -o $folder/${name}_libbpf.o"
	libmem="$cc -O2 -Iinclude -c $folder/${name}_libmem.c -o $folder/${name}_libmem.o"
	"$run" -n 12 -s 10 -b bpftool -c maxrss build "compile with the header of $name" \
		"bpftool=$libbpf" "memgen=$libmem"
	"$run" -v -m size -u bytes -b bpftool build "code and data of that, $name" \
		"bpftool=$(code "$folder/${name}_libbpf.o")" "memgen=$(code "$folder/${name}_libmem.o")"
done
