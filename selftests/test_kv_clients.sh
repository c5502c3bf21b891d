#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# kv with the clients of libmemcached, over a pair of virtual interfaces with a namespace at each end.
. "$(dirname "$0")/harness.sh"

kv=$BUILD/bpf-progs/kv/kv
here=kv$$s there=kv$$c # network namespaces: the server's, the clients'
server=10.99.0.1
capable=$(command -v memccapable || command -v memcapable) # older releases have other names
slap=$(command -v memcaslap || command -v memaslap)
pid=

# fails COMMAND...: -e takes no notice of a "!" command
fails()
{
	if "$@"; then
		echo "succeeded: $*"
		return 1
	fi
}

# what a test that failed left
stop_all()
{
	ip netns pids "$here" 2> /dev/null | xargs -r kill -9
}

clean_up()
{
	stop_all
	ip netns del "$here" 2> /dev/null
	ip netns del "$there" 2> /dev/null
	rm -rf "$scratch"
}
trap clean_up EXIT

need_network()
{
	"$BUILD/selftests/can_bpf" || skip "this machine refuses bpf(2)"
	if [ "$(uname -r | awk -F. '{ print $1 * 1000 + $2 }')" -lt 6010 ]; then
		skip "atomic operations in arenas need Linux 6.10"
	fi
	for command in ip memcping "${capable:-memccapable}" "${slap:-memcaslap}"; do
		command -v "$command" > /dev/null || skip "$command is not installed"
	done
	ip netns list 2> /dev/null | grep -q "^$here" && return
	ip netns add "$here" || skip "network namespaces can't be made here"
	ip netns add "$there"
	ip link add kv0 netns "$here" type veth peer name kv1 netns "$there" ||
		skip "there are no virtual interfaces (veth)"
	ip -n "$here" addr add $server/24 dev kv0
	ip -n "$there" addr add 10.99.0.2/24 dev kv1
	ip -n "$here" link set kv0 up
	ip -n "$there" link set kv1 up
}

client()
{
	ip netns exec "$there" "$@"
}

# tool NAME ARGUMENT...: one of libmemcached's
tool()
{
	local name=$1

	shift
	client "$name" --servers=$server:11211 "$@"
}

attached()
{
	ip -n "$here" link show kv0 | grep -q 'prog/xdp'
}

# start OPTION...: the server; pid is its process
start()
{
	need_network
	stop_all
	ip netns exec "$here" "$kv" -i kv0 "$@" 2> "$scratch/errors" &
	pid=$!
	for _ in $(seq 300); do
		tool memcping > /dev/null 2>&1 && return
		sleep 0.1
	done
	cat "$scratch/errors"
	return 1
}

# stop: by a signal, to which it ends without a word
stop()
{
	kill -"${1:-TERM}" "$pid"
	wait "$pid"
	pid=
	if [ -s "$scratch/errors" ]; then
		cat "$scratch/errors"
		return 1
	fi
	fails attached
}

# stat NAME: what the server says of itself
stat()
{
	tool memcstat | sed -n "s/.*[^a-z_]$1: //p"
}

# udp REQUEST: by way of UDP, from a socket of its own; the answer without its frame
udp()
{
	client bash -c 'exec 3<> /dev/udp/'$server'/11211
		printf "\0\7\0\0\0\1\0\0%b" "$1" | dd bs=65536 iflag=fullblock >&3 2> /dev/null
		timeout 20 dd bs=65536 count=1 <&3 2> /dev/null' udp "$1" | tail -c +9 | tr -d '\r'
}

# says REQUEST ANSWER
says()
{
	local answer

	answer=$(udp "$1")
	[ "$answer" = "$2" ] || { printf '%s gave: %s\n' "$1" "$answer"; return 1; }
}

protocol()
{
	start -g
	client "$capable" -h $server -p 11211 -t 20 > "$scratch/capable" 2>&1 || true
	grep '^ascii' "$scratch/capable"
	[ "$(grep -c '^ascii' "$scratch/capable")" -gt 20 ]
	grep '^ascii' "$scratch/capable" | fails grep -v '\[pass\]'
	stop
}

files_go_in_and_out()
{
	start -g
	mkdir "$scratch/in" "$scratch/out"
	for size in 1 90 1000 20000 1000000; do
		head -c $size /dev/urandom > "$scratch/in/file$size"
		tool memccp "$scratch/in/file$size"
		tool memccat --file="$scratch/out/file$size" "file$size"
		cmp "$scratch/in/file$size" "$scratch/out/file$size"
	done
	tool memcexist file90
	tool memcrm file90
	fails tool memcexist file90
	tool memccp --expire=1000 "$scratch/in/file1"
	tool memcexist file1
	tool memccp --expire=1 "$scratch/in/file1"
	sleep 2.1
	fails tool memcexist file1
	tool memctouch --expire=1000 file1000
	tool memcflush
	[ "$(stat curr_items)" = 0 ]
	fails tool memcexist file1000
	stop INT
}

# xdp OPTION...: what is set over TCP is answered by the program over UDP, and what it can't answer is not
xdp()
{
	start "$@"
	printf 'hello\n' > "$scratch/key"
	tool memccp "$scratch/key"
	says 'get key\r\n' $'VALUE key 0 6\nhello\n\nEND'
	says 'get nothing\r\n' END
	[ "$(stat xdp_hits) $(stat xdp_misses) $(stat xdp_passed)" = "1 1 0" ]
	says 'get key key\r\n' $'VALUE key 0 6\nhello\n\nVALUE key 0 6\nhello\n\nEND'
	says 'set new 0 1000 3\r\nabc\r\n' STORED
	says 'get new\r\n' $'VALUE new 0 3\nabc\nEND'
	[ "$(stat xdp_hits) $(stat xdp_misses) $(stat xdp_passed)" = "2 1 2" ]
	says 'set new 0 1 3\r\nabc\r\n' STORED
	sleep 2.2
	says 'get new\r\n' END
	head -c 5000 /dev/zero | tr '\0' x > "$scratch/large"
	tool memccp "$scratch/large"
	[ "$(udp 'get large\r\n' | wc -c)" = 1391 ] # the first of several datagrams
	tool memcrm key
	says 'get key\r\n' END
	stop
}

xdp_above_the_driver()
{
	xdp -g
}

# A driver sends what a program sends back only if its other end has one, too.
xdp_in_the_driver()
{
	need_network
	printf '%s\n' '__attribute__((section("xdp"), used)) int pass(void *c) { return 2; }' \
		'char text[] __attribute__((section("license"), used)) = "GPL";' > "$scratch/pass.c"
	"$CLANG_BPF" -O2 -g --target=bpf -c "$scratch/pass.c" -o "$scratch/pass.o"
	ip -n "$there" link set dev kv1 xdp obj "$scratch/pass.o" sec xdp
	xdp
	ip -n "$there" link set dev kv1 xdp off
}

# A client that checks every value that it gets, while it sets others.
load_over_udp()
{
	start -g
	printf 'key\n16 100 1\nvalue\n50 150 0.8\n150 900 0.2\ncmd\n0 0.1\n1 0.9\n' > "$scratch/load"
	client "$slap" -s $server:11211 -U -T 1 -c 4 -t 3s -v 1 -F "$scratch/load" > "$scratch/said"
	cat "$scratch/said"
	grep -qx 'verify_failed: 0' "$scratch/said"
	grep -qx 'get_misses: 0' "$scratch/said"
	[ "$(stat xdp_hits)" -gt 1000 ]
	[ "$(stat xdp_hits)" -gt "$(stat xdp_passed)" ]
	stop
}

killed_server_leaves_no_program()
{
	start -g
	attached
	kill -9 "$pid"
	for _ in $(seq 300); do
		attached || break
		sleep 0.1
	done
	fails attached
	[ -z "$(udp 'get key\r\n')" ]
	start -g
	says 'get key\r\n' END
	stop
}

says_what_is_wrong()
{
	need_network
	fails "$kv" -i nosuch0 -p 11999 2> "$scratch/said"
	grep -q "no interface 'nosuch0': No such device" "$scratch/said"
	fails "$kv" -l 10.99.0.1 -i nosuch0 2> "$scratch/said"
	grep -q "nosuch0.*: No such device" "$scratch/said"
	fails "$kv" -l 192.0.2.1 2> "$scratch/said"
	grep -q 'port 11211 of 192.0.2.1: Cannot assign requested address' "$scratch/said"
	fails "$kv" -m 1 2> "$scratch/said"
	grep -q -- '--memory: 1 is not between 2 and 4000' "$scratch/said"
}

[ -x "$kv" ] || "$MAKE" -s kv
check protocol protocol
check files_go_in_and_out files_go_in_and_out
check xdp_above_the_driver xdp_above_the_driver
check xdp_in_the_driver xdp_in_the_driver
check load_over_udp load_over_udp
check killed_server_leaves_no_program killed_server_leaves_no_program
check says_what_is_wrong says_what_is_wrong
finish
