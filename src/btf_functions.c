/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Functions by name from a few kilobytes of a file of BTF, megabytes that need not be read then.
 *
 * Newer versions of pahole add functions last and by name, and since Linux 7.1 all types with a name are in that
 * order: functions can be looked up as in a dictionary, with a short read at each place. What is met has the
 * name or it has not, so nothing has to be believed. Where types are in another order, nothing is met.
 *
 * An id is how many types are in front, but it need not be counted from the first one on: a function has the id
 * of its prototype, and where that is the type just in front of it, it numbers all types around. Whether it is
 * that one can't be seen: of equal prototypes only the first is left, which may be far away. So there have to be
 * many such pairs, all have to agree, and with any other numbers one of the functions must have a type that is
 * seen and no prototype. What is left to go wrong is that all of them mean prototypes at the same distances,
 * irregular ones, elsewhere. In doubt there is no id, and types are counted (btf_scan.c).
 */
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "btf_scan.h"

#define WINDOW	    8192 /* bytes: 400 types, and a fifth of them prototypes in front of a function */
#define RECORDS_MAX (WINDOW / sizeof(struct btf_type))
#define PROBE	    512	 /* bytes in which there is a function nearly always */
#define RANGE	    2048 /* bytes that are read at once */
#define PAIRS_MIN   16
#define NAMES	    8	/* in order */
#define NAME_SIZE   512 /* bytes; kernels have none longer */

/* Types that follow each other. */
struct window {
	uint32_t from; /* bytes from the first of all types to what was read */
	uint32_t count;
	uint16_t at[RECORDS_MAX]; /* bytes; the last one may be cut off behind its head */
	char bytes[WINDOW] __attribute__((aligned(4)));
};

/* The kernel gives a page at a time. */
int btf_file_read(int fd, void *data, size_t size, uint64_t offset)
{
	while (size) {
		ssize_t len = pread(fd, data, size, (off_t)offset);

		if (len <= 0 && (!len || errno != EINTR))
			return len ? -errno : -EIO;
		len = len > 0 ? len : 0;
		data = (char *)data + len;
		size -= (size_t)len;
		offset += (uint64_t)len;
	}
	return 0;
}

bool btf_file_init(struct btf_file *file, int fd)
{
	struct btf_header header;

	file->fd = fd;
	if (btf_file_read(fd, &header, sizeof(header), 0) || header.magic != BTF_MAGIC)
		return false;
	file->types = (uint64_t)header.hdr_len + header.type_off;
	file->types_size = header.type_len & ~3U;
	file->strings = (uint64_t)header.hdr_len + header.str_off;
	file->strings_size = header.str_len;
	return true;
}

static const struct btf_type *record(const struct window *w, uint32_t i)
{
	return (const void *)(w->bytes + w->at[i]);
}

static bool is_kind(const struct window *w, uint32_t i, uint32_t kind)
{
	return btf_kind_of(record(w, i)) == kind;
}

/* Types behind a place, from the first that seems to begin there. False if others follow that are no types. */
static bool read_window(const struct btf_file *file, struct window *w, uint32_t from, uint32_t size)
{
	const char *at, *end, *next;

	w->from = from & ~3U;
	w->count = 0;
	size = size < file->types_size - w->from ? size : file->types_size - w->from;
	if (btf_file_read(file->fd, w->bytes, size, file->types + w->from))
		return false;
	end = w->bytes + size;
	for (at = btf_find_record(w->bytes, end, file->strings_size); at < end; at = next) {
		next = btf_next(at, end, file->strings_size);
		if (!next)
			break;
		w->at[w->count++] = (uint16_t)(at - w->bytes);
	}
	return (size_t)(end - at) < sizeof(struct btf_type);
}

/* --- from places to ids --- */

static bool is_pair(const struct window *w, uint32_t i)
{
	return i && is_kind(w, i, BTF_KIND_FUNC) && is_kind(w, i - 1, BTF_KIND_FUNC_PROTO);
}

/* Whether the functions of pairs could also mean prototypes so much further on. */
static bool is_ambiguous(const struct window *w, uint32_t further)
{
	for (uint32_t i = 1; i < w->count; i++) {
		uint32_t meant = i - 1 + further;

		if (is_pair(w, i) && meant < w->count && !is_kind(w, meant, BTF_KIND_FUNC_PROTO))
			return false;
	}
	return true;
}

/* The id of the first type, 0 if it can't be told. */
static uint32_t number(const struct window *w)
{
	uint32_t first = 0, pairs = 0;

	for (uint32_t i = 1; i < w->count; i++) {
		uint32_t says = record(w, i)->type - (i - 1);

		if (!is_pair(w, i))
			continue;
		if (pairs++ && says != first)
			return 0;
		first = says;
	}
	if (pairs < PAIRS_MIN)
		return 0;
	for (int32_t by = -(int32_t)w->count / 4; by < (int32_t)w->count / 4; by++)
		if (by && is_ambiguous(w, (uint32_t)by))
			return 0;
	/* so many fit in front of it */
	return first <= (w->from + w->at[0]) / sizeof(struct btf_type) + 1 ? first : 0;
}

uint32_t btf_function_id(const struct btf_file *file, uint32_t at)
{
	struct window w;
	uint32_t first = 0;

	if (read_window(file, &w, at > WINDOW / 2 ? at - WINDOW / 2 : 0, WINDOW))
		first = number(&w);
	for (uint32_t i = 0; first && i < w.count; i++)
		if (w.from + w.at[i] == at)
			return first + i;
	return 0;
}

/* --- from names to places --- */

/* How the name of a type compares with another one. */
static bool compare(const struct btf_file *file, const struct btf_type *type, const char *name, int *order)
{
	size_t size = strlen(name) + 1, left = file->strings_size - type->name_off;
	char text[NAME_SIZE] = "";

	if (btf_file_read(file->fd, text, size < left ? size : left, file->strings + type->name_off))
		return false;
	*order = strncmp(text, name, size);
	return true;
}

/* The first function at or behind a place. */
static const struct btf_type *function_behind(const struct window *w, uint32_t place)
{
	for (uint32_t i = 0; i < w->count; i++)
		if (w->from + w->at[i] >= place && is_kind(w, i, BTF_KIND_FUNC))
			return record(w, i);
	return NULL;
}

/* Bytes from the first type to the function of that name; UINT32_MAX if it is not met. */
static uint32_t find(const struct btf_file *file, const char *name, uint32_t *name_off)
{
	uint32_t low = 0, high = file->types_size, not_before = UINT32_MAX;
	int order, order_there = 1;
	bool all_read = false;
	struct window w;

	while (low < high) {
		uint32_t middle = (low + (high - low) / 2) & ~3U, at;
		const struct btf_type *type;

		if (!all_read) {
			all_read = high - low <= RANGE;
			read_window(file, &w, all_read ? low : middle, all_read ? RANGE + PROBE : PROBE);
		}
		type = function_behind(&w, middle);
		if (!type && !all_read) {
			read_window(file, &w, middle, WINDOW);
			type = function_behind(&w, middle);
		}
		if (!type) { /* functions are last; or it is the one that is known */
			*(all_read ? &high : &low) = middle;
			continue;
		}
		at = w.from + (uint32_t)((const char *)type - w.bytes);
		order = order_there;
		if (at != not_before && !compare(file, type, name, &order))
			break;
		if (order < 0) {
			low = at + 4;
			continue;
		}
		high = middle;
		not_before = at;
		order_there = order;
		*name_off = type->name_off;
	}
	return order_there ? UINT32_MAX : not_before;
}

/*
 * Whether the names that were added next are in order, too. Who adds functions by name leaves out those that
 * several have: then it is the only one, and not one of them that was met in some other order.
 */
static bool is_in_order(const struct btf_file *file, uint32_t name_off)
{
	char text[PROBE + 1] = "", *at = text, *next;

	if (file->strings_size - name_off < PROBE || btf_file_read(file->fd, text, PROBE, file->strings + name_off))
		return false;
	for (int i = 0; i < NAMES; i++, at = next) {
		next = at + strlen(at) + 1;
		if (next > text + PROBE || strncmp(at, next, (size_t)(text + PROBE - next)) > 0)
			return false;
	}
	return true;
}

/* Where its record is, UINT32_MAX if it is not met; its name and, if it can be told, its id are set. */
static uint32_t find_one(const struct btf_file *file, struct kernel_btf_want *want)
{
	uint32_t at, name_off;
	char name[NAME_SIZE];

	if (want->kind != BTF_KIND_FUNC || strlen(want->prefix) + strlen(want->name) >= sizeof(name))
		return UINT32_MAX;
	stpcpy(stpcpy(name, want->prefix), want->name);
	at = find(file, name, &name_off);
	if (at == UINT32_MAX)
		return at;
	want->name_off = name_off;
	*want->id = is_in_order(file, name_off) ? btf_function_id(file, at) : 0;
	return at;
}

bool btf_functions_find(const struct btf_file *file, struct kernel_btf_want *wants, uint32_t count, uint32_t *front)
{
	uint32_t last = 0;
	bool all = true;

	for (uint32_t i = 0; i < count; i++) {
		uint32_t at = find_one(file, &wants[i]);

		all &= *wants[i].id != 0;
		last = at > last ? at : last;
	}
	*front = last == UINT32_MAX ? 0 : last + sizeof(struct btf_type);
	return all;
}
