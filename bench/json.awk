# SPDX-License-Identifier: BSD-2-Clause
# The rows of build/bench.json, one a line, as table.c writes them.

# text_of("case"): the string of that name in the line, "" if there is none
function text_of(name,    from, rest)
{
	from = index($0, "\"" name "\": \"")
	if (!from)
		return ""
	rest = substr($0, from + length(name) + 5)
	return substr(rest, 1, index(rest, "\"") - 1)
}

# number_of("median"): likewise
function number_of(name,    from)
{
	from = index($0, "\"" name "\": ")
	return from ? substr($0, from + length(name) + 4) + 0 : 0
}

function log10(x)
{
	return log(x) / log(10)
}

function escape(text)
{
	gsub(/&/, "\\&amp;", text)
	gsub(/</, "\\&lt;", text)
	return text
}

# What a case is drawn in: the same in every picture.
function colour_of(name)
{
	if (name ~ /libmem|memgen|per-thread/)
		return name ~ /object file/ ? "#6fa8dc" : "#1f5fa8"
	if (name ~ /libbpf|bpftool/)
		return "#d9730d"
	if (name ~ /light/)
		return "#3f9142"
	return "#777777"
}

function begin_svg(width, height)
{
	printf "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"%d\" height=\"%d\" ", width, height
	printf "viewBox=\"0 0 %d %d\" font-family=\"sans-serif\" font-size=\"12\">\n", width, height
	print "<!-- SPDX-License-Identifier: BSD-2-Clause: drawn from build/bench.json by bench/json.awk -->"
	printf "<rect width=\"%d\" height=\"%d\" fill=\"#ffffff\"/>\n", width, height
}

function line(x1, y1, x2, y2, style)
{
	printf "<line x1=\"%.1f\" y1=\"%.1f\" x2=\"%.1f\" y2=\"%.1f\" %s/>\n", x1, y1, x2, y2, style
}

function text(x, y, what, style)
{
	printf "<text x=\"%.1f\" y=\"%.1f\" %s>%s</text>\n", x, y, style, escape(what)
}
