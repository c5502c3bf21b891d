# SPDX-License-Identifier: BSD-2-Clause
# From the list of objects and the rows that probe.c and header print: the files that `run` describes,
# and the totals. -v out=FOLDER -v quiet=1: without a line for each object.
BEGIN {
	FS = OFS = "\t"
	loaders["libmem"] = loaders["libbpf"] = 1
}

NR == FNR {
	objects[++object_count] = $1
	next
}

{
	result[$1, $2, $3, $4] = $6
	message[$1, $2, $3, $4] = $7
	seen[$1] = 1
	if ($3 == "prog" && !(($2, $4) in section)) {
		section[$2, $4] = $5
		progs[$2] = progs[$2] == "" ? $4 : progs[$2] FS $4
	}
}

function state(loader, object, what, prog)
{
	if ((loader, object, what, prog) in result)
		return result[loader, object, what, prog]
	# what can't be opened can't be loaded
	if (loader in loaders && what != "open" && (loader, object, "open", "") in result && result[loader, object, "open", ""] != "ok")
		return result[loader, object, "open", ""]
	return "-"
}

function why(loader, object, what, prog)
{
	if ((loader, object, what, prog) in message)
		return message[loader, object, what, prog]
	return (loader, object, "open", "") in message ? message[loader, object, "open", ""] : ""
}

# "both", "only libbpf", "only libmem", "neither", or "" if one of them was not asked
function compare(object, what, prog,   mem, bpf)
{
	mem = state("libmem", object, what, prog)
	bpf = state("libbpf", object, what, prog)
	if (mem == "-" && bpf == "-")
		return ""
	if (mem == "ok")
		return bpf == "ok" ? "both" : "only libmem"
	return bpf == "ok" ? "only libbpf" : "neither"
}

# A message without what is particular: names, numbers, places.
function cause(text, object)
{
	sub(/ \| .*/, "", text)
	gsub(/'[^']*'/, "'...'", text)
	gsub(/"[^"]*"/, "'...'", text)
	sub(/^[^ ]*\.o:[^ ]* /, "", text)
	sub(/^[A-Za-z0-9_.]+: /, "", text)
	gsub(/0x[0-9a-f]+/, "N", text)
	gsub(/[0-9]+/, "N", text)
	return text
}

function note(object, what, prog, how,   who)
{
	total[what, how]++
	if (how != "only libbpf" && how != "only libmem")
		return
	printf "%s: %s %s%s\n\tlibmem  %s %s\n\tlibbpf  %s %s\n", how, object, prog,
		prog == "" ? "(" what ")" : " (" section[object, prog] ")",
		state("libmem", object, what, prog), why("libmem", object, what, prog),
		state("libbpf", object, what, prog), why("libbpf", object, what, prog) > (out "/differences.txt")
	who = how == "only libbpf" ? "libmem" : "libbpf"
	causes[how FS what FS cause(why(who, object, what, prog))]++
	example[how FS what FS cause(why(who, object, what, prog))] = object " " prog
}

function note_progs(object,   names, count, i, how)
{
	loaded["libmem"] = loaded["libbpf"] = 0
	count = split(progs[object], names, FS)
	for (i = 1; i <= count; i++) {
		how = compare(object, "prog", names[i])
		note(object, "prog", names[i], how)
		loaded["libmem"] += state("libmem", object, "prog", names[i]) == "ok"
		loaded["libbpf"] += state("libbpf", object, "prog", names[i]) == "ok"
		print object, names[i], section[object, names[i]], how, state("libmem", object, "prog", names[i]),
			state("libbpf", object, "prog", names[i]), why("libmem", object, "prog", names[i]),
			why("libbpf", object, "prog", names[i]) > (out "/programs.tsv")
	}
	return count
}

function note_header(object, what,   how)
{
	how = state("header", object, what, "")
	if (how == "-" || how == "")
		return "-"
	total["header", what, how]++
	if (how != "ok") {
		printf "%s\t%s\t%s\n", object, what, why("header", object, what, "") > (out "/headers.txt")
		causes["headers" FS what FS cause(why("header", object, what, ""))]++
		example["headers" FS what FS cause(why("header", object, what, ""))] = object
	}
	return how
}

function do_object(object,   count, header, c, cxx)
{
	note(object, "open", "", compare(object, "open", ""))
	if (((("libmem", object, "load", "") in result) || (("libbpf", object, "load", "") in result)))
		note(object, "load", "", compare(object, "load", ""))
	count = note_progs(object)
	header = note_header(object, "generate")
	c = note_header(object, "c")
	cxx = note_header(object, "c++")
	note_header(object, "layout")
	print object, state("libmem", object, "open", ""), state("libbpf", object, "open", ""),
		state("libmem", object, "load", ""), state("libbpf", object, "load", ""), count,
		loaded["libmem"], loaded["libbpf"], header, c, cxx, why("libmem", object, "load", ""),
		why("libbpf", object, "load", "") > (out "/objects.tsv")
	if (!quiet)
		printf "%-44s open %-4s %-4s  load %-7s %-7s  programs %3d: %3d %3d  header %-4s C %-4s C++ %s\n",
			object, state("libmem", object, "open", ""), state("libbpf", object, "open", ""),
			state("libmem", object, "load", ""), state("libbpf", object, "load", ""), count,
			loaded["libmem"], loaded["libbpf"], header, c, cxx
}

function print_total(title, what)
{
	printf "%-22s %9d %12d %12d %9d\n", title, total[what, "both"], total[what, "only libbpf"],
		total[what, "only libmem"], total[what, "neither"]
}

function print_headers(title, what,   bad)
{
	bad = total["header", what, "fail"] + total["header", what, "crash"] + total["header", what, "timeout"]
	printf "%-22s %9d %12d\n", title, total["header", what, "ok"], bad
	return bad
}

END {
	printf "" > (out "/differences.txt")
	printf "" > (out "/headers.txt")
	print "object", "libmem open", "libbpf open", "libmem load", "libbpf load", "programs", "libmem programs",
		"libbpf programs", "header", "c", "c++", "libmem message", "libbpf message" > (out "/objects.tsv")
	print "object", "program", "section", "loads with", "libmem", "libbpf", "libmem message",
		"libbpf message" > (out "/programs.tsv")
	if (!quiet)
		print "                                                  libmem, libbpf"
	for (i = 1; i <= object_count; i++)
		do_object(objects[i])
	sorter = "sort -t '\t' -k1,2 -k3,3nr > " out "/causes.txt"
	for (key in causes) {
		split(key, part, FS)
		print part[1], part[2], causes[key], part[3], example[key] | sorter
	}
	close(sorter)
	if (seen["libmem"]) {
		printf "\n%-22s %9s %12s %12s %9s\n", "", "both", "only libbpf", "only libmem", "neither"
		print_total("objects opened", "open")
		print_total("objects loaded", "load")
		print_total("programs loaded", "prog")
	}
	if (seen["header"]) {
		printf "\n%-22s %9s %12s\n", "", "good", "bad"
		bad = print_headers("headers generated", "generate")
		bad += print_headers("... compile as C11", "c")
		bad += print_headers("... compile as C++17", "c++")
		if (total["header", "layout", "ok"] + total["header", "layout", "fail"])
			bad += print_headers("... laid out as in BTF", "layout")
	}
	printf "\nDetails: %s/{objects,programs}.tsv, {differences,causes,headers}.txt\n", out
	bad += total["open", "only libbpf"] + total["load", "only libbpf"] + total["prog", "only libbpf"]
	exit bad != 0
}
