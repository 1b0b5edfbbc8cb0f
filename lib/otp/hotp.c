/* SPDX-License-Identifier: BSD-2-Clause */
#include "otp/hotp.h"

#include "base/bytes.h"

enum totp_err hotp_code(const struct hotp *hotp, uint64_t counter, struct code *ret_code)
{
	uint8_t message[8];
	_Alignas(64) uint8_t mac[MAC_MAX]; /* one line of a cache: which part is read stays in it */
	struct buffer out = buffer_of(message, sizeof(message));
	const struct piece key = {hotp->key->data, hotp->key->len};
	const struct piece whole = {message, sizeof(message)};
	const uint8_t *at = mac;
	uint32_t value;
	enum totp_err err;

	if (hotp->digits < CODE_DIGITS_MIN || hotp->digits > CODE_DIGITS_MAX || key.len == 0 ||
	    key.len > SECRET_MAX)
		return TOTP_ERR_RANGE;

	buffer_u64(&out, counter);
	err = crypto_hmac(hotp->alg, key, &whole, 1, mac);
	if (err != TOTP_OK)
		return err;

	/* dynamic truncation (RFC 4226 section 5.3): 31 bits from a place that the MAC names */
	at += mac[crypto_mac_len(hotp->alg) - 1] & 15;
	value = (uint32_t)(at[0] & 127) << 24 | (uint32_t)at[1] << 16 | (uint32_t)at[2] << 8 |
		at[3];
	WIPE(mac);
	*ret_code = (struct code){0};
	for (unsigned i = hotp->digits; i > 0; i--, value /= 10)
		ret_code->text[i - 1] = (char)('0' + value % 10);
	return TOTP_OK;
}

bool code_equal(const struct code *a, const struct code *b)
{
	return secret_equal(a->text, b->text, sizeof(a->text));
}

enum totp_err hotp_matches(const struct hotp *hotp, const struct code *typed, uint64_t counter,
			   bool *ret_same)
{
	struct code right = {0};
	enum totp_err err = hotp_code(hotp, counter, &right);

	if (err == TOTP_OK)
		*ret_same = code_equal(&right, typed);
	WIPE(right);
	return err;
}

enum totp_err hotp_find(const struct hotp *hotp, const struct code *typed, uint64_t next,
			uint64_t ahead, struct counter_match *ret_match)
{
	struct counter_match match = {0};
	enum totp_err err = TOTP_OK;

	if (ahead > HOTP_AHEAD_MAX || next > UINT64_MAX - 2 * HOTP_AHEAD_MAX)
		return TOTP_ERR_RANGE;
	for (uint64_t counter = next; counter <= next + ahead && err == TOTP_OK; counter++) {
		bool same = false;

		err = hotp_matches(hotp, typed, counter, &same);
		match.found |= same;
		match.counter = same ? counter : match.counter;
	}
	if (err == TOTP_OK && next > 0)
		err = hotp_matches(hotp, typed, next - 1, &match.used);
	if (err == TOTP_OK)
		*ret_match = match;
	return err;
}
