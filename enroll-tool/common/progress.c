/* SPDX-License-Identifier: BSD-2-Clause */
#include "common/progress.h"

#include <stdio.h>
#include <unistd.h>

#include "base/io.h"

#define PAUSE_NS 100000000u
#define WIDTH    40

struct progress progress_begin(void)
{
	return (struct progress){.on = isatty(STDERR_FILENO) == 1,
				 .due = io_monotonic_ns() + 2 * PAUSE_NS};
}

void progress_show(struct progress *progress, const char *doing, size_t done, size_t total)
{
	static const char bar[] = "########################################";
	uint64_t now;
	int filled;

	if (!progress->on)
		return;
	now = io_monotonic_ns();
	if (now < progress->due)
		return;
	filled = total ? (int)(done * WIDTH / total) : 0;
	if (total)
		fprintf(stderr, "\r%s [%.*s%*s] %3zu %%", doing, filled, bar, WIDTH - filled, "",
			done * 100 / total);
	else
		fprintf(stderr, "\r%s %zu", doing, done);
	progress->drawn = true;
	progress->due = now + PAUSE_NS;
}

void progress_clear(struct progress *progress)
{
	if (progress->drawn)
		fprintf(stderr, "\r\033[K");
	progress->drawn = false;
}
