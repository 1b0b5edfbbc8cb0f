#include "otp/totp.h"

enum totp_err totp_step_at(int64_t unix_time, uint32_t period, uint64_t *ret_step)
{
	if (unix_time < 0 || period == 0)
		return TOTP_ERR_RANGE;

	*ret_step = (uint64_t)unix_time / period;
	return TOTP_OK;
}

enum totp_err totp_find_step(const struct totp_params *params, const struct secret *key,
			     const struct code *typed, const struct step_window *window,
			     struct step_match *ret_match)
{
	uint64_t first = window->centre > window->reach ? window->centre - window->reach : 0;
	struct step_match match = {0};

	/* the last step of all is never reached: the loop below could not end there */
	if (window->reach > TOTP_WINDOW_MAX || window->centre >= UINT64_MAX - window->reach)
		return TOTP_ERR_RANGE;

	for (uint64_t step = first; step <= window->centre + window->reach; step++) {
		bool same = false;
		enum totp_err err =
			hotp_matches(params->alg, key, params->digits, typed, step, &same);

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

enum totp_err totp_find_offset(const struct totp_params *params, const struct secret *key,
			       const struct code *typed, uint64_t centre, uint64_t reach,
			       bool *ret_found, int64_t *ret_offset)
{
	bool found = false;
	int64_t offset = 0;

	for (uint64_t distance = 0; distance <= reach; distance++) {
		bool before = false, after = false;
		enum totp_err err = hotp_matches(params->alg, key, params->digits, typed,
						 centre + distance, &after);

		if (err == TOTP_OK && centre >= distance)
			err = hotp_matches(params->alg, key, params->digits, typed,
					   centre - distance, &before);
		if (err != TOTP_OK)
			return err;
		if (!found && (before || after))
			offset = before ? -(int64_t)distance : (int64_t)distance;
		found |= before | after;
	}
	*ret_found = found;
	*ret_offset = offset;
	return TOTP_OK;
}
