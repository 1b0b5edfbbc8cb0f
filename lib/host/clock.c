#include "host/clock.h"

#include <time.h>

int64_t clock_now(void)
{
	return (int64_t)time(NULL);
}

int64_t clock_booted(void)
{
	struct timespec up = {0};

	/* of no clock it would be now, from when on alone codes are then good */
	(void)clock_gettime(CLOCK_BOOTTIME, &up);
	return clock_now() - (int64_t)up.tv_sec;
}
