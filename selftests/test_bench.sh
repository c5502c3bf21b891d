#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# What benchmarks are made of: numbers may be any, their form and what they are ratios of may not.
. "$(dirname "$0")/harness.sh"

run=$BUILD/bench/run

# run_bench ARGUMENT...: with its rows in $scratch/rows
run_bench()
{
	$MAKE -s "$run" > /dev/null
	BENCH_ROWS=$scratch/rows "$run" "$@" | tee "$scratch/table"
}

# has FILE PATTERN
has()
{
	grep -E -- "$2" "$1" || { echo "no line of $(basename "$1") has: $2" && return 1; }
}

ratios_are_to_the_row_that_is_named()
{
	run_bench -v -b second -u bytes size "sizes of things" first=100 second=50 third=25
	has "$scratch/table" '^first +100[.]0 +100[.]0 +2[.]000 +2[.]000$'
	has "$scratch/table" '^third +25[.]00 +25[.]00 +0[.]500 +0[.]500$'
	has "$scratch/rows" '"case": "first", "unit": "bytes", "median": 100, "min": 100, "base": "second", "ratio": 2,'
}

what_fails_has_a_row_that_says_why()
{
	run_bench -n 3 startup failing good=true "bad=ls /no/such/folder"
	has "$scratch/table" '^bad +no: .*No such file'
	has "$scratch/table" '^good +[0-9]'
	has "$scratch/rows" '"case": "bad", "failure": ".*No such file'
}

metrics_come_from_the_program()
{
	printf '#!/bin/sh\n[ -n "$BENCH_FD" ]\necho "load 5" > /dev/fd/$BENCH_FD\necho "load.faults 7" > /dev/fd/$BENCH_FD\n' \
		> "$scratch/tool"
	chmod +x "$scratch/tool"
	run_bench -n 4 -m load -c faults startup reported "tool=$scratch/tool"
	has "$scratch/table" '^tool +5[.]00 +5[.]00 +1[.]000 +1[.]000 +7[.]00$'
}

rows_become_pictures_and_tables()
{
	run_bench -v -b floor startup loading floor=10 libmem=11 libbpf=2000
	run_bench -v -b floor growth "maps: 1" floor=10 libmem=12 libbpf=400
	run_bench -v -b floor growth "maps: 20" floor=20 libmem=22 libbpf=500
	bench/join_rows "$scratch/rows" libbpf=1.4 > "$scratch/bench.json"
	awk -f bench/json.awk -f bench/ratios.awk "$scratch/bench.json" > "$scratch/ratios.svg"
	has "$scratch/ratios.svg" '>libbpf</text>'
	has "$scratch/ratios.svg" '>200</text>'
	awk -f bench/json.awk -f bench/growth.awk "$scratch/bench.json" > "$scratch/growth.svg"
	[ "$(grep -c '<polyline' "$scratch/growth.svg")" = 3 ]
	tail -n 1 "$scratch/growth.svg" | grep -x '</svg>'
	printf '%s\n' before '<!-- bench: startup median -->' stale '<!-- end -->' after > "$scratch/page.md"
	awk -f bench/json.awk -f bench/tables.awk "$scratch/bench.json" "$scratch/page.md" > "$scratch/new.md"
	cat "$scratch/new.md"
	has "$scratch/new.md" '^\| libbpf \| 200[.]00 \| 200[.]00 \| 2000 \|$'
	has "$scratch/new.md" '^after$'
	! grep stale "$scratch/new.md"
}

# With no peer, so that nothing is downloaded.
the_floor_makes_the_calls_of_a_tool()
{
	local tools=$BUILD/bench/startup

	$MAKE -s BPFTOOL=true "$BUILD/selftests/can_bpf" "$run" > /dev/null
	"$BUILD/selftests/can_bpf" > /dev/null || skip "this machine's kernel refuses bpf(2)"
	$MAKE -s BPFTOOL=true "$tools/globals_libmem" "$tools/globals_floor" > /dev/null
	run_bench -t -n 2 -m load -c bpf startup calls "libmem=$tools/globals_libmem" "floor=$tools/globals_floor"
	# as many calls of bpf(2), and it got to the end
	[ "$(awk '/^(libmem|floor) / { print $NF }' "$scratch/table" | sort -u | wc -l)" = 1 ]
	! grep 'no: ' "$scratch/table"
}

for test in ratios_are_to_the_row_that_is_named what_fails_has_a_row_that_says_why metrics_come_from_the_program \
	rows_become_pictures_and_tables the_floor_makes_the_calls_of_a_tool; do
	rm -f "$scratch/rows"
	check $test $test
done
finish
