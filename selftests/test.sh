#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# What `make test` runs. A step that fails does not keep the others from running. When the tests are
# built, three lanes go on side by side, since each of them waits often: the tests on this machine's
# kernel, the emulated machines, and what asks no kernel.
# The variables come from selftests.mk.
set -uo pipefail

here=$(dirname "$0")
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# descendants PROCESS: all that it started, and what those started, who would start more first.
descendants()
{
	local child

	for child in $(cat "/proc/$1"/task/*/children 2> /dev/null); do
		echo "$child"
		descendants "$child"
	done
}

# No emulator goes on for hours that nobody waits for.
trap 'kill $(descendants $$) 2> /dev/null; exit 130' INT TERM
mkdir -p "$BUILD"
# each lane writes to files of its own; the table shows them in the order of their names
rm -rf "$RESULTS" "$RESULTS.d"
mkdir "$RESULTS.d"

# build NAME ARGUMENT...: make, as one test of the suite "build". Its exit code is kept for after_build.
build()
{
	local name=$1 log=$work/$1.log began=$SECONDS status=0

	shift
	# a signal's trap would wait for a command, but not for `wait`
	"$MAKE" --no-print-directory -j "$(nproc)" "$@" > "$log" 2>&1 &
	wait $! || status=$?
	if [ $status = 0 ]; then
		printf 'build\tbuild\tok\t%s\t\t%s\n' "$name" $((SECONDS - began)) >> "$RESULTS.d/0-build"
		printf '  %-16s %-14s ok (%d s)\n' build "$name" $((SECONDS - began))
	else
		printf 'build\tbuild\tFAIL\t%s\tmake %s\n' "$name" "$*" >> "$RESULTS.d/0-build"
		printf '  %-16s %-14s FAILED\n' build "$name"
		grep -v '^  [A-Z]* *[a-z/]' "$log" | tail -n 40
	fi
	echo $status > "$work/$name.new"
	mv "$work/$name.new" "$work/$name.status"
	return $status
}

# after_build NAME COMMAND...: when it has ended well; not if who builds is gone.
after_build()
{
	while [ ! -e "$work/$1.status" ]; do
		kill -0 "$builder" 2> /dev/null || [ -e "$work/$1.status" ] || return 1
		sleep 1
	done
	[ "$(cat "$work/$1.status")" != 0 ] || "${@:2}"
}

# must COLUMN RESULTS WHAT COMMAND...: tests that fail are in the results, and the command ends well. What
# could not run, or died, is a failure of its own: a table without it would look as if all were well.
must()
{
	local status=0

	"${@:4}" || status=$?
	[ $status = 0 ] || printf '%s\tlane\tFAIL\t(%s)\tit ended with exit code %d\n' "$1" "$3" $status \
		>> "$RESULTS.d/$2"
}

# The programs of tests that a build has.
programs()
{
	# shellcheck disable=SC2086 # one word for each
	printf "$1/selftests/%s\n" $TESTS
}

# run BUILD RESULTS COLUMN PROGRAM...
run()
{
	BUILD=$1 must "$3" "$2" run.sh "$here/run.sh" -j "$JOBS" "$3" "$RESULTS.d/$2" "${@:4}"
}

# The emulators take longest, so that the other lanes let them go first.
step_back()
{
	renice -n 5 -p $BASHPID > /dev/null
}

# One after the other: suites that ask the kernel for the same things must not meet themselves.
this_kernel()
{
	local asan tsan

	step_back
	# shellcheck disable=SC2046 # one word for each
	run "$BUILD" 1-here "$HERE" $(programs "$BUILD")
	mapfile -t asan < <(programs "$BUILD/asan")
	must "$HERE asan" 3-asan build after_build asan run "$BUILD/asan" 3-asan "$HERE asan" "${asan[@]}"
	read -ra tsan <<< "$TSAN_PROGRAMS"
	[ -n "$TSAN_PROGRAMS" ] || return 0
	# address space at random places is more than some versions of the sanitizer can take
	must "$HERE tsan" 4-tsan run.sh after_build tsan \
		setarch -R "$here/run.sh" "$HERE tsan" "$RESULTS.d/4-tsan" "${tsan[@]}"
}

other_kernels()
{
	# shellcheck disable=SC2046,SC2086 # one word for each
	must emulator 2-vm matrix "$here/vm/matrix" "$BUILD" "$RESULTS.d/2-vm" $KERNELS -- $(programs "$BUILD")
}

# A short pass on what earlier ones have found, in BUILD/fuzz/corpus. It begins alike each time: what it finds
# is due to what has changed.
fuzz()
{
	"$MAKE" --no-print-directory fuzz-run SECONDS=10 SEED=1 2>&1 | "$here/collect" fuzz "$RESULTS.d/5-fuzz"
	# what was found is in the results already
	[ "${PIPESTATUS[0]}" = 0 ] || grep -qs FAIL "$RESULTS.d/5-fuzz"
}

no_kernel()
{
	step_back
	build asan CC="$CC" asan-build
	[ -z "$TSAN_PROGRAMS" ] || build tsan CC="$CC" tsan-build
	# shellcheck disable=SC2086 # one word for each
	JOBS=1 run "$BUILD" 1-here-scripts "$HERE" $TEST_SCRIPTS
	# what follows is about all of the tree
	[ -z "${TEST:-}" ] || return 0
	# clang warns before it optimizes, and what it makes when it does is in the fuzzers
	build clang CC="$CLANG_BPF" CXX="${CLANG_BPF/clang/clang++}" BUILD="$BUILD/clang" CFLAGS=-O0 all
	build valgrind check-valgrind
	if build fuzz CC="$CC" fuzz-build; then
		must fuzz 5-fuzz run.sh fuzz
	fi
}

# ended LANE PROCESS: waited for; one that is killed has failed.
ended()
{
	must "$HERE" 6-lanes "$1" wait "$2"
}

if build gcc CC="$CC" selftests; then
	refused=$("$BUILD/selftests/can_bpf") ||
		echo "This machine refuses bpf(2) ($refused): what needs it is tested in the emulator."
	no_kernel & builder=$!
	this_kernel & this=$!
	other_kernels & others=$!
	ended no_kernel $builder
	ended this_kernel $this
	ended other_kernels $others
fi
cat "$RESULTS.d"/* > "$RESULTS"
printf '  %-16s %d min %d s\n' all $((SECONDS / 60)) $((SECONDS % 60))
awk -f "$here/report.awk" "$RESULTS"
