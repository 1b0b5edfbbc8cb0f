/* SPDX-License-Identifier: BSD-2-Clause */
/* Records to put into a store, of whatever engine, and what tests of all engines share. */
#ifndef RECORDS_H
#define RECORDS_H

#include "unit.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/io.h"
#include "store/store.h"

#define NOW 1800000000
#define MS  1000000ull /* nanoseconds */

/* meson counts 77 as skipped. */
#define SKIP_UNLESS_ROOT() \
	do { \
		if (geteuid() != 0) { \
			puts("skipped: needs root"); \
			return 77; \
		} \
	} while (0)

#define assert_says(words, why) assert_contains((words), (why).text)

static inline void assert_contains(const char *words, const char *text)
{
	if (!strstr(text, words))
		fail_msg("expected \"%s\" in \"%s\"", words, text);
}

static inline uint64_t deadline_in(unsigned ms)
{
	return io_monotonic_ns() + ms * MS;
}

/* A credential with one token; n sets id, state key and secret. */
static inline struct cred cred_of(const char *user, uint8_t n)
{
	struct cred cred = {.version = record_version_newest,
			    .uid_bound = true,
			    .uid = 1000,
			    .created = NOW,
			    .token_count = 1};
	struct token *token = &cred.tokens[0];

	memset(cred.id, n, sizeof(cred.id));
	memset(cred.state_key, n + 1, sizeof(cred.state_key));
	snprintf(cred.user, sizeof(cred.user), "%s", user);
	*token = (struct token){.id = 1,
				.type = TOKEN_TOTP,
				.alg = HMAC_SHA1,
				.digits = 6,
				.period = 30,
				.created = NOW,
				.label = "phone"};
	token->secret.len = 20;
	memset(token->secret.data, n, 20);
	return cred;
}

static inline struct login_state state_of(const struct cred *cred)
{
	struct login_state state;

	state_init(cred, &state);
	return state;
}

/* Compare their encodings: the bytes between the members may differ. */
static inline void assert_same_cred(const struct cred *expected, const struct cred *seen)
{
	static uint8_t a[CRED_BYTES_MAX], b[CRED_BYTES_MAX];
	size_t a_len = 0, b_len = 0;

	assert_ok(cred_encode(expected, a, &a_len));
	assert_ok(cred_encode(seen, b, &b_len));
	assert_int_equal(a_len, b_len);
	assert_memory_equal(a, b, a_len);
}

/* Store a record of this user in which nothing has happened. */
static inline struct cred add_user(struct store *store, const char *user, uint8_t n)
{
	struct cred cred = cred_of(user, n);
	struct login_state state = state_of(&cred);
	struct reason why = {""};

	if (store_create(store, &cred, &state, deadline_in(20000), &why) != TOTP_OK)
		fail_msg("%s: %s", user, why.text);
	return cred;
}

static inline enum totp_err read_error(struct store *store, const char *user, struct reason *why)
{
	OWN_TXN struct store_txn txn = STORE_TXN_NONE;

	return store_read(store, user, deadline_in(20000), &txn, why);
}

static inline void begin(struct store *store, const char *user, struct store_txn *txn)
{
	assert_ok(store_read(store, user, deadline_in(20000), txn, NULL));
	assert_ok(store_begin(txn, deadline_in(20000), NULL));
}

/* Is there a record, valid or damaged? */
static inline enum totp_err look_for(struct store *store, const char *user, bool *ret_has,
				     struct reason *why)
{
	OWN_TXN struct store_txn txn = STORE_TXN_NONE;
	enum totp_err err = store_look(store, user, deadline_in(20000), &txn, why);

	if (err == TOTP_OK || err == TOTP_ERR_NOT_FOUND)
		*ret_has = err == TOTP_OK;
	return err == TOTP_ERR_NOT_FOUND ? TOTP_OK : err;
}

/* Create many; that all are done is what TOTP_OK says. */
static inline enum totp_err create_all(struct store *store, size_t count, store_next_fn *next,
				       void *context, struct reason *why)
{
	const struct store_many many = {count, next, context};
	size_t done = 4711;
	enum totp_err err = store_create_many(store, &many, &done, why);

	if (err == TOTP_OK)
		assert_int_equal(count, done);
	else
		assert_true(done < count);
	return err;
}

static inline void pause_ms(unsigned ms)
{
	struct timespec wait = {.tv_sec = ms / 1000, .tv_nsec = (long)(ms % 1000) * 1000000};

	nanosleep(&wait, NULL);
}

#endif
