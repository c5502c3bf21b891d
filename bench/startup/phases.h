/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Phases of a tool's life, measured from inside it: bench_start(), then bench_phase() at the end of each.
 * What they cost is written, as lines of "name value", to the descriptor that BENCH_FD names. With
 * BENCH_REPEAT the tool lives so often in one process, which gives the kernel's clock ticks time to tell
 * user time from system time.
 *
 * Each phase ends with a getrusage(2): bench/trace.c counts system calls from one to the next.
 */
#ifndef BENCH_STARTUP_PHASES_H
#define BENCH_STARTUP_PHASES_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "../clock.h"

#define BENCH_PHASES 5

struct bench_phases {
	const char *names[BENCH_PHASES];
	int count;
	long long wall[BENCH_PHASES]; /* ns */
	long long cpu[BENCH_PHASES];  /* ns of CPU, which other processes don't add to */
	struct rusage usage[BENCH_PHASES + 1];
	long long since, cpu_since;
};

static struct bench_phases bench_phases;

static inline long long bench_cpu(void)
{
	struct timespec now;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
	return now.tv_sec * 1000000000LL + now.tv_nsec;
}

static inline void bench_start(void)
{
	bench_phases.count = 0;
	getrusage(RUSAGE_SELF, &bench_phases.usage[0]);
	bench_phases.cpu_since = bench_cpu();
	bench_phases.since = clock_ns();
}

static inline void bench_phase(const char *name)
{
	struct bench_phases *p = &bench_phases;

	p->wall[p->count] = clock_ns() - p->since;
	p->cpu[p->count] = bench_cpu() - p->cpu_since;
	p->names[p->count++] = name;
	getrusage(RUSAGE_SELF, &p->usage[p->count]);
	p->cpu_since = bench_cpu();
	p->since = clock_ns();
}

/* The most memory that this process had, KiB; ru_maxrss knows also that of its parent before exec. */
static inline long bench_peak(void)
{
	char line[128];
	long peak = 0;
	FILE *file = fopen("/proc/self/status", "r");

	while (file && fgets(line, sizeof(line), file))
		if (!strncmp(line, "VmHWM:", 6))
			peak = atol(line + 6);
	if (file)
		fclose(file);
	return peak;
}

static inline double bench_us(const struct timeval *from, const struct timeval *to)
{
	return (double)(to->tv_sec - from->tv_sec) * 1e6 + (double)(to->tv_usec - from->tv_usec);
}

static inline int bench_out(void)
{
	const char *fd = getenv("BENCH_FD");

	return fd ? atoi(fd) : STDOUT_FILENO;
}

static inline void bench_report(void)
{
	const struct bench_phases *p = &bench_phases;
	long long total = 0;

	for (int i = 0; i < p->count - 1; i++)
		total += p->wall[i];
	dprintf(bench_out(), "total %.3f\n", (double)total / 1000); /* all but the last: closing */
	for (int i = 0; i < p->count; i++)
		dprintf(bench_out(), "%s %.3f\n%s.cpu %.3f\n%s.faults %ld\n", p->names[i],
			(double)p->wall[i] / 1000, p->names[i], (double)p->cpu[i] / 1000, p->names[i],
			p->usage[i + 1].ru_minflt - p->usage[i].ru_minflt);
	dprintf(bench_out(), "peak %ld\n", bench_peak());
}

/* Live once, or as often as BENCH_REPEAT says, and report. */
static inline void bench_live(void (*live)(void))
{
	const char *text = getenv("BENCH_REPEAT");
	int repeat = text ? atoi(text) : 1;
	double user[BENCH_PHASES] = {0}, system[BENCH_PHASES] = {0};

	for (int n = 0; n < repeat; n++) {
		live();
		for (int i = 0; i < bench_phases.count; i++) {
			const struct rusage *u = &bench_phases.usage[i];

			user[i] += bench_us(&u[0].ru_utime, &u[1].ru_utime) / repeat;
			system[i] += bench_us(&u[0].ru_stime, &u[1].ru_stime) / repeat;
		}
	}
	bench_report();
	for (int i = 0; repeat > 1 && i < bench_phases.count; i++)
		dprintf(bench_out(), "%s.user %.3f\n%s.system %.3f\n", bench_phases.names[i], user[i],
			bench_phases.names[i], system[i]);
}

#endif /* BENCH_STARTUP_PHASES_H */
