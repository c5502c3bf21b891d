/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/*
 * Names that C, C++ or system headers have for something else. Never loaded: test_memgen.c reads
 * it.
 */
#include <mem/bpf.h>

/* keywords of C++ */
struct class {
	int new;
	int delete, operator;
	struct class *this;
};

/* what system headers define, here with the BPF side's layout */
struct timespec {
	long tv_sec, tv_nsec;
};
struct in_addr {
	__u32 s_addr;
};
struct sockaddr_in {
	__u16 sin_family;
	__u16 sin_port;
	struct in_addr sin_addr;
	char sin_zero[8];
};
struct iphdr {
	__u8 ihl : 4, version : 4;
	__u8 tos;
	__u16 tot_len;
};
struct bpf_object {
	int fake;
};
union sigval {
	int sival_int;
	void *sival_ptr;
};
enum tcp_state { TCP_ESTABLISHED = 1, TCP_LISTEN = 10 };

/* functions and enumerators of system headers: tags may share their names */
struct leaf {
	int a;
};
struct select {
	struct leaf *leaf;
};

/* what the skeleton or libmem has */
struct types_names {
	int a;
};
struct mem_object {
	int a;
};

/* macros of system headers */
struct status {
	int errno;
	int unix, linux;
	long st_atime;
	int sa_handler;
	int s6_addr;
	int stdin;
	int major, minor;
	int complex, I;
};

/* one name as a tag, a typedef, an enumerator and a variable */
struct both {
	int a;
};
typedef int both;
typedef struct config {
	int level;
} config;
enum mode { mode_on, config_off };

struct class class;
struct timespec timespec;
struct sockaddr_in sockaddr_in;
struct iphdr iphdr;
struct bpf_object bpf_object;
union sigval sigval;
enum tcp_state tcp_state;
struct leaf leaf;
struct select select;
struct types_names types_names;
struct mem_object mem_object;
struct status status;
struct both both_struct;
both both_int;
config settings;
enum mode mode_on_now;
int errno, NULL_, EOF, major;
int template, typename, namespace, and, xor, nullptr;
int obj, maps, progs, links, arrays;

static int total = 1;
static int hidden;

static int data_same SEC(".data.same") = 1;
static int data_other SEC(".data.other") = 1;

SEC("socket")
int open(void *ctx)
{
	static int counter;
	static int state;

	counter++;
	state += hidden + total++ + data_same + data_other;
	return counter + state;
}

SEC("socket")
int delete(void *ctx)
{
	static int counter;

	hidden = counter++;
	return hidden;
}

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 8);
	__type(key, __u32);
	__type(value, __u64);
} private SEC(".maps");

char _license[] SEC("license") = "GPL";
