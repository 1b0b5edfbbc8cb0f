/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A credential and its login state as one string of bytes, of which an export is made. The format
 * is specified in pam_totp-record(5). The bytes hold the secrets: wipe them.
 */
#ifndef IMPORT_EXPORT_FILE_H
#define IMPORT_EXPORT_FILE_H

#include "base/bytes.h"
#include "record/state.h"

#define EXPORT_FILE_MAX      (2 + CRED_BYTES_MAX + 2 + STATE_SLOT_LEN)
#define EXPORT_FILE_HEAD_LEN (2 + 8 + 4)

/* The header of an export. */
struct export_file_head {
	int64_t made; /* seconds since 1970 UTC */
	uint32_t count;
};

void export_file_put_head(struct buffer *out, const struct export_file_head *head);

/* Take it off *in. TOTP_ERR_FORMAT: cut short; TOTP_ERR_UNSUPPORTED: of another version. */
MUST_CHECK enum totp_err export_file_get_head(struct bytes *in, struct export_file_head *ret_head);

/* Pack both. TOTP_ERR_RANGE, TOTP_ERR_CRYPTO: as cred_encode and state_encode. */
MUST_CHECK enum totp_err export_file_encode(const struct cred *cred,
					    const struct login_state *state,
					    uint8_t ret_bytes[EXPORT_FILE_MAX], size_t *ret_len);

/*
 * Take the next record off *in. Errors as cred_decode and state_decode; TOTP_ERR_FORMAT: cut
 * short, or another spelling than the one there is. *ret_cred and *ret_state are zeros then.
 */
MUST_CHECK enum totp_err export_file_decode(struct bytes *in, struct cred *ret_cred,
					    struct login_state *ret_state);

#endif
