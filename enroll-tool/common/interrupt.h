/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Ctrl-C and its like. A signal that the caller has the program ignore (nohup) stays ignored.
 * A program uses one of the two ways, watching or holding, at a time.
 */
#ifndef COMMON_INTERRUPT_H
#define COMMON_INTERRUPT_H

#include <signal.h>
#include <stdbool.h>

/*
 * During work on many users: from here on SIGINT, SIGTERM and SIGHUP no longer end the program.
 * Between two users it asks interrupt_seen, so that it can undo what it began.
 */
void interrupt_watch(void);

/* Has a signal come? */
bool interrupt_seen(void);

/*
 * Around a change: from here on SIGINT, SIGQUIT, SIGTERM and SIGHUP wait until a person is asked
 * (prompt.h), so that a change is stored completely and reported, and the terminal shows again
 * what is typed.
 */
void interrupt_hold(void);

/* Let them end the program again; one that is waiting ends it here. */
void interrupt_release(void);

/* The signal mask while a person types. */
sigset_t interrupt_mask(void);

#endif
