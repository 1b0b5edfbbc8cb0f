/* SPDX-License-Identifier: BSD-2-Clause */
/* Invitations in etcd. */
#include "store/etcd/etcd.h"

enum totp_err etcd_invite_get(struct store *store, const char *user, uint64_t deadline,
			      struct invite *ret_invite, struct reason *why)
{
	struct etcd_store *etcd = etcd_store_of(store);
	OWN_ETCD_ANSWER struct etcd_answer answer = {.succeeded = false};
	struct reason cause = {""};
	struct etcd_keys keys;
	struct etcd_op op = {.kind = ETCD_RANGE};
	struct piece box;
	enum totp_err err = etcd_keys(etcd->prefix, user, &keys);

	if (err == TOTP_ERR_RANGE) /* none can have that name */
		return TOTP_ERR_NOT_FOUND;
	if (err != TOTP_OK)
		return etcd_no_keys(err, why);
	op.key = etcd_key_of(&keys.invite);
	err = etcd_ask_if_there(etcd, &op, deadline, &answer, why);
	if (err != TOTP_OK)
		return err;
	box = answer.results[1].pairs[0].value;
	err = vault_open_invite(&store->vault, user, bytes_of(box.at, box.len), ret_invite, &cause);
	if (err != TOTP_OK && cause.text[0])
		reason_set(why, "invitation of %.60s: %.160s", user, cause.text);
	else if (err != TOTP_OK)
		reason_set(why,
			   "invitation of %.100s: cannot be opened (%s): totpctl uninvite, then "
			   "invite again",
			   user, err_name(err));
	return err;
}

/* Errors as etcd_put; TOTP_ERR_STALE: the store has changed meanwhile. */
static enum totp_err put_once(struct etcd_store *etcd, const struct invite *invite,
			      uint64_t deadline, struct reason *why)
{
	uint8_t box[VAULT_BOX_MAX];
	struct piece own = {box, 0};
	OWN_ETCD_ANSWER struct etcd_answer answer = {.succeeded = false};
	const struct etcd_compare unchanged = etcd_meta_unchanged(etcd);
	struct etcd_keys keys;
	enum totp_err err = etcd_keys(etcd->prefix, invite->user, &keys);

	if (err != TOTP_OK)
		return etcd_no_keys(err, why);
	err = etcd_begin_sealing(etcd, why);
	if (err != TOTP_OK)
		return err;
	err = vault_seal_invite(&etcd->store.vault, invite, box, &own.len);
	if (err != TOTP_OK)
		return reason_err(why, err, "no invitation could be made: %s", err_name(err));
	{
		const struct piece key = etcd_key_of(&keys.invite);
		const struct etcd_op success[] = {{.kind = ETCD_PUT, .key = key, .value = own},
						  {.kind = ETCD_RANGE, .key = key, .value = own}};
		const struct etcd_op failure[] = {{.kind = ETCD_RANGE, .key = key},
						  etcd_range_meta(etcd)};
		const struct etcd_change change = {{1, &unchanged, {2, success}, {2, failure}},
						   own};

		err = etcd_put(etcd, &change, deadline, &answer, why);
	}
	if (err == TOTP_ERR_STALE && etcd_see_meta(etcd, &answer, 1, why) != TOTP_OK)
		return TOTP_ERR_OTHER_STORE;
	return err;
}

enum totp_err etcd_invite_put(struct store *store, const struct invite *invite, uint64_t deadline,
			      struct reason *why)
{
	enum totp_err err = TOTP_ERR_STALE;

	for (unsigned i = 0; i < STORE_TRIES && err == TOTP_ERR_STALE; i++)
		err = put_once(etcd_store_of(store), invite, deadline, why);
	return err;
}

enum totp_err etcd_invite_remove(struct store *store, const char *user, uint64_t deadline,
				 struct reason *why)
{
	struct etcd_store *etcd = etcd_store_of(store);
	OWN_ETCD_ANSWER struct etcd_answer answer = {.succeeded = false};
	struct etcd_op op = {.kind = ETCD_DELETE};
	struct etcd_keys keys;
	enum totp_err err = etcd_keys(etcd->prefix, user, &keys);

	if (err == TOTP_ERR_RANGE) /* none can have that name */
		return TOTP_ERR_NOT_FOUND;
	if (err != TOTP_OK)
		return etcd_no_keys(err, why);
	op.key = etcd_key_of(&keys.invite);
	err = etcd_ask_if_there(etcd, &op, deadline, &answer, why);
	/* it may have been our own request that removed it, sent again */
	return err == TOTP_ERR_NOT_FOUND && answer.again ? TOTP_OK : err;
}
