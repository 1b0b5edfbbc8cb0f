/* SPDX-License-Identifier: BSD-2-Clause */
/* The first byte chooses a request; the rest is the answer to it, or an error. */
#include "fuzz.h"

#include "store/etcd/answer.h"

#define PIECE(text) \
	{ \
		(text), sizeof(text) - 1 \
	}

static const struct etcd_op put[] = {
	{.kind = ETCD_PUT, .key = PIECE("k"), .value = PIECE("v")},
	{.kind = ETCD_DELETE, .key = PIECE("i")},
	{.kind = ETCD_RANGE, .key = PIECE("k"), .value = PIECE("v")},
};
static const struct etcd_op page[] = {
	{.kind = ETCD_RANGE, .key = PIECE("a"), .end = PIECE("l"), .limit = 2},
	{.kind = ETCD_RANGE, .key = PIECE("m"), .keys_only = true},
};
static const struct etcd_request requests[] = {
	{.success = {3, put}, .failure = {2, page}},
	{.success = {2, page}, .failure = {1, put}},
};

static bool is_within(const void *at, size_t len, const uint8_t *bytes, size_t size)
{
	const uint8_t *start = at;

	return start >= bytes && start + len <= bytes + size;
}

static void check_result(const struct etcd_op *op, const struct etcd_result *result,
			 const struct etcd_answer *answer, size_t size)
{
	REQUIRE(op->kind == ETCD_RANGE || result->pair_count == 0);
	REQUIRE(result->pair_count <= (op->end.len ? op->limit : 1));
	for (size_t i = 0; i < result->pair_count; i++) {
		const struct etcd_pair *pair = &result->pairs[i];

		REQUIRE(is_within(pair->key.at, pair->key.len, answer->bytes, size));
		REQUIRE(op->keys_only ? pair->value.len == 0 : pair->value.len > 0);
		REQUIRE(op->keys_only ||
			is_within(pair->value.at, pair->value.len, answer->bytes, size));
		REQUIRE(pair->created && pair->created <= pair->modified &&
			pair->modified <= answer->revision);
	}
	if (op->kind == ETCD_RANGE && op->value.len)
		REQUIRE(result->pair_count == 1 && result->pairs[0].value.len == op->value.len &&
			memcmp(result->pairs[0].value.at, op->value.at, op->value.len) == 0);
}

static void read_answer(const struct etcd_request *request, const uint8_t *data, size_t size)
{
	static const struct etcd_answer empty;
	const struct etcd_ops *ops;
	struct etcd_answer answer;

	if (etcd_answer_decode(request, data, size, &answer) != TOTP_OK) {
		REQUIRE(memcmp(&answer, &empty, sizeof(empty)) == 0);
		return;
	}
	REQUIRE(answer.cluster && answer.member && answer.revision);
	ops = answer.succeeded ? &request->success : &request->failure;
	REQUIRE(answer.result_count == ops->count);
	for (size_t i = 0; i < ops->count; i++)
		check_result(&ops->ops[i], &answer.results[i], &answer, size);
	etcd_answer_free(&answer);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char message[ETCD_MESSAGE_MAX];
	bool is_final;

	if (!size)
		return 0;
	read_answer(&requests[data[0] & 1], data + 1, size - 1);
	if (etcd_answer_error(data + 1, size - 1, message, &is_final) == TOTP_OK)
		REQUIRE(message[0] && strlen(message) < sizeof(message));
	(void)etcd_answer_leader(data + 1, size - 1);
	return 0;
}
