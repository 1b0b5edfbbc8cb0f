#include "enroll/self_time.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

const char *self_duration(uint64_t seconds, char text[SELF_TIME_MAX])
{
	static const struct {
		const char *unit;
		uint64_t seconds;
		uint64_t below; /* of seconds, for which the unit is used */
	} units[] = {{"second", 1, 120},
		     {"minute", 60, 7200},
		     {"hour", 3600, 172800},
		     {"day", 86400, UINT64_MAX}};
	size_t i = 0;
	uint64_t count;

	while (seconds >= units[i].below)
		i++;
	count = seconds / units[i].seconds + (seconds % units[i].seconds != 0);
	snprintf(text, SELF_TIME_MAX, "%llu %s%s", (unsigned long long)count, units[i].unit,
		 count == 1 ? "" : "s");
	return text;
}

const char *self_when(int64_t when, char text[SELF_TIME_MAX])
{
	time_t time = (time_t)when;
	struct tm local;

	if (when == 0 || !localtime_r(&time, &local) ||
	    strftime(text, SELF_TIME_MAX, "%Y-%m-%d %H:%M %Z", &local) == 0)
		strcpy(text, when == 0 ? "never" : "?");
	return text;
}
