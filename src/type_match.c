/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A program's type matches one of the kernel's if everything that it declares is there: the same names, kinds
 * and sizes of numbers, members in whatever order and among whatever others. Behind a pointer the name of a
 * struct will do. What follows "___" in a name is the program's own business.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "kernel_btf.h"
#include "type_match.h"

#define DEPTH_MAX 32	  /* structs in structs, as libbpf has it */
#define STEPS_MAX 4000000 /* members looked at for one answer: more is a type made for that */

struct match {
	const struct btf_view *local, *kernel;
	uint64_t steps;
};

static int types_match(struct match *m, uint32_t local, uint32_t kernel, bool pointed, int depth);

/* Characters of a name before its last "___". */
static size_t essential_length(const char *name)
{
	size_t len = strlen(name);

	for (size_t i = len; i-- > 4;)
		if (!strncmp(name + i - 3, "___", 3) && name[i - 4] != '_' && name[i] != '_')
			return i - 3;
	return len;
}

static bool names_match(const struct match *m, uint32_t local, uint32_t kernel)
{
	const char *a = btf_view_string(m->local, local), *b = btf_view_string(m->kernel, kernel);
	size_t len = essential_length(a);

	return len == essential_length(b) && !memcmp(a, b, len);
}

static int member_matches(struct match *m, const struct btf_member *local, const struct btf_type *kernel,
			  int depth)
{
	const struct btf_member *members = btf_records(kernel);

	for (uint32_t i = 0; i < btf_length_of(kernel); i++) {
		int ret;

		if (++m->steps > STEPS_MAX)
			return -E2BIG;
		if (!names_match(m, local->name_off, members[i].name_off))
			continue;
		ret = types_match(m, local->type, members[i].type, false, depth - 1);
		if (ret)
			return ret;
	}
	return 0;
}

static int structs_match(struct match *m, const struct btf_type *local, const struct btf_type *kernel, int depth)
{
	const struct btf_member *members = btf_records(local);
	int ret = 1;

	for (uint32_t i = 0; ret > 0 && i < btf_length_of(local); i++)
		ret = member_matches(m, &members[i], kernel, depth);
	return ret;
}

/* Each value by its name; numbers may differ. */
static int enums_match(struct match *m, const struct btf_type *local, const struct btf_type *kernel)
{
	uint32_t local_size = btf_kind_of(local) == BTF_KIND_ENUM ? 8 : 12;
	uint32_t kernel_size = btf_kind_of(kernel) == BTF_KIND_ENUM ? 8 : 12;
	bool found = true;

	for (uint32_t i = 0; found && i < btf_length_of(local); i++) {
		const uint32_t *want = (const void *)((const char *)btf_records(local) + (size_t)i * local_size);

		found = false;
		for (uint32_t n = 0; !found && n < btf_length_of(kernel); n++) {
			const char *value = (const char *)btf_records(kernel) + (size_t)n * kernel_size;

			if (++m->steps > STEPS_MAX)
				return -E2BIG;
			found = names_match(m, *want, *(const uint32_t *)value);
		}
	}
	return found;
}

static int functions_match(struct match *m, const struct btf_type *local, const struct btf_type *kernel,
			   bool pointed, int depth)
{
	const struct btf_param *a = btf_records(local), *b = btf_records(kernel);
	uint32_t count = btf_length_of(local);
	int ret = count == btf_length_of(kernel);

	for (uint32_t i = 0; ret > 0 && i < count; i++)
		ret = types_match(m, a[i].type, b[i].type, pointed, depth - 1);
	return ret > 0 ? types_match(m, local->type, kernel->type, pointed, depth - 1) : ret;
}

/* STRUCT or UNION, also for what is only declared; else the kind. */
static uint32_t declared_kind(const struct btf_type *type)
{
	if (btf_kind_of(type) != BTF_KIND_FWD)
		return btf_kind_of(type);
	return BTF_INFO_KFLAG(type->info) ? BTF_KIND_UNION : BTF_KIND_STRUCT;
}

static bool is_enum(const struct btf_type *type)
{
	return btf_kind_of(type) == BTF_KIND_ENUM || btf_kind_of(type) == BTF_KIND_ENUM64;
}

static bool numbers_match(const struct btf_type *local, const struct btf_type *kernel)
{
	const uint32_t *a = btf_records(local), *b = btf_records(kernel);

	return local->size == kernel->size && !((BTF_INT_ENCODING(*a) ^ BTF_INT_ENCODING(*b)) & BTF_INT_SIGNED);
}

/* Two types that are neither typedefs nor qualified. */
static int kinds_match(struct match *m, const struct btf_type *local, const struct btf_type *kernel, bool pointed,
		       int depth)
{
	const struct btf_array *a = btf_records(local), *b = btf_records(kernel);

	if (!names_match(m, local->name_off, kernel->name_off))
		return 0;
	if (is_enum(local))
		return is_enum(kernel) ? enums_match(m, local, kernel) : 0;
	if (pointed && declared_kind(local) == declared_kind(kernel) &&
	    (declared_kind(local) == BTF_KIND_STRUCT || declared_kind(local) == BTF_KIND_UNION))
		return 1;
	if (btf_kind_of(local) != btf_kind_of(kernel))
		return 0;
	switch (btf_kind_of(local)) {
	case BTF_KIND_FWD:
		return declared_kind(local) == declared_kind(kernel);
	case BTF_KIND_INT:
		return numbers_match(local, kernel);
	case BTF_KIND_STRUCT:
	case BTF_KIND_UNION:
		return structs_match(m, local, kernel, depth);
	case BTF_KIND_PTR:
		return types_match(m, local->type, kernel->type, true, depth - 1);
	case BTF_KIND_ARRAY:
		return a->nelems == b->nelems ? types_match(m, a->type, b->type, pointed, depth - 1) : 0;
	case BTF_KIND_FUNC_PROTO:
		return functions_match(m, local, kernel, pointed, depth);
	default:
		return 0;
	}
}

/* void has no type here; what is a circle of typedefs has none either, and matches only its like. */
static int types_match(struct match *m, uint32_t local, uint32_t kernel, bool pointed, int depth)
{
	const struct btf_type *a = btf_view_skip(m->local, local), *b = btf_view_skip(m->kernel, kernel);

	if (depth <= 0)
		return -E2BIG;
	return a && b ? kinds_match(m, a, b, pointed, depth) : !a && !b;
}

/* 1 a type of the kernel matches, 0 none does, -ENOENT there is none of the name, or -E2BIG. */
static int kernel_matches(const struct btf_view *local, const struct btf_view *kernel, uint32_t id)
{
	struct match m = { .local = local, .kernel = kernel };
	const struct btf_type *type = btf_view_type(local, id), *other;
	int ret = -ENOENT;

	for (uint32_t i = 1; type && ret <= 0 && ret != -E2BIG && i < kernel->count; i++) {
		other = btf_view_type(kernel, i);
		if ((btf_kind_of(other) == btf_kind_of(type) || (is_enum(other) && is_enum(type))) &&
		    names_match(&m, type->name_off, other->name_off))
			ret = types_match(&m, id, i, false, DEPTH_MAX);
	}
	return ret;
}

/* Where compilers put the answer. False for any other instruction. */
static bool put_answer(struct bpf_insn *insn, int answer)
{
	bool wide = insn->code == (BPF_LD | BPF_IMM | BPF_DW);

	if (!wide && insn->code != (BPF_ALU64 | BPF_MOV | BPF_K) && insn->code != (BPF_ALU | BPF_MOV | BPF_K))
		return false;
	insn[0].imm = answer;
	if (wide)
		insn[1].imm = 0;
	return true;
}

static int answer_all(const struct btf_view *local, const struct btf_view *kernel, struct insns *insns)
{
	uint32_t left = 0;
	int answered = 0;

	for (uint32_t i = 0; i < insns->core_count; i++) {
		const struct bpf_core_relo core = insns->cores[i];
		int match = -ENOENT;

		if (core.kind == BPF_CORE_TYPE_MATCHES)
			match = kernel_matches(local, kernel, core.type_id);
		if (match >= 0 && put_answer(&insns->code[core.insn_off / sizeof(*insns->code)], match))
			answered++;
		else
			insns->cores[left++] = core;
	}
	insns->core_count = left;
	return answered;
}

int type_match_answer(const struct mem_prog *prog, struct insns *insns)
{
	const struct mem_object *obj = prog->obj;
	struct btf_view local;
	struct kernel_btf kernel;
	int ret = kernel_btf_open(&kernel, obj->name);

	if (ret)
		return ret;
	ret = btf_view_init(&local, obj->image.btf, obj->image.btf_size) ? btf_view_index(&local) : -EINVAL;
	ret = ret ?: btf_view_index(&kernel.view);
	ret = ret ? mem__error(-ret, "%s: program '%s': can't compare its types with the kernel's: %s", obj->name,
			       prog->image->name, strerror(-ret)) :
		    answer_all(&local, &kernel.view, insns);
	btf_view_free(&local);
	kernel_btf_close(&kernel);
	if (ret > 0)
		mem__log(MEM_LOG_INFO, "%s: program '%s': types are compared here, for the kernel does not look as deep",
			 obj->name, prog->image->name);
	return ret;
}

void mem_type_matches_use(void)
{
}
