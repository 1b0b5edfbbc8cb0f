/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * How long this process has chosen to wait: what it asked of nanosleep, which this replaces. A
 * machine that is slow makes a test longer, and not this sum.
 */
#ifndef NAPS_H
#define NAPS_H

#include <stdint.h>
#include <time.h>

#define NAP_NS 20000000 /* the longest before it looks again */

static uint64_t napped; /* ns */

int nanosleep(const struct timespec *wait, struct timespec *rest)
{
	napped += (uint64_t)wait->tv_sec * 1000000000 + (uint64_t)wait->tv_nsec;
	return clock_nanosleep(CLOCK_MONOTONIC, 0, wait, rest) == 0 ? 0 : -1;
}

#endif
