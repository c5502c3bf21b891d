# SPDX-License-Identifier: BSD-2-Clause
# Reads what test programs print and appends one line for each test to the file `out`:
#
#     column <tab> suite <tab> ok|FAIL|skip <tab> test <tab> reason <tab> seconds, if one or more
#
# Shows failures as they come, and each suite when it ends (every test with verbose=1). Around a
# program's output the input has "#suite NAME SECONDS" and "#end NAME EXITCODE SECONDS", with the time of day.

function record(verdict, test, reason, seconds)
{
	printf "%s\t%s\t%s\t%s\t%s\t%s\n", column, suite, verdict, test, reason, seconds >> out
	fflush(out)
	count[verdict]++
}

function show_suite(   text)
{
	if (count["ok"] + count["FAIL"] + count["skip"] == 0)
		return
	text = count["ok"] + 0 " ok"
	if (count["FAIL"])
		text = text ", " count["FAIL"] " FAILED"
	if (count["skip"])
		text = text ", " count["skip"] " skipped"
	if (ended - began >= 5)
		text = text " (" ended - began " s)"
	printf "  %-16s %-14s %s\n", column, suite, text
}

/^#suite / {
	suite = $2
	test = ""
	began = $3
	delete count
	next
}

/^#end / {
	ended = $4
	if ($3 != 0 && !count["FAIL"]) {
		reason = "the program ended with exit code " $3 (test != "" ? " after " test : "")
		record("FAIL", "(program)", reason)
		printf "FAIL %s (%s)\n", suite, reason
	}
	show_suite()
	suite = ""
	fflush()
	next
}

/^(ok  |FAIL|skip) [^ ]+[.][^ ]+/ {
	test = $2
	sub(/^[^.]*[.]/, "", test)
	reason = $0
	if (!sub(/^[^(]*[(]/, "", reason))
		reason = ""
	sub(/[)]$/, "", reason)
	record($1, test, reason, $3 ~ /^\[[0-9.]+$/ ? substr($3, 2) : "")
	detail = $1 == "FAIL" || verbose
	if (detail)
		print
	fflush()
	next
}

# more about the test before
/^\t/ {
	if (detail)
		print
	next
}

# The machine went away in the middle of a suite.
END {
	if (suite != "") {
		record("FAIL", "(program)", "did not end; the last test that did was " \
			(test != "" ? test : "none"))
		show_suite()
	}
}
