#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# selftests/setup.sh on machines of several kinds, which stand-ins for id and apt-get make of this one.
. "$(dirname "$0")/harness.sh"

stand_ins=$scratch/bin
mkdir "$stand_ins"

# stand_in NAME TEXT: a command of that name, first in PATH
stand_in()
{
	printf '#!/bin/sh\n%s\n' "$2" > "$stand_ins/$1"
	chmod +x "$stand_ins/$1"
}

# setup EXPECTED-EXIT-CODE: what it prints is in $scratch/out
setup()
{
	local expected=$1 status=0

	shift
	PATH=$stand_ins:$PATH sh selftests/setup.sh "$@" > "$scratch/out" || status=$?
	cat "$scratch/out"
	[ $status = "$expected" ]
}

silent_when_all_is_there()
{
	stand_in apt-get 'echo "$@"; exit 1'
	setup 0 build
	[ ! -s "$scratch/out" ]
}

prints_the_line_for_others_than_root()
{
	stand_in id 'echo 1000'
	CLANG_BPF=clang-99 setup 1 build
	grep -qx '  sudo apt-get install --no-install-recommends clang-99' "$scratch/out"
}

installs_as_root()
{
	stand_in id 'echo 0'
	# "install" puts the missing command where it is found
	stand_in apt-get "echo \"\$*\" >> '$scratch/calls'; cp /bin/true '$stand_ins/clang-99'"
	CLANG_BPF=clang-99 setup 0 build
	grep -q '^install .* clang-99$' "$scratch/calls"
	[ "$(wc -l < "$scratch/calls")" = 1 ]
}

reads_the_lists_of_packages_when_it_must()
{
	stand_in id 'echo 0'
	stand_in apt-get "echo \"\$1\" >> '$scratch/calls'
		if [ \"\$1\" = update ]; then touch '$scratch/updated'; fi
		[ -e '$scratch/updated' ] || exit 100
		if [ \"\$1\" = install ]; then cp /bin/true '$stand_ins/clang-99'; fi"
	CLANG_BPF=clang-99 setup 0 build
	[ "$(tr '\n' ' ' < "$scratch/calls")" = "install update install " ]
}

says_when_installing_fails()
{
	stand_in id 'echo 0'
	stand_in apt-get 'echo "no such package"; exit 100'
	CLANG_BPF=clang-99 setup 1 build
	grep -q 'no such package' "$scratch/out"
}

names_what_is_needed_elsewhere()
{
	local command

	for command in sh sort tr mktemp pkg-config gcc printf; do
		ln -s "$(command -v "$command")" "$stand_ins/$command" 2> /dev/null || true
	done
	if PATH=$stand_ins CLANG_BPF=clang-99 sh selftests/setup.sh build > "$scratch/out"; then
		echo "it did not fail"
		return 1
	fi
	cat "$scratch/out"
	grep -q 'clang-99 *compiles BPF programs' "$scratch/out"
}

for test in silent_when_all_is_there prints_the_line_for_others_than_root installs_as_root \
	reads_the_lists_of_packages_when_it_must says_when_installing_fails \
	names_what_is_needed_elsewhere; do
	rm -rf "${stand_ins:?}"/* "$scratch/calls"
	check $test $test
done
finish
