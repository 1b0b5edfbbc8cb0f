/* SPDX-License-Identifier: BSD-2-Clause */
#include "store/etcd/answer.h"

#include <stdlib.h>
#include <string.h>

#include "base/protobuf.h"
#include "store/etcd/rpc.h"

/* An answer that is being decoded. */
struct decoding {
	struct etcd_answer *answer;
	struct piece responses[ETCD_OPS_MAX]; /* of each operation, its own response */
	size_t pair_count;                    /* in all of them */
	bool bad;
};

/* Is a number, which etcd has as an int64, within these two? */
static bool is_within(uint64_t number, uint64_t min, uint64_t max)
{
	return number >= min && number <= max && number <= INT64_MAX;
}

static int compare(struct piece a, struct piece b)
{
	size_t len = a.len < b.len ? a.len : b.len;
	int order = len ? memcmp(a.at, b.at, len) : 0; /* of an empty one `at` may be NULL */

	return order || a.len == b.len ? order : a.len < b.len ? -1 : 1;
}

static void decode_pair(struct decoding *in, const struct etcd_op *op, struct piece message,
			struct etcd_pair *pair)
{
	uint64_t version = 0;
	const struct protobuf_known known[] = {
		{KV_KEY, .bytes = &pair->key},
		{KV_CREATE_REVISION, .value = &pair->created},
		{KV_MOD_REVISION, .value = &pair->modified},
		{KV_VERSION, .value = &version},
		{KV_VALUE, .bytes = &pair->value},
	};

	in->bad |= !PROTOBUF_READ(message, known);
	in->bad |= op->keys_only ? pair->value.at != NULL : !pair->value.len;
	in->bad |= !is_within(pair->created, 1, pair->modified) ||
		   !is_within(pair->modified, 1, in->answer->revision) ||
		   !is_within(version, 1, INT64_MAX);
	if (op->end.len)
		in->bad |= compare(pair->key, op->key) < 0 || compare(pair->key, op->end) >= 0;
	else
		in->bad |= compare(pair->key, op->key) != 0;
}

/* The pairs of a range; as many as result->pair_count. */
static void decode_pairs(struct decoding *in, const struct etcd_op *op, struct piece message,
			 struct etcd_result *result)
{
	struct etcd_pair *pairs = in->answer->pairs + in->pair_count;
	struct bytes rest = bytes_of(message.at, message.len);
	struct protobuf_field field;
	size_t i = 0;

	result->pairs = pairs;
	while (!in->bad && protobuf_take(&rest, &field)) {
		if (field.number != RANGE_KVS)
			continue;
		decode_pair(in, op, field.bytes, &pairs[i]);
		in->bad |= i && compare(pairs[i - 1].key, pairs[i].key) >= 0;
		i++;
	}
	in->bad |= op->value.len && (i != 1 || compare(pairs[0].value, op->value) != 0);
	in->pair_count += i;
}

/* All of the response to an operation but for its pairs, which are counted. */
static void decode_response(struct decoding *in, const struct etcd_op *op, struct piece message,
			    struct etcd_result *result)
{
	struct piece header = {NULL, 0};
	uint64_t revision = 0, more = 0, count = 0, deleted = 0;
	const struct protobuf_known known_header[] = {{HEADER_REVISION, .value = &revision}};
	const struct protobuf_known known[][4] = {
		[ETCD_RANGE] = {{RESPONSE_HEADER, .bytes = &header},
				{RANGE_KVS, .times = &result->pair_count},
				{RANGE_MORE, .value = &more},
				{RANGE_COUNT, .value = &count}},
		[ETCD_PUT] = {{RESPONSE_HEADER, .bytes = &header}},
		[ETCD_DELETE] = {{RESPONSE_HEADER, .bytes = &header},
				 {DELETE_RANGE_DELETED, .value = &deleted}},
	};
	size_t pairs;

	in->bad |= !PROTOBUF_READ(message, known[op->kind]) ||
		   !PROTOBUF_READ(header, known_header) || revision != in->answer->revision;
	pairs = result->pair_count;
	in->bad |= pairs > (op->end.len ? op->limit : 1) || !is_within(count, pairs, INT64_MAX);
	/* the last page, and it alone, has all that there is */
	in->bad |= more > 1 || (count > pairs) != !!more;
	in->bad |= more && (!op->end.len || pairs < op->limit);
	in->bad |= deleted > 1;
	result->count = op->kind == ETCD_DELETE ? deleted : count;
}

/* The response to an operation is the only field of its message. */
static void decode_result(struct decoding *in, const struct etcd_op *op, struct piece message)
{
	static const uint32_t numbers[] = {
		[ETCD_RANGE] = OP_RANGE, [ETCD_PUT] = OP_PUT, [ETCD_DELETE] = OP_DELETE_RANGE};
	struct etcd_answer *answer = in->answer;
	struct bytes rest = bytes_of(message.at, message.len);
	struct protobuf_field field;

	in->bad |= !protobuf_take(&rest, &field) || bytes_end(&rest) != TOTP_OK ||
		   field.number != numbers[op->kind] || field.kind != PROTOBUF_BYTES;
	if (in->bad)
		return;
	decode_response(in, op, field.bytes, &answer->results[answer->result_count]);
	in->responses[answer->result_count] = field.bytes;
	in->pair_count += answer->results[answer->result_count].pair_count;
	answer->result_count++;
}

static void decode_header(struct decoding *in, struct piece message)
{
	struct etcd_answer *answer = in->answer;
	const struct protobuf_known known[] = {
		{HEADER_CLUSTER_ID, .value = &answer->cluster},
		{HEADER_MEMBER_ID, .value = &answer->member},
		{HEADER_REVISION, .value = &answer->revision},
		{HEADER_RAFT_TERM, .value = &answer->term},
	};

	in->bad |= !PROTOBUF_READ(message, known) || !answer->cluster || !answer->member ||
		   !is_within(answer->revision, 1, INT64_MAX) || !answer->term;
}

/* All but for the pairs of ranges, which are counted. */
static void decode_results(struct decoding *in, const struct etcd_ops **ops,
			   const struct etcd_request *request, struct piece message)
{
	struct bytes rest = bytes_of(message.at, message.len);
	struct piece header = {NULL, 0};
	uint64_t succeeded = 0;
	size_t count = 0;
	const struct protobuf_known known[] = {
		{RESPONSE_HEADER, .bytes = &header},
		{TXN_SUCCEEDED, .value = &succeeded},
		{TXN_RESPONSES, .times = &count},
	};
	struct protobuf_field field;

	in->bad |= !PROTOBUF_READ(message, known) || succeeded > 1;
	decode_header(in, header);
	in->answer->succeeded = succeeded;
	*ops = succeeded ? &request->success : &request->failure;
	in->bad |= count != (*ops)->count;
	while (!in->bad && protobuf_take(&rest, &field))
		if (field.number == TXN_RESPONSES)
			decode_result(in, &(*ops)->ops[in->answer->result_count], field.bytes);
}

static enum totp_err decode(const struct etcd_request *request, struct piece message,
			    struct etcd_answer *answer)
{
	struct decoding in = {.answer = answer};
	const struct etcd_ops *ops;

	answer->bytes = malloc(message.len);
	if (!answer->bytes)
		return TOTP_ERR_NOMEM;
	memcpy(answer->bytes, message.at, message.len);
	message.at = answer->bytes;
	decode_results(&in, &ops, request, message);
	if (in.bad)
		return TOTP_ERR_FORMAT;
	answer->pairs = calloc(in.pair_count + 1, sizeof(*answer->pairs));
	if (!answer->pairs)
		return TOTP_ERR_NOMEM;
	in.pair_count = 0;
	for (size_t i = 0; i < ops->count; i++)
		if (ops->ops[i].kind == ETCD_RANGE)
			decode_pairs(&in, &ops->ops[i], in.responses[i], &answer->results[i]);
	return in.bad ? TOTP_ERR_FORMAT : TOTP_OK;
}

enum totp_err etcd_answer_decode(const struct etcd_request *request, struct piece message,
				 struct etcd_answer *ret_answer)
{
	enum totp_err err = TOTP_ERR_FORMAT;

	*ret_answer = (struct etcd_answer){.succeeded = false};
	if (message.len && message.len <= ETCD_ANSWER_MAX)
		err = decode(request, message, ret_answer);
	if (err != TOTP_OK)
		etcd_answer_free(ret_answer);
	return err;
}

void etcd_answer_free(struct etcd_answer *answer)
{
	free(answer->pairs);
	free(answer->bytes);
	*answer = (struct etcd_answer){.succeeded = false};
}

uint64_t etcd_answer_leader(struct piece message)
{
	uint64_t leader = 0;
	const struct protobuf_known known[] = {{STATUS_LEADER, .value = &leader}};

	return PROTOBUF_READ(message, known) ? leader : 0;
}
