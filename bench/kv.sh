#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# kv.sh KV LOAD CLANG_BPF: gets over UDP from kv and from memcached, the same client, the same pair of virtual
# interfaces, taking turns. The best of the rounds counts for each. CPU time is that of server and client
# together: what a program answers, it answers on the client's time.
set -euo pipefail

kv=$1 load=$2 clang=$3
here=kvb$$s there=kvb$$c server=10.98.0.1 # network namespaces, and the server's address
keys=${KEYS:-100000} size=${SIZE:-100} seconds=${SECONDS_EACH:-2} rounds=${ROUNDS:-3}
scratch=$(mktemp -d)

clean_up()
{
	ip netns pids "$here" 2> /dev/null | xargs -r kill 2> /dev/null || true
	ip netns del "$here" 2> /dev/null || true
	ip netns del "$there" 2> /dev/null || true
	rm -rf "$scratch"
}
trap clean_up EXIT

make_network()
{
	ip netns add "$here"
	ip netns add "$there"
	ip link add kvb0 netns "$here" type veth peer name kvb1 netns "$there"
	ip -n "$here" addr add $server/24 dev kvb0
	ip -n "$there" addr add 10.98.0.2/24 dev kvb1
	ip -n "$here" link set kvb0 up
	ip -n "$there" link set kvb1 up
	# What a program sends back from a driver arrives only where there is one as well.
	printf '%s\n' '__attribute__((section("xdp"), used)) int pass(void *c) { return 2; }' \
		'char text[] __attribute__((section("license"), used)) = "GPL";' > "$scratch/pass.c"
	"$clang" -O2 -g --target=bpf -c "$scratch/pass.c" -o "$scratch/pass.o"
}

# serve NAME: start a server: pid
serve()
{
	case $1 in
	memcached) set -- memcached -u root -m 256 -t 1 -p 11211 -U 11211 ;;
	kv) set -- "$kv" -m 256 ;;
	kv+generic) set -- "$kv" -m 256 -i kvb0 -g ;;
	kv+native)
		ip -n "$there" link set dev kvb1 xdp obj "$scratch/pass.o" sec xdp
		set -- "$kv" -m 256 -i kvb0
		;;
	esac
	ip netns exec "$here" "$@" &
	pid=$!
	sleep 0.5
}

stop()
{
	kill "$pid"
	wait "$pid" || true
	ip -n "$there" link set dev kvb1 xdp off
}

# CPU time of the server since it started, in microseconds
cpu_time()
{
	awk '{ print ($14 + $15) * 10000 }' "/proc/$pid/stat"
}

measure()
{
	local before out

	serve "$1"
	ip netns exec "$there" "$load" $server 11211 "$keys" "$size" 1 0.1 > /dev/null
	before=$(cpu_time)
	out=$(ip netns exec "$there" "$load" $server 11211 "$keys" "$size" "$2" "$seconds")
	echo "$1 $2 $out $(($(cpu_time) - before))" >> "$scratch/results"
	stop
}

make_network
for ((round = 0; round < rounds; round++)); do
	for window in 1 32; do
		for name in memcached kv kv+generic kv+native; do
			measure $name $window
		done
	done
done

awk '
	{ key = $1 " " $2; cpu = ($9 + $10) / $8 }
	$3 > rate[key] { rate[key] = $3 }
	!(key in used) || cpu < used[key] { used[key] = cpu }
	!(key in p50) || $4 < p50[key] { p50[key] = $4 }
	!(key in p99) || $5 < p99[key] { p99[key] = $5 }
	{ lost[key] += $6; wrong += $7 }
	END {
		printf "%-12s %7s %9s %6s %10s %6s %8s %6s %8s %5s\n", "", "at once", "gets/s", "ratio", "CPU us/get",
			"ratio", "p50 us", "ratio", "p99 us", "lost"
		split("memcached kv kv+generic kv+native", name, " ")
		for (w = 1; w <= 32; w += 31)
			for (i = 1; i <= 4; i++) {
				key = name[i] " " w
				peer = "memcached " w
				printf "%-12s %7d %9d %6.2f %10.2f %6.2f %8.1f %6.2f %8.1f %5d\n", name[i], w, rate[key],
					rate[key] / rate[peer], used[key], used[key] / used[peer], p50[key],
					p50[key] / p50[peer], p99[key], lost[key]
			}
		if (wrong)
			printf "%d answers were wrong\n", wrong
		exit wrong != 0
	}' "$scratch/results"
