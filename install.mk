# SPDX-License-Identifier: BSD-2-Clause
## make install uninstall     PREFIX, LIBDIR, INCLUDEDIR, BINDIR, MANDIR and DESTDIR as usual
.PHONY: install uninstall
COMPLETIONDIR ?= $(PREFIX)/share/bash-completion/completions

install: all
	$(call say,INSTALL,$(DESTDIR)$(PREFIX))
	$(Q)install -d $(DESTDIR)$(LIBDIR)/pkgconfig $(DESTDIR)$(INCLUDEDIR)/mem $(DESTDIR)$(BINDIR)
	$(Q)install -m 644 $(PUBLIC_HEADERS) $(DESTDIR)$(INCLUDEDIR)/mem
	$(Q)install -m 644 $(LIBMEM_A) $(LIBMEM_ELF_A) $(DESTDIR)$(LIBDIR)
	$(Q)install -m 755 $(LIBMEM_SO) $(LIBMEM_ELF_SO) $(DESTDIR)$(LIBDIR)
	$(Q)ln -sf libmem.so.$(SOVERSION) $(DESTDIR)$(LIBDIR)/libmem.so
	$(Q)ln -sf libmem-elf.so.$(SOVERSION) $(DESTDIR)$(LIBDIR)/libmem-elf.so
	$(Q)install -m 644 $(PC_FILES) $(DESTDIR)$(LIBDIR)/pkgconfig
	$(Q)install -m 755 $(MEMGEN) $(DESTDIR)$(BINDIR)
	$(Q)install -d $(DESTDIR)$(MANDIR)/man1 $(DESTDIR)$(COMPLETIONDIR)
	$(Q)install -m 644 docs/memgen.1 $(DESTDIR)$(MANDIR)/man1
	$(Q)install -m 644 docs/memgen.bash-completion $(DESTDIR)$(COMPLETIONDIR)/memgen

uninstall:
	$(call say,REMOVE,$(DESTDIR)$(PREFIX))
	$(Q)rm -f $(addprefix $(DESTDIR)$(INCLUDEDIR)/mem/,$(notdir $(PUBLIC_HEADERS))) \
		$(addprefix $(DESTDIR)$(LIBDIR)/,libmem.a libmem-elf.a libmem.so libmem-elf.so \
			libmem.so.$(SOVERSION) libmem-elf.so.$(SOVERSION) pkgconfig/libmem.pc \
			pkgconfig/libmem-elf.pc) $(DESTDIR)$(BINDIR)/memgen \
		$(DESTDIR)$(MANDIR)/man1/memgen.1 $(DESTDIR)$(COMPLETIONDIR)/memgen
	$(Q)rmdir --ignore-fail-on-non-empty $(DESTDIR)$(INCLUDEDIR)/mem 2>/dev/null || true
