# SPDX-License-Identifier: BSD-2-Clause
## make reqtrace              build/bpf-progs/reqtrace/: where a server's requests spend their time, and a server
## make demo-reqtrace         run both for some seconds; the timeline is build/reqtrace.svg
.PHONY: reqtrace demo-reqtrace

REQTRACE_DIR := $(BUILD)/bpf-progs/reqtrace
REQTRACE := $(REQTRACE_DIR)/reqtrace
REQSERVER := $(REQTRACE_DIR)/reqserver
REQTRACE_OBJS := $(addprefix $(REQTRACE_DIR)/,reqtrace.o options.o probe.o sample.o view.o timeline.o) \
	$(TOOL_SCREEN) $(TOOL_ARGUMENTS)
REQSERVER_OBJS := $(addprefix $(REQTRACE_DIR)/,server.o work.o load.o)

reqtrace: $(REQTRACE) $(REQSERVER)
	@:

$(REQTRACE_DIR)/probe.o: $(REQTRACE_DIR)/reqtrace.skel.h
$(REQSERVER_OBJS): $(REQTRACE_DIR)/server.skel.h

$(REQTRACE): $(REQTRACE_OBJS) $(LIBMEM_A)
	$(call say,LD,$@)
	$(Q)$(CC) $(ALL_LDFLAGS) $^ -o $@

$(REQSERVER): $(REQSERVER_OBJS) $(LIBMEM_A)
	$(call say,LD,$@)
	$(Q)$(CC) -pthread $(ALL_LDFLAGS) $^ -o $@

demo-reqtrace: setup
	$(Q)$(MAKE) --no-print-directory -s reqtrace $(BUILD)/selftests/can_bpf
	$(Q)BUILD=$(BUILD) selftests/vm/here -f $(REQTRACE) -f $(REQSERVER) -- \
		bpf-progs/reqtrace/demo.sh $(REQTRACE_DIR) $(BUILD)/reqtrace.svg

# Its tests: of the parts that need no kernel, which are linked in, and of tool and server.
$(BUILD)/selftests/test_reqtrace_parts: $(addprefix $(REQTRACE_DIR)/,sample.o timeline.o) $(TOOL_SCREEN)
$(BUILD)/selftests/test_reqtrace: | $(REQTRACE) $(REQSERVER)
