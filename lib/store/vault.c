/* SPDX-License-Identifier: BSD-2-Clause */
#include "store/vault.h"

#include <string.h>

static enum totp_err load_keys(struct vault *vault, struct reason *why)
{
	enum totp_err err = keyring_load(vault->path, &vault->keyring, why);

	vault->has_keys = err == TOTP_OK;
	/* a lost keyring says nothing about who is enrolled */
	return err == TOTP_ERR_NOT_FOUND ? TOTP_ERR_SYSTEM : err;
}

void vault_begin(struct vault *vault, const char *path, const struct keyring *keys)
{
	vault->path = path;
	if (!keys)
		return;
	vault->keyring = *keys;
	vault->has_keys = vault->given = true;
}

enum totp_err vault_renew(struct vault *vault, struct reason *why)
{
	static const struct io_stamp unseen;
	struct io_stamp now = io_stamp_of(vault->path);

	if (vault->has_keys && io_stamp_equal(&now, &vault->keyring.stamp))
		return TOTP_OK;
	if (!vault->given)
		return load_keys(vault, why);
	if (io_stamp_equal(&now, &unseen))
		return TOTP_OK;
	vault->lacks_key = true;
	return reason_err(why, TOTP_ERR_STALE,
			  "the keyring has changed since it was read: try again");
}

uint32_t vault_key_id(const struct vault *vault)
{
	return vault->keyring.keys[0].id;
}

bool vault_prefer(struct vault *vault, uint32_t id)
{
	for (size_t i = 0; i < vault->keyring.count; i++) {
		struct host_key *first = &vault->keyring.keys[0], chosen = vault->keyring.keys[i];

		if (chosen.id != id)
			continue;
		vault->keyring.keys[i] = *first;
		*first = chosen;
		WIPE(chosen);
		return true;
	}
	return false;
}

/* --- sealing --- */

enum totp_err vault_seal(const struct vault *vault, const char *user, const struct buffer *plain,
			 uint8_t ret_box[VAULT_BOX_MAX], size_t *ret_len)
{
	*ret_len = plain->len + SEAL_OVERHEAD;
	return seal_close(&vault->keyring.keys[0], user, plain->data, plain->len, ret_box);
}

enum totp_err vault_seal_cred(const struct vault *vault, const struct cred *cred,
			      uint8_t ret_box[VAULT_BOX_MAX], size_t *ret_len)
{
	NOT_ZEROED uint8_t bytes[CRED_BYTES_MAX];
	struct buffer plain = buffer_of(bytes, sizeof(bytes));
	enum totp_err err = cred_encode(cred, bytes, &plain.len);

	if (err == TOTP_OK)
		err = vault_seal(vault, cred->user, &plain, ret_box, ret_len);
	WIPE(bytes);
	return err;
}

enum totp_err vault_seal_invite(const struct vault *vault, const struct invite *invite,
				uint8_t ret_box[VAULT_BOX_MAX], size_t *ret_len)
{
	uint8_t bytes[INVITE_BYTES_MAX];
	struct buffer plain = buffer_of(bytes, sizeof(bytes));
	enum totp_err err = invite_encode(invite, bytes, &plain.len);

	return err == TOTP_OK ? vault_seal(vault, invite->user, &plain, ret_box, ret_len) : err;
}

/* --- opening --- */

/* The key of that id, or NULL; the keyring may have changed since it was read. */
static enum totp_err find_key(struct vault *vault, uint32_t id, const struct host_key **ret_key,
			      struct reason *why)
{
	enum totp_err err = vault->has_keys ? TOTP_OK : load_keys(vault, why);
	const struct host_key *key = err == TOTP_OK ? keyring_find(&vault->keyring, id) : NULL;

	if (err == TOTP_OK && !key && !vault->given) {
		err = vault_renew(vault, why);
		key = err == TOTP_OK ? keyring_find(&vault->keyring, id) : NULL;
	}
	if (err != TOTP_OK)
		return err;
	vault->lacks_key |= !key;
	*ret_key = key;
	return TOTP_OK;
}

enum totp_err vault_open(struct vault *vault, const char *user, struct bytes box,
			 struct buffer *ret_plain, struct reason *why)
{
	const struct host_key *key = NULL;
	uint32_t id = 0;
	enum totp_err err = seal_key_id(box, &id);

	if (err != TOTP_OK)
		return reason_err(why, err, "not a sealed record");
	err = find_key(vault, id, &key, why);
	if (err != TOTP_OK)
		return err;
	if (!key)
		return reason_err(
			why, TOTP_ERR_SEAL,
			"sealed by key %08x, which %.100s does not hold: restore that line",
			(unsigned)id, vault->path);
	return seal_open(key, user, box, ret_plain);
}

enum totp_err vault_open_cred(struct vault *vault, const char *user, struct bytes box,
			      struct cred *ret_cred, struct reason *why)
{
	uint8_t bytes[CRED_BYTES_MAX];
	struct buffer plain = buffer_of(bytes, sizeof(bytes));
	enum totp_err err = vault_open(vault, user, box, &plain, why);

	if (err == TOTP_OK)
		err = cred_decode(plain.data, plain.len, ret_cred);
	WIPE(bytes);
	if (err == TOTP_OK && strcmp(ret_cred->user, user) != 0)
		err = TOTP_ERR_SEAL;
	if (err == TOTP_ERR_UNSUPPORTED)
		reason_set(why, "made by a newer version of pam_totp");
	return err;
}

enum totp_err vault_open_invite(struct vault *vault, const char *user, struct bytes box,
				struct invite *ret_invite, struct reason *why)
{
	uint8_t bytes[INVITE_BYTES_MAX];
	struct buffer plain = buffer_of(bytes, sizeof(bytes));
	struct invite invite = {.user = ""};
	enum totp_err err = vault_open(vault, user, box, &plain, why);

	if (err == TOTP_OK)
		err = invite_decode(plain.data, plain.len, &invite);
	if (err == TOTP_OK && strcmp(invite.user, user) != 0)
		err = TOTP_ERR_SEAL;
	if (err == TOTP_OK)
		*ret_invite = invite;
	return err;
}
