/* SPDX-License-Identifier: BSD-2-Clause */
/* Programs: loading one, and its properties. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "context_arguments.h"
#include "explain.h"
#include "insns.h"
#include "object.h"
#include "sys.h"
#include "type_match.h"
#include "verifier.h"

static const struct feature core_relocation = { "CO-RE relocation by the kernel", 5, 17 };

static void prog_attr(const struct mem_prog *prog, const struct insns *insns, int btf_fd, union bpf_attr *attr)
{
	const struct mem_prog_image *image = prog->image;
	const struct mem_object *obj = prog->obj;

	attr->prog_type = prog->type;
	attr->expected_attach_type = prog->attach_type;
	attr->prog_flags = image->prog_flags;
	attr->insns = sys_pointer(insns->code);
	attr->insn_cnt = insns->count;
	attr->license = sys_pointer(obj->image.image->license ?: "");
	attr->kern_version = obj->image.image->kern_version;
	attr->attach_btf_id = prog->target_id;
	if (prog->target_prog_fd >= 0)
		attr->attach_prog_fd = (uint32_t)prog->target_prog_fd;
	else if (prog->target_module)
		attr->attach_btf_obj_fd = (uint32_t)obj->modules.fds[prog->target_module];
	if (obj->modules.count)
		attr->fd_array = sys_pointer(obj->modules.fds);
	sys_set_name(attr->prog_name, image->name);
	if (!insns->funcs)
		return;
	attr->prog_btf_fd = (uint32_t)btf_fd;
	attr->func_info = sys_pointer(insns->funcs);
	attr->func_info_cnt = insns->func_count;
	attr->func_info_rec_size = sizeof(*insns->funcs);
	if (insns->lines) {
		attr->line_info = sys_pointer(insns->lines);
		attr->line_info_cnt = insns->line_count;
		attr->line_info_rec_size = sizeof(*insns->lines);
	}
	if (insns->core_count) {
		attr->core_relos = sys_pointer(insns->cores);
		attr->core_relo_cnt = insns->core_count;
		attr->core_relo_rec_size = sizeof(*insns->cores);
	}
}

static int prog_check(const struct mem_prog *prog, const struct insns *insns)
{
	const char *object = prog->obj->name, *name = prog->image->name;
	char why[256];

	if (prog->type == BPF_PROG_TYPE_UNSPEC)
		return mem__error(EINVAL,
				  "%s: program '%s': section name '%s' is of no known program type; "
				  "rename it, call mem_prog_type_set(), or switch the program off with "
				  "mem_prog_autoload_set()",
				  object, name, prog->image->section);
	/* without function types the kernel would ignore the records and read wrong offsets */
	if (insns->core_count && !insns->funcs)
		return mem__error(EINVAL,
				  "%s: program '%s' has CO-RE records but some function has no BTF: compile "
				  "all of the object with -g", object, name);
	if (insns->core_count && explain_missing(why, sizeof(why), &core_relocation))
		return mem__error(ENOTSUP, "%s: program '%s': %s", object, name, why);
	return 0;
}

static int try_load(const struct mem_prog *prog, const struct insns *insns, int btf_fd, union bpf_attr *attr)
{
	memset(attr, 0, sizeof(*attr));
	prog_attr(prog, insns, btf_fd, attr);
	return sys_bpf_fd(BPF_PROG_LOAD, attr, sizeof(*attr));
}

/* By a thread of load_ahead(): what fails is left to prog_load(). */
void prog_try(struct mem_prog *prog)
{
	union bpf_attr attr;
	struct insns insns;

	if (insns_build(prog, &insns))
		return;
	if (!prog_check(prog, &insns)) {
		int fd = try_load(prog, &insns, prog->obj->btf_fd, &attr);

		prog->fd = fd < 0 ? -1 : fd;
	}
	insns_free(&insns);
}

static bool asks_for_matches(const struct insns *insns)
{
	for (uint32_t i = 0; i < insns->core_count; i++)
		if (insns->cores[i].kind == BPF_CORE_TYPE_MATCHES)
			return true;
	return false;
}

/*
 * The descriptor, or -errno. What the kernel is too old for, or gives up too early, is done here the second time.
 * btf_fd: the object's; if it becomes another one, that is the caller's to close when nobody asks again.
 */
static int load_insns(const struct mem_prog *prog, struct insns *insns, int *btf_fd, union bpf_attr *attr)
{
	int fd = try_load(prog, insns, *btf_fd, attr), own;

	if (fd == -EINVAL && asks_for_matches(insns) && type_match_answer && type_match_answer(prog, insns) > 0)
		fd = try_load(prog, insns, *btf_fd, attr);
	if ((fd != -EINVAL && fd != -EACCES) || !insns->funcs || !context_arguments_load)
		return fd;
	own = context_arguments_load(prog);
	if (own <= 0)
		return own ?: fd;
	*btf_fd = own;
	return try_load(prog, insns, own, attr);
}

int prog_load(struct mem_prog *prog)
{
	struct insns insns;
	int err = insns_build(prog, &insns), btf_fd = prog->obj->btf_fd;
	union bpf_attr attr;

	if (err)
		return err;
	err = prog_check(prog, &insns);
	if (!err) {
		prog->fd = load_insns(prog, &insns, &btf_fd, &attr);
		if (prog->fd < 0) {
			err = -prog->fd;
			prog->fd = -1;
			err = verifier_explain(prog, &insns, &attr, err);
		}
	}
	if (btf_fd != prog->obj->btf_fd)
		sys_close(&btf_fd);
	insns_free(&insns);
	return err;
}

/* What the application said, else what the section says. */
const char *prog_target(const struct mem_prog *prog)
{
	return prog->target ?: prog->image->target;
}

/* A lenient load goes on without it and remembers why. */
void prog_leave_out(struct mem_prog *prog)
{
	prog->autoload = false;
	prog->error = strdup(mem_error_message());
	mem__log(MEM_LOG_WARN, "left out: %s", mem_error_message());
}

void prog_close(struct mem_prog *prog)
{
	sys_close(&prog->fd);
	sys_close(&prog->target_prog_fd);
	free(prog->target);
	free(prog->error);
}

const char *mem_prog_error(const struct mem_prog *prog)
{
	return prog->error ?: "";
}

int mem_prog_fd(const struct mem_prog *prog)
{
	return prog->fd >= 0 ? prog->fd : -EBADF;
}

const char *mem_prog_name(const struct mem_prog *prog)
{
	return prog->image->name;
}

const char *mem_prog_section(const struct mem_prog *prog)
{
	return prog->image->section;
}

uint32_t mem_prog_type(const struct mem_prog *prog)
{
	return prog->type;
}

int mem_prog_autoload(const struct mem_prog *prog)
{
	return prog->autoload;
}
