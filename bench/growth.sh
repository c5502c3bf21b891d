#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# growth.sh RUN FOLDER WHAT_HOWMANY: open and load of an object that has so many of something.
set -eu

what=${3%_*} count=${3#*_}
case $what in zeroes | contents) what="KiB of $what" ;; esac
"$1" -n 10 -s 4 -m load -c cpu,faults,peak growth "$what: $count" floor="$2/grow_$3_floor" \
	libmem="$2/grow_$3_libmem" libbpf="$2/grow_$3_libbpf"
