/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Bytes that nobody else may see. A secret has a fixed capacity, so that growing it
 * never leaves a copy behind, and is declared OWN_SECRET, so that every way out of a
 * function wipes it. Lengths may be logged, bytes never: there is no format function.
 */
#ifndef BASE_SECRET_H
#define BASE_SECRET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "base/err.h"
#include "base/own.h"

/* The block size of SHA-512: a longer HMAC key is hashed first anyway. */
#define SECRET_MAX 128

struct secret {
	size_t len;
	uint8_t data[SECRET_MAX];
};

#define OWN_SECRET OWN(secret_wipe)
/* Wipe an array or a struct: the whole object, so not for pointers. */
#define WIPE(object) explicit_bzero(&(object), sizeof(object))

/*
 * Copy 1 to SECRET_MAX bytes into *dst, wiping what it held.
 * TOTP_ERR_RANGE: another length; *dst is then unchanged.
 */
MUST_CHECK enum totp_err secret_set(struct secret *dst, const void *data, size_t len);

/* Overwrite all of it with zeros; the length becomes 0. */
void secret_wipe(struct secret *secret);

/*
 * Are two regions of len bytes equal? The time depends on len alone, never on the
 * bytes. The caller must reject regions of different lengths first.
 */
bool secret_equal(const void *a, const void *b, size_t len);

#endif
