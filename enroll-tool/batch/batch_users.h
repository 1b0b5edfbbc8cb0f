/*
 * Many people who are to be enrolled at once: named by words or by the lines of a file, looked
 * up, and checked before anything is made. Each who cannot be is named with the reason.
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
 * Find everybody's account, and say who cannot be enrolled: who has none, who is enrolled, who
 * is named twice, whose name fits no phone. TOOL_REFUSED: store, name service or memory failed.
 */
MUST_CHECK int batch_users_check(struct batch_users *users);

/*
 * What the person's phone is to be told by the policy; the secret is the caller's to add.
 * TOTP_ERR_FORMAT, TOTP_ERR_RANGE: issuer or account is none; *why says so.
 */
MUST_CHECK enum totp_err batch_users_uri(const struct batch_users *users,
					 const struct person *person, struct otp_uri *ret_uri,
					 struct reason *why);

#endif
