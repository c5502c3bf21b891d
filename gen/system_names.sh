#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
#
# Makes system_names.c: the names that the usual system headers define, so that generated headers
# can stay clear of them. A maintainer runs it when the list of headers grows; the result is
# committed, so that memgen writes the same bytes on every machine.
#
#   gen/system_names.sh > gen/system_names.c      in the top directory; needs gcc, clang-19, awk,
#                                                 libc6-dev, libbpf-dev
set -eu
export LC_ALL=C

headers='mem/elf mem/mem mem/object mem/attach mem/share mem/skeleton mem/task_app mem/task mem/ringbuf
mem/seq mem/accessors mem/migrate mem/schema aio arpa/inet assert bpf/bpf bpf/btf bpf/libbpf byteswap ctype dirent dlfcn endian err errno
error execinfo fcntl fnmatch getopt glob grp ifaddrs inttypes libgen limits linux/bpf
linux/bpf_perf_event linux/btf linux/capability linux/errqueue linux/filter linux/fs linux/futex
linux/icmp linux/icmpv6 linux/if linux/if_arp linux/if_ether linux/if_link linux/if_packet
linux/if_tun linux/if_vlan linux/if_xdp linux/in linux/in6 linux/inet_diag linux/io_uring linux/ip
linux/ipv6 linux/limits linux/mman linux/neighbour linux/netdevice linux/netfilter linux/netlink
linux/perf_event linux/pkt_cls linux/pkt_sched linux/ptrace linux/rtnetlink linux/sched
linux/sched/types linux/seccomp linux/signal linux/sock_diag linux/socket linux/stat linux/stddef
linux/tcp linux/time linux/time_types linux/types linux/udp linux/unistd linux/version
linux/vm_sockets locale malloc math mntent mqueue net/ethernet net/if net/if_arp net/route netdb
netinet/ether netinet/icmp6 netinet/if_ether netinet/in netinet/ip netinet/ip6 netinet/ip_icmp
netinet/tcp netinet/udp netpacket/packet paths poll pthread pwd regex sched search semaphore setjmp
signal spawn stdarg stdatomic stdbool stddef stdint stdio stdlib stdnoreturn string strings sys/auxv
sys/epoll sys/eventfd sys/file sys/inotify sys/ioctl sys/ipc sys/mman sys/mount sys/msg sys/param
sys/personality sys/poll sys/prctl sys/ptrace sys/random sys/resource sys/select sys/sem
sys/sendfile sys/shm sys/signalfd sys/socket sys/stat sys/statfs sys/statvfs sys/swap sys/sysinfo
sys/sysmacros sys/time sys/timerfd sys/times sys/types sys/ucontext sys/uio sys/un sys/user
sys/utsname sys/wait sys/xattr syslog termios threads time ucontext unistd utime wchar wctype'

# Names of other C libraries, other architectures and the kernel that this machine's headers lack.
more_types='u8 u16 u32 u64 s8 s16 s32 s64 uint nullptr_t'
more_macros='mips sun hpux vax i386 arm sparc PAGE_SIZE PAGE_SHIFT HZ noreturn'

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
for header in $headers; do
	echo "#include <$header.h>" > "$work/a.c"
	gcc -Iinclude -D_GNU_SOURCE -std=gnu11 -E -dM "$work/a.c" >> "$work/macros"
	# some need another header before them; what they define before the error still counts
	clang-19 -Iinclude -D_GNU_SOURCE -std=gnu11 -fsyntax-only -Xclang -ast-dump "$work/a.c" \
		>> "$work/ast" 2> /dev/null || :
done

# Object-like macros, without families that no program has as the name of a variable or member.
macros()
{
	awk '/^#define [A-Za-z_][A-Za-z0-9_]*( |$)/ { print $2 }' "$work/macros"
	printf '%s\n' $more_macros
}

# Tags and typedefs: no type can have such a name again.
types()
{
	sed -nE \
	-e 's/^.*-(RecordDecl|EnumDecl) 0x.* (struct|union) ([A-Za-z_][A-Za-z0-9_]*)( definition)?$/\3/p' \
	-e 's/^.*-EnumDecl 0x.*[0-9>] ([A-Za-z_][A-Za-z0-9_]*)$/\1/p' \
	-e 's/^[|`]-TypedefDecl 0x[^'\'']* ([A-Za-z_][A-Za-z0-9_]*) '\''.*/\1/p' "$work/ast"
	printf '%s\n' $more_types
}

# Functions, variables, enumerators: a tag may have such a name, nothing else.
names()
{
	sed -nE \
	-e 's/^[|`]-(FunctionDecl|VarDecl) 0x[^'\'']* ([A-Za-z_][A-Za-z0-9_]*) '\''.*/\2/p' \
	-e 's/^.*-EnumConstantDecl 0x[^'\'']* ([A-Za-z_][A-Za-z0-9_]*) '\''.*/\1/p' "$work/ast"
}

# Sorted, as one string literal with a newline around each name.
table()
{
	echo
	echo "const char $1[] ="
	sort -u | grep -vE '^(definition|SYS_.*|__NR_.*|PRI[a-zA-Z].*|SCN[a-z].*|M_[0-9A-Z].*|__.*__|_*[A-Z0-9_]*_H)$' |
	awk 'BEGIN { line = "\\n" }
	     { if (length(line) + length($0) > 84) { print "\t\"" line "\""; line = "" }
	       line = line $0 "\\n" }
	     END { print "\t\"" line "\";" }'
}

cat << 'EOF'
/* SPDX-License-Identifier: BSD-2-Clause */
/* Made by system_names.sh; see there. Sorted by byte. */
#include "names.h"

/* clang-format off */
EOF
macros | table system_macros
types | table system_types
names | table system_names
