#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# run.sh COLUMN RESULTS PROGRAM...: run test programs (and scripts) on this machine, and append their
# results to the file RESULTS as collect.awk has them. TEST="suite suite.test ..." chooses some;
# V=1 shows every test. What the programs print to stderr is shown for those that fail.
set -euo pipefail

here=$(dirname "$0")
column=$1 results=$2
shift 2
errors=$(mktemp)
trap 'rm -f "$errors"' EXIT

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

for program; do
	suite=$(basename "$program" .sh)
	suite=${suite#test_}
	patterns=$(patterns_for "$suite") || continue
	status=0
	echo "#suite $suite $EPOCHSECONDS"
	# shellcheck disable=SC2086 # the patterns have no spaces and are for the program to expand
	(set -f; exec "$program" $patterns) < /dev/null 2> "$errors" || status=$?
	echo "#end $suite $status $EPOCHSECONDS"
	if [ $status != 0 ]; then
		tail -n 60 "$errors" | sed 's/^/	/' >&2
	fi
done | "$here/collect" "$column" "$results"
