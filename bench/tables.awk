# SPDX-License-Identifier: BSD-2-Clause
# awk -f json.awk -f tables.awk bench.json docs/performance.md: the document with its tables made anew. What is
# between a line "<!-- bench: startup COLUMN... -->" and the line "<!-- end -->" is replaced by the tables
# of that benchmark: ratios, then these columns. COLUMN:ratio is a column as ratio to that of the row
# compared with, COLUMN:share as percent of the row's median.

FNR == NR && /^\{"bench"/ {
	row[rows++] = $0
	next
}

FNR == NR && /^"(kernel|machine|cpus|libbpf|bpftool)": / {
	fact[substr($1, 2, length($1) - 3)] = substr($2, 2, length($2) - 3)
	next
}

FNR == NR {
	next
}

function short(value)
{
	if (value == int(value) || value >= 100)
		return sprintf("%.0f", value)
	return value >= 10 ? sprintf("%.1f", value) : sprintf("%.2f", value)
}

# Whether a row of the table that begins at row i has the column.
function has(i, name,    j, table, found)
{
	$0 = row[i]
	table = text_of("table")
	for (j = i; j < rows && !found; j++) {
		$0 = row[j]
		found = text_of("table") == table && index($0, "\"" name "\": ")
	}
	$0 = row[i]
	return found
}

# The columns of the table that begins at row i, and the base's numbers of them.
function begin_table(i,    j, k, part, base)
{
	columns = 0
	for (j = 1; j <= wanted; j++) {
		split(want[j] ":", part, ":")
		if (!has(i, part[1]))
			continue
		column[++columns] = part[1]
		how[columns] = part[2]
	}
	$0 = row[i]
	base = text_of("base")
	printf "\n| %s | ratio | of the least |", text_of("table")
	for (j = 1; j <= columns; j++)
		printf " %s |", column[j]
	printf "\n|---|---|---|"
	for (j = 1; j <= columns; j++)
		printf "---|"
	print ""
	last = text_of("table")
	for (k = i; k < rows; k++) {
		$0 = row[k]
		if (text_of("table") == last && text_of("case") == base)
			for (j = 1; j <= columns; j++)
				of_base[j] = number_of(column[j])
	}
	$0 = row[i]
}

function cell(j,    value)
{
	value = number_of(column[j])
	if (how[j] == "ratio")
		return of_base[j] ? short(value / of_base[j]) : ""
	if (how[j] == "share")
		return sprintf("%.0f %%", 100 * value / number_of("median"))
	return short(value)
}

function print_row(    j, cells)
{
	if (text_of("failure") != "")
		cells = "no: " text_of("failure") " | |"
	else if (text_of("base") == "")
		cells = " | |"
	else
		cells = sprintf("%.2f | %.2f |", number_of("ratio"), number_of("ratio_min"))
	for (j = 1; j <= columns; j++)
		cells = cells " " (text_of("failure") == "" ? cell(j) : "") " |"
	print "| " text_of("case") " | " cells
}

function print_tables(bench,    i, saved)
{
	saved = $0
	last = ""
	for (i = 0; i < rows; i++) {
		$0 = row[i]
		if (text_of("bench") != bench)
			continue
		if (text_of("table") != last)
			begin_table(i)
		print_row()
	}
	print ""
	$0 = saved
}

/^<!-- bench: / {
	print
	wanted = split($0, word, " ") - 4
	for (i = 1; i <= wanted; i++)
		want[i] = word[i + 3]
	sub(/-.*/, "", fact["kernel"])
	if (word[3] == "facts")
		printf "The figures below: Linux %s, %s, %s CPUs, libbpf %s, bpftool %s.\n", fact["kernel"], \
			fact["machine"], fact["cpus"], fact["libbpf"], fact["bpftool"]
	else
		print_tables(word[3])
	skipping = 1
	next
}

/^<!-- end -->/ {
	skipping = 0
}

!skipping {
	print
}
