# SPDX-License-Identifier: BSD-2-Clause
## make install uninstall     PREFIX, LIBDIR, INCLUDEDIR, BINDIR, MANDIR and DESTDIR as usual
.PHONY: install uninstall
COMPLETIONDIR ?= $(PREFIX)/share/bash-completion/completions

# Quoted: what folders are called is the user's business.
TO_LIB = "$(DESTDIR)$(LIBDIR)"
TO_INCLUDE = "$(DESTDIR)$(INCLUDEDIR)/mem"
TO_BIN = "$(DESTDIR)$(BINDIR)"
TO_MAN = "$(DESTDIR)$(MANDIR)/man1"
TO_COMPLETION = "$(DESTDIR)$(COMPLETIONDIR)"
LIB_FILES := libmem.a libmem-elf.a libmem.so libmem-elf.so libmem.so.$(SOVERSION) libmem-parts.so.$(SOVERSION) \
	libmem-elf.so.$(SOVERSION) pkgconfig/libmem.pc pkgconfig/libmem-elf.pc

install: all
	$(call say,INSTALL,$(DESTDIR)$(PREFIX))
	$(Q)install -d $(TO_LIB)/pkgconfig $(TO_INCLUDE) $(TO_BIN) $(TO_MAN) $(TO_COMPLETION)
	$(Q)install -m 644 $(PUBLIC_HEADERS) $(TO_INCLUDE)
	$(Q)install -m 644 $(LIBMEM_A) $(LIBMEM_ELF_A) $(TO_LIB)
	$(Q)install -m 755 $(LIBMEM_SO) $(LIBMEM_PARTS_SO) $(LIBMEM_ELF_SO) $(TO_LIB)
	$(Q)rm -f $(TO_LIB)/libmem.so
	$(Q)install -m 644 $(LIBMEM_LINK) $(TO_LIB)
	$(Q)ln -sf libmem-elf.so.$(SOVERSION) $(TO_LIB)/libmem-elf.so
	$(Q)install -m 644 $(PC_FILES) $(TO_LIB)/pkgconfig
	$(Q)install -m 755 $(MEMGEN) $(TO_BIN)
	$(Q)install -m 644 docs/memgen.1 $(TO_MAN)
	$(Q)install -m 644 docs/memgen.bash-completion $(TO_COMPLETION)/memgen

uninstall:
	$(call say,REMOVE,$(DESTDIR)$(PREFIX))
	$(Q)rm -f $(addprefix $(TO_INCLUDE)/,$(notdir $(PUBLIC_HEADERS))) $(addprefix $(TO_LIB)/,$(LIB_FILES)) \
		$(TO_BIN)/memgen $(TO_MAN)/memgen.1 $(TO_COMPLETION)/memgen
	$(Q)rmdir --ignore-fail-on-non-empty $(TO_INCLUDE) 2>/dev/null || true
