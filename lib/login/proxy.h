/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The header of the PROXY protocol, version 2, with which the program that ends TLS begins a
 * connection: it hands on which client's certificate it has verified. Only the program that is
 * permitted to open the socket writes it; it is decoded as strictly as anything else.
 */
#ifndef LOGIN_PROXY_H
#define LOGIN_PROXY_H

#include "base/bytes.h"

#define PROXY_HEAD_LEN   16  /* after which the length of the rest is known */
#define PROXY_HEADER_MAX 536 /* all of it; haproxy's is about 60 bytes */
#define PROXY_HOST_MAX   64  /* bytes of a common name (X.520) */

/*
 * How long is the header that begins with these len bytes? *ret_len is 0 if len is less than
 * PROXY_HEAD_LEN, as far as they are right. TOTP_ERR_FORMAT: it is none. TOTP_ERR_RANGE: too long.
 */
MUST_CHECK enum totp_err proxy_length(const uint8_t *data, size_t len, size_t *ret_len);

/*
 * Decode a whole header of len bytes: the common name of the client's verified certificate, in
 * lower case. It is what a host may be called: letters, digits, '-', '_' and '.'.
 *
 * TOTP_ERR_FORMAT: malformed. TOTP_ERR_FORBIDDEN: there was no TLS, no certificate, or one that was
 * not verified, or it has no such name. TOTP_ERR_NOT_FOUND: it is from the program itself, which
 * looks whether somebody listens.
 */
MUST_CHECK enum totp_err proxy_read(const uint8_t *data, size_t len,
				    char ret_host[PROXY_HOST_MAX + 1]);

#endif
