# SPDX-License-Identifier: BSD-2-Clause

# ---- calls that fail on request: selftests/faults/

INJECT_SO := $(BUILD)/selftests/inject.so
FAULTS_OBJS := $(patsubst %.c,$(BUILD)/%.o,$(sort $(wildcard selftests/faults/*.c)))

$(FAULTS_OBJS): private ALL_CFLAGS += -Iselftests -I$(BUILD)/selftests -DBUILD_DIR='"$(BUILD)"' \
	$(CHECK_CFLAGS) $(TEST_DEBUG)
$(BUILD)/selftests/test_faults: $(FAULTS_OBJS)
$(BUILD)/selftests/test_faults.o: | $(INJECT_SO)

# what libelf and libbpf call has to come by here as well
$(INJECT_SO): $(BUILD)/selftests/faults/inject.o
	$(call say,LD,$@)
	$(Q)$(CC) -shared $(ALL_LDFLAGS) $^ -o $@

-include $(wildcard $(BUILD)/selftests/faults/*.d)

# ---- fuzzing: selftests/fuzz/

## make fuzz SECONDS=60       fuzz the reader, the image check, memgen, arenas and what comes over sockets,
##                            the same time each; SEED=1: from the same beginning each time
.PHONY: fuzz fuzz-build fuzz-run fuzzers
SECONDS ?= 60
SEED ?= 0
FUZZ := $(BUILD)/fuzz
FUZZ_TARGETS := reader image memgen receive arena damage
FUZZ_OBJS := $(patsubst %,$(BUILD)/selftests/fuzz/%.o,fuzz_reader fuzz_image fuzz_memgen fuzz_receive same_image mutate fail \
	fuzz_arena fuzz_damage arena_world)
# how an input is changed: an object file, one with edits, a message, or just bytes
FUZZ_FORM_reader := object
FUZZ_FORM_image := image
FUZZ_FORM_memgen := object
FUZZ_FORM_receive := receive
FUZZ_FORM_arena := bytes
FUZZ_FORM_damage := bytes
# what memgen is made of, without its main()
GENERATOR_OBJS := $(filter-out $(BUILD)/gen/memgen.o,$(MEMGEN_OBJS))
FUZZERS := $(FUZZ_TARGETS:%=$(BUILD)/fuzz_%)

$(FUZZ_OBJS) $(FUZZ_TARGETS:%=$(BUILD)/selftests/fuzz/entry_%.o) $(BUILD)/selftests/fuzz/make_seeds.o: \
	private ALL_CFLAGS += -Iselftests -Igen -DMEM_LOCK_PATIENCE=1 $(ELF_CFLAGS)

$(BUILD)/selftests/test_fuzz: $(FUZZ_OBJS) $(GENERATOR_OBJS)

$(BUILD)/selftests/fuzz/entry_%.o: selftests/fuzz/entry.c
	@mkdir -p $(@D)
	$(call say,CC,$@)
	$(Q)$(CC) $(ALL_CFLAGS) -DFUZZ_TARGET=fuzz_$* -DFUZZ_MUTATE=mutate_$(FUZZ_FORM_$*) \
		-MMD -MP -c $< -o $@

# The headers of the tests' objects are made by memgen as it is outside of fuzzing.
FUZZ_SKELS ?= $(BUILD)/selftests
$(BUILD)/selftests/fuzz/fuzz_receive.o: private ALL_CFLAGS += -I$(FUZZ_SKELS)
$(BUILD)/selftests/fuzz/fuzz_receive.o: | $(FUZZ_SKELS)/region_data.skel.h $(FUZZ_SKELS)/region_arena.skel.h

# Made by the make below, with what it takes for fuzzing.
$(FUZZERS): $(BUILD)/fuzz_%: $(BUILD)/selftests/fuzz/entry_%.o $(FUZZ_OBJS) $(GENERATOR_OBJS) \
		$(BUILD)/selftests/json.o $(READER_A) $(RUNTIME_A)
	$(call say,LD,$@)
	$(Q)$(CC) -fsanitize=fuzzer $(ALL_LDFLAGS) $^ $(ELF_LIBS) -o $@
$(BUILD)/make_seeds: $(addprefix $(BUILD)/selftests/,fuzz/make_seeds.o sample_object.o elf_builder.o)
	$(call say,LD,$@)
	$(Q)$(CC) $(ALL_LDFLAGS) $^ $(ELF_LIBS) -o $@
fuzzers: $(FUZZERS) $(BUILD)/make_seeds

# What no target reaches need not be compiled for it. A target that does is not linked.
FUZZ_WITHOUT := $(patsubst %,src/%.c,link_update% migrate% pinned% perf_buffer prog_stats ringbuf stream task_share user_ringbuf)

fuzz: setup
	$(Q)$(MAKE) --no-print-directory fuzz-build
	$(Q)$(MAKE) --no-print-directory fuzz-run

fuzz-build: $(TEST_BPF) $(BUILD)/selftests/region_data.skel.h $(BUILD)/selftests/region_arena.skel.h
	$(Q)$(MAKE) --no-print-directory BUILD=$(FUZZ) FUZZ_SKELS=$(BUILD)/selftests CC=$(CLANG_BPF) \
		RUNTIME_SRCS='$(filter-out $(FUZZ_WITHOUT),$(RUNTIME_SRCS))' \
		VARIANT='$(SANITIZERS) -fsanitize=fuzzer-no-link -DMEM_LOCK_PATIENCE=1' fuzzers

fuzz-run:
	$(Q)CLANG_BPF=$(CLANG_BPF) selftests/fuzz/run.sh $(FUZZ) $(SECONDS) $(SEED) $(TEST_BPF)

-include $(wildcard $(BUILD)/selftests/fuzz/*.d)

# ---- threads, valgrind, static checks, coverage

## make check-tsan            the tests that have threads, with the thread sanitizer
.PHONY: check-tsan tsan-build tsan-run check-valgrind
TSAN_TESTS = $(filter $(notdir $(TESTS_WANTED)),test_threads test_task_stress)

TSAN_PROGRAMS = $(TSAN_TESTS:%=$(BUILD)/tsan/selftests/%)
export TSAN_PROGRAMS

check-tsan: setup
	$(Q)$(MAKE) --no-print-directory tsan-build
	$(Q)$(MAKE) --no-print-directory tsan-run

tsan-build: $(TEST_SKELS)
	$(Q)$(MAKE) --no-print-directory BUILD=$(BUILD)/tsan OBJECTS_FROM=$(BUILD) HEADERS_FROM=$(BUILD) \
		CFLAGS='$(QUICK)' VARIANT='-fsanitize=thread' $(TSAN_PROGRAMS)

# address space at random places is more than some versions of the sanitizer can take
tsan-run:
	$(Q)rm -f $(RESULTS) && touch $(RESULTS)
	$(Q)BUILD=$(BUILD)/tsan setarch -R selftests/run.sh tsan $(RESULTS) \
		$(TSAN_TESTS:%=$(BUILD)/tsan/selftests/%)
	$(Q)$(REPORT)

## make check-valgrind        memgen and the reader under valgrind
VALGRIND := valgrind -q --error-exitcode=99 --leak-check=full --show-leak-kinds=all \
	--errors-for-leak-kinds=all --track-fds=no
check-valgrind: setup
	$(Q)$(MAKE) --no-print-directory -s $(MEMGEN) $(TEST_BPF)
	$(Q)MEMGEN=$(MEMGEN) VALGRIND='$(VALGRIND)' selftests/valgrind.sh $(JOBS) $(TEST_BPF)

## make lint                  clang-tidy, cppcheck and gcc -fanalyzer over the library and memgen; and whether
##                            the library compiles with musl
.PHONY: lint
# names that other headers have taken are a table, not code
LINT_FILES := $(filter-out gen/system_names.c,$(wildcard src/*.c src/reader/*.c gen/*.c))
LINT_FLAGS := -std=gnu11 -D_GNU_SOURCE -DLIBMEM_ANALYZE -DMEMGEN_VERSION='"$(VERSION)"' -Iinclude -Isrc -Igen

lint: SETUP_ALSO := lint
lint: setup
	$(Q)$(MAKE) --no-print-directory -s $(LINT_FILES:%=$(BUILD)/lint/%.tidy)
	$(call say,CHECK,src gen (cppcheck))
	$(Q)mkdir -p $(BUILD)/lint/cppcheck
	$(Q)cppcheck -q --error-exitcode=1 --enable=warning,performance,portability --std=c11 \
		--cppcheck-build-dir=$(BUILD)/lint/cppcheck -D_GNU_SOURCE -D__x86_64__ \
		-Iinclude -Isrc -Igen src gen
	$(call say,MUSL,src)
	$(Q)musl-gcc -std=gnu11 -D_GNU_SOURCE -Wall -Wextra -Werror -fsyntax-only -Iinclude -Isrc \
		-idirafter /usr/include -idirafter /usr/include/$(shell $(CC) -print-multiarch) \
		src/*.c src/shared/*.c

# A file is looked at again when it, or a header that it includes, has changed.
$(LINT_FILES:%=$(BUILD)/lint/%.tidy): $(BUILD)/lint/%.tidy: $(BUILD)/lint/%.gcc .clang-tidy
	$(call say,TIDY,$*)
	$(Q)$(subst clang,clang-tidy,$(CLANG_BPF)) --quiet $* -- $(LINT_FLAGS) 2> /dev/null > $@.log || \
		{ cat $@.log; exit 1; }
	$(Q)touch $@

# In a few files the analyzer loses sight of who owns what, and takes it for a leak. Leaks are the business
# of the leak sanitizer and of test_faults, too.
#   attach_multi             names are kept as numbers, as the kernel takes them
#   migrate, struct_ops      the owner is a struct that was handed in
#   perf_buffer, region_attach   the pointer is in the struct that the function builds
#   task_layout              strings are in the elements of an array that was handed in
OWNERS_UNSEEN := $(patsubst %,$(BUILD)/lint/src/%.c.gcc,attach_multi migrate perf_buffer region_attach struct_ops \
	task_layout)
$(OWNERS_UNSEEN): private ANALYZER_FLAGS := -Wno-analyzer-malloc-leak

$(BUILD)/lint/%.gcc: %
	@mkdir -p $(@D)
	$(call say,ANALYZE,$<)
	$(Q)$(CC) -fanalyzer $(ANALYZER_FLAGS) -Wall -Wextra -Werror -O2 $(LINT_FLAGS) -MMD -MP -MF $@.d -MT $@ \
		-c $< -o /dev/null
	$(Q)touch $@

-include $(LINT_FILES:%=$(BUILD)/lint/%.gcc.d)

## make coverage              run the tests and show which lines they reach: build/coverage/html;
##                            with KERNEL="6.1 7.2" also those that only other kernels reach
.PHONY: coverage
COVERAGE := $(BUILD)/coverage
# what kernels differ in
COVERAGE_EMULATED := arena_usage at_once attach btf_scan context_arguments errors kernel_fields links net_links percpu \
	probes refusals region reuse_arena scheduler strange_ops struct_ops targets task task_programs tracing \
	type_matches usdt
coverage: SETUP_ALSO := cover
coverage: setup
	$(Q)$(MAKE) --no-print-directory BUILD=$(COVERAGE) CFLAGS='-O0 -g' VARIANT='--coverage -include $(CURDIR)/selftests/coverage.h' \
		$(COVERAGE)/memgen test-programs
	$(Q)find $(COVERAGE) -name '*.gcda' -delete
	$(Q)for object in $(patsubst $(BUILD)/%,$(COVERAGE)/%,$(TEST_BPF)); do \
		$(COVERAGE)/memgen skeleton $$object -o $(COVERAGE)/skel.h || exit 1; done
	$(Q)rm -f $(RESULTS) && touch $(RESULTS)
	$(Q)$(TEST_ENV) BUILD=$(COVERAGE) selftests/run.sh coverage $(RESULTS) \
		$(patsubst $(BUILD)/%,$(COVERAGE)/%,$(TESTS))
	$(Q)for kernel in $(if $(filter command,$(origin KERNEL)),$(KERNEL)); do \
		selftests/vm/coverage $(COVERAGE) $$kernel $(COVERAGE_EMULATED) || exit 1; done
	$(Q)lcov -q --capture --directory $(COVERAGE) --base-directory . --no-external -o $(COVERAGE)/lines
	$(Q)lcov -q --extract $(COVERAGE)/lines '$(CURDIR)/src/*' '$(CURDIR)/gen/*' -o $(COVERAGE)/lines
	$(Q)genhtml -q $(COVERAGE)/lines -o $(COVERAGE)/html
	$(Q)lcov --list $(COVERAGE)/lines | sed -n '/^Filename/,$$p'
