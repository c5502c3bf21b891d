#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# What is said about tests that fail, die, end early, leak or take long, and what becomes of it in the
# table of results.
. "$(dirname "$0")/harness.sh"

a_program_of_tests()
{
	cat > "$scratch/test_sample.c" <<-'EOF'
		#include <stdlib.h>
		#include <unistd.h>
		#include "harness.h"
		TEST(holds) { ck_assert(1); } END_TEST
		TEST(fails) { ck_assert_int_eq(1, 2); } END_TEST
		TEST(dies)
		{
			ck_assert(1);
			abort();
		}
		END_TEST
		TEST(ends) { _exit(0); } END_TEST
		TEST(leaks) { if (!dup(0)) abort(); } END_TEST
		TEST(sleeps) { sleep(1); } END_TEST
		TEST(cannot) { test_skip("no %s", "way"); } END_TEST
	EOF
	# what test programs share, of which the linker takes what it needs
	# shellcheck disable=SC2046 # one word for each
	ar rcs "$scratch/common.a" $(find "$BUILD/selftests" -maxdepth 1 -name '*.o' ! -name 'test_*' \
		! -name '*.bpf.o' ! -name can_bpf.o)
	# shellcheck disable=SC2046 # one word for each library
	"$CC" -D_GNU_SOURCE -DBUILD_DIR='"build"' -Iselftests -Iinclude "$scratch/test_sample.c" \
		"$scratch/common.a" "$BUILD/internal/libmem.a" -pthread \
		$("$PKG_CONFIG" --libs check) -o "$scratch/test_sample"
}

# says LINE: the program printed a line that begins so.
says()
{
	grep -F -- "$1" "$scratch/out" || {
		echo "no line says: $1"
		return 1
	}
}

each_end_has_its_words()
{
	a_program_of_tests
	"$scratch/test_sample" > "$scratch/out" && return 1
	cat "$scratch/out"
	[ "$(grep -c ' sample\.' "$scratch/out")" = 7 ]
	grep -qx 'ok   sample.holds' "$scratch/out"
	says "FAIL sample.fails ($scratch/test_sample.c:5: Assertion '1 == 2' failed"
	says "FAIL sample.dies (after $scratch/test_sample.c:8: "
	says "FAIL sample.ends (the process exited in the middle of it)"
	grep -q "^FAIL sample.leaks (.*left behind: file descriptor" "$scratch/out"
	grep -Eq '^ok   sample.sleeps \[[0-9.]+ s\]$' "$scratch/out"
	grep -qx 'skip sample.cannot (no way)' "$scratch/out"
}

patterns_choose()
{
	a_program_of_tests
	"$scratch/test_sample" 'hol*' cannot > "$scratch/out"
	diff - "$scratch/out" <<-'EOF'
		ok   sample.holds
		skip sample.cannot (no way)
	EOF
}

the_table_has_all_of_them()
{
	a_program_of_tests
	TEST='' V=0 selftests/run.sh here "$scratch/results" "$scratch/test_sample" > "$scratch/out" 2> /dev/null
	cat "$scratch/results"
	says '  here             sample         2 ok, 4 FAILED, 1 skipped'
	awk -F'\t' '$4 == "sleeps" && $3 == "ok" && $6 >= 1 { found = 1 } END { exit !found }' "$scratch/results"
	awk -f selftests/report.awk "$scratch/results" > "$scratch/out" && return 1
	says '  sample.cannot on here: no way'
	says '  sample.ends on here: the process exited in the middle of it'
	[ "$(tail -n 1 "$scratch/out")" = '2 passed, 4 failed, 1 skipped' ]
}

a_program_that_ends_early_has_failed()
{
	printf '#!/bin/sh\necho "ok   early.one"\nexit 3\n' > "$scratch/test_early"
	chmod +x "$scratch/test_early"
	TEST='' V=0 selftests/run.sh here "$scratch/results" "$scratch/test_early" > "$scratch/out"
	awk -f selftests/report.awk "$scratch/results" > "$scratch/out" && return 1
	says 'early.(program) on here: the program ended with exit code 3 after one'
}

# all_lanes FUZZ MATRIX SETARCH [BUILD]: what `make test` does, with these commands in place of those.
all_lanes()
{
	local lanes=$scratch/lanes

	mkdir -p "$lanes/vm" "$lanes/bin" "$lanes/build/selftests" "$lanes/build/asan/selftests"
	cp selftests/{test.sh,run.sh,collect,collect.awk,report.awk} "$lanes"
	printf '#!/bin/sh\necho "ok   one.test"\n' > "$lanes/build/selftests/test_one"
	printf '#!/bin/sh\n[ "$2" = fuzz-run ] || { %s; }\n[ "$2" != fuzz-run ] || %s\n' "${4:-:}" "$1" > "$lanes/bin/make"
	printf '#!/bin/sh\n%s\n' "$2" > "$lanes/vm/matrix"
	printf '#!/bin/sh\n%s\n' "$3" > "$lanes/bin/setarch"
	printf '#!/bin/sh\n' > "$lanes/build/selftests/can_bpf"
	cp "$lanes/build/selftests/test_one" "$lanes/build/asan/selftests"
	chmod +x "$lanes"/{bin/*,vm/matrix,build/selftests/*,build/asan/selftests/*}
	PATH=$lanes/bin:$PATH MAKE=$lanes/bin/make BUILD=$lanes/build RESULTS=$lanes/build/results HERE=here JOBS=2 \
		KERNELS=none TESTS=test_one TEST_SCRIPTS='' TSAN_PROGRAMS=one TEST='' V=0 "$lanes/test.sh" > "$scratch/out"
}

# runs PROCESS: it is there, and has not ended.
runs()
{
	[ -e "/proc/$1" ] && ! grep -q '^State:.Z' "/proc/$1/status"
}

# ends_with_it WHO COMMAND...: all_lanes with these commands is ended by a signal, and what WHO started ends, too.
ends_with_it()
{
	local who=$scratch/lanes/$1 lanes pid status=0

	all_lanes "${@:2}" &
	lanes=$!
	for _ in $(seq 600); do
		[ ! -s "$who.pid" ] || break
		sleep 0.1
	done
	pid=$(cat "$who.pid")
	# of the shell of all_lanes, test.sh is the only child
	kill "$(cat "/proc/$lanes"/task/*/children)"
	# nobody may have waited for it
	for _ in $(seq 300); do
		if ! runs "$lanes" && ! runs "$pid"; then
			wait "$lanes" || status=$?
			[ $status = 130 ]
			return
		fi
		sleep 0.1
	done
	kill "$pid"
	echo "what $1 started goes on"
	return 1
}

# Whoever ends it with a signal ends all of it, at once.
nothing_goes_on_when_it_is_ended()
{
	# shellcheck disable=SC2016 # for the stand-in to expand
	local for_long='sleep 1000 & echo $! > "$0.pid"; wait'

	ends_with_it vm/matrix 'exit 0' "$for_long" 'exit 0'
	ends_with_it bin/make 'exit 0' 'exit 0' 'exit 0' "$for_long"
}

what_can_not_run_has_failed()
{
	all_lanes 'exit 0' 'exit 0' 'exit 0'
	all_lanes 'exit 2' 'exit 3' 'exit 4' && return 1
	cat "$scratch/out"
	says '  lane.(run.sh) on fuzz: it ended with exit code 2'
	says '  lane.(matrix) on emulator: it ended with exit code 3'
	says '  lane.(run.sh) on here tsan: it ended with exit code 4'
	tail -n 1 "$scratch/out" | grep ' 3 failed'
	# shellcheck disable=SC2016 # for the stand-in to expand: the lane is its parent
	all_lanes 'exit 0' 'kill -9 $PPID' 'exit 0' && return 1
	says '  lane.(other_kernels) on here: it ended with exit code 137'
}

# The matrix, with stand-ins for the emulator and for where kernels come from, which loses one in between.
a_kernel_that_is_not_reached_has_failed()
{
	local vm=$scratch/machines/vm status=0

	mkdir -p "$vm"
	cp selftests/{collect,collect.awk} "$scratch/machines"
	cp selftests/vm/matrix "$vm"
	printf "#!/bin/sh\nalarm='BUG:'\n"'echo "#suite one 1"\necho "ok   one.test"\necho "#end one 0 1"\n%s\n' \
		'echo vm-exit: 0 > "$LIBMEM_VM_CONSOLE"' > "$vm/run"
	printf '#!/bin/sh\n[ "$*" != second ] || exit 1\nprintf "/%%s\\n" "$@"\n' > "$vm/fetch"
	chmod +x "$vm"/*
	touch "$scratch/test_one"
	TEST='' V=0 "$vm/matrix" "$scratch/machines" "$scratch/results" first second third -- \
		"$scratch/test_one" > "$scratch/out" || status=$?
	cat "$scratch/out" "$scratch/results"
	[ $status = 0 ]
	[ "$(grep -c '	ok	test' "$scratch/results")" = 2 ]
	grep '^second	kernel	FAIL	(matrix)	it did not get to the end$' "$scratch/results"
}

# words SUITES TEST: what a make target gets to see.
words()
{
	[ "$(make -n vmtest KERNEL=none TEST="$2" | sed -n "s/.* TEST='\([^']*\)'.*/\1/p")" = "$1" ] ||
		{ echo "not $1 for TEST=$2" && return 1; }
}

a_word_names_suites_or_is_refused()
{
	unset MAKEFLAGS MFLAGS TEST
	words "region" region
	words "arena_tools arena_usage contract_arena migrate_arena reuse_arena" arena
	words "reuse.it_* reuse_arena.it_* region" "reuse*.it_* region"
	# before anything is made
	! make BUILD="$scratch/none" check TEST="region regoin.initial" 2> "$scratch/out" || return 1
	says 'TEST: there is no suite regoin; there are'
	says 'reader_bad'
	[ ! -e "$scratch/none" ]
}

for test in each_end_has_its_words patterns_choose the_table_has_all_of_them a_program_that_ends_early_has_failed \
	what_can_not_run_has_failed nothing_goes_on_when_it_is_ended a_kernel_that_is_not_reached_has_failed \
	a_word_names_suites_or_is_refused; do
	rm -rf "$scratch/results" "$scratch/lanes"
	: > "$scratch/results"
	check $test $test
done
finish
