/* SPDX-License-Identifier: BSD-2-Clause */
/* A user's record as 'list' and 'show' print it: judged in one word, and as JSON. */
#ifndef CTL_ENTRY_H
#define CTL_ENTRY_H

#include "common/ctl.h"
#include "common/names.h"

struct entry {
	const char *user;
	enum totp_err err; /* of reading the record… */
	struct reason why; /* …and its sentence */
	const struct store_txn *txn;
	/* entry_judge sets: */
	const char *status; /* one word */
	const struct policy *policy;
	int64_t now;
	struct account account;
};

/* names may be NULL. An account that cannot be looked up is an error of the entry. */
void entry_judge(struct entry *entry, const struct tool *tool, const struct names *names);

/* Put the members that totpctl(8) lists, without "user", into an open object. */
void entry_put(struct json *json, const struct entry *entry);

#endif
