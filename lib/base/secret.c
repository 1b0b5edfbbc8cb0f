/* SPDX-License-Identifier: BSD-2-Clause */
#include "base/secret.h"

enum totp_err secret_set(struct secret *dst, const void *data, size_t len)
{
	if (len == 0 || len > SECRET_MAX)
		return TOTP_ERR_RANGE;

	secret_wipe(dst);
	memcpy(dst->data, data, len);
	dst->len = len;
	return TOTP_OK;
}

void secret_wipe(struct secret *secret)
{
	explicit_bzero(secret, sizeof(*secret));
}

bool secret_equal(const void *a, const void *b, size_t len)
{
	const uint8_t *x = a, *y = b;
	/* volatile: so that the compiler cannot leave the loop early */
	volatile uint8_t difference = 0;

	for (size_t i = 0; i < len; i++)
		difference = (uint8_t)(difference | (x[i] ^ y[i]));
	return difference == 0;
}
