/* SPDX-License-Identifier: BSD-2-Clause */
/* Opening and making a store in etcd. */
#include <stdlib.h>
#include <string.h>

#include "store/etcd/etcd.h"

static void close_store(struct store *store)
{
	struct etcd_store *etcd = etcd_store_of(store);

	etcd_release_keys(etcd);
	etcd_client_close(etcd->client);
	free(etcd);
}

/* A store without what the cluster knows; on an error *ret_etcd may be partly made. */
static enum totp_err prepare(const struct etcd_store_config *config, struct etcd_store **ret_etcd,
			     struct reason *why)
{
	size_t path_len = strlen(config->keyring) + 1;
	struct etcd_store *etcd = calloc(1, sizeof(*etcd) + path_len);
	enum totp_err err;
	char *path;

	if (!etcd)
		return reason_err(why, TOTP_ERR_NOMEM, "%s", err_name(TOTP_ERR_NOMEM));
	*ret_etcd = etcd;
	path = (char *)(etcd + 1);
	memcpy(path, config->keyring, path_len);
	vault_begin(&etcd->store.vault, path, config->keys);
	etcd->store.engine = &etcd_engine;
	etcd->store.admin = &etcd_admin;
	etcd->store.info.wait_ms = ETCD_WAIT_MS;
	err = etcd_prefix(config->realm, etcd->prefix);
	if (err != TOTP_OK)
		return reason_err(why, err, "realm: expected 1 to %d of a-z, 0-9, '-' and '.'",
				  ETCD_REALM_MAX);
	etcd->meta_key = etcd_own_key(etcd->prefix, "meta");
	return etcd_client_open(&config->cluster, &etcd->client, why);
}

static enum totp_err load(struct etcd_store *etcd, uint64_t deadline, struct reason *why)
{
	OWN_ETCD_ANSWER struct etcd_answer answer = {.succeeded = false};
	struct etcd_meta meta;
	enum totp_err err = etcd_ask_for_meta(etcd, deadline, &answer, why);

	if (err == TOTP_OK)
		err = etcd_read_meta(etcd, &answer.results[0], &meta, why);
	if (err == TOTP_OK)
		etcd_take_meta(etcd, &meta, answer.results[0].pairs[0].modified);
	/* here, and only here, it says nothing of a user */
	return err == TOTP_ERR_UNSAFE ? TOTP_ERR_NOT_FOUND : err;
}

enum totp_err etcd_open(const struct etcd_store_config *config, uint64_t deadline,
			struct store **ret_store, struct reason *why)
{
	struct etcd_store *etcd = NULL;
	enum totp_err err = prepare(config, &etcd, why);

	if (err == TOTP_OK)
		err = load(etcd, deadline, why);
	if (err == TOTP_OK)
		*ret_store = &etcd->store;
	else if (etcd)
		store_close(&etcd->store);
	return err;
}

static enum totp_err set_up(struct etcd_store *etcd, uint64_t deadline, struct reason *why)
{
	OWN_ETCD_ANSWER struct etcd_answer answer = {.succeeded = false};
	struct etcd_meta meta = {.version = record_version_newest};
	enum totp_err err = vault_renew(&etcd->store.vault, why);

	if (err == TOTP_OK)
		err = etcd_ask_for_meta(etcd, deadline, &answer, why);
	if (err == TOTP_OK && answer.results[0].pair_count)
		return TOTP_ERR_EXISTS;
	if (err == TOTP_OK && crypto_random(meta.id, sizeof(meta.id)) != TOTP_OK)
		err = reason_errno(why, "no random bytes");
	if (err != TOTP_OK)
		return err;
	meta.cluster = answer.cluster;
	meta.key_id = vault_key_id(&etcd->store.vault);
	err = etcd_put_meta(etcd, &meta, 0, deadline, why);
	return err == TOTP_ERR_STALE ? TOTP_ERR_EXISTS : err;
}

enum totp_err etcd_setup(const struct etcd_store_config *config, uint64_t deadline,
			 struct reason *why)
{
	struct etcd_store *etcd = NULL;
	enum totp_err err = prepare(config, &etcd, why);

	if (err == TOTP_OK)
		err = set_up(etcd, deadline, why);
	if (err == TOTP_ERR_EXISTS)
		reason_set(why, "%.80s: there is a store already", etcd->prefix);
	if (etcd)
		store_close(&etcd->store);
	return err;
}

/* --- the tables --- */

const struct store_engine etcd_engine = {
	.close = close_store,
	.look = etcd_look,
	.read = etcd_read,
	.begin = etcd_begin,
	.commit = etcd_commit,
	.end = etcd_end,
	.create = etcd_create,
	.invite_get = etcd_invite_get,
};

const struct store_admin etcd_admin = {
	.replace = etcd_replace,
	.remove_by = etcd_remove_by,
	.create_many = etcd_create_many,
	.remove = etcd_remove,
	.invite_put = etcd_invite_put,
	.invite_remove = etcd_invite_remove,
	.each = etcd_each,
	.each_credential = etcd_each_credential,
	.set_newest = etcd_set_newest,
	.check_place = etcd_check_place,
	.accept_place = etcd_accept_place,
	.each_key = etcd_each_key,
	.key_of = etcd_key_id_of,
	.claim_keys = etcd_claim_keys,
	.seal_with = etcd_seal_with,
	.reseal = etcd_reseal,
};
