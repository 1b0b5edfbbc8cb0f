/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * An invitation allows one user to enroll in the login although the last day for it has passed.
 * An administrator creates it, for a limited time; the enrollment uses it up. The bytes are
 * specified in pam_totp-record(5). They lie in a seal like a credential's; the first ones tell
 * the two apart, so that neither is ever taken for the other.
 */
#ifndef RECORD_INVITE_H
#define RECORD_INVITE_H

#include "record/cred.h"

#define INVITE_SECONDS_MIN 60
#define INVITE_SECONDS_MAX (366 * 86400)
#define INVITE_BYTES_MAX   (4 + 1 + 4 + 8 + 8 + 1 + CRED_USER_MAX)

struct invite {
	char user[CRED_USER_MAX + 1];
	uint32_t uid;    /* of the invited account, not of a later account with the same name */
	int64_t created; /* seconds since 1970 UTC */
	int64_t expires; /* from this second on it is no longer valid */
};

/*
 * Is it valid for an account with that uid now? Not before it was created: then the clock is
 * wrong.
 */
bool invite_holds(const struct invite *invite, uint32_t uid, int64_t now);

/*
 * Encode to the plaintext bytes of a seal. TOTP_ERR_RANGE: no user, a time before 1970, or a
 * duration outside INVITE_SECONDS_MIN to INVITE_SECONDS_MAX.
 */
MUST_CHECK enum totp_err invite_encode(const struct invite *invite,
				       uint8_t ret_bytes[INVITE_BYTES_MAX], size_t *ret_len);

/*
 * Decode. The whole of buf[0..len) must be consumed: decode(encode(x)) is x.
 * TOTP_ERR_FORMAT: no invitation, cut short, or bytes left over. TOTP_ERR_RANGE: as
 * invite_encode. TOTP_ERR_UNSUPPORTED: another version. Safe on hostile input.
 */
MUST_CHECK enum totp_err invite_decode(const uint8_t *buf, size_t len, struct invite *ret_invite);

#endif
