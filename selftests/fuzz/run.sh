#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# run.sh BUILD SECONDS SEED OBJECT...: run each fuzz target for its part of the time, from inputs made of
# the objects, on a corpus that is kept in BUILD/corpus. What is found stays in BUILD/found. SEED: where
# chance begins, 0 elsewhere each time.
set -euo pipefail

build=$1 seconds=$2 seed=$3
shift 3
targets=(reader image memgen receive arena damage)
share=$((seconds * 2 / ${#targets[@]})) # two at a time
[ "$share" -gt 0 ] || share=1
seeds=$(mktemp -d)
trap 'rm -rf "$seeds"' EXIT

mkdir -p "$build/found" "$seeds/stripped"
for object; do
	# without DWARF, which libmem does not read
	llvm-objcopy-"${CLANG_BPF##*-}" --strip-debug "$object" "$seeds/stripped/${object##*/}"
done
for target in "${targets[@]}"; do
	mkdir -p "$seeds/$target" "$build/corpus/$target"
done
"$build/make_seeds" "$seeds" "$seeds"/stripped/*

# run_one TARGET: its verdict, as the tests print theirs, is in a file when it has ended.
run_one()
{
	local target=$1 log=$build/$1.log length=65536 reason

	[[ $target != arena && $target != damage ]] || length=2048 # operations, each of some bytes
	if "$build/fuzz_$target" -max_total_time="$share" -max_len=$length -timeout=60 -rss_limit_mb=2048 -seed="$seed" \
		-use_value_profile=1 -print_final_stats=1 -artifact_prefix="$build/found/$target-" \
		"$build/corpus/$target" "$seeds/$target" > "$log" 2>&1; then
		printf 'ok   fuzz.%s (%s inputs in %s s)\n' "$target" \
			"$(sed -n 's/^stat::number_of_executed_units: *//p' "$log")" "$share" > "$seeds/$target.verdict"
	else
		reason=$(grep -m 1 -E '^not true|ERROR: |runtime error|SUMMARY' "$log" || tail -n 1 "$log")
		printf 'FAIL fuzz.%s (%s)\n' "$target" "$reason" > "$seeds/$target.verdict"
	fi
}

# One alone would leave a CPU without work at the end of `make test`.
for target in "${targets[@]}"; do
	[ "$(jobs -rp | wc -l)" -lt 2 ] || wait -n || true
	run_one "$target" &
done
wait
status=0
echo '#suite fuzz'
for target in "${targets[@]}"; do
	verdict=$(cat "$seeds/$target.verdict" || echo "FAIL fuzz.$target (it did not get to the end)")
	echo "$verdict"
	if [[ $verdict == FAIL* ]]; then
		tail -n 40 "$build/$target.log" >&2
		status=1
	fi
done
echo "#end fuzz $status"
exit $status
