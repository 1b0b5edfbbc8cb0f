/* SPDX-License-Identifier: BSD-2-Clause */
#include "import/google.h"

#include "otp/base32.h"
#include "otp/totp.h"

#define PERIOD_DEFAULT 30
#define PERIOD_MAX     60 /* that the peer takes */
#define WINDOW_MAX     100
#define TOTPCGI_SEALED "aes256+hmac256$"
#define TOTPCGI_UNIT   10 /* seconds: its window is so many of these to each side */
#define DIGITS_DEFAULT 6

/* --- the secret --- */

static enum totp_err decode_first_line(struct text line, enum google_kind kind,
				       struct imported *imported, struct reason *why)
{
	enum totp_err err = TOTP_ERR_FORMAT;

	imported->sealed = kind == GOOGLE_TOTPCGI && field_begins(line, TOTPCGI_SEALED);
	if (imported->sealed)
		return TOTP_OK;
	/* totp-cgi takes padding */
	if (kind == GOOGLE_TOTPCGI || !memchr(line.at, '=', line.len))
		err = base32_decode_loose(line.at, line.len, &imported->token.secret);
	return field_secret(err, &imported->token.secret, "secret", "base32 (A to Z and 2 to 7)",
			    why);
}

/* --- options: the first line of a name counts --- */

/* The peer ends a line at either of the two, and so passes over empty ones. */
static bool next_line(struct text *rest, struct text *ret_line)
{
	size_t len = 0;

	if (rest->len == 0)
		return false;
	while (len < rest->len && rest->at[len] != '\r' && rest->at[len] != '\n')
		len++;
	*ret_line = (struct text){rest->at, len};
	while (len < rest->len && (rest->at[len] == '\r' || rest->at[len] == '\n'))
		len++;
	*rest = (struct text){rest->at + len, rest->len - len};
	return true;
}

/* Find the option's line and its value; false: there is none. */
static bool find_option(struct text text, const char *name, struct text *ret_value)
{
	size_t len = strlen(name);
	struct text line;

	while (next_line(&text, &line)) {
		struct text rest = {line.at + 2, line.len - 2};

		if (!field_begins(line, "\" ") || !field_begins(rest, name))
			continue;
		rest = (struct text){rest.at + len, rest.len - len};
		if (rest.len && rest.at[0] != ' ' && rest.at[0] != '\t')
			continue;
		*ret_value = text_trim(rest);
		return true;
	}
	return false;
}

/* The number of an option, which stays as it is where there is none. */
static enum totp_err option_number(struct text text, const struct field_range *range,
				   uint64_t *number, struct reason *why)
{
	struct text value;

	if (!find_option(text, range->name, &value))
		return TOTP_OK;
	/* what follows the number is passed over, as the peer does */
	return field_number(field_word(&value), range, number, why) == TOTP_OK ? TOTP_OK
									       : TOTP_ERR_FORMAT;
}

/* Steps that were used, and may not be again: the latest is what counts. */
static enum totp_err decode_used(struct text text, struct imported *imported, struct reason *why)
{
	struct text value, word;
	uint64_t step;

	if (!find_option(text, "DISALLOW_REUSE", &value))
		return TOTP_OK;
	while ((word = field_word(&value)).len) {
		if (text_number(word, 0, INT32_MAX, &step) != TOTP_OK)
			return reason_err(why, TOTP_ERR_FORMAT,
					  "DISALLOW_REUSE: expected numbers of steps");
		if (step > imported->moving)
			imported->moving = step;
	}
	return TOTP_OK;
}

/* What a fork of google-authenticator writes. */
static enum totp_err decode_fork(struct text text, struct imported *imported, struct reason *why)
{
	static const struct field_range range = {"DIGITS", CODE_DIGITS_MIN, CODE_DIGITS_MAX};
	struct token *token = &imported->token;
	uint64_t digits = token->digits;
	struct text value;

	if (option_number(text, &range, &digits, why) != TOTP_OK)
		return TOTP_ERR_FORMAT;
	token->digits = (uint8_t)digits;
	if (!find_option(text, "ALGORITHM", &value) || text_is(value, "sha1"))
		return TOTP_OK;
	token->alg = text_is(value, "sha256") ? HMAC_SHA256 : HMAC_SHA512;
	return text_is(value, "sha256") || text_is(value, "sha512")
		       ? TOTP_OK
		       : reason_err(why, TOTP_ERR_FORMAT,
				    "ALGORITHM: expected sha1, sha256 or sha512");
}

static enum totp_err choose_mode(struct text text, enum google_kind kind, struct imported *imported,
				 struct reason *why)
{
	static const struct field_range counters = {"HOTP_COUNTER", 0, UINT32_MAX};
	static const struct field_range periods = {"STEP_SIZE", 1, PERIOD_MAX};
	static const char totp[] = "\" TOTP_AUTH"; /* the peer looks for it anywhere in the file */
	struct token *token = &imported->token;
	uint64_t period = PERIOD_DEFAULT;
	struct text value;

	if (option_number(text, &counters, &imported->moving, why) != TOTP_OK)
		return TOTP_ERR_FORMAT;
	token->type = (kind == GOOGLE_TOTPCGI ? find_option(text, counters.name, &value)
					      : imported->moving > 0)
			      ? TOKEN_HOTP
			      : TOKEN_TOTP;
	if (token->type == TOKEN_HOTP)
		return TOTP_OK;
	if (kind == GOOGLE_AUTHENTICATOR) {
		if (!memmem(text.at, text.len, totp, sizeof(totp) - 1))
			return reason_err(
				why, TOTP_ERR_FORMAT,
				"neither TOTP_AUTH nor HOTP_COUNTER: google-authenticator "
				"accepts no code of it");
		if (option_number(text, &periods, &period, why) != TOTP_OK)
			return TOTP_ERR_FORMAT;
	}
	token->period = (uint16_t)period;
	if (period >= TOTP_PERIOD_MIN)
		return TOTP_OK;
	return reason_err(why, TOTP_ERR_RANGE, "STEP_SIZE: expected %d seconds or more",
			  TOTP_PERIOD_MIN);
}

/* --- scratch codes --- */

static bool is_option(struct text line)
{
	static const char *const names[] = {"TOTP_AUTH",   "HOTP_COUNTER",        "STEP_SIZE",
					    "WINDOW_SIZE", "DISALLOW_REUSE",      "RATE_LIMIT",
					    "TIME_SKEW",   "RESETTING_TIME_SKEW", "DIGITS",
					    "ALGORITHM"};
	struct text name;

	if (!field_begins(line, "\" "))
		return false;
	line = (struct text){line.at + 2, line.len - 2};
	name = field_word(&line);
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (text_is(name, names[i]))
			return true;
	return name.len == 5 && field_begins(name, "LAST") && name.at[4] >= '0' &&
	       name.at[4] <= '9';
}

static bool is_code(struct text line, enum google_kind kind)
{
	uint64_t unused;

	return line.len == CODE_DIGITS_MAX && (kind == GOOGLE_TOTPCGI || line.at[0] != '0') &&
	       text_number(line, 0, UINT32_MAX, &unused) == TOTP_OK;
}

static void note_unknown(struct text text, struct text line, struct imported *imported)
{
	if (imported->unknown_lines++)
		return;
	imported->unknown_line = 1;
	for (const char *at = text.at; at < line.at; at++)
		imported->unknown_line += *at == '\n';
}

/* google-authenticator takes no code after the first line that is neither an option nor a code. */
static void decode_codes(struct text text, enum google_kind kind, struct imported *imported)
{
	struct text rest = text, line;
	bool ended = false;

	next_line(&rest, &line); /* the secret */
	while (next_line(&rest, &line)) {
		if (kind == GOOGLE_TOTPCGI)
			line = text_trim(line);
		if (is_option(line))
			continue;
		ended |= kind == GOOGLE_AUTHENTICATOR && !is_code(line, kind) &&
			 !field_begins(line, "\"");
		if (ended || !is_code(line, kind))
			note_unknown(text, line, imported);
		else if (imported->code_count == RECOVERY_MAX)
			imported->codes_left_out++;
		else
			memcpy(imported->codes[imported->code_count++].text, line.at, line.len);
	}
}

/* --- all of it --- */

static enum totp_err decode_lines(struct text text, enum google_kind kind,
				  struct imported *imported, struct reason *why)
{
	const struct field_range windows = {"WINDOW_SIZE", kind == GOOGLE_TOTPCGI ? 0 : 1,
					    WINDOW_MAX};
	struct text rest = text, line = {"", 0}, value;
	uint64_t window = 0;
	enum totp_err err;

	if (text.len == 0 || text.len > GOOGLE_FILE_MAX || memchr(text.at, '\0', text.len))
		return reason_err(why, TOTP_ERR_FORMAT, "expected 1 to 65536 bytes of text");
	next_line(&rest, &line);
	err = decode_first_line(text_trim(line), kind, imported, why);
	if (err == TOTP_OK)
		err = choose_mode(text, kind, imported, why);
	if (err == TOTP_OK)
		err = option_number(text, &windows, &window, why);
	imported->window = (uint32_t)window;
	if (kind == GOOGLE_TOTPCGI && imported->token.type == TOKEN_TOTP)
		imported->window = (uint32_t)(2 * (window * TOTPCGI_UNIT / PERIOD_DEFAULT) + 1);
	if (err == TOTP_OK && kind == GOOGLE_AUTHENTICATOR)
		err = decode_fork(text, imported, why);
	if (err == TOTP_OK && kind == GOOGLE_AUTHENTICATOR && imported->token.type == TOKEN_TOTP) {
		imported->skewed = find_option(text, "TIME_SKEW", &value) && !text_is(value, "0");
		err = decode_used(text, imported, why);
	}
	if (err == TOTP_OK && !imported->sealed)
		decode_codes(text, kind, imported);
	return err;
}

enum totp_err google_decode(struct text text, enum google_kind kind, struct imported *ret_imported,
			    struct reason *why)
{
	enum totp_err err;

	*ret_imported = (struct imported){.token = {.alg = HMAC_SHA1, .digits = DIGITS_DEFAULT}};
	err = decode_lines(text, kind, ret_imported, why);
	if (err != TOTP_OK)
		imported_wipe(ret_imported);
	return err;
}
