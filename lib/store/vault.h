/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The keys of an open store: it seals what an engine writes and opens what it reads, so that an
 * engine moves boxes (record/seal.h) and knows no key. The keyring is read when it is first
 * needed, and again when it has changed, since a rotation may have added a key.
 */
#ifndef STORE_VAULT_H
#define STORE_VAULT_H

#include "record/cred.h"
#include "record/invite.h"
#include "store/keyring.h"

#define VAULT_BOX_MAX (CRED_BYTES_MAX + SEAL_OVERHEAD) /* bytes of any box of a store */

struct vault {
	const char *path; /* of the keyring */
	bool has_keys;
	bool given;     /* the caller has passed them: they are never read again */
	bool lacks_key; /* a box was read whose key is not there, or the keyring has changed */
	struct keyring keyring;
};

/* path: stays the caller's. keys: that keyring, read before; NULL: it is read when needed. */
void vault_begin(struct vault *vault, const char *path, const struct keyring *keys);

/*
 * Make the keyring the current one, of which the first key seals. TOTP_ERR_STALE: the keys were
 * given, and have changed since: the caller must begin again. Others as keyring_load, but never
 * TOTP_ERR_NOT_FOUND.
 */
MUST_CHECK enum totp_err vault_renew(struct vault *vault, struct reason *why);

/* The id of the key that seals; after vault_renew. */
uint32_t vault_key_id(const struct vault *vault);

/*
 * Let the key of this id seal until the keyring is read again, whichever is the first in the file:
 * a shared store says which one. False: the keyring lacks it. After vault_renew.
 */
bool vault_prefer(struct vault *vault, uint32_t id);

/* Seal what was opened; after vault_renew. Errors as seal_close. */
MUST_CHECK enum totp_err vault_seal(const struct vault *vault, const char *user,
				    const struct buffer *plain, uint8_t ret_box[VAULT_BOX_MAX],
				    size_t *ret_len);

/* Encode and seal; after vault_renew. Errors as cred_encode, invite_encode and seal_close. */
MUST_CHECK enum totp_err vault_seal_cred(const struct vault *vault, const struct cred *cred,
					 uint8_t ret_box[VAULT_BOX_MAX], size_t *ret_len);
MUST_CHECK enum totp_err vault_seal_invite(const struct vault *vault, const struct invite *invite,
					   uint8_t ret_box[VAULT_BOX_MAX], size_t *ret_len);

/*
 * Open a box that was sealed for this user, under the key that it names. The caller wipes
 * what ret_plain has. TOTP_ERR_SEAL, TOTP_ERR_FORMAT, and those of keyring_load; never
 * TOTP_ERR_NOT_FOUND. *why has a sentence unless the box itself does not open.
 */
MUST_CHECK enum totp_err vault_open(struct vault *vault, const char *user, struct bytes box,
				    struct buffer *ret_plain, struct reason *why);

/* The same, and decode it. TOTP_ERR_SEAL too: it is another user's. Others as the decoders. */
MUST_CHECK enum totp_err vault_open_cred(struct vault *vault, const char *user, struct bytes box,
					 struct cred *ret_cred, struct reason *why);
MUST_CHECK enum totp_err vault_open_invite(struct vault *vault, const char *user, struct bytes box,
					   struct invite *ret_invite, struct reason *why);

#endif
