/* SPDX-License-Identifier: BSD-2-Clause */
/* Reading the policy file, the same way in the module and in every tool. */
#ifndef HOST_CONF_H
#define HOST_CONF_H

#include "host/account.h"
#include "login/policy.h"
#include "store/files.h"

/*
 * Set *policy to the defaults and read the file at `path` over them.
 *
 * named: the caller asked for this file. The default file may be missing: then the defaults
 * apply, which are strict. The file must be a regular file that root owns and only root can write
 * to. After an error, at least one complaint was made, and *policy must not be used.
 */
MUST_CHECK enum totp_err conf_load(const char *path, bool named, struct policy *policy,
				   policy_complain_fn *complain, void *context);

/*
 * Read the file for conf_load, and do not look at it; the caller frees *ret_text. Where the default
 * file is missing, the text is empty.
 */
MUST_CHECK enum totp_err conf_read(const char *path, bool named, char **ret_text, size_t *ret_len,
				   struct reason *why);

/* The configuration of the policy's store, for files_open. It points into *policy. */
struct files_config conf_files(const struct policy *policy);

/*
 * Where is the store of this account? If verifiers check codes, that of local_users is in files
 * nevertheless, and policy->store says so from now on. Errors as account_is_listed, but a group
 * that is missing is TOTP_ERR_SYSTEM.
 */
MUST_CHECK enum totp_err conf_choose_store(struct policy *policy, const struct account *account,
					   struct reason *why);

#endif
