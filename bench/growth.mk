# SPDX-License-Identifier: BSD-2-Clause
.PHONY: bench-growth growth-tools
BENCHES += growth

# grow_WHAT_HOWMANY; zeroes and contents in KiB
GROWTH := $(foreach n,1 20 100,programs_$(n) maps_$(n)) $(foreach n,1 32 256,relocations_$(n)) \
	$(foreach n,4 4096 65536,zeroes_$(n)) $(foreach n,4 128 1024,contents_$(n))

$(STARTUP)/grow_%.bpf.c: bench/growth/source.awk
	@mkdir -p $(@D)
	$(Q)awk -v what=$(word 1,$(subst _, ,$*)) -v n=$(word 2,$(subst _, ,$*)) -f $< > $@

$(STARTUP)/grow_%.bpf.o: $(STARTUP)/grow_%.bpf.c $(PUBLIC_HEADERS) | bench-peers
	$(call say,BPF,$<)
	$(Q)$(CLANG_BPF) -g -O2 --target=bpf -mcpu=v3 -Iinclude $(PEER_CFLAGS) -c $< -o $@

growth-tools: $(foreach loader,floor libmem libbpf,$(GROWTH:%=$(STARTUP)/grow_%_$(loader)))

bench-growth: growth-tools $(BENCH_RUN)
	$(Q)for what in $(GROWTH); do bench/growth.sh $(BENCH_RUN) $(STARTUP) $$what || exit 1; done

.SECONDARY: $(GROWTH:%=$(STARTUP)/grow_%.bpf.c)
