// SPDX-License-Identifier: BSD-2-Clause
/*
 * record OUT.c COMMAND...: run a tool that loads an object, and write the calls that it takes as constants
 * for floor.c: BTF, maps, their contents and mappings, programs, links. Everything else that the tool did
 * is left out, and whatever made something that is not there any more in the end.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/bpf.h>
#include <linux/perf_event.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "floor.h"
#include "trace.h"

#define CALLS 4096
#define SLOTS 1024
#define PAGE 4096
#define PERF_ATTR 136 /* as much of it as an attr has words for */

/* A blob that the table refers to. */
struct blob {
	unsigned char *bytes;
	uint64_t size;
};

struct pointer {
	uint16_t offset; /* in attr */
	int blob;        /* -1: the table of descriptors */
};

struct step {
	struct floor_call call;
	struct pointer pointers[8];
	int pointer_count;
	int blob;
};

struct slot {
	int fd; /* in the tool; -1 when it is closed */
	uint64_t at, size;
	uint32_t type, key_size, value_size;
	uint64_t extra;
	int used;
};

static struct step steps[CALLS];
static struct slot slots[SLOTS];
static struct blob blobs[CALLS * 2];
static int step_count, slot_count, blob_count, phase_of_contents;

static void die(const char *what)
{
	fprintf(stderr, "record: %s\n", what);
	exit(1);
}

/* ---- what the tool has in its memory */

static int blob_of(const struct trace_call *trace, uint64_t address, uint64_t size)
{
	struct blob *blob = &blobs[blob_count];

	blob->bytes = malloc(size + 1);
	blob->size = size;
	if (!blob->bytes || trace_read(trace->pid, address, blob->bytes, size))
		die("can't read what a call was given");
	return blob_count++;
}

static uint64_t string_size(const struct trace_call *trace, uint64_t address)
{
	char c = 1;
	uint64_t size = 0;

	while (c && !trace_read(trace->pid, address + size, &c, 1))
		size++;
	return size;
}

static int slot_of(int64_t fd)
{
	for (int i = slot_count - 1; i >= 0; i--)
		if (slots[i].fd == fd)
			return i;
	return -1;
}

static int new_slot(int64_t fd)
{
	if (slot_count == SLOTS)
		die("too many descriptors");
	memset(&slots[slot_count], 0, sizeof(slots[0]));
	slots[slot_count].fd = (int)fd;
	return slot_count++;
}

static struct step *new_step(const struct trace_call *trace, enum floor_op op)
{
	struct step *step = &steps[step_count++];

	if (step_count == CALLS)
		die("too many calls");
	memset(step, 0, sizeof(*step));
	step->call.op = op;
	step->call.phase = trace->phase;
	step->call.makes = step->call.argument = step->blob = -1;
	return step;
}

/* ---- the members of attr that are pointers and descriptors */

static uint64_t member(const struct step *step, size_t offset, size_t size)
{
	uint64_t value = 0;

	memcpy(&value, (const char *)step->call.attr + offset, size);
	return value;
}

#define MEMBER(step, name)                                                                         \
	member(step, offsetof(union bpf_attr, name), sizeof(((union bpf_attr *)NULL)->name))

static void clear(struct step *step, size_t offset, size_t size)
{
	memset((char *)step->call.attr + offset, 0, size);
}

static void point(struct step *step, size_t offset, int blob)
{
	struct pointer *pointer = &step->pointers[step->pointer_count++];

	pointer->offset = (uint16_t)offset;
	pointer->blob = blob;
}

/* Memory of size bytes that a member points to. */
static int take(struct step *step, const struct trace_call *trace, size_t offset, uint64_t size)
{
	uint64_t address = member(step, offset, 8);
	int blob;

	if (!address || !size)
		return -1;
	blob = blob_of(trace, address, size);
	point(step, offset, blob);
	return blob;
}

/* A member that is a descriptor; 0 is none. */
static void link_fd(struct step *step, size_t offset)
{
	int fd = (int)member(step, offset, 4), slot = fd ? slot_of(fd) : -1;
	struct floor_call *call = &step->call;

	if (!fd)
		return;
	if (slot < 0)
		die("a descriptor that was not seen being made");
	clear(step, offset, 4);
	slots[slot].used = 1;
	call->fds[call->fd_count].offset = (uint16_t)offset;
	call->fds[call->fd_count++].slot = (uint16_t)slot;
}

#define LINK_FD(step, name) link_fd(step, offsetof(union bpf_attr, name))
#define TAKE(step, trace, name, size) take(step, trace, offsetof(union bpf_attr, name), size)

/* ---- bpf(2) */

static void record_btf(struct step *step, const struct trace_call *trace)
{
	TAKE(step, trace, btf, MEMBER(step, btf_size));
	clear(step, offsetof(union bpf_attr, btf_log_buf), 8);
	clear(step, offsetof(union bpf_attr, btf_log_size), 8);
}

static void record_map(struct step *step)
{
	struct slot *slot = &slots[step->call.makes];

	slot->type = (uint32_t)MEMBER(step, map_type);
	slot->key_size = (uint32_t)MEMBER(step, key_size);
	slot->value_size = (uint32_t)MEMBER(step, value_size);
	slot->extra = MEMBER(step, map_extra);
	slot->used = 1;
	LINK_FD(step, btf_fd);
	LINK_FD(step, inner_map_fd);
}

/* The slot of a map that an instruction names, by descriptor or by its place in fd_array. */
static int slot_of_insn(const struct trace_call *trace, const struct bpf_insn *insn, uint64_t fd_array)
{
	int fd = insn->imm;

	if ((insn->src_reg == BPF_PSEUDO_MAP_IDX || insn->src_reg == BPF_PSEUDO_MAP_IDX_VALUE) &&
	    trace_read(trace->pid, fd_array + 4 * (uint64_t)(uint32_t)insn->imm, &fd, sizeof(fd)))
		die("can't read fd_array");
	return slot_of(fd);
}

static void name_maps_by_slot(const struct trace_call *trace, const struct blob *blob, uint64_t fd_array)
{
	struct bpf_insn *insn = (struct bpf_insn *)(void *)blob->bytes, *end = insn + blob->size / sizeof(*insn);

	for (; insn < end; insn++) {
		int value = insn->src_reg == BPF_PSEUDO_MAP_VALUE || insn->src_reg == BPF_PSEUDO_MAP_IDX_VALUE;
		int map = insn->src_reg == BPF_PSEUDO_MAP_FD || insn->src_reg == BPF_PSEUDO_MAP_IDX;

		if (insn->code != (BPF_LD | BPF_IMM | BPF_DW))
			continue;
		if (map || value) {
			int slot = slot_of_insn(trace, insn, fd_array);

			if (slot < 0)
				die("an instruction names a map that was not seen being made");
			insn->imm = slot;
			insn->src_reg = value ? BPF_PSEUDO_MAP_IDX_VALUE : BPF_PSEUDO_MAP_IDX;
		}
		insn++;
	}
}

static void record_prog(struct step *step, const struct trace_call *trace)
{
	uint64_t fd_array = MEMBER(step, fd_array);
	int insns = TAKE(step, trace, insns, MEMBER(step, insn_cnt) * 8);

	TAKE(step, trace, license, string_size(trace, MEMBER(step, license)));
	TAKE(step, trace, func_info, MEMBER(step, func_info_cnt) * MEMBER(step, func_info_rec_size));
	TAKE(step, trace, line_info, MEMBER(step, line_info_cnt) * MEMBER(step, line_info_rec_size));
	TAKE(step, trace, core_relos, MEMBER(step, core_relo_cnt) * MEMBER(step, core_relo_rec_size));
	name_maps_by_slot(trace, &blobs[insns], fd_array);
	clear(step, offsetof(union bpf_attr, log_level), 16);
	clear(step, offsetof(union bpf_attr, fd_array), 8);
	point(step, offsetof(union bpf_attr, fd_array), -1);
	LINK_FD(step, prog_btf_fd);
	LINK_FD(step, attach_prog_fd);
	slots[step->call.makes].used = 1;
}

static void record_update(struct step *step, const struct trace_call *trace)
{
	int slot = slot_of((int64_t)MEMBER(step, map_fd));

	if (slot < 0)
		die("a map that was not seen being made");
	TAKE(step, trace, key, slots[slot].key_size);
	TAKE(step, trace, value, slots[slot].value_size);
	LINK_FD(step, map_fd);
}

static void record_bpf(const struct trace_call *trace)
{
	struct step *step;
	int cmd = (int)trace->args[0];
	int makes = cmd == BPF_MAP_CREATE || cmd == BPF_PROG_LOAD || cmd == BPF_BTF_LOAD ||
		    cmd == BPF_LINK_CREATE || cmd == BPF_RAW_TRACEPOINT_OPEN;

	if (!makes && cmd != BPF_MAP_UPDATE_ELEM && cmd != BPF_MAP_FREEZE)
		return;
	step = new_step(trace, FLOOR_BPF);
	step->call.number = trace->args[0];
	step->call.size = trace->args[2] < sizeof(step->call.attr) ? trace->args[2] : sizeof(step->call.attr);
	if (trace_read(trace->pid, trace->args[1], step->call.attr, step->call.size))
		die("can't read a bpf_attr");
	if (makes)
		step->call.makes = new_slot(trace->result);
	switch (cmd) {
	case BPF_BTF_LOAD: record_btf(step, trace); break;
	case BPF_MAP_CREATE: record_map(step); break;
	case BPF_PROG_LOAD: record_prog(step, trace); break;
	case BPF_MAP_UPDATE_ELEM: record_update(step, trace); break;
	case BPF_MAP_FREEZE: LINK_FD(step, map_fd); break;
	case BPF_LINK_CREATE:
		LINK_FD(step, link_create.prog_fd);
		LINK_FD(step, link_create.target_fd);
		break;
	case BPF_RAW_TRACEPOINT_OPEN:
		TAKE(step, trace, raw_tracepoint.name,
		     string_size(trace, MEMBER(step, raw_tracepoint.name)));
		LINK_FD(step, raw_tracepoint.prog_fd);
		break;
	}
	if (cmd == BPF_LINK_CREATE || cmd == BPF_RAW_TRACEPOINT_OPEN)
		slots[step->call.makes].used = 1;
}

/* ---- the other calls */

static void record_mmap(const struct trace_call *trace)
{
	int slot = slot_of((int)trace->args[4]);
	struct step *step;

	if ((trace->args[3] & MAP_ANONYMOUS) || slot < 0)
		return;
	step = new_step(trace, FLOOR_MAP);
	step->call.slot = slot;
	step->call.number = trace->args[2];
	step->call.size = trace->args[1];
	step->call.offset = slots[slot].extra;
	slots[slot].at = (uint64_t)trace->result;
	slots[slot].size = trace->args[1];
}

static void record_mremap(const struct trace_call *trace)
{
	for (int i = 0; i < slot_count; i++)
		if (slots[i].at == trace->args[0])
			slots[i].at = (uint64_t)trace->result;
}

static void record_perf(const struct trace_call *trace)
{
	struct step *step = new_step(trace, FLOOR_PERF);
	struct perf_event_attr attr;

	memset(&attr, 0, sizeof(attr));
	if (trace_read(trace->pid, trace->args[0], &attr, PERF_ATTR_SIZE_VER0) ||
	    trace_read(trace->pid, trace->args[0], &attr, attr.size < PERF_ATTR ? attr.size : PERF_ATTR))
		die("can't read a perf_event_attr");
	memcpy(step->call.attr, &attr, PERF_ATTR < sizeof(attr) ? PERF_ATTR : sizeof(attr));
	step->call.number = trace->args[2];
	step->call.offset = trace->args[4];
	step->call.makes = new_slot(trace->result);
	slots[step->call.makes].used = 1;
}

static void record_ioctl(const struct trace_call *trace)
{
	int slot = slot_of((int)trace->args[0]);
	struct step *step;

	if (slot < 0)
		return;
	step = new_step(trace, FLOOR_IOCTL);
	step->call.slot = slot;
	step->call.number = trace->args[1];
	step->call.offset = trace->args[2];
	if (trace->args[1] == PERF_EVENT_IOC_SET_BPF)
		step->call.argument = slot_of((int)trace->args[2]);
}

static void record_close(const struct trace_call *trace)
{
	int slot = slot_of((int)trace->args[0]);

	if (slot >= 0)
		slots[slot].fd = -1;
}

/* ---- contents, as they are when all is loaded */

/* Whether a page of the tool's is there, without touching it. */
static int is_present(const struct trace_call *trace, uint64_t address)
{
	static int fd = -1;
	uint64_t entry = 0;
	char path[64];

	if (fd < 0) {
		snprintf(path, sizeof(path), "/proc/%d/pagemap", (int)trace->pid);
		fd = open(path, O_RDONLY | O_CLOEXEC);
	}
	if (pread(fd, &entry, sizeof(entry), (off_t)(address / PAGE * sizeof(entry))) != sizeof(entry))
		return 0;
	return entry >> 63;
}

/* The bytes of a page that are not 0, or a touch of it if it is an arena's. */
static void record_page(const struct trace_call *trace, int slot, uint64_t offset)
{
	unsigned char page[PAGE];
	struct step *step;
	uint64_t from = 0, to = PAGE;

	if (trace_read(trace->pid, slots[slot].at + offset, page, PAGE))
		die("can't read a mapping");
	while (to && !page[to - 1])
		to--;
	while (from < to && !page[from])
		from++;
	if (!to && !slots[slot].extra)
		return;
	step = new_step(trace, to ? FLOOR_FILL : FLOOR_TOUCH);
	step->call.phase = 1;
	step->call.slot = slot;
	step->call.offset = offset + from;
	if (to)
		step->blob = blob_of(trace, slots[slot].at + step->call.offset, to - from);
	step->call.size = to - from;
}

static int is_writable(int slot)
{
	for (int i = 0; i < step_count; i++)
		if (steps[i].call.op == FLOOR_MAP && steps[i].call.slot == slot)
			return !!(steps[i].call.number & PROT_WRITE);
	return 0;
}

/* Contents belong right behind the mapping, before anything that is made later. */
static void move_behind_mappings(int from)
{
	int at = 0;

	for (int i = 0; i < from; i++)
		if (steps[i].call.op == FLOOR_MAP)
			at = i + 1;
	for (int i = from; i < step_count; i++) {
		struct step step = steps[i];

		memmove(&steps[at + 1], &steps[at], (size_t)(i - at) * sizeof(step));
		steps[at++] = step;
	}
}

static void record_contents(const struct trace_call *trace)
{
	int first = step_count;

	for (int slot = 0; slot < slot_count; slot++)
		for (uint64_t at = 0; is_writable(slot) && at < slots[slot].size; at += PAGE)
			if (is_present(trace, slots[slot].at + at))
				record_page(trace, slot, at);
	move_behind_mappings(first);
}

static void see(void *ctx, const struct trace_call *trace)
{
	int *last = ctx;

	if (trace->nr == SYS_getrusage && trace->phase == 2 && !phase_of_contents++)
		record_contents(trace);
	if (trace->phase < 1 || trace->phase > *last || trace->result < 0)
		return;
	switch (trace->nr) {
	case SYS_bpf: record_bpf(trace); break;
	case SYS_mmap: record_mmap(trace); break;
	case SYS_mremap: record_mremap(trace); break;
	case SYS_perf_event_open: record_perf(trace); break;
	case SYS_ioctl: record_ioctl(trace); break;
	case SYS_close: record_close(trace); break;
	}
}

/* ---- the C file */

static void write_blobs(FILE *out)
{
	for (int i = 0; i < blob_count; i++) {
		fprintf(out, "static const unsigned char b%d[] __attribute__((aligned(8))) = {", i);
		for (uint64_t n = 0; n < blobs[i].size; n++)
			fprintf(out, "%s%u,", n % 24 ? "" : "\n\t", blobs[i].bytes[n]);
		fprintf(out, "\n};\n");
	}
}

static void write_word(FILE *out, const struct step *step, size_t word)
{
	for (int i = 0; i < step->pointer_count; i++) {
		if (step->pointers[i].offset != word * 8)
			continue;
		if (step->pointers[i].blob < 0)
			fprintf(out, "(uint64_t)(uintptr_t)floor_fds, ");
		else
			fprintf(out, "(uint64_t)(uintptr_t)b%d, ", step->pointers[i].blob);
		return;
	}
	fprintf(out, "0x%llx, ", (unsigned long long)step->call.attr[word]);
}

static void write_step(FILE *out, const struct step *step)
{
	static const char *const ops[] = {"BPF", "MAP", "FILL", "TOUCH", "PERF", "IOCTL"};
	const struct floor_call *call = &step->call;

	fprintf(out, "\t{FLOOR_%s, %d, %d, %d, %d, %#llx, %llu, %#llx, ", ops[call->op], call->phase,
		call->makes, call->slot, call->argument, (unsigned long long)call->number,
		(unsigned long long)call->size, (unsigned long long)call->offset);
	if (step->blob >= 0)
		fprintf(out, "b%d, ", step->blob);
	else
		fprintf(out, "0, ");
	fprintf(out, "%d, {", call->fd_count);
	for (int i = 0; i < call->fd_count; i++)
		fprintf(out, "{%u, %u}, ", call->fds[i].offset, call->fds[i].slot);
	fprintf(out, "{0, 0}}, {");
	for (size_t i = 0; i < 20; i++)
		write_word(out, step, i);
	fprintf(out, "}},\n");
}

/* Made and closed again, and nothing was made with it: an attempt. */
static int is_attempt(const struct step *step)
{
	return step->call.makes >= 0 && slots[step->call.makes].fd < 0 && !slots[step->call.makes].used;
}

static void write_table(FILE *out)
{
	fprintf(out, "/* Written by bench/startup/record.c: good for the kernel it ran on. */\n");
	fprintf(out, "#include \"floor.h\"\n\n");
	write_blobs(out);
	fprintf(out, "int floor_fds[%d];\nconst int floor_slot_count = %d;\nstruct floor_call floor_calls[] = {\n",
		slot_count, slot_count);
	for (int i = 0; i < step_count; i++)
		if (!is_attempt(&steps[i]))
			write_step(out, &steps[i]);
	fprintf(out, "};\nconst int floor_call_count = sizeof(floor_calls) / sizeof(floor_calls[0]);\n");
}

int main(int argc, char **argv)
{
	/* an object that is not attached is closed after its second getrusage(2) */
	int last = getenv("RECORD_ATTACH") ? 2 : 1, status;
	FILE *out;

	if (argc < 3)
		die("usage: record OUT.c COMMAND...");
	status = trace_run(argv + 2, see, &last);
	if (status) {
		fprintf(stderr, "record: %s: status %d\n", argv[2], status);
		return 1;
	}
	out = fopen(argv[1], "w");
	if (!out)
		die("can't write");
	write_table(out);
	return fclose(out) ? 1 : 0;
}
