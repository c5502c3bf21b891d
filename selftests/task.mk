# SPDX-License-Identifier: BSD-2-Clause
# Per-thread memory has to work on the oldest kernel, which knows no instructions of -mcpu=v4.
$(BUILD)/selftests/task_%.bpf.o: private BPF_CFLAGS += -mcpu=v3
