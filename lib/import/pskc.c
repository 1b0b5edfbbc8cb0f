/* SPDX-License-Identifier: BSD-2-Clause */
#include "import/pskc.h"

#include "otp/hotp.h"
#include "otp/totp.h"

#define PERIOD_DEFAULT 30
#define COUNTER_MAX    UINT32_MAX

static enum totp_err decode_type(const struct pskc_texts *texts, struct token *token,
				 struct reason *why)
{
	struct text name = field_xml_trim(texts->algorithm);
	size_t begin = 0;

	/* "urn:ietf:params:xml:ns:keyprov:pskc:hotp", in drafts also "…pskc#hotp" and "HOTP" */
	for (size_t i = 0; i < name.len; i++)
		if (name.at[i] == ':' || name.at[i] == '#')
			begin = i + 1;
	name = (struct text){name.at + begin, name.len - begin};
	if (name.len == 4 && strncasecmp(name.at, "hotp", 4) == 0)
		token->type = TOKEN_HOTP;
	else if (name.len == 4 && strncasecmp(name.at, "totp", 4) == 0)
		token->type = TOKEN_TOTP;
	if (token->type)
		return TOTP_OK;
	return reason_err(why, TOTP_ERR_UNSUPPORTED,
			  "Algorithm: expected urn:ietf:params:xml:ns:keyprov:pskc:hotp or totp");
}

static enum totp_err decode_suite(const struct pskc_texts *texts, struct token *token,
				  struct reason *why)
{
	static const struct {
		const char *name;
		enum hmac_alg alg;
	} suites[] = {{"", HMAC_SHA1},
		      {"HMAC-SHA1", HMAC_SHA1},
		      {"HMAC-SHA256", HMAC_SHA256},
		      {"HMAC-SHA512", HMAC_SHA512}};
	struct text name = field_xml_trim(texts->suite);

	for (size_t i = 0; i < sizeof(suites) / sizeof(suites[0]); i++) {
		if (!text_is(name, suites[i].name))
			continue;
		token->alg = suites[i].alg;
		return TOTP_OK;
	}
	return reason_err(why, TOTP_ERR_UNSUPPORTED,
			  "Suite: expected HMAC-SHA1, HMAC-SHA256 or HMAC-SHA512");
}

static enum totp_err decode_response(const struct pskc_texts *texts, struct token *token,
				     struct reason *why)
{
	uint64_t digits = CODE_DIGITS_MIN;
	struct text encoding = field_xml_trim(texts->encoding),
		    check = field_xml_trim(texts->check);

	if ((encoding.len && !text_is(encoding, "DECIMAL")) || text_is(check, "true") ||
	    text_is(check, "1"))
		return reason_err(why, TOTP_ERR_UNSUPPORTED,
				  "ResponseFormat: expected DECIMAL without check digits");
	if (field_xml_trim(texts->length).len &&
	    text_number(field_xml_trim(texts->length), CODE_DIGITS_MIN, CODE_DIGITS_MAX, &digits) !=
		    TOTP_OK)
		return reason_err(why, TOTP_ERR_RANGE,
				  "ResponseFormat: expected a length of 6 to 8");
	token->digits = (uint8_t)digits;
	return TOTP_OK;
}

/* A number of the drafts: its bytes in base64, the highest first. */
static enum totp_err decode_binary(struct text text, const struct field_range *range,
				   uint64_t *ret_number)
{
	uint8_t bytes[sizeof(uint64_t)];
	struct buffer out = buffer_of(bytes, sizeof(bytes));
	uint64_t number = 0;

	if (field_xml_base64(text, &out) != TOTP_OK)
		return TOTP_ERR_RANGE;
	for (size_t i = 0; i < out.len; i++)
		number = number << 8 | bytes[i];
	if (number < range->min || number > range->max)
		return TOTP_ERR_RANGE;
	*ret_number = number;
	return TOTP_OK;
}

/* A number that may be left out. */
static enum totp_err decode_number(struct text text, const struct field_range *range,
				   uint64_t *number, struct reason *why)
{
	text = field_xml_trim(text);
	if (text.len == 0 ||
	    (text.at[text.len - 1] == '=' && decode_binary(text, range, number) == TOTP_OK))
		return TOTP_OK;
	return field_number(text, range, number, why) == TOTP_OK ? TOTP_OK : TOTP_ERR_RANGE;
}

/* How many steps the token's clock is ahead of the server's. */
static enum totp_err decode_drift(struct text text, struct token *token, struct reason *why)
{
	static const struct field_range drifts = {"TimeDrift", 0, CRED_OFFSET_MAX};
	bool negative;
	uint64_t steps = 0;
	enum totp_err err;

	text = field_xml_trim(text);
	negative = text.len && text.at[0] == '-';
	if (negative || (text.len && text.at[0] == '+'))
		text = (struct text){text.at + 1, text.len - 1};
	if (negative && text.len == 0)
		text = (struct text){"-", 1};
	err = decode_number(text, &drifts, &steps, why);
	token->offset = negative ? -(int32_t)steps : (int32_t)steps;
	return err;
}

static enum totp_err decode_moving(const struct pskc_texts *texts, struct imported *pskc,
				   struct reason *why)
{
	static const struct field_range counters = {"Counter", 0, COUNTER_MAX};
	static const struct field_range periods = {"TimeInterval", TOTP_PERIOD_MIN,
						   TOTP_PERIOD_MAX};
	static const struct field_range times = {"Time", 0, COUNTER_MAX};
	uint64_t period = PERIOD_DEFAULT;
	enum totp_err err;

	if (pskc->token.type == TOKEN_HOTP)
		return decode_number(texts->counter, &counters, &pskc->moving, why);
	err = decode_number(texts->interval, &periods, &period, why);
	pskc->token.period = (uint16_t)period;
	if (err == TOTP_OK)
		err = decode_number(texts->time, &times, &pskc->moving, why);
	return err == TOTP_OK ? decode_drift(texts->drift, &pskc->token, why) : err;
}

/* The value of the UID of a distinguished name (RFC 4514), or the whole text if it is none. */
static struct text uid_of(struct text name)
{
	struct text rest = name, part, key;

	if (!memchr(name.at, '=', name.len))
		return name;
	while (text_field(&rest, ',', &part)) {
		if (!text_field(&part, '=', &key))
			continue;
		key = text_trim(key);
		if (key.len == 3 && strncasecmp(key.at, "UID", 3) == 0)
			return text_trim(part);
	}
	return (struct text){"", 0};
}

static enum totp_err decode_secret(const struct pskc_texts *texts, const struct pskc_keys *keys,
				   struct secret *secret, struct reason *why)
{
	struct buffer out = buffer_of(secret->data, SECRET_MAX);
	enum totp_err err;

	if (keys) {
		err = pskc_open(keys, &texts->sealed, texts->mac, secret, why);
		if (err != TOTP_OK)
			return err;
	} else {
		err = field_xml_base64(texts->secret, &out);
		secret->len = out.len;
	}
	return field_secret(err, secret, "Secret", "base64", why);
}

static enum totp_err decode_texts(const struct pskc_texts *texts, const struct pskc_keys *keys,
				  struct imported *pskc, struct reason *why)
{
	struct text user = uid_of(field_xml_trim(texts->user)),
		    serial = field_xml_trim(texts->serial);
	struct token *token = &pskc->token;
	enum totp_err err = decode_type(texts, token, why);

	if (err == TOTP_OK)
		err = decode_suite(texts, token, why);
	if (err == TOTP_OK)
		err = decode_response(texts, token, why);
	if (err != TOTP_OK)
		return err;
	err = decode_secret(texts, keys, &token->secret, why);
	if (err == TOTP_OK)
		err = decode_moving(texts, pskc, why);
	if (err != TOTP_OK)
		return err;
	if (!text_is_clean(user) || text_copy(user, pskc->user, sizeof(pskc->user)) != TOTP_OK)
		return reason_err(why, TOTP_ERR_FORMAT,
				  "UserId: expected a name of at most %d bytes", CRED_USER_MAX);
	if (cred_label_is_good(serial))
		memcpy(token->label, serial.at, serial.len);
	return TOTP_OK;
}

enum totp_err pskc_decode(const struct pskc_texts *texts, const struct pskc_keys *keys,
			  struct imported *ret_token, struct reason *why)
{
	enum totp_err err;

	*ret_token = (struct imported){.moving = 0};
	err = decode_texts(texts, keys, ret_token, why);
	if (err != TOTP_OK)
		imported_wipe(ret_token);
	return err;
}
