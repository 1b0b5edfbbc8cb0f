/* SPDX-License-Identifier: BSD-2-Clause */
#include "common/when.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

#define NO_TIME "at no time"

const char *when_iso(int64_t when, char text[WHEN_MAX])
{
	time_t seconds = (time_t)when;
	struct tm local;
	size_t len;

	if (when == 0)
		return strcpy(text, "never");
	if (!localtime_r(&seconds, &local))
		return strcpy(text, NO_TIME);
	len = strftime(text, WHEN_MAX - 1, "%Y-%m-%dT%H:%M:%S%z", &local);
	if (len < 5)
		return strcpy(text, NO_TIME);
	/* +0100 becomes +01:00 */
	memmove(text + len - 1, text + len - 2, 3);
	text[len - 2] = ':';
	return text;
}

const char *when_text(int64_t when, char text[WHEN_MAX])
{
	time_t seconds = (time_t)when;
	struct tm local;

	if (when == 0)
		return strcpy(text, "never");
	if (!localtime_r(&seconds, &local) ||
	    strftime(text, WHEN_MAX, "%Y-%m-%d %H:%M %Z", &local) == 0)
		return strcpy(text, NO_TIME);
	return text;
}

const char *when_clock(int64_t when, char text[WHEN_MAX])
{
	time_t seconds = (time_t)when;
	struct tm local;

	if (!localtime_r(&seconds, &local) || strftime(text, WHEN_MAX, "%H:%M:%S %Z", &local) == 0)
		return strcpy(text, NO_TIME);
	return text;
}

const char *when_duration(uint64_t seconds, char text[WHEN_MAX])
{
	static const struct {
		uint64_t seconds;
		const char *name;
	} units[] = {{86400, "day"}, {3600, "hour"}, {60, "minute"}, {1, "second"}};
	size_t len = 0, i = 0;

	while (i < 3 && seconds < units[i].seconds)
		i++;
	for (size_t end = i + 2; i < end && i < 4; i++) {
		uint64_t count = seconds / units[i].seconds;

		seconds %= units[i].seconds;
		if (count || len == 0)
			len += (size_t)snprintf(text + len, WHEN_MAX - len, "%s%llu %s%s",
						len ? " " : "", (unsigned long long)count,
						units[i].name, count == 1 ? "" : "s");
	}
	return text;
}
