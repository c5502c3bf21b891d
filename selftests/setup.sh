#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# setup.sh GROUP...: see that what building and testing need is there. Missing packages are
# installed where that is possible (Debian and relatives, as root); else the one line that would do
# it is printed, and the exit code is 1. Quiet and quick when all is there.
set -eu

CLANG_BPF=${CLANG_BPF:-clang-19}

# group, how to see that it is there (c: a command, p: a pkg-config module, f: a file), package, why
needed="
build c:gcc                gcc               compiles the libraries and tools
build f:/usr/include/stdio.h libc6-dev       the C library's headers
build c:pkg-config         pkg-config        finds libbpf, libelf and check
build p:libelf             libelf-dev        libmem-elf reads ELF with it
build p:libbpf             libbpf-dev        libmem-elf reads BTF with it; BPF programs include its headers
build p:zlib               zlib1g-dev        libelf's and libbpf's, for static linking
build c:$CLANG_BPF         $CLANG_BPF        compiles BPF programs; arenas need version 19
test  c:bpf-gcc            gcc-bpf           compiles a BPF program as well
test  c:g++                g++               generated headers are compiled as C++ too
test  p:check              check             the unit-test library
test  c:valgrind           valgrind          runs memgen (make check-valgrind)
test  f:/usr/lib/llvm-${CLANG_BPF##*-}/lib/clang/${CLANG_BPF##*-}/lib/linux/libclang_rt.fuzzer-x86_64.a libclang-rt-${CLANG_BPF##*-}-dev fuzzing (make fuzz)
test  c:llvm-objcopy-${CLANG_BPF##*-} llvm-${CLANG_BPF##*-} strips what the fuzzers start from
test  c:strace             strace            counts system calls
test  c:ip               iproute2          makes network namespaces for kv
test  c:memcping         libmemcached-tools clients for kv
peer  c:memcached        memcached         what kv is measured beside (make bench-kv)
vm    c:qemu-system-x86_64 qemu-system-x86   runs the tests on other kernels
vm    c:busybox            busybox-static    the user space of the emulated machine
vm    c:cpio               cpio              packs it
vm    c:xz                 xz-utils          unpacks kernel modules
vm    c:zstd               zstd              unpacks kernels, which else each machine does as it starts
vm    c:lz4                lz4               the same
lint  c:clang-tidy-${CLANG_BPF##*-} clang-tidy-${CLANG_BPF##*-} looks for mistakes (make lint)
lint  c:cppcheck           cppcheck          the same
lint  c:musl-gcc           musl-tools        compiles the library for another C library (make lint)
cover c:lcov               lcov              shows which lines the tests reach (make coverage)
"

# 32-bit applications, which only this machine type runs beside its own; not package gcc-multilib, which
# brings /usr/include/asm, so that nobody would notice a header for BPF programs that needs it
if [ "$(uname -m)" = x86_64 ] && command -v gcc > /dev/null; then
	needed="$needed
test  f:/usr/include/gnu/stubs-32.h libc6-dev-i386 32-bit applications
test  f:$(dirname "$(gcc -print-libgcc-file-name)")/32/libgcc.a gcc-$(gcc -dumpversion)-multilib the same
"
fi

is_there()
{
	case $1 in
	c:*) command -v "${1#c:}" > /dev/null ;;
	p:*) pkg-config --exists "${1#p:}" 2> /dev/null ;;
	f:*) [ -e "${1#f:}" ] ;;
	esac
}

missing_packages()
{
	echo "$needed" | while read -r group probe package why; do
		case " $* " in
		*" ${group:-none} "*) is_there "$probe" || echo "$package" ;;
		esac
	done
}

explain()
{
	echo "$needed" | while read -r group probe package why; do
		case " $missing " in
		*" $package "*) printf '  %-18s %s\n' "$package" "$why" ;;
		esac
	done
}

install_packages()
{
	DEBIAN_FRONTEND=noninteractive apt-get install -qq -y --no-install-recommends \
		-o DPkg::Lock::Timeout=300 "$@" < /dev/null > "$log" 2>&1
}

missing=$(missing_packages "$@" | sort -u | tr '\n' ' ')
missing=${missing% }
[ -n "$missing" ] || exit 0

if ! command -v apt-get > /dev/null; then
	echo "These are needed, under the names Debian has for them; install what your system calls them:"
	explain
	exit 1
fi
if [ "$(id -u)" != 0 ]; then
	echo "Missing packages; to install them:"
	echo "  sudo apt-get install --no-install-recommends $missing"
	exit 1
fi

printf '  %-8s%s\n' INSTALL "$missing"
log=$(mktemp)
trap 'rm -f "$log"' EXIT
# word splitting is wanted: one argument for each package
# shellcheck disable=SC2086
if ! install_packages $missing; then
	# A fresh machine has no lists of packages yet, or old ones.
	if ! { apt-get update -qq < /dev/null > "$log" 2>&1 && install_packages $missing; }; then
		cat "$log"
		exit 1
	fi
fi
missing=$(missing_packages "$@" | sort -u | tr '\n' ' ')
if [ -n "${missing% }" ]; then
	echo "installed, but still not found: $missing"
	exit 1
fi
