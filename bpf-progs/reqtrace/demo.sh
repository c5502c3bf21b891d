#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
#
# demo.sh FOLDER-OF-PROGRAMS PICTURE: a server with four threads, and reqtrace, which looks at it for some
# seconds while three clients ask for different things: to compute, to wait for a lock, to write a file.
programs=${1:?"usage: demo.sh FOLDER PICTURE"}
picture=${2:-reqtrace.svg}
scratch=$(mktemp -d)
mine=

grep -q ' /sys/fs/bpf bpf ' /proc/mounts || { mount -t bpf bpf /sys/fs/bpf && mine=1; }

"$programs/reqserver" serve "$scratch/socket" 4 > /dev/null &
server=$!
"$programs/reqtrace" --duration 4 --timeline "$picture" &
tool=$!
trap 'kill $server $tool 2>/dev/null; wait; rm -rf "$scratch"; [ -z "$mine" ] || umount /sys/fs/bpf' EXIT
trap 'exit 130' INT TERM

sleep 1.5 # the server looks for tracers once a second
"$programs/reqserver" load "$scratch/socket" 8 \
	"compute=15 sleep=5" "lock=20 calls=200" "lock=10 file=20 compute=3" > /dev/null
wait $tool
echo "The timeline is $picture."
