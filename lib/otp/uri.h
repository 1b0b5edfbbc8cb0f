/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * otpauth URIs, the text inside an enrollment QR code (the "Key Uri Format" of the authenticator
 * apps; draft-linuxgemini-otpauth-uri-00):
 * otpauth://totp/ISSUER:ACCOUNT?secret=BASE32&issuer=ISSUER, and where they are not the default
 * &algorithm=, &digits=, &period=. A URI holds the secret: wipe it.
 */
#ifndef OTP_URI_H
#define OTP_URI_H

#include "base/crypto.h"
#include "base/secret.h"
#include "base/text.h"
#include "otp/base32.h"

#define URI_ISSUER_MAX  64  /* bytes of UTF-8 */
#define URI_ACCOUNT_MAX 128 /* bytes of UTF-8 */
/* All percent-encoded, issuer twice, secret, every parameter, NUL. */
#define URI_TEXT_MAX (3 * (2 * URI_ISSUER_MAX + URI_ACCOUNT_MAX) + BASE32_TEXT_MAX + 160)

struct otp_uri {
	bool hotp;
	enum hmac_alg alg;
	unsigned digits;                 /* 6 to 8 */
	uint32_t period;                 /* seconds, TOTP only */
	uint64_t counter;                /* HOTP only: the next one */
	char issuer[URI_ISSUER_MAX + 1]; /* may be empty */
	char account[URI_ACCOUNT_MAX + 1];
	struct secret secret;
	bool cut; /* of uri_parse: the base32 had bits at its end that fill no byte and are not 0 */
};

/* Overwrite all of it with zeros. */
void uri_wipe(struct otp_uri *uri);

/* The algorithm of crypto_alg_name, in any case. TOTP_ERR_FORMAT: another name. */
MUST_CHECK enum totp_err uri_algorithm_of(struct text name, enum hmac_alg *ret_alg);

/*
 * Is this an issuer or account that every app takes: 1 to max bytes of clean UTF-8
 * without a colon (some apps take %3A for the separator, others refuse it)? If not, *why
 * says what is wrong, calling it `what`; TOTP_ERR_RANGE or TOTP_ERR_FORMAT.
 */
MUST_CHECK enum totp_err uri_check_name(const char *what, struct text name, size_t max,
					struct reason *why);

/*
 * Write a URI, NUL-terminated. Everything in issuer and account but RFC 3986's unreserved
 * characters is percent-encoded; a space is %20, never '+'.
 *
 * TOTP_ERR_FORMAT, TOTP_ERR_RANGE: a name that uri_check_name refuses (an empty issuer is
 * left out), or another member out of range; ret_text is then "".
 */
MUST_CHECK enum totp_err uri_write(const struct otp_uri *uri, char ret_text[URI_TEXT_MAX]);

/*
 * Read a URI as apps and other programs write it: the separator may be ':' or %3A, with
 * spaces after it; parameter names in any case; unknown parameters are passed over; the secret may
 * be percent-encoded. '+' is a plus. Where prefix and parameter name different issuers, the
 * parameter counts.
 *
 * TOTP_ERR_FORMAT: not such a URI, a broken escape, a parameter given twice, no secret,
 * a HOTP URI without counter. TOTP_ERR_RANGE: a value outside the ranges above (period 15
 * to 300). *why names the part; *ret_uri is wiped then.
 */
MUST_CHECK enum totp_err uri_parse(struct text text, struct otp_uri *ret_uri, struct reason *why);

#endif
