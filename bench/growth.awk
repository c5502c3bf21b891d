# SPDX-License-Identifier: BSD-2-Clause
# awk -f json.awk -f growth.awk bench.json: how open and load grow with what an object has, as SVG: the median of
# CPU time, both axes logarithmic.
BEGIN {
	panels = 0
}

/^\{"bench": "growth"/ {
	split(text_of("table"), part, ": ")
	if (!(part[1] in panel)) {
		panel[part[1]] = panels
		name[panels++] = part[1]
	}
	p = panel[part[1]]
	c = text_of("case")
	k = count[p, c]++ + 0
	at[p, c, k] = part[2] + 0
	us[p, c, k] = number_of("cpu") ? number_of("cpu") : number_of("min")
}

function x_of(p, value)
{
	return panel_x + 55 + log10(value / low) / log10(high / low) * 220
}

function y_of(value)
{
	return panel_y + 250 - (log10(value) - 1) * 42
}

# 10 to the power of this many microseconds.
function time_label(decade)
{
	if (decade < 3)
		return 10 ^ decade " us"
	return decade < 6 ? 10 ^ (decade - 3) " ms" : "1 s"
}

function draw_axes(p,    i, decade, grey)
{
	low = at[p, "libmem", 0]
	high = at[p, "libmem", count[p, "libmem"] - 1]
	text(panel_x + 165, panel_y + 22, name[p], "text-anchor=\"middle\" font-weight=\"bold\"")
	grey = "fill=\"#777777\""
	for (decade = 1; decade <= 6; decade++) {
		line(panel_x + 55, y_of(10 ^ decade), panel_x + 285, y_of(10 ^ decade), "stroke=\"#dddddd\"")
		text(panel_x + 50, y_of(10 ^ decade) + 4, time_label(decade), "text-anchor=\"end\" " grey)
	}
	for (i = 0; i < count[p, "libmem"]; i++)
		text(x_of(p, at[p, "libmem", i]), panel_y + 270, at[p, "libmem", i], "text-anchor=\"middle\" " grey)
}

function draw_case(p, c,    i, x, y, points)
{
	for (i = 0; i < count[p, c]; i++) {
		x = x_of(p, at[p, c, i])
		y = y_of(us[p, c, i])
		points = points sprintf("%.1f,%.1f ", x, y)
		printf "<circle cx=\"%.1f\" cy=\"%.1f\" r=\"3\" fill=\"%s\"/>\n", x, y, colour_of(c)
	}
	printf "<polyline points=\"%s\" fill=\"none\" stroke=\"%s\" stroke-width=\"2\"/>\n", points, colour_of(c)
}

function draw_legend(    i, y)
{
	panel_x = (panels % 3) * 300 + 60
	panel_y = int(panels / 3) * 290 + 60
	for (i = 1; i <= cases; i++) {
		y = panel_y + i * 22
		line(panel_x, y, panel_x + 30, y, "stroke-width=\"2\" stroke=\"" colour_of(drawn[i]) "\"")
		text(panel_x + 38, y + 4, drawn[i] == "floor" ? "bare calls, from constants" : drawn[i], "")
	}
	text(panel_x, panel_y + 110, "open + load, CPU time", "fill=\"#777777\"")
}

END {
	cases = split("floor libmem libbpf", drawn, " ")
	rows = int((panels + 3) / 3)
	begin_svg(900, rows * 290 + 10)
	for (p = 0; p < panels; p++) {
		panel_x = (p % 3) * 300
		panel_y = int(p / 3) * 290
		draw_axes(p)
		for (i = 1; i <= cases; i++)
			draw_case(p, drawn[i])
	}
	draw_legend()
	print "</svg>"
}
