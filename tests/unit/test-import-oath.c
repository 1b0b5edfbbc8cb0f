/* SPDX-License-Identifier: BSD-2-Clause */
#include "unit.h"

#include <stdio.h>

#include "import/oath.h"

#define KEY "3132333435363738393031323334353637383930" /* 12345678901234567890 */

static struct imported oath_of(const char *line)
{
	struct reason why = {""};
	struct imported oath;

	if (oath_decode(text_of(line), &oath, &why) != TOTP_OK)
		fail_msg("%s: %s", line, why.text);
	return oath;
}

static void every_type_is_read(void **unused)
{
	static const struct {
		const char *type;
		bool hotp;
		unsigned digits, period;
	} rows[] = {
		{"HOTP", true, 6, 0},         {"HOTP/E", true, 6, 0},
		{"HOTP/E/6", true, 6, 0},     {"HOTP/E/7", true, 7, 0},
		{"HOTP/E/8", true, 8, 0},     {"HOTP/T30", false, 6, 30},
		{"HOTP/T30/8", false, 8, 30}, {"HOTP/T60", false, 6, 60},
		{"HOTP/T60/7", false, 7, 60},
	};

	for (size_t i = 0; i < COUNT(rows); i++) {
		char line[100];
		struct imported oath;

		snprintf(line, sizeof(line), "%s\talice\t-\t" KEY, rows[i].type);
		oath = oath_of(line);
		assert_int_equal(rows[i].hotp ? TOKEN_HOTP : TOKEN_TOTP, oath.token.type);
		assert_int_equal(rows[i].digits, oath.token.digits);
		assert_int_equal(rows[i].period, oath.token.period);
		assert_string_equal("alice", oath.user);
		assert_int_equal(20, oath.token.secret.len);
		assert_memory_equal("12345678901234567890", oath.token.secret.data, 20);
	}
}

static void a_line_that_pam_oath_wrote_after_a_login_is_read(void **unused)
{
	struct imported oath =
		oath_of("HOTP/T30\talice\t+\t" KEY "\t0\t328482\t2026-10-25T02:30:59L");

	assert_true(oath.used);
	assert_string_equal("328482", oath.last.text);
	assert_int_equal(2026 - 1900, oath.when.tm_year);
	assert_int_equal(10 - 1, oath.when.tm_mon);
	assert_int_equal(25, oath.when.tm_mday);
	assert_int_equal(2, oath.when.tm_hour);
	assert_int_equal(30, oath.when.tm_min);
	assert_int_equal(59, oath.when.tm_sec);
	assert_int_equal(0, oath.moving);
}

static void the_counter_follows_the_last_code_if_there_is_one(void **unused)
{
	assert_int_equal(0, oath_of("HOTP alice - " KEY).moving);
	assert_int_equal(7, oath_of("HOTP alice - " KEY " 7").moving);
	assert_int_equal(7, oath_of("HOTP alice - " KEY " 7 -").moving);
	assert_int_equal(8, oath_of("HOTP alice - " KEY " 7 328482").moving);
	assert_int_equal(8, oath_of("HOTP alice - " KEY " 7 328482 2026-01-02T03:04:05L").moving);
	assert_int_equal(0, oath_of("HOTP/T30 alice - " KEY " 7 328482").moving);
	assert_true(4294967296 == oath_of("HOTP alice - " KEY " 4294967295 328482").moving);
}

static void a_password_in_pam_oath_s_file_is_reported(void **unused)
{
	assert_false(oath_of("HOTP alice - " KEY).prefixed);
	assert_false(oath_of("HOTP alice + " KEY).prefixed);
	assert_true(oath_of("HOTP alice 1234 " KEY).prefixed);
}

static void the_digits_of_the_last_code_count(void **unused)
{
	struct imported oath = oath_of("HOTP/E/6 alice - " KEY " 7 12345678");

	assert_int_equal(8, oath.token.digits);
	assert_string_equal("12345678", oath.last.text);
}

static void blanks_of_any_kind_separate_the_fields(void **unused)
{
	struct imported oath = oath_of("  HOTP/E \t bob\t\t -   3132333435363738393A   5 \t");

	assert_string_equal("bob", oath.user);
	assert_int_equal(10, oath.token.secret.len);
	assert_int_equal(5, oath.moving);
	assert_int_equal(':', oath.token.secret.data[9]);
}

static void a_malformed_row_is_rejected_and_its_field_named(void **unused)
{
	static const struct {
		const char *line;
		enum totp_err err;
		const char *field;
	} rows[] = {
		{"HTOP/T30 alice - " KEY, TOTP_ERR_FORMAT, "type"},
		{"HOTPS alice - " KEY, TOTP_ERR_FORMAT, "type"},
		{"hotp alice - " KEY, TOTP_ERR_FORMAT, "type"},
		{"TOTP/30/6 alice - " KEY, TOTP_ERR_FORMAT, "type"},
		{"HOTP/ alice - " KEY, TOTP_ERR_FORMAT, "type"},
		{"HOTP/T30/ alice - " KEY, TOTP_ERR_FORMAT, "type"},
		{"/ alice - " KEY, TOTP_ERR_FORMAT, "type"},
		{"root:x:0:0:root:/root:/bin/sh", TOTP_ERR_FORMAT, "type"},
		{"HOTP/X alice - " KEY, TOTP_ERR_FORMAT, "type"},
		{"HOTP/T alice - " KEY, TOTP_ERR_FORMAT, "type"},
		{"HOTP/T14 alice - " KEY, TOTP_ERR_FORMAT, "type"},
		{"HOTP/T30x alice - " KEY, TOTP_ERR_FORMAT, "type"},
		{"HOTP/T30/5 alice - " KEY, TOTP_ERR_FORMAT, "type"},
		{"HOTP/T30/9 alice - " KEY, TOTP_ERR_FORMAT, "type"},
		{"HOTP/E/6/6 alice - " KEY, TOTP_ERR_FORMAT, "type"},
		{"HOTP", TOTP_ERR_FORMAT, "user"},
		{"HOTP al\x01ice - " KEY, TOTP_ERR_FORMAT, "user"},
		{"HOTP alice", TOTP_ERR_FORMAT, "password"},
		{"HOTP alice -", TOTP_ERR_FORMAT, "key"},
		{"HOTP alice - 313", TOTP_ERR_FORMAT, "key"},
		{"HOTP alice - " KEY "3g", TOTP_ERR_FORMAT, "key"},
		{"HOTP alice - 313233343536373839", TOTP_ERR_RANGE, "key"}, /* 9 bytes */
		{"HOTP alice - 00", TOTP_ERR_RANGE, "key"},
		{"HOTP alice - " KEY " x", TOTP_ERR_FORMAT, "counter"},
		{"HOTP alice - " KEY " -1", TOTP_ERR_FORMAT, "counter"},
		{"HOTP alice - " KEY " 4294967296", TOTP_ERR_FORMAT, "counter"},
		{"HOTP alice - " KEY " 0 12345", TOTP_ERR_FORMAT, "last code"},
		{"HOTP alice - " KEY " 0 123456789", TOTP_ERR_FORMAT, "last code"},
		{"HOTP alice - " KEY " 0 12345x", TOTP_ERR_FORMAT, "last code"},
		{"HOTP alice - " KEY " 0 123456 2026-01-02T03:04:05", TOTP_ERR_FORMAT, "time"},
		{"HOTP alice - " KEY " 0 123456 2026-13-02T03:04:05L", TOTP_ERR_FORMAT, "time"},
		{"HOTP alice - " KEY " 0 123456 1969-12-31T23:59:59L", TOTP_ERR_FORMAT, "time"},
		{"HOTP alice - " KEY " 0 123456 2026-1-2T03:04:05L", TOTP_ERR_FORMAT, "time"},
		{"HOTP alice - " KEY " 0 123456 +026-01-02T03:04:05L", TOTP_ERR_FORMAT, "time"},
		{"HOTP alice - " KEY " 0 123456 2026-01-02T03:04:61L", TOTP_ERR_FORMAT, "time"},
		{"HOTP alice - " KEY " 0 123456 2026-00-02T03:04:05L", TOTP_ERR_FORMAT, "time"},
		{"HOTP alice - " KEY " 0 123456 2026-01-02T24:04:05L", TOTP_ERR_FORMAT, "time"},
		{"HOTP alice - " KEY " 0 123456 2026-01-02T03:04:05LL", TOTP_ERR_FORMAT, "time"},
		{"HOTP alice - " KEY " 0 123456 2026-01-02T03:04:05L x", TOTP_ERR_FORMAT,
		 "more than seven"},
	};

	for (size_t i = 0; i < COUNT(rows); i++) {
		struct reason why = {""};
		struct imported oath;

		assert_int_equal(rows[i].err, oath_decode(text_of(rows[i].line), &oath, &why));
		assert_memory_equal(rows[i].field, why.text, strlen(rows[i].field));
		assert_null(strstr(why.text, "3132"));
		assert_wiped(oath);
	}
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_type_is_read),
		cmocka_unit_test(a_line_that_pam_oath_wrote_after_a_login_is_read),
		cmocka_unit_test(the_counter_follows_the_last_code_if_there_is_one),
		cmocka_unit_test(a_password_in_pam_oath_s_file_is_reported),
		cmocka_unit_test(the_digits_of_the_last_code_count),
		cmocka_unit_test(blanks_of_any_kind_separate_the_fields),
		cmocka_unit_test(a_malformed_row_is_rejected_and_its_field_named),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
