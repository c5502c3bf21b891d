#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# What libbpf loads, libmem loads: a sample of what `make parity-corpus` and `make parity` do in full.
. "$(dirname "$0")/harness.sh"

# parity NAME OPTION... DIR: everything that libbpf does with the objects, libmem does.
parity()
{
	local out=$scratch/$1

	shift
	selftests/parity/run -q -l -o "$out" "${@:1:$#-1}" "$BUILD" "${@: -1}" || [ $? = 1 ]
	grep '^only libbpf' "$out/differences.txt" > "$scratch/gaps" || true
	if [ -s "$scratch/gaps" ]; then
		grep -A 2 -Ff "$scratch/gaps" "$out/differences.txt"
		return 1
	fi
	grep -q '	ok	$' "$out/rows.tsv"
}

# headers DIR OPTION...: whatever can be read has a header that compiles.
headers()
{
	selftests/parity/run -q -H -o "$scratch/headers" "$@" || true
	if grep '	c' "$scratch/headers/headers.txt"; then
		return 1
	fi
}

own_objects_load()
{
	"$BUILD/selftests/can_bpf" || skip "this machine refuses bpf(2)"
	parity own -f '^[^/]*\.bpf\.o$' "$BUILD/selftests"
}

corpus_sample_loads()
{
	local dir

	"$BUILD/selftests/can_bpf" || skip "this machine refuses bpf(2)"
	dir=$(selftests/parity/corpus -n) || skip "no corpus yet: make parity-corpus"
	parity corpus -s 20 -t 10 "$dir"
}

corpus_sample_has_headers()
{
	local dir

	dir=$(selftests/parity/corpus -n) || skip "no corpus yet: make parity-corpus"
	headers -s 25 "$BUILD" "$dir"
}

# A loader that does what an object's name says.
crashes_and_hangs_are_results()
{
	cat > "$scratch/fake.c" <<-END
		#include <errno.h>
		#include <stdlib.h>
		#include <string.h>
		#include <unistd.h>
		#include "probe.h"
		const char *const probe_loader = "fake";
		static const char *object, *last;
		int probe_open(const char *path) { object = path; return strstr(path, "bad") ? -EINVAL : 0; }
		bool probe_next_prog(const char **name, const char **section, bool *autoload)
		{
			*name = *section = last = last ? !strcmp(last, "one") ? "two" : NULL : "one";
			*autoload = true;
			return last;
		}
		int probe_load(const char *only)
		{
			if (!only)
				return -EINVAL;
			if (strcmp(only, "one"))
				return 0;
			if (strstr(object, "hang"))
				pause();
			abort();
		}
		const char *probe_message(void) { return "first\tline\nsecond line\n"; }
	END
	$CC -std=gnu11 -D_GNU_SOURCE -Iselftests/parity selftests/parity/probe.c "$scratch/fake.c" -o "$scratch/fake"
	"$scratch/fake" -t 1 "$scratch" crash.o hang.o bad.o 2>&1 | tee "$scratch/rows"
	grep -q '^fake	crash.o	prog	one	one	crash	Aborted' "$scratch/rows"
	grep -q '^fake	crash.o	prog	two	two	ok	$' "$scratch/rows"
	grep -q '^fake	hang.o	prog	one	one	timeout	' "$scratch/rows"
	grep -q '^fake	hang.o	load			fail	first line | second line$' "$scratch/rows"
	grep -q '^fake	bad.o	open			fail	first line | second line$' "$scratch/rows"
	[ "$(grep -c bad.o "$scratch/rows")" = 1 ]
}

totals_are_right()
{
	{
		for loader in libmem libbpf; do
			printf "$loader\ta.o\topen\t\t\tok\t\n$loader\tb.o\topen\t\t\tok\t\n"
			printf "$loader\ta.o\tload\t\t\tok\t\n$loader\ta.o\tprog\tp\txdp\tok\t\n"
		done
		printf 'libmem\tb.o\tload\t\t\tfail\tb: no luck\nlibbpf\tb.o\tload\t\t\tok\t\n'
		printf 'libmem\tb.o\tprog\tq\txdp\tok\t\nlibbpf\tb.o\tprog\tq\txdp\ttimeout\tAlarm clock\n'
		printf 'libmem\tc.o\topen\t\t\tfail\tbad\nlibbpf\tc.o\topen\t\t\tcrash\tdied\n'
		printf 'header\ta.o\tgenerate\t\t\tok\t\nheader\ta.o\tc\t\t\tok\t\nheader\ta.o\tc++\t\t\tfail\tx\n'
	} > "$scratch/rows"
	printf 'a.o\nb.o\nc.o\n' > "$scratch/names"
	mkdir "$scratch/report"
	awk -f selftests/parity/report.awk -v out="$scratch/report" "$scratch/names" "$scratch/rows" \
		> "$scratch/totals" && return 1
	cat "$scratch/totals"
	grep -qE '^objects opened +2 +0 +0 +1$' "$scratch/totals"
	grep -qE '^objects loaded +1 +1 +0 +0$' "$scratch/totals"
	grep -qE '^programs loaded +1 +0 +1 +0$' "$scratch/totals"
	grep -qE '^headers generated +1 +0$' "$scratch/totals"
	grep -qE 'C\+\+17 +0 +1$' "$scratch/totals"
	grep -q '^only libbpf: b.o (load)' "$scratch/report/differences.txt"
	[ "$(wc -l < "$scratch/report/objects.tsv")" = 4 ]
}

for test in totals_are_right crashes_and_hangs_are_results own_objects_load corpus_sample_loads \
	corpus_sample_has_headers; do
	check $test $test
done
finish
