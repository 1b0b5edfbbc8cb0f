/* SPDX-License-Identifier: BSD-2-Clause */
#include "store/etcd/rpc.h"

#include "base/bytes.h"

const struct piece rpc_empty = {(const uint8_t[RPC_PREFIX_LEN]){0}, RPC_PREFIX_LEN};

void rpc_prefix(uint8_t prefix[RPC_PREFIX_LEN], size_t len)
{
	struct buffer out = buffer_of(prefix, RPC_PREFIX_LEN);

	buffer_u8(&out, 0);
	buffer_u32(&out, (uint32_t)len);
}

enum totp_err rpc_open(struct piece body, struct piece *ret_message)
{
	struct bytes in = bytes_of(body.at, body.len);
	uint8_t compression = bytes_u8(&in);
	uint32_t len = bytes_u32(&in);

	if (in.bad || compression != 0 || in.left != len)
		return TOTP_ERR_FORMAT;
	*ret_message = (struct piece){in.at, len};
	return TOTP_OK;
}

/* Undo percent-encoding, so far as it is one, up to cap bytes; returns how many. */
static size_t decode_percent(struct text in, char *dst, size_t cap)
{
	size_t len = 0;

	for (; in.len && len < cap; in.at++, in.len--) {
		dst[len] = in.at[0];
		if (in.at[0] == '%' && in.len > 2 &&
		    text_hex((struct text){in.at + 1, 2}, &dst[len], 1) == TOTP_OK) {
			in.at += 2;
			in.len -= 2;
		}
		len++;
	}
	return len;
}

void rpc_status(struct text code, struct text message, struct rpc_status *ret_status)
{
	char plain[RPC_MESSAGE_MAX];
	size_t len = decode_percent(message, plain, sizeof(plain));

	ret_status->code = RPC_STATUS_NONE;
	if (code.len < 2 || code.at[0] != '0') /* a number has one spelling */
		(void)!text_number(code, 0, UINT32_MAX, &ret_status->code);
	text_printable((struct text){plain, len}, ret_status->message, RPC_MESSAGE_MAX);
}
