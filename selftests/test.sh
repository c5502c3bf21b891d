#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# What `make test` runs, step by step; a step that fails does not keep the others from running.
# The variables come from selftests.mk.
set -uo pipefail

here=$(dirname "$0")
log=$(mktemp)
trap 'rm -f "$log"' EXIT
mkdir -p "$BUILD"
rm -f "$RESULTS"
touch "$RESULTS"

# build NAME ARGUMENT...: make, as one test of the suite "build".
build()
{
	local name=$1

	shift
	printf '  %-16s %s\n' build "$name"
	if "$MAKE" --no-print-directory -j "$(nproc)" "$@" > "$log" 2>&1; then
		printf 'build\tbuild\tok\t%s\t\n' "$name" >> "$RESULTS"
		return 0
	fi
	printf 'build\tbuild\tFAIL\t%s\tmake %s\n' "$name" "$*" >> "$RESULTS"
	grep -v '^  [A-Z]* *[a-z/]' "$log" | tail -n 40
	return 1
}

# The programs of tests that a build has.
programs()
{
	# shellcheck disable=SC2086 # one word for each
	printf "$1/selftests/%s\n" $TESTS
}

if build gcc CC="$CC" selftests; then
	refused=$("$BUILD/selftests/can_bpf") ||
		echo "This machine refuses bpf(2) ($refused): what needs it is tested in the emulator."
	# shellcheck disable=SC2046,SC2086 # one word for each
	"$here/run.sh" "$HERE" "$RESULTS" $(programs "$BUILD") $TEST_SCRIPTS
	# shellcheck disable=SC2046,SC2086
	"$here/vm/matrix" "$BUILD" "$RESULTS" $KERNELS -- $(programs "$BUILD")
fi
if build asan CC="$CC" BUILD="$BUILD/asan" VARIANT="$SANITIZERS" selftests; then
	# shellcheck disable=SC2046
	BUILD=$BUILD/asan "$here/run.sh" "$HERE asan" "$RESULTS" $(programs "$BUILD/asan")
fi
build clang CC="$CLANG_BPF" CXX="${CLANG_BPF/clang/clang++}" BUILD="$BUILD/clang" all

build valgrind check-valgrind
if build tsan CC="$CC" tsan-build; then
	# shellcheck disable=SC2086
	BUILD=$BUILD/tsan setarch -R "$here/run.sh" "$HERE tsan" "$RESULTS" $TSAN_PROGRAMS
fi

# A short pass on what earlier ones have found, in BUILD/fuzz/corpus.
if build fuzz CC="$CC" fuzz-build; then
	"$MAKE" --no-print-directory fuzz-run SECONDS=20 2>&1 |
		"$here/collect" fuzz "$RESULTS"
fi

awk -f "$here/report.awk" "$RESULTS"
