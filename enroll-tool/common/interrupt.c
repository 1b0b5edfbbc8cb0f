/* SPDX-License-Identifier: BSD-2-Clause */
#include "common/interrupt.h"

#include <stddef.h>

#define SIGNALS 4

static const int numbers[SIGNALS] = {SIGINT, SIGTERM, SIGHUP, SIGQUIT}; /* SIGQUIT: held only */

static volatile sig_atomic_t seen;
static bool held;
static sigset_t before;

static void see_signal(int number)
{
	(void)number;
	seen = 1;
}

static void handle_signals(size_t count, const struct sigaction *action)
{
	struct sigaction old;

	for (size_t i = 0; i < count; i++)
		if (sigaction(numbers[i], NULL, &old) == 0 && old.sa_handler != SIG_IGN)
			(void)sigaction(numbers[i], action, NULL);
}

void interrupt_watch(void)
{
	struct sigaction watch = {.sa_handler = see_signal, .sa_flags = SA_RESTART};

	sigemptyset(&watch.sa_mask);
	handle_signals(SIGNALS - 1, &watch);
}

bool interrupt_seen(void)
{
	return seen;
}

void interrupt_hold(void)
{
	struct sigaction wake = {.sa_handler = see_signal}; /* no SA_RESTART: a prompt ends */
	sigset_t holding;

	sigemptyset(&holding);
	for (size_t i = 0; i < SIGNALS; i++)
		sigaddset(&holding, numbers[i]);
	if (!held)
		sigprocmask(SIG_BLOCK, &holding, &before);
	held = true;
	sigemptyset(&wake.sa_mask);
	handle_signals(SIGNALS, &wake);
}

void interrupt_release(void)
{
	const struct sigaction usual = {.sa_handler = SIG_DFL};

	handle_signals(SIGNALS, &usual);
	if (held)
		sigprocmask(SIG_SETMASK, &before, NULL);
	held = false;
}

sigset_t interrupt_mask(void)
{
	sigset_t mask = before;

	if (!held)
		sigprocmask(SIG_SETMASK, NULL, &mask);
	return mask;
}
