/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * For functions that replace a call of libc: the call itself, by the kernel's own number where libc
 * has no other name for it, and with the structs that this build has.
 */
#ifndef KERNEL_H
#define KERNEL_H

#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

/*
 * Where long has 32 bits there are two such calls, and a build with 64 bits of time needs the
 * later.
 */
static inline int kernel_clock_gettime(clockid_t clock, struct timespec *ret_time)
{
#ifdef SYS_clock_gettime64
	if (sizeof(time_t) > sizeof(long))
		return (int)syscall(SYS_clock_gettime64, clock, ret_time);
#endif
	return (int)syscall(SYS_clock_gettime, clock, ret_time);
}

#endif
