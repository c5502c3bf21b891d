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

# quiet unless V=1
ifneq ($(V),1)
Q := @
say = @printf '  %-8s%s\n' '$(1)' '$(2)';
endif

.DELETE_ON_ERROR:
.DEFAULT_GOAL := all
.PHONY: all clean help FORCE

CFLAGS ?= -O2 -g
WARNINGS := -Wall -Wextra -Werror -Wstrict-prototypes -Wmissing-prototypes -Wundef
# sanitizers, coverage: what a variant build adds to compiling and linking alike
VARIANT ?=
ALL_CFLAGS = -std=gnu11 -D_GNU_SOURCE $(WARNINGS) -fvisibility=hidden -fno-semantic-interposition -fPIC -Iinclude -Isrc $(VARIANT) $(CFLAGS)
ALL_LDFLAGS = $(VARIANT) $(LDFLAGS)

# What runs once, or waits for the kernel, is compiled for size; what the application calls all the time, or
# what calls it back, is not.
HOT_OBJS := $(addprefix $(BUILD)/src/,btf_scan.o btf_strings.o hash.o heap.o heap_views.o heap_recover.o perf_buffer.o ringbuf.o run.o \
	task.o task_block.o task_thread.o thread.o user_ringbuf.o)
COLD_OBJS = $(filter-out $(HOT_OBJS),$(RUNTIME_OBJS))
COLD_CFLAGS = $(patsubst -O2,-Os,$(CFLAGS))

# evaluated when used: `make setup` has to work before the packages are there
ELF_CFLAGS = $(shell $(PKG_CONFIG) --cflags libbpf libelf)
ELF_LIBS = $(shell $(PKG_CONFIG) --libs libbpf libelf)

RUNTIME_SRCS := $(sort $(wildcard src/*.c))
# Migration computes with integers of 16 bytes, which 32-bit processors don't have.
ifneq ($(lastword $(shell echo __SIZEOF_INT128__ | $(CC) -E -P - 2> /dev/null)),16)
RUNTIME_SRCS := $(filter-out src/migrate%.c,$(RUNTIME_SRCS))
endif
RUNTIME_OBJS := $(RUNTIME_SRCS:%.c=$(BUILD)/%.o)
READER_OBJS := $(patsubst %.c,$(BUILD)/%.o,$(sort $(wildcard src/reader/*.c)))
MEMGEN_OBJS := $(patsubst %.c,$(BUILD)/%.o,$(sort $(wildcard gen/*.c)))

LIBMEM_A := $(BUILD)/libmem.a
RUNTIME_A := $(BUILD)/internal/libmem.a
READER_A := $(BUILD)/internal/libmem-elf.a
LIBMEM_SO := $(BUILD)/libmem.so.$(SOVERSION)
LIBMEM_ELF_A := $(BUILD)/libmem-elf.a
LIBMEM_ELF_SO := $(BUILD)/libmem-elf.so.$(SOVERSION)
MEMGEN := $(BUILD)/memgen
PUBLIC_HEADERS := $(sort $(wildcard include/mem/*.h))
PC_FILES := $(BUILD)/libmem.pc $(BUILD)/libmem-elf.pc

all: $(LIBMEM_A) $(LIBMEM_SO) $(LIBMEM_ELF_A) $(LIBMEM_ELF_SO) $(MEMGEN) $(PC_FILES)

$(COLD_OBJS): private ALL_CFLAGS := $(filter-out $(CFLAGS),$(ALL_CFLAGS)) $(COLD_CFLAGS)
$(READER_OBJS): private ALL_CFLAGS += $(ELF_CFLAGS)
$(MEMGEN_OBJS): private ALL_CFLAGS += $(ELF_CFLAGS) -DMEMGEN_VERSION='"$(VERSION)"'

$(BUILD)/%.o: %.c Makefile
	@mkdir -p $(@D)
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
$(LIBMEM_A): $(RUNTIME_A)
$(LIBMEM_ELF_A): $(READER_A)
$(BUILD)/%.a: $(BUILD)/internal/%.a
	$(call say,AR,$@)
	$(Q)$(NM) -g --defined-only $< | awk 'NF == 3 && $$3 !~ /^mem_/ { print $$3, "mem__" $$3 }' \
		| sort -u > $@.names
	$(Q)rm -f $@ && $(OBJCOPY) --redefine-syms=$@.names $< $@ && rm $@.names

# A linker without an unresolved symbol left over is how "libc alone" is kept true.
$(LIBMEM_SO): $(RUNTIME_OBJS) libmem.map
	$(call say,LD,$@)
	$(Q)$(CC) -shared -Wl,-soname,$(@F) -Wl,--version-script=libmem.map -Wl,--no-undefined \
		-Wl,-z,relro,-z,now,-z,noseparate-code -Wl,-Bsymbolic-functions $(ALL_LDFLAGS) $(RUNTIME_OBJS) -o $@
	$(Q)ln -sf $(@F) $(BUILD)/libmem.so

$(LIBMEM_ELF_SO): $(READER_OBJS) libmem-elf.map $(LIBMEM_SO)
	$(call say,LD,$@)
	$(Q)$(CC) -shared -Wl,-soname,$(@F) -Wl,--version-script=libmem-elf.map -Wl,--no-undefined \
		-Wl,-z,relro,-z,now $(ALL_LDFLAGS) $(READER_OBJS) $(LIBMEM_SO) $(ELF_LIBS) -o $@
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

-include $(wildcard $(BUILD)/src/*.d $(BUILD)/src/reader/*.d $(BUILD)/gen/*.d)
