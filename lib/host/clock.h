/* SPDX-License-Identifier: BSD-2-Clause */
/* The one place that reads the wall clock. */
#ifndef HOST_CLOCK_H
#define HOST_CLOCK_H

#include <stdint.h>

/* Seconds since 1970-01-01 UTC. */
int64_t clock_now(void);

/* When the host was started, in the same seconds. */
int64_t clock_booted(void);

#endif
