#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# run.sh [-j JOBS] COLUMN RESULTS PROGRAM...: run test programs (and scripts) on this machine, JOBS at a time,
# and append their results to the file RESULTS as collect.awk has them. TEST="suite suite.test ..." chooses
# some; V=1 shows every test. What the programs print to stderr is shown for those that fail.
set -euo pipefail

here=$(dirname "$0")
jobs=1
[ "$1" != -j ] || { jobs=${2:-1}; shift 2; }
column=$1 results=$2
shift 2
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# What takes longest begins first, so that nothing is left to wait for alone.
longest='faults memgen_compile memgen_sources memgen_commands alloc migrate_killed task reqtrace syslat vm parity kv_clients'

# The patterns for one suite: nothing and success for all of it, failure for none of it.
patterns_for()
{
	local word

	[ -n "${TEST:-}" ] || return 0
	for word in $TEST; do
		case $word in
		"$1") return 0 ;;
		"$1".*) echo "${word#*.}" ;;
		esac
	done | grep . || [[ " $TEST " == *" $1 "* ]]
}

name_of()
{
	local suite

	suite=$(basename "$1" .sh)
	echo "${suite#test_}"
}

# run_one PROGRAM PATTERN...: print what collect.awk reads
run_one()
{
	local suite status=0

	suite=$(name_of "$1")
	echo "#suite $suite $EPOCHSECONDS"
	(exec "$@") < /dev/null 2> "$work/$suite.errors" || status=$?
	echo "#end $suite $status $EPOCHSECONDS"
	[ $status = 0 ] || mv "$work/$suite.errors" "$work/$suite.shown"
}

show_errors()
{
	local errors

	errors=$work/$(name_of "$1").shown
	[ ! -e "$errors" ] || tail -n 60 "$errors" | sed 's/^/	/' >&2
}

# The same, in one piece when the suite has ended, so that those that run at a time don't mix.
run_aside()
{
	local output

	output=$work/$(name_of "$1").output
	run_one "$@" > "$output"
	flock "$work" cat "$output"
	show_errors "$1"
}

in_order()
{
	local program suite

	for suite in $longest; do
		for program; do
			[ "$(name_of "$program")" != "$suite" ] || echo "$program"
		done
	done
	for program; do
		[[ " $longest " == *" $(name_of "$program") "* ]] || echo "$program"
	done
}

programs=("$@")
[ "$jobs" = 1 ] || mapfile -t programs < <(in_order "$@")
set -f
run_all()
{
	local program patterns

	for program in "${programs[@]}"; do
		patterns=$(patterns_for "$(name_of "$program")") || continue
		# shellcheck disable=SC2086 # the patterns have no spaces and are for the program to expand
		if [ "$jobs" = 1 ]; then
			run_one "$program" $patterns
			show_errors "$program"
		else
			[ "$(jobs -rp | wc -l)" -lt "$jobs" ] || wait -n || true
			run_aside "$program" $patterns &
		fi
	done
	wait
}
run_all | "$here/collect" "$column" "$results"
