/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The encryption of a PSKC container (RFC 6030 section 6): AES-CBC under a key that was agreed on
 * before, or that PBKDF2 makes of a passphrase, with a MAC of each secret.
 */
#ifndef IMPORT_PSKC_SEALED_H
#define IMPORT_PSKC_SEALED_H

#include "base/crypto.h"
#include "base/secret.h"
#include "base/text.h"

/* The texts of an encrypted value, as they stand there. */
struct pskc_cipher {
	struct text method; /* EncryptionMethod/@Algorithm */
	struct text value;  /* CipherData/CipherValue */
};

/* The texts of a container that its encrypted values share; empty where there are none. */
struct pskc_method {
	struct text derivation;     /* KeyDerivationMethod/@Algorithm; empty: the key is known */
	struct text salt;           /* PBKDF2-params/Salt/Specified */
	struct text iterations;     /* PBKDF2-params/IterationCount */
	struct text key_length;     /* PBKDF2-params/KeyLength, in bytes */
	struct text prf;            /* PBKDF2-params/PRF/@Algorithm */
	struct text mac;            /* MACMethod/@Algorithm */
	struct pskc_cipher mac_key; /* MACMethod/MACKey */
};

struct pskc_keys {
	struct secret key, mac_key;
	enum hmac_alg mac;
};

#define OWN_PSKC_KEYS OWN(pskc_keys_wipe)

/* Overwrite all of it with zeros. */
void pskc_keys_wipe(struct pskc_keys *keys);

/*
 * The keys of a container. phrase: its passphrase or, where there is no derivation, its key in
 * hexadecimal.
 *
 * TOTP_ERR_FORMAT: a text that RFC 6030 does not allow, or not a key. TOTP_ERR_RANGE: a value that
 * it allows and we do not. TOTP_ERR_UNSUPPORTED: another algorithm than those above, or no MAC.
 * TOTP_ERR_SEAL: the MAC's key does not open: another passphrase, or the file was changed.
 * TOTP_ERR_CRYPTO. *why names the element and what was expected; *ret_keys is wiped then.
 */
MUST_CHECK enum totp_err pskc_keys_of(const struct pskc_method *method, const struct secret *phrase,
				      struct pskc_keys *ret_keys, struct reason *why);

/*
 * Decrypt a secret, after its MAC (ValueMAC) has been verified.
 * TOTP_ERR_SEAL: the MAC does not match. The others are as above; *ret_secret is empty then.
 */
MUST_CHECK enum totp_err pskc_open(const struct pskc_keys *keys, const struct pskc_cipher *cipher,
				   struct text mac, struct secret *ret_secret, struct reason *why);

#endif
