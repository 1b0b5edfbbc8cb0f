/* SPDX-License-Identifier: BSD-2-Clause */
#include "store/etcd/request.h"

#include <stdlib.h>

#include "base/protobuf.h"
#include "store/etcd/rpc.h"

#define FIXED_MAX \
	(4 * PROTOBUF_FIELD_MAX) /* bytes of a compare or an operation without its pieces */

static bool ops_are_good(const struct etcd_ops *ops, size_t *size)
{
	if (ops->count > ETCD_OPS_MAX)
		return false;
	for (size_t i = 0; i < ops->count; i++) {
		const struct etcd_op *op = &ops->ops[i];

		if (!op->key.len || (op->kind == ETCD_PUT && !op->value.len) ||
		    (op->end.len && !op->limit))
			return false;
		*size += 2 * FIXED_MAX + op->key.len + op->end.len + op->value.len;
	}
	return true;
}

/* Can it be encoded? *ret_size: so many bytes are enough. */
static bool request_is_good(const struct etcd_request *request, size_t *ret_size)
{
	size_t size = FIXED_MAX;

	if (request->compare_count > ETCD_OPS_MAX)
		return false;
	for (size_t i = 0; i < request->compare_count; i++) {
		const struct etcd_compare *compare = &request->compares[i];

		if (!compare->key.len || compare->revision > ETCD_REVISION_MAX)
			return false;
		size += FIXED_MAX + compare->key.len;
	}
	if (!ops_are_good(&request->success, &size) || !ops_are_good(&request->failure, &size))
		return false;
	*ret_size = size;
	return size <= UINT32_MAX; /* as the prefix can say */
}

/* A result of 0 is left out: it is EQUAL. The revision is not: it chooses what to compare with. */
static void put_compare(struct buffer *out, const struct etcd_compare *compare)
{
	bool created = compare->what == ETCD_CREATED;
	size_t start = out->len;

	protobuf_put_number(out, COMPARE_TARGET, created ? TARGET_CREATE : TARGET_MOD);
	protobuf_put_bytes(out, COMPARE_KEY, compare->key);
	protobuf_put_number(out, created ? COMPARE_CREATE_REVISION : COMPARE_MOD_REVISION,
			    compare->revision);
	protobuf_put_around(out, TXN_COMPARE, start);
}

static void put_op(struct buffer *out, uint32_t branch, const struct etcd_op *op)
{
	static const uint32_t numbers[] = {
		[ETCD_RANGE] = OP_RANGE, [ETCD_PUT] = OP_PUT, [ETCD_DELETE] = OP_DELETE_RANGE};
	size_t start = out->len;

	protobuf_put_bytes(out, OP_KEY, op->key);
	if (op->end.len) {
		protobuf_put_bytes(out, RANGE_END, op->end);
		protobuf_put_number(out, RANGE_LIMIT, op->limit);
	}
	if (op->kind == ETCD_PUT)
		protobuf_put_bytes(out, PUT_VALUE, op->value);
	if (op->keys_only)
		protobuf_put_number(out, RANGE_KEYS_ONLY, true);
	protobuf_put_around(out, numbers[op->kind], start);
	protobuf_put_around(out, branch, start);
}

enum totp_err etcd_request_encode(const struct etcd_request *request, uint8_t **ret_body,
				  size_t *ret_len)
{
	struct buffer out;
	size_t size = 0;
	uint8_t *body;

	if (!request_is_good(request, &size))
		return TOTP_ERR_ARGUMENT;
	body = malloc(size);
	if (!body)
		return TOTP_ERR_NOMEM;

	out = buffer_of(body, size);
	buffer_zeros(&out, RPC_PREFIX_LEN);
	for (size_t i = 0; i < request->compare_count; i++)
		put_compare(&out, &request->compares[i]);
	for (size_t i = 0; i < request->success.count; i++)
		put_op(&out, TXN_SUCCESS, &request->success.ops[i]);
	for (size_t i = 0; i < request->failure.count; i++)
		put_op(&out, TXN_FAILURE, &request->failure.ops[i]);
	if (out.bad) {
		free(body);
		return TOTP_ERR_ARGUMENT;
	}
	rpc_prefix(body, out.len - RPC_PREFIX_LEN);
	*ret_body = body;
	*ret_len = out.len;
	return TOTP_OK;
}
