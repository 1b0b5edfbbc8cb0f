/* SPDX-License-Identifier: BSD-2-Clause */
#include "import/oath.h"

#include "otp/totp.h"

/* "HOTP", then "/E" or "/T" with a period, then "/" and the number of digits. */
static enum totp_err read_type(struct text word, struct imported *imported, struct reason *why)
{
	struct token *token = &imported->token;
	struct text part;
	uint64_t number = 0;
	bool good = word.len && word.at[word.len - 1] != '/';

	good = good && text_field(&word, '/', &part) && text_is(part, "HOTP");
	token->type = TOKEN_HOTP;
	token->alg = HMAC_SHA1;
	token->digits = CODE_DIGITS_MIN;
	if (good && text_field(&word, '/', &part) && !text_is(part, "E")) {
		token->type = TOKEN_TOTP;
		good = part.len > 1 && part.at[0] == 'T' &&
		       text_number((struct text){part.at + 1, part.len - 1}, TOTP_PERIOD_MIN,
				   TOTP_PERIOD_MAX, &number) == TOTP_OK;
		token->period = (uint16_t)number;
	}
	if (good && text_field(&word, '/', &part)) {
		good = text_number(part, CODE_DIGITS_MIN, CODE_DIGITS_MAX, &number) == TOTP_OK;
		token->digits = (uint8_t)number;
	}
	if (good && word.len == 0)
		return TOTP_OK;
	return reason_err(why, TOTP_ERR_FORMAT,
			  "type: expected HOTP, HOTP/E or HOTP/T30, with /6, /7 or /8 after it");
}

/*
 * The counter is that of the code that was used last, if there is one, else the next. For a
 * time-based token it says nothing. The peer does not look at the digits of the type, so those
 * of a code that it took count.
 */
static enum totp_err read_last_code(struct text word, struct imported *imported, struct reason *why)
{
	imported->used = word.len > 0 && !text_is(word, "-");
	if (imported->token.type == TOKEN_HOTP)
		imported->moving += imported->used;
	else
		imported->moving = 0;
	if (!imported->used)
		return TOTP_OK;
	if (word.len >= CODE_DIGITS_MIN &&
	    text_copy(word, imported->last.text, sizeof(imported->last.text)) == TOTP_OK &&
	    strspn(imported->last.text, "0123456789") == word.len) {
		imported->token.digits = (uint8_t)word.len;
		return TOTP_OK;
	}
	return reason_err(why, TOTP_ERR_FORMAT, "last code: expected %d to %d digits",
			  CODE_DIGITS_MIN, CODE_DIGITS_MAX);
}

static enum totp_err read_last_time(struct text word, struct imported *imported, struct reason *why)
{
	static const char shape[] = "YYYY-MM-DDThh:mm:ssL"; /* with a letter L for "local" */
	char time[sizeof(shape)];
	const char *end = NULL;

	if (word.len == 0)
		return TOTP_OK;
	/* of this length only with all digits */
	if (word.len == sizeof(shape) - 1 && text_copy(word, time, sizeof(time)) == TOTP_OK)
		end = strptime(time, "%Y-%m-%dT%H:%M:%SL", &imported->when);
	if (end && *end == '\0' && imported->when.tm_year >= 70 && imported->when.tm_sec <= 60)
		return TOTP_OK;
	return reason_err(why, TOTP_ERR_FORMAT, "time: expected %s", shape);
}

static enum totp_err read_columns(struct text line, struct imported *imported, struct reason *why)
{
	static const struct field_range counters = {"counter", 0, UINT32_MAX};
	enum totp_err err = read_type(field_word(&line), imported, why);
	struct text word;

	if (err == TOTP_OK)
		err = field_user(field_word(&line), imported->user, why);
	if (err != TOTP_OK)
		return err;
	word = field_word(&line);
	if (word.len == 0)
		return reason_err(why, TOTP_ERR_FORMAT, "password: expected -, + or a password");
	imported->prefixed = !text_is(word, "-") && !text_is(word, "+");
	err = field_hex(field_word(&line), "key", &imported->token.secret, why);
	if (err != TOTP_OK)
		return err;
	word = field_word(&line);
	if (word.len && field_number(word, &counters, &imported->moving, why) != TOTP_OK)
		return TOTP_ERR_FORMAT;
	err = read_last_code(field_word(&line), imported, why);
	if (err == TOTP_OK)
		err = read_last_time(field_word(&line), imported, why);
	if (err == TOTP_OK && text_trim(line).len) {
		reason_set(why, "more than seven fields");
		err = TOTP_ERR_FORMAT;
	}
	return err;
}

enum totp_err oath_decode(struct text line, struct imported *ret_imported, struct reason *why)
{
	enum totp_err err;

	*ret_imported = (struct imported){0};
	err = read_columns(line, ret_imported, why);
	if (err != TOTP_OK)
		imported_wipe(ret_imported);
	return err;
}
