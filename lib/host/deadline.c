/* SPDX-License-Identifier: BSD-2-Clause */
#include "host/deadline.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

#include "base/io.h"
#include "base/own.h"
#include "host/sshd_config.h"

#define GRACE_DEFAULT    120
#define STAT_BEFORE_TIME 19 /* fields of /proc/PID/stat between the state and the start time */

struct grace {
	bool found;
	uint32_t seconds;
};

/* sshd's time formats: numbers with a unit each, as in 1h30m. */
static bool read_time(struct text text, uint32_t *ret_seconds)
{
	static const char units[] = "smhdw";
	static const uint32_t lengths[] = {1, 60, 3600, 86400, 604800};
	uint64_t sum = 0, number = 0;
	bool digits = false;

	for (size_t i = 0; i < text.len; i++) {
		char lower = (char)(text.at[i] | 0x20);
		const char *unit = strchr(units, lower);

		if (text.at[i] >= '0' && text.at[i] <= '9') {
			number = number * 10 + (uint64_t)(text.at[i] - '0');
			digits = true;
		} else if (digits && unit && *unit) {
			sum += number * lengths[unit - units];
			number = 0;
			digits = false;
		} else {
			return false;
		}
		if (number > UINT32_MAX || sum > UINT32_MAX)
			return false;
	}
	if (text.len == 0 || sum + number > UINT32_MAX)
		return false;
	*ret_seconds = (uint32_t)(sum + number);
	return true;
}

static void find_grace(void *context, const struct sshd_line *line)
{
	struct grace *grace = context;

	if (!grace->found && line->match_number == 0 && sshd_line_is(line, "LoginGraceTime"))
		grace->found = read_time(line->value, &grace->seconds);
}

/* Seconds since the start of the parent: sshd starts one process for each connection. */
static bool find_age_of_parent(uint64_t *ret_seconds)
{
	long ticks = sysconf(_SC_CLK_TCK);
	OWN_FD int fd = -1;
	char path[32], text[1024];
	struct text rest, field = {0};
	struct timespec now;
	uint64_t start = 0;
	size_t len = 0;
	char *end;

	snprintf(path, sizeof(path), "/proc/%d/stat", (int)getppid());
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0 || ticks <= 0 || io_read_all(fd, text, sizeof(text) - 1, &len) != TOTP_OK ||
	    clock_gettime(CLOCK_BOOTTIME, &now) != 0)
		return false;
	text[len] = '\0';
	end = strrchr(text, ')'); /* the name before it may hold anything */
	if (!end || !end[1])
		return false;
	rest = text_of(end + 2);
	for (unsigned i = 0; i <= STAT_BEFORE_TIME; i++)
		if (!text_field(&rest, ' ', &field))
			return false;
	if (text_number(field, 0, INT64_MAX, &start) != TOTP_OK)
		return false;
	start /= (uint64_t)ticks;
	*ret_seconds = (uint64_t)now.tv_sec > start ? (uint64_t)now.tv_sec - start : 0;
	return true;
}

bool deadline_find(bool by_sshd, unsigned *ret_seconds)
{
	struct grace grace = {false, GRACE_DEFAULT};
	struct itimerval timer = {0};
	uint64_t age = 0;

	if (getitimer(ITIMER_REAL, &timer) == 0 && timer.it_value.tv_sec > 0) {
		*ret_seconds = (unsigned)timer.it_value.tv_sec;
		return true;
	}
	if (!by_sshd || !sshd_config_each(SSHD_CONFIG, find_grace, &grace) || grace.seconds == 0 ||
	    !find_age_of_parent(&age) || age >= grace.seconds)
		return false;
	*ret_seconds = grace.seconds - (unsigned)age;
	return true;
}
