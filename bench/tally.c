/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * tally - the processor time of counting a decision, and what it is made of.
 *
 *   tally DIRECTORY     the directory is empty, and on a file system in memory
 *
 * Prints a line for each: the median of its time in microseconds, and the ratio to a system call
 * that does nothing.
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "host/tally.h"

#define RUNS  101
#define TIMES 1000 /* in each run */

static const char *dir;
static char path[256];

static void call_nothing(void)
{
	(void)syscall(SYS_getppid);
}

static void open_and_close(void)
{
	close(open(path, O_WRONLY | O_APPEND | O_CLOEXEC));
}

static void count(void)
{
	(void)tally_count(dir, TALLY_LOGINS, "allow", "code");
}

static void make_files(void)
{
	if (tally_make(dir, TALLY_LOGINS, getuid(), getgid()) != TOTP_OK)
		exit(1);
}

static void nothing(void)
{
}

static const struct {
	const char *name;
	void (*before)(void), (*what)(void);
} rows[] = {{"nothing", nothing, call_nothing},
	    {"no-file", nothing, count},
	    {"open", make_files, open_and_close},
	    {"count", nothing, count}};
#define ROWS (sizeof(rows) / sizeof(rows[0]))

static double now_us(void)
{
	struct timespec now;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
	return (double)now.tv_sec * 1e6 + (double)now.tv_nsec / 1e3;
}

static int by_value(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

static double median_time(void (*what)(void))
{
	double times[RUNS];

	for (int run = 0; run < RUNS; run++) {
		double start = now_us();

		for (int i = 0; i < TIMES; i++)
			what();
		times[run] = (now_us() - start) / TIMES;
	}
	qsort(times, RUNS, sizeof(times[0]), by_value);
	return times[RUNS / 2];
}

int main(int argc, char **argv)
{
	double first = 0;

	if (argc != 2) {
		fprintf(stderr, "usage: see the head of bench/tally.c\n");
		return 2;
	}
	dir = argv[1];
	snprintf(path, sizeof(path), "%s/%s/allow.code", dir, TALLY_LOGINS);
	for (size_t i = 0; i < ROWS; i++) {
		double took;

		rows[i].before();
		took = median_time(rows[i].what);
		first = i ? first : took;
		printf("%s\tp50_us %.2f\tratio %.1f\n", rows[i].name, took, took / first);
	}
	return tally_read(dir, TALLY_LOGINS, "allow.code") == RUNS * TIMES ? 0 : 1;
}
