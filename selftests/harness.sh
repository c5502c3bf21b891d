# SPDX-License-Identifier: BSD-2-Clause
# shellcheck shell=bash
# For selftests/test_*.sh, which print what the test programs print: `check NAME COMMAND...` is one
# test, passed when the command (usually a function of the script) succeeds; what it says is shown
# when it fails. Functions run in a shell of their own, with -e, in the top folder of the tree.
set -uo pipefail

# as selftests.mk says, with defaults for a script that is run by hand
export MAKE=${MAKE:-make} BUILD=${BUILD:-build} CC=${CC:-cc} CXX=${CXX:-c++} \
	CLANG_BPF=${CLANG_BPF:-clang-19} PKG_CONFIG=${PKG_CONFIG:-pkg-config} SOVERSION=${SOVERSION:-0}

suite=$(basename "$0" .sh)
suite=${suite#test_}
patterns=("$@")
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
failed=0

wanted()
{
	local pattern

	[ ${#patterns[@]} -gt 0 ] || return 0
	for pattern in "${patterns[@]}"; do
		# shellcheck disable=SC2053 # it is a pattern
		[[ $1 == $pattern ]] && return 0
	done
	return 1
}

check()
{
	local name=$1 status=0

	shift
	wanted "$name" || return 0
	(set -e; "$@") > "$scratch/output" 2>&1 < /dev/null
	status=$?
	if [ $status = 0 ]; then
		echo "ok   $suite.$name"
	elif [ $status = 77 ]; then
		echo "skip $suite.$name ($(tail -n 1 "$scratch/output"))"
	else
		echo "FAIL $suite.$name ($(tail -n 1 "$scratch/output"))"
		sed 's/^/	/' "$scratch/output"
		failed=1
	fi
}

# skip REASON: in a test, end it.
skip()
{
	echo "$*"
	exit 77
}

# Exit code of the script.
finish()
{
	exit $failed
}
