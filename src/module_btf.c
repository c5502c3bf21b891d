/* SPDX-License-Identifier: BSD-2-Clause */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "error.h"
#include "module_btf.h"
#include "sys.h"

/* BTF of one module. */
struct module {
	char name[64];
	char *data;
	struct btf_view view;
};

static bool any_wanted(const struct kernel_btf_want *wants, uint32_t count)
{
	for (uint32_t i = 0; i < count; i++)
		if (!*wants[i].id)
			return true;
	return false;
}

/* 0 with data, 1 for BTF that is not a module's, -errno. */
static int module_read(int fd, struct module *module)
{
	struct bpf_btf_info info = { .name = sys_pointer(module->name),
				     .name_len = sizeof(module->name) };
	int err = sys_info(fd, &info, sizeof(info));

	if (err || !info.kernel_btf || !strcmp(module->name, "vmlinux"))
		return err ?: 1;
	module->data = malloc(info.btf_size);
	if (!module->data)
		return -ENOMEM;
	info = (struct bpf_btf_info){ .btf = sys_pointer(module->data), .btf_size = info.btf_size };
	err = sys_info(fd, &info, sizeof(info));
	if (!err && !btf_view_init(&module->view, module->data, info.btf_size))
		err = -EINVAL;
	return err;
}

/* Offsets of strings continue those of the kernel. */
static const char *module_string(const struct module *module, const struct btf_view *base,
				 uint32_t offset)
{
	uint32_t base_size = (uint32_t)(base->strings_end - base->strings);

	return offset < base_size ? btf_view_string(base, offset)
				  : btf_view_string(&module->view, offset - base_size);
}

/* A want may say whose it is: "veth:veth_xmit". */
static bool name_matches(const struct kernel_btf_want *want, const char *module, const char *name)
{
	size_t prefix = strlen(want->prefix), owner = strcspn(want->name, ":");
	bool owned = want->name[owner];

	if (owned && (strncmp(module, want->name, owner) || module[owner]))
		return false;
	return !strncmp(name, want->prefix, prefix) &&
	       !strcmp(name + prefix, owned ? want->name + owner + 1 : want->name);
}

static bool offer(struct kernel_btf_want *wants, uint32_t count, const struct btf_type *type,
		  const char *module, const char *name, uint32_t id, uint32_t module_index)
{
	bool taken = false;

	for (uint32_t i = 0; i < count; i++) {
		if (*wants[i].id || wants[i].kind != btf_kind_of(type) ||
		    !name_matches(&wants[i], module, name))
			continue;
		*wants[i].id = id;
		*wants[i].module = module_index;
		taken = true;
	}
	return taken;
}

/* Whether the module has something that is wanted. */
static bool search(struct kernel_btf_want *wants, uint32_t count, const struct module *module,
		   const struct btf_view *base, uint32_t base_count, uint32_t module_index)
{
	const char *at = module->view.types, *end = module->view.types_end;
	bool taken = false;

	for (uint32_t id = base_count; (size_t)(end - at) >= sizeof(struct btf_type); id++) {
		const struct btf_type *type = (const void *)at;
		size_t size = btf_record_size(type);

		if (!size || size > (size_t)(end - at))
			break;
		if (type->name_off)
			taken |= offer(wants, count, type, module->name,
				       module_string(module, base, type->name_off), id, module_index);
		at += size;
	}
	return taken;
}

static int keep(struct module_fds *modules, int fd)
{
	uint32_t count = modules->count ?: 1;
	int *grown = realloc(modules->fds, (count + 1) * sizeof(int));

	if (!grown)
		return -ENOMEM;
	grown[0] = 0;
	grown[count] = fd;
	modules->fds = grown;
	modules->count = count + 1;
	return 0;
}

/* Look into one BTF; the descriptor is kept if something of it is wanted, closed otherwise. */
static int visit(int fd, struct kernel_btf_want *wants, uint32_t count, const struct btf_view *base,
		 uint32_t base_count, struct module_fds *modules)
{
	struct module module = { .name = "" };
	int err = module_read(fd, &module);

	if (!err && search(wants, count, &module, base, base_count, modules->count ?: 1)) {
		err = keep(modules, fd);
		if (!err)
			fd = -1;
	}
	free(module.data);
	sys_close(&fd);
	return err < 0 ? err : 0;
}

static int next_btf(uint32_t *id)
{
	int err;
	BPF_ATTR(attr);

	attr.start_id = *id;
	err = sys_bpf(BPF_BTF_GET_NEXT_ID, &attr, sizeof(attr));
	*id = attr.next_id;
	return err;
}

int module_btf_find(struct kernel_btf_want *wants, uint32_t count, const struct btf_view *base,
		    uint32_t base_count, struct module_fds *modules, const char *object)
{
	uint32_t id = 0;
	int err = 0;

	while (any_wanted(wants, count) && !(err = next_btf(&id))) {
		int fd = sys_btf_open(id);

		if (fd == -ENOENT) /* gone meanwhile */
			continue;
		err = fd < 0 ? fd : visit(fd, wants, count, base, base_count, modules);
		if (err)
			break;
	}
	/* without the privilege to list BTF, what the kernel itself has must do */
	if (!err || err == -ENOENT || err == -EPERM)
		return 0;
	return mem__error(-err, "%s: can't look into the types of the kernel's modules: %s", object,
			  strerror(-err));
}

void module_fds_close(struct module_fds *modules)
{
	for (uint32_t i = 1; i < modules->count; i++)
		sys_close(&modules->fds[i]);
	free(modules->fds);
	modules->fds = NULL;
	modules->count = 0;
}
