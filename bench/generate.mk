# SPDX-License-Identifier: BSD-2-Clause
.PHONY: bench-generate bench-build generate-objects
BENCHES += generate build

GENERATE := $(BENCH)/generate
GENERATE_OBJECTS := $(STARTUP)/globals.bpf.o $(STARTUP)/many.bpf.o $(GENERATE)/code.bpf.o $(GENERATE)/contents.bpf.o
LLVM_OBJCOPY ?= $(subst clang,llvm-objcopy,$(CLANG_BPF))

generate-objects: $(GENERATE_OBJECTS)

$(GENERATE)/code.bpf.c: bench/generate/source.awk
	@mkdir -p $(@D)
	$(Q)awk -v n=600 -f $< > $@
	$(Q)awk -v n=600 -v types=1 -f $< > $(GENERATE)/code.types.h

$(GENERATE)/code.bpf.o: $(GENERATE)/code.bpf.c $(PUBLIC_HEADERS) $(PEERS_READY)
	$(call say,BPF,$<)
	$(Q)$(CLANG_BPF) -g -O2 --target=bpf -mcpu=v3 -Iinclude $(PEER_CFLAGS) -c $< -o $@

$(GENERATE)/contents.bpf.o: bench/generate/contents.bpf.c $(PUBLIC_HEADERS) $(PEERS_READY)
	@mkdir -p $(@D)
	$(call say,BPF,$<)
	$(Q)$(CLANG_BPF) -g -O2 --target=bpf -mcpu=v3 -Iinclude $(PEER_CFLAGS) -c $< -o $@.empty
	$(Q)yes 'a table of numbers: 0 1 2 3 4 5 6 7' | head -c 25000000 > $@.table
	$(Q)$(LLVM_OBJCOPY) --update-section .data=$@.table $@.empty $@ && rm $@.empty $@.table

bench-generate: $(MEMGEN) $(GENERATE_OBJECTS) $(BENCH_RUN) $(PEERS_READY)
	$(Q)bench/generate.sh $(BENCH_RUN) $(MEMGEN) $(PEER_BPFTOOL) $(GENERATE) $(GENERATE_OBJECTS)

bench-build: $(MEMGEN) $(STARTUP)/globals.bpf.o $(STARTUP)/many.bpf.o $(GENERATE)/code.bpf.o $(BENCH_RUN) $(PEERS_READY)
	$(Q)bench/build.sh $(BENCH_RUN) $(MEMGEN) $(PEER_BPFTOOL) $(GENERATE) '$(CC)' '$(PEER_CFLAGS)' \
		$(STARTUP)/globals.bpf.o $(STARTUP)/many.bpf.o $(GENERATE)/code.bpf.o
