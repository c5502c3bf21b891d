# SPDX-License-Identifier: BSD-2-Clause
## make regen-golden          accept what memgen writes now as what the tests expect
## make regen-names           gen/system_names.c: the names that system headers define
.PHONY: regen-golden regen-names

GOLDEN_SKELS := $(patsubst selftests/bpf/%.bpf.c,$(BUILD)/selftests/%.skel.h,\
	$(sort $(wildcard selftests/bpf/types_*.bpf.c)))

# Without the image: it has instructions and BTF, which change with the compiler.
regen-golden: $(GOLDEN_SKELS)
	$(Q)for header in $^; do \
		sed '/__image(void)$$/,/^}$$/d' $$header > selftests/data/$$(basename $$header).golden; \
	done

regen-names: $(PUBLIC_HEADERS)
	$(Q)gen/system_names.sh > $(BUILD)/system_names.c
	$(Q)mv $(BUILD)/system_names.c gen/system_names.c
