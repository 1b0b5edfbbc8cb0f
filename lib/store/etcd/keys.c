/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Keys of a store in etcd, and their rotation while other verifiers use it. Which key seals is part
 * of the meta key, and every transaction that seals compares that: so there is nobody to wait for.
 */
#include <string.h>

#include "base/io.h"
#include "store/etcd/etcd.h"

/* --- who may change the keys --- */

enum totp_err etcd_claim_keys(struct store *store, struct reason *why)
{
	struct etcd_store *etcd = etcd_store_of(store);
	const struct etcd_key key = etcd_own_key(etcd->prefix, "work");
	const struct piece own = {etcd->work, sizeof(etcd->work)};
	const struct etcd_compare absent = {ETCD_CREATED, etcd_key_of(&key), 0};
	const struct etcd_op success[] = {
		{.kind = ETCD_PUT, .key = etcd_key_of(&key), .value = own},
		{.kind = ETCD_RANGE, .key = etcd_key_of(&key), .value = own}};
	const struct etcd_op failure[] = {{.kind = ETCD_RANGE, .key = etcd_key_of(&key)}};
	const struct etcd_change change = {{1, &absent, {2, success}, {1, failure}}, own};
	OWN_ETCD_ANSWER struct etcd_answer answer = {.succeeded = false};
	enum totp_err err;

	if (etcd->claimed)
		return TOTP_OK;
	if (crypto_random(etcd->work, sizeof(etcd->work)) != TOTP_OK)
		return reason_errno(why, "no random bytes");
	err = etcd_put(etcd, &change, io_deadline(ETCD_WAIT_MS), &answer, why);
	etcd->claimed = err == TOTP_OK;
	if (err == TOTP_ERR_STALE)
		err = reason_err(why, TOTP_ERR_TIMEOUT,
				 "another program is changing the keys: let it finish; if it has "
				 "died, delete %.*s with etcdctl",
				 (int)key.len, key.text);
	return err;
}

void etcd_release_keys(struct etcd_store *etcd)
{
	const struct etcd_key key = etcd_own_key(etcd->prefix, "work");
	const struct etcd_op remove[] = {{.kind = ETCD_DELETE, .key = etcd_key_of(&key)}};
	const struct etcd_request request = {.success = {1, remove}};
	OWN_ETCD_ANSWER struct etcd_answer answer = {.succeeded = false};

	if (etcd->claimed)
		(void)!etcd_client_ask(etcd->client, &request, io_deadline(ETCD_WAIT_MS), &answer,
				       NULL);
	etcd->claimed = false;
}

/* --- the key of one record --- */

enum totp_err etcd_key_id_of(struct store *store, const char *user, uint32_t *ret_key_id)
{
	struct etcd_store *etcd = etcd_store_of(store);
	OWN_ETCD_ANSWER struct etcd_answer answer = {.succeeded = false};
	struct etcd_keys keys;
	struct piece box;
	enum totp_err err = etcd_keys(etcd->prefix, user, &keys);

	if (err != TOTP_OK)
		return err;
	err = etcd_read_box(etcd, etcd_key_of(&keys.cred), &answer, NULL);
	if (err != TOTP_OK)
		return err;
	box = answer.results[1].pairs[0].value;
	return seal_key_id(bytes_of(box.at, box.len), ret_key_id);
}
