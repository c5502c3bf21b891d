/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A global function is verified without its callers, so the kernel has to know that an argument is the context.
 * From Linux 6.8 on a tag says so (__arg_ctx); before, the name of the struct that it points to. So, where the
 * kernel has refused a program, it gets the object's BTF with two types more, a struct of that name and a pointer
 * to it, and each tagged function gets a prototype with that pointer. What other types there are keep their ids.
 * Sources: btf_get_prog_ctx_type() in kernel/bpf/btf.c, linux/bpf_types.h.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <mem/object.h>

#include "btf_view.h"
#include "context_arguments.h"
#include "sys.h"

#define TAG "arg:ctx"

enum { NETFILTER = 32 }; /* BPF_PROG_TYPE_NETFILTER; the headers may be older */

/* What the kernel calls the context, in BTF; NULL where it is no struct. */
static const char *context_name(enum bpf_prog_type type)
{
	static const char *const names[] = {
		[BPF_PROG_TYPE_SOCKET_FILTER] = "__sk_buff",
		[BPF_PROG_TYPE_KPROBE] = "bpf_user_pt_regs_t",
		[BPF_PROG_TYPE_SCHED_CLS] = "__sk_buff",
		[BPF_PROG_TYPE_SCHED_ACT] = "__sk_buff",
		[BPF_PROG_TYPE_XDP] = "xdp_md",
		[BPF_PROG_TYPE_PERF_EVENT] = "bpf_perf_event_data",
		[BPF_PROG_TYPE_CGROUP_SKB] = "__sk_buff",
		[BPF_PROG_TYPE_CGROUP_SOCK] = "bpf_sock",
		[BPF_PROG_TYPE_LWT_IN] = "__sk_buff",
		[BPF_PROG_TYPE_LWT_OUT] = "__sk_buff",
		[BPF_PROG_TYPE_LWT_XMIT] = "__sk_buff",
		[BPF_PROG_TYPE_SOCK_OPS] = "bpf_sock_ops",
		[BPF_PROG_TYPE_SK_SKB] = "__sk_buff",
		[BPF_PROG_TYPE_CGROUP_DEVICE] = "bpf_cgroup_dev_ctx",
		[BPF_PROG_TYPE_SK_MSG] = "sk_msg_md",
		[BPF_PROG_TYPE_RAW_TRACEPOINT] = "bpf_raw_tracepoint_args",
		[BPF_PROG_TYPE_CGROUP_SOCK_ADDR] = "bpf_sock_addr",
		[BPF_PROG_TYPE_LWT_SEG6LOCAL] = "__sk_buff",
		[BPF_PROG_TYPE_SK_REUSEPORT] = "sk_reuseport_md",
		[BPF_PROG_TYPE_FLOW_DISSECTOR] = "__sk_buff",
		[BPF_PROG_TYPE_CGROUP_SYSCTL] = "bpf_sysctl",
		[BPF_PROG_TYPE_RAW_TRACEPOINT_WRITABLE] = "bpf_raw_tracepoint_args",
		[BPF_PROG_TYPE_CGROUP_SOCKOPT] = "bpf_sockopt",
		[BPF_PROG_TYPE_SK_LOOKUP] = "bpf_sk_lookup",
		[NETFILTER] = "bpf_nf_ctx",
	};

	return type < sizeof(names) / sizeof(names[0]) ? names[type] : NULL;
}

/* An argument that is tagged: of a function with this prototype. */
struct tagged {
	struct btf_type *func;
	const struct btf_type *proto;
	uint32_t argument;
};

/* Whether a type is such a tag. */
static bool read_tag(const struct btf_view *view, uint32_t id, struct tagged *tagged)
{
	const struct btf_type *tag = btf_view_type(view, id);

	if (btf_kind_of(tag) != BTF_KIND_DECL_TAG || strcmp(btf_view_string(view, tag->name_off), TAG))
		return false;
	tagged->argument = *(const uint32_t *)btf_records(tag);
	tagged->func = (struct btf_type *)btf_view_type(view, tag->type);
	if (!tagged->func || btf_kind_of(tagged->func) != BTF_KIND_FUNC)
		return false;
	tagged->proto = btf_view_type(view, tagged->func->type);
	/* the second one of a function has a prototype that is not in the view */
	return !tagged->proto || (btf_kind_of(tagged->proto) == BTF_KIND_FUNC_PROTO &&
				  tagged->argument < btf_length_of(tagged->proto));
}

/* Bytes that the new types take at the most; 0 if no argument is tagged, or a function has no prototype. */
static size_t count_bytes(const struct btf_view *view)
{
	struct tagged tagged;
	size_t size = 0;

	for (uint32_t id = 1; id < view->count; id++) {
		if (!read_tag(view, id, &tagged))
			continue;
		if (!tagged.proto)
			return 0;
		size += btf_record_size(tagged.proto);
	}
	return size ? size + 2 * sizeof(struct btf_type) : 0;
}

/* BTF under construction: the object's types, then new ones. */
struct extended {
	char *data;	/* header, types, strings */
	char *first;	/* the first new type: the struct */
	char *end;	/* of the types */
	uint32_t types; /* with void */
};

static void add_type(struct extended *btf, const void *type, size_t size)
{
	memcpy(btf->end, type, size);
	btf->end += size;
	btf->types++;
}

static char *new_type(const struct extended *btf, uint32_t number)
{
	char *at = btf->first;

	while (number--)
		at += btf_record_size((const struct btf_type *)at);
	return at;
}

/* The argument of the function's prototype, which is one of the new types from now on, becomes the context. */
static void set_context(struct extended *btf, const struct btf_view *view, const struct tagged *tagged)
{
	struct btf_param *params;
	uint32_t count;
	char *proto;

	if (tagged->proto) {
		tagged->func->type = btf->types;
		add_type(btf, tagged->proto, btf_record_size(tagged->proto));
	}
	proto = new_type(btf, tagged->func->type - view->count);
	count = btf_length_of((const struct btf_type *)proto);
	params = (struct btf_param *)(proto + sizeof(struct btf_type));
	if (tagged->argument < count)
		params[tagged->argument].type = view->count + 1;
}

/* The types of a copy that has room for more behind them. */
static void add_types(struct extended *btf, const struct btf_view *view, uint32_t name)
{
	const struct btf_type context = {.name_off = name, .info = BTF_KIND_STRUCT << 24};
	const struct btf_type pointer = {.info = BTF_KIND_PTR << 24, .type = view->count};
	struct tagged tagged;

	btf->first = btf->end;
	btf->types = view->count;
	add_type(btf, &context, sizeof(context));
	add_type(btf, &pointer, sizeof(pointer));
	for (uint32_t id = 1; id < view->count; id++)
		if (read_tag(view, id, &tagged))
			set_context(btf, view, &tagged);
}

/* A view of the copy of the types. The strings are still the object's own. */
static size_t extend(struct extended *btf, struct btf_view *view, const char *name)
{
	const size_t types = (size_t)(view->types_end - view->types);
	const size_t strings = (size_t)(view->strings_end - view->strings);
	struct btf_header header = {.magic = BTF_MAGIC, .version = BTF_VERSION, .hdr_len = sizeof(header)};

	memcpy(btf->data + sizeof(header), view->types, types);
	view->types = btf->data + sizeof(header);
	view->types_end = btf->end = btf->data + sizeof(header) + types;
	add_types(btf, view, (uint32_t)strings);
	header.type_len = header.str_off = (uint32_t)(btf->end - btf->data - sizeof(header));
	header.str_len = (uint32_t)(strings + strlen(name) + 1);
	memcpy(btf->data, &header, sizeof(header));
	memcpy(btf->end, view->strings, strings);
	memcpy(btf->end + strings, name, strlen(name) + 1);
	return sizeof(header) + header.type_len + header.str_len;
}

static int no_memory(const struct mem_prog *prog)
{
	return mem__error(ENOMEM, "%s: program '%s': no memory for its BTF", prog->obj->name, prog->image->name);
}

static int load(const struct mem_prog *prog, struct btf_view *view, const char *name)
{
	const size_t more = count_bytes(view);
	struct extended btf;
	BPF_ATTR(attr);
	int fd;

	if (!more)
		return 0;
	btf.data = malloc(sizeof(struct btf_header) + prog->obj->image.btf_size + more + strlen(name) + 1);
	if (!btf.data)
		return no_memory(prog);
	attr.btf_size = (uint32_t)extend(&btf, view, name);
	attr.btf = sys_pointer(btf.data);
	fd = sys_bpf_fd(BPF_BTF_LOAD, &attr, sizeof(attr));
	free(btf.data);
	if (fd >= 0)
		mem__log(MEM_LOG_INFO, "%s: program '%s': this kernel goes by the names of arguments' types, which are "
				       "changed to %s", prog->obj->name, prog->image->name, name);
	return fd == -ENOMEM ? no_memory(prog) : fd < 0 ? 0 : fd;
}

int context_arguments_load(const struct mem_prog *prog)
{
	const struct mem_object *obj = prog->obj;
	const char *name = context_name(prog->type);
	struct btf_view view;
	int fd;

	if (!name || obj->btf_fd < 0 || !btf_view_init(&view, obj->image.btf, obj->image.btf_size))
		return 0;
	fd = btf_view_index(&view);
	if (fd)
		return fd == -ENOMEM ? no_memory(prog) : 0;
	fd = load(prog, &view, name);
	btf_view_free(&view);
	return fd;
}

void mem_context_arguments_use(void)
{
}
