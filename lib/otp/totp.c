/* SPDX-License-Identifier: BSD-2-Clause */
#include "otp/totp.h"

enum totp_err totp_step_at(int64_t unix_time, uint32_t period, uint64_t *ret_step)
{
	if (unix_time < 0 || period == 0)
		return TOTP_ERR_RANGE;

	*ret_step = (uint64_t)unix_time / period;
	return TOTP_OK;
}

enum totp_err totp_find_step(const struct hotp *hotp, const struct code *typed,
			     const struct step_window *window, struct step_match *ret_match)
{
	uint64_t first = window->centre > window->reach ? window->centre - window->reach : 0;
	struct step_match match = {0};

	/* the last step of all is never reached: the loop below could not end there */
	if (window->reach > TOTP_WINDOW_MAX || window->centre >= UINT64_MAX - window->reach)
		return TOTP_ERR_RANGE;

	for (uint64_t step = first; step <= window->centre + window->reach; step++) {
		bool same = false;
		enum totp_err err = hotp_matches(hotp, typed, step, &same);

		if (err != TOTP_OK)
			return err;
		if (same && step > window->floor) {
			match.found = true;
			match.step = step;
		}
		match.used |= same && step <= window->floor;
	}
	*ret_match = match;
	return TOTP_OK;
}

enum totp_err totp_find_offset(const struct hotp *hotp, const struct code *typed, uint64_t centre,
			       uint64_t reach, struct step_offset *ret_offset)
{
	struct step_offset offset = {0};

	for (uint64_t distance = 0; distance <= reach; distance++) {
		bool before = false, after = false;
		enum totp_err err = hotp_matches(hotp, typed, centre + distance, &after);

		if (err == TOTP_OK && centre >= distance)
			err = hotp_matches(hotp, typed, centre - distance, &before);
		if (err != TOTP_OK)
			return err;
		if (!offset.found && (before || after))
			offset.steps = before ? -(int64_t)distance : (int64_t)distance;
		offset.found |= before | after;
	}
	*ret_offset = offset;
	return TOTP_OK;
}
