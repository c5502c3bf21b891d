# SPDX-License-Identifier: BSD-2-Clause
# How every tool in bpf-progs/ is built: bpf-progs/TOOL/X.bpf.c becomes X.bpf.o and X.skel.h in the tool's
# folder under build/. What the tools share on the application's side is in common/.
TOOLS := $(BUILD)/bpf-progs
TOOL_BYTES := $(TOOLS)/common/bytes.o
TOOL_SCREEN := $(addprefix $(TOOLS)/common/,events.o term.o text.o) $(TOOL_BYTES)
TOOL_ARGUMENTS := $(TOOLS)/common/arguments.o

TOOL_BPF_CFLAGS = -g -O2 -Wall -Werror --target=bpf -mcpu=v3 -Iinclude

$(TOOLS)/%.bpf.o: bpf-progs/%.bpf.c bpf-progs/common/common.mk
	@mkdir -p $(@D)
	$(call say,CLANG,$<)
	$(Q)$(CLANG_BPF) $(TOOL_BPF_CFLAGS) -MMD -MP -c $< -o $@

$(TOOLS)/%.skel.h: $(TOOLS)/%.bpf.o $(HOST_MEMGEN)
	$(call say,MEMGEN,$<)
	$(Q)$(HOST_MEMGEN) skeleton $< -o $@

$(TOOLS)/%.o: private ALL_CFLAGS += -I$(@D) -DTOOL_VERSION='"$(VERSION)"'

-include $(wildcard $(TOOLS)/*/*.d)
