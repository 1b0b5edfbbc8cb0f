/* SPDX-License-Identifier: BSD-2-Clause */
#include "unit.h"

#include "import/seeds.h"

#define BASE32 "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ"         /* 12345678901234567890… */
#define HEX    "3132333435363738393031323334353637383930" /* …and the same */

static struct seeds_columns columns_of(const char *header)
{
	struct seeds_columns columns;
	struct reason why = {""};

	assert_true(seeds_is_header(text_of(header)));
	if (seeds_decode_header(text_of(header), &columns, &why) != TOTP_OK)
		fail_msg("%s: %s", header, why.text);
	return columns;
}

static void assert_seed(const struct seed *seed, const char *serial, enum token_type type)
{
	assert_true(text_is(seed->serial, serial));
	assert_string_equal(serial, seed->imported.token.label);
	assert_int_equal(type, seed->imported.token.type);
	assert_int_equal(20, seed->imported.token.secret.len);
	assert_memory_equal("12345678901234567890", seed->imported.token.secret.data, 20);
}

static void a_header_is_known_in_any_spelling_and_order(void **unused)
{
	static const char *const headers[] = {
		"upn,serial number,secret key,time interval,manufacturer,model",
		"UPN, Serial Number, Secret Key, TimeInterval, Manufacturer, Model",
		"\"upn\",\"serialnumber\",\"secretkey\"",
	};

	for (size_t i = 0; i < COUNT(headers); i++) {
		struct seeds_columns columns = columns_of(headers[i]);
		struct reason why = {""};
		struct seed seed;

		assert_ok(seeds_decode_row(text_of("alice@example,1001," BASE32), &columns, &seed,
					   &why));
		assert_seed(&seed, "1001", TOKEN_TOTP);
		assert_string_equal("alice@example", seed.imported.user);
		assert_int_equal(30, seed.imported.token.period);
		assert_int_equal(6, seed.imported.token.digits);
	}
	assert_false(seeds_is_header(text_of("alice," BASE32)));
	assert_false(seeds_is_header(text_of("")));
}

static void fields_may_be_quoted_or_missing(void **unused)
{
	struct seeds_columns columns = columns_of("secret key,model,serial number,time interval");
	struct reason why = {""};
	struct seed seed;

	assert_ok(seeds_decode_row(text_of("\"" BASE32 "\" , \"a, b\", \" 1 \" ,60"), &columns,
				   &seed, &why));
	assert_seed(&seed, "1", TOKEN_TOTP);
	assert_int_equal(60, seed.imported.token.period);
	assert_string_equal("", seed.imported.user);
	assert_ok(seeds_decode_row(text_of(BASE32 ",,2"), &columns, &seed, &why));
	assert_false(seed.imported.cut);
}

static void each_system_s_rows_of_seeds_are_read(void **unused)
{
	static const struct {
		const char *line;
		enum token_type usual, type;
		unsigned digits, period;
		uint64_t moving;
		enum hmac_alg alg;
	} rows[] = {
		{"t," HEX, TOKEN_HOTP, TOKEN_HOTP, 6, 0, 0, HMAC_SHA1},
		{"t," HEX, TOKEN_TOTP, TOKEN_TOTP, 6, 30, 0, HMAC_SHA1},
		{" t , " HEX " , TOTP , 8 , 60 ", TOKEN_HOTP, TOKEN_TOTP, 8, 60, 0, HMAC_SHA1},
		{"t," HEX ",hotp,6,42", TOKEN_TOTP, TOKEN_HOTP, 6, 0, 42, HMAC_SHA1},
		{"t," HEX ",totp,,,SHA512", TOKEN_HOTP, TOKEN_TOTP, 6, 30, 0, HMAC_SHA512},
		{"\"t\",\"" HEX "\",\"7\"", TOKEN_HOTP, TOKEN_HOTP, 6, 0, 7, HMAC_SHA1},
		{"\"t\",\"" HEX "\",\"60\"", TOKEN_TOTP, TOKEN_TOTP, 6, 60, 0, HMAC_SHA1},
		{"t;Maker;TOTP;" HEX ";8;60", TOKEN_HOTP, TOKEN_TOTP, 8, 60, 0, HMAC_SHA1},
		{"t;Maker, Ltd;hotp;" HEX ";6;9", TOKEN_TOTP, TOKEN_HOTP, 6, 0, 9, HMAC_SHA1},
		{"t," HEX ",", TOKEN_HOTP, TOKEN_HOTP, 6, 0, 0, HMAC_SHA1},
	};

	for (size_t i = 0; i < COUNT(rows); i++) {
		struct reason why = {""};
		struct seed seed;

		if (seeds_decode_hex(text_of(rows[i].line), rows[i].usual, &seed, &why) != TOTP_OK)
			fail_msg("%s: %s", rows[i].line, why.text);
		assert_seed(&seed, "t", rows[i].type);
		assert_int_equal(rows[i].digits, seed.imported.token.digits);
		assert_int_equal(rows[i].period, seed.imported.token.period);
		assert_int_equal(rows[i].moving, seed.imported.moving);
		assert_int_equal(rows[i].alg, seed.imported.token.alg);
	}
}

static void a_malformed_row_is_rejected_and_its_field_named(void **unused)
{
	static const struct {
		const char *line;
		enum totp_err err;
		const char *field;
	} rows[] = {
		{"", TOTP_ERR_FORMAT, "serial"},
		{"," HEX, TOTP_ERR_FORMAT, "serial"},
		{"a\x01," HEX, TOTP_ERR_FORMAT, "serial"},
		{"t", TOTP_ERR_FORMAT, "seed"},
		{"t," HEX "3", TOTP_ERR_FORMAT, "seed"},
		{"t,313233343536373839", TOTP_ERR_RANGE, "seed"}, /* 9 bytes */
		{"t," BASE32, TOTP_ERR_FORMAT, "seed"},
		{"t," HEX ",motp", TOTP_ERR_FORMAT, "type"},
		{"t," HEX ",hotp,9", TOTP_ERR_RANGE, "digits"},
		{"t," HEX ",totp,6,301", TOTP_ERR_RANGE, "period"},
		{"t," HEX ",hotp,6,4294967296", TOTP_ERR_RANGE, "counter"},
		{"t," HEX ",hotp,6,0,md5", TOTP_ERR_FORMAT, "hash"},
		{"t," HEX ",hotp,6,0,sha1,x", TOTP_ERR_FORMAT, "more than six"},
		{"\"t," HEX, TOTP_ERR_FORMAT, "a quote"},
		{"\"t\"x," HEX, TOTP_ERR_FORMAT, "text after"},
		{"t;" HEX, TOTP_ERR_FORMAT, "seed"},
	};

	for (size_t i = 0; i < COUNT(rows); i++) {
		struct reason why = {""};
		struct seed seed;

		assert_int_equal(rows[i].err,
				 seeds_decode_hex(text_of(rows[i].line), TOKEN_HOTP, &seed, &why));
		assert_memory_equal(rows[i].field, why.text, strlen(rows[i].field));
		assert_null(strstr(why.text, "3132"));
		assert_wiped(seed);
	}
}

static void a_row_has_at_most_the_fields_of_its_header(void **unused)
{
	struct seeds_columns columns = columns_of("serial number,secret key");
	struct reason why = {""};
	struct seed seed;

	assert_refused(FORMAT,
		       seeds_decode_row(text_of("1001," BASE32 ",x"), &columns, &seed, &why));
	assert_string_equal("more than the 2 fields of the header", why.text);
	assert_wiped(seed);
}

static void a_header_has_each_known_column_once(void **unused)
{
	static const char *const headers[] = {
		"secret key",
		"serial number,secret key,color",
		"serial number,secret key,upn,upn",
		"serial number,\"secret key",
		"serial number,secret key,,model",
	};

	for (size_t i = 0; i < COUNT(headers); i++) {
		struct seeds_columns columns = {.count = 1};
		struct reason why = {""};

		assert_refused(FORMAT, seeds_decode_header(text_of(headers[i]), &columns, &why));
		assert_int_equal(0, columns.count);
		assert_int_not_equal(0, why.text[0]);
	}
}

static void a_serial_number_that_is_no_label_is_left_out_of_the_token(void **unused)
{
	struct reason why = {""};
	struct seed seed;

	assert_ok(
		seeds_decode_hex(text_of("a serial number of more than thirty-two characters," HEX),
				 TOKEN_HOTP, &seed, &why));
	assert_string_equal("", seed.imported.token.label);
	assert_int_equal(50, seed.serial.len);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_header_is_known_in_any_spelling_and_order),
		cmocka_unit_test(fields_may_be_quoted_or_missing),
		cmocka_unit_test(each_system_s_rows_of_seeds_are_read),
		cmocka_unit_test(a_malformed_row_is_rejected_and_its_field_named),
		cmocka_unit_test(a_row_has_at_most_the_fields_of_its_header),
		cmocka_unit_test(a_header_has_each_known_column_once),
		cmocka_unit_test(a_serial_number_that_is_no_label_is_left_out_of_the_token),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
