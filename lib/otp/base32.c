#include "otp/base32.h"

#include <stdint.h>

static int symbol_value(char c)
{
	if (c >= 'A' && c <= 'Z')
		return c - 'A';
	if (c >= 'a' && c <= 'z')
		return c - 'a';
	if (c >= '2' && c <= '7')
		return c - '2' + 26;
	return -1;
}

/* May `symbols` be followed by `padding` '=' signs? None at all is always right. */
static bool padding_fits(size_t symbols, size_t padding)
{
	return padding == 0 || (symbols % 8 != 0 && padding == 8 - symbols % 8);
}

static enum totp_err decode_symbols(const char *text, size_t len, struct secret *key)
{
	size_t symbols = 0, padding = 0;
	uint32_t pending = 0; /* bits not yet written, lowest last */
	unsigned bits = 0;

	for (size_t i = 0; i < len; i++) {
		int value = symbol_value(text[i]);

		if (text[i] == ' ' || text[i] == '-')
			continue;
		if (text[i] == '=') {
			padding++;
			continue;
		}
		if (value < 0 || padding)
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
	/* five or more bits left over would be a symbol that encodes nothing */
	if (key->len == 0 || bits >= 5 || (pending & ((1u << bits) - 1)) ||
	    !padding_fits(symbols, padding))
		return TOTP_ERR_FORMAT;
	return TOTP_OK;
}

enum totp_err base32_decode(const char *text, size_t len, struct secret *ret_key)
{
	enum totp_err err;

	secret_wipe(ret_key);
	err = decode_symbols(text, len, ret_key);
	if (err != TOTP_OK)
		secret_wipe(ret_key);
	return err;
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
