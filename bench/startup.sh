#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
#
# Time from nothing to loaded programs, in fresh processes that take turns, and the bpf(2) calls it
# takes. What is printed are ratios to the first tool of the list: machines differ, and so do hours.
#
#   bench/startup.sh ROUNDS NAME=TOOL...       each TOOL prints its nanoseconds
set -eu

rounds=$1
shift
results=$(mktemp -d)
trap 'rm -rf "$results"' EXIT

for _ in $(seq "$rounds"); do
  for entry; do
    "${entry#*=}" >> "$results/${entry%%=*}"
  done
done

# What the file's lines are at a fraction of their sorted list.
quantile()
{
  sort -n "$1" | awk -v at="$2" '{ v[NR] = $1 } END { i = int((NR - 1) * at) + 1; print v[i] }'
}

printf '%-20s %12s %12s %10s %8s\n' 'open + load' 'median us' 'min us' 'ratio' 'bpf()'
base=$(quantile "$results/${1%%=*}" 0.5)
for entry; do
  file=$results/${entry%%=*}
  calls=$(strace -f -e trace=bpf -o /dev/stdout "${entry#*=}" | grep -c '^[0-9 ]*bpf(' || true)
  echo "$(quantile "$file" 0.5) $(quantile "$file" 0) $base $calls" |
    awk -v name="${entry%%=*}" \
      '{ printf "%-20s %12.1f %12.1f %10.3f %8d\n", name, $1 / 1000, $2 / 1000, $1 / $3, $4 }'
done
