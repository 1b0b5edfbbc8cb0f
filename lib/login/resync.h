/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A hardware token that went its own way: two codes in a row tell where it is. For an
 * administrator's act, never for a login; pure.
 */
#ifndef LOGIN_RESYNC_H
#define LOGIN_RESYNC_H

#include "otp/hotp.h"
#include "record/state.h"

/*
 * Two codes that a token showed one after the other, the second of them just now.
 *
 * HOTP: looks at HOTP_AHEAD_MAX counters from the next one on, and moves state->moving
 * after the second code (RFC 4226 section 7.4). TOTP: looks at CRED_OFFSET_MAX steps each
 * side of now's, nearest first, sets token->offset so that the second code is of now's
 * step, and raises state->moving to it, so that both codes are used up. The secret's
 * window of chance is one in 10^12 for each place looked at.
 *
 * now: seconds since 1970 UTC. *token and *state are unchanged on failure.
 * TOTP_ERR_NOT_FOUND: no two places in a row have these codes. TOTP_ERR_STALE: they have,
 * but the second was used before. TOTP_ERR_UNSUPPORTED: a HOTP token that was disabled.
 * TOTP_ERR_RANGE: a time before 1970. TOTP_ERR_CRYPTO.
 */
MUST_CHECK enum totp_err resync(struct token *token, struct token_state *state,
				const struct code *first, const struct code *second, int64_t now);

#endif
