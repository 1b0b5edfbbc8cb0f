/* SPDX-License-Identifier: BSD-2-Clause */
#include "base/base64.h"

void base64_encode(const void *data, size_t len, char *ret_text)
{
	static const char symbols[] =
		"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
	const uint8_t *at = data;

	for (size_t i = 0; i < len; i += 3) {
		size_t left = len - i;
		uint32_t group = (uint32_t)at[i] << 16;

		if (left > 1)
			group |= (uint32_t)at[i + 1] << 8;
		if (left > 2)
			group |= at[i + 2];
		*ret_text++ = symbols[group >> 18];
		*ret_text++ = symbols[group >> 12 & 63];
		*ret_text++ = left > 1 ? symbols[group >> 6 & 63] : '=';
		*ret_text++ = left > 2 ? symbols[group & 63] : '=';
	}
}

static int base64_value(char c)
{
	if (c >= 'A' && c <= 'Z')
		return c - 'A';
	if (c >= 'a' && c <= 'z')
		return c - 'a' + 26;
	if (c >= '0' && c <= '9')
		return c - '0' + 52;
	return c == '+' ? 62 : c == '/' ? 63 : -1;
}

enum totp_err base64_append(const char *text, size_t len, struct buffer *out)
{
	uint32_t pending = 0; /* bits not yet written, lowest last */
	unsigned bits = 0;
	size_t padding = 0;
	bool too_long = false;

	out->bad |= len % 4 != 0;
	while (!out->bad && padding < 2 && padding < len && text[len - 1 - padding] == '=')
		padding++;
	for (size_t i = 0; i < len - padding && !out->bad; i++) {
		int value = base64_value(text[i]);

		if (value < 0) {
			out->bad = true;
			break;
		}
		pending = (pending << 6 | (uint32_t)value) & 0xfff;
		bits += 6;
		if (bits < 8)
			continue;
		bits -= 8;
		too_long = out->len == out->cap;
		buffer_u8(out, (uint8_t)(pending >> bits));
	}
	out->bad |= (pending & ((1u << bits) - 1)) != 0;
	explicit_bzero(&pending, sizeof(pending));
	if (too_long)
		return TOTP_ERR_RANGE;
	return out->bad ? TOTP_ERR_FORMAT : TOTP_OK;
}

enum totp_err base64_decode(const char *text, size_t len, struct secret *ret_key)
{
	struct buffer out = buffer_of(ret_key->data, SECRET_MAX);
	enum totp_err err;

	secret_wipe(ret_key);
	err = len ? base64_append(text, len, &out) : TOTP_ERR_RANGE;
	ret_key->len = out.len;
	if (err != TOTP_OK)
		secret_wipe(ret_key);
	return err;
}
