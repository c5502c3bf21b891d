# SPDX-License-Identifier: BSD-2-Clause
## make docs                  API documentation in build/docs/html (Doxygen); a warning is an error
.PHONY: docs

docs: $(BUILD)/docs/Doxyfile
	$(call say,DOXYGEN,$(BUILD)/docs/html)
	$(Q)doxygen $<

$(BUILD)/docs/Doxyfile: docs/Doxyfile.in $(PUBLIC_HEADERS) Makefile
	@mkdir -p $(@D)
	$(Q)sed -e 's|@VERSION@|$(VERSION)|' -e 's|@OUTPUT@|$(BUILD)/docs|' $< > $@
