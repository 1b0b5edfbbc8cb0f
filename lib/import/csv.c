/* SPDX-License-Identifier: BSD-2-Clause */
#include "import/csv.h"

#include "otp/totp.h"
#include "otp/uri.h"

/* A period, or the counter of a token that has none. */
static enum totp_err decode_period_or_counter(struct text field, struct imported *row,
					      struct reason *why)
{
	static const char hotp[] = "hotp:";
	static const struct field_range counters = {"counter", 0, UINT32_MAX};
	const size_t len = sizeof(hotp) - 1;
	uint64_t number = 30;
	enum totp_err err = TOTP_OK;

	row->token.type = field_begins(field, hotp) ? TOKEN_HOTP : TOKEN_TOTP;
	if (row->token.type == TOKEN_HOTP) {
		field = (struct text){field.at + len, field.len - len};
		return field_number(field, &counters, &row->moving, why);
	}
	if (field.len)
		err = text_number(field, TOTP_PERIOD_MIN, TOTP_PERIOD_MAX, &number);
	if (err != TOTP_OK)
		reason_set(why, "period: expected %d to %d seconds, or hotp: and a counter",
			   TOTP_PERIOD_MIN, TOTP_PERIOD_MAX);
	row->token.period = (uint16_t)number;
	return err;
}

enum csv_field { CSV_USER, CSV_SECRET, CSV_ALGORITHM, CSV_DIGITS, CSV_MOVING, CSV_FIELDS };

static enum totp_err decode_row(const struct text field[CSV_FIELDS], struct imported *row,
				struct reason *why)
{
	static const struct field_range digit_counts = {"digits", CODE_DIGITS_MIN, CODE_DIGITS_MAX};
	uint64_t digits = 6;
	enum totp_err err = field_user(field[CSV_USER], row->user, why);

	if (err != TOTP_OK)
		return err;
	err = field_base32(field[CSV_SECRET], "secret", row, why);
	if (err != TOTP_OK)
		return err;
	if (field[CSV_ALGORITHM].len &&
	    uri_algorithm_of(field[CSV_ALGORITHM], &row->token.alg) != TOTP_OK)
		return reason_err(why, TOTP_ERR_FORMAT,
				  "algorithm: expected SHA1, SHA256 or SHA512");
	if (field[CSV_DIGITS].len)
		err = field_number(field[CSV_DIGITS], &digit_counts, &digits, why);
	if (err != TOTP_OK)
		return err;
	row->token.digits = (uint8_t)digits;
	return decode_period_or_counter(field[CSV_MOVING], row, why);
}

enum totp_err csv_decode_row(struct text line, struct imported *ret_row, struct reason *why)
{
	struct text field[CSV_FIELDS] = {{"", 0}, {"", 0}, {"", 0}, {"", 0}, {"", 0}};
	enum totp_err err;

	*ret_row = (struct imported){.token = {.alg = HMAC_SHA1}};
	for (size_t i = 0; i < CSV_FIELDS; i++)
		if (text_field(&line, ',', &field[i]))
			field[i] = text_trim(field[i]);
	err = decode_row(field, ret_row, why);
	if (err == TOTP_OK && line.len) {
		reason_set(why,
			   "more than five fields: expected user,base32,algorithm,digits,period");
		err = TOTP_ERR_FORMAT;
	}
	if (err != TOTP_OK)
		imported_wipe(ret_row);
	return err;
}
