/* SPDX-License-Identifier: BSD-2-Clause */
#include "otp/base32.h"

#include <stdint.h>

#include "base/text.h"

static int base32_value(char c, bool loose)
{
	if (loose && (c == '0' || c == '1' || c == '8'))
		c = c == '0' ? 'O' : c == '1' ? 'L' : 'B';
	if (c >= 'A' && c <= 'Z')
		return c - 'A';
	if (c >= 'a' && c <= 'z')
		return c - 'a';
	if (c >= '2' && c <= '7')
		return c - '2' + 26;
	return -1;
}

static enum totp_err decode_symbols(struct text text, bool loose, struct secret *key, bool *ret_cut)
{
	size_t symbols = 0, padding = 0;
	uint32_t pending = 0; /* bits not yet written, lowest last */
	unsigned bits = 0;

	for (size_t i = 0; i < text.len; i++) {
		char c = text.at[i];
		int value = base32_value(c, loose);

		if (c == ' ' || c == '-' || (loose && c == '\t'))
			continue;
		if (c == '=') {
			padding++;
			continue;
		}
		if (value < 0 || (padding && !loose))
			return TOTP_ERR_FORMAT;
		symbols++;
		pending = (pending << 5 | (uint32_t)value) & 0xfff;
		bits += 5;
		if (bits < 8)
			continue;
		if (key->len == SECRET_MAX)
			return TOTP_ERR_RANGE;
		bits -= 8;
		key->data[key->len++] = (uint8_t)(pending >> bits);
	}
	*ret_cut = (pending & ((1u << bits) - 1)) != 0;
	if (loose)
		return key->len ? TOTP_OK : TOTP_ERR_RANGE;
	/* five or more bits left over would be a symbol that encodes nothing */
	if (key->len == 0 || bits >= 5)
		return TOTP_ERR_FORMAT;
	return padding == 0 || (symbols % 8 != 0 && padding == 8 - symbols % 8) ? TOTP_OK
										: TOTP_ERR_FORMAT;
}

static enum totp_err decode_or_wipe(struct text text, bool loose, struct secret *ret_key,
				    bool *ret_cut)
{
	enum totp_err err;

	secret_wipe(ret_key);
	err = decode_symbols(text, loose, ret_key, ret_cut);
	if (err != TOTP_OK)
		secret_wipe(ret_key);
	return err;
}

enum totp_err base32_decode_cut(const char *text, size_t len, struct secret *ret_key, bool *ret_cut)
{
	*ret_cut = false;
	return decode_or_wipe((struct text){text, len}, false, ret_key, ret_cut);
}

enum totp_err base32_decode(const char *text, size_t len, struct secret *ret_key)
{
	bool cut = false;
	enum totp_err err = base32_decode_cut(text, len, ret_key, &cut);

	if (err == TOTP_OK && cut) {
		secret_wipe(ret_key);
		return TOTP_ERR_FORMAT;
	}
	return err;
}

enum totp_err base32_decode_loose(const char *text, size_t len, struct secret *ret_key)
{
	bool cut = false;

	return decode_or_wipe((struct text){text, len}, true, ret_key, &cut);
}

void base32_encode(const struct secret *key, char ret_text[BASE32_TEXT_MAX])
{
	static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
	uint32_t pending = 0;
	unsigned bits = 0;
	size_t len = 0;

	for (size_t i = 0; i < key->len; i++) {
		pending = (pending << 8 | key->data[i]) & 0xfff;
		for (bits += 8; bits >= 5; bits -= 5)
			ret_text[len++] = alphabet[pending >> (bits - 5) & 31];
	}
	if (bits)
		ret_text[len++] = alphabet[pending << (5 - bits) & 31];
	ret_text[len] = '\0';
}
