/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The one error type. TOTP_OK is zero and the only success; the compiler refuses a
 * call whose result is ignored and a switch that forgets a member. A wrong code is
 * not an error: it is TOTP_OK with a verdict that denies.
 */
#ifndef BASE_ERR_H
#define BASE_ERR_H

#define MUST_CHECK     __attribute__((warn_unused_result))
#define PRINTF_LIKE(n) __attribute__((format(printf, (n), (n) + 1)))

enum totp_err {
	TOTP_OK = 0,
	TOTP_ERR_SYSTEM,      /* a system call failed; errno says why until the next call */
	TOTP_ERR_NOMEM,       /* no memory */
	TOTP_ERR_CRYPTO,      /* libcrypto refused, or lacks the algorithm */
	TOTP_ERR_ARGUMENT,    /* the caller broke a documented precondition */
	TOTP_ERR_FORMAT,      /* the bytes do not follow the documented format */
	TOTP_ERR_RANGE,       /* well-formed, but outside the documented range */
	TOTP_ERR_UNSAFE,      /* owner, mode, link count, type or size is not acceptable */
	TOTP_ERR_SEAL,        /* an authentication tag does not match */
	TOTP_ERR_NOT_FOUND,   /* no such user, key or record; from a store: proved absent */
	TOTP_ERR_EXISTS,      /* the record is already there */
	TOTP_ERR_STALE,       /* somebody else wrote first: read and judge again */
	TOTP_ERR_TIMEOUT,     /* the deadline passed first */
	TOTP_ERR_UNSUPPORTED, /* a newer format, or built without this feature */
	TOTP_ERR_UNCERTAIN,   /* written, but not confirmed: the old or the new may be there */
	TOTP_ERR_PEER,        /* the other end of a socket broke the protocol, or went away */
	TOTP_ERR_FORBIDDEN,   /* this caller may not ask for it */
	TOTP_ERR_OTHER_STORE, /* totpd serves another store than the one that is meant */
	TOTP_ERR_COUNT_
};

/* One sentence for the administrator. Never holds a secret, a code or a password. */
struct reason {
	char text[256];
};

/*
 * Write the sentence, cut at the size of the buffer. why may be NULL: then nothing is
 * written. errno is kept.
 */
void reason_set(struct reason *why, const char *format, ...) PRINTF_LIKE(2);

/* As reason_set; returns err. */
enum totp_err reason_err(struct reason *why, enum totp_err err, const char *format, ...)
	PRINTF_LIKE(3);
#ifdef __clang_analyzer__ /* which does not look into another file */
#define reason_err(why, err, ...) ((void)(reason_err)(why, err, __VA_ARGS__), (err))
#endif

/*
 * As reason_set, followed by ": " and the text of errno; returns TOTP_ERR_SYSTEM, or
 * TOTP_ERR_NOT_FOUND when errno is ENOENT. errno is kept.
 */
enum totp_err reason_errno(struct reason *why, const char *format, ...) PRINTF_LIKE(2);

/* A short stable English name of err, in lower case; never NULL. */
const char *err_name(enum totp_err err);

#define ERR_WORD_MAX 32

/* The same as one word, for logs: "out_of_range"; returns ret_word. */
const char *err_word(enum totp_err err, char ret_word[ERR_WORD_MAX]);

#endif
