/* The one place that reads the wall clock. */
#ifndef HOST_CLOCK_H
#define HOST_CLOCK_H

#include <stdint.h>

/* Seconds since 1970-01-01 UTC. */
int64_t clock_now(void);

/* The same, of when the host came up: now without the time since then, suspends included. */
int64_t clock_booted(void);

#endif
