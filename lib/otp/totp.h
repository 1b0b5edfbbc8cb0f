/* SPDX-License-Identifier: BSD-2-Clause */
/* TOTP, the time-based code (RFC 6238). No clock is read here: time is an argument. */
#ifndef OTP_TOTP_H
#define OTP_TOTP_H

#include "otp/hotp.h"

#define TOTP_PERIOD_MIN 15  /* seconds */
#define TOTP_PERIOD_MAX 300 /* seconds */
#define TOTP_WINDOW_MAX 20  /* steps tried each side of the centre */

/* Steps centre - reach to centre + reach, clipped at 0, of which floor and those before
 * it are used up. */
struct step_window {
	uint64_t centre;
	uint64_t reach;
	uint64_t floor;
};

struct step_match {
	bool found;    /* a step later than the floor has this code */
	bool used;     /* a step at or before the floor has it */
	uint64_t step; /* the latest step found, or 0 */
};

/* How many steps away from the centre a step is. */
struct step_offset {
	bool found;
	int64_t steps; /* -2: two steps in the past; 0 if none was found */
};

/*
 * Number of the time step that contains unix_time (RFC 6238 section 4.2, T0 = 0).
 *
 * unix_time: seconds since 1970-01-01 UTC. period: seconds in a step, 1 or more;
 * enrollment offers 15 to 300. Example: 59 with period 30 is step 1.
 *
 * TOTP_ERR_RANGE: a time before 1970 or a period of 0. The caller must notice a clock that reads
 * 1970 because it was never set: it gives a valid, old step.
 */
MUST_CHECK enum totp_err totp_step_at(int64_t unix_time, uint32_t period, uint64_t *ret_step);

/*
 * Find the step whose code equals what was typed (RFC 6238 sections 5.2 and 6).
 *
 * Every step of the window is computed and compared in constant time even after a match,
 * so the duration depends on the width of the window only. A step at or before
 * window->floor never counts as found: a code is accepted once. Section 5.2 recommends at most
 * one step of network delay.
 *
 * TOTP_ERR_RANGE: reach above TOTP_WINDOW_MAX, digits or key out of range, or a window that
 * touches the last 64-bit step.
 * TOTP_ERR_CRYPTO: as hotp_code. *ret_match is then unchanged.
 */
MUST_CHECK enum totp_err totp_find_step(const struct hotp *hotp, const struct code *typed,
					const struct step_window *window,
					struct step_match *ret_match);

/*
 * How many steps away from centre is the nearest step that has this code? To report to an
 * administrator, or to a user who enrolls, that a clock is wrong; never to accept.
 *
 * reach: steps searched each side, any number. It always takes the time of 2 * reach + 1 codes,
 * so that the time does not show whether there is one. Errors as totp_find_step.
 */
MUST_CHECK enum totp_err totp_find_offset(const struct hotp *hotp, const struct code *typed,
					  uint64_t centre, uint64_t reach,
					  struct step_offset *ret_offset);

#endif
