/* SPDX-License-Identifier: BSD-2-Clause */
/* Certificates, as far as an administrator must renew them. */
#ifndef BASE_CERTIFICATE_H
#define BASE_CERTIFICATE_H

#include "base/crypto.h"

/*
 * When the first of the certificates in a PEM text ends: seconds since 1970 UTC. TOTP_ERR_FORMAT:
 * there is none.
 */
MUST_CHECK enum totp_err certificate_end(struct piece pem, int64_t *ret_end);

#endif
