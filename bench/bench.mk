# SPDX-License-Identifier: BSD-2-Clause
## make bench                 all benchmarks, in under five minutes: ratios to what is measured beside, and
##                            build/bench.json; make bench-startup bench-size ... for one of them
## make bench-report          the ratios of build/bench.json as build/bench.svg
## make bench-docs            its tables and pictures in docs/performance.md
.PHONY: bench bench-peers bench-report bench-docs

BENCH := $(BUILD)/bench
BENCH_RUN := $(BENCH)/run
STARTUP := $(BENCH)/startup
BENCH_CFLAGS = -std=gnu11 -D_GNU_SOURCE -O2 -Wall -Wextra -Werror -Iinclude -Ibench -I$(BENCH)

# libbpf and bpftool to compare with: the user's, or those of Debian's backports.
PEERS := $(BENCH)/peers
ifeq ($(BPFTOOL),)
PEER_BPFTOOL := $(PEERS)/bpftool
PEER_PKG_CONFIG = PKG_CONFIG_PATH=$(PEERS)/pkgconfig $(PKG_CONFIG)
PEERS_READY := $(PEERS)/versions
else
PEER_BPFTOOL := $(BPFTOOL)
PEER_PKG_CONFIG := $(PKG_CONFIG)
PEERS_READY :=
endif
PEER_CFLAGS = $(shell $(PEER_PKG_CONFIG) --cflags libbpf)
PEER_LIBDIR = $(shell $(PEER_PKG_CONFIG) --variable=libdir libbpf)
PEER_LIBS = $(shell $(PEER_PKG_CONFIG) --libs libbpf) -Wl,-rpath,$(PEER_LIBDIR)
# An archive where a tool is to be static, with what it needs.
PEER_STATIC = $(PEER_LIBDIR)/libbpf.a -lelf -lz

$(PEERS)/versions: bench/fetch_peers selftests/private_apt.sh
	$(Q)bench/fetch_peers $(PEERS)
	$(Q)touch $@

bench-peers: $(PEERS_READY)

$(BENCH)/%.o: bench/%.c
	@mkdir -p $(@D)
	$(call say,CC,$<)
	$(Q)$(CC) $(BENCH_CFLAGS) -MMD -MP -c $< -o $@

$(BENCH_RUN): $(addprefix $(BENCH)/,run.o table.o trace.o)
	$(call say,LD,$@)
	$(Q)$(CC) $^ -o $@

$(BENCH)/%.bpf.o: bench/%.bpf.c $(PUBLIC_HEADERS) $(PEERS_READY)
	@mkdir -p $(@D)
	$(call say,BPF,$<)
	$(Q)$(CLANG_BPF) -g -O2 --target=bpf -mcpu=v3 -Wall -Iinclude $(PEER_CFLAGS) -c $< -o $@

$(BENCH)/%.skel.h: $(BENCH)/%.bpf.o $(HOST_MEMGEN)
	$(call say,MEMGEN,$@)
	$(Q)$(HOST_MEMGEN) skeleton $< -o $@

# Each benchmark adds its name to BENCHES, and its target prints tables by table.c, which also writes
# their rows to the file that BENCH_ROWS names.
BENCH_ROWS := $(BENCH)/rows

bench: setup $(BENCH_RUN)
	$(Q)rm -f $(BENCH_ROWS)
	$(Q)for bench in $(BENCHES); do \
		BENCH_ROWS=$(BENCH_ROWS) $(MAKE) --no-print-directory bench-$$bench || exit 1; done
	$(Q)bench/join_rows $(BENCH_ROWS) libmem=$(VERSION) "libbpf=$$($(PEER_PKG_CONFIG) --modversion libbpf)" \
		"bpftool=$$($(PEER_BPFTOOL) version | sed -n 's/^bpftool v//p')" > $(BUILD)/bench.json

bench-report: $(BUILD)/bench.json
	$(call say,DRAW,$(BUILD)/bench.svg)
	$(Q)awk -f bench/json.awk -f bench/ratios.awk $< > $(BUILD)/bench.svg

bench-docs: $(BUILD)/bench.json
	$(call say,DRAW,docs/startup.svg docs/growth.svg)
	$(Q)awk -v only=startup -v by=cpu -f bench/json.awk -f bench/ratios.awk $< > docs/startup.svg
	$(Q)awk -f bench/json.awk -f bench/growth.awk $< > docs/growth.svg
	$(call say,WRITE,docs/performance.md)
	$(Q)awk -f bench/json.awk -f bench/tables.awk $< docs/performance.md > $(BENCH)/performance.md
	$(Q)cp $(BENCH)/performance.md docs/performance.md

$(BUILD)/bench.json:
	$(Q)echo "there are no figures yet: make bench" && false

-include $(wildcard $(BENCH)/*.d $(BENCH)/*/*.d)
