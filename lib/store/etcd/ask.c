/* SPDX-License-Identifier: BSD-2-Clause */
/* What every request of the etcd engine needs: the store's own key, and the key that seals. */
#include <string.h>

#include "base/io.h"
#include "store/etcd/etcd.h"

#define NEVER ETCD_REVISION_MAX /* a revision that no key has */

struct etcd_store *etcd_store_of(struct store *store)
{
	return (struct etcd_store *)(void *)store;
}

enum totp_err etcd_no_keys(enum totp_err err, struct reason *why)
{
	if (err == TOTP_ERR_RANGE)
		return reason_err(why, err, "user name too long for a record");
	return reason_err(why, err, "user name: %s", err_name(err));
}

/* --- asking --- */

struct etcd_op etcd_range_meta(const struct etcd_store *etcd)
{
	return (struct etcd_op){.kind = ETCD_RANGE, .key = etcd_key_of(&etcd->meta_key)};
}

struct etcd_compare etcd_meta_unchanged(const struct etcd_store *etcd)
{
	return (struct etcd_compare){ETCD_MODIFIED, etcd_key_of(&etcd->meta_key),
				     etcd->meta_revision};
}

enum totp_err etcd_read_meta(const struct etcd_store *etcd, const struct etcd_result *result,
			     struct etcd_meta *ret_meta, struct reason *why)
{
	struct piece text;
	enum totp_err err;

	if (!result->pair_count)
		return reason_err(why, TOTP_ERR_UNSAFE,
				  "the cluster has no store at %.80s: on a new one run totpctl "
				  "store init",
				  etcd->prefix);
	text = result->pairs[0].value;
	err = etcd_meta_decode((struct text){text.at, text.len}, ret_meta);
	if (err == TOTP_ERR_UNSUPPORTED)
		reason_set(why, "%.80smeta: made by a newer version of pam_totp", etcd->prefix);
	else if (err != TOTP_OK)
		reason_set(why, "%.80smeta: damaged: restore the cluster from your backup",
			   etcd->prefix);
	return err;
}

void etcd_take_meta(struct etcd_store *etcd, const struct etcd_meta *meta, uint64_t revision)
{
	etcd->meta = *meta;
	etcd->meta_revision = revision;
	etcd->store.info.version = meta->version;
	etcd->store.info.since = meta->since;
	memcpy(etcd->store.info.id, meta->id, sizeof(meta->id));
}

enum totp_err etcd_check_cluster(const struct etcd_store *etcd, const struct etcd_meta *meta,
				 uint64_t cluster, struct reason *why)
{
	if (meta->cluster == cluster)
		return TOTP_OK;
	return reason_err(why, TOTP_ERR_OTHER_STORE,
			  "%.80s was restored from a backup, or copied: if this is the store that "
			  "is meant, run totpctl store accept",
			  etcd->prefix);
}

enum totp_err etcd_see_meta(struct etcd_store *etcd, const struct etcd_answer *answer, size_t index,
			    struct reason *why)
{
	const struct etcd_result *result = &answer->results[index];
	struct etcd_meta meta;
	enum totp_err err = etcd_read_meta(etcd, result, &meta, why);

	if (err == TOTP_OK && memcmp(meta.id, etcd->meta.id, sizeof(meta.id)) != 0)
		err = reason_err(why, TOTP_ERR_OTHER_STORE,
				 "%.80s is another store now: start totpd again if that is meant",
				 etcd->prefix);
	if (err == TOTP_OK)
		err = etcd_check_cluster(etcd, &meta, answer->cluster, why);
	if (err == TOTP_OK)
		etcd_take_meta(etcd, &meta, result->pairs[0].modified);
	return err;
}

enum totp_err etcd_put(struct etcd_store *etcd, const struct etcd_change *change, uint64_t deadline,
		       struct etcd_answer *ret_answer, struct reason *why)
{
	const struct etcd_result *seen = &ret_answer->results[0];
	enum totp_err err =
		etcd_client_ask(etcd->client, &change->request, deadline, ret_answer, why);

	if (err == TOTP_OK)
		err = etcd_check_cluster(etcd, &etcd->meta, ret_answer->cluster, why);
	if (err != TOTP_OK || ret_answer->succeeded)
		return err;
	if (seen->pair_count && seen->pairs[0].value.len == change->own.len &&
	    memcmp(seen->pairs[0].value.at, change->own.at, change->own.len) == 0)
		return TOTP_OK; /* the answer to it was lost, and it was sent again */
	return TOTP_ERR_STALE;
}

/*
 * Read the meta key by a request whose compare cannot hold: a member, or a proxy, that ignores what
 * it does not know would say that it holds, and would confirm any commit.
 */
enum totp_err etcd_ask_for_meta(struct etcd_store *etcd, uint64_t deadline,
				struct etcd_answer *ret_answer, struct reason *why)
{
	const struct etcd_op read[] = {etcd_range_meta(etcd)};
	const struct etcd_compare never = {ETCD_MODIFIED, etcd_key_of(&etcd->meta_key), NEVER};
	const struct etcd_request request = {1, &never, {0, NULL}, {1, read}};
	enum totp_err err = etcd_client_ask(etcd->client, &request, deadline, ret_answer, why);

	if (err == TOTP_OK && ret_answer->succeeded)
		err = reason_err(why, TOTP_ERR_PEER,
				 "the cluster does not compare: is this etcd 3.4 or later?");
	return err;
}

enum totp_err etcd_ask_if_there(struct etcd_store *etcd, const struct etcd_op *op,
				uint64_t deadline, struct etcd_answer *ret_answer,
				struct reason *why)
{
	const struct etcd_op all[] = {etcd_range_meta(etcd), *op};
	const struct etcd_compare absent = {ETCD_CREATED, op->key, 0};
	const struct etcd_request request = {1, &absent, {1, all}, {2, all}};
	enum totp_err err = etcd_client_ask(etcd->client, &request, deadline, ret_answer, why);

	if (err == TOTP_OK)
		err = etcd_see_meta(etcd, ret_answer, 0, why);
	if (err == TOTP_OK && ret_answer->succeeded)
		return TOTP_ERR_NOT_FOUND;
	if (err == TOTP_OK && op->kind == ETCD_RANGE && !ret_answer->results[1].pair_count)
		err = reason_err(why, TOTP_ERR_PEER, "malformed answer");
	return err;
}

enum totp_err etcd_read_box(struct etcd_store *etcd, struct piece key,
			    struct etcd_answer *ret_answer, struct reason *why)
{
	return etcd_ask_if_there(etcd, &(struct etcd_op){.kind = ETCD_RANGE, .key = key},
				 io_deadline(ETCD_WORK_MS), ret_answer, why);
}

/* --- sealing --- */

enum totp_err etcd_begin_sealing(struct etcd_store *etcd, struct reason *why)
{
	struct vault *vault = &etcd->store.vault;
	enum totp_err err = vault_renew(vault, why);

	if (err != TOTP_OK || vault_prefer(vault, etcd->meta.key_id))
		return err;
	vault->lacks_key = true;
	return reason_err(
		why, TOTP_ERR_SEAL,
		"%.100s lacks key %08x, which seals the store: add that line from another "
		"verifier",
		vault->path, (unsigned)etcd->meta.key_id);
}
