#include "import/csv.h"

#include "otp/base32.h"
#include "otp/totp.h"
#include "otp/uri.h"

void csv_row_wipe(struct csv_row *row)
{
	explicit_bzero(row, sizeof(*row));
}

static enum totp_err decode_user(struct text field, struct csv_row *row, struct reason *why)
{
	if (field.len == 0 || !text_is_clean(field) ||
	    text_copy(field, row->user, sizeof(row->user)) != TOTP_OK) {
		reason_set(why, "user: expected a name of 1 to %d bytes", CRED_USER_MAX);
		return TOTP_ERR_FORMAT;
	}
	return TOTP_OK;
}

static enum totp_err decode_secret(struct text field, struct csv_row *row, struct reason *why)
{
	enum totp_err err = base32_decode(field.at, field.len, &row->secret);

	if (err == TOTP_ERR_FORMAT)
		reason_set(why, "secret: not base32 (A to Z and 2 to 7)");
	if (err == TOTP_ERR_RANGE || (err == TOTP_OK && row->secret.len < SECRET_IMPORT_MIN)) {
		reason_set(why, "secret: expected %d to %d bytes in base32", SECRET_IMPORT_MIN,
			   SECRET_MAX);
		err = TOTP_ERR_RANGE;
	}
	return err;
}

static enum totp_err decode_algorithm(struct text field, struct csv_row *row, struct reason *why)
{
	enum totp_err err = field.len ? uri_algorithm_of(field, &row->alg) : TOTP_OK;

	if (err != TOTP_OK)
		reason_set(why, "algorithm: expected SHA1, SHA256 or SHA512");
	return err;
}

static enum totp_err decode_digits(struct text field, struct csv_row *row, struct reason *why)
{
	uint64_t number = 6;
	enum totp_err err =
		field.len ? text_number(field, CODE_DIGITS_MIN, CODE_DIGITS_MAX, &number) : TOTP_OK;

	if (err != TOTP_OK)
		reason_set(why, "digits: expected 6, 7 or 8");
	row->digits = (uint8_t)number;
	return err;
}

static enum totp_err decode_counter(struct text digits, struct csv_row *row, struct reason *why)
{
	uint64_t number = 0;
	enum totp_err err = text_number(digits, 0, UINT32_MAX, &number);

	if (err != TOTP_OK)
		reason_set(why, "counter: expected hotp: and a number from 0 to %u", UINT32_MAX);
	row->hotp = true;
	row->counter = (uint32_t)number;
	return err;
}

/* Or the counter of a token that has no period. */
static enum totp_err decode_period(struct text field, struct csv_row *row, struct reason *why)
{
	static const char hotp[] = "hotp:";
	const size_t len = sizeof(hotp) - 1;
	uint64_t number = 30;
	enum totp_err err = TOTP_OK;

	if (field.len >= len && memcmp(field.at, hotp, len) == 0)
		return decode_counter((struct text){field.at + len, field.len - len}, row, why);
	if (field.len)
		err = text_number(field, TOTP_PERIOD_MIN, TOTP_PERIOD_MAX, &number);
	if (err != TOTP_OK)
		reason_set(why, "period: expected %d to %d seconds, or hotp: and a counter",
			   TOTP_PERIOD_MIN, TOTP_PERIOD_MAX);
	row->period = (uint16_t)number;
	return err;
}

static enum totp_err decode_fields(struct text line, struct csv_row *row, struct reason *why)
{
	static enum totp_err (*const decoders[])(struct text, struct csv_row *, struct reason *) = {
		decode_user, decode_secret, decode_algorithm, decode_digits, decode_period};

	for (size_t i = 0; i < sizeof(decoders) / sizeof(decoders[0]); i++) {
		struct text field = {"", 0};
		enum totp_err err;

		text_field(&line, ',', &field);
		err = decoders[i](text_trim(field), row, why);
		if (err != TOTP_OK)
			return err;
	}
	if (line.len) {
		reason_set(why,
			   "more than five fields: expected user,base32,algorithm,digits,period");
		return TOTP_ERR_FORMAT;
	}
	return TOTP_OK;
}

enum totp_err csv_decode_row(struct text line, struct csv_row *ret_row, struct reason *why)
{
	enum totp_err err;

	*ret_row = (struct csv_row){.alg = HMAC_SHA1};
	err = decode_fields(line, ret_row, why);
	if (err != TOTP_OK)
		csv_row_wipe(ret_row);
	return err;
}
