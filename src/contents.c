/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Moving a region's initial contents under the programs' eyes without touching what is empty.
 *
 * The application's side of a region is private zero-on-demand memory until the map exists. A
 * 256 MiB .bss that nobody wrote to has no page at all, and looking for data by reading it would
 * make the kernel map 65,536 zero pages. For more than a few pages /proc/self/pagemap tells which
 * exist; swapped-out pages are marked there too, which mincore(2) leaves open.
 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "contents.h"
#include "object.h"
#include "sys.h"

/* Reading a few pages is cheaper than asking which of them exist. */
#define PAGES_WORTH_READING 8
#define PAGEMAP_BATCH 4096 /* pages per read of the page map: 32 KiB of the stack */
#define PAGEMAP_PRESENT (1ULL << 63)
#define PAGEMAP_SWAPPED (1ULL << 62)

static bool is_zero(const char *page, size_t size)
{
	return !page[0] && !memcmp(page, page + 1, size - 1);
}

static bool copy_page(char *to, const char *from, size_t page)
{
	if (is_zero(from, page))
		return false;
	if (to)
		memcpy(to, from, page);
	return true;
}

static bool copy_all(char *to, const char *from, size_t size, size_t page)
{
	bool any = false;

	for (size_t at = 0; at < size; at += page)
		any |= copy_page(to ? to + at : NULL, from + at, page);
	return any;
}

/* The same for pages that exist, by the page map; -errno when it can't be read. */
static int copy_present(int pagemap, char *to, const char *from, size_t size, size_t page)
{
	uint64_t entries[PAGEMAP_BATCH];
	size_t pages = size / page;
	bool any = false;

	for (size_t done = 0; done < pages; done += PAGEMAP_BATCH) {
		size_t batch = pages - done < PAGEMAP_BATCH ? pages - done : PAGEMAP_BATCH;
		off_t where = (off_t)(((uintptr_t)from / page + done) * sizeof(*entries));

		if (pread(pagemap, entries, batch * sizeof(*entries), where) !=
		    (ssize_t)(batch * sizeof(*entries)))
			return -EIO;
		for (size_t i = 0; i < batch; i++) {
			size_t at = (done + i) * page;

			if (entries[i] & (PAGEMAP_PRESENT | PAGEMAP_SWAPPED))
				any |= copy_page(to ? to + at : NULL, from + at, page);
		}
	}
	return any;
}

static bool contents_visit(char *to, const char *from, size_t size)
{
	size_t page = sys_page_size();
	int pagemap, ret = -ENOSYS;

	if (size / page <= PAGES_WORTH_READING)
		return copy_all(to, from, size, page);
	pagemap = open("/proc/self/pagemap", O_RDONLY | O_CLOEXEC);
	if (pagemap >= 0) {
		ret = copy_present(pagemap, to, from, size, page);
		close(pagemap);
	}
	return ret < 0 ? copy_all(to, from, size, page) : ret;
}

/* Whether whole pages of private memory hold anything but zeroes. */
bool contents_any(const char *from, size_t size)
{
	return contents_visit(NULL, from, size);
}

/* Copy whole pages of private memory to zeroed memory, leaving out those that are zero. */
void contents_copy(char *to, const char *from, size_t size)
{
	contents_visit(to, from, size);
}
