# SPDX-License-Identifier: BSD-2-Clause
## make bench-kv              gets over UDP: kv beside memcached, which is installed for it
.PHONY: bench-kv

# Not part of `make bench`: it installs memcached, and takes two minutes.
bench-kv: $(BUILD)/bench/kv
	$(Q)CLANG_BPF=$(CLANG_BPF) sh selftests/setup.sh build test peer
	$(Q)$(MAKE) --no-print-directory -s kv
	$(Q)bench/kv.sh $(BUILD)/bpf-progs/kv/kv $< $(CLANG_BPF)

$(BUILD)/bench/kv: bench/kv.c $(PUBLIC_HEADERS) $(LIBMEM_A)
	@mkdir -p $(@D)
	$(call say,CC,$@)
	$(Q)$(CC) $(BENCH_CFLAGS) $< $(LIBMEM_A) -pthread -o $@
