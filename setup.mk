# SPDX-License-Identifier: BSD-2-Clause
# `make setup` is also run by the targets that need more than a compiler.
.PHONY: setup
setup:
	$(Q)CLANG_BPF=$(CLANG_BPF) sh selftests/setup.sh build test vm $(SETUP_ALSO)
