#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# valgrind.sh JOBS OBJECT...: memgen under $VALGRIND, with all objects, and, JOBS at a time, with the first of them
# cut off at many places.
set -euo pipefail

jobs=$1
shift
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
size=$(stat -c %s "$1")
for part in {0..15}; do
	head -c $((size * part / 16)) "$1" > "$work/cut$part.o"
done

# expect EXIT-CODE OUTPUT OBJECT...: what is not the exit code of an error of memgen's is one of valgrind's.
expect()
{
	local status=0 log

	log=$work/$(basename "$3").log
	# shellcheck disable=SC2086 # a command and its options
	$VALGRIND "$MEMGEN" skeleton "${@:3}" -o "$2" > "$log" 2>&1 || status=$?
	[ $status != "$1" ] || return 0
	echo "${*:3}: exit code $status"
	cat "$log"
	return 1
}
export -f expect
export work
# in one process: to get one to its main() takes valgrind forty times as long as an object
mkdir "$work/headers"
expect 0 "$work/headers/" "$@"
printf '%s\0' "$work"/cut*.o | xargs -0 -P "$jobs" -I '{}' bash -c 'expect 1 {}.h {}'
echo "  ok      valgrind: memgen, with $# objects, and one cut off at 16 places"
