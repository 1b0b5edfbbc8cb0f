/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Many users to be enrolled at once: named by words or by the lines of a file, looked up, and
 * checked before anything is made. Users who cannot be enrolled are printed, with the reason.
 */
#ifndef BATCH_BATCH_USERS_H
#define BATCH_BATCH_USERS_H

#include "common/names.h"
#include "otp/uri.h"
#include "common/progress.h"
#include "common/tool.h"

#define BATCH_USERS_MAX       100000
#define BATCH_USERS_BYTES_MAX (32u << 20) /* of a file */

struct person {
	char *name; /* the account's, or as it was given */
	uint32_t uid;
	uint32_t line;   /* of the file, from 1; 0: a word */
	char *refusal;   /* why not, or NULL */
	uint8_t *secret; /* SECRET_NEW_LEN bytes of users.secrets */
};

struct batch_users {
	const struct tool *tool;
	const char *file; /* what complaints call it, or NULL for words */
	struct person *people;
	size_t count, room;
	size_t left_out;      /* of them */
	struct person **good; /* the others, once batch_users_check is done */
	size_t good_count;
	uint8_t *secrets; /* of the good ones */
	struct names *names;
	struct progress progress;
};

#define OWN_BATCH_USERS OWN(batch_users_wipe)

/* Wipe the secrets and free everything. */
void batch_users_wipe(struct batch_users *users);

/* Take the words, or the lines of `path` ('-' is standard input) without empty ones and those
 * that begin with '#'. An exit code, after a sentence, here and below. */
MUST_CHECK int batch_users_of_words(struct batch_users *users, int count, char **words);
MUST_CHECK int batch_users_of_file(struct batch_users *users, const char *path);

/*
 * Find the accounts, and print the users who cannot be enrolled: without an account, enrolled
 * already, named twice, or with a name that fits no phone. TOOL_REFUSED: store, name service or
 * memory failed.
 */
MUST_CHECK int batch_users_check(struct batch_users *users);

/*
 * The URI for the user's phone, by the policy; the caller adds the secret. TOTP_ERR_FORMAT,
 * TOTP_ERR_RANGE: issuer or account is not valid; *why says so.
 */
MUST_CHECK enum totp_err batch_users_uri(const struct batch_users *users,
					 const struct person *person, struct otp_uri *ret_uri,
					 struct reason *why);

#endif
