/* SPDX-License-Identifier: BSD-2-Clause */
/* Walks over all records in etcd, shard by shard and page by page: nothing is kept in memory. */
#include <string.h>

#include "base/io.h"
#include "store/etcd/etcd.h"

#ifndef NAMES_A_PAGE
#define NAMES_A_PAGE   1000
#define RECORDS_A_PAGE 200
#endif

/* Where a walk is: the keys of some parts from a place on. */
struct page {
	struct etcd_store *etcd;
	unsigned shard;
	struct etcd_key from[2], end[2];
	enum etcd_part parts[2];
	size_t part_count;
	uint32_t limit;
	bool keys_only;
};

static void begin_shard(struct page *page)
{
	for (size_t i = 0; i < page->part_count; i++) {
		page->from[i] = etcd_shard(page->etcd->prefix, page->parts[i], page->shard);
		page->end[i] = etcd_shard(page->etcd->prefix, page->parts[i], page->shard + 1);
	}
}

/* Results: the meta key, then one for each part. */
static enum totp_err read_page(const struct page *page, struct etcd_answer *ret_answer,
			       struct reason *why)
{
	struct etcd_op ops[3] = {etcd_range_meta(page->etcd)};
	const struct etcd_request request = {.success = {1 + page->part_count, ops}};
	enum totp_err err;

	for (size_t i = 0; i < page->part_count; i++)
		ops[1 + i] = (struct etcd_op){.kind = ETCD_RANGE,
					      .key = etcd_key_of(&page->from[i]),
					      .end = etcd_key_of(&page->end[i]),
					      .limit = page->limit,
					      .keys_only = page->keys_only};
	err = etcd_client_ask(page->etcd->client, &request, io_deadline(ETCD_WORK_MS), ret_answer,
			      why);
	return err == TOTP_OK ? etcd_see_meta(page->etcd, ret_answer, 0, why) : err;
}

/* The first key after this one; after all that begin like it, if it is longer than any of ours. */
static struct etcd_key key_after(struct piece key)
{
	struct etcd_key after = {.len = key.len + 1};

	if (key.len < sizeof(after.text)) {
		memcpy(after.text, key.at, key.len); /* and a NUL */
		return after;
	}
	after.len = sizeof(after.text);
	memcpy(after.text, key.at, after.len);
	while (after.text[after.len - 1] == '\xff') /* the prefix has none */
		after.len--;
	after.text[after.len - 1]++;
	return after;
}

/* Go on after this key, in each part. */
static void go_on_after(struct page *page, struct piece key)
{
	for (size_t i = 0; i < page->part_count; i++) {
		page->from[i] = key_after(key);
		page->from[i].text[strlen(page->etcd->prefix)] = (char)page->parts[i];
	}
}

/* The user of a key, or "" if it is nobody's. */
static void user_of(const struct page *page, struct piece key, char ret_user[CRED_USER_MAX + 1])
{
	struct text text = etcd_name_of(page->etcd->prefix, page->parts[0], key);
	char name[STORE_NAME_MAX + 1];

	if (text_copy(text, name, sizeof(name)) != TOTP_OK ||
	    store_user_of(name, ret_user) != TOTP_OK)
		ret_user[0] = '\0';
}

typedef void pair_fn(void *context, const char *user, const struct etcd_pair *pair);

/* Call `look` with every user's key of one part. */
static enum totp_err walk(struct page *page, pair_fn *look, void *context, struct reason *why)
{
	for (; page->shard < ETCD_SHARDS; page->shard++) {
		bool more = true;

		for (begin_shard(page); more;) {
			OWN_ETCD_ANSWER struct etcd_answer answer = {.succeeded = false};
			const struct etcd_result *result = &answer.results[1];
			enum totp_err err = read_page(page, &answer, why);

			if (err != TOTP_OK)
				return err;
			for (size_t i = 0; i < result->pair_count; i++) {
				char user[CRED_USER_MAX + 1];

				user_of(page, result->pairs[i].key, user);
				if (user[0])
					look(context, user, &result->pairs[i]);
			}
			more = result->count > result->pair_count;
			if (more)
				go_on_after(page, result->pairs[result->pair_count - 1].key);
		}
	}
	return TOTP_OK;
}

static enum etcd_part part_of(enum store_kind kind)
{
	return kind == STORE_RECORD ? ETCD_CREDS : ETCD_INVITES;
}

/* --- names --- */

struct naming {
	store_each_fn *each;
	void *context;
};

static void name_user(void *context, const char *user, const struct etcd_pair *pair)
{
	const struct naming *naming = context;

	(void)pair;
	naming->each(naming->context, user);
}

enum totp_err etcd_each(struct store *store, enum store_kind kind, store_each_fn *each,
			void *context, struct reason *why)
{
	struct page page = {.etcd = etcd_store_of(store),
			    .parts = {part_of(kind)},
			    .part_count = 1,
			    .limit = NAMES_A_PAGE,
			    .keys_only = true};

	return walk(&page, name_user, &(struct naming){each, context}, why);
}

/* --- keys --- */

struct keys_walk {
	enum store_kind kind;
	store_key_fn *each;
	void *context;
};

static void name_key(void *context, const char *user, const struct etcd_pair *pair)
{
	const struct keys_walk *keys = context;
	struct store_sealed sealed = {.kind = keys->kind, .user = user};

	sealed.err = seal_key_id(bytes_of(pair->value.at, pair->value.len), &sealed.key_id);
	keys->each(keys->context, &sealed);
}

enum totp_err etcd_each_key(struct store *store, store_key_fn *each, void *context,
			    struct reason *why)
{
	enum totp_err err = TOTP_OK;

	for (unsigned i = 0; i < 2 && err == TOTP_OK; i++) {
		struct keys_walk keys = {i ? STORE_INVITE : STORE_RECORD, each, context};
		struct page page = {.etcd = etcd_store_of(store),
				    .parts = {part_of(keys.kind)},
				    .part_count = 1,
				    .limit = RECORDS_A_PAGE};

		err = walk(&page, name_key, &keys, why);
	}
	return err;
}

/* --- records --- */

struct rows {
	struct store *store;
	store_row_fn *each;
	void *context;
	size_t number;
};

static void call_with_row(struct rows *rows, const char *user, const struct etcd_result *cred,
			  const struct etcd_result *state)
{
	OWN_TXN struct store_txn txn = STORE_TXN_NONE;
	struct reason why = {""};
	struct store_row row = {.user = user, .txn = &txn, .why = &why, .number = ++rows->number};

	txn.store = rows->store;
	row.err = etcd_decode_record(&txn, user, cred, state, &why);
	row.cred_opens = txn.cred.user[0] != '\0';
	if (row.err != TOTP_OK)
		memset(&txn.state, 0, sizeof(txn.state));
	rows->each(rows->context, &row);
}

/* The order of two users' keys, of whatever parts: that of HH/NAME. */
static int compare(struct piece a, struct piece b, size_t skip)
{
	size_t len = a.len < b.len ? a.len : b.len;
	int order = memcmp((const char *)a.at + skip, (const char *)b.at + skip, len - skip);

	return order || a.len == b.len ? order : a.len < b.len ? -1 : 1;
}

/*
 * One page of credentials beside one of states. Where the page of states ends first, the rest of
 * the credentials wait for the next page. Returns the last key that was dealt with.
 */
static struct piece merge(struct rows *rows, const struct page *page,
			  const struct etcd_result *creds, const struct etcd_result *states)
{
	size_t skip = strlen(page->etcd->prefix) + 1, next = 0;
	bool more = states->count > states->pair_count;
	struct piece last = {NULL, 0};

	for (size_t i = 0; i < creds->pair_count; i++) {
		struct etcd_result cred = {&creds->pairs[i], 1, 1}, state = {NULL, 0, 0};
		char user[CRED_USER_MAX + 1];

		while (next < states->pair_count &&
		       compare(states->pairs[next].key, cred.pairs->key, skip) < 0)
			next++;
		if (next == states->pair_count && more)
			break;
		if (next < states->pair_count &&
		    compare(states->pairs[next].key, cred.pairs->key, skip) == 0)
			state = (struct etcd_result){&states->pairs[next], 1, 1};
		user_of(page, cred.pairs->key, user);
		if (user[0])
			call_with_row(rows, user, &cred, &state);
		last = cred.pairs->key;
	}
	/* all of them are states without a credential, or behind the last credential */
	if (!last.len && states->pair_count)
		last = states->pairs[states->pair_count - 1].key;
	return last;
}

enum totp_err etcd_each_credential(struct store *store, store_row_fn *each, void *context,
				   struct reason *why)
{
	struct rows rows = {store, each, context, 0};
	struct page page = {.etcd = etcd_store_of(store),
			    .parts = {ETCD_CREDS, ETCD_STATES},
			    .part_count = 2,
			    .limit = RECORDS_A_PAGE};

	for (; page.shard < ETCD_SHARDS; page.shard++) {
		bool more = true;

		for (begin_shard(&page); more;) {
			OWN_ETCD_ANSWER struct etcd_answer answer = {.succeeded = false};
			const struct etcd_result *creds = &answer.results[1];
			enum totp_err err = read_page(&page, &answer, why);
			struct piece last;

			if (err != TOTP_OK)
				return err;
			last = merge(&rows, &page, creds, &answer.results[2]);
			more = last.len && (creds->count > creds->pair_count ||
					    (creds->pair_count &&
					     compare(last, creds->pairs[creds->pair_count - 1].key,
						     strlen(page.etcd->prefix) + 1) < 0));
			if (more)
				go_on_after(&page, last);
		}
	}
	return TOTP_OK;
}
