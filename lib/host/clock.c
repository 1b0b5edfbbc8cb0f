/* SPDX-License-Identifier: BSD-2-Clause */
#include "host/clock.h"

#include <time.h>

int64_t clock_now(void)
{
	return (int64_t)time(NULL);
}

int64_t clock_booted(void)
{
	struct timespec up = {0};

	/* if the clock cannot be read, treat boot as now: only later codes are accepted */
	(void)clock_gettime(CLOCK_BOOTTIME, &up);
	return clock_now() - (int64_t)up.tv_sec;
}
