/*
 * All users that the name service lists, in one table: looking up a hundred thousand
 * names one at a time reads /etc/passwd as often. Services that list nobody, or not
 * everybody, are common (sssd); a name that is not in the table is then account_find's to
 * look up.
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
 * Find a user: uid and canonical name, that is the first one listed for the uid; the gid
 * is left out. Where the table has every user there is (nsswitch.conf names services that
 * list all), a name that is not in it is known = false. False: the table, which may be
 * NULL, cannot say.
 */
bool names_find(const struct names *names, const char *name, struct account *ret_account);

/* Call with every further name of a uid, and the first one listed for it. */
typedef void names_alias_fn(void *context, const char *first, const char *other);
void names_each_alias(const struct names *names, names_alias_fn *each, void *context);

/* Does nsswitch.conf name services alone that list every user they know? */
bool names_services_list_all(void);

#endif
