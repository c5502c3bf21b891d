# SPDX-License-Identifier: BSD-2-Clause
## make bench                  benchmarks: ratios to a peer measured in the same run
.PHONY: bench bench-startup

BENCH := $(BUILD)/bench
BPFTOOL ?= $(or $(shell command -v bpftool),/usr/sbin/bpftool)
BENCH_CFLAGS = -O2 -Wall -Wextra -Iinclude -Ibench -I$(BENCH)

bench: bench-startup

bench-startup: $(BENCH)/startup_libbpf $(BENCH)/startup_libmem
	$(Q)bench/startup.sh 100 libbpf=$(BENCH)/startup_libbpf libmem=$(BENCH)/startup_libmem

$(BENCH)/%.bpf.o: bench/%.bpf.c $(PUBLIC_HEADERS)
	@mkdir -p $(@D)
	$(call say,BPF,$<)
	$(Q)$(CLANG_BPF) -g -O2 --target=bpf -mcpu=v3 -Iinclude -c $< -o $@

$(BENCH)/%.skel.h: $(BENCH)/%.bpf.o $(MEMGEN)
	$(call say,MEMGEN,$@)
	$(Q)$(MEMGEN) skeleton $< -o $@

$(BENCH)/%.libbpf.h: $(BENCH)/%.bpf.o
	$(call say,BPFTOOL,$@)
	$(Q)$(BPFTOOL) gen skeleton $< name $* > $@

$(BENCH)/startup_libmem: bench/startup_libmem.c $(BENCH)/startup.skel.h $(LIBMEM_SO)
	$(call say,CC,$@)
	$(Q)$(CC) $(BENCH_CFLAGS) $< -L$(BUILD) -lmem -Wl,-rpath,'$$ORIGIN/..' -o $@

$(BENCH)/startup_libbpf: bench/startup_libbpf.c $(BENCH)/startup.libbpf.h
	$(call say,CC,$@)
	$(Q)$(CC) $(BENCH_CFLAGS) $< $(shell $(PKG_CONFIG) --libs libbpf) -o $@
