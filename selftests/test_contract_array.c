/* SPDX-License-Identifier: BSD-2-Clause */
/* The kernel contract: arrays. */
#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include "contract.h"
#include "harness.h"
#include "rawbpf.h"

FIXTURE(need_bpf, NULL)

static int make_array(uint32_t value_size, uint32_t entries)
{
	return must(raw_map_create(BPF_MAP_TYPE_ARRAY, 4, value_size, entries, BPF_F_MMAPABLE, 0));
}

TEST(create)
{
	expect("array.key_size", raw_map_create(BPF_MAP_TYPE_ARRAY, 8, 8, 1, 0, 0));
	expect("array.no_value", raw_map_create(BPF_MAP_TYPE_ARRAY, 4, 0, 1, 0, 0));
	expect("array.no_entries", raw_map_create(BPF_MAP_TYPE_ARRAY, 4, 8, 0, 0, 0));
}
END_TEST

TEST(elements_exist_from_the_start)
{
	static const uint64_t zero[3];
	uint64_t value[3] = {1, 1, 1};
	int fd = make_array(24, 5);

	for (uint32_t key = 0; key < 5; key++) {
		expect("array.zeroed", raw_map_lookup(fd, &key, value));
		expect("array.zeroed", memcmp(value, zero, sizeof(zero)) ? DIFFERS : 0);
	}
	close(fd);
}
END_TEST

TEST(ends)
{
	int fd = make_array(8, 5);
	uint32_t key = 5, next;
	uint64_t value = 1;

	expect("array.lookup_past_end", raw_map_lookup(fd, &key, &value));
	expect("array.update_past_end", raw_map_update(fd, &key, &value, BPF_ANY));
	key = 4;
	expect("array.update_noexist", raw_map_update(fd, &key, &value, BPF_NOEXIST));
	expect("array.delete", raw_map_delete(fd, &key));

	expect("array.next_key_last", raw_map_next_key(fd, &key, &next));
	next = 1;
	expect("array.next_key_first", raw_map_next_key(fd, NULL, &next));
	expect("array.next_key_first", next);
	key = next = 1000;
	expect("array.next_key_out_of_range", raw_map_next_key(fd, &key, &next));
	expect("array.next_key_out_of_range", next);
	close(fd);
}
END_TEST

TEST(stride)
{
	int fd = make_array(20, 3);
	unsigned char *mapping = must_mmap(NULL, PAGE, PROT_READ, MAP_SHARED, fd), value[20];
	uint32_t key = 1;

	memset(value, 0xa5, sizeof(value));
	must(raw_map_update(fd, &key, value, BPF_ANY));
	expect("array.stride", (unsigned char *)memchr(mapping, 0xa5, PAGE) - mapping);
	munmap(mapping, PAGE);
	close(fd);
}
END_TEST

enum { BIG = 1 << 20 };

struct writer {
	int fd;
	atomic_int stop;
};

/* Fill a big element with one byte, then with another, as fast as the kernel copies. */
static void *write_big(void *arg)
{
	static unsigned char value[BIG];
	struct writer *writer = arg;
	uint32_t key = 0;

	for (unsigned char byte = 1; !writer->stop; byte++) {
		memset(value, byte, BIG);
		raw_map_update(writer->fd, &key, value, BPF_ANY);
	}
	return NULL;
}

TEST(an_update_can_be_seen_half_done)
{
	struct writer writer = {.fd = make_array(BIG, 1)};
	volatile unsigned char *mapping = must_mmap(NULL, BIG, PROT_READ, MAP_SHARED, writer.fd);
	time_t end = time(NULL) + 10;
	long answer = 0;
	pthread_t thread;

	ck_assert_int_eq(pthread_create(&thread, NULL, write_big, &writer), 0);
	/* the copy goes upward: an end that is older than the beginning was read in the middle */
	while (!answer && time(NULL) < end)
		for (int i = 0; i < 1000; i++)
			if (mapping[0] != mapping[BIG - 1])
				answer = DIFFERS;
	writer.stop = 1;
	pthread_join(thread, NULL);
	expect("array.update_is_torn", answer);
	munmap((void *)mapping, BIG);
	close(writer.fd);
}
END_TEST
