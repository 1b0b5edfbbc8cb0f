/* SPDX-License-Identifier: BSD-2-Clause */
/* Creating many records in etcd: in the order given, as many as a transaction takes at once. */
#include <stdlib.h>
#include <string.h>

#include "base/io.h"
#include "store/etcd/etcd.h"

#define BATCH 60 /* two operations each, and those that read */

/* A batch that is being filled. The last record's state has a nonce: it says whose batch it is. */
struct batch {
	struct etcd_store *etcd;
	bool invites; /* there are invitations, which enrollments use up */
	size_t count;
	struct etcd_writing records[BATCH];
	struct etcd_compare compares[ETCD_OPS_MAX];
	struct etcd_op success[ETCD_OPS_MAX], failure[ETCD_OPS_MAX];
};

static size_t capacity(const struct batch *batch)
{
	return batch->invites ? BATCH * 2 / 3 : BATCH;
}

/* Results of a batch that was not created: the last state, the meta key, each credential. */
enum { BATCH_OWN, BATCH_META, BATCH_CREDS };

static enum totp_err put_batch(struct batch *batch, struct etcd_answer *ret_answer,
			       struct reason *why)
{
	struct etcd_op *success = batch->success, *failure = batch->failure;
	const struct etcd_writing *last = &batch->records[batch->count - 1];
	const struct piece last_key = etcd_key_of(&last->keys.state),
			   own = {last->state, last->state_len};
	size_t count = 0;

	failure[BATCH_OWN] = (struct etcd_op){.kind = ETCD_RANGE, .key = last_key};
	failure[BATCH_META] = etcd_range_meta(batch->etcd);
	for (size_t i = 0; i < batch->count; i++) {
		const struct etcd_writing *record = &batch->records[i];
		const struct piece key = etcd_key_of(&record->keys.cred);

		batch->compares[i] = (struct etcd_compare){ETCD_CREATED, key, 0};
		failure[BATCH_CREDS + i] =
			(struct etcd_op){.kind = ETCD_RANGE, .key = key, .keys_only = true};
		success[count++] = (struct etcd_op){
			.kind = ETCD_PUT, .key = key, .value = {record->box, record->box_len}};
		success[count++] = (struct etcd_op){.kind = ETCD_PUT,
						    .key = etcd_key_of(&record->keys.state),
						    .value = {record->state, record->state_len}};
		if (batch->invites)
			success[count++] = (struct etcd_op){
				.kind = ETCD_DELETE, .key = etcd_key_of(&record->keys.invite)};
	}
	batch->compares[batch->count] = etcd_meta_unchanged(batch->etcd);
	success[count++] = (struct etcd_op){.kind = ETCD_RANGE, .key = last_key, .value = own};
	return etcd_put(batch->etcd,
			&(struct etcd_change){{batch->count + 1,
					       batch->compares,
					       {count, success},
					       {BATCH_CREDS + batch->count, failure}},
					      own},
			io_deadline(ETCD_WORK_MS), ret_answer, why);
}

/*
 * Create what the batch has, and empty it. *ret_done: so many of them are there now.
 * TOTP_ERR_EXISTS: of the next one there is a record. TOTP_ERR_STALE: the store has changed, and
 * all must be sealed again.
 */
static enum totp_err flush(struct batch *batch, size_t *ret_done, struct reason *why)
{
	OWN_ETCD_ANSWER struct etcd_answer answer = {.succeeded = false};
	size_t count = batch->count, there = 0;
	enum totp_err err;

	*ret_done = 0;
	if (!count)
		return TOTP_OK;
	err = put_batch(batch, &answer, why);
	if (err == TOTP_OK)
		*ret_done = count;
	if (err != TOTP_ERR_STALE)
		return err;
	while (there < count && !answer.results[BATCH_CREDS + there].pair_count)
		there++;
	if (there == count)
		return etcd_see_meta(batch->etcd, &answer, BATCH_META, why) == TOTP_OK
			       ? TOTP_ERR_STALE
			       : TOTP_ERR_OTHER_STORE;
	etcd_answer_free(&answer);
	batch->count = there; /* those before it */
	err = there ? put_batch(batch, &answer, why) : TOTP_OK;
	if (err != TOTP_OK)
		return err;
	*ret_done = there;
	return TOTP_ERR_EXISTS;
}

/* Has the realm any invitation? One that stays does no harm: an enrolled user needs none. */
static enum totp_err look_for_invites(struct etcd_store *etcd, bool *ret_are, struct reason *why)
{
	const struct etcd_key from = etcd_shard(etcd->prefix, ETCD_INVITES, 0),
			      end = etcd_shard(etcd->prefix, ETCD_INVITES, ETCD_SHARDS);
	const struct etcd_op ops[] = {etcd_range_meta(etcd),
				      {.kind = ETCD_RANGE,
				       .key = etcd_key_of(&from),
				       .end = etcd_key_of(&end),
				       .limit = 1,
				       .keys_only = true}};
	const struct etcd_request request = {.success = {2, ops}};
	OWN_ETCD_ANSWER struct etcd_answer answer = {.succeeded = false};
	enum totp_err err =
		etcd_client_ask(etcd->client, &request, io_deadline(ETCD_WORK_MS), &answer, why);

	if (err == TOTP_OK)
		err = etcd_see_meta(etcd, &answer, 0, why);
	if (err == TOTP_OK)
		*ret_are = answer.results[1].count > 0;
	return err;
}

/* Take the next one into the batch. */
static enum totp_err take_next(struct batch *batch, const struct store_many *many, size_t index,
			       struct reason *why)
{
	OWN_CRED struct cred cred = {.version = 0};
	struct login_state state = {.sequence = 0};
	enum totp_err err = many->next(many->context, index, &cred, &state);

	if (err != TOTP_OK)
		return reason_err(why, err, "%.100s: %s", cred.user[0] ? cred.user : "a record",
				  err_name(err));
	if (state.sequence == 0)
		state_init(&cred, &state);
	err = etcd_encode_record(batch->etcd, &cred, &state, &batch->records[batch->count], why);
	if (err == TOTP_OK)
		batch->count++;
	return err;
}

static void name_existing(const struct store_many *many, size_t index, struct reason *why)
{
	OWN_CRED struct cred cred = {.version = 0};
	struct login_state state = {.sequence = 0};

	if (many->next(many->context, index, &cred, &state) == TOTP_OK)
		reason_set(why, "%.100s: is there already", cred.user);
}

static enum totp_err create_many(struct batch *batch, const struct store_many *many,
				 size_t *ret_done, struct reason *why)
{
	unsigned tries = 0;

	while (*ret_done < many->count) {
		enum totp_err next_err = TOTP_OK, err;
		size_t done = 0;

		batch->count = 0;
		while (batch->count < capacity(batch) && *ret_done + batch->count < many->count &&
		       next_err == TOTP_OK)
			next_err = take_next(batch, many, *ret_done + batch->count, why);
		err = flush(batch, &done, next_err == TOTP_OK ? why : NULL);
		*ret_done += done;
		tries = err == TOTP_ERR_STALE ? tries + 1 : 0;
		if (err == TOTP_ERR_EXISTS)
			name_existing(many, *ret_done, why);
		if (err != TOTP_OK && (err != TOTP_ERR_STALE || tries == STORE_TRIES))
			return err;
		if (err == TOTP_OK && next_err != TOTP_OK)
			return next_err;
	}
	return TOTP_OK;
}

enum totp_err etcd_create_many(struct store *store, const struct store_many *many, size_t *ret_done,
			       struct reason *why)
{
	struct batch *batch;
	enum totp_err err;

	*ret_done = 0;
	if (!many->count)
		return TOTP_OK;
	batch = calloc(1, sizeof(*batch));
	if (!batch)
		return reason_err(why, TOTP_ERR_NOMEM, "%s", err_name(TOTP_ERR_NOMEM));
	batch->etcd = etcd_store_of(store);
	err = look_for_invites(batch->etcd, &batch->invites, why);
	if (err == TOTP_OK)
		err = create_many(batch, many, ret_done, why);
	free(batch);
	return err;
}
