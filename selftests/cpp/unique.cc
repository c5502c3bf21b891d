/* SPDX-License-Identifier: BSD-2-Clause */
/* The owning type of generated headers, as C++ programs use it; says "ok". test_cpp.sh builds it. */
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <dirent.h>
#include <type_traits>
#include <utility>
#include <vector>

#include "grow.skel.h"

#define CHECK(condition)                                                                           \
	do {                                                                                       \
		if (!(condition)) {                                                                \
			fprintf(stderr, "%s:%d: %s: %s\n", __FILE__, __LINE__, #condition,         \
				mem_error_message());                                              \
			return 1;                                                                  \
		}                                                                                  \
	} while (0)

static_assert(!std::is_copy_constructible<grow__unique>::value, "it would be destroyed twice");
static_assert(!std::is_copy_assignable<grow__unique>::value, "it would be destroyed twice");
static_assert(std::is_nothrow_move_constructible<grow__unique>::value, "for vectors");
static_assert(std::is_nothrow_move_assignable<grow__unique>::value, "for vectors");
static_assert(sizeof(grow__unique) == sizeof(void *), "nothing but the pointer");

static int descriptors()
{
	DIR *dir = opendir("/proc/self/fd");
	int count = 0;

	while (readdir(dir))
		count++;
	closedir(dir);
	return count;
}

static grow__unique make(int initial)
{
	auto skel = grow__unique::open();

	if (skel)
		skel->data->initial = initial;
	return skel;
}

static int phases()
{
	auto skel = make(5);

	CHECK(skel && skel.get() && &*skel == skel.get() && skel->data->initial == 5);
	CHECK(!skel.prepare() && skel.prepare() == -EALREADY);
	CHECK(!skel.load() && !skel.attach());
	CHECK(!mem_prog_run(skel->progs.use_all, nullptr) && skel->bss_sum->sum == 3);
	skel.detach();
	return 0;
}

static int moves()
{
	std::vector<grow__unique> several;

	for (int i = 0; i < 10; i++)
		several.push_back(make(i));
	several.erase(several.begin());
	for (int i = 0; i < 9; i++)
		CHECK(several[(size_t)i]->data->initial == i + 1);
	grow__unique last = std::move(several.back());
	CHECK(!several.back() && last->data->initial == 9);
	last = std::move(several.front());
	CHECK(last->data->initial == 1);
	grow__unique &self = last;
	last = std::move(self);
	CHECK(last && last->data->initial == 1);
	return 0;
}

static int ownership()
{
	grow__unique skel(grow::open());
	grow *raw = skel.release();

	CHECK(raw && !skel && !skel.get());
	CHECK(skel.load() == -EBADF && skel.attach() == -EBADF && skel.prepare() == -EBADF);
	skel.detach();
	skel.reset(raw);
	CHECK(skel.get() == raw);
	skel.reset();
	CHECK(!skel);
	skel = grow__unique::open_and_load();
	CHECK(skel && skel.load() == -EALREADY);
	return 0;
}

/* The reason is still there when the caller gets to ask for it. */
static int failure()
{
	struct mem_open_opts opts = {};

	opts.sz = 1;
	auto skel = grow__unique::open(&opts);
	CHECK(!skel && skel.load() == -EBADF && strlen(mem_error_message()) > 5);
	return 0;
}

int main()
{
	int before = descriptors();

	if (phases() || moves() || ownership() || failure())
		return 1;
	CHECK(descriptors() == before);
	puts("ok");
	return 0;
}
