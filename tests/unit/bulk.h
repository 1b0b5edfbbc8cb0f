/* SPDX-License-Identifier: BSD-2-Clause */
/* A bulk creation, for tests of all engines. */
#ifndef BULK_H
#define BULK_H

#include "records.h"

/* The users of a bulk creation: u0, u1, …, one of which may be special; without a batch none is. */
struct batch {
	size_t fails_at;
	size_t same_at; /* this one is called u0 again */
	size_t bad_at;  /* this one has no token */
	size_t used_at; /* this one has a state of its own */
};

#define NOWHERE ((size_t)-1)

static inline enum totp_err next_of(void *context, size_t index, struct cred *ret_cred,
				    struct login_state *ret_state)
{
	static const struct batch nobody_special = {NOWHERE, NOWHERE, NOWHERE, NOWHERE};
	const struct batch *batch = context ? context : &nobody_special;
	char user[32];

	if (index == batch->fails_at)
		return TOTP_ERR_FORMAT;
	snprintf(user, sizeof(user), "u%zu", index == batch->same_at ? 0 : index);
	*ret_cred = cred_of(user, (uint8_t)(index + 1));
	if (index == batch->bad_at)
		ret_cred->token_count = 0;
	if (index == batch->used_at) {
		*ret_state = state_of(ret_cred);
		ret_state->tokens[0].moving = 4711;
		ret_state->spent = 5;
	}
	return TOTP_OK;
}

static inline size_t count_present(struct store *store, size_t count)
{
	size_t present = 0;

	for (size_t i = 0; i < count; i++) {
		bool has = false;
		char user[32];

		snprintf(user, sizeof(user), "u%zu", i);
		assert_ok(look_for(store, user, &has, NULL));
		present += has;
	}
	return present;
}

#endif
