# SPDX-License-Identifier: BSD-2-Clause
# awk -v only=startup -f json.awk -f ratios.awk bench.json: the ratios of all tables, or those of one benchmark,
# as SVG: a dot for the ratio of the medians, a tick for that of the least times. With -v by=cpu the dots are
# the ratios of that column, and there are no ticks.
BEGIN {
	n = 0
}

/^\{"bench"/ {
	if (only != "" && text_of("bench") != only)
		next
	if (text_of("base") == "" && text_of("failure") == "")
		next
	title = text_of("bench") ": " text_of("table")
	if (title != last) {
		kind[n] = "title"
		label[n++] = title (text_of("base") == "" ? "" : " (1 is " text_of("base") ")")
		last = title
	}
	if (text_of("case") == text_of("base")) {
		of_base = number_of(by)
		next
	}
	kind[n] = "row"
	label[n] = text_of("case")
	failure[n] = text_of("failure")
	ratio[n] = by == "" ? number_of("ratio") : of_base ? number_of(by) / of_base : 0
	least[n++] = by == "" ? number_of("ratio_min") : 0
}

function x_of(value)
{
	value = log10(value)
	if (value < low)
		value = low
	if (value > high)
		value = high
	return left + (value - low) * (right - left) / (high - low)
}

function short(value)
{
	if (value >= 100)
		return sprintf("%.0f", value)
	if (value >= 10)
		return sprintf("%.1f", value)
	return value >= 0.095 ? sprintf("%.2f", value) : sprintf("%.3f", value)
}

function draw_row(i, y)
{
	text(left - 8, y + 4, label[i], "text-anchor=\"end\"")
	if (failure[i] != "") {
		text(x_of(1) + 8, y + 4, "no: " substr(failure[i], 1, 60), "fill=\"#777777\" font-style=\"italic\"")
		return
	}
	if (ratio[i] <= 0)
		return
	line(x_of(1), y, x_of(ratio[i]), y, "stroke=\"" colour_of(label[i]) "\" stroke-width=\"3\"")
	if (least[i] > 0)
		line(x_of(least[i]), y - 6, x_of(least[i]), y + 6, "stroke=\"" colour_of(label[i]) "\"")
	printf "<circle cx=\"%.1f\" cy=\"%.1f\" r=\"4\" fill=\"%s\"/>\n", x_of(ratio[i]), y, colour_of(label[i])
	text(right + 12, y + 4, short(ratio[i]), "")
}

# The axis: whole decades around all ratios, three on each side of 1 at most.
function choose_axis(    i)
{
	low = -1
	high = 1
	for (i = 0; i < n; i++) {
		while (ratio[i] > 0 && low > -3 && log10(ratio[i]) < low)
			low--
		while (ratio[i] > 0 && high < 3 && log10(ratio[i]) > high)
			high++
	}
}

END {
	left = 300
	right = 860
	choose_axis()
	height = 40
	for (i = 0; i < n; i++)
		height += kind[i] == "title" ? 28 : 18
	begin_svg(940, height + 10)
	for (decade = low; decade <= high; decade++) {
		x = x_of(10 ^ decade)
		line(x, 24, x, height, decade ? "stroke=\"#dddddd\"" : "stroke=\"#999999\"")
		text(x, 16, 10 ^ decade, "text-anchor=\"middle\" fill=\"#777777\"")
	}
	y = 30
	for (i = 0; i < n; i++) {
		if (kind[i] == "title") {
			y += 28
			text(10, y - 6, label[i], "font-weight=\"bold\"")
		} else {
			draw_row(i, y + 8)
			y += 18
		}
	}
	print "</svg>"
}
