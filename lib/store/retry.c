/* SPDX-License-Identifier: BSD-2-Clause */
#include "store/store.h"

enum totp_err store_retry(store_try_fn *one_try, void *context, struct reason *why)
{
	enum totp_err err = TOTP_ERR_STALE;

	for (unsigned i = 0; i < STORE_TRIES && err == TOTP_ERR_STALE; i++)
		err = one_try(context, why);
	if (err == TOTP_ERR_STALE)
		reason_set(why, "the record was replaced %d times meanwhile: try again",
			   STORE_TRIES);
	return err;
}
