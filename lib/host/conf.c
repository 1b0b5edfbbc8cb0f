/* SPDX-License-Identifier: BSD-2-Clause */
#include "host/conf.h"

#include <stdlib.h>
#include <sys/stat.h>

#include "base/io.h"
#include "base/own.h"
#include "host/clock.h"
#include "base/path.h"

/* Read the whole of an open policy file; the caller frees *ret_text. */
static enum totp_err read_policy_file(int fd, const char *path, char **ret_text, size_t *ret_len,
				      struct reason *why)
{
	struct stat st = {0};
	size_t cap = fstat(fd, &st) == 0 ? (size_t)st.st_size + 1 : POLICY_BYTES_MAX;
	enum totp_err err;

	*ret_text = malloc(cap);
	err = *ret_text ? io_read_all(fd, *ret_text, cap, ret_len) : TOTP_ERR_NOMEM;
	if (err == TOTP_ERR_SYSTEM)
		return reason_errno(why, "%s: cannot read", path);
	if (err != TOTP_OK)
		reason_set(why, "%s: %s", path, err_name(err));
	return err;
}

enum totp_err conf_read(const char *path, bool named, char **ret_text, size_t *ret_len,
			struct reason *why)
{
	OWN_FD int fd = -1;
	enum totp_err err = path_open_config(path, S_IWGRP | S_IWOTH, POLICY_BYTES_MAX, &fd, why);

	*ret_text = NULL;
	*ret_len = 0;
	if (err == TOTP_ERR_NOT_FOUND && !named)
		return TOTP_OK;
	return err == TOTP_OK ? read_policy_file(fd, path, ret_text, ret_len, why) : err;
}

enum totp_err conf_load(const char *path, bool named, struct policy *policy,
			policy_complain_fn *complain, void *context)
{
	OWN_TEXT char *text = NULL;
	struct reason why = {""};
	size_t len = 0;
	enum totp_err err = conf_read(path, named, &text, &len, &why);

	policy_default(policy);
	if (err != TOTP_OK) {
		complain(context, &why);
		return err;
	}
	return policy_parse(policy, (struct text){text, len}, path, complain, context);
}

struct files_config conf_files(const struct policy *policy)
{
	struct files_config config = {.dir = policy->store_dir, .keyring = policy->keyring};

	if (!policy->readonly_login)
		return config;
	config.run_dir = policy->run_dir;
	config.booted = clock_booted();
	return config;
}

enum totp_err conf_choose_store(struct policy *policy, const struct account *account,
				struct reason *why)
{
	enum totp_err err;

	if (policy->store != STORE_AT_VERIFIER)
		return TOTP_OK;
	err = account_is_listed(account, account->name, policy->local_users, &policy->is_local,
				why);
	if (policy->is_local)
		policy->store = STORE_IN_FILES;
	/* NOT_FOUND would mean that the user is missing; here a group is */
	return err == TOTP_ERR_NOT_FOUND ? TOTP_ERR_SYSTEM : err;
}
