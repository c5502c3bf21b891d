# SPDX-License-Identifier: BSD-2-Clause
## make parity DIR=folder     libmem and libbpf side by side on all BPF objects there; ONLY=loaders
##                            or headers, FILTER=regex, EVERY=N, JOBS=2; libbpf as PKG_CONFIG_PATH says
## make parity-corpus         the same for the kernel's own BPF selftests, samples and tools
## make parity-vm KERNEL=6.12 ... loaded in the emulator, the hostile ones too
.PHONY: parity parity-corpus parity-vm parity-probes

PARITY_PROBES := $(BUILD)/parity-probe-libmem $(BUILD)/parity-probe-libbpf $(BUILD)/parity-judge
PARITY_OBJS := $(addprefix $(BUILD)/selftests/parity/,probe.o probe_libmem.o probe_libbpf.o judge.o)
PARITY = CC='$(CC)' CXX='$(CXX)' selftests/parity/run -j '$(or $(JOBS),2)' -f '$(or $(FILTER),.)' \
	-s '$(or $(EVERY),1)' $(if $(filter loaders,$(ONLY)),-l) $(if $(filter headers,$(ONLY)),-H)
PARITY_CORPUS = CLANG_BPF='$(CLANG_BPF)' selftests/parity/corpus -j '$(or $(JOBS),2)'

$(PARITY_OBJS): private ALL_CFLAGS += $(ELF_CFLAGS)

$(BUILD)/parity-probe-libmem: $(BUILD)/selftests/parity/probe_libmem.o $(BUILD)/selftests/parity/probe.o \
		$(LIBMEM_ELF_A) $(LIBMEM_A)
	$(call say,LD,$@)
	$(Q)$(CC) $(ALL_LDFLAGS) $^ $(ELF_LIBS) -o $@

$(BUILD)/selftests/parity/judge.o: private ALL_CFLAGS += -Iselftests
$(BUILD)/parity-judge: $(BUILD)/selftests/parity/judge.o $(BUILD)/selftests/judge.o \
		$(BUILD)/selftests/btf_layout.o $(LIBMEM_ELF_A) $(LIBMEM_A)
	$(call say,LD,$@)
	$(Q)$(CC) $(ALL_LDFLAGS) $^ $(ELF_LIBS) -o $@

# A libbpf that is not installed has to be found at run time as well.
$(BUILD)/parity-probe-libbpf: $(BUILD)/selftests/parity/probe_libbpf.o $(BUILD)/selftests/parity/probe.o
	$(call say,LD,$@)
	$(Q)$(CC) $(ALL_LDFLAGS) -Wl,-rpath,$(shell $(PKG_CONFIG) --variable=libdir libbpf) $^ $(ELF_LIBS) -o $@

parity-probes: $(PARITY_PROBES) $(MEMGEN)
selftests: parity-probes

parity: parity-probes
	$(if $(DIR),,$(error which folder? make parity DIR=...))
	$(Q)$(PARITY) $(BUILD) '$(DIR)'

parity-corpus: parity-probes
	$(Q)dir=$$($(PARITY_CORPUS)) && $(PARITY) $(BUILD) "$$dir"

parity-vm: parity-probes
	$(Q)dir=$$($(PARITY_CORPUS)) && $(PARITY) -l -k '$(if $(word 2,$(KERNEL)),6.12,$(KERNEL))' \
		-o $(BUILD)/parity-vm $(BUILD) "$$dir"

-include $(wildcard $(BUILD)/selftests/parity/*.d)
