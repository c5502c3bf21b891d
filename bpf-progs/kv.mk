# SPDX-License-Identifier: BSD-2-Clause
## make kv                    build/bpf-progs/kv/kv: a memcached that answers in XDP
.PHONY: kv install-kv

KV_DIR := $(BUILD)/bpf-progs/kv
KV := $(KV_DIR)/kv
KV_OBJS := $(patsubst %.c,$(BUILD)/%.o,$(filter-out %.bpf.c,$(sort $(wildcard bpf-progs/kv/*.c))))

kv: $(KV)
	@:

# linux/ip.h includes asm/byteorder.h, which is in a directory per architecture.
$(KV_DIR)/kv.bpf.o: bpf-progs/kv/kv.bpf.c bpf-progs/kv.mk
	@mkdir -p $(@D)
	$(call say,CLANG,$<)
	$(Q)$(CLANG_BPF) -g -O2 -Wall -Werror --target=bpf -mcpu=v3 -D__TARGET_ARCH_$(BPF_ARCH) -Iinclude \
		-idirafter /usr/include/$(shell $(CC) -print-multiarch) -MMD -MP -c $< -o $@

$(KV_DIR)/kv.skel.h: $(KV_DIR)/kv.bpf.o $(MEMGEN)
	$(call say,MEMGEN,$<)
	$(Q)$(MEMGEN) skeleton $< -o $@

$(KV_OBJS): private ALL_CFLAGS += -I$(KV_DIR) -DKV_VERSION='"$(VERSION)"'
$(KV_DIR)/cache.o: $(KV_DIR)/kv.skel.h

$(KV): $(KV_OBJS) $(LIBMEM_A)
	$(call say,LD,$@)
	$(Q)$(CC) $(ALL_LDFLAGS) -pthread $^ -o $@

install-kv: $(KV)
	$(call say,INSTALL,$(DESTDIR)$(BINDIR)/kv)
	$(Q)install -d $(DESTDIR)$(BINDIR)
	$(Q)install -s -m 755 $(KV) $(DESTDIR)$(BINDIR)

-include $(wildcard $(KV_DIR)/*.d)

# Its tests: of the parts without sockets, which are linked in, and of the server with clients.
$(BUILD)/selftests/test_kv: $(addprefix $(KV_DIR)/,cache.o command.o reply.o)
$(BUILD)/selftests/test_kv: | $(KV)
