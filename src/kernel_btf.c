/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The scan. BTF numbers its types by position and gives each a length that depends on its kind, so
 * finding an id means walking all types before it; what can be avoided is looking at their names.
 * Every name occurs once among the strings: find where the wanted ones are, then compare offsets.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "error.h"
#include "kernel_btf.h"
#include "module_btf.h"

#define KERNEL_BTF "/sys/kernel/btf/vmlinux"
#define NAME_MAX_SIZE 512

/* Wanted names by their offset among the strings: open addressing, at most half full. */
struct want_table {
	struct kernel_btf_want **slots; /* NULL: empty */
	uint32_t mask;                  /* slots - 1 */
};

static int read_all(int fd, struct kernel_btf *btf)
{
	char *data = malloc(btf->size);
	size_t done = 0;
	ssize_t len = 1;

	while (data && done < btf->size && len > 0) {
		len = read(fd, data + done, btf->size - done);
		if (len < 0 && errno == EINTR)
			len = 1;
		else if (len > 0)
			done += (size_t)len;
	}
	if (!data || done < btf->size) {
		int err = !data ? ENOMEM : len < 0 ? errno : EIO;

		free(data);
		return -err;
	}
	btf->data = data;
	return 0;
}

/* Mapping the file works from Linux 6.16 on and is much cheaper than reading it. */
static int kernel_btf_read(struct kernel_btf *btf)
{
	int fd = open(KERNEL_BTF, O_RDONLY | O_CLOEXEC);
	struct stat st;
	void *data;
	int err = 0;

	if (fd < 0)
		return -errno;
	if (fstat(fd, &st)) {
		err = -errno;
	} else {
		btf->size = (size_t)st.st_size;
		data = mmap(NULL, btf->size, PROT_READ, MAP_PRIVATE, fd, 0);
		btf->mapped = data != MAP_FAILED;
		btf->data = btf->mapped ? data : NULL;
		err = btf->mapped ? 0 : read_all(fd, btf);
	}
	close(fd);
	return err;
}

void kernel_btf_close(struct kernel_btf *btf)
{
	btf_view_free(&btf->view);
	if (btf->mapped)
		munmap((void *)btf->data, btf->size);
	else
		free((void *)btf->data);
}

int kernel_btf_open(struct kernel_btf *btf, const char *object)
{
	int err;

	memset(btf, 0, sizeof(*btf));
	err = kernel_btf_read(btf);
	if (err)
		return mem__error(-err,
				  "%s: can't read the kernel's types from " KERNEL_BTF ": %s%s", object,
				  strerror(-err),
				  err == -ENOENT ? " (a kernel with CONFIG_DEBUG_INFO_BTF has them, "
						   "with /sys mounted)" : "");
	if (btf_view_init(&btf->view, btf->data, btf->size))
		return 0;
	kernel_btf_close(btf);
	return mem__error(EINVAL, "%s: " KERNEL_BTF " is not BTF", object);
}

static uint32_t find_string(const struct btf_view *view,
			    const struct kernel_btf_want *want)
{
	char needle[NAME_MAX_SIZE];
	/* NUL before and after: whole names only */
	int len = snprintf(needle + 1, sizeof(needle) - 1, "%s%s", want->prefix, want->name);
	const char *at;

	needle[0] = '\0';
	if (len < 0 || len >= NAME_MAX_SIZE - 1)
		return 0;
	at = memmem(view->strings, (size_t)(view->strings_end - view->strings), needle,
		    (size_t)len + 2);
	return at ? (uint32_t)(at + 1 - view->strings) : 0;
}

static uint32_t want_slot(const struct want_table *table, uint32_t name_off)
{
	return (name_off * 0x9e3779b1U >> 7) & table->mask;
}

static void want_insert(struct want_table *table, struct kernel_btf_want *want)
{
	uint32_t slot = want_slot(table, want->name_off);

	while (table->slots[slot])
		slot = (slot + 1) & table->mask;
	table->slots[slot] = want;
}

static int want_table_build(struct want_table *table, const struct btf_view *view,
			    struct kernel_btf_want *wants, uint32_t count)
{
	uint32_t slots = 16;

	while (slots < 2 * (uint64_t)count)
		slots *= 2;
	table->mask = slots - 1;
	table->slots = calloc(slots, sizeof(struct kernel_btf_want *));
	if (!table->slots)
		return -ENOMEM;
	for (uint32_t i = 0; i < count; i++) {
		wants[i].name_off = find_string(view, &wants[i]);
		if (wants[i].name_off)
			want_insert(table, &wants[i]);
	}
	return 0;
}

static void want_offer(const struct want_table *table, const struct btf_type *type, uint32_t id)
{
	uint32_t slot = want_slot(table, type->name_off);
	struct kernel_btf_want *want;

	for (; (want = table->slots[slot]); slot = (slot + 1) & table->mask)
		if (want->name_off == type->name_off && want->kind == BTF_INFO_KIND(type->info) &&
		    !*want->id)
			*want->id = id;
}

/* The id after the last one, or 0 if not every byte of the types was understood. */
static uint32_t scan_types(const struct btf_view *view, const struct want_table *table)
{
	const char *at = view->types;
	uint32_t id = 1;

	for (; (size_t)(view->types_end - at) >= sizeof(struct btf_type); id++) {
		const struct btf_type *type = (const void *)at;
		size_t size = btf_record_size(type);

		if (!size || size > (size_t)(view->types_end - at))
			return 0;
		want_offer(table, type, id);
		at += size;
	}
	return at == view->types_end ? id : 0;
}

static int find_all(struct kernel_btf_want *wants, uint32_t count, const struct btf_view *view,
		    struct module_fds *modules, const char *object)
{
	struct want_table table = { 0 };
	uint32_t types;

	if (want_table_build(&table, view, wants, count))
		return mem__error(ENOMEM, "%s: no memory to look up %u kernel types", object, count);
	types = scan_types(view, &table);
	free(table.slots);
	if (!types)
		return mem__error(ENOTSUP,
				  "%s: " KERNEL_BTF " has a kind of type that libmem %s does not know",
				  object, mem_version());
	return module_btf_find(wants, count, view, types, modules, object);
}

int kernel_btf_find(struct kernel_btf_want *wants, uint32_t count, struct module_fds *modules,
		    const char *object)
{
	struct kernel_btf btf;
	int err = kernel_btf_open(&btf, object);

	if (err)
		return err;
	err = find_all(wants, count, &btf.view, modules, object);
	kernel_btf_close(&btf);
	return err;
}
