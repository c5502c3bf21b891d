# SPDX-License-Identifier: BSD-2-Clause
## make syslat                build/bpf-progs/syslat/syslat: system-call latency by process
## make demo                  run it for some seconds beside a workload of its own
## make demo-size             its size, stripped: with libmem.so, and without any library
## make install-syslat        into BINDIR
.PHONY: syslat demo demo-size install-syslat

SYSLAT_DIR := $(BUILD)/bpf-progs/syslat
SYSLAT := $(SYSLAT_DIR)/syslat
SYSLAT_SRCS := $(filter-out %.bpf.c,$(sort $(wildcard bpf-progs/syslat/*.c)))
SYSLAT_OBJS := $(SYSLAT_SRCS:%.c=$(BUILD)/%.o) $(TOOL_SCREEN) $(TOOL_ARGUMENTS)

syslat: $(SYSLAT)
	@:

$(SYSLAT_DIR)/syslat.bpf.o: private TOOL_BPF_CFLAGS += -mcpu=v4 -D__TARGET_ARCH_$(BPF_ARCH)

# The names of the system calls, as the C library has them for the machine that is built for.
$(SYSLAT_DIR)/call_names.inc: bpf-progs/syslat.mk
	@mkdir -p $(@D)
	$(call say,NAMES,$@)
	$(Q)echo '#include <sys/syscall.h>' | $(CC) -E -dM - | \
		sed -n 's/^#define __NR_\([a-z0-9_]*\) .*/CALL(__NR_\1, "\1")/p' | LC_ALL=C sort > $@
	$(Q)test -s $@

$(SYSLAT_DIR)/probe.o: $(SYSLAT_DIR)/syslat.skel.h
$(SYSLAT_DIR)/calls.o: $(SYSLAT_DIR)/call_names.inc

$(SYSLAT): $(SYSLAT_OBJS) $(LIBMEM_A)
	$(call say,LD,$@)
	$(Q)$(CC) $(ALL_LDFLAGS) $^ -o $@

$(SYSLAT)-shared: $(SYSLAT_OBJS) $(LIBMEM_LINK)
	$(call say,LD,$@)
	$(Q)$(CC) -s $(ALL_LDFLAGS) $(SYSLAT_OBJS) -L$(BUILD) -lmem -o $@

$(SYSLAT)-static: $(SYSLAT_OBJS) $(LIBMEM_A)
	$(call say,LD,$@)
	$(Q)$(CC) -s -static $(ALL_LDFLAGS) $^ -o $@

# In a make of its own: packages that setup installs are needed to build it.
demo: setup
	$(Q)$(MAKE) --no-print-directory -s syslat $(BUILD)/selftests/can_bpf
	$(Q)BUILD=$(BUILD) selftests/vm/here -f $(SYSLAT) -- bpf-progs/syslat/demo.sh $(SYSLAT)

demo-size: $(SYSLAT)-shared $(SYSLAT)-static
	@printf '%-28s %8d bytes\n' 'syslat, with libmem.so' $$(stat -c %s $(SYSLAT)-shared) \
		'libmem.so, stripped' $$(strip -o $(SYSLAT_DIR)/libmem.stripped $(LIBMEM_SO) && \
			stat -c %s $(SYSLAT_DIR)/libmem.stripped) \
		'syslat, static' $$(stat -c %s $(SYSLAT)-static)

install-syslat: $(SYSLAT)
	$(call say,INSTALL,$(DESTDIR)$(BINDIR)/syslat)
	$(Q)install -d $(DESTDIR)$(BINDIR)
	$(Q)install -s -m 755 $(SYSLAT) $(DESTDIR)$(BINDIR)

# Its tests: of the parts that need no kernel, which are linked in, and of the tool.
$(BUILD)/selftests/test_syslat_parts: $(addprefix $(SYSLAT_DIR)/,json.o sample.o view.o) $(TOOL_SCREEN)
$(BUILD)/selftests/test_syslat: | $(SYSLAT)
