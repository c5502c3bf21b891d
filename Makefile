# SPDX-License-Identifier: BSD-2-Clause
#
#   make            the libraries and memgen, under build/
#   make demo       see it run        make test      all tests
#   make install    PREFIX=/usr/local DESTDIR=
#   make setup      install the packages that building and testing need
#   make help       everything else
#
# Each folder's targets are in its own *.mk.

VERSION := 0.1.0
SOVERSION := 0

PREFIX ?= /usr/local
LIBDIR ?= $(PREFIX)/lib
INCLUDEDIR ?= $(PREFIX)/include
BINDIR ?= $(PREFIX)/bin
MANDIR ?= $(PREFIX)/share/man
DESTDIR ?=

CC ?= cc
CXX ?= c++
CLANG_BPF ?= clang-19
PKG_CONFIG ?= pkg-config
NM ?= nm
OBJCOPY ?= objcopy
BUILD ?= build

# For another machine type (docs/testing.md): its compiler is $(CROSS_COMPILE)gcc, its libraries are in SYSROOT.
CROSS_COMPILE ?=
SYSROOT ?=
ifneq ($(CROSS_COMPILE),)
CC := $(CROSS_COMPILE)gcc $(SYSROOT:%=--sysroot=%)
CXX := $(CROSS_COMPILE)g++ $(SYSROOT:%=--sysroot=%)
AR := $(CROSS_COMPILE)ar
NM := $(CROSS_COMPILE)nm
OBJCOPY := $(CROSS_COMPILE)objcopy
PKG_CONFIG := $(if $(SYSROOT),env PKG_CONFIG_SYSROOT_DIR=$(SYSROOT) \
	PKG_CONFIG_LIBDIR=$(SYSROOT)/usr/lib/$(shell $(CC) -print-multiarch)/pkgconfig \
	pkg-config,$(CROSS_COMPILE)pkg-config)
endif

# quiet unless V=1
ifneq ($(V),1)
Q := @
say = @printf '  %-8s%s\n' '$(1)' '$(2)';
endif

.DELETE_ON_ERROR:
.DEFAULT_GOAL := all
.PHONY: all clean help FORCE

CFLAGS ?= -O2 -g
# Distributions ask for optimization at link time. Names of functions are changed between compiling and linking here,
# which takes object code.
override CFLAGS := $(filter-out -flto% -ffat-lto-objects,$(CFLAGS))
override LDFLAGS := $(filter-out -flto% -ffat-lto-objects,$(LDFLAGS))
WARNINGS := -Wall -Wextra -Werror -Wstrict-prototypes -Wmissing-prototypes -Wundef
# sanitizers, coverage: what a variant build adds to compiling and linking alike
VARIANT ?=
ALL_CFLAGS = -std=gnu11 -D_GNU_SOURCE $(WARNINGS) -fvisibility=protected -fno-semantic-interposition -fPIC -Iinclude -Isrc $(VARIANT) $(CFLAGS)
ALL_LDFLAGS = $(VARIANT) $(LDFLAGS)

# What runs once, or waits for the kernel, is compiled for size; what the application calls all the time is not.
HOT_OBJS := $(addprefix $(BUILD)/src/,btf_scan.o btf_strings.o hash.o heap.o heap_views.o heap_recover.o perf_buffer.o ringbuf.o \
	task_block.o task_thread.o thread.o user_ringbuf.o)
COLD_OBJS = $(filter-out $(HOT_OBJS),$(RUNTIME_OBJS) $(CORE_OBJS) $(PARTS_OBJS))
# Tables of jumps would be one more page that is touched, and are larger than the comparisons.
COLD_CFLAGS = $(patsubst -O2,$(SMALLEST),$(CFLAGS)) -fno-jump-tables
# gcc has it since 12
SMALLEST := $(shell $(CC) -Oz -E -x c /dev/null > /dev/null 2>&1 && echo -Oz || echo -Os)
# Tables for unwinding are a fifth of a library: what calls the application back, or sleeps until something happens,
# has them (exceptions, pthread_cancel(3)); of the rest, debuggers have their own with -g.
UNWOUND_OBJS := $(addprefix $(BUILD)/src/,migrate%.o perf_buffer.o pin.o region_socket.o ringbuf.o schema.o task%.o user_ringbuf.o)

# Evaluated when first used: `make setup` has to work before the packages are there; then kept: no
# process for each object.
once = $(eval $(1) := $$(shell $(PKG_CONFIG) $(2)))$($(1))
ELF_CFLAGS = $(call once,ELF_CFLAGS,--cflags libbpf libelf)
ELF_LIBS = $(call once,ELF_LIBS,--libs libbpf libelf)

RUNTIME_SRCS := $(sort $(wildcard src/*.c))
# Migration computes with integers of 16 bytes, which 32-bit processors don't have.
ifneq ($(lastword $(shell echo __SIZEOF_INT128__ | $(CC) $(CFLAGS) -E -P - 2> /dev/null)),16)
RUNTIME_SRCS := $(filter-out src/migrate%.c,$(RUNTIME_SRCS))
endif
RUNTIME_OBJS := $(RUNTIME_SRCS:%.c=$(BUILD)/%.o)

# The shared library is two: what any tool needs, and the parts for those that have use for them
# (docs/architecture.md). libmem.so names both; a program is linked with the second if it calls into it.
PARTS_SRCS := $(filter $(wildcard $(addprefix src/,arena_adopt.c arena_usage.c btf_walk.c context_arguments.c hash.c \
	heap*.c link_pin.c link_update*.c live_map.c migrate*.c object_open.c perf_buffer.c pin.c pinned*.c prog_stats.c \
	region_adopt.c region_attach.c region_socket.c reuse.c schema*.c stream.c task*.c thread.c type_match.c \
	user_ringbuf.c)),$(RUNTIME_SRCS))
PARTS_OBJS := $(PARTS_SRCS:%.c=$(BUILD)/%.o) $(BUILD)/src/shared/parts_offer.o
# What every load runs comes first, in the file as in memory: of a library the kernel maps sixteen pages around each
# that is touched, and then the others are not there.
FIRST_OBJS := $(addprefix $(BUILD)/src/,skeleton.o object.o spare.o image.o image_check.o region.o map.o insns.o prog.o \
	btf_load.o sys.o error.o load_ahead.o arena_share.o attach.o link.o contents.o struct_ops.o shared/parts_call.o)
CORE_OBJS := $(FIRST_OBJS) $(filter-out $(FIRST_OBJS) $(PARTS_OBJS),$(RUNTIME_OBJS))
READER_OBJS := $(patsubst %.c,$(BUILD)/%.o,$(sort $(wildcard src/reader/*.c)))
MEMGEN_OBJS := $(patsubst %.c,$(BUILD)/%.o,$(sort $(wildcard gen/*.c)))

LIBMEM_A := $(BUILD)/libmem.a
RUNTIME_A := $(BUILD)/internal/libmem.a
READER_A := $(BUILD)/internal/libmem-elf.a
LIBMEM_SO := $(BUILD)/libmem.so.$(SOVERSION)
LIBMEM_PARTS_SO := $(BUILD)/libmem-parts.so.$(SOVERSION)
LIBMEM_LINK := $(BUILD)/libmem.so
LIBMEM_ELF_A := $(BUILD)/libmem-elf.a
LIBMEM_ELF_SO := $(BUILD)/libmem-elf.so.$(SOVERSION)
MEMGEN := $(BUILD)/memgen
# the one that makes the headers of this build: where programs for another machine can't be run, another build's
HOST_MEMGEN ?= $(MEMGEN)
PUBLIC_HEADERS := $(sort $(wildcard include/mem/*.h))
PC_FILES := $(BUILD)/libmem.pc $(BUILD)/libmem-elf.pc

all: $(LIBMEM_A) $(LIBMEM_LINK) $(LIBMEM_ELF_A) $(LIBMEM_ELF_SO) $(MEMGEN) $(PC_FILES)

$(COLD_OBJS): private ALL_CFLAGS := $(filter-out $(CFLAGS),$(ALL_CFLAGS)) $(COLD_CFLAGS)
$(filter-out $(UNWOUND_OBJS),$(CORE_OBJS) $(PARTS_OBJS)): private ALL_CFLAGS += -fno-asynchronous-unwind-tables
$(READER_OBJS): private ALL_CFLAGS += $(ELF_CFLAGS)
$(MEMGEN_OBJS): private ALL_CFLAGS += $(ELF_CFLAGS) -DMEMGEN_VERSION='"$(VERSION)"'

# Make knows which folders there are: no process for each object to ask.
folder = $(if $(wildcard $(@D)),,@mkdir -p $(@D))

$(BUILD)/%.o: %.c Makefile
	$(folder)
	$(call say,CC,$<)
	$(Q)$(CC) $(ALL_CFLAGS) -MMD -MP -c $< -o $@

# What memgen and the tests link: functions that are private to the libraries have their own names.
$(RUNTIME_A): $(RUNTIME_OBJS)
$(READER_A): $(READER_OBJS)
$(RUNTIME_A) $(READER_A):
	@mkdir -p $(@D)
	$(Q)rm -f $@ && $(AR) rcs $@ $^

# What applications link: there they are called mem__*, so that no name of an application's own can
# clash with them.
$(BUILD)/internal/%.names: $(BUILD)/internal/%.a
	$(Q)$(NM) -g --defined-only $< | awk 'NF == 3 && $$3 !~ /^mem_/ { print $$3, "mem__" $$3 }' | sort -u > $@

$(LIBMEM_A): $(RUNTIME_A) $(BUILD)/internal/libmem.names
$(LIBMEM_ELF_A): $(READER_A) $(BUILD)/internal/libmem-elf.names
$(LIBMEM_A) $(LIBMEM_ELF_A):
	$(call say,AR,$@)
	$(Q)rm -rf $@ $@.new $@.names && $(OBJCOPY) --redefine-syms=$(word 2,$^) $< $@.new
	$(Q)mkdir $@.names && $(NM) -g --defined-only $@.new | awk '$(PROTECT)' > $@.names/names.c
	$(Q)cd $@.names && $(AR) x ../$(@F).new $(PROTECTOR) && $(CC) $(CFLAGS) -g0 -c names.c -o names.o && \
		$(CC) $(filter -m% --target=%,$(CFLAGS)) -r -nostdlib $(PROTECTOR) names.o -o all.o && \
		mv all.o $(PROTECTOR) && $(AR) r ../$(@F).new $(PROTECTOR)
	$(Q)rm -r $@.names && mv $@.new $@

# A library that has such an archive in it calls the functions that it has, and not half of them in the program that
# loads it. That is what protected symbols are for, but those of shared libraries had better be none: hence the
# archive's member that is in every program refers to all of them as such, and linkers go by the strictest. It is C, so
# that CFLAGS are the same: what an object says of the processor (-m32, -fcf-protection) has to be said by both.
$(LIBMEM_A): private PROTECTOR := error.o
$(LIBMEM_ELF_A): private PROTECTOR := image_read.o
PROTECT = BEGIN { print "__asm__(\".pushsection .mem_names,\\\"e\\\",%progbits\\n.byte 0\\n\"" } \
	NF == 3 && $$3 ~ /^mem_/ && $$3 !~ /^mem__/ { \
		print "\".weak " $$3 "\\n.protected " $$3 "\\n.reloc 0, BFD_RELOC_NONE, " $$3 "\\n\"" } \
	END { print "\".popsection\");" }

# The same for the two shared libraries, one of which calls private functions of the other.
CORE_A := $(BUILD)/internal/shared/libmem.a
PARTS_A := $(BUILD)/internal/shared/libmem-parts.a
$(CORE_A): $(CORE_OBJS)
$(PARTS_A): $(PARTS_OBJS)
$(CORE_A) $(PARTS_A): $(BUILD)/internal/libmem.names
	@mkdir -p $(@D)
	$(Q)rm -f $@.new $@ && $(AR) rcs $@.new $(filter %.o,$^)
	$(Q)$(OBJCOPY) --redefine-syms=$< --redefine-sym parts_table_set=mem__parts_table_set $@.new $@ && rm $@.new

# libmem.map, and what the parts need besides.
$(BUILD)/internal/shared/libmem.map: libmem.map $(CORE_A) $(PARTS_A)
	$(Q)$(NM) -g --defined-only $(CORE_A) | awk 'NF == 3 && $$3 ~ /^mem__/ { print $$3 }' | sort -u > $@.core
	$(Q)$(NM) -g --defined-only $(PARTS_A) | awk 'NF == 3 { print $$3 }' | sort -u > $@.parts
	$(Q)$(NM) -u $(PARTS_A) | awk 'NF == 2 { print $$2 }' | sort -u | comm -23 - $@.parts | \
		comm -12 - $@.core > $@.border
	$(Q)awk 'NR == FNR { border[$$1 ";"]; next } private { delete border[$$1] } /LIBMEM_PRIVATE/ { private = 1 } \
		private && /^};/ { for (name in border) print "\t\t" name } { print }' $@.border $< > $@
	$(Q)rm $@.core $@.parts $@.border

# A linker without an unresolved symbol left over is how "libc alone" is kept true.
# Relative relocations packed, where the C library can read them (glibc 2.36) and the linker write them.
RELR := -Wl,-z,pack-relative-relocs
PACKED = $(shell grep -qs GLIBC_ABI_DT_RELR "$$($(CC) $(ALL_LDFLAGS) -print-file-name=libc.so.6)" && \
	[ -z "$$($(CC) -shared -nostdlib $(RELR) -x c /dev/null -o /dev/null 2>&1)" ] && echo $(RELR))
# No -O1 for the linker: twice as many buckets for symbols, of which a program looks up few.
SHARED_LDFLAGS = -shared $(PACKED) -Wl,-soname,$(@F) -Wl,--no-undefined -Wl,-z,relro,-z,now,-z,noseparate-code \
	-Wl,-Bsymbolic-functions,--hash-style=gnu $(ALL_LDFLAGS)
$(LIBMEM_SO): $(BUILD)/internal/shared/libmem.map $(CORE_A)
	$(call say,LD,$@)
	$(Q)$(CC) $(SHARED_LDFLAGS) -Wl,--version-script=$< -Wl,--whole-archive $(CORE_A) -Wl,--no-whole-archive -o $@

$(LIBMEM_PARTS_SO): libmem-parts.map $(PARTS_A) $(LIBMEM_SO)
	$(call say,LD,$@)
	$(Q)$(CC) $(SHARED_LDFLAGS) -Wl,--version-script=$< -Wl,-rpath,'$$ORIGIN' \
		-Wl,--whole-archive $(PARTS_A) -Wl,--no-whole-archive $(LIBMEM_SO) -o $@

# What -lmem finds: both, the second where it is needed.
$(LIBMEM_LINK): $(LIBMEM_SO) $(LIBMEM_PARTS_SO)
	$(Q)rm -f $@ && printf '/* GNU ld script */\nINPUT ( %s AS_NEEDED ( %s ) )\n' $(^F) > $@

$(LIBMEM_ELF_SO): libmem-elf.map $(READER_OBJS) $(LIBMEM_SO) $(LIBMEM_PARTS_SO)
	$(call say,LD,$@)
	$(Q)$(CC) $(SHARED_LDFLAGS) -Wl,--version-script=$< -Wl,-rpath,'$$ORIGIN' $(filter-out $<,$^) $(ELF_LIBS) -o $@
	$(Q)ln -sf $(@F) $(BUILD)/libmem-elf.so

# The archive gives memgen the messages and the image check; the test of the layering shows that
# no system-call code comes along.
$(MEMGEN): $(MEMGEN_OBJS) $(READER_A) $(RUNTIME_A)
	$(call say,LD,$@)
	$(Q)$(CC) $(ALL_LDFLAGS) $^ $(ELF_LIBS) -o $@

# Made each time, since PREFIX may be another than last time; written when it is.
$(BUILD)/%.pc: %.pc.in FORCE
	@mkdir -p $(@D)
	$(Q)sed -e 's|@PREFIX@|$(PREFIX)|' -e 's|@LIBDIR@|$(LIBDIR)|' -e 's|@VERSION@|$(VERSION)|' \
		-e 's|@INCLUDEDIR@|$(INCLUDEDIR)|' $< > $@.new
	$(Q)if cmp -s $@.new $@; then rm $@.new; else mv $@.new $@; fi

FORCE:

include install.mk
-include $(wildcard setup.mk bpf-progs/common/*.mk bpf-progs/*.mk selftests/*.mk bench/*.mk docs/*.mk)

clean:
	$(Q)rm -rf $(BUILD)

help:
	@sed -n '3,/^$$/s/^# \{0,1\}//p' Makefile
	@sed -n 's/^## //p' $(MAKEFILE_LIST)

-include $(wildcard $(BUILD)/src/*.d $(BUILD)/src/shared/*.d $(BUILD)/src/reader/*.d $(BUILD)/gen/*.d)
