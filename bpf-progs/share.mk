# SPDX-License-Identifier: BSD-2-Clause
## make share                 build/bpf-progs/share/share: a broker hands a region to those without privilege
.PHONY: share

SHARE_DIR := $(BUILD)/bpf-progs/share
SHARE := $(SHARE_DIR)/share

share: $(SHARE)
	@:

$(SHARE_DIR)/share.bpf.o: bpf-progs/share/share.bpf.c bpf-progs/share.mk
	@mkdir -p $(@D)
	$(call say,CLANG,$<)
	$(Q)$(CLANG_BPF) -g -O2 -Wall -Werror --target=bpf -mcpu=v3 -Iinclude -MMD -MP -c $< -o $@

$(SHARE_DIR)/share.skel.h: $(SHARE_DIR)/share.bpf.o $(MEMGEN)
	$(call say,MEMGEN,$<)
	$(Q)$(MEMGEN) skeleton $< -o $@

$(SHARE_DIR)/share.o: private ALL_CFLAGS += -I$(SHARE_DIR)
$(SHARE_DIR)/share.o: $(SHARE_DIR)/share.skel.h

$(SHARE): $(SHARE_DIR)/share.o $(LIBMEM_A)
	$(call say,LD,$@)
	$(Q)$(CC) $(ALL_LDFLAGS) $^ -o $@

-include $(wildcard $(SHARE_DIR)/*.d)
