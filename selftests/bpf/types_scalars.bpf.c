/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/* Every kind of scalar, array and pointer as a variable. Never loaded: test_memgen.c reads it. */
#include <mem/bpf.h>

typedef unsigned char u8;
typedef __u32 session_id;
typedef session_id peer_id;
typedef char task_name[16];
typedef int (*compare_fn)(const void *, const void *);
typedef unsigned long size_t;
typedef long time_t;
typedef unsigned int dev_t; /* the kernel's; an application's has 8 bytes */
typedef _Bool bool;

struct cookie; /* not defined anywhere */

enum color { RED, GREEN = 7, BLUE };
enum sign { MINUS = -1, PLUS = 1 };
enum wide { WIDE_LOW = 1, WIDE_HIGH = 1ULL << 40 };
enum tiny { TINY_A, TINY_B } __attribute__((packed));
enum top { TOP_BIT = 0x80000000 };

/* written by the application */
const volatile bool verbose;
const volatile session_id wanted = 42;
const volatile task_name comm_filter = "";
const char greeting[] = "hello";

/* .data */
signed char s8 = -1;
unsigned char byte = 1;
char letter = 'x';
short s16 = -2;
unsigned short u16 = 2;
int s32 = -3;
unsigned int u32 = 3;
long slong = -4;
unsigned long ulong = 4;
long long s64 = -5;
__u64 u64 = 5;
__int128 s128 = -6;
unsigned __int128 u128 = 6;
float single = 1.5;
double full = 2.5;

/* .bss */
bool flag;
enum color color;
enum sign sign;
enum wide wide;
enum tiny tiny;
enum top top;
enum { IDLE, BUSY } state;
peer_id peer;
u8 raw[6];
dev_t device;
time_t when;
size_t length;
int matrix[2][3][4];
task_name names[2];
volatile int spinning;
void *opaque;
const char *text;
int **handle;
struct cookie *cookie;
struct cookie *cookies[4];
const struct cookie *const fixed = 0;
int (*row)[4];
compare_fn compare;
int (*visit)(struct cookie *, enum color, ...);
void (*nothing)(void);
struct cookie *(*make)(int (*)(int));
int empty[0];

char _license[] SEC("license") = "GPL";
