/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Files that leave the host, sealed under a passphrase: an export, a backup of the keyring.
 * AES-256-GCM under a key that scrypt makes of the passphrase. The format is specified in
 * pam_totp-record(5).
 */
#ifndef IMPORT_PWSEAL_H
#define IMPORT_PWSEAL_H

#include "base/crypto.h"
#include "base/secret.h"

#define PWSEAL_PHRASE_MIN 12 /* bytes of a passphrase that something is sealed under */

#define PWSEAL_HEADER_LEN 37
#define PWSEAL_OVERHEAD   (PWSEAL_HEADER_LEN + GCM_TAG_LEN)
#define PWSEAL_PLAIN_MAX  (1u << 30)

/* scrypt's N is two to the power of this: 128 MiB and half a second for a new box… */
#define PWSEAL_COST     17
#define PWSEAL_COST_MIN 10 /* …and 1 MiB to 1 GiB for one that is opened */
#define PWSEAL_COST_MAX 20

/* What is in it: a box of one kind does not open as another. */
enum pwseal_kind { PWSEAL_EXPORT = 1, PWSEAL_KEYRING = 2 };

/*
 * Seal under a passphrase, with fresh salt and nonce, where it lies: box has room for
 * len + PWSEAL_OVERHEAD bytes, and the plaintext stands at box + PWSEAL_HEADER_LEN.
 * cost: PWSEAL_COST_MIN to PWSEAL_COST_MAX.
 *
 * TOTP_ERR_RANGE: cost, or len is more than PWSEAL_PLAIN_MAX. TOTP_ERR_SYSTEM: no random
 * bytes. TOTP_ERR_CRYPTO: libcrypto failed, or there is no memory for the cost. After an error
 * the plaintext is still there.
 */
MUST_CHECK enum totp_err pwseal_close(const struct secret *phrase, enum pwseal_kind kind,
				      unsigned cost, uint8_t *box, size_t len);

/*
 * Open a box. ret_plain has room for box_len - PWSEAL_OVERHEAD bytes, and may be
 * box + PWSEAL_HEADER_LEN.
 *
 * TOTP_ERR_FORMAT: not a box, or too short. TOTP_ERR_UNSUPPORTED: a box of another version
 * or kind. TOTP_ERR_RANGE: a cost that is not taken, or too long. TOTP_ERR_SEAL: altered, or
 * another passphrase; the two look the same. ret_plain is then wiped.
 * TOTP_ERR_CRYPTO: as above.
 */
MUST_CHECK enum totp_err pwseal_open(const struct secret *phrase, enum pwseal_kind kind,
				     const uint8_t *box, size_t box_len, uint8_t *ret_plain);

#endif
