#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# The emulated machine tells what happened in it: results and exit codes of commands, panics, warnings
# and hangs of the kernel.
. "$(dirname "$0")/harness.sh"

vm=selftests/vm
kernel=6.12

# in_vm EXPECTED-EXIT-CODE ARGUMENT...: what comes out is in $scratch/out
in_vm()
{
	local expected=$1 status=0

	shift
	"$vm/run" "$kernel" "$@" > "$scratch/out" || status=$?
	cat "$scratch/out"
	echo "exit code $status"
	[ $status = "$expected" ]
}

commands_and_files()
{
	echo "some text" > "$scratch/file"
	in_vm 3 -f "$scratch/file" -f "$scratch/file:/elsewhere/there" -e "WORD=two words" -m dummy -- \
		sh -c "cat '$scratch/file' /elsewhere/there; echo \"\$WORD\"; pwd; ls /sys/module/dummy; \
			uname -r; echo error >&2; exit 3"
	head -n 4 "$scratch/out" | diff - <(printf '%s\n' "some text" "some text" "two words" "$PWD")
	grep -q "^$kernel" "$scratch/out"
}

# What a kernel says when something is wrong that it survives: here, a line of the same form.
a_warning()
{
	in_vm 126 -- sh -c 'echo "<4>WARNING: CPU: 0 PID: 1 at nowhere" > /dev/kmsg; echo after' 2> "$scratch/errors"
	grep -q '^after$' "$scratch/out"
	grep -q 'WARNING: CPU: 0 PID: 1 at nowhere' "$scratch/errors"
}

a_hang()
{
	in_vm 124 -q 15 -- sh -c 'echo before; sleep 1000' 2> "$scratch/errors"
	grep -q '^before$' "$scratch/out"
	grep -q 'not a word for 15 seconds' "$scratch/errors"
}

# A program of tests, as far as the matrix can see, that ends its machine in its second test.
the_matrix_blames_the_right_test()
{
	cat > "$scratch/test_wrong" <<-'EOF'
		#!/bin/sh
		echo "<4>test: wrong.first" > /dev/kmsg
		echo "ok   wrong.first"
		echo "<4>test: wrong.second" > /dev/kmsg
		sleep 1
		echo c > /proc/sysrq-trigger
	EOF
	printf '#!/bin/sh\necho "<4>test: next.one" > /dev/kmsg\necho "ok   next.one"\n' > "$scratch/test_next"
	chmod +x "$scratch/test_wrong" "$scratch/test_next"
	: > "$scratch/results"
	VM_KEPT=$scratch/kept TEST='' "$vm/matrix" "$BUILD" "$scratch/results" "$kernel" -- \
		"$scratch"/test_{wrong,next} > "$scratch/out" 2>&1
	cat "$scratch/out"
	cut -f2- "$scratch/results"
	grep -q '1 suites go on on a new machine' "$scratch/out"
	cut -f2- "$scratch/results" | grep -q '^next	ok	one'
	cut -f2- "$scratch/results" | grep -q '^wrong	ok	first'
	cut -f2- "$scratch/results" | grep -q '^wrong	FAIL	second	the kernel said: .*Kernel panic'
	cut -f2- "$scratch/results" | grep -q '^wrong	FAIL	(program)	did not end'
	# what the machine itself said of its end
	grep -q "vm/run: Linux $kernel: the kernel is not well" "$scratch/out"
	grep -q '^		.*Kernel panic' "$scratch/out"
}

# There is no way back from it, so a machine of its own is locked down.
lockdown_is_named()
{
	in_vm 0 -f "$BUILD/selftests/test_refusals" -- sh -c "mount -t securityfs none /sys/kernel/security; \
		echo confidentiality > /sys/kernel/security/lockdown; \
		exec '$(readlink -f "$BUILD/selftests/test_refusals")' 'lockdown_*'"
	[ "$(grep -c '^ok ' "$scratch/out")" = 3 ]
}

# ... and programs of tests do say where they are. They bring their libraries.
tests_mark_the_console()
{
	LIBMEM_VM_CONSOLE=$scratch/console in_vm 0 -- "$BUILD/selftests/test_harness" nothing_done_is_no_leak
	grep -q ' test: harness.nothing_done_is_no_leak' "$scratch/console"
}

for test in commands_and_files a_warning a_hang lockdown_is_named \
	the_matrix_blames_the_right_test tests_mark_the_console; do
	check $test $test
done
finish
