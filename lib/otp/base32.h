/* SPDX-License-Identifier: BSD-2-Clause */
/* base32 (RFC 4648 section 6), in which people and apps write secrets. */
#ifndef OTP_BASE32_H
#define OTP_BASE32_H

#include <stddef.h>

#include "base/secret.h"

/* Characters of SECRET_MAX bytes, and a NUL. */
#define BASE32_TEXT_MAX ((SECRET_MAX * 8 + 4) / 5 + 1)

/*
 * Decode base32 text into key bytes.
 *
 * text, len: 1 or more symbols, not NUL-terminated. Lower case is accepted, and spaces
 * and '-' between symbols are skipped, because people type these. Padding at the end
 * may be there in the right number or be missing, as phone apps leave it out. Not
 * constant-time: the text comes from a file or from the person who owns it.
 *
 * TOTP_ERR_FORMAT: any other byte, an impossible symbol count, or unused bits that are
 * not zero (RFC 4648 section 3.5), so each key has one spelling. TOTP_ERR_RANGE: more
 * than SECRET_MAX (128) bytes. *ret_key is empty then. Example: "MZXW6YTBOI" is
 * "foobar" (RFC 4648 section 10).
 */
MUST_CHECK enum totp_err base32_decode(const char *text, size_t len, struct secret *ret_key);

/*
 * The same, but bits at the end that fill no whole byte are dropped, as most programs do. *ret_cut:
 * they were not all zero.
 */
MUST_CHECK enum totp_err base32_decode_cut(const char *text, size_t len, struct secret *ret_key,
					   bool *ret_cut);

/*
 * The same as google-authenticator reads it: 0, 1 and 8 are O, L and B, tabs are skipped too, '='
 * may stand anywhere, and bits at the end that fill no whole byte are dropped, zero or not; so
 * secrets that people made up are imported unchanged. TOTP_ERR_RANGE: also less than a byte.
 */
MUST_CHECK enum totp_err base32_decode_loose(const char *text, size_t len, struct secret *ret_key);

/*
 * Encode a key as upper-case base32 without padding, NUL-terminated. The text is a
 * secret too: the caller wipes ret_text. An empty key gives "".
 */
void base32_encode(const struct secret *key, char ret_text[BASE32_TEXT_MAX]);

#endif
