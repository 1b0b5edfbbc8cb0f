/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * One user's record in etcd. A transaction remembers the revisions that it has read, and compares
 * them when it writes: that of the state, which every change of a record writes, and that of the
 * meta key.
 * Sealing a credential again changes neither, so that logins go on meanwhile.
 */
#include <string.h>

#include "base/io.h"
#include "store/etcd/etcd.h"

struct etcd_place *etcd_place_of(struct store_txn *txn)
{
	return (struct etcd_place *)(void *)&txn->place;
}

static struct etcd_op range(const struct etcd_key *key)
{
	return (struct etcd_op){.kind = ETCD_RANGE, .key = etcd_key_of(key)};
}

static struct etcd_op put(const struct etcd_key *key, struct piece value)
{
	return (struct etcd_op){.kind = ETCD_PUT, .key = etcd_key_of(key), .value = value};
}

static struct etcd_op delete (const struct etcd_key *key)
{
	return (struct etcd_op){.kind = ETCD_DELETE, .key = etcd_key_of(key)};
}

static struct etcd_op read_back(const struct etcd_key *key, struct piece value)
{
	return (struct etcd_op){.kind = ETCD_RANGE, .key = etcd_key_of(key), .value = value};
}

/* --- reading --- */

/* Indexes of the results of a read. */
enum { READ_META, READ_CRED, READ_STATE };

/*
 * Ask for a record. TOTP_ERR_NOT_FOUND: a compare has proved that there is none, which is more than
 * a missing part of an answer.
 */
static enum totp_err ask_for_record(struct etcd_store *etcd, const struct etcd_keys *keys,
				    uint64_t deadline, struct etcd_answer *ret_answer,
				    struct reason *why)
{
	const struct etcd_op all[] = {etcd_range_meta(etcd), range(&keys->cred),
				      range(&keys->state)};
	const struct etcd_compare absent = {ETCD_CREATED, etcd_key_of(&keys->cred), 0};
	const struct etcd_request request = {1, &absent, {1, all}, {3, all}};
	enum totp_err err = etcd_client_ask(etcd->client, &request, deadline, ret_answer, why);

	if (err == TOTP_OK)
		err = etcd_see_meta(etcd, ret_answer, READ_META, why);
	if (err == TOTP_OK && ret_answer->succeeded)
		err = reason_err(why, TOTP_ERR_NOT_FOUND, "no record");
	if (err == TOTP_OK && !ret_answer->results[READ_CRED].pair_count)
		err = reason_err(why, TOTP_ERR_PEER, "malformed answer");
	return err;
}

static enum totp_err decode_cred(struct etcd_store *etcd, const char *user, struct piece box,
				 struct cred *ret_cred, struct reason *why)
{
	struct reason cause = {""};
	enum totp_err err = vault_open_cred(&etcd->store.vault, user, bytes_of(box.at, box.len),
					    ret_cred, &cause);

	if (err != TOTP_OK && cause.text[0])
		reason_set(why, "%.60s: %.180s", user, cause.text);
	else if (err != TOTP_OK)
		reason_set(why, "%.100s: cannot be opened (%s): totpctl delete, then enroll again",
			   user, err_name(err));
	return err;
}

static enum totp_err decode_state(const struct etcd_result *result, struct store_txn *txn,
				  struct reason *why)
{
	const char *user = txn->cred.user;
	enum totp_err err = TOTP_ERR_SEAL;

	if (!result->pair_count)
		return reason_err(why, err,
				  "%.100s: login state missing: run totpctl repair %.100s", user,
				  user);
	err = etcd_state_decode(result->pairs[0].value, &txn->cred, &txn->state);
	if (err == TOTP_OK)
		return err;
	if (err == TOTP_ERR_CRYPTO || err == TOTP_ERR_UNSUPPORTED)
		return reason_err(why, err, "%.100s: login state: %s", user, err_name(err));
	return reason_err(why, TOTP_ERR_SEAL,
			  "%.100s: login state damaged: run totpctl repair %.100s", user, user);
}

enum totp_err etcd_decode_record(struct store_txn *txn, const char *user,
				 const struct etcd_result *cred, const struct etcd_result *state,
				 struct reason *why)
{
	struct etcd_store *etcd = etcd_store_of(txn->store);
	enum totp_err err = decode_cred(etcd, user, cred->pairs[0].value, &txn->cred, why);

	*etcd_place_of(txn) = (struct etcd_place){
		.meta_revision = etcd->meta_revision,
		.cred_revision = cred->pairs[0].modified,
		.state_revision = state->pair_count ? state->pairs[0].modified : 0,
	};
	if (err == TOTP_OK && !txn->cred_only)
		err = decode_state(state, txn, why);
	return err;
}

enum totp_err etcd_look(struct store_txn *txn, const char *user, uint64_t deadline,
			struct reason *why)
{
	struct etcd_store *etcd = etcd_store_of(txn->store);
	OWN_ETCD_ANSWER struct etcd_answer answer = {.succeeded = false};
	struct etcd_keys keys;
	enum totp_err err = etcd_keys(etcd->prefix, user, &keys);

	if (err != TOTP_OK)
		return etcd_no_keys(err, why);
	err = ask_for_record(etcd, &keys, deadline, &answer, why);
	if (err != TOTP_OK)
		return err;
	/* a record that cannot be read is there, and store_read says what is wrong with it */
	if (etcd_decode_record(txn, user, &answer.results[READ_CRED], &answer.results[READ_STATE],
			       NULL) == TOTP_OK)
		etcd_place_of(txn)->has_read = true;
	return TOTP_OK;
}

enum totp_err etcd_read(struct store_txn *txn, const char *user, uint64_t deadline,
			struct reason *why)
{
	struct etcd_store *etcd = etcd_store_of(txn->store);
	OWN_ETCD_ANSWER struct etcd_answer answer = {.succeeded = false};
	struct etcd_keys keys;
	enum totp_err err;

	if (etcd_place_of(txn)->has_read && strcmp(txn->cred.user, user) == 0)
		return TOTP_OK;
	err = etcd_keys(etcd->prefix, user, &keys);
	if (err != TOTP_OK)
		return etcd_no_keys(err, why);
	err = ask_for_record(etcd, &keys, deadline, &answer, why);
	return err == TOTP_OK ? etcd_decode_record(txn, user, &answer.results[READ_CRED],
						   &answer.results[READ_STATE], why)
			      : err;
}

enum totp_err etcd_begin(struct store_txn *txn, uint64_t deadline, struct reason *why)
{
	(void)txn;
	if (io_monotonic_ns() < deadline)
		return TOTP_OK;
	return reason_err(why, TOTP_ERR_TIMEOUT, "no time is left for the store");
}

void etcd_end(struct store_txn *txn)
{
	*etcd_place_of(txn) = (struct etcd_place){.has_read = false};
}

/* --- writing --- */

/*
 * What a change of a record that was read compares: its state has not changed, nor the store. The
 * last one is the credential's, for a change that replaces it.
 */
#define COMPARES 3

static void compare_with_read(struct store_txn *txn, const struct etcd_keys *keys,
			      struct etcd_compare ret_compares[COMPARES])
{
	const struct etcd_place *place = etcd_place_of(txn);
	const struct etcd_store *etcd = etcd_store_of(txn->store);

	ret_compares[0] = (struct etcd_compare){ETCD_MODIFIED, etcd_key_of(&keys->state),
						place->state_revision};
	ret_compares[1] = (struct etcd_compare){ETCD_MODIFIED, etcd_key_of(&etcd->meta_key),
						place->meta_revision};
	ret_compares[2] = (struct etcd_compare){ETCD_MODIFIED, etcd_key_of(&keys->cred),
						place->cred_revision};
#ifdef ETCD_WITHOUT_COMPARE /* only to show that the race test can fail */
	ret_compares[0] = ret_compares[1];
#endif
}

enum totp_err etcd_commit(struct store_txn *txn, const struct login_state *next, struct reason *why)
{
	struct etcd_store *etcd = etcd_store_of(txn->store);
	struct login_state numbered = *next;
	NOT_ZEROED uint8_t value[ETCD_STATE_MAX];
	OWN_ETCD_ANSWER struct etcd_answer answer = {.succeeded = false};
	struct etcd_compare compares[COMPARES];
	struct piece own = {value, 0};
	struct etcd_keys keys;
	enum totp_err err = etcd_keys(etcd->prefix, txn->cred.user, &keys);

	numbered.sequence = txn->state.sequence + 1;
	if (err == TOTP_OK)
		err = etcd_state_encode(&numbered, &txn->cred, value, &own.len);
	if (err != TOTP_OK)
		return reason_err(why, err, "login state: %s", err_name(err));

	compare_with_read(txn, &keys, compares);
	{
		const struct etcd_op success[] = {put(&keys.state, own),
						  read_back(&keys.state, own)};
		const struct etcd_op failure[] = {range(&keys.state)};
		const struct etcd_change change = {{2, compares, {2, success}, {1, failure}}, own};

		return etcd_put(etcd, &change, txn->deadline, &answer, why);
	}
}

enum totp_err etcd_encode_record(struct etcd_store *etcd, const struct cred *unversioned,
				 const struct login_state *state, struct etcd_writing *ret_writing,
				 struct reason *why)
{
	OWN_CRED struct cred cred = *unversioned;
	enum totp_err err = etcd_keys(etcd->prefix, cred.user, &ret_writing->keys);

	if (err != TOTP_OK)
		return etcd_no_keys(err, why);
	cred.version = etcd->meta.version;
	err = etcd_begin_sealing(etcd, why);
	if (err != TOTP_OK)
		return err;
	err = etcd_state_encode(state, &cred, ret_writing->state, &ret_writing->state_len);
	if (err == TOTP_OK)
		err = vault_seal_cred(&etcd->store.vault, &cred, ret_writing->box,
				      &ret_writing->box_len);
	return err == TOTP_OK
		       ? err
		       : reason_err(why, err, "%.100s: cannot write: %s", cred.user, err_name(err));
}

/* Create, unless the store has changed: TOTP_ERR_STALE. */
static enum totp_err create_once(struct etcd_store *etcd, const struct etcd_writing *writing,
				 uint64_t deadline, struct reason *why)
{
	const struct etcd_keys *keys = &writing->keys;
	const struct piece own = {writing->state, writing->state_len};
	const struct etcd_compare compares[] = {{ETCD_CREATED, etcd_key_of(&keys->cred), 0},
						etcd_meta_unchanged(etcd)};
	const struct etcd_op success[] = {
		put(&keys->cred, (struct piece){writing->box, writing->box_len}),
		put(&keys->state, own),
		delete (&keys->invite),
		read_back(&keys->state, own),
	};
	const struct etcd_op failure[] = {range(&keys->state), range(&keys->cred),
					  etcd_range_meta(etcd)};
	const struct etcd_change change = {{2, compares, {4, success}, {3, failure}}, own};
	OWN_ETCD_ANSWER struct etcd_answer answer = {.succeeded = false};
	enum totp_err err = etcd_put(etcd, &change, deadline, &answer, why);

	if (err == TOTP_ERR_STALE && answer.results[1].pair_count)
		return TOTP_ERR_EXISTS;
	if (err == TOTP_ERR_STALE && etcd_see_meta(etcd, &answer, 2, why) != TOTP_OK)
		return TOTP_ERR_OTHER_STORE;
	return err;
}

enum totp_err etcd_create(struct store *store, const struct cred *cred,
			  const struct login_state *state, uint64_t deadline, struct reason *why)
{
	struct etcd_store *etcd = etcd_store_of(store);
	NOT_ZEROED struct etcd_writing writing;
	enum totp_err err = TOTP_ERR_STALE;

	for (unsigned i = 0; i < STORE_TRIES && err == TOTP_ERR_STALE; i++) {
		err = etcd_encode_record(etcd, cred, state, &writing, why);
		if (err != TOTP_OK)
			return err;
		err = create_once(etcd, &writing, deadline, why);
	}
	if (err == TOTP_ERR_EXISTS)
		reason_set(why, "%.100s: is there already", cred->user);
	return err;
}

enum totp_err etcd_replace(struct store_txn *txn, const struct cred *cred,
			   const struct login_state *state, struct reason *why)
{
	struct etcd_store *etcd = etcd_store_of(txn->store);
	NOT_ZEROED struct etcd_writing writing;
	const struct etcd_keys *keys = &writing.keys;
	OWN_ETCD_ANSWER struct etcd_answer answer = {.succeeded = false};
	struct etcd_compare compares[COMPARES];
	enum totp_err err = etcd_encode_record(etcd, cred, state, &writing, why);

	if (err != TOTP_OK)
		return err;
	compare_with_read(txn, keys, compares);
	{
		const struct piece own = {writing.state, writing.state_len};
		const struct etcd_op success[] = {
			put(&keys->cred, (struct piece){writing.box, writing.box_len}),
			put(&keys->state, own),
			read_back(&keys->state, own),
		};
		const struct etcd_op failure[] = {range(&keys->state)};
		const struct etcd_change change = {{3, compares, {3, success}, {1, failure}}, own};

		return etcd_put(etcd, &change, txn->deadline, &answer, why);
	}
}

/* --- removing --- */

/*
 * Nothing stays that could say whose removal it was. So if the record is gone when the request was
 * sent again, nobody can tell, and the login that it belongs to is denied.
 */
enum totp_err etcd_remove_by(struct store_txn *txn, const struct login_state *next,
			     struct reason *why)
{
	struct etcd_store *etcd = etcd_store_of(txn->store);
	OWN_ETCD_ANSWER struct etcd_answer answer = {.succeeded = false};
	struct etcd_compare compares[COMPARES];
	struct etcd_keys keys;
	enum totp_err err = etcd_keys(etcd->prefix, txn->cred.user, &keys);

	(void)next; /* it goes with the record */
	if (err != TOTP_OK)
		return etcd_no_keys(err, why);
	compare_with_read(txn, &keys, compares);
	{
		const struct etcd_op success[] = {delete (&keys.cred), delete (&keys.state),
						  delete (&keys.invite)};
		const struct etcd_op failure[] = {range(&keys.cred)};
		const struct etcd_request request = {3, compares, {3, success}, {1, failure}};

		err = etcd_client_ask(etcd->client, &request, txn->deadline, &answer, why);
	}
	if (err == TOTP_OK)
		err = etcd_check_cluster(etcd, &etcd->meta, answer.cluster, why);
	if (err != TOTP_OK || answer.succeeded)
		return err;
	if (answer.again && !answer.results[0].pair_count)
		return reason_err(why, TOTP_ERR_TIMEOUT,
				  "%.100s: removed, perhaps by another program: an answer was lost",
				  txn->cred.user);
	return TOTP_ERR_STALE;
}

enum totp_err etcd_remove(struct store *store, const char *user, uint64_t deadline,
			  struct reason *why)
{
	struct etcd_store *etcd = etcd_store_of(store);
	OWN_ETCD_ANSWER struct etcd_answer answer = {.succeeded = false};
	struct etcd_keys keys;
	enum totp_err err = etcd_keys(etcd->prefix, user, &keys);

	if (err == TOTP_ERR_RANGE) /* no record can have that name */
		return TOTP_ERR_NOT_FOUND;
	if (err != TOTP_OK)
		return etcd_no_keys(err, why);
	{
		const struct etcd_compare absent = {ETCD_CREATED, etcd_key_of(&keys.cred), 0};
		const struct etcd_op all[] = {etcd_range_meta(etcd), delete (&keys.cred),
					      delete (&keys.state), delete (&keys.invite)};
		const struct etcd_request request = {1, &absent, {1, all}, {4, all}};

		err = etcd_client_ask(etcd->client, &request, deadline, &answer, why);
	}
	if (err == TOTP_OK)
		err = etcd_see_meta(etcd, &answer, 0, why);
	/* it may have been our own request that removed it, sent again */
	if (err == TOTP_OK && answer.succeeded && !answer.again)
		err = TOTP_ERR_NOT_FOUND;
	return err;
}
