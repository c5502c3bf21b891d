/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Included in front of everything when the lines are counted that tests reach (make coverage): a child that ends by
 * _exit(2) has counted as well, and would take that with it.
 */
#ifndef SELFTESTS_COVERAGE_H
#define SELFTESTS_COVERAGE_H

#include <unistd.h>

#ifdef __cplusplus
extern "C"
#endif
void __gcov_dump(void);

#define _exit(status)                                                                              \
	do {                                                                                       \
		int status_ = (status);                                                            \
		__gcov_dump();                                                                     \
		(_exit)(status_);                                                                  \
	} while (0)

#endif /* SELFTESTS_COVERAGE_H */
