/* SPDX-License-Identifier: BSD-2-Clause */
#include "otp/uri.h"

#include <stdio.h>
#include <strings.h>

#include "otp/hotp.h"
#include "otp/totp.h"

void uri_wipe(struct otp_uri *uri)
{
	explicit_bzero(uri, sizeof(*uri));
}

enum totp_err uri_algorithm_of(struct text name, enum hmac_alg *ret_alg)
{
	for (enum hmac_alg alg = HMAC_SHA1; alg <= HMAC_SHA512; alg++) {
		if (name.len != strlen(crypto_alg_name(alg)) ||
		    strncasecmp(name.at, crypto_alg_name(alg), name.len) != 0)
			continue;
		*ret_alg = alg;
		return TOTP_OK;
	}
	return TOTP_ERR_FORMAT;
}

enum totp_err uri_check_name(const char *what, struct text name, size_t max, struct reason *why)
{
	if (name.len == 0 || name.len > max)
		return reason_err(why, TOTP_ERR_RANGE, "%s: %zu bytes long, expected 1 to %zu",
				  what, name.len, max);
	if (memchr(name.at, ':', name.len))
		return reason_err(
			why, TOTP_ERR_FORMAT,
			"%s: a colon is not allowed, since authenticator apps split there", what);
	if (!text_is_clean(name))
		return reason_err(why, TOTP_ERR_FORMAT,
				  "%s: expected UTF-8 text without control characters", what);
	return TOTP_OK;
}

/* RFC 3986 section 2.3 */
static bool is_unreserved(char c)
{
	return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') ||
	       c == '-' || c == '.' || c == '_' || c == '~';
}

/* Append to a text whose array the size constants above make large enough, as stpcpy does. */
static char *append_encoded(char *end, const char *text)
{
	for (; *text; text++) {
		if (is_unreserved(*text))
			*end++ = *text;
		else
			end += sprintf(end, "%%%02X", (unsigned)(unsigned char)*text);
	}
	*end = '\0';
	return end;
}

static enum totp_err uri_check(const struct otp_uri *uri)
{
	enum totp_err err = uri_check_name("account", text_of(uri->account), URI_ACCOUNT_MAX, NULL);

	if (err == TOTP_OK && uri->issuer[0])
		err = uri_check_name("issuer", text_of(uri->issuer), URI_ISSUER_MAX, NULL);
	if (err != TOTP_OK)
		return err;
	if (crypto_mac_len(uri->alg) == 0 || uri->digits < CODE_DIGITS_MIN ||
	    uri->digits > CODE_DIGITS_MAX || uri->secret.len == 0 || uri->secret.len > SECRET_MAX)
		return TOTP_ERR_RANGE;
	if (!uri->hotp && (uri->period < TOTP_PERIOD_MIN || uri->period > TOTP_PERIOD_MAX))
		return TOTP_ERR_RANGE;
	return TOTP_OK;
}

enum totp_err uri_write(const struct otp_uri *uri, char ret_text[URI_TEXT_MAX])
{
	char base32[BASE32_TEXT_MAX];
	char *end = ret_text;
	enum totp_err err = uri_check(uri);

	*ret_text = '\0';
	if (err != TOTP_OK)
		return err;

	end = stpcpy(end, uri->hotp ? "otpauth://hotp/" : "otpauth://totp/");
	if (uri->issuer[0])
		end = stpcpy(append_encoded(end, uri->issuer), ":");
	end = append_encoded(end, uri->account);
	base32_encode(&uri->secret, base32);
	end = stpcpy(stpcpy(end, "?secret="), base32);
	WIPE(base32);
	if (uri->issuer[0])
		end = append_encoded(stpcpy(end, "&issuer="), uri->issuer);
	if (uri->alg != HMAC_SHA1)
		end = stpcpy(stpcpy(end, "&algorithm="), crypto_alg_name(uri->alg));
	if (uri->digits != 6)
		end += sprintf(end, "&digits=%u", uri->digits);
	if (uri->hotp)
		sprintf(end, "&counter=%llu", (unsigned long long)uri->counter);
	else if (uri->period != 30)
		sprintf(end, "&period=%u", (unsigned)uri->period);
	return TOTP_OK;
}

/* Undo percent-encoding into a C string of cap bytes. */
static enum totp_err decode_percent(struct text in, char *dst, size_t cap)
{
	size_t len = 0;

	for (size_t i = 0; i < in.len; i++) {
		char c = in.at[i];

		if (c == '%') {
			if (in.len - i < 3 ||
			    text_hex((struct text){in.at + i + 1, 2}, &c, 1) != TOTP_OK)
				return TOTP_ERR_FORMAT;
			i += 2;
		}
		if (c == '\0')
			return TOTP_ERR_FORMAT;
		if (len + 1 >= cap)
			return TOTP_ERR_RANGE;
		dst[len++] = c;
	}
	dst[len] = '\0';
	return TOTP_OK;
}

/* A secret may be percent-encoded, too, at most its padding and the blanks between its groups. */
static enum totp_err decode_secret(struct text value, struct otp_uri *uri)
{
	char base32[3 * BASE32_TEXT_MAX];
	enum totp_err err = decode_percent(value, base32, sizeof(base32));

	if (err == TOTP_OK)
		err = base32_decode_cut(base32, strlen(base32), &uri->secret, &uri->cut);
	WIPE(base32);
	return err;
}

/* Where issuer and account part: at a ':' or, where there is none, at a "%3A". */
static const char *find_separator(struct text label, size_t *ret_width)
{
	const char *colon = label.len ? memchr(label.at, ':', label.len) : NULL;

	*ret_width = colon ? 1 : 3;
	for (size_t i = 0; !colon && i + 3 <= label.len; i++)
		if (strncasecmp(label.at + i, "%3A", 3) == 0)
			colon = label.at + i;
	return colon;
}

static enum totp_err parse_label(struct text label, struct otp_uri *uri)
{
	size_t width = 0;
	const char *separator = find_separator(label, &width);
	enum totp_err err = TOTP_OK;

	if (separator) {
		size_t before = (size_t)(separator - label.at);

		err = decode_percent((struct text){label.at, before}, uri->issuer,
				     sizeof(uri->issuer));
		label.at += before + width;
		label.len -= before + width;
	}
	label = text_trim(label);
	while (label.len >= 3 && memcmp(label.at, "%20", 3) == 0)
		label = text_trim((struct text){label.at + 3, label.len - 3});
	if (err == TOTP_OK)
		err = decode_percent(label, uri->account, sizeof(uri->account));
	return err;
}

enum param {
	PARAM_SECRET,
	PARAM_ISSUER,
	PARAM_ALGORITHM,
	PARAM_DIGITS,
	PARAM_PERIOD,
	PARAM_COUNTER,
	PARAM_COUNT
};

static const char *const param_names[PARAM_COUNT] = {"secret", "issuer", "algorithm",
						     "digits", "period", "counter"};

static enum totp_err parse_value(enum param param, struct text value, struct otp_uri *uri)
{
	uint64_t number = 0;
	enum totp_err err;

	switch (param) {
	case PARAM_SECRET:
		return decode_secret(value, uri);
	case PARAM_ISSUER:
		return value.len ? decode_percent(value, uri->issuer, sizeof(uri->issuer))
				 : TOTP_OK;
	case PARAM_ALGORITHM:
		return uri_algorithm_of(value, &uri->alg);
	case PARAM_DIGITS:
		err = text_number(value, CODE_DIGITS_MIN, CODE_DIGITS_MAX, &number);
		uri->digits = (unsigned)number;
		return err;
	case PARAM_PERIOD:
		err = text_number(value, TOTP_PERIOD_MIN, TOTP_PERIOD_MAX, &number);
		uri->period = (uint32_t)number;
		return err;
	case PARAM_COUNTER:
		return text_number(value, 0, UINT64_MAX, &uri->counter);
	case PARAM_COUNT:
		break;
	}
	return TOTP_ERR_ARGUMENT;
}

static enum totp_err parse_query(struct text query, struct otp_uri *uri, struct reason *why)
{
	bool seen[PARAM_COUNT] = {false};
	struct text pair, name;

	while (text_field(&query, '&', &pair)) {
		enum param param = PARAM_SECRET;
		enum totp_err err;

		if (!text_field(&pair, '=', &name))
			continue;
		while (param < PARAM_COUNT && (name.len != strlen(param_names[param]) ||
					       strncasecmp(name.at, param_names[param], name.len)))
			param++;
		if (param == PARAM_COUNT)
			continue;
		err = seen[param] ? TOTP_ERR_FORMAT : parse_value(param, pair, uri);
		if (err != TOTP_OK)
			return reason_err(why, err, "%s: %s", param_names[param],
					  seen[param] ? "given twice" : err_name(err));
		seen[param] = true;
	}
	if (!seen[PARAM_SECRET] || (uri->hotp && !seen[PARAM_COUNTER]))
		return reason_err(why, TOTP_ERR_FORMAT, "no %s in the URI",
				  seen[PARAM_SECRET] ? "counter" : "secret");
	return TOTP_OK;
}

static enum totp_err parse_whole(struct text text, struct otp_uri *uri, struct reason *why)
{
	static const char scheme[] = "otpauth://";
	struct text label;
	enum totp_err err;

	if (text.len < sizeof(scheme) + 4 || strncasecmp(text.at, scheme, sizeof(scheme) - 1) ||
	    (strncasecmp(text.at + sizeof(scheme) - 1, "totp/", 5) &&
	     strncasecmp(text.at + sizeof(scheme) - 1, "hotp/", 5)))
		return reason_err(
			why, TOTP_ERR_FORMAT,
			"expected a URI that begins with otpauth://totp/ or otpauth://hotp/");
	uri->hotp = (text.at[sizeof(scheme) - 1] | 32) == 'h';
	text.at += sizeof(scheme) + 4;
	text.len -= sizeof(scheme) + 4;

	if (!text_field(&text, '?', &label) || parse_label(label, uri) != TOTP_OK)
		return reason_err(
			why, TOTP_ERR_FORMAT,
			"label: expected ISSUER:ACCOUNT, percent-encoded, of %d and %d bytes",
			URI_ISSUER_MAX, URI_ACCOUNT_MAX);
	err = parse_query(text, uri, why);
	if (err == TOTP_OK &&
	    (!text_is_clean(text_of(uri->issuer)) || !text_is_clean(text_of(uri->account)))) {
		reason_set(why, "issuer and account: expected UTF-8 without control characters");
		err = TOTP_ERR_FORMAT;
	}
	return err;
}

enum totp_err uri_parse(struct text text, struct otp_uri *ret_uri, struct reason *why)
{
	enum totp_err err;

	uri_wipe(ret_uri);
	ret_uri->alg = HMAC_SHA1;
	ret_uri->digits = 6;
	ret_uri->period = 30;
	err = parse_whole(text, ret_uri, why);
	if (err != TOTP_OK)
		uri_wipe(ret_uri);
	return err;
}
