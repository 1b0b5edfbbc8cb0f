/* SPDX-License-Identifier: BSD-2-Clause */
#include "unit.h"

#include "import/csv.h"

#define SECRET_TEXT "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ" /* 12345678901234567890 */

static void a_row_may_leave_out_its_defaults(void **unused)
{
	static const struct {
		const char *line;
		enum hmac_alg alg;
		unsigned digits, period;
	} rows[] = {
		{"alice," SECRET_TEXT, HMAC_SHA1, 6, 30},
		{"alice," SECRET_TEXT ",", HMAC_SHA1, 6, 30},
		{"alice," SECRET_TEXT ",,,", HMAC_SHA1, 6, 30},
		{"alice," SECRET_TEXT ",SHA256", HMAC_SHA256, 6, 30},
		{"alice," SECRET_TEXT ",sha512,8", HMAC_SHA512, 8, 30},
		{"alice," SECRET_TEXT ",SHA1,7,60", HMAC_SHA1, 7, 60},
		{"alice," SECRET_TEXT ",,,15", HMAC_SHA1, 6, 15},
		{"alice," SECRET_TEXT ",,,300", HMAC_SHA1, 6, 300},
		{" alice\t, " SECRET_TEXT " , SHA256 , 8 , 60 ", HMAC_SHA256, 8, 60},
		{"alice,gezd gnbv gy3t qojq gezd gnbv gy3t qojq", HMAC_SHA1, 6, 30},
	};

	for (size_t i = 0; i < COUNT(rows); i++) {
		struct reason why = {""};
		struct imported row;

		assert_ok(csv_decode_row(text_of(rows[i].line), &row, &why));
		assert_string_equal("alice", row.user);
		assert_int_equal(20, row.token.secret.len);
		assert_memory_equal("12345678901234567890", row.token.secret.data, 20);
		assert_int_equal(rows[i].alg, row.token.alg);
		assert_int_equal(rows[i].digits, row.token.digits);
		assert_int_equal(rows[i].period, row.token.period);
	}
}

static void a_counter_instead_of_the_period_is_a_hotp_token(void **unused)
{
	struct reason why = {""};
	struct imported row;

	assert_ok(csv_decode_row(text_of("alice," SECRET_TEXT ",SHA1,8,hotp:42"), &row, &why));
	assert_int_equal(TOKEN_HOTP, row.token.type);
	assert_int_equal(42, row.moving);
	assert_int_equal(0, row.token.period);
	assert_int_equal(8, row.token.digits);
	assert_ok(csv_decode_row(text_of("alice," SECRET_TEXT ",,,hotp:4294967295"), &row, &why));
	assert_int_equal(UINT32_MAX, row.moving);
	assert_ok(csv_decode_row(text_of("alice," SECRET_TEXT), &row, &why));
	assert_int_equal(TOKEN_TOTP, row.token.type);
}

static void a_malformed_row_is_rejected_and_its_field_named(void **unused)
{
	static const struct {
		const char *line;
		enum totp_err err;
		const char *field;
	} rows[] = {
		{"", TOTP_ERR_FORMAT, "user"},
		{"," SECRET_TEXT, TOTP_ERR_FORMAT, "user"},
		{" ," SECRET_TEXT, TOTP_ERR_FORMAT, "user"},
		{"al\x1bice," SECRET_TEXT, TOTP_ERR_FORMAT, "user"},
		{"al\xffice," SECRET_TEXT, TOTP_ERR_FORMAT, "user"},
		{"alice", TOTP_ERR_FORMAT, "secret"},
		{"alice,", TOTP_ERR_FORMAT, "secret"},
		{"alice;" SECRET_TEXT, TOTP_ERR_FORMAT, "secret"},
		{"alice,\"" SECRET_TEXT "\"", TOTP_ERR_FORMAT, "secret"},
		{"alice,0189", TOTP_ERR_FORMAT, "secret"},
		{"alice,MFRGGZDFMZTWQ2I", TOTP_ERR_RANGE, "secret"}, /* 9 bytes */
		{"alice," SECRET_TEXT ",MD5", TOTP_ERR_FORMAT, "algorithm"},
		{"alice," SECRET_TEXT ",6,SHA1", TOTP_ERR_FORMAT, "algorithm"},
		{"alice," SECRET_TEXT ",SHA1,5", TOTP_ERR_RANGE, "digits"},
		{"alice," SECRET_TEXT ",SHA1,9", TOTP_ERR_RANGE, "digits"},
		{"alice," SECRET_TEXT ",SHA1,six", TOTP_ERR_FORMAT, "digits"},
		{"alice," SECRET_TEXT ",SHA1,262", TOTP_ERR_RANGE, "digits"}, /* 6 in 8 bits */
		{"alice," SECRET_TEXT ",SHA1,6,14", TOTP_ERR_RANGE, "period"},
		{"alice," SECRET_TEXT ",SHA1,6,301", TOTP_ERR_RANGE, "period"},
		{"alice," SECRET_TEXT ",SHA1,6,65566", TOTP_ERR_RANGE, "period"}, /* 30 in 16 */
		{"alice," SECRET_TEXT ",SHA1,6,30s", TOTP_ERR_FORMAT, "period"},
		{"alice," SECRET_TEXT ",SHA1,6,hotp:", TOTP_ERR_FORMAT, "counter"},
		{"alice," SECRET_TEXT ",SHA1,6,hotp:-1", TOTP_ERR_FORMAT, "counter"},
		{"alice," SECRET_TEXT ",SHA1,6,hotp:4294967296", TOTP_ERR_RANGE, "counter"},
		{"alice," SECRET_TEXT ",SHA1,6,30,x", TOTP_ERR_FORMAT, "more than five"},
	};

	for (size_t i = 0; i < COUNT(rows); i++) {
		struct reason why = {""};
		struct imported row;

		assert_int_equal(rows[i].err, csv_decode_row(text_of(rows[i].line), &row, &why));
		assert_memory_equal(rows[i].field, why.text, strlen(rows[i].field));
		assert_wiped(row);
	}
}

static void a_name_has_at_most_200_bytes(void **unused)
{
	char line[CRED_USER_MAX + 100];
	struct reason why = {""};
	struct imported row;

	memset(line, 'u', CRED_USER_MAX);
	strcpy(line + CRED_USER_MAX, "," SECRET_TEXT);
	assert_ok(csv_decode_row(text_of(line), &row, &why));
	assert_int_equal(CRED_USER_MAX, strlen(row.user));
	strcpy(line + CRED_USER_MAX, "u," SECRET_TEXT);
	assert_refused(FORMAT, csv_decode_row(text_of(line), &row, &why));
}

static void a_row_holds_no_nul(void **unused)
{
	static const char line[] = "ali\0ce," SECRET_TEXT;
	struct reason why = {""};
	struct imported row;

	assert_refused(FORMAT, csv_decode_row((struct text){line, sizeof(line) - 1}, &row, &why));
}

static void a_reason_never_repeats_the_value_of_a_field(void **unused)
{
	static const char *const lines[] = {
		"alice,GEZDGNBVGY3TQOJ1",
		"alice," SECRET_TEXT ",GEZDGNBV",
		"alice," SECRET_TEXT ",,GEZDGNBV",
		"alice," SECRET_TEXT ",,,GEZDGNBV",
		"\x1bGEZDGNBV,",
	};

	for (size_t i = 0; i < COUNT(lines); i++) {
		struct reason why = {""};
		struct imported row;

		assert_int_not_equal(TOTP_OK, csv_decode_row(text_of(lines[i]), &row, &why));
		assert_null(strstr(why.text, "GEZD"));
	}
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_counter_instead_of_the_period_is_a_hotp_token),
		cmocka_unit_test(a_row_may_leave_out_its_defaults),
		cmocka_unit_test(a_malformed_row_is_rejected_and_its_field_named),
		cmocka_unit_test(a_name_has_at_most_200_bytes),
		cmocka_unit_test(a_row_holds_no_nul),
		cmocka_unit_test(a_reason_never_repeats_the_value_of_a_field),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
