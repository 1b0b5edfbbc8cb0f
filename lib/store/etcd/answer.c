/* SPDX-License-Identifier: BSD-2-Clause */
#include "store/etcd/answer.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "base/base64.h"
#include "base/text.h"

#define INVALID_ARGUMENT 3 /* a code of gRPC */

/* An answer that is being decoded. */
struct decoding {
	struct etcd_answer *answer;
	struct buffer bytes; /* for keys and values */
	size_t pair_count;   /* so many of answer->pairs are in use */
	bool bad;
};

static struct text string_of(const json_t *value)
{
	return json_is_string(value)
		       ? (struct text){json_string_value(value), json_string_length(value)}
		       : (struct text){"", 0};
}

/* An integer of 64 bits, which JSON has as a string; one that is 0 is left out. */
static uint64_t number(struct decoding *in, const json_t *object, const char *name, uint64_t min)
{
	const json_t *value = json_object_get(object, name);
	uint64_t result = 0;

	if (value || min)
		in->bad |= text_number(string_of(value), 1, UINT64_MAX, &result) != TOTP_OK ||
			   string_of(value).at[0] == '0' || result < min;
	return result;
}

static struct piece bytes(struct decoding *in, const json_t *object, const char *name)
{
	struct text text = string_of(json_object_get(object, name));
	struct piece piece = {in->bytes.data + in->bytes.len, 0};
	size_t before = in->bytes.len;

	in->bad |= !text.len || base64_append(text.at, text.len, &in->bytes) != TOTP_OK;
	piece.len = in->bytes.len - before;
	return piece;
}

static int compare(struct piece a, struct piece b)
{
	size_t len = a.len < b.len ? a.len : b.len;
	int order = len ? memcmp(a.at, b.at, len) : 0; /* of an empty one `at` may be NULL */

	return order || a.len == b.len ? order : a.len < b.len ? -1 : 1;
}

static void decode_pair(struct decoding *in, const struct etcd_op *op, const json_t *object,
			struct etcd_pair *pair)
{
	in->bad |= !json_is_object(object);
	pair->key = bytes(in, object, "key");
	if (!op->keys_only)
		pair->value = bytes(in, object, "value");
	else
		in->bad |= json_object_get(object, "value") != NULL;
	pair->created = number(in, object, "create_revision", 1);
	pair->modified = number(in, object, "mod_revision", pair->created);
	(void)number(in, object, "version", 1);
	in->bad |= pair->modified > in->answer->revision;
	if (op->end.len)
		in->bad |= compare(pair->key, op->key) < 0 || compare(pair->key, op->end) >= 0;
	else
		in->bad |= compare(pair->key, op->key) != 0;
}

static void decode_range(struct decoding *in, const struct etcd_op *op, const json_t *object,
			 struct etcd_result *result)
{
	const json_t *pairs = json_object_get(object, "kvs"),
		     *more = json_object_get(object, "more");
	struct etcd_pair *first = in->answer->pairs + in->pair_count;
	size_t count = json_array_size(pairs); /* 0 for anything else */

	result->pairs = first;
	result->pair_count = count;
	result->count = number(in, object, "count", count);
	in->bad |= (pairs && count == 0) || count > (op->end.len ? op->limit : 1);
	/* the last page, and it alone, has all that there is */
	in->bad |= (more && !json_is_true(more)) || (result->count > count) != !!more;
	in->bad |= more && (!op->end.len || count < op->limit);
	for (size_t i = 0; i < count && !in->bad; i++) {
		decode_pair(in, op, json_array_get(pairs, i), &first[i]);
		in->bad |= i && compare(first[i - 1].key, first[i].key) >= 0;
	}
	in->bad |= op->value.len && (count != 1 || compare(first[0].value, op->value) != 0);
	in->pair_count += count;
}

static void decode_result(struct decoding *in, const struct etcd_op *op, const json_t *response,
			  struct etcd_result *result)
{
	static const char *const names[] = {[ETCD_RANGE] = "response_range",
					    [ETCD_PUT] = "response_put",
					    [ETCD_DELETE] = "response_delete_range"};
	const json_t *object = json_object_get(response, names[op->kind]);

	in->bad |= json_object_size(response) != 1 || !json_is_object(object) ||
		   number(in, json_object_get(object, "header"), "revision", 1) !=
			   in->answer->revision;
	if (op->kind == ETCD_RANGE)
		decode_range(in, op, object, result);
	if (op->kind == ETCD_DELETE)
		result->count = number(in, object, "deleted", 0);
	in->bad |= op->kind == ETCD_DELETE && result->count > 1;
}

/* So many pairs are in an answer, whatever is wrong with it. */
static size_t count_pairs(const json_t *responses)
{
	size_t count = 0;

	for (size_t i = 0; i < json_array_size(responses); i++)
		count += json_array_size(json_object_get(
			json_object_get(json_array_get(responses, i), "response_range"), "kvs"));
	return count;
}

static void decode_header(struct decoding *in, const json_t *root)
{
	const json_t *header = json_object_get(root, "header");
	const json_t *succeeded = json_object_get(root, "succeeded");
	struct etcd_answer *answer = in->answer;

	answer->cluster = number(in, header, "cluster_id", 1);
	answer->member = number(in, header, "member_id", 1);
	answer->revision = number(in, header, "revision", 1);
	answer->term = number(in, header, "raft_term", 1);
	in->bad |= succeeded && !json_is_true(succeeded);
	answer->succeeded = json_is_true(succeeded);
}

static enum totp_err decode(const struct etcd_request *request, const json_t *root, size_t len,
			    struct etcd_answer *answer)
{
	const json_t *responses = json_object_get(root, "responses");
	size_t pair_count = count_pairs(responses);
	struct decoding in = {.answer = answer};
	const struct etcd_ops *ops;

	answer->bytes = malloc(len);
	answer->pairs = calloc(pair_count + 1, sizeof(*answer->pairs));
	if (!answer->bytes || !answer->pairs)
		return TOTP_ERR_NOMEM;
	in.bytes = buffer_of(answer->bytes, len);
	decode_header(&in, root);
	ops = answer->succeeded ? &request->success : &request->failure;
	in.bad |= json_array_size(responses) != ops->count || (responses && !ops->count);
	for (; answer->result_count < ops->count && !in.bad; answer->result_count++)
		decode_result(&in, &ops->ops[answer->result_count],
			      json_array_get(responses, answer->result_count),
			      &answer->results[answer->result_count]);
	return in.bad ? TOTP_ERR_FORMAT : TOTP_OK;
}

enum totp_err etcd_answer_decode(const struct etcd_request *request, const void *json, size_t len,
				 struct etcd_answer *ret_answer)
{
	json_t *root = len <= ETCD_ANSWER_MAX ? json_loadb(json, len, JSON_REJECT_DUPLICATES, NULL)
					      : NULL;
	enum totp_err err = TOTP_ERR_FORMAT;

	*ret_answer = (struct etcd_answer){.succeeded = false};
	if (json_is_object(root))
		err = decode(request, root, len, ret_answer);
	json_decref(root);
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

enum totp_err etcd_answer_error(const void *json, size_t len, char ret_message[ETCD_MESSAGE_MAX],
				bool *ret_final)
{
	json_t *root = json_loadb(json, len, JSON_REJECT_DUPLICATES, NULL);
	const json_t *code = json_object_get(root, "code");
	struct text message = string_of(json_object_get(root, "message"));
	bool good = message.len && json_is_integer(code);

	if (good) {
		text_printable(message, ret_message, ETCD_MESSAGE_MAX);
		*ret_final = json_integer_value(code) == INVALID_ARGUMENT;
	}
	json_decref(root);
	return good ? TOTP_OK : TOTP_ERR_FORMAT;
}

uint64_t etcd_answer_leader(const void *json, size_t len)
{
	json_t *root = json_loadb(json, len, JSON_REJECT_DUPLICATES, NULL);
	struct decoding in = {.bad = false};
	uint64_t leader = number(&in, root, "leader", 0);

	json_decref(root);
	return in.bad ? 0 : leader;
}
