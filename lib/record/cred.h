/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The credential: the tokens and recovery codes of a user. It changes when the user enrolls or an
 * administrator acts, never at a login; a login changes the state (record/state.h). The bytes are
 * specified in pam_totp-record(5).
 */
#ifndef RECORD_CRED_H
#define RECORD_CRED_H

#include "base/bytes.h"
#include "base/crypto.h"
#include "base/secret.h"
#include "base/text.h"
#include "otp/hotp.h"
#include "record/version.h"

#define CRED_ID_LEN       16
#define CRED_USER_MAX     200 /* bytes of a user name */
#define CRED_LABEL_MAX    32  /* bytes of a token's label */
#define CRED_TOKENS_MAX   8
#define CRED_BYTES_MAX    2560 /* no encoding is longer */
#define CRED_OFFSET_MAX   5760 /* steps: two days of 30 s */
#define SECRET_IMPORT_MIN 10   /* bytes; fewer are refused everywhere */
#define SECRET_GOOD_MIN   16   /* bytes (RFC 4226 R6); fewer get a warning */
#define SECRET_NEW_LEN    20   /* bytes of a secret that we make */
#define RECOVERY_MAX      16
#define RECOVERY_SALT_LEN 16
#define BYPASS_USES_MAX   100

enum token_type { TOKEN_TOTP = 1, TOKEN_HOTP = 2 };

struct token {
	uint8_t id; /* 1 or more, unique in the credential; the state refers to it */
	enum token_type type;
	enum hmac_alg alg;
	uint8_t digits;  /* 6 to 8 */
	uint16_t period; /* seconds, 15 to 300; 0 for HOTP */
	int32_t offset;  /* steps added to the host's step for a token whose clock is off */
	int64_t created; /* seconds since 1970 UTC */
	char label[CRED_LABEL_MAX + 1]; /* as cred_label_is_good */
	struct secret secret;           /* SECRET_IMPORT_MIN to SECRET_MAX bytes */
};

/* A temporary code that an administrator gave out: it has the shape of a recovery code. */
struct bypass {
	uint8_t uses;    /* logins it works for, 1 to BYPASS_USES_MAX; 0: none, all zeros */
	int64_t created; /* seconds since 1970 UTC */
	int64_t expires; /* later than created */
	uint8_t salt[RECOVERY_SALT_LEN];
	uint8_t hash[SHA256_LEN]; /* as those of recovery codes */
};

struct cred {
	uint8_t version;               /* as record/version.h says; a store sets it */
	uint8_t id[CRED_ID_LEN];       /* random: names the state file */
	uint8_t state_key[SHA256_LEN]; /* random: authenticates the state */
	char user[CRED_USER_MAX + 1];
	bool uid_bound; /* false: imported before the account existed */
	uint32_t uid;   /* 0 while not bound */
	int64_t created;
	bool disabled;       /* kept, and denied */
	bool must_confirm;   /* takes effect with the first correct code */
	uint8_t token_count; /* 1 to CRED_TOKENS_MAX */
	struct token tokens[CRED_TOKENS_MAX];
	uint8_t recovery_count;                   /* 0 to RECOVERY_MAX */
	uint8_t recovery_salt[RECOVERY_SALT_LEN]; /* zeros while there are no codes */
	uint8_t recovery_hash[RECOVERY_MAX][SHA256_LEN];
	struct bypass bypass;
};

#define OWN_CRED OWN(cred_wipe)

/* Overwrite all of it with zeros. */
void cred_wipe(struct cred *cred);

/* 1 to CRED_LABEL_MAX bytes of printable ASCII but '"', '\\' and '?', no blank at either end? */
bool cred_label_is_good(struct text label);

/* A secret as a length byte and its bytes. */
void code_secret(const struct codec *codec, struct secret *secret);

/* The token's function from counters to codes; it refers to the token. */
struct hotp token_hotp(const struct token *token);

/*
 * The step in which a TOTP token is at unix_time, its own clock's offset included.
 * TOTP_ERR_RANGE: before 1970, past the last second there is, or a token without a period.
 */
MUST_CHECK enum totp_err token_step_at(const struct token *token, int64_t unix_time,
				       uint64_t *ret_step);

/*
 * Check a credential against the ranges above: two tokens share neither id nor label nor
 * secret. TOTP_ERR_RANGE otherwise.
 */
MUST_CHECK enum totp_err cred_check(const struct cred *cred);

/*
 * Encode to the plaintext bytes of a seal. ret_bytes has room for CRED_BYTES_MAX; they
 * are secret. TOTP_ERR_RANGE: cred_check refuses it.
 */
MUST_CHECK enum totp_err cred_encode(const struct cred *cred, uint8_t ret_bytes[CRED_BYTES_MAX],
				     size_t *ret_len);

/*
 * Decode a credential from its plaintext bytes.
 *
 * The whole of buf[0..len) must be consumed: a record has one encoding, and
 * decode(encode(c)) is c. TOTP_ERR_FORMAT: cut short, or bytes left over. TOTP_ERR_RANGE:
 * a field that cred_check refuses. TOTP_ERR_UNSUPPORTED: a newer version, never guessed
 * at. On failure *ret_cred is wiped. Safe on hostile input: no allocation, no recursion,
 * reads at most len bytes.
 */
MUST_CHECK enum totp_err cred_decode(const uint8_t *buf, size_t len, struct cred *ret_cred);

#endif
