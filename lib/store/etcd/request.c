/* SPDX-License-Identifier: BSD-2-Clause */
#include "store/etcd/request.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/base64.h"

#define FIXED_MAX 160 /* characters of a compare or an operation without its keys and value */

static bool ops_are_good(const struct etcd_ops *ops, size_t *size)
{
	if (ops->count > ETCD_OPS_MAX)
		return false;
	for (size_t i = 0; i < ops->count; i++) {
		const struct etcd_op *op = &ops->ops[i];

		if (!op->key.len || (op->kind == ETCD_PUT && !op->value.len) ||
		    (op->end.len && !op->limit))
			return false;
		*size += FIXED_MAX + BASE64_LEN(op->key.len) + BASE64_LEN(op->end.len) +
			 BASE64_LEN(op->value.len);
	}
	return true;
}

/* Can it be encoded? *ret_size: so many characters are enough. */
static bool request_is_good(const struct etcd_request *request, size_t *ret_size)
{
	size_t size = FIXED_MAX;

	if (request->compare_count > ETCD_OPS_MAX)
		return false;
	for (size_t i = 0; i < request->compare_count; i++) {
		const struct etcd_compare *compare = &request->compares[i];

		if (!compare->key.len || compare->revision > ETCD_REVISION_MAX)
			return false;
		size += FIXED_MAX + BASE64_LEN(compare->key.len);
	}
	if (!ops_are_good(&request->success, &size) || !ops_are_good(&request->failure, &size))
		return false;
	*ret_size = size;
	return true;
}

static void put_text(struct buffer *out, const char *text)
{
	buffer_copy(out, text, strlen(text));
}

static void put_number(struct buffer *out, const char *before, uint64_t number)
{
	char text[64];

	snprintf(text, sizeof(text), "%s\"%llu\"", before, (unsigned long long)number);
	put_text(out, text);
}

/* `before`, and the bytes as a string; nothing if there are none. */
static void put_bytes(struct buffer *out, const char *before, struct piece bytes)
{
	size_t len = BASE64_LEN(bytes.len);

	if (!bytes.len)
		return;
	put_text(out, before);
	put_text(out, "\"");
	if (len <= out->cap - out->len) {
		base64_encode(bytes.at, bytes.len, (char *)out->data + out->len);
		out->len += len;
	} else {
		out->bad = true;
	}
	put_text(out, "\"");
}

static void put_compare(struct buffer *out, const struct etcd_compare *compare)
{
	bool created = compare->what == ETCD_CREATED;

	put_text(out, created ? "{\"target\":\"CREATE\",\"result\":\"EQUAL\""
			      : "{\"target\":\"MOD\",\"result\":\"EQUAL\"");
	put_bytes(out, ",\"key\":", compare->key);
	put_number(out,
		   created ? ",\"create_revision\":" : ",\"mod_revision\":", compare->revision);
	put_text(out, "}");
}

static void put_op(struct buffer *out, const struct etcd_op *op)
{
	static const char *const names[] = {[ETCD_RANGE] = "{\"request_range\":{",
					    [ETCD_PUT] = "{\"request_put\":{",
					    [ETCD_DELETE] = "{\"request_delete_range\":{"};

	put_text(out, names[op->kind]);
	put_bytes(out, "\"key\":", op->key);
	put_bytes(out, ",\"range_end\":", op->end);
	if (op->kind == ETCD_PUT)
		put_bytes(out, ",\"value\":", op->value);
	if (op->end.len)
		put_number(out, ",\"limit\":", op->limit);
	if (op->keys_only)
		put_text(out, ",\"keys_only\":true");
	put_text(out, "}}");
}

static void put_ops(struct buffer *out, const char *before, const struct etcd_ops *ops)
{
	put_text(out, before);
	for (size_t i = 0; i < ops->count; i++) {
		put_text(out, i ? "," : "");
		put_op(out, &ops->ops[i]);
	}
	put_text(out, "]");
}

enum totp_err etcd_request_encode(const struct etcd_request *request, char **ret_json,
				  size_t *ret_len)
{
	struct buffer out;
	size_t size = 0;
	char *json;

	if (!request_is_good(request, &size))
		return TOTP_ERR_ARGUMENT;
	json = malloc(size);
	if (!json)
		return TOTP_ERR_NOMEM;

	out = buffer_of(json, size);
	put_text(&out, "{\"compare\":[");
	for (size_t i = 0; i < request->compare_count; i++) {
		put_text(&out, i ? "," : "");
		put_compare(&out, &request->compares[i]);
	}
	put_ops(&out, "],\"success\":[", &request->success);
	put_ops(&out, ",\"failure\":[", &request->failure);
	put_text(&out, "}");
	if (out.bad) {
		free(json);
		return TOTP_ERR_ARGUMENT;
	}
	*ret_json = json;
	*ret_len = out.len;
	return TOTP_OK;
}
