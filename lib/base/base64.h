/* SPDX-License-Identifier: BSD-2-Clause */
/* base64 (RFC 4648 section 4), in which keyrings and PSKC files write keys, and JSON any bytes. */
#ifndef BASE_BASE64_H
#define BASE_BASE64_H

#include "base/bytes.h"
#include "base/secret.h"

#define BASE64_LEN(bytes) (((bytes) + 2) / 3 * 4) /* characters that so many bytes become */

/* Encode with padding; ret_text has BASE64_LEN(len) characters, and no NUL. */
void base64_encode(const void *data, size_t len, char *ret_text);

/*
 * Append to *out the bytes of the canonical base64: with padding, without blanks, the unused bits
 * zero. TOTP_ERR_FORMAT: something else. TOTP_ERR_RANGE: they do not fit. After an error *out is
 * marked bad, and its last bytes are those that were decoded until then.
 */
MUST_CHECK enum totp_err base64_append(const char *text, size_t len, struct buffer *out);

/*
 * Decode the canonical base64 of 1 to SECRET_MAX bytes: with padding, without blanks, the unused
 * bits zero. TOTP_ERR_FORMAT: something else. TOTP_ERR_RANGE: too long, or empty. *ret_key is empty
 * then.
 */
MUST_CHECK enum totp_err base64_decode(const char *text, size_t len, struct secret *ret_key);

#endif
