/* A new secret for a script: one JSON object (RFC 8259) on standard output. */
#ifndef ENROLL_SECRET_JSON_H
#define ENROLL_SECRET_JSON_H

#include "otp/uri.h"
#include "record/recovery.h"

/*
 * Write the object and a line end by write(2), from a buffer that is wiped: user, issuer,
 * account, label, type, algorithm, digits, period or counter, recovery_codes (an array of
 * `count` strings), uri, secret (base32).
 *
 * TOTP_ERR_SYSTEM: not all of it could be written; errno. Others: as uri_write.
 */
MUST_CHECK enum totp_err secret_json_show(const struct otp_uri *uri, const char *user,
					  const char *label, const struct recovery_code *codes,
					  unsigned count);

#endif
