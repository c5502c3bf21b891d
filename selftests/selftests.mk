# SPDX-License-Identifier: BSD-2-Clause
## make test                  everything below, on this kernel and in the emulator
## make check                 the tests on this kernel; TEST=arena or TEST=arena.it_grows for some
## make check-asan            the same with the address and undefined-behaviour sanitizers
.PHONY: test check check-asan selftests

# selftests/test_*.c are programs of tests, the other files what they share.
TESTS := $(patsubst selftests/%.c,$(BUILD)/selftests/%,$(sort $(wildcard selftests/test_*.c)))
TEST_COMMON := $(patsubst %.c,$(BUILD)/%.o,$(sort $(filter-out selftests/test_%.c,\
	$(wildcard selftests/*.c))))
# selftests/test_*.sh are tests of the build and its results; no kernel is involved.
TEST_SCRIPTS := $(sort $(wildcard selftests/test_*.sh))
TEST_BPF := $(patsubst selftests/bpf/%.bpf.c,$(BUILD)/selftests/%.bpf.o,\
	$(sort $(wildcard selftests/bpf/*.bpf.c)))
TEST_SKELS := $(TEST_BPF:.bpf.o=.skel.h)

BPF_CFLAGS ?= -g -O2
ALL_BPF_CFLAGS = --target=bpf -mcpu=v4 -Wall -Wextra -Werror -Iinclude $(BPF_CFLAGS)

$(BUILD)/selftests/%.o $(BUILD)/selftests/%: private ALL_CFLAGS += -D_GNU_SOURCE -Iselftests -I$(BUILD)/selftests \
	-DBUILD_DIR='"$(BUILD)"' $(ELF_CFLAGS) $(shell $(PKG_CONFIG) --cflags check)

selftests: all $(TESTS) $(TEST_BPF)

$(BUILD)/selftests/%.bpf.o: selftests/bpf/%.bpf.c
	@mkdir -p $(@D)
	$(call say,BPF,$<)
	$(Q)$(CLANG_BPF) $(ALL_BPF_CFLAGS) -MMD -MP -MF $(@:.o=.d) -c $< -o $@

$(BUILD)/selftests/%.skel.h: $(BUILD)/selftests/%.bpf.o $(MEMGEN)
	$(call say,GEN,$@)
	$(Q)$(MEMGEN) skeleton $< -o $@

# Before anything is compiled for the first time there is no list of which test needs which header.
$(TESTS:=.o): | $(TEST_SKELS)

$(TESTS): %: %.o $(TEST_COMMON) $(LIBMEM_ELF_A) $(LIBMEM_A)
	$(call say,LD,$@)
	$(Q)$(CC) $(ALL_LDFLAGS) -pthread $^ $(shell $(PKG_CONFIG) --libs check) $(ELF_LIBS) -o $@

-include $(wildcard $(BUILD)/selftests/*.d)
