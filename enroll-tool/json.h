/* A new secret for a script: one JSON object (RFC 8259) on standard output. */
#ifndef JSON_H
#define JSON_H

#include "otp/uri.h"

/*
 * Write the object and a line end by write(2), from a buffer that is wiped: user, issuer,
 * account, label, algorithm, digits, period, uri, secret (base32).
 *
 * TOTP_ERR_SYSTEM: not all of it could be written; errno. Others: as uri_write.
 */
MUST_CHECK enum totp_err json_show(const struct otp_uri *uri, const char *user, const char *label);

#endif
