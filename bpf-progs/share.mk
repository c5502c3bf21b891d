# SPDX-License-Identifier: BSD-2-Clause
## make share                 build/bpf-progs/share/share: a broker hands a region to those without privilege
.PHONY: share

SHARE_DIR := $(BUILD)/bpf-progs/share
SHARE := $(SHARE_DIR)/share

share: $(SHARE)
	@:

$(SHARE_DIR)/share.o: $(SHARE_DIR)/share.skel.h

$(SHARE): $(SHARE_DIR)/share.o $(LIBMEM_A)
	$(call say,LD,$@)
	$(Q)$(CC) $(ALL_LDFLAGS) $^ -o $@
