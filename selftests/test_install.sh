#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# A user's way: install, then build programs against nothing but what was installed.
. "$(dirname "$0")/harness.sh"

BUILD=$(readlink -f "$BUILD")
prefix=$scratch/usr
export PKG_CONFIG_PATH=$prefix/lib/pkgconfig PATH=$prefix/bin:$PATH

install_to()
{
	"$MAKE" --no-print-directory BUILD="$BUILD" CC="$CC" "$@"
}

# Whether programs can be run, and not only built.
can_run()
{
	"$BUILD/selftests/can_bpf" > /dev/null
}

write_sources()
{
	cat > shared.bpf.c <<-EOF
		#include <mem/bpf.h>
		struct pair { int left, right; };
		struct pair pair = {1, 2};
		SEC("syscall") int swap(void *ctx)
		{
			int left = pair.left;
			pair.left = pair.right;
			pair.right = left;
			return 0;
		}
		char LICENSE[] SEC("license") = "GPL";
	EOF
	# C and C++ alike
	cat > tool.c <<-EOF
		#include <stdio.h>
		#include "shared.skel.h"
		int main(int argc, char **argv)
		{
			struct shared *skel = shared__open();
			(void)argv;
			if (!skel)
				return 1;
			skel->data->pair.left = 10;
			if (argc > 1) {
				if (shared__load(skel) || mem_prog_run(skel->progs.swap, NULL)) {
					fprintf(stderr, "%s\n", mem_error_message());
					return 1;
				}
				if (skel->data->pair.left != 2 || skel->data->pair.right != 10)
					return 2;
			}
			shared__destroy(skel);
			puts(mem_version());
			return 0;
		}
	EOF
	cat > reader.c <<-EOF
		#include <stdio.h>
		#include <mem/elf.h>
		int main(void)
		{
			struct mem_object *obj = mem_object_open_file("shared.bpf.o", NULL);
			if (!obj)
				return fprintf(stderr, "%s\n", mem_error_message()), 1;
			if (!mem_object_find_prog(obj, "swap"))
				return 2;
			mem_object_close(obj);
			return 0;
		}
	EOF
	"$CLANG_BPF" -g -O2 -Wall -Werror --target=bpf -mcpu=v3 -I"$prefix/include" -c shared.bpf.c -o shared.bpf.o
	memgen skeleton shared.bpf.o -o shared.skel.h
}

# flags OPTION... PACKAGE: what pkg-config says
flags()
{
	"$PKG_CONFIG" --cflags --libs "$@"
}

run()
{
	if can_run; then
		"$1" load
	else
		"$1"
	fi
}

installs()
{
	install_to PREFIX="$prefix" install
	test -x "$prefix/bin/memgen"
	test -f "$prefix/include/mem/mem.h"
	mkdir "$scratch/work"
	cd "$scratch/work"
	write_sources
}

# needs FILE LIBRARY: whether a program is linked with it
needs()
{
	readelf -d "$1" | grep -F "(NEEDED)" | grep -qF "[$2.$SOVERSION]"
}

# word splitting of the flags is wanted in what follows
# shellcheck disable=SC2046
c_shared()
{
	cd "$scratch/work"
	"$CC" -Wall -Wextra -Werror tool.c $(flags libmem) -o tool
	LD_LIBRARY_PATH=$prefix/lib run ./tool
	needs ./tool libmem.so
	if needs ./tool libmem-parts.so; then
		return 1
	fi
	! ./tool 2> /dev/null # it is the installed library that it needs
}

# shellcheck disable=SC2046
c_static()
{
	cd "$scratch/work"
	"$CC" -Wall -Wextra -Werror -static tool.c $(flags --static libmem) -o tool-static
	run ./tool-static
}

# A function of each part that can be left out: see "parts" in mem/object.h.
parts="arena_map struct_ops_prepare resolve_kernel_ids reuse_find_pin attach_kprobe_target
	attach_kprobe_multi_target attach_usdt_target attach_tracepoint_target resolve_addresses kconfig_fill
	task_prepare image_check schema_build"

# shellcheck disable=SC2046
static_has_what_it_needs()
{
	cd "$scratch/work"
	for part in $parts; do
		! nm tool-static | grep "[TtW] mem__$part$" || return 1
	done
	cat > parts.bpf.c <<-EOF
		#include <mem/bpf.h>
		#include <mem/arena.h>
		MEM_ARENA(pages, 16);
		int MEM_ARENA_VAR counted;
		struct {
			__uint(type, BPF_MAP_TYPE_ARRAY);
			__uint(max_entries, 1);
			__uint(pinning, 1);
			__type(key, __u32);
			__type(value, __u32);
		} pinned SEC(".maps");
		extern const void bpf_prog_active __ksym __weak;
		SEC("syscall") int count(void *ctx)
		{
			MEM_ARENA_USE(pages);
			counted += bpf_map_lookup_elem(&pinned, &(__u32){0}) != 0;
			return &bpf_prog_active ? 1 : 2;
		}
		SEC("?kprobe/do_exit") int probe(void *ctx) { return 0; }
		SEC("?tp/sched/sched_switch") int event(void *ctx) { return 0; }
		SEC("?kprobe.multi/do_exit") int probes(void *ctx) { return 0; }
		char LICENSE[] SEC("license") = "GPL";
	EOF
	cat > parts.c <<-EOF
		#include <stdio.h>
		#include "parts.skel.h"
		int main(int argc, char **argv)
		{
			struct parts *skel = parts__open();
			(void)argv;
			if (!skel || mem_map_pin_path_set(skel->maps.pinned, NULL))
				return 1;
			if (argc > 1 && (parts__load(skel) || mem_prog_run(skel->progs.count, NULL))) {
				fprintf(stderr, "%s\n", mem_error_message());
				return mem_map_fd(skel->maps.pages) < 0 ? 0 : 2; /* a kernel without arenas */
			}
			if (argc > 1 && skel->arena->counted != 1)
				return 3;
			parts__destroy(skel);
			return 0;
		}
	EOF
	"$CLANG_BPF" -g -O2 -Wall -Werror --target=bpf -mcpu=v3 -I"$prefix/include" -c parts.bpf.c -o parts.bpf.o
	memgen skeleton parts.bpf.o -o parts.skel.h
	"$CC" -Wall -Wextra -Werror -static parts.c $(flags --static libmem) -o parts-static
	for part in arena_map resolve_kernel_ids resolve_addresses reuse_find_pin attach_kprobe_target \
		attach_kprobe_multi_target attach_tracepoint_target; do
		nm parts-static | grep "[WwTt] mem__$part$" > /dev/null || { echo "no $part"; return 1; }
	done
	run ./parts-static
}

# Who pins, and who attaches to a pin without privilege, needs schemas, whatever else is left out.
# shellcheck disable=SC2046
static_programs_compare_layouts()
{
	cd "$scratch/work"
	sed 's/int left, right;/int right, left;/' shared.bpf.c > moved.bpf.c
	"$CLANG_BPF" -g -O2 --target=bpf -mcpu=v3 -I"$prefix/include" -c moved.bpf.c -o moved.bpf.o
	memgen skeleton moved.bpf.o -o moved.skel.h
	cat > owner.c <<-EOF
		#include <stdio.h>
		#include <sys/mount.h>
		#include "shared.skel.h"
		int main(void)
		{
			struct shared *skel = shared__open();
			if (mount("bpf", "/sys/fs/bpf", "bpf", 0, "mode=0755"))
				return perror("mount"), 1;
			if (!skel || mem_region_readonly_set(mem_object_find_region(skel->obj, "data"), 1) ||
			    shared__load(skel) || shared__pin(skel, "/sys/fs/bpf/all") ||
			    mem_region_pin(mem_object_find_region(skel->obj, "data"), "/sys/fs/bpf/data", 0666))
				return puts(mem_error_message()), 1;
			shared__destroy(skel);
			return 0;
		}
	EOF
	for name in shared moved; do
		cat > attach_$name.c <<-EOF
			#include <stdio.h>
			#include <unistd.h>
			#include "$name.skel.h"
			int main(void)
			{
				const char *pin = "/sys/fs/bpf/data";
				if (setuid(65534))
					return 1;
				if (!mem_region_attach(${name}__image(), "data", mem_source_pin(pin), NULL))
					return puts(mem_error_message()), 2;
				return 0;
			}
		EOF
	done
	for name in owner attach_shared attach_moved; do
		"$CC" -D_GNU_SOURCE -Wall -Wextra -Werror -static $name.c $(flags --static libmem) -o $name
	done
	can_run || return 0
	unshare -m sh -ec './owner; ./attach_shared; ! ./attach_moved > refusal'
	grep 'left @' refusal
}

# An arena alone: what it holds memgen knows, and who never forks has no list of handlers. Who does has them, and
# the arena's place is held in the child.
# shellcheck disable=SC2046
static_arena_comes_alone()
{
	cd "$scratch/work"
	cat > pages.bpf.c <<-EOF
		#include <mem/bpf.h>
		#include <mem/arena.h>
		MEM_ARENA(pages, 16);
		int MEM_ARENA_VAR counted = 41;
		SEC("syscall") int count(void *ctx)
		{
			MEM_ARENA_USE(pages);
			counted++;
			return 0;
		}
		char LICENSE[] SEC("license") = "GPL";
	EOF
	cat > pages.c <<-EOF
		#include <errno.h>
		#include <stdio.h>
		#include <sys/mman.h>
		#include <sys/wait.h>
		#include <unistd.h>
		#include "pages.skel.h"
		#ifdef FORKS
		static int in_child(struct pages *skel)
		{
			int *counted = &skel->arena->counted;
			void *page = (void *)((unsigned long)counted & ~4095UL);
			if (mmap(page, 4096, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0) !=
			    MAP_FAILED || errno != EEXIST)
				return 1;
			return mem_object_reattach(skel->obj) || *counted != 42 ? 2 : 0;
		}
		static int fork_one(struct pages *skel)
		{
			int status = 1;
			pid_t pid = fork();
			if (!pid)
				_exit(in_child(skel));
			return waitpid(pid, &status, 0) == pid ? status : 1;
		}
		#else
		#define fork_one(skel) 0
		#endif
		int main(int argc, char **argv)
		{
			struct pages *skel = pages__open();
			(void)argv;
			if (!skel || skel->arena->counted != 41)
				return 1;
			if (argc > 1 && (pages__load(skel) || mem_prog_run(skel->progs.count, NULL))) {
				fprintf(stderr, "%s\n", mem_error_message());
				return mem_map_fd(skel->maps.pages) < 0 ? 0 : 2; /* a kernel without arenas */
			}
			if (argc > 1 && (skel->arena->counted != 42 || fork_one(skel)))
				return 3;
			pages__destroy(skel);
			return 0;
		}
	EOF
	"$CLANG_BPF" -g -O2 -Wall -Werror --target=bpf -mcpu=v3 -I"$prefix/include" -c pages.bpf.c -o pages.bpf.o
	memgen skeleton pages.bpf.o -o pages.skel.h
	"$CC" -D_GNU_SOURCE -Wall -Wextra -Werror -static pages.c $(flags --static libmem) -o pages-static
	nm pages-static > pages.names
	grep "[TtW] mem__arena_map$" pages.names
	for left_out in mem__schema_build mem__arena_adopt mem__resolve_addresses mem__attach_tracepoint_target \
		__register_atfork; do
		! grep "[TtW] $left_out$" pages.names || return 1
	done
	run ./pages-static
	"$CC" -D_GNU_SOURCE -DFORKS -Wall -Wextra -Werror -static pages.c $(flags --static libmem) -o pages-forks
	run ./pages-forks
	"$CC" -D_GNU_SOURCE -DFORKS -Wall -Wextra -Werror pages.c $(flags libmem) -o pages-shared
	LD_LIBRARY_PATH=$prefix/lib run ./pages-shared
}

# The same, shared; and as a plugin of a program that has used libmem without the parts up to then.
# shellcheck disable=SC2046
parts_come_when_needed()
{
	cd "$scratch/work"
	"$CC" -Wall -Wextra -Werror parts.c $(flags libmem) -o parts-shared
	needs ./parts-shared libmem-parts.so
	LD_LIBRARY_PATH=$prefix/lib run ./parts-shared

	cat > host.c <<-EOF
		#include <dlfcn.h>
		#include <stdio.h>
		#define main tool_main
		#include "tool.c"
		#undef main
		int main(int argc, char **argv)
		{
			int (*plugin)(int, char **);
			int status = tool_main(argc, argv);
			void *handle = status ? NULL : dlopen("./parts.so", RTLD_NOW | RTLD_LOCAL);
			if (!handle)
				return status ? status : (puts(dlerror()), 4);
			*(void **)&plugin = dlsym(handle, "plugin");
			return plugin(argc, argv);
		}
	EOF
	"$CC" -Wall -Wextra -Werror -Dmain=plugin -fPIC -shared parts.c $(flags libmem) -o parts.so
	"$CC" -Wall -Wextra -Werror host.c $(flags libmem) -ldl -o host
	if needs ./host libmem-parts.so; then
		return 1
	fi
	LD_LIBRARY_PATH=$prefix/lib run ./host
}

# shellcheck disable=SC2046
cpp_shared()
{
	cd "$scratch/work"
	"$CXX" -std=c++17 -Wall -Wextra -Werror -x c++ tool.c $(flags libmem) -o tool++
	LD_LIBRARY_PATH=$prefix/lib run ./tool++
}

# shellcheck disable=SC2046
cpp_static()
{
	cd "$scratch/work"
	"$CXX" -std=c++17 -Wall -Wextra -Werror -static -x c++ tool.c -x none $(flags --static libmem) -o tool++-static
	run ./tool++-static
}

# shellcheck disable=SC2046
elf_shared()
{
	cd "$scratch/work"
	"$CC" -Wall -Wextra -Werror reader.c $(flags libmem-elf) -o reader
	LD_LIBRARY_PATH=$prefix/lib ./reader
}

# shellcheck disable=SC2046
elf_static()
{
	cd "$scratch/work"
	"$CC" -Wall -Wextra -Werror -static reader.c $(flags --static libmem-elf) -o reader-static
	./reader-static
}

# shellcheck disable=SC2046
headers_compile_alone()
{
	local header

	echo 'extern int not_empty;' > "$scratch/alone.c"
	for header in "$prefix"/include/mem/*.h; do
		case $header in
		*/bpf.h) continue ;; # for BPF programs only
		esac
		"$CC" -std=c11 -Wall -Wextra -Werror -pedantic -fsyntax-only $(flags libmem-elf) \
			-include "$header" "$scratch/alone.c"
		"$CXX" -std=c++17 -Wall -Wextra -Werror -pedantic -fsyntax-only -x c++ $(flags libmem-elf) \
			-include "$header" "$scratch/alone.c"
	done
}

# The nth block of C in the README.
readme_block()
{
	awk -v wanted="$1" '/^```c$/ { n++; inside = 1; next } /^```/ { inside = 0 }
		inside && n == wanted' README.md
}

# The commands of the README, with this prefix.
readme_example_works_as_pasted()
{
	mkdir "$scratch/readme"
	readme_block 1 > "$scratch/readme/hits.bpf.c"
	readme_block 2 > "$scratch/readme/hits.c"
	sed -n '/^Build and run it/,/^[A-Z#]/s/^    //p' README.md | sed "s|/usr/local|$prefix|g; s/^sudo //" \
		> "$scratch/readme/commands"
	cat "$scratch/readme/commands"
	can_run || sed -i '/^\.\/hits/d' "$scratch/readme/commands"
	cd "$scratch/readme"
	LD_LIBRARY_PATH=$prefix/lib sh -eu ./commands > output
	cat output
	! can_run || grep -q 'system calls in a second' output
}

destdir_holds_all_of_it()
{
	install_to DESTDIR="$scratch/destdir" PREFIX=/opt/libmem LIBDIR=/opt/libmem/lib64 install
	test -f "$scratch/destdir/opt/libmem/lib64/libmem.a"
	grep -x 'libdir=/opt/libmem/lib64' "$scratch/destdir/opt/libmem/lib64/pkgconfig/libmem.pc"
	install_to DESTDIR="$scratch/destdir" PREFIX=/opt/libmem LIBDIR=/opt/libmem/lib64 uninstall
	find "$scratch/destdir" ! -type d > "$scratch/left"
	cat "$scratch/left"
	[ ! -s "$scratch/left" ]
}

# As before, and with blanks in its name.
a_folder_with_blanks()
{
	local folder="$scratch/my folder"

	install_to PREFIX="$folder/usr" install
	# shellcheck disable=SC2046
	PKG_CONFIG_PATH="$folder/usr/lib/pkgconfig" flags libmem > "$scratch/flags"
	grep -F -- "-I$scratch/my\\ folder/usr/include" "$scratch/flags"
	test -x "$folder/usr/bin/memgen"
	install_to PREFIX="$folder/usr" uninstall
	find "$folder" ! -type d > "$scratch/left"
	cat "$scratch/left"
	[ ! -s "$scratch/left" ]
}

# Packages are built with optimization at link time; whose objects are not what objcopy can change.
names_are_changed_in_object_code()
{
	"$MAKE" -n BUILD="$scratch/none" CC="$CC" CFLAGS="-O2 -flto=auto -ffat-lto-objects -DX" LDFLAGS=-flto all \
		> "$scratch/commands"
	grep -q -- ' -O2 .*-DX' "$scratch/commands"
	! grep -e -flto "$scratch/commands" || return 1
}

uninstall_leaves_nothing()
{
	install_to PREFIX="$prefix" uninstall
	find "$prefix" ! -type d > "$scratch/left"
	cat "$scratch/left"
	[ ! -s "$scratch/left" ]
	[ ! -e "$prefix/include/mem" ]
}

for test in installs c_shared c_static static_has_what_it_needs static_programs_compare_layouts \
	static_arena_comes_alone parts_come_when_needed cpp_shared cpp_static elf_shared elf_static \
	headers_compile_alone readme_example_works_as_pasted destdir_holds_all_of_it a_folder_with_blanks names_are_changed_in_object_code \
	uninstall_leaves_nothing; do
	check $test $test
done
finish
