/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The accounts that the name service lists, in one table: a hundred thousand single look-ups would
 * read /etc/passwd as often. Services that list no users, or not all, are common (sssd).
 */
#ifndef COMMON_NAMES_H
#define COMMON_NAMES_H

#include "host/account.h"

#define NAMES_NONE SIZE_MAX

#define LOGIN_DEFS "/etc/login.defs"

/* A number of login.defs(5), the last one if there are several. */
uint32_t names_login_defs(const char *name, uint32_t otherwise);

/* One name. Several names of one uid are one account, which goes by the first name listed. */
struct listed {
	char *name;
	uid_t uid;
	gid_t gid;
	char *home;     /* NULL: of names_add */
	bool person;    /* with a shell to log in with, and a uid of UID_MIN or more */
	uint32_t order; /* in the list of the name service */
	size_t account; /* index of the first name of this uid */
};

struct names {
	struct listed *list; /* ordered by uid, and those of one uid as they are listed */
	size_t count, room;
	uint32_t
		*slots; /* by a hash of the name: index + 1, or 0; their number is a power of two */
	size_t slot_count;
	int error;     /* errno of the name service, or 0: then some were not listed */
	bool complete; /* a name that is not in the table does not exist */
};

#define OWN_NAMES OWN(names_scope_end)

/* Read the table, of at most 2,000,000 names; NULL: no memory for it. */
struct names *names_load(void);

/* Accepts NULL. */
void names_scope_end(struct names **names);

/* The index of a name, or NAMES_NONE. */
size_t names_index(const struct names *names, const char *name);

/* Append an account that is not listed; its index is the last one. False: no memory. */
bool names_add(struct names *names, const struct account *account);

/*
 * Find a user: uid and canonical name, which is the first one listed for the uid; the gid is left
 * out. If the table is complete, a name that is not in it gets known = false. If the table, which
 * may be NULL, cannot tell, account_find does, also its errors.
 */
MUST_CHECK enum totp_err names_find(const struct names *names, const char *name,
				    struct account *ret_account, struct reason *why);

/* Call with every further name of a uid, and the first one listed for it. */
typedef void names_alias_fn(void *context, const char *first, const char *other);
void names_each_alias(const struct names *names, names_alias_fn *each, void *context);

#endif
