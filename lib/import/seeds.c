/* SPDX-License-Identifier: BSD-2-Clause */
#include "import/seeds.h"

#include "otp/totp.h"
#include "otp/uri.h"

#define DIGITS_DEFAULT 6
#define PERIOD_DEFAULT 30

/*
 * Take the next field, empty where there is none. It may be quoted, and a separator may then stand
 * in it, but no quote.
 */
static enum totp_err take_field(struct text *rest, char separator, struct text *ret_field,
				struct reason *why)
{
	const char *end;

	*ret_field = (struct text){"", 0};
	*rest = text_trim(*rest);
	if (rest->len == 0 || rest->at[0] != '"') {
		if (text_field(rest, separator, ret_field))
			*ret_field = text_trim(*ret_field);
		return TOTP_OK;
	}
	end = memchr(rest->at + 1, '"', rest->len - 1);
	if (!end)
		return reason_err(why, TOTP_ERR_FORMAT, "a quote that does not end");
	*ret_field = text_trim((struct text){rest->at + 1, (size_t)(end - rest->at) - 1});
	*rest = text_trim((struct text){end + 1, rest->len - (size_t)(end + 1 - rest->at)});
	if (rest->len && rest->at[0] != separator)
		return reason_err(why, TOTP_ERR_FORMAT, "text after a quoted field");
	if (rest->len)
		*rest = (struct text){rest->at + 1, rest->len - 1};
	return TOTP_OK;
}

static enum totp_err decode_serial(struct text serial, struct seed *seed, struct reason *why)
{
	if (serial.len == 0 || !text_is_clean(serial))
		return reason_err(why, TOTP_ERR_FORMAT, "serial: expected the token's number");
	seed->serial = serial;
	if (cred_label_is_good(serial))
		memcpy(seed->imported.token.label, serial.at, serial.len);
	return TOTP_OK;
}

static enum totp_err decode_period(struct text field, struct token *token, struct reason *why)
{
	static const struct field_range periods = {"period", TOTP_PERIOD_MIN, TOTP_PERIOD_MAX};
	uint64_t period = PERIOD_DEFAULT;
	enum totp_err err = field.len ? field_number(field, &periods, &period, why) : TOTP_OK;

	token->period = (uint16_t)period;
	return err;
}

/* --- with a header --- */

/* Vendors write "serial number", "Serial Number" and "serialnumber". */
static bool is_named(struct text field, const char *name)
{
	for (size_t i = 0; i < field.len; i++) {
		char c = field.at[i];

		if (c == ' ')
			continue;
		if (c == '\0' || (c >= 'A' && c <= 'Z' ? c + ('a' - 'A') : c) != *name)
			return false;
		name++;
	}
	return *name == '\0';
}

static const struct {
	const char *name;
	enum seeds_column column;
} names[] = {
	{"upn", SEEDS_USER},           {"serialnumber", SEEDS_SERIAL},
	{"secretkey", SEEDS_SECRET},   {"timeinterval", SEEDS_PERIOD},
	{"manufacturer", SEEDS_OTHER}, {"model", SEEDS_OTHER},
};

#define NAMES (sizeof(names) / sizeof(names[0]))

bool seeds_is_header(struct text line)
{
	struct text field;

	while (line.len && take_field(&line, ',', &field, NULL) == TOTP_OK)
		if (is_named(field, "secretkey"))
			return true;
	return false;
}

enum totp_err seeds_decode_header(struct text line, struct seeds_columns *ret_columns,
				  struct reason *why)
{
	struct seeds_columns columns = {0};
	unsigned seen = 0;
	struct text field;

	*ret_columns = columns;
	while (line.len) {
		size_t i = 0;

		if (take_field(&line, ',', &field, why) != TOTP_OK)
			return TOTP_ERR_FORMAT;
		while (i < NAMES && !is_named(field, names[i].name))
			i++;
		if (i == NAMES || (seen >> i & 1))
			return reason_err(
				why, TOTP_ERR_FORMAT,
				"column %u: expected upn, serial number, secret key, time "
				"interval, manufacturer and model, each once",
				columns.count + 1);
		seen |= 1u << i;
		columns.at[columns.count++] = names[i].column;
	}
	if ((seen & 6) != 6)
		return reason_err(why, TOTP_ERR_FORMAT, "expected a column serial number");
	*ret_columns = columns;
	return TOTP_OK;
}

static enum totp_err decode_column(enum seeds_column column, struct text field, struct seed *seed,
				   struct reason *why)
{
	struct imported *imported = &seed->imported;

	switch (column) {
	case SEEDS_USER:
		return field.len ? field_user(field, imported->user, why) : TOTP_OK;
	case SEEDS_SERIAL:
		return decode_serial(field, seed, why);
	case SEEDS_SECRET:
		return field_base32(field, "secret key", imported, why);
	case SEEDS_PERIOD:
		return decode_period(field, &imported->token, why);
	case SEEDS_OTHER:
		break;
	}
	return TOTP_OK;
}

enum totp_err seeds_decode_row(struct text line, const struct seeds_columns *columns,
			       struct seed *ret_seed, struct reason *why)
{
	enum totp_err err = TOTP_OK;
	struct text field;

	*ret_seed = (struct seed){.imported.token = {.type = TOKEN_TOTP,
						     .alg = HMAC_SHA1,
						     .digits = DIGITS_DEFAULT,
						     .period = PERIOD_DEFAULT}};
	for (unsigned i = 0; i < columns->count && err == TOTP_OK; i++) {
		err = take_field(&line, ',', &field, why);
		if (err == TOTP_OK)
			err = decode_column(columns->at[i], field, ret_seed, why);
	}
	if (err == TOTP_OK && line.len)
		err = reason_err(why, TOTP_ERR_FORMAT, "more than the %u fields of the header",
				 columns->count);
	if (err != TOTP_OK)
		explicit_bzero(ret_seed, sizeof(*ret_seed));
	return err;
}

/* --- without a header --- */

enum field { SERIAL, SEED, TYPE, DIGITS, MOVING, HASH, FIELDS };

/* Split into the fields in the order of LinOTP's; Duo has no type and no digits. */
static enum totp_err split(struct text line, struct text field[FIELDS], struct reason *why)
{
	static const uint8_t linotp[] = {SERIAL, SEED, TYPE, DIGITS, MOVING, HASH};
	static const uint8_t multiotp[] = {SERIAL, FIELDS, TYPE, SEED, DIGITS, MOVING};
	bool semicolons = memchr(line.at, ';', line.len);
	const uint8_t *order = semicolons ? multiotp : linotp;
	uint64_t unused = 0;
	struct text rest = line;

	for (size_t i = 0; i < FIELDS; i++) {
		struct text part;
		enum totp_err err = take_field(&rest, semicolons ? ';' : ',', &part, why);

		if (err != TOTP_OK)
			return err;
		if (order[i] < FIELDS)
			field[order[i]] = part;
	}
	if (text_trim(rest).len)
		return reason_err(
			why, TOTP_ERR_FORMAT,
			"more than six fields: expected serial,seed,type,digits,period or "
			"counter,hash");
	if (!field[DIGITS].len && text_number(field[TYPE], 0, UINT64_MAX, &unused) == TOTP_OK) {
		field[MOVING] = field[TYPE];
		field[TYPE] = (struct text){"", 0};
	}
	return TOTP_OK;
}

static enum totp_err decode_type(struct text field, enum token_type usual, struct token *token,
				 struct reason *why)
{
	token->type = usual;
	if (is_named(field, "hotp"))
		token->type = TOKEN_HOTP;
	else if (is_named(field, "totp"))
		token->type = TOKEN_TOTP;
	else if (field.len)
		return reason_err(why, TOTP_ERR_FORMAT, "type: expected hotp or totp");
	return TOTP_OK;
}

static enum totp_err decode_fields(const struct text field[FIELDS], enum token_type usual,
				   struct seed *seed, struct reason *why)
{
	static const struct field_range digit_counts = {"digits", CODE_DIGITS_MIN, CODE_DIGITS_MAX};
	static const struct field_range counters = {"counter", 0, UINT32_MAX};
	struct token *token = &seed->imported.token;
	uint64_t digits = DIGITS_DEFAULT;
	enum totp_err err = decode_serial(field[SERIAL], seed, why);

	if (err == TOTP_OK)
		err = field_hex(field[SEED], "seed", &token->secret, why);
	if (err == TOTP_OK)
		err = decode_type(field[TYPE], usual, token, why);
	if (err == TOTP_OK && field[DIGITS].len)
		err = field_number(field[DIGITS], &digit_counts, &digits, why);
	token->digits = (uint8_t)digits;
	if (err == TOTP_OK && token->type == TOKEN_TOTP)
		err = decode_period(field[MOVING], token, why);
	else if (err == TOTP_OK && field[MOVING].len)
		err = field_number(field[MOVING], &counters, &seed->imported.moving, why);
	token->alg = HMAC_SHA1;
	if (err == TOTP_OK && field[HASH].len &&
	    uri_algorithm_of(field[HASH], &token->alg) != TOTP_OK)
		err = reason_err(why, TOTP_ERR_FORMAT, "hash: expected sha1, sha256 or sha512");
	return err;
}

enum totp_err seeds_decode_hex(struct text line, enum token_type usual, struct seed *ret_seed,
			       struct reason *why)
{
	struct text field[FIELDS] = {{"", 0}, {"", 0}, {"", 0}, {"", 0}, {"", 0}, {"", 0}};
	enum totp_err err;

	*ret_seed = (struct seed){.serial = {"", 0}};
	err = split(line, field, why);
	if (err == TOTP_OK)
		err = decode_fields(field, usual, ret_seed, why);
	if (err != TOTP_OK)
		explicit_bzero(ret_seed, sizeof(*ret_seed));
	return err;
}
