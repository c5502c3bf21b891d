/* SPDX-License-Identifier: BSD-2-Clause */
/* Who a thread is, for locks and caches in shared memory, and whether it is still there. */
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <mem/lock.h>

#include "sys.h"
#include "thread.h"

static __thread unsigned int self __attribute__((tls_model("initial-exec")));
static pthread_once_t once = PTHREAD_ONCE_INIT;

/* The child of a fork is another thread. */
static void forget(void)
{
	self = 0;
}

static void watch_forks(void)
{
	pthread_atfork(NULL, NULL, forget);
}

unsigned int mem_thread_id(void)
{
	if (!self) {
		pthread_once(&once, watch_forks);
		self = (unsigned int)syscall(SYS_gettid);
	}
	return self;
}

/* State and start time of a thread: 0, or -ENOENT: there is none. */
static int thread_stat(unsigned int tid, char *state, unsigned long long *start)
{
	char path[32], text[512], *rest;
	int err;

	snprintf(path, sizeof(path), "/proc/%u/stat", tid);
	err = sys_read_file(path, text, sizeof(text));
	if (err == -ENOENT && (!kill((pid_t)tid, 0) || errno != ESRCH))
		return -EACCES; /* it is there: /proc isn't, or shows us nothing of others */
	if (err < 0)
		return err;
	rest = strrchr(text, ')'); /* the name may contain anything */
	if (!rest || !rest[1] || !rest[2])
		return -EINVAL;
	*state = rest[2];
	/* state is the third field, the start time the 22nd; scanf would double a static program */
	for (int field = 2; rest && field < 22; field++)
		rest = strchr(rest + 1, ' ');
	if (!rest)
		return -EINVAL;
	*start = strtoull(rest, NULL, 10);
	return 0;
}

static int state_lives(char state)
{
	return state != 'Z' && state != 'X' && state != 'x';
}

int mem_thread_lives(unsigned int tid)
{
	unsigned long long start;
	char state;
	int saved = errno, err = thread_stat(tid, &state, &start);

	errno = saved;
	return err ? err != -ENOENT && err != -ESRCH : state_lives(state);
}

uint64_t thread_owner(void)
{
	unsigned int tid = mem_thread_id();
	unsigned long long start = 0;
	char state;

	thread_stat(tid, &state, &start);
	return (uint64_t)(uint32_t)start << 32 | tid;
}

int thread_owner_lives(uint64_t owner)
{
	unsigned long long start;
	char state;
	int err = thread_stat((unsigned int)owner, &state, &start);

	if (err)
		return err != -ENOENT && err != -ESRCH;
	/* a start of 0: the owner had no descriptor to look at its own */
	return state_lives(state) && (!(owner >> 32) || (uint32_t)start == owner >> 32);
}
