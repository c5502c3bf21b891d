#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
#
# Run syslat for three seconds beside processes that each do one kind of thing:
#
#     dd      copies without waiting: many short calls
#     find    reads directories
#     sleep   waits: few calls, each as long as the sleep
#     sh      starts all of these: fork, wait
syslat=${1:?"usage: demo.sh PATH-OF-SYSLAT"}
workers=

worker() {
	"$@" >/dev/null 2>&1 &
	workers="$workers $!"
}

copies() {
	while :; do dd if=/dev/zero of=/dev/null bs=16k count=20000; done
}

searches() {
	while :; do find /usr/share -name '*.nothing'; done
}

sleeps() {
	while :; do sleep 0.05; done
}

# shellcheck disable=SC2086 # several process ids
trap 'kill $workers 2>/dev/null; wait $workers 2>/dev/null' EXIT
trap 'exit 130' INT TERM

worker copies
worker searches
worker sleeps
"$syslat" --duration 3
