/* SPDX-License-Identifier: BSD-2-Clause */
#include "base/base64.h"

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

static enum totp_err decode_symbols(const char *text, size_t len, struct secret *key)
{
	uint32_t pending = 0; /* bits not yet written, lowest last */
	unsigned bits = 0;
	size_t padding = 0;
	bool good;

	if (len == 0)
		return TOTP_ERR_RANGE;
	if (len % 4)
		return TOTP_ERR_FORMAT;
	while (padding < 2 && text[len - 1 - padding] == '=')
		padding++;
	for (size_t i = 0; i < len - padding; i++) {
		int value = base64_value(text[i]);

		if (value < 0)
			return TOTP_ERR_FORMAT;
		pending = (pending << 6 | (uint32_t)value) & 0xfff;
		bits += 6;
		if (bits < 8)
			continue;
		if (key->len == SECRET_MAX)
			return TOTP_ERR_RANGE;
		bits -= 8;
		key->data[key->len++] = (uint8_t)(pending >> bits);
	}
	good = (pending & ((1u << bits) - 1)) == 0;
	explicit_bzero(&pending, sizeof(pending));
	return good ? TOTP_OK : TOTP_ERR_FORMAT;
}

enum totp_err base64_decode(const char *text, size_t len, struct secret *ret_key)
{
	enum totp_err err;

	secret_wipe(ret_key);
	err = decode_symbols(text, len, ret_key);
	if (err != TOTP_OK)
		secret_wipe(ret_key);
	return err;
}
