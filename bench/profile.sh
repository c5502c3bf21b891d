#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# profile.sh RUN FOLDER OBJECT...: whose time it is from open to close, by sampling tools that do it over and
# over: percent of the samples in the kernel, in libmem and elsewhere. Needs perf(1).
set -eu

run=$1 tools=$2
shift 2
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
command -v perf > /dev/null || { echo "bench/profile.sh: perf is not installed" >&2; exit 1; }

# share OBJECT: lines "NAME=PERCENT"
share()
{
	# a second or so of whichever object
	repeat=1000
	case $1 in many) repeat=100 ;; zeroes) repeat=6 ;; esac
	BENCH_FD=1 BENCH_REPEAT=$repeat perf record -q -F 4000 -e cpu-clock -o "$scratch/data" \
		"$tools/$1_libmem" > /dev/null 2>&1
	perf report -i "$scratch/data" --sort dso --stdio 2> /dev/null |
		awk '/^ +[0-9.]+%/ {
			share = $1 + 0
			if ($2 ~ /kernel/) kernel += share
			else if ($2 ~ /^libmem/) ours += share
			else rest += share
		}
		END { printf "kernel=%.1f\nlibmem=%.1f\nC library and program=%.1f\n", kernel, ours, rest }'
}

for object; do
	share "$object" | tr '\n' '\0' |
		xargs -0 "$run" -v -b - -m share -u percent profile "$object: open to close, where the time is"
done
