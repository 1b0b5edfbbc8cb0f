/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The seal around a credential: AES-256-GCM under a host key, so that a copy of the store
 * is useless without the keyring. The format is specified in pam_totp-record(5).
 */
#ifndef RECORD_SEAL_H
#define RECORD_SEAL_H

#include <stddef.h>
#include <stdint.h>

#include "base/bytes.h"
#include "base/crypto.h"

#define SEAL_OVERHEAD 36 /* bytes that a box is longer than its plaintext */

struct host_key {
	uint32_t id; /* random, so that keys of several hosts may share a keyring */
	uint8_t key[GCM_KEY_LEN];
	int64_t created; /* 00:00 UTC of the day, seconds since 1970 */
};

/*
 * Seal plaintext for a user under a fresh random nonce. ret_box has room for
 * len + SEAL_OVERHEAD bytes.
 *
 * TOTP_ERR_SYSTEM: no random bytes. TOTP_ERR_CRYPTO.
 */
MUST_CHECK enum totp_err seal_close(const struct host_key *key, const char *user,
				    const uint8_t *plain, size_t len, uint8_t *ret_box);

/*
 * Which key sealed this box? TOTP_ERR_FORMAT: bad magic or too short to be one.
 */
MUST_CHECK enum totp_err seal_key_id(struct bytes box, uint32_t *ret_id);

/*
 * Open a sealed record.
 *
 * box: magic (4) | key id (4, big-endian) | nonce (12) | ciphertext | tag (16); header
 * and user name are authenticated too, so one user's file does not open as another's.
 * ret_plain: of buffer_of; SEAL_OVERHEAD bytes fewer than the box has are needed.
 *
 * TOTP_ERR_FORMAT: bad magic or too short. TOTP_ERR_NOT_FOUND: sealed by another key id;
 * try that key. TOTP_ERR_SEAL: altered, wrong user or wrong key; the three look the same, and
 * should. TOTP_ERR_RANGE: cap too small. On any failure all of ret_plain is wiped: GCM decrypts
 * before it verifies.
 */
MUST_CHECK enum totp_err seal_open(const struct host_key *key, const char *user, struct bytes box,
				   struct buffer *ret_plain);

#endif
