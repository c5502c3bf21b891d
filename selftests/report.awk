# SPDX-License-Identifier: BSD-2-Clause
# Prints what selftests/collect.awk wrote: a table of suites and where they ran, why tests were
# skipped, what failed, and the totals on the last line. The exit code is 1 if anything failed or
# nothing was run.

BEGIN {
	FS = "\t"
}

{
	if (!($1 in column_seen)) {
		column_seen[$1] = 1
		columns[++column_count] = $1
	}
	if (!($2 in suite_seen)) {
		suite_seen[$2] = 1
		suites[++suite_count] = $2
		if (length($2) > suite_width)
			suite_width = length($2)
	}
	cell[$2, $1, $3]++
	total[$3]++
	if ($3 == "FAIL")
		failures[++failure_count] = sprintf("%s on %s: %s", $2 "." $4, $1, $5)
	if ($3 == "skip") {
		key = $1 "\t" $2 "\t" $5
		if (!(key in skips))
			skip_keys[++skip_count] = key
		skips[key]++
		skip_test[key] = $4
	}
}

function cell_text(suite, column,   text, ok, bad, skip)
{
	ok = cell[suite, column, "ok"] + 0
	bad = cell[suite, column, "FAIL"] + 0
	skip = cell[suite, column, "skip"] + 0
	if (ok + bad + skip == 0)
		return "-"
	text = ok || !skip ? ok : ""
	if (skip)
		text = text (text == "" ? "" : "+") skip "s"
	if (bad)
		text = bad " FAILED"
	return text
}

# By name; "build" comes before all others.
function sort_suites(   i, k, name)
{
	for (i = 2; i <= suite_count; i++) {
		name = suites[i]
		for (k = i - 1; k > 0 && suites[k] != "build" && (name == "build" || suites[k] > name); k--)
			suites[k + 1] = suites[k]
		suites[k + 1] = name
	}
}

function table(   s, c, width)
{
	sort_suites()
	printf "\n%-*s", suite_width, "suite"
	for (c = 1; c <= column_count; c++)
		printf "  %9s", columns[c]
	print ""
	for (s = 1; s <= suite_count; s++) {
		printf "%-*s", suite_width, suites[s]
		for (c = 1; c <= column_count; c++) {
			width = length(columns[c]) > 9 ? length(columns[c]) : 9
			printf "  %*s", width, cell_text(suites[s], columns[c])
		}
		print ""
	}
}

END {
	if (NR)
		table()
	if (skip_count)
		print "\nskipped (s above):"
	for (i = 1; i <= skip_count; i++) {
		split(skip_keys[i], part, "\t")
		key = skip_keys[i]
		name = skips[key] == 1 ? part[2] "." skip_test[key] : skips[key] " of " part[2]
		printf "  %s on %s: %s\n", name, part[1], part[3]
	}
	if (failure_count)
		print "\nfailed:"
	for (i = 1; i <= failure_count; i++)
		print "  " failures[i]
	if (!total["ok"] && !total["FAIL"] && !total["skip"])
		print "\nno test ran: of the suites, none has one that TEST asks for"
	printf "\n%d passed, %d failed, %d skipped\n", total["ok"], total["FAIL"], total["skip"]
	exit total["FAIL"] > 0 || total["ok"] + total["FAIL"] == 0
}
