# SPDX-License-Identifier: BSD-2-Clause
## make bench-arena           allocator and hash table of an arena beside the kernel's
.PHONY: bench-arena

BENCHES += arena

bench-arena: $(BUILD)/bench/arena $(BUILD)/bench/arena_scale
	$(Q)$<
	$(Q)$(BUILD)/bench/arena_scale

$(BUILD)/bench/arena.bpf.o $(BUILD)/bench/arena_scale.bpf.o: $(BUILD)/%.bpf.o: %.bpf.c bench/arena.h $(PUBLIC_HEADERS)
	@mkdir -p $(@D)
	$(call say,BPF,$<)
	$(Q)$(CLANG_BPF) -g -O2 --target=bpf -mcpu=v3 -D__TARGET_ARCH_$(BPF_ARCH) -Wall -Iinclude -Ibench -c $< -o $@

$(BUILD)/bench/arena: bench/arena.c bench/arena.h bench/table.h $(BUILD)/bench/table.o $(BUILD)/bench/arena.skel.h \
		$(LIBMEM_A)
	$(call say,CC,$@)
	$(Q)$(CC) $(BENCH_CFLAGS) $< $(BUILD)/bench/table.o $(LIBMEM_A) -pthread -o $@

$(BUILD)/bench/arena_scale: bench/arena_scale.c bench/arena.h $(BUILD)/bench/arena_scale.skel.h $(LIBMEM_A)
	$(call say,CC,$@)
	$(Q)$(CC) $(BENCH_CFLAGS) -D_GNU_SOURCE $< $(LIBMEM_A) -pthread -o $@
