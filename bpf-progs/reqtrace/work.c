/* SPDX-License-Identifier: BSD-2-Clause */
#include <fcntl.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>
#include "mark.h"
#include "work.h"

#define MAX_AMOUNT 100000

static uint64_t cpu_time(void)
{
	struct timespec used;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &used);
	return (uint64_t)used.tv_sec * 1000000000 + (uint64_t)used.tv_nsec;
}

/* Keep the CPU busy without a system call: the clock is asked after some work only. */
static int compute(unsigned int ms)
{
	uint64_t end = cpu_time() + ms * 1000000ULL;
	volatile uint32_t hash = 1;

	do
		for (int i = 0; i < 200000; i++)
			hash = hash * 16777619U ^ (uint32_t)i;
	while (cpu_time() < end);
	return 0;
}

static int doze(unsigned int ms)
{
	const struct timespec time = {.tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000L};

	return nanosleep(&time, NULL);
}

static int write_file(unsigned int writes)
{
	char path[] = "/tmp/reqserver.XXXXXX", block[4096] = {0};
	int fd = mkstemp(path), err = 0;

	if (fd < 0)
		return -1;
	for (unsigned int i = 0; !err && i < writes; i++)
		err = write(fd, block, sizeof(block)) != sizeof(block);
	err |= fsync(fd);
	unlink(path);
	close(fd);
	return err;
}

/* One request at a time: the others wait for the lock. */
static int hold_lock(unsigned int ms)
{
	static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

	pthread_mutex_lock(&lock);
	doze(ms);
	pthread_mutex_unlock(&lock);
	return 0;
}

static int call(unsigned int count)
{
	while (count--)
		syscall(SYS_getppid);
	return 0;
}

static const struct kind {
	const char *name;
	int (*run)(unsigned int amount);
} kinds[] = {
	{"compute", compute}, {"sleep", doze}, {"file", write_file}, {"lock", hold_lock}, {"calls", call},
};

static const struct kind *find_kind(const char *name)
{
	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
		if (!strcmp(name, kinds[i].name))
			return &kinds[i];
	return NULL;
}

static const char *do_word(char *word)
{
	char *value = strchr(word, '='), *end;
	const struct kind *kind;
	unsigned long amount;

	if (!value)
		return "expected " WORK_HELP;
	*value++ = 0;
	amount = strtoul(value, &end, 10);
	kind = find_kind(word);
	if (!kind || end == value || *end || amount > MAX_AMOUNT)
		return "expected " WORK_HELP;
	mark_phase(kind->name);
	return kind->run((unsigned int)amount) ? "failed" : NULL;
}

int work_do(const char *line, char answer[LINE_SIZE])
{
	const char *error = NULL;
	char copy[LINE_SIZE], *word, *rest;
	uint64_t before = cpu_time();

	snprintf(copy, sizeof(copy), "%s", line);
	for (word = strtok_r(copy, " \r\n", &rest); word && !error; word = strtok_r(NULL, " \r\n", &rest))
		error = do_word(word);
	mark_phase("answer");
	if (error)
		return snprintf(answer, LINE_SIZE, "error: %s\n", error);
	return snprintf(answer, LINE_SIZE, "ok %llu\n", (unsigned long long)(cpu_time() - before));
}
