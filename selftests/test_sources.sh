#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# What holds for every file of the tree.
. "$(dirname "$0")/harness.sh"

# The files that are or will be in the repository.
files()
{
	git ls-files --cached --others --exclude-standard
}

# Of the paths on stdin, those of files that are there.
regular()
{
	local file

	while read -r file; do
		[ ! -f "$file" ] || echo "$file"
	done
}

# first_lines N PATTERN: of the files named on stdin, those whose first N lines have it. One process reads them all:
# two for each are most of the suite's time.
first_lines()
{
	xargs -r -d '\n' awk -v n="$1" -v pattern="$2" 'FNR <= n && $0 ~ pattern { print FILENAME }'
}

# In the first line, or the second where the first one names an interpreter.
every_file_names_its_license()
{
	# not in prose, in what a program printed, and in bytes that a fuzzer found
	files | grep -vE '^(LICENSE|.*\.md|selftests/data/.*|selftests/fuzz/regressions/.*)$' | regular > "$scratch/files"
	first_lines 2 'SPDX-License-Identifier: ' < "$scratch/files" > "$scratch/with"
	sort "$scratch/files" | comm -23 - <(sort -u "$scratch/with") > "$scratch/without"
	grep -qx Makefile "$scratch/with"
	cat "$scratch/without"
	[ ! -s "$scratch/without" ]
}

# Headers that BPF programs include are for kernels too.
bpf_headers_are_dual_licensed()
{
	for header in include/mem/*.h; do
		if grep -q '__bpf__' "$header"; then
			head -n 1 "$header" | grep 'GPL-2.0 OR BSD-2-Clause' ||
				{ echo "$header is for BPF, but not dual licensed" && return 1; }
		fi
	done
}

no_work_is_left_for_later()
{
	files | grep -E '\.(c|h|sh|mk|awk)$' | grep -v 'selftests/test_sources.sh' | xargs -r -d '\n' \
		grep -nE '\b(TODO|FIXME|XXX)\b' > "$scratch/later" || true
	cat "$scratch/later"
	[ ! -s "$scratch/later" ]
}

shell_scripts_are_clean()
{
	command -v shellcheck > /dev/null || skip "shellcheck is not installed"
	files | regular | first_lines 1 '^#!.*[ /](sh|bash)$' > "$scratch/scripts"
	grep -qx selftests/test.sh "$scratch/scripts"
	xargs -d '\n' shellcheck -x -P SCRIPTDIR -S warning < "$scratch/scripts"
}

# Each row of the kernel contract is in its table, in its documentation, and asked by a test.
every_contract_row_is_documented_and_tested()
{
	grep -oE '^	\{"[a-z_]+\.[a-z0-9_]+"' selftests/contract.c | cut -d'"' -f2 | sort > "$scratch/table"
	grep -oE '^\| `[a-z_]+\.[a-z0-9_]+` \|' docs/kernel-contract.md | cut -d'`' -f2 | sort > "$scratch/document"
	cat selftests/test_contract_*.c | grep -oE 'expect\("[a-z_]+\.[a-z0-9_]+"' | cut -d'"' -f2 | sort -u \
		> "$scratch/tests"
	[ -s "$scratch/table" ]
	diff -u "$scratch/table" "$scratch/document"
	diff -u "$scratch/table" "$scratch/tests"
}

# Who looks for a thing finds its file there: by name, or by a pattern such as `attach*.c`.
every_source_file_has_its_place_in_a_document()
{
	place_in docs/architecture.md src/*.c gen/*.c > "$scratch/unknown"
	place_in docs/reader.md src/reader/*.c >> "$scratch/unknown"
	cat "$scratch/unknown"
	[ ! -s "$scratch/unknown" ]
}

# place_in DOCUMENT FILE...: the files that it does not name.
place_in()
{
	local document=$1 patterns file pattern

	mapfile -t patterns < <(grep -oE '\b[a-z_]+[*]?\.c\b' "$document" | sort -u)
	[ ${#patterns[@]} -gt 15 ] || echo "$document names hardly any file: does it name them otherwise now?"
	for file in "${@:2}"; do
		for pattern in "${patterns[@]}"; do
			# shellcheck disable=SC2053 # a pattern
			[[ ${file##*/} != $pattern ]] || continue 2
		done
		echo "$file: $document does not say what it is for"
	done
}

# Links to other documents, and the tests that a document gives as proof: [suite.test].
documents_lead_somewhere()
{
	local document target test

	files | grep '\.md$' | while read -r document; do
		matches '\]\([^):#]+' "$document" | cut -c 3- | while read -r target; do
			[ -e "$(dirname "$document")/$target" ] || echo "$document: there is no $target"
		done
		matches '\[[a-z_]+\.[a-z0-9_]{3,}(, [a-z_]+\.[a-z0-9_]{3,})*\]' "$document" | tr -d '[],' | tr ' ' '\n' |
			while read -r test; do
				grep -qsE "^TEST\(${test#*.}[,)]" "selftests/test_${test%%.*}.c" ||
					echo "$document: there is no test $test"
			done
	done > "$scratch/nowhere"
	cat "$scratch/nowhere"
	[ ! -s "$scratch/nowhere" ]
}

# matches PATTERN FILE: each on a line; none is fine.
matches()
{
	grep -oE "$1" "$2" || true
}

if ! git rev-parse --git-dir > /dev/null 2>&1; then
	echo "skip $suite.all (not a git checkout: the files of the tree can't be told from others)"
	finish
fi
check every_file_names_its_license every_file_names_its_license
check bpf_headers_are_dual_licensed bpf_headers_are_dual_licensed
check every_contract_row_is_documented_and_tested every_contract_row_is_documented_and_tested
check documents_lead_somewhere documents_lead_somewhere
check every_source_file_has_its_place_in_a_document every_source_file_has_its_place_in_a_document
check no_work_is_left_for_later no_work_is_left_for_later
check shell_scripts_are_clean shell_scripts_are_clean
finish
