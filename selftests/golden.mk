# SPDX-License-Identifier: BSD-2-Clause
## make regen-golden          accept what memgen writes now as what the tests expect
.PHONY: regen-golden

GOLDEN_SKELS := $(patsubst selftests/bpf/%.bpf.c,$(BUILD)/selftests/%.skel.h,\
	$(sort $(wildcard selftests/bpf/types_*.bpf.c)))

# Without the image: it has instructions and BTF, which change with the compiler.
regen-golden: $(GOLDEN_SKELS)
	$(Q)for header in $^; do \
		sed '/__image(void)$$/,/^}$$/d' $$header > selftests/data/$$(basename $$header).golden; \
	done
