#include "import/pskc.h"

#include "otp/hotp.h"
#include "otp/totp.h"

#define NAMESPACE      "urn:ietf:params:xml:ns:keyprov:pskc:"
#define PERIOD_DEFAULT 30
#define COUNTER_MAX    UINT32_MAX

void pskc_wipe(struct pskc *pskc)
{
	explicit_bzero(pskc, sizeof(*pskc));
}

/* XML lets blanks and line ends stand around any text. */
static struct text trim(struct text text)
{
	while (text.len && strchr(" \t\r\n", text.at[0]) && text.at[0])
		text = (struct text){text.at + 1, text.len - 1};
	while (text.len && strchr(" \t\r\n", text.at[text.len - 1]) && text.at[text.len - 1])
		text.len--;
	return text;
}

static enum totp_err decode_algorithm(const struct pskc_texts *texts, struct pskc *pskc,
				      struct reason *why)
{
	struct text name = trim(texts->algorithm);

	if (text_is(name, NAMESPACE "hotp"))
		pskc->token.type = TOKEN_HOTP;
	else if (text_is(name, NAMESPACE "totp"))
		pskc->token.type = TOKEN_TOTP;
	if (pskc->token.type)
		return TOTP_OK;
	reason_set(why, "Algorithm: expected " NAMESPACE "hotp or totp");
	return TOTP_ERR_UNSUPPORTED;
}

static enum totp_err decode_suite(const struct pskc_texts *texts, struct pskc *pskc,
				  struct reason *why)
{
	static const struct {
		const char *name;
		enum hmac_alg alg;
	} suites[] = {{"", HMAC_SHA1},
		      {"HMAC-SHA1", HMAC_SHA1},
		      {"HMAC-SHA256", HMAC_SHA256},
		      {"HMAC-SHA512", HMAC_SHA512}};
	struct text name = trim(texts->suite);

	for (size_t i = 0; i < sizeof(suites) / sizeof(suites[0]); i++) {
		if (!text_is(name, suites[i].name))
			continue;
		pskc->token.alg = suites[i].alg;
		return TOTP_OK;
	}
	reason_set(why, "Suite: expected HMAC-SHA1, HMAC-SHA256 or HMAC-SHA512");
	return TOTP_ERR_UNSUPPORTED;
}

static enum totp_err decode_response(const struct pskc_texts *texts, struct pskc *pskc,
				     struct reason *why)
{
	uint64_t digits = CODE_DIGITS_MIN;
	struct text encoding = trim(texts->encoding), check = trim(texts->check);

	if ((encoding.len && !text_is(encoding, "DECIMAL")) || text_is(check, "true") ||
	    text_is(check, "1")) {
		reason_set(why, "ResponseFormat: expected DECIMAL without check digits");
		return TOTP_ERR_UNSUPPORTED;
	}
	if (trim(texts->length).len && text_number(trim(texts->length), CODE_DIGITS_MIN,
						   CODE_DIGITS_MAX, &digits) != TOTP_OK) {
		reason_set(why, "ResponseFormat: expected a length of 6 to 8");
		return TOTP_ERR_RANGE;
	}
	pskc->token.digits = (uint8_t)digits;
	return TOTP_OK;
}

static int base64_value(char c)
{
	static const char alphabet[] =
		"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
	const char *at = c ? strchr(alphabet, c) : NULL;

	return at ? (int)(at - alphabet) : -1;
}

/* base64 (RFC 4648 section 4), with blanks anywhere as XML has them, and padding. */
static enum totp_err decode_base64(struct text text, struct secret *ret_secret)
{
	uint32_t pending = 0;
	unsigned bits = 0, symbols = 0, padding = 0;

	for (size_t i = 0; i < text.len; i++) {
		int value = base64_value(text.at[i]);

		if (text.at[i] && strchr(" \t\r\n", text.at[i]))
			continue;
		padding += text.at[i] == '=';
		if (text.at[i] == '=' && padding <= 2)
			continue;
		if (value < 0 || padding)
			return TOTP_ERR_FORMAT;
		symbols++;
		pending = (pending << 6 | (uint32_t)value) & 0xfff;
		bits += 6;
		if (bits < 8)
			continue;
		if (ret_secret->len == SECRET_MAX)
			return TOTP_ERR_RANGE;
		bits -= 8;
		ret_secret->data[ret_secret->len++] = (uint8_t)(pending >> bits);
	}
	if ((symbols + padding) % 4 || (pending & ((1u << bits) - 1)))
		return TOTP_ERR_FORMAT;
	return ret_secret->len >= SECRET_IMPORT_MIN ? TOTP_OK : TOTP_ERR_RANGE;
}

static enum totp_err decode_secret(const struct pskc_texts *texts, struct pskc *pskc,
				   struct reason *why)
{
	enum totp_err err = decode_base64(texts->secret, &pskc->token.secret);

	if (err == TOTP_ERR_FORMAT)
		reason_set(why, "Secret: expected base64");
	if (err == TOTP_ERR_RANGE)
		reason_set(why, "Secret: expected %d to %d bytes in base64", SECRET_IMPORT_MIN,
			   SECRET_MAX);
	return err;
}

/* A number that may be left out. */
static enum totp_err decode_number(struct text text, const char *name, uint64_t min, uint64_t max,
				   uint64_t *number, struct reason *why)
{
	text = trim(text);
	if (text.len == 0 || text_number(text, min, max, number) == TOTP_OK)
		return TOTP_OK;
	reason_set(why, "%s: expected a number from %u to %u", name, (unsigned)min, (unsigned)max);
	return TOTP_ERR_RANGE;
}

/* How many steps the token's clock is ahead of the server's. */
static enum totp_err decode_drift(struct text text, struct token *token, struct reason *why)
{
	bool negative;
	uint64_t steps = 0;
	enum totp_err err;

	text = trim(text);
	negative = text.len && text.at[0] == '-';
	if (negative || (text.len && text.at[0] == '+'))
		text = (struct text){text.at + 1, text.len - 1};
	if (negative && text.len == 0)
		text = (struct text){"-", 1};
	err = decode_number(text, "TimeDrift", 0, CRED_OFFSET_MAX, &steps, why);
	token->offset = negative ? -(int32_t)steps : (int32_t)steps;
	return err;
}

static enum totp_err decode_moving(const struct pskc_texts *texts, struct pskc *pskc,
				   struct reason *why)
{
	uint64_t period = PERIOD_DEFAULT;
	enum totp_err err;

	if (pskc->token.type == TOKEN_HOTP)
		return decode_number(texts->counter, "Counter", 0, COUNTER_MAX, &pskc->moving, why);
	err = decode_number(texts->interval, "TimeInterval", TOTP_PERIOD_MIN, TOTP_PERIOD_MAX,
			    &period, why);
	pskc->token.period = (uint16_t)period;
	if (err == TOTP_OK)
		err = decode_number(texts->time, "Time", 0, COUNTER_MAX, &pskc->moving, why);
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

static enum totp_err decode_user(const struct pskc_texts *texts, struct pskc *pskc,
				 struct reason *why)
{
	struct text user = uid_of(trim(texts->user));

	if (text_is_clean(user) && text_copy(user, pskc->user, sizeof(pskc->user)) == TOTP_OK)
		return TOTP_OK;
	reason_set(why, "UserId: expected a name of at most %d bytes", CRED_USER_MAX);
	return TOTP_ERR_FORMAT;
}

static enum totp_err decode_label(const struct pskc_texts *texts, struct pskc *pskc,
				  struct reason *why)
{
	struct text serial = trim(texts->serial);

	(void)why;
	if (cred_label_is_good(serial))
		memcpy(pskc->token.label, serial.at, serial.len);
	return TOTP_OK;
}

enum totp_err pskc_decode(const struct pskc_texts *texts, int64_t now, struct pskc *ret_pskc,
			  struct reason *why)
{
	static enum totp_err (*const decoders[])(const struct pskc_texts *, struct pskc *,
						 struct reason *) = {
		decode_algorithm, decode_suite, decode_response, decode_secret,
		decode_moving,    decode_user,  decode_label};
	enum totp_err err = TOTP_OK;

	*ret_pskc = (struct pskc){.token = {.created = now}};
	for (size_t i = 0; i < sizeof(decoders) / sizeof(decoders[0]) && err == TOTP_OK; i++)
		err = decoders[i](texts, ret_pskc, why);
	if (err != TOTP_OK)
		pskc_wipe(ret_pskc);
	return err;
}
