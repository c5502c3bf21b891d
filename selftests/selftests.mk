# SPDX-License-Identifier: BSD-2-Clause
## make test                  everything below, and on other kernels; TEST=arena or
##                            TEST="arena.it_grows region" for some of it, V=1 to see every test
## make check                 the tests on this machine's kernel, JOBS=2 suites at a time
## make check-asan            the same with the address and undefined-behaviour sanitizers
## make vmtest                the tests in an emulator: KERNEL=6.12 or all of KERNELS
## make vmtest-arm64          the same for an arm64 machine: KERNEL=arm64-6.12, arm64-16k-6.12 (docs/testing.md)
## make vmshell KERNEL=6.12   a shell there, with the test programs in /tests
.PHONY: test check check-asan asan-build vmtest vmtest-arm64 vmshell selftests test-programs

# Debian's packaged kernels: the oldest that is supported, the first generation with arenas, the
# newest there is.
KERNELS ?= 6.1 6.12 newest
KERNEL ?= $(KERNELS)

SANITIZERS := -fsanitize=address,undefined -fno-sanitize-recover=all -fno-omit-frame-pointer
# what variants with sanitizers are compiled with: enough for line numbers, in half the time of -O2 -g; gcc
# warns of more than there is then, and is not heeded
QUICK := -Og -g1 -w
RESULTS := $(BUILD)/results
JOBS ?= 2
HERE := $(shell uname -r | sed 's/[^0-9.].*//')

# selftests/test_*.c are programs of tests, the other files what they share.
TESTS := $(patsubst selftests/%.c,$(BUILD)/selftests/%,$(sort $(wildcard selftests/test_*.c)))
TEST_COMMON := $(patsubst %.c,$(BUILD)/%.o,$(sort $(filter-out selftests/test_%.c selftests/can_bpf.c,\
	$(wildcard selftests/*.c))))
CAN_BPF := $(BUILD)/selftests/can_bpf
# selftests/test_*.sh are tests of what the build makes; no other kernel is involved.
TEST_SCRIPTS := $(sort $(wildcard selftests/test_*.sh))
TEST_BPF := $(patsubst selftests/bpf/%.bpf.c,$(BUILD)/selftests/%.bpf.o,\
	$(sort $(wildcard selftests/bpf/*.bpf.c)))
TEST_SKELS := $(TEST_BPF:.bpf.o=.skel.h)

# What libbpf calls the machine; arenas' atomics are cheaper when they know it.
MACHINE := $(or $(shell $(CC) -dumpmachine 2> /dev/null),$(shell uname -m))
BPF_ARCH := $(subst x86_64,x86,$(subst aarch64,arm64,$(firstword $(subst -, ,$(MACHINE)))))
BPF_CFLAGS ?= -g -O2
ALL_BPF_CFLAGS = --target=bpf -mcpu=v4 -Wall -Werror -Iinclude $(BPF_CFLAGS)
$(BUILD)/selftests/arena_%.bpf.o $(BUILD)/selftests/probes.bpf.o $(BUILD)/selftests/usdt.bpf.o: ALL_BPF_CFLAGS += -D__TARGET_ARCH_$(BPF_ARCH)
# tables and rings with the older instruction set, too
$(BUILD)/selftests/arena_history.bpf.o: ALL_BPF_CFLAGS += -mcpu=v3
# where the compiler leaves most to the verifier
$(BUILD)/selftests/arena_loops_o1.bpf.o: ALL_BPF_CFLAGS += -mcpu=v3 -O1

# Lines and functions, for a failure's place. Types and variables, for a debugger (CFLAGS=-g3), take a sixth of the time.
TEST_DEBUG := $(if $(filter -g,$(CFLAGS)),-g1)
CHECK_CFLAGS = $(call once,CHECK_CFLAGS,--cflags check)
CHECK_LIBS = $(call once,CHECK_LIBS,--libs check)
$(TESTS:=.o) $(TEST_COMMON) $(CAN_BPF).o: private ALL_CFLAGS += -Iselftests -I$(BUILD)/selftests \
	-DBUILD_DIR='"$(BUILD)"' $(ELF_CFLAGS) $(CHECK_CFLAGS) $(TEST_DEBUG)

# A word of TEST names a suite, or else each suite that has it as a part of its name (arena: arena_tools, reuse_arena
# and so on), or that a pattern fits; what is behind a dot chooses tests of it. Below this, TEST has whole names.
SUITES := $(patsubst test_%,%,$(notdir $(TESTS) $(TEST_SCRIPTS:.sh=)))
suites_of = $(strip $(or $(filter $1,$(SUITES)),$(if $(findstring *,$1),$(filter $(subst *,%,$1),$(SUITES)),\
	$(foreach suite,$(SUITES),$(if $(findstring _$1_,_$(suite)_),$(suite))))))
suite_in = $(firstword $(subst ., ,$1))
TEST_UNKNOWN := $(strip $(foreach word,$(TEST),$(if $(call suites_of,$(call suite_in,$(word))),,$(call suite_in,$(word)))))
override TEST := $(strip $(foreach word,$(TEST),$(patsubst %,%$(patsubst $(call suite_in,$(word))%,%,$(word)),\
	$(call suites_of,$(call suite_in,$(word))))))

# Before anything is built for nothing.
.PHONY: suites-known
suites-known:
	$(if $(TEST_UNKNOWN),@echo "TEST: there is no suite $(TEST_UNKNOWN); there are" >&2; \
		printf '%s\n' $(sort $(SUITES)) | fmt -w 100 | sed 's/^/  /' >&2; exit 1)

# Suites that TEST names are built alone; scripts take what they need from all of it.
SUITES_WANTED := $(sort $(foreach word,$(TEST),$(call suite_in,$(word))))
TESTS_WANTED := $(TESTS)
ifneq ($(TEST),)
ifeq ($(filter $(SUITES_WANTED:%=selftests/test_%.sh),$(TEST_SCRIPTS)),)
TESTS_WANTED := $(filter $(SUITES_WANTED:%=$(BUILD)/selftests/test_%),$(TESTS))
endif
endif

selftests: all test-programs
test-programs: $(TESTS_WANTED) $(TEST_BPF) $(CAN_BPF)

# A variant takes the BPF objects of the ordinary build, which no VARIANT changes: OBJECTS_FROM=build.
ifeq ($(OBJECTS_FROM),)
$(BUILD)/selftests/%.bpf.o: selftests/bpf/%.bpf.c
	$(folder)
	$(call say,BPF,$<)
	$(Q)$(CLANG_BPF) $(ALL_BPF_CFLAGS) -MMD -MP -MF $(@:.o=.d) -c $< -o $@
else
$(BUILD)/selftests/%.bpf.o: $(OBJECTS_FROM)/selftests/%.bpf.o
	$(folder)
	$(Q)cp $< $@
endif

# Sign extensions are not to become instructions of Linux 6.6.
$(BUILD)/selftests/kconfig.bpf.o: private ALL_BPF_CFLAGS += -mcpu=v3

# bpf/usdt.bpf.h includes asm/errno.h, which is in a directory per architecture.
# Its sign extensions must not become instructions of Linux 6.6.
$(BUILD)/selftests/usdt.bpf.o: private ALL_BPF_CFLAGS += -mcpu=v3 -idirafter $(SYSROOT)/usr/include/$(shell $(CC) -print-multiarch)

# ... and, where memgen itself is not what is tested, its headers: HEADERS_FROM=build.
ifeq ($(HEADERS_FROM),)
$(BUILD)/selftests/%.skel.h: $(BUILD)/selftests/%.bpf.o $(HOST_MEMGEN)
	$(call say,GEN,$@)
	$(Q)$(HOST_MEMGEN) skeleton $(MEMGEN_FLAGS) $< -o $@
else
$(BUILD)/selftests/%.skel.h: $(HEADERS_FROM)/selftests/%.skel.h
	$(folder)
	$(Q)cp $< $@
endif
$(BUILD)/selftests/accessors.skel.h: private MEMGEN_FLAGS := --accessors
# These are for the oldest kernel as well, which knows no instructions of -mcpu=v4.
$(addprefix $(BUILD)/selftests/,accessors.bpf.o grow.bpf.o percpu.bpf.o): private BPF_CFLAGS += -mcpu=v3

# Before anything is compiled for the first time there is no list of which test needs which header.
$(TESTS:=.o) $(FAULTS_OBJS): | $(TEST_SKELS)

$(TESTS): %: %.o $(TEST_COMMON) $(READER_A) $(RUNTIME_A)
	$(call say,LD,$@)
	$(Q)$(CC) $(ALL_LDFLAGS) -pthread $(filter %.o,$^) $(filter %.a,$^) \
		$(CHECK_LIBS) $(ELF_LIBS) -o $@

# Does this machine let us use bpf(2)? It answers with its exit code.
$(CAN_BPF): $(CAN_BPF).o $(BUILD)/selftests/rawbpf.o
	$(call say,LD,$@)
	$(Q)$(CC) $(ALL_LDFLAGS) $^ -o $@

# The scripts run what a user would run: make, the compilers, the installed tree.
TEST_ENV = MAKE='$(MAKE)' STRIP='$(CROSS_COMPILE)strip' BUILD='$(BUILD)' CC='$(CC)' CXX='$(CXX)' CLANG_BPF='$(CLANG_BPF)' \
	PKG_CONFIG='$(PKG_CONFIG)' VERSION='$(VERSION)' SOVERSION='$(SOVERSION)' TEST='$(TEST)' V='$(V)'
REPORT = awk -f selftests/report.awk $(RESULTS)

check: suites-known setup
	$(Q)$(MAKE) --no-print-directory -s selftests
	$(Q)rm -f $(RESULTS) && touch $(RESULTS)
	$(Q)$(TEST_ENV) selftests/run.sh -j '$(JOBS)' $(HERE) $(RESULTS) $(TESTS) $(TEST_SCRIPTS)
	$(Q)$(REPORT)

check-asan: suites-known setup
	$(Q)$(MAKE) --no-print-directory -s asan-build
	$(Q)rm -f $(RESULTS) && touch $(RESULTS)
	$(Q)$(TEST_ENV) BUILD=$(BUILD)/asan selftests/run.sh -j '$(JOBS)' asan $(RESULTS) \
		$(patsubst $(BUILD)/%,$(BUILD)/asan/%,$(TESTS))
	$(Q)$(REPORT)

# Here memgen makes the headers again: that is how it meets the sanitizers.
asan-build: $(TEST_BPF)
	$(Q)$(MAKE) --no-print-directory BUILD=$(BUILD)/asan OBJECTS_FROM=$(BUILD) \
		CFLAGS='$(QUICK)' VARIANT='$(SANITIZERS)' test-programs

vmtest: suites-known setup
	$(Q)$(MAKE) --no-print-directory -s selftests
	$(Q)rm -f $(RESULTS) && touch $(RESULTS)
	$(Q)$(TEST_ENV) selftests/vm/matrix $(BUILD) $(RESULTS) $(KERNEL) -- $(TESTS_WANTED)
	$(Q)$(REPORT)

# Programs are made for arm64 in a folder of their own, with the headers that this machine's memgen makes.
vmtest-arm64: $(MEMGEN)
	$(Q)$(MAKE) --no-print-directory BUILD=$(BUILD)/arm64 HOST_MEMGEN=$(MEMGEN) CROSS_COMPILE=aarch64-linux-gnu- \
		SYSROOT=$$(selftests/vm/sysroot arm64) KERNEL='$(or $(filter arm64-%,$(KERNEL)),arm64-6.12)' vmtest

vmshell: suites-known setup
	$(Q)$(MAKE) --no-print-directory -s selftests
	$(Q)selftests/vm/run $(firstword $(KERNEL)) -i -t 86400 -m veth -m sch_ingress \
		$(foreach test,$(TESTS_WANTED),-f $(test):/tests/$(notdir $(test))) \
		$(foreach object,$(TEST_BPF),-f $(object):/build/selftests/$(notdir $(object))) \
		-f $(MEMGEN):/build/memgen -e LIBMEM_BUILD=/build -- sh

test: suites-known setup
	$(Q)exec env $(TEST_ENV) RESULTS='$(RESULTS)' HERE='$(HERE)' JOBS='$(JOBS)' \
		KERNELS='$(KERNEL)' TESTS='$(notdir $(TESTS_WANTED))' TEST_SCRIPTS='$(TEST_SCRIPTS)' \
		selftests/test.sh

-include $(wildcard $(BUILD)/selftests/*.d)
