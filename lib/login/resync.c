/* SPDX-License-Identifier: BSD-2-Clause */
#include "login/resync.h"

#include "otp/totp.h"

/* Are these the codes of `counter` and of the one after it? */
static enum totp_err are_codes_at(const struct token *token, uint64_t counter,
				  const struct code *first, const struct code *second,
				  bool *ret_same)
{
	struct hotp hotp = token_hotp(token);
	bool a = false, b = false;
	enum totp_err err = hotp_matches(&hotp, first, counter, &a);

	if (err == TOTP_OK && a)
		err = hotp_matches(&hotp, second, counter + 1, &b);
	*ret_same = a && b;
	return err;
}

static enum totp_err resync_hotp(const struct token *token, struct token_state *state,
				 const struct code *first, const struct code *second)
{
	if (state->moving == COUNTER_DISABLED)
		return TOTP_ERR_UNSUPPORTED;
	if (state->moving > UINT64_MAX - 2 * HOTP_AHEAD_MAX)
		return TOTP_ERR_RANGE;
	for (uint64_t ahead = 0; ahead <= HOTP_AHEAD_MAX; ahead++) {
		bool same = false;
		enum totp_err err =
			are_codes_at(token, state->moving + ahead, first, second, &same);

		if (err != TOTP_OK)
			return err;
		if (same) {
			state->moving += ahead + 2;
			return TOTP_OK;
		}
	}
	return TOTP_ERR_NOT_FOUND;
}

static enum totp_err resync_totp(struct token *token, struct token_state *state,
				 const struct code *first, const struct code *second, int64_t now)
{
	uint64_t host_step = 0;
	enum totp_err err = totp_step_at(now, token->period, &host_step);

	/* nearest first: at each distance behind the host's step, then before it */
	for (int64_t i = 0; i <= 2 * CRED_OFFSET_MAX && err == TOTP_OK; i++) {
		int64_t offset = i % 2 ? -(i + 1) / 2 : i / 2;
		int64_t step = (int64_t)host_step + offset;
		bool same = false;

		if (step < 1)
			continue;
		err = are_codes_at(token, (uint64_t)step - 1, first, second, &same);
		if (err != TOTP_OK || !same)
			continue;
		if ((uint64_t)step <= state->moving)
			return TOTP_ERR_STALE;
		token->offset = (int32_t)offset;
		state->moving = (uint64_t)step;
		return TOTP_OK;
	}
	return err == TOTP_OK ? TOTP_ERR_NOT_FOUND : err;
}

enum totp_err resync(struct token *token, struct token_state *state, const struct code *first,
		     const struct code *second, int64_t now)
{
	if (token->type == TOKEN_HOTP)
		return resync_hotp(token, state, first, second);
	return resync_totp(token, state, first, second, now);
}
