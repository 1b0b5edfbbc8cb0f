/* Reading the policy file, the same way in the module and in every tool. */
#ifndef HOST_CONF_H
#define HOST_CONF_H

#include "login/policy.h"
#include "store/store.h"

/*
 * Set *policy to the defaults and read the file at `path` over them.
 *
 * named: somebody asked for this very file. The default file may be missing: then the
 * defaults hold, which are the strict ones. The file must be a regular one of root's that
 * nobody else can write to.
 * Any error: at least one complaint was made, and *policy is not to be used.
 */
MUST_CHECK enum totp_err conf_load(const char *path, bool named, struct policy *policy,
				   policy_complain_fn *complain, void *context);

/* Where the policy's store is, for store_open. It points into *policy. */
struct store_config conf_store(const struct policy *policy);

#endif
