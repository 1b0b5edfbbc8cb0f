/* SPDX-License-Identifier: BSD-2-Clause */
/* base64 (RFC 4648 section 4), in which a keyring and PSKC files write keys. */
#ifndef BASE_BASE64_H
#define BASE_BASE64_H

#include "base/secret.h"

/*
 * Decode the canonical base64 of 1 to SECRET_MAX bytes: with padding, without blanks, the unused
 * bits zero. TOTP_ERR_FORMAT: something else. TOTP_ERR_RANGE: too long, or empty. *ret_key is empty
 * then.
 */
MUST_CHECK enum totp_err base64_decode(const char *text, size_t len, struct secret *ret_key);

#endif
