#include "otp/hotp.h"

#include "base/bytes.h"

/* Dynamic truncation (RFC 4226 section 5.3): 31 bits from a place the MAC itself names. */
static uint32_t truncate_mac(const uint8_t *mac, size_t len)
{
	size_t offset = mac[len - 1] & 15;

	return (uint32_t)(mac[offset] & 127) << 24 | (uint32_t)mac[offset + 1] << 16 |
	       (uint32_t)mac[offset + 2] << 8 | mac[offset + 3];
}

enum totp_err hotp_code(enum hmac_alg alg, const struct secret *key, uint64_t counter,
			unsigned digits, struct code *ret_code)
{
	uint8_t message[8], mac[MAC_MAX];
	struct buffer out = buffer_of(message, sizeof(message));
	const struct piece whole = {message, sizeof(message)};
	uint32_t value;
	enum totp_err err;

	if (digits < CODE_DIGITS_MIN || digits > CODE_DIGITS_MAX || key->len == 0 ||
	    key->len > SECRET_MAX)
		return TOTP_ERR_RANGE;

	buffer_u64(&out, counter);
	err = crypto_hmac(alg, key->data, key->len, &whole, 1, mac);
	if (err != TOTP_OK)
		return err;

	value = truncate_mac(mac, crypto_mac_len(alg));
	WIPE(mac);
	*ret_code = (struct code){0};
	for (unsigned i = digits; i > 0; i--, value /= 10)
		ret_code->text[i - 1] = (char)('0' + value % 10);
	return TOTP_OK;
}

bool code_equal(const struct code *a, const struct code *b)
{
	return secret_equal(a->text, b->text, sizeof(a->text));
}
