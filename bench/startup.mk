# SPDX-License-Identifier: BSD-2-Clause
.PHONY: bench-startup
BENCHES += startup

STARTUP_OBJECTS := globals arena core many zeroes hundred
STARTUP_ATTACH := hundred
# what is recorded has this kernel's numbers in it
STARTUP_KERNEL := $(shell uname -r)
# all libraries found at run time, as an application has them
STARTUP_FLAGS = -DOBJECT=$(1) $(if $(2),-DSKELETON='"startup/$(1).$(2).h"') \
	$(if $(filter $(STARTUP_ATTACH),$(1)),-DATTACH)

STARTUP_HEADERS := bench/startup/tool.h bench/startup/phases.h

define startup_tools
$(STARTUP)/$(1)_libmem: bench/startup/libmem.c $(STARTUP_HEADERS) $(STARTUP)/$(1).skel.h $(LIBMEM_LINK)
	$$(call say,CC,$$@)
	$$(Q)$$(CC) $$(BENCH_CFLAGS) $(call STARTUP_FLAGS,$(1),skel) $$< \
		-L$(BUILD) -lmem -Wl,-rpath,'$$$$ORIGIN/../..' -o $$@

$(STARTUP)/$(1)_libbpf: bench/peer_tool bench/startup/libbpf.c $(STARTUP_HEADERS) $(STARTUP)/$(1).bpf.o
	$$(call say,CC,$$@)
	$$(Q)bench/peer_tool $$@ $(1) $(STARTUP)/$(1).bpf.o $$(PEER_BPFTOOL) skeleton \
		$$(CC) $$(BENCH_CFLAGS) $(call STARTUP_FLAGS,$(1)) $$(PEER_CFLAGS) bench/startup/libbpf.c $$(PEER_LIBS)

$(STARTUP)/$(1)_light: bench/peer_tool bench/startup/libbpf.c $(STARTUP_HEADERS) $(STARTUP)/$(1).bpf.o
	$$(call say,CC,$$@)
	$$(Q)bench/peer_tool $$@ $(1) $(STARTUP)/$(1).bpf.o $$(PEER_BPFTOOL) light \
		$$(CC) $$(BENCH_CFLAGS) $(call STARTUP_FLAGS,$(1)) $$(PEER_CFLAGS) bench/startup/libbpf.c

$(STARTUP)/$(1)_floor-$(STARTUP_KERNEL).c: $(STARTUP)/record $(STARTUP)/$(1)_libmem
	$$(call say,RECORD,$$@)
	$$(Q)$(if $(filter $(STARTUP_ATTACH),$(1)),RECORD_ATTACH=1) $(STARTUP)/record $$@ $(STARTUP)/$(1)_libmem

$(STARTUP)/$(1)_floor: $(STARTUP)/$(1)_floor-$(STARTUP_KERNEL).c bench/startup/floor.c bench/startup/floor.h \
		bench/startup/phases.h
	$$(call say,CC,$$@)
	$$(Q)$$(CC) $$(BENCH_CFLAGS) -Ibench/startup bench/startup/floor.c $$< -o $$@

$(STARTUP)/$(1)_phases: bench/startup/libmem.c $(STARTUP_HEADERS) $(STARTUP)/$(1).skel.h $(LIBMEM_LINK)
	$$(call say,CC,$$@)
	$$(Q)$$(CC) $$(BENCH_CFLAGS) $(call STARTUP_FLAGS,$(1),skel) -DSPLIT $$< \
		-L$(BUILD) -lmem -Wl,-rpath,'$$$$ORIGIN/../..' -o $$@
endef
$(foreach object,$(STARTUP_OBJECTS) forget $(addprefix grow_,$(GROWTH)),$(eval $(call startup_tools,$(object))))

.PHONY: startup-tools
startup-tools: $(foreach loader,floor libmem libbpf light phases,$(STARTUP_OBJECTS:%=$(STARTUP)/%_$(loader)))
startup-tools: $(STARTUP)/forget_libmem $(STARTUP)/elf $(STARTUP)/empty

$(STARTUP)/elf: bench/startup/elf.c bench/startup/phases.h $(LIBMEM_ELF_SO) $(LIBMEM_LINK)
	@mkdir -p $(@D)
	$(call say,CC,$@)
	$(Q)$(CC) $(BENCH_CFLAGS) $< -L$(BUILD) -lmem-elf -lmem -Wl,-rpath,'$$ORIGIN/../..' \
		-Wl,-rpath-link,$(BUILD) -o $@

$(STARTUP)/empty: bench/startup/empty.c bench/startup/phases.h
	@mkdir -p $(@D)
	$(call say,CC,$@)
	$(Q)$(CC) $(BENCH_CFLAGS) $< -o $@

$(STARTUP)/record: $(addprefix $(BENCH)/,startup/record.o trace.o)
	$(call say,LD,$@)
	$(Q)$(CC) $^ -o $@

bench-startup: startup-tools $(BENCH_RUN)
	$(Q)bench/startup.sh $(BENCH_RUN) $(STARTUP)

## make bench-profile         how much of start-up is the kernel's, by perf(1)
.PHONY: bench-profile
bench-profile: startup-tools $(BENCH_RUN)
	$(Q)bench/profile.sh $(BENCH_RUN) $(STARTUP) globals arena core many zeroes
