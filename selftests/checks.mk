# SPDX-License-Identifier: BSD-2-Clause

# ---- calls that fail on request: selftests/faults/

INJECT_SO := $(BUILD)/selftests/inject.so

$(BUILD)/selftests/test_faults: $(BUILD)/selftests/faults/inject.o
$(BUILD)/selftests/test_faults.o: | $(INJECT_SO)

# what libelf and libbpf call has to come by here as well
$(INJECT_SO): $(BUILD)/selftests/faults/inject.o
	$(call say,LD,$@)
	$(Q)$(CC) -shared $(ALL_LDFLAGS) $^ -o $@

-include $(wildcard $(BUILD)/selftests/faults/*.d)
