/* SPDX-License-Identifier: BSD-2-Clause */
/* Changing what a store in etcd says of itself: its place, its version, the key that seals. */
#include "store/etcd/etcd.h"

enum totp_err etcd_put_meta(struct etcd_store *etcd, const struct etcd_meta *meta,
			    uint64_t revision, uint64_t deadline, struct reason *why)
{
	char text[ETCD_META_MAX];
	const struct piece key = etcd_key_of(&etcd->meta_key),
			   value = {text, etcd_meta_encode(meta, text)};
	const struct etcd_compare unchanged = {ETCD_MODIFIED, key, revision};
	const struct etcd_op put[] = {{.kind = ETCD_PUT, .key = key, .value = value},
				      {.kind = ETCD_RANGE, .key = key, .value = value}};
	const struct etcd_op read[] = {etcd_range_meta(etcd)};
	const struct etcd_change change = {{1, &unchanged, {2, put}, {1, read}}, value};
	OWN_ETCD_ANSWER struct etcd_answer answer = {.succeeded = false};
	const uint64_t before = etcd->meta.cluster;
	enum totp_err err;

	etcd->meta.cluster = meta->cluster; /* it may be this that is put */
	err = etcd_put(etcd, &change, deadline, &answer, why);
	etcd->meta.cluster = before;
	if (err == TOTP_OK)
		etcd_take_meta(etcd, meta,
			       answer.results[answer.succeeded ? 1 : 0].pairs[0].modified);
	return err;
}

/* Changes *meta, which the answer of `cluster` had. */
typedef void change_fn(struct etcd_meta *meta, uint64_t cluster, const void *context);

struct changing {
	struct etcd_store *etcd;
	change_fn *change;
	const void *context;
	uint64_t deadline;
	bool any_cluster; /* also if the store does not belong to it */
};

static enum totp_err change_once(void *context, struct reason *why)
{
	const struct changing *changing = context;
	struct etcd_store *etcd = changing->etcd;
	OWN_ETCD_ANSWER struct etcd_answer answer = {.succeeded = false};
	struct etcd_meta meta;
	enum totp_err err = etcd_ask_for_meta(etcd, changing->deadline, &answer, why);

	if (err == TOTP_OK)
		err = etcd_read_meta(etcd, &answer.results[0], &meta, why);
	if (err == TOTP_OK && !changing->any_cluster)
		err = etcd_check_cluster(etcd, &meta, answer.cluster, why);
	if (err != TOTP_OK)
		return err;
	changing->change(&meta, answer.cluster, changing->context);
	return etcd_put_meta(etcd, &meta, answer.results[0].pairs[0].modified, changing->deadline,
			     why);
}

static void set_newest(struct etcd_meta *meta, uint64_t cluster, const void *context)
{
	(void)cluster;
	(void)context;
	meta->version = record_version_newest;
}

enum totp_err etcd_set_newest(struct store *store, uint64_t deadline, struct reason *why)
{
	struct changing changing = {etcd_store_of(store), set_newest, NULL, deadline, false};

	return store_retry(change_once, &changing, why);
}

static void set_key(struct etcd_meta *meta, uint64_t cluster, const void *context)
{
	(void)cluster;
	meta->key_id = *(const uint32_t *)context;
}

/* Every transaction that seals compares the meta key, so that it fails from now on. */
enum totp_err etcd_seal_with(struct store *store, uint32_t key_id, uint64_t deadline,
			     struct reason *why)
{
	struct changing changing = {etcd_store_of(store), set_key, &key_id, deadline, false};
	enum totp_err err = vault_renew(&store->vault, why);

	if (err == TOTP_OK && vault_key_id(&store->vault) != key_id)
		err = reason_err(why, TOTP_ERR_ARGUMENT, "key %08x is not the first of %.100s",
				 (unsigned)key_id, store->vault.path);
	return err == TOTP_OK ? store_retry(change_once, &changing, why) : err;
}

/*
 * The second time it is the clock that was ahead when the backup was accepted: no code was since
 * then, so the time may go back to now.
 */
static void accept(struct etcd_meta *meta, uint64_t cluster, const void *context)
{
	int64_t now = *(const int64_t *)context;
	bool again = meta->cluster == cluster;

	meta->cluster = cluster;
	if (again || now > meta->since)
		meta->since = now;
	if (!again && meta->epoch < UINT32_MAX)
		meta->epoch++;
}

enum totp_err etcd_accept_place(struct store *store, int64_t now, uint64_t deadline,
				struct reason *why)
{
	struct changing changing = {etcd_store_of(store), accept, &now, deadline, true};

	return store_retry(change_once, &changing, why);
}

enum totp_err etcd_status(struct store *store, uint64_t deadline, struct etcd_status *ret_status,
			  struct reason *why)
{
	struct etcd_store *etcd = etcd_store_of(store);
	OWN_ETCD_ANSWER struct etcd_answer answer = {.succeeded = false};
	struct etcd_meta meta;
	enum totp_err err = etcd_ask_for_meta(etcd, deadline, &answer, why);

	if (err == TOTP_OK)
		err = etcd_read_meta(etcd, &answer.results[0], &meta, why);
	if (err != TOTP_OK)
		return err;
	*ret_status = (struct etcd_status){.cluster = answer.cluster,
					   .own_cluster = meta.cluster,
					   .member = answer.member,
					   .revision = answer.revision,
					   .key_id = meta.key_id,
					   .epoch = meta.epoch};
	return TOTP_OK;
}

enum totp_err etcd_check_place(struct store *store, uint64_t deadline, struct reason *why)
{
	struct etcd_store *etcd = etcd_store_of(store);
	OWN_ETCD_ANSWER struct etcd_answer answer = {.succeeded = false};
	enum totp_err err = etcd_ask_for_meta(etcd, deadline, &answer, why);

	return err == TOTP_OK ? etcd_see_meta(etcd, &answer, 0, why) : err;
}
