/* SPDX-License-Identifier: BSD-2-Clause */
/* The files engine for totpd and the tools: the verbs that a login does without. */
#include <string.h>

#include "store/files/files.h"

static enum totp_err set_newest(struct store *opened, uint64_t deadline, struct reason *why)
{
	const struct files_store *store = files_of(opened);
	struct store_info info = opened->info;
	enum totp_err err;

	(void)deadline;
	info.version = record_version_newest;
	err = files_put_marker(store->dir_fd, &info, store->made_on, file_replace, why);
	if (err == TOTP_OK)
		opened->info = info;
	return err;
}

/* --- the machine that the store belongs to --- */

static bool is_known(const uint8_t machine[SHA256_LEN])
{
	static const uint8_t none[SHA256_LEN];

	return memcmp(machine, none, sizeof(none)) != 0;
}

static enum totp_err check_place(struct store *opened, uint64_t deadline, struct reason *why)
{
	const struct files_store *store = files_of(opened);

	(void)deadline;
	if (!is_known(store->made_on) || !is_known(store->here))
		return TOTP_ERR_NOT_FOUND;
	if (memcmp(store->made_on, store->here, sizeof(store->here)) == 0)
		return TOTP_OK;
	return reason_err(why, TOTP_ERR_OTHER_STORE, "%s belongs to another machine", store->dir);
}

static enum totp_err accept_place(struct store *opened, int64_t now, uint64_t deadline,
				  struct reason *why)
{
	struct files_store *store = files_of(opened);
	enum totp_err err = TOTP_ERR_ARGUMENT;

	(void)now;
	(void)deadline;
	if (is_known(store->here))
		err = files_put_marker(store->dir_fd, &opened->info, store->here, file_replace,
				       why);
	if (err == TOTP_OK)
		memcpy(store->made_on, store->here, sizeof(store->made_on));
	return err;
}

/* --- the table --- */

static const struct store_admin admin = {
	.replace = files_replace,
	.remove_by = files_remove_by,
	.create_many = files_create_many,
	.remove = files_remove,
	.invite_put = files_invite_put,
	.invite_remove = files_invite_remove,
	.each = files_each,
	.each_credential = files_each_credential,
	.set_newest = set_newest,
	.check_place = check_place,
	.accept_place = accept_place,
	.each_key = files_each_key,
	.key_of = files_key_of,
	.claim_keys = files_claim_keys,
	.seal_with = files_seal_with,
	.reseal = files_reseal,
};

enum totp_err files_open(const struct files_config *config, struct store **ret_store,
			 struct reason *why)
{
	enum totp_err err = files_open_for_logins(config, ret_store, why);

	if (err != TOTP_OK)
		return err;
	(*ret_store)->admin = &admin;
	if (config->machine)
		memcpy(files_of(*ret_store)->here, config->machine, SHA256_LEN);
	return TOTP_OK;
}
