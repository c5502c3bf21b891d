/* SPDX-License-Identifier: BSD-2-Clause */
/* The kernel contract: ring buffers. */
#include <errno.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "contract.h"
#include "harness.h"
#include "rawbpf.h"

enum { READ = PROT_READ, WRITE = PROT_READ | PROT_WRITE };
enum { PAGES = 4 }; /* of data */

FIXTURE(need_bpf, NULL)

static int make_ring(uint32_t type, uint32_t size)
{
	return raw_map_create(type, 0, 0, size, 0, 0);
}

/* Map pages of a ring buffer: page 0 is the consumer's, 1 the producer's, then twice the data. */
static long try(int fd, int protection, size_t first, size_t count)
{
	return try_mmap(NULL, count * PAGE, protection, MAP_SHARED, fd, first * PAGE);
}

TEST(sizes)
{
	expect("ring.not_power_of_two", make_ring(BPF_MAP_TYPE_RINGBUF, 3 * PAGE));
	expect("ring.less_than_a_page", make_ring(BPF_MAP_TYPE_RINGBUF, PAGE / 2));
}
END_TEST

TEST(ring_buffer_mappings)
{
	int fd = must(make_ring(BPF_MAP_TYPE_RINGBUF, PAGES * PAGE));

	expect("ring.consumer_writable", try(fd, WRITE, 0, 1));
	expect("ring.producer_writable", try(fd, WRITE, 1, 1));
	expect("ring.producer_read_only", try(fd, READ, 1, 1 + 2 * PAGES));
	expect("ring.data_writable", try(fd, WRITE, 2, PAGES));
	expect("ring.past_second_copy", try(fd, READ, 1, 2 + 2 * PAGES));
	close(fd);
}
END_TEST

/* Put eight bytes into a ring buffer, from a program that is run once. */
static void output(int fd)
{
	struct bpf_insn insns[] = {
		{.code = BPF_ST | BPF_MEM | BPF_DW,
		 .dst_reg = BPF_REG_10,
		 .off = -8,
		 .imm = 0x5a5a},
		{.code = BPF_LD | BPF_IMM | BPF_DW,
		 .dst_reg = BPF_REG_1,
		 .src_reg = BPF_PSEUDO_MAP_FD,
		 .imm = fd},
		{0},
		{.code = BPF_ALU64 | BPF_MOV | BPF_X, .dst_reg = BPF_REG_2, .src_reg = BPF_REG_10},
		{.code = BPF_ALU64 | BPF_ADD | BPF_K, .dst_reg = BPF_REG_2, .imm = -8},
		{.code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = BPF_REG_3, .imm = 8},
		{.code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = BPF_REG_4},
		{.code = BPF_JMP | BPF_CALL, .imm = BPF_FUNC_ringbuf_output},
		{.code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = BPF_REG_0},
		{.code = BPF_JMP | BPF_EXIT},
	};
	char packet[64] = {0};
	int prog = must(raw_prog_load(BPF_PROG_TYPE_SOCKET_FILTER, 0, insns, 10));
	union bpf_attr attr;

	memset(&attr, 0, sizeof(attr));
	attr.test.prog_fd = prog;
	attr.test.data_in = (uintptr_t)packet;
	attr.test.data_size_in = sizeof(packet);
	must(raw_bpf(BPF_PROG_TEST_RUN, &attr, sizeof(attr)));
	close(prog);
}

TEST(ring_buffer_data_is_there_twice)
{
	int fd = must(make_ring(BPF_MAP_TYPE_RINGBUF, PAGES * PAGE));
	size_t size = (1 + 2 * PAGES) * PAGE;
	void *at = mmap(NULL, size, READ, MAP_SHARED, fd, PAGE);
	char *producer = at, *data = producer + PAGE;

	ck_assert_ptr_ne(at, MAP_FAILED);
	output(fd);
	ck_assert_int_eq(*(unsigned long *)producer, 16);
	ck_assert_int_eq(*(uint64_t *)(data + 8), 0x5a5a);
	expect("ring.data_twice", memcmp(data, data + PAGES * PAGE, PAGES * PAGE) ? DIFFERS : 0);
	munmap(at, size);
	close(fd);
}
END_TEST

TEST(user_ring_buffer_mappings)
{
	int fd = must(make_ring(BPF_MAP_TYPE_USER_RINGBUF, PAGES * PAGE));
	size_t size = (1 + 2 * PAGES) * PAGE;
	volatile char *at;

	expect("user_ring.consumer_writable", try(fd, WRITE, 0, 1));
	expect("user_ring.consumer_read_only", try(fd, READ, 0, 1));
	at = mmap(NULL, size, WRITE, MAP_SHARED, fd, PAGE);
	expect("user_ring.producer_writable", at == MAP_FAILED ? -errno : 0);
	at[PAGE + 100] = 42;
	expect("user_ring.data_twice", at[PAGE + PAGES * PAGE + 100] == 42 ? 0 : DIFFERS);
	munmap((void *)at, size);
	close(fd);
}
END_TEST
