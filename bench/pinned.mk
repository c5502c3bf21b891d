# SPDX-License-Identifier: BSD-2-Clause
## make bench-pinned          taking over pinned programs, and memory whose layout changes
.PHONY: bench-pinned

BENCHES += pinned

bench-pinned: $(BENCH)/pinned
	$(Q)$(BENCH)/pinned

$(BENCH)/pinned.o: bench/pinned.c $(BENCH)/pinned.skel.h $(BENCH)/pinned_next.skel.h bench/pinned.mk
	$(call say,CC,$@)
	$(Q)$(CC) $(BENCH_CFLAGS) -c $< -o $@

# with the library beside, as an application has it
$(BENCH)/pinned: $(BENCH)/pinned.o $(BENCH)/table.o $(LIBMEM_LINK)
	$(call say,LD,$@)
	$(Q)$(CC) $(filter %.o,$^) -L$(BUILD) -lmem -Wl,-rpath,'$$ORIGIN/..' -o $@
