/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * otpauth-migration URIs, in which Google Authenticator exports accounts as QR codes: a protobuf in
 * base64, with up to ten accounts. An export of more has several of them.
 */
#ifndef IMPORT_MIGRATION_H
#define IMPORT_MIGRATION_H

#include "base/secret.h"
#include "otp/uri.h"

#define MIGRATION_MAX       100 /* accounts of one URI */
#define MIGRATION_PARTS_MAX 64  /* URIs of an export */
#define MIGRATION_BYTES_MAX 8192

struct migration {
	uint8_t bytes[MIGRATION_BYTES_MAX]; /* of the protobuf */
	size_t len;
	uint32_t parts, part; /* of the export, and which one this is, from 0 */
	uint64_t export;      /* the same in all parts of one export */
	unsigned count;
	struct text accounts[MIGRATION_MAX]; /* slices of bytes, so this struct is not copied */
};

#define OWN_MIGRATION OWN(migration_wipe)

/* Overwrite all of it with zeros. */
void migration_wipe(struct migration *migration);

bool migration_is_uri(struct text text);

/*
 * Decode a URI. TOTP_ERR_FORMAT: not such a URI; TOTP_ERR_RANGE: more than the limits above. *why
 * says what was expected, never what it held; *ret_migration is wiped then.
 */
MUST_CHECK enum totp_err migration_decode(struct text text, struct migration *ret_migration,
					  struct reason *why);

/*
 * Decode one of its accounts; what the URI does not have is as uri_parse has it. Errors: the same,
 * and TOTP_ERR_UNSUPPORTED: MD5, or a type other than TOTP and HOTP; *ret_uri is wiped.
 */
MUST_CHECK enum totp_err migration_account(struct text account, struct otp_uri *ret_uri,
					   struct reason *why);

#endif
