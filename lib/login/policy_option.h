/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The keys of a policy, as rows of tables, for policy.c and policy_more.c.
 *
 * Some keys of the file say nothing to a login: where the cluster of a store is, which verifiers
 * there are, what hosts and other programs may do. They are in a table of their own. The module is
 * linked without it, and with policy_skip.c in its place, which passes over these keys: a login
 * neither carries nor reads what totpd and the tools need.
 */
#ifndef POLICY_OPTION_H
#define POLICY_OPTION_H

#include <stddef.h>

#include "base/text.h"

/* One row of the option table, for the manual's check and the documentation. */
struct policy_key {
	const char *name;
	bool in_file;
	bool in_args;
	const char *fallback; /* the default as one would write it */
};

enum policy_kind {
	KIND_FLAG,
	KIND_NUMBER,
	KIND_SECONDS,
	KIND_TEXT,
	KIND_LIST,
	KIND_NETWORKS,
	KIND_PATH,
	KIND_ENFORCE,
	KIND_ALGORITHM,
	KIND_PASSWORD,
	KIND_ENROLL,
	KIND_METHODS,
	KIND_DATE,
	KIND_QR,
	KIND_STORE,
	/* set by policy_more_set */
	KIND_ENDPOINTS,
	KIND_VERIFIERS,
	KIND_HOSTS
};

enum policy_where { IN_FILE = 1, IN_ARGS = 2, IN_BOTH = 3 };

struct policy_option {
	struct policy_key key;
	enum policy_kind kind;
	size_t at;    /* offset in struct policy */
	uint32_t min; /* numbers and seconds */
	uint32_t max; /* of a list: its room, NUL included */
};

#define AT(member) offsetof(struct policy, member)
#define OPTION(name, where, kind, min, max, fallback) \
	{ \
		{#name, ((where)&IN_FILE) != 0, ((where)&IN_ARGS) != 0, fallback}, kind, AT(name), \
			min, max \
	}

/* How many keys there are that the module passes over. */
#define POLICY_MORE 13

/* The index-th of the other table; NULL past its last, and for each index in the module. */
const struct policy_option *policy_more_at(size_t index);

/* Set a member of a kind that no key of a login has. Errors as policy_parse; *why. */
MUST_CHECK enum totp_err policy_more_set(enum policy_kind kind, struct text value, char *member,
					 struct reason *why);

/* In the module: the keys to pass over, with commas between them. Elsewhere: "". */
extern const char policy_more_skipped[];

#endif
