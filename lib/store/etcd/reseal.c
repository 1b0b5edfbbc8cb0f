/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Sealing records and invitations again, many in one transaction. It compares each box, and not the
 * login state: nobody who logs in meanwhile notices. If one box of a batch has changed, each of
 * them is sealed on its own.
 */
#include <stdlib.h>
#include <string.h>

#include "base/io.h"
#include "store/etcd/etcd.h"

#define BATCH 60

/* One user's box, on its way. */
struct box {
	const char *user;
	struct piece key;
	uint64_t revision;
	uint8_t bytes[VAULT_BOX_MAX];
	size_t len;
};

struct batch {
	struct etcd_store *etcd;
	const struct store_reseal *reseal;
	size_t first; /* of the users */
	size_t count; /* of these boxes, which are to be put */
	struct box boxes[BATCH];
	struct etcd_keys keys[BATCH];
	struct etcd_compare compares[BATCH + 1];
	struct etcd_op ops[BATCH + 1];
};

static struct piece key_of(const struct etcd_keys *keys, enum store_kind kind)
{
	return etcd_key_of(kind == STORE_RECORD ? &keys->cred : &keys->invite);
}

/* Seal what was read; TOTP_ERR_EXISTS: the key that seals has sealed it already. */
static enum totp_err seal_again(struct etcd_store *etcd, const struct etcd_pair *pair,
				struct box *box, struct reason *why)
{
	uint8_t bytes[CRED_BYTES_MAX];
	struct buffer plain = buffer_of(bytes, sizeof(bytes));
	struct vault *vault = &etcd->store.vault;
	struct bytes old = bytes_of(pair->value.at, pair->value.len);
	uint32_t id = 0;
	enum totp_err err;

	if (seal_key_id(old, &id) == TOTP_OK && id == etcd->meta.key_id)
		return TOTP_ERR_EXISTS;
	box->revision = pair->modified;
	err = etcd_begin_sealing(etcd, why);
	if (err == TOTP_OK)
		err = vault_open(vault, box->user, old, &plain, why);
	if (err == TOTP_OK)
		err = vault_seal(vault, box->user, &plain, box->bytes, &box->len);
	WIPE(bytes);
	return err;
}

/* --- one --- */

static enum totp_err put_one(struct etcd_store *etcd, const struct box *box, struct reason *why)
{
	const struct piece own = {box->bytes, box->len};
	const struct etcd_compare compares[] = {{ETCD_MODIFIED, box->key, box->revision},
						etcd_meta_unchanged(etcd)};
	const struct etcd_op success[] = {{.kind = ETCD_PUT, .key = box->key, .value = own},
					  {.kind = ETCD_RANGE, .key = box->key, .value = own}};
	const struct etcd_op failure[] = {{.kind = ETCD_RANGE, .key = box->key}};
	const struct etcd_change change = {{2, compares, {2, success}, {1, failure}}, own};
	OWN_ETCD_ANSWER struct etcd_answer answer = {.succeeded = false};

	return etcd_put(etcd, &change, io_deadline(ETCD_WORK_MS), &answer, why);
}

static enum totp_err reseal_one(struct etcd_store *etcd, const char *user, struct piece key,
				struct reason *why)
{
	OWN_ETCD_ANSWER struct etcd_answer answer = {.succeeded = false};
	NOT_ZEROED struct box box;
	enum totp_err err = etcd_read_box(etcd, key, &answer, why);

	if (err != TOTP_OK)
		return err;
	box.user = user;
	box.key = key;
	err = seal_again(etcd, &answer.results[1].pairs[0], &box, why);
	if (err == TOTP_ERR_EXISTS)
		return TOTP_OK;
	return err == TOTP_OK ? put_one(etcd, &box, why) : err;
}

/* --- a batch --- */

/* The cluster, or the keyring, and not this user's record alone. */
static bool is_of_all(enum totp_err err)
{
	return err == TOTP_ERR_TIMEOUT || err == TOTP_ERR_PEER || err == TOTP_ERR_OTHER_STORE ||
	       err == TOTP_ERR_UNSAFE || err == TOTP_ERR_SYSTEM || err == TOTP_ERR_NOMEM;
}

static enum totp_err report(const struct batch *batch, const char *user, enum totp_err err,
			    const struct reason *cause, struct reason *why)
{
	if (is_of_all(err))
		return reason_err(why, err, "%s", cause->text);
	batch->reseal->told(batch->reseal->context, user, err, cause);
	return TOTP_OK;
}

static enum totp_err reseal_alone(const struct batch *batch, const char *user, struct piece key,
				  struct reason *why)
{
	struct reason cause = {""};
	enum totp_err err = reseal_one(batch->etcd, user, key, &cause);

	return report(batch, user, err, &cause, why);
}

/* Read the boxes of `count` users, and seal those that are to be put. */
static enum totp_err read_batch(struct batch *batch, size_t count, struct reason *why)
{
	char *const *users = batch->reseal->users + batch->first;
	OWN_ETCD_ANSWER struct etcd_answer answer = {.succeeded = false};
	const struct etcd_request request = {.success = {count + 1, batch->ops}};
	enum totp_err err;

	batch->ops[0] = etcd_range_meta(batch->etcd);
	for (size_t i = 0; i < count; i++)
		batch->ops[1 + i] = (struct etcd_op){
			.kind = ETCD_RANGE, .key = key_of(&batch->keys[i], batch->reseal->kind)};
	err = etcd_client_ask(batch->etcd->client, &request, io_deadline(ETCD_WORK_MS), &answer,
			      why);
	if (err == TOTP_OK)
		err = etcd_see_meta(batch->etcd, &answer, 0, why);
	batch->count = 0;
	for (size_t i = 0; i < count && err == TOTP_OK; i++) {
		struct box *box = &batch->boxes[batch->count];
		const struct etcd_result *result = &answer.results[1 + i];
		struct reason cause = {""};

		box->user = users[i];
		box->key = batch->ops[1 + i].key;
		if (!result->pair_count) {
			err = reseal_alone(batch, box->user, box->key, why);
			continue;
		}
		err = seal_again(batch->etcd, result->pairs, box, &cause);
		if (err == TOTP_OK)
			batch->count++;
		else
			err = report(batch, box->user, err == TOTP_ERR_EXISTS ? TOTP_OK : err,
				     &cause, why);
	}
	return err;
}

static enum totp_err put_batch(struct batch *batch, struct reason *why)
{
	const struct box *last = &batch->boxes[batch->count - 1];
	const struct piece own = {last->bytes, last->len};
	const struct etcd_op failure[] = {{.kind = ETCD_RANGE, .key = last->key}};
	OWN_ETCD_ANSWER struct etcd_answer answer = {.succeeded = false};
	struct etcd_change change = {
		{batch->count + 1, batch->compares, {batch->count + 1, batch->ops}, {1, failure}},
		own};

	for (size_t i = 0; i < batch->count; i++) {
		const struct box *box = &batch->boxes[i];

		batch->compares[i] = (struct etcd_compare){ETCD_MODIFIED, box->key, box->revision};
		batch->ops[i] = (struct etcd_op){
			.kind = ETCD_PUT, .key = box->key, .value = {box->bytes, box->len}};
	}
	batch->compares[batch->count] = etcd_meta_unchanged(batch->etcd);
	batch->ops[batch->count] =
		(struct etcd_op){.kind = ETCD_RANGE, .key = last->key, .value = own};
	return etcd_put(batch->etcd, &change, io_deadline(ETCD_WORK_MS), &answer, why);
}

static enum totp_err reseal_batch(struct batch *batch, size_t count, struct reason *why)
{
	static const struct reason none = {""};
	enum totp_err put, err = read_batch(batch, count, why);

	if (err != TOTP_OK || !batch->count)
		return err;
	put = put_batch(batch, why);
	if (put != TOTP_OK && put != TOTP_ERR_STALE)
		return put;
	for (size_t i = 0; i < batch->count && err == TOTP_OK; i++) {
		const struct box *box = &batch->boxes[i];

		err = put == TOTP_OK ? report(batch, box->user, TOTP_OK, &none, why)
				     : reseal_alone(batch, box->user, box->key, why);
	}
	return err;
}

/* The keys of the next users; one whose name is too long is reported. */
static size_t take_users(struct batch *batch, const struct store_reseal *reseal)
{
	size_t count = 0;
	struct reason cause = {""};

	while (count < BATCH && batch->first + count < reseal->count) {
		const char *user = reseal->users[batch->first + count];
		enum totp_err err = etcd_keys(batch->etcd->prefix, user, &batch->keys[count]);

		if (err == TOTP_OK) {
			count++;
			continue;
		}
		if (count)
			break;
		reseal->told(reseal->context, user, etcd_no_keys(err, &cause), &cause);
		batch->first++;
	}
	return count;
}

enum totp_err etcd_reseal(struct store *store, const struct store_reseal *reseal,
			  struct reason *why)
{
	struct etcd_store *etcd = etcd_store_of(store);
	struct batch *batch;
	enum totp_err err = TOTP_OK;
	size_t count;

	if (!etcd->claimed)
		return reason_err(why, TOTP_ERR_ARGUMENT, "the keys are not claimed");
	batch = calloc(1, sizeof(*batch));
	if (!batch)
		return reason_err(why, TOTP_ERR_NOMEM, "%s", err_name(TOTP_ERR_NOMEM));
	batch->etcd = etcd;
	batch->reseal = reseal;
	while (err == TOTP_OK && (count = take_users(batch, reseal)) > 0) {
		err = reseal_batch(batch, count, why);
		batch->first += count;
	}
	free(batch);
	return err;
}
