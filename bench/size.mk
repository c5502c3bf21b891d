# SPDX-License-Identifier: BSD-2-Clause
.PHONY: bench-size size-tools
BENCHES += size

SIZE := $(BENCH)/size
SIZE_OBJECTS := globals arena
SIZE_FLAGS = $(BENCH_CFLAGS) -s -DOBJECT=$(1) $(if $(2),-DSKELETON='"startup/$(1).$(2).h"')

# Each is built as an application is: nothing but -O2, and stripped.
define size_tools
$(SIZE)/$(1)_libmem: bench/size/tool.c $(STARTUP)/$(1).skel.h $(LIBMEM_LINK)
	@mkdir -p $$(@D)
	$$(call say,CC,$$@)
	$$(Q)$$(CC) $(call SIZE_FLAGS,$(1),skel) $$< -L$(BUILD) -lmem -Wl,-rpath,'$$$$ORIGIN/../..' -o $$@
$(SIZE)/$(1)_libmem_static: bench/size/tool.c $(STARTUP)/$(1).skel.h $(LIBMEM_A)
	@mkdir -p $$(@D)
	$$(call say,CC,$$@)
	$$(Q)$$(CC) $(call SIZE_FLAGS,$(1),skel) -static $$< $(LIBMEM_A) -o $$@
$(SIZE)/$(1)_libbpf: bench/peer_tool bench/size/tool.c $(STARTUP)/$(1).bpf.o
	@mkdir -p $$(@D)
	$$(call say,CC,$$@)
	$$(Q)bench/peer_tool $$@ $(1) $(STARTUP)/$(1).bpf.o $$(PEER_BPFTOOL) skeleton \
		$$(CC) $(call SIZE_FLAGS,$(1)) $$(PEER_CFLAGS) bench/size/tool.c $$(PEER_LIBS)
$(SIZE)/$(1)_libbpf_static: bench/peer_tool bench/size/tool.c $(STARTUP)/$(1).bpf.o
	@mkdir -p $$(@D)
	$$(call say,CC,$$@)
	$$(Q)bench/peer_tool $$@ $(1) $(STARTUP)/$(1).bpf.o $$(PEER_BPFTOOL) skeleton \
		$$(CC) $(call SIZE_FLAGS,$(1)) -static $$(PEER_CFLAGS) bench/size/tool.c $$(PEER_STATIC)
$(SIZE)/$(1)_light: bench/peer_tool bench/size/tool.c $(STARTUP)/$(1).bpf.o
	@mkdir -p $$(@D)
	$$(call say,CC,$$@)
	$$(Q)bench/peer_tool $$@ $(1) $(STARTUP)/$(1).bpf.o $$(PEER_BPFTOOL) light \
		$$(CC) $(call SIZE_FLAGS,$(1)) $$(PEER_CFLAGS) bench/size/tool.c
$(SIZE)/$(1)_light_static: bench/peer_tool bench/size/tool.c $(STARTUP)/$(1).bpf.o
	@mkdir -p $$(@D)
	$$(call say,CC,$$@)
	$$(Q)bench/peer_tool $$@ $(1) $(STARTUP)/$(1).bpf.o $$(PEER_BPFTOOL) light \
		$$(CC) $(call SIZE_FLAGS,$(1)) -static $$(PEER_CFLAGS) bench/size/tool.c

size-tools: $(foreach tool,libmem libbpf light,$(SIZE)/$(1)_$(tool) $(SIZE)/$(1)_$(tool)_static)
endef
$(foreach object,$(SIZE_OBJECTS),$(eval $(call size_tools,$(object))))

size-tools: $(SIZE)/empty $(SIZE)/empty_static
$(SIZE)/empty $(SIZE)/empty_static: bench/size/empty.c
	@mkdir -p $(@D)
	$(call say,CC,$@)
	$(Q)$(CC) $(BENCH_CFLAGS) -s $(if $(filter %_static,$@),-static) $< -o $@

bench-size: size-tools $(BENCH_RUN)
	$(Q)bench/size.sh $(BENCH_RUN) $(SIZE) $(SIZE_OBJECTS)
