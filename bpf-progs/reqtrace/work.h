/* SPDX-License-Identifier: BSD-2-Clause */
/* What the server does for a request, and the line in which a client asks for it. */
#ifndef REQTRACE_WORK_H
#define REQTRACE_WORK_H

#include <stddef.h>

#define LINE_SIZE 256 /* bytes of a request or an answer, with its end */

/* Words that a request is made of, in any order and number: "compute=20 sleep=5 file=3 lock=2 calls=100". */
#define WORK_HELP "compute=MS sleep=MS file=WRITES lock=MS calls=COUNT"

/*
 * Do what a request asks for, marking each word as a phase of it and what comes then as phase "answer", and
 * write the answer: the CPU time that all took in ns, or what is wrong. Returns bytes of the answer.
 */
int work_do(const char *line, char answer[LINE_SIZE]);

#endif /* REQTRACE_WORK_H */
