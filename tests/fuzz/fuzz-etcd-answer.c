/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The first byte chooses a request; the rest is the response to it, or the body that holds one, or
 * the trailers of an error: a line for each.
 */
#include "fuzz.h"

#include "store/etcd/answer.h"
#include "store/etcd/rpc.h"

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

static void read_answer(const struct etcd_request *request, struct piece message)
{
	static const struct etcd_answer empty;
	const struct etcd_ops *ops;
	struct etcd_answer answer;

	if (etcd_answer_decode(request, message, &answer) != TOTP_OK) {
		REQUIRE(memcmp(&answer, &empty, sizeof(empty)) == 0);
		return;
	}
	REQUIRE(answer.cluster && answer.member && answer.revision);
	ops = answer.succeeded ? &request->success : &request->failure;
	REQUIRE(answer.result_count == ops->count);
	for (size_t i = 0; i < ops->count; i++)
		check_result(&ops->ops[i], &answer.results[i], &answer, message.len);
	etcd_answer_free(&answer);
}

static void read_trailers(struct text rest)
{
	struct text code = {"", 0}, message = {"", 0};
	struct rpc_status status;

	(void)text_line(&rest, &code);
	(void)text_line(&rest, &message);
	rpc_status(code, message, &status);
	REQUIRE(status.code == RPC_STATUS_NONE || status.code <= UINT32_MAX);
	REQUIRE(strlen(status.message) <= message.len);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct piece rest = {data + 1, size - 1}, message;

	if (!size)
		return 0;
	read_answer(&requests[data[0] & 1], rest);
	if (rpc_open(rest, &message) == TOTP_OK) {
		REQUIRE(is_within(message.at, message.len, data, size));
		read_answer(&requests[data[0] & 1], message);
	}
	read_trailers(fuzz_text(rest.at, rest.len));
	(void)etcd_answer_leader(rest);
	return 0;
}
