/* SPDX-License-Identifier: BSD-2-Clause */
/* Which host this is: its identity and its names. */
#ifndef HOST_MACHINE_H
#define HOST_MACHINE_H

#include "base/crypto.h"
#include "base/err.h"

#define MACHINE_NAME_MAX 254

/*
 * A hash of /etc/machine-id that does not reveal it: HMAC-SHA-256 under a key of our own.
 * TOTP_ERR_NOT_FOUND, TOTP_ERR_SYSTEM, TOTP_ERR_FORMAT: there is none, or it cannot be read.
 */
MUST_CHECK enum totp_err machine_hash(uint8_t ret_hash[SHA256_LEN], struct reason *why);

/* The host's name up to the first dot, and the name as the kernel has it. */
void machine_names(char ret_short[MACHINE_NAME_MAX], char ret_full[MACHINE_NAME_MAX]);

#endif
