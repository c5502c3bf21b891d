# SPDX-License-Identifier: BSD-2-Clause
## make kv                    build/bpf-progs/kv/kv: a memcached that answers in XDP
.PHONY: kv install-kv

KV_DIR := $(BUILD)/bpf-progs/kv
KV := $(KV_DIR)/kv
KV_OBJS := $(patsubst %.c,$(BUILD)/%.o,$(filter-out %.bpf.c,$(sort $(wildcard bpf-progs/kv/*.c))))

kv: $(KV)
	@:

# linux/ip.h includes asm/byteorder.h, which is in a directory per architecture.
$(KV_DIR)/kv.bpf.o: private TOOL_BPF_CFLAGS += -D__TARGET_ARCH_$(BPF_ARCH) \
	-idirafter $(SYSROOT)/usr/include/$(shell $(CC) -print-multiarch)

$(KV_DIR)/cache.o: $(KV_DIR)/kv.skel.h

$(KV): $(KV_OBJS) $(TOOL_ARGUMENTS) $(TOOL_BYTES) $(LIBMEM_A)
	$(call say,LD,$@)
	$(Q)$(CC) $(ALL_LDFLAGS) -pthread $^ -o $@

install-kv: $(KV)
	$(call say,INSTALL,$(DESTDIR)$(BINDIR)/kv)
	$(Q)install -d $(DESTDIR)$(BINDIR)
	$(Q)install -s -m 755 $(KV) $(DESTDIR)$(BINDIR)

# Its tests: of the parts without sockets, which are linked in, and of the server with clients.
$(BUILD)/selftests/test_kv: $(addprefix $(KV_DIR)/,cache.o command.o) $(TOOL_BYTES)
$(BUILD)/selftests/test_kv: | $(KV)
