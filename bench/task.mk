# SPDX-License-Identifier: BSD-2-Clause
## make bench-task            per-thread memory against thread_local and task storage
.PHONY: bench-task

BENCHES += task

bench-task: $(BENCH)/task
	$(Q)for back in uptr arena array; do $(BENCH)/task $$back; done

$(BENCH)/task.o: bench/task.c $(BENCH)/task.skel.h bench/task.mk
	$(call say,CC,$@)
	$(Q)$(CC) $(BENCH_CFLAGS) -c $< -o $@

# with the library beside, as an application has it
$(BENCH)/task: $(BENCH)/task.o $(BENCH)/table.o $(LIBMEM_LINK)
	$(call say,LD,$@)
	$(Q)$(CC) -pthread $(filter %.o,$^) -L$(BUILD) -lmem -Wl,-rpath,'$$ORIGIN/..' -o $@

# Loops of one cycle: where one crosses the processor's fetch blocks by chance, it takes two.
$(BENCH)/task.o: private BENCH_CFLAGS += -falign-loops=64
