/*
 * All users that the name service lists, in one table: a hundred thousand single look-ups would
 * read /etc/passwd as often. Services that list no users, or not all, are common (sssd); a name
 * that is not in the table must then be looked up with account_find.
 */
#ifndef COMMON_NAMES_H
#define COMMON_NAMES_H

#include "host/account.h"

struct names;

#define OWN_NAMES OWN(names_scope_end)

/* Read the table, of at most 200,000 users; NULL if there is no memory for it. */
struct names *names_load(void);

/* Accepts NULL. */
void names_scope_end(struct names **names);

/*
 * Find a user: uid and canonical name, which is the first one listed for the uid; the gid is left
 * out. If the table has all users (nsswitch.conf has only services that list all), a name that is
 * not in it gets known = false. Returns false if the table, which may be NULL, cannot tell.
 */
bool names_find(const struct names *names, const char *name, struct account *ret_account);

/* Call with every further name of a uid, and the first one listed for it. */
typedef void names_alias_fn(void *context, const char *first, const char *other);
void names_each_alias(const struct names *names, names_alias_fn *each, void *context);

/* Does nsswitch.conf have only services that list all their users? */
bool names_services_list_all(void);

#endif
