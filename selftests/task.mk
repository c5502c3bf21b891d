# SPDX-License-Identifier: BSD-2-Clause
# Per-thread memory has to work on the oldest kernel, which knows no instructions of -mcpu=v4.
$(BUILD)/selftests/task_%.bpf.o: private BPF_CFLAGS += -mcpu=v3

## make stress-task SECONDS=60 threads that come and go, for so long with each way that programs find them
.PHONY: stress-task
stress-task: $(BUILD)/selftests/test_task_stress
	$(Q)LIBMEM_STRESS=$(or $(SECONDS),60) $<
