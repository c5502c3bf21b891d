# SPDX-License-Identifier: BSD-2-Clause
.PHONY: bench-access
BENCHES += access

bench-access: $(BUILD)/bench/access
	$(Q)$<

$(BUILD)/bench/access: bench/access.c bench/clock.h bench/table.h $(BUILD)/bench/table.o $(BUILD)/bench/access.skel.h \
		$(LIBMEM_A)
	$(call say,CC,$@)
	$(Q)$(CC) $(BENCH_CFLAGS) $< $(BUILD)/bench/table.o $(LIBMEM_A) -o $@
