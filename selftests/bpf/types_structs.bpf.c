/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/* Structs and unions in all their layouts. Never loaded: test_memgen.c reads it. */
#include <mem/bpf.h>

struct point {
	int x, y;
};

/* defined after what points to it, and used by value too */
struct line {
	struct point from, to;
	struct line *next;
};

struct nested {
	struct {
		char a;
		int b;
	};
	union {
		int number;
		char bytes[4];
		struct {
			short low, high;
		};
		struct {
			short first;
			short second;
		} pair;
	};
	struct {
		int depth;
		union {
			long l;
			double d;
		} value;
	} inner[2];
	enum { NESTED_ONE = 1, NESTED_TWO } which;
	struct point corners[2][2];
};

struct bits {
	unsigned int a : 3;
	unsigned int b : 5;
	int c : 20;
	unsigned int : 0;
	_Bool d : 1;
	unsigned char e : 4;
	unsigned long long f : 40;
	unsigned short g;
	int h : 7;
	enum { BITS_X = 3 } i : 4;
	long long j : 63;
};

/* 32-bit machines differ in what a bit-field of 8 bytes makes of a union */
union wide_bits {
	long a : 9;
	unsigned long long b : 40;
};

struct holds_wide_bits {
	char before;
	union wide_bits bits[2];
	union {
		long c : 3;
	};
	char behind;
};

struct packed_bits {
	unsigned char a : 4;
	unsigned int b : 31;
	unsigned long long c : 50;
	short d;
} __attribute__((packed));

struct packed {
	char a;
	int b;
	struct point p;
	long c;
} __attribute__((packed));

struct packed_by_four {
	int a;
	long b;
} __attribute__((packed, aligned(4)));

struct aligned {
	char a;
	int b __attribute__((aligned(32)));
	char c;
} __attribute__((aligned(64)));

/* an over-aligned member where a packed struct puts it */
struct crooked {
	char a;
	struct aligned b;
	char c;
} __attribute__((packed));

struct gaps {
	char a;
	char b __attribute__((aligned(8)));
	short c : 3;
	short d __attribute__((aligned(16)));
};

struct flexible {
	int count;
	struct point points[];
};

struct zero_length {
	int count;
	char data[0];
	long after;
};

struct nothing {
};

struct holds_nothing {
	int a;
	struct nothing none;
	int b;
};

union number {
	char c;
	long l;
	unsigned int bits : 9;
	struct point p;
	struct line *line;
};

typedef struct {
	int generation;
	struct point at;
} anonymous_t;

typedef union {
	anonymous_t a;
	long whole;
} either_t;

struct self {
	struct self *next;
	struct other *other;
	void (*call)(struct self *, struct other *);
};

struct other {
	struct self *self;
	struct self inside;
};

struct quals {
	const int c;
	volatile int v;
	const volatile char *p;
	int *const q;
	const char *const names[3];
};

struct line line;
struct nested nested;
struct bits bits;
struct packed_bits packed_bits;
struct holds_wide_bits wide_bits;
struct packed packed;
struct packed_by_four packed_by_four;
struct aligned aligned[2];
struct crooked crooked;
struct gaps gaps;
struct flexible flexible = {.count = 2, .points = {{1, 2}, {3, 4}}};
struct zero_length zero_length;
struct nothing nothing;
struct holds_nothing holds_nothing;
union number number;
anonymous_t anonymous;
either_t either;
struct self self;
struct other other;
struct quals quals;
char odd __attribute__((aligned(1)));
int crooked_int __attribute__((aligned(1)));
struct {
	int a;
	char b;
} unnamed[2];

char _license[] SEC("license") = "GPL";
