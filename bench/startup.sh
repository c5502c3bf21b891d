#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# startup.sh RUN FOLDER: from nothing to programs in the kernel, and back. `floor` makes the calls that libmem
# makes, from constants. Columns: CPU time (us), user and system time (us each, of a run that repeats it
# all), system calls, page faults, the most memory the process had (KiB), and us to close everything.
# ATTACH_ROUNDS=10 for attaching that is measured as often as the rest: closing takes the kernel seconds.
set -eu

run=$1
tools=$2
rm -f "$tools/held" "$tools/holding"
trap 'rm -f "$tools/held" "$tools/holding"' EXIT

# bench TITLE OBJECT OPTION...
bench()
{
	title=$1 object=$2
	shift 2
	"$run" -t -c cpu,user,system,bpf,calls,faults,peak,close "$@" startup "$title" \
		floor="$tools/${object}_floor" \
		"libmem skeleton=$tools/${object}_libmem" \
		"libmem, object file=$tools/elf $tools/$object.bpf.o" \
		"libbpf skeleton=$tools/${object}_libbpf" \
		"light skeleton=$tools/${object}_light"
}

bench "open + load: variables only" globals -m load -n 60 -r 300
bench "open + load: arena and a kernel function" arena -m load -n 60 -r 100
bench "open + load: 16 CO-RE relocations" core -m load -n 60 -r 60
bench "open + load: 16 CO-RE relocations, first use of the types" core -m load -n 8 -p "$tools/forget_libmem"
bench "open + load: 50 programs, 20 maps" many -m load -n 15 -r 10
bench "open + load: 256 MiB of zeroes" zeroes -m load -n 6 -r 2
"$run" -n 30 -s 15 -m total -b - -c open,prepare,load,close phases "libmem's skeletons" \
	globals="$tools/globals_phases" arena="$tools/arena_phases" core="$tools/core_phases" \
	many="$tools/many_phases" zeroes="$tools/zeroes_phases"

# Closing a tracepoint makes the kernel wait for all CPUs, a tenth of a second for each that nobody else has
# open: here somebody has, which halves it. All attach with the same calls from an object file.
mkfifo "$tools/held" "$tools/holding"
BENCH_HOLD=1 "$tools/hundred_floor" < "$tools/holding" > "$tools/held" &
exec 9> "$tools/holding"
read -r _ < "$tools/held"
"$run" -n "${ATTACH_ROUNDS:-2}" -s 1000 -m attach -t -c cpu,bpf,calls,faults,close startup "attach: 100 tracepoints" \
	floor="$tools/hundred_floor" "libmem skeleton=$tools/hundred_libmem" "libbpf skeleton=$tools/hundred_libbpf" \
	"light skeleton=$tools/hundred_light"
exec 9>&-
wait
# Where libraries come to lie, and so how many of their pages are mapped at once, differs by 200 KiB from run to run.
"$run" -m peak -u KiB -b empty -n 101 memory "peak" \
	empty="$tools/empty" floor="$tools/globals_floor" \
	"libmem skeleton=$tools/globals_libmem" \
	"libmem, object file=$tools/elf $tools/globals.bpf.o" \
	"libbpf skeleton=$tools/globals_libbpf" \
	"light skeleton=$tools/globals_light"
