/* SPDX-License-Identifier: BSD-2-Clause */
#include "unit.h"

#include <stdio.h>

#include "import/google.h"

#define SECRET "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ" /* 12345678901234567890 */
#define HEAD   SECRET "\n\" TOTP_AUTH\n"

static struct imported google_of(const char *text, enum google_kind kind)
{
	struct reason why = {""};
	struct imported google;

	if (google_decode(text_of(text), kind, &google, &why) != TOTP_OK)
		fail_msg("%s: %s", text, why.text);
	return google;
}

static struct imported pam(const char *text)
{
	return google_of(text, GOOGLE_AUTHENTICATOR);
}

static void a_line_that_means_nothing_is_counted(void **unused)
{
	static const struct {
		const char *lines;
		unsigned count, first, codes;
	} rows[] = {
		{"12345678\n\n\" LAST9 h 1\n", 0, 0, 1},
		{"\" LAST10 h 1\n", 1, 3, 0},
		{"\" STEPSIZE 30\n12345678\n", 1, 3, 1},
		{"\"STEP_SIZE 30\n12345678\n", 1, 3, 1},
		{"12345678\r\n\r\n1234567\r\n87654321\r\n", 2, 5, 1}, /* the peer stops there */
		{"01234567\n# none\n", 2, 3, 0},
	};

	for (size_t i = 0; i < COUNT(rows); i++) {
		char text[200];
		struct imported google;

		snprintf(text, sizeof(text), HEAD "%s", rows[i].lines);
		google = pam(text);
		assert_int_equal(rows[i].count, google.unknown_lines);
		assert_int_equal(rows[i].first, google.unknown_line);
		assert_int_equal(rows[i].codes, google.code_count);
	}
}

static void a_file_of_google_authenticator_is_read(void **unused)
{
	/* as google-authenticator -t -d -w 3 -r 3 -R 30 writes it, after some logins */
	struct imported google = pam(SECRET "\n"
					    "\" RATE_LIMIT 3 30 1700000001 1700000031\n"
					    "\" WINDOW_SIZE 17\n"
					    "\" DISALLOW_REUSE 56666664 56666667 56666666\n"
					    "\" LAST0 192.0.2.1 1700000031\n"
					    "\" TOTP_AUTH\n"
					    "12345678\n87654321\n99999999\n");

	assert_int_equal(20, google.token.secret.len);
	assert_memory_equal("12345678901234567890", google.token.secret.data, 20);
	assert_int_equal(TOKEN_TOTP, google.token.type);
	assert_int_equal(HMAC_SHA1, google.token.alg);
	assert_int_equal(6, google.token.digits);
	assert_int_equal(30, google.token.period);
	assert_int_equal(56666667, google.moving);
	assert_int_equal(17, google.window);
	assert_false(google.skewed);
	assert_int_equal(3, google.code_count);
	assert_string_equal("12345678", google.codes[0].text);
	assert_string_equal("99999999", google.codes[2].text);
	assert_int_equal(0, google.codes_left_out);
}

static void a_counter_makes_it_counter_based(void **unused)
{
	struct imported google = pam(SECRET "\n\" HOTP_COUNTER 42\n");

	assert_int_equal(TOKEN_HOTP, google.token.type);
	assert_int_equal(42, google.moving);
	assert_int_equal(0, google.token.period);
	assert_int_equal(
		TOKEN_HOTP,
		pam(HEAD "\" HOTP_COUNTER 1\n").token.type); /* it has priority over TOTP_AUTH… */
	assert_int_equal(TOKEN_TOTP,
			 pam(HEAD "\" HOTP_COUNTER 0\n").token.type); /* …and 0 is off */
	assert_int_equal(7, pam(SECRET "\n\" HOTP_COUNTER 7\n\" DISALLOW_REUSE 9\n").moving);
}

static void a_secret_is_read_as_google_authenticator_reads_it(void **unused)
{
	static const struct {
		const char *line, *bytes;
	} rows[] = {
		{"gezd gnbv-gy3t\tqojq GEZDGNBVGY3TQOJQ\r", "12345678901234567890"},
		{"MFRGGZDFMZTWQ2LK", "abcdefghij"},
		{"MFRGGZDFMZTWQ2LKK", "abcdefghij"},   /* 5 bits too many */
		{"MFRGGZDFMZTWQ2LKN5", "abcdefghijo"}, /* 2 of them not zero */
		{"MFRGGZDFMZTWQ2LKNY", "abcdefghijn"},
	};

	for (size_t i = 0; i < COUNT(rows); i++) {
		char text[200];
		struct imported google;

		snprintf(text, sizeof(text), "%s\n\" TOTP_AUTH\n", rows[i].line);
		google = pam(text);
		assert_int_equal(strlen(rows[i].bytes), google.token.secret.len);
		assert_memory_equal(rows[i].bytes, google.token.secret.data,
				    google.token.secret.len);
	}
}

static void digits_that_look_like_letters_are_read_as_letters(void **unused)
{
	struct imported letters = pam("OLBOLBOLBOLBOLBOLBOL\n\" TOTP_AUTH\n");
	struct imported digits = pam("018018018018018018o1\n\" TOTP_AUTH\n");

	assert_memory_equal(&letters.token.secret, &digits.token.secret,
			    sizeof(letters.token.secret));
}

static void lines_may_end_as_on_any_system(void **unused)
{
	struct imported google =
		pam(SECRET "\r\n\" TOTP_AUTH\r\n\r\n\" STEP_SIZE 60\r\n12345678\r\n");

	assert_int_equal(60, google.token.period);
	assert_int_equal(1, google.code_count);
	assert_int_equal(1, pam(HEAD "12345678").code_count);
}

static void of_an_option_given_twice_the_first_counts(void **unused)
{
	assert_int_equal(60, pam(HEAD "\" STEP_SIZE 60\n\" STEP_SIZE 15\n").token.period);
}

static void options_may_have_any_blanks_and_must_be_complete(void **unused)
{
	struct imported google = pam(HEAD "\" STEP_SIZEX 60\n\"STEP_SIZE 60\n\" STEP_SIZE \t 45 \n"
					  "\" DISALLOW_REUSE\t5\t 7  6\n");

	assert_int_equal(45, google.token.period);
	assert_int_equal(7, google.moving);
	assert_int_equal(0, pam(HEAD "\" DISALLOW_REUSE\n").moving);
}

static void a_learned_skew_is_reported(void **unused)
{
	assert_true(pam(HEAD "\" TIME_SKEW -3\n").skewed);
	assert_false(pam(HEAD "\" TIME_SKEW 0\n").skewed);
	assert_false(pam(HEAD "\" RESETTING_TIME_SKEW 56666667-3\n").skewed);
}

static void scratch_codes_end_where_google_authenticator_stops_reading(void **unused)
{
	assert_int_equal(1,
			 pam(HEAD "12345678\n\" WINDOW_SIZE 3\n01234567\n87654321\n").code_count);
	assert_int_equal(1, pam(HEAD "12345678\n1234567\n87654321\n").code_count);
	assert_int_equal(2, pam(HEAD "12345678\n\n\" WINDOW_SIZE 3\n87654321\n").code_count);
	assert_int_equal(0, pam(HEAD "12345678 \n").code_count);
}

static void more_scratch_codes_than_there_is_room_for_are_counted(void **unused)
{
	char text[600] = HEAD;
	struct imported google;

	for (unsigned i = 0; i < RECOVERY_MAX + 3; i++)
		snprintf(text + strlen(text), sizeof(text) - strlen(text), "123456%02u\n", i);
	google = pam(text);
	assert_int_equal(RECOVERY_MAX, google.code_count);
	assert_int_equal(3, google.codes_left_out);
}

static void a_fork_s_algorithm_and_digits_are_read(void **unused)
{
	struct imported google = pam(HEAD "\" ALGORITHM sha256\n\" DIGITS 8\n");

	assert_int_equal(HMAC_SHA256, google.token.alg);
	assert_int_equal(8, google.token.digits);
	assert_int_equal(HMAC_SHA512, pam(HEAD "\" ALGORITHM sha512\n").token.alg);
	assert_int_equal(HMAC_SHA1, pam(HEAD "\" ALGORITHM sha1\n").token.alg);
}

static void any_other_file_is_rejected_with_a_reason(void **unused)
{
	static const struct {
		const char *text;
		enum totp_err err;
		const char *about;
	} rows[] = {
		{"", TOTP_ERR_FORMAT, "expected 1 to"},
		{"\n" SECRET "\n\" TOTP_AUTH\n", TOTP_ERR_RANGE, "secret"},
		{SECRET "\n", TOTP_ERR_FORMAT, "neither TOTP_AUTH"},
		{SECRET "\n\"TOTP_AUTH\n", TOTP_ERR_FORMAT, "neither TOTP_AUTH"},
		{"\" TOTP_AUTH\n" SECRET "\n", TOTP_ERR_FORMAT, "secret"},
		{"GEZDGNB=\n\" TOTP_AUTH\n", TOTP_ERR_FORMAT, "secret"},
		{"GEZDGNB9GEZDGNB9\n\" TOTP_AUTH\n", TOTP_ERR_FORMAT, "secret"},
		{"MFRGGZDFMZTWQ2I\n\" TOTP_AUTH\n", TOTP_ERR_RANGE, "secret"}, /* 9 bytes */
		{HEAD "\" STEP_SIZE 14\n", TOTP_ERR_RANGE, "STEP_SIZE"},
		{HEAD "\" STEP_SIZE 0\n", TOTP_ERR_FORMAT, "STEP_SIZE"},
		{HEAD "\" STEP_SIZE 61\n", TOTP_ERR_FORMAT, "STEP_SIZE"},
		{HEAD "\" STEP_SIZE\n", TOTP_ERR_FORMAT, "STEP_SIZE"},
		{HEAD "\" STEP_SIZE 30s\n", TOTP_ERR_FORMAT, "STEP_SIZE"},
		{HEAD "\" WINDOW_SIZE 0\n", TOTP_ERR_FORMAT, "WINDOW_SIZE"},
		{HEAD "\" WINDOW_SIZE 101\n", TOTP_ERR_FORMAT, "WINDOW_SIZE"},
		{HEAD "\" HOTP_COUNTER -1\n", TOTP_ERR_FORMAT, "HOTP_COUNTER"},
		{HEAD "\" HOTP_COUNTER 4294967296\n", TOTP_ERR_FORMAT, "HOTP_COUNTER"},
		{HEAD "\" DISALLOW_REUSE 5 x\n", TOTP_ERR_FORMAT, "DISALLOW_REUSE"},
		{HEAD "\" DISALLOW_REUSE 2147483648\n", TOTP_ERR_FORMAT, "DISALLOW_REUSE"},
		{HEAD "\" DIGITS 9\n", TOTP_ERR_FORMAT, "DIGITS"},
		{HEAD "\" ALGORITHM md5\n", TOTP_ERR_FORMAT, "ALGORITHM"},
	};

	for (size_t i = 0; i < COUNT(rows); i++) {
		struct reason why = {""};
		struct imported google;

		assert_int_equal(rows[i].err, google_decode(text_of(rows[i].text),
							    GOOGLE_AUTHENTICATOR, &google, &why));
		assert_memory_equal(rows[i].about, why.text, strlen(rows[i].about));
		assert_null(strstr(why.text, "GEZD"));
		assert_wiped(google);
	}
}

static void a_nul_or_too_many_bytes_are_rejected(void **unused)
{
	static char large[GOOGLE_FILE_MAX + 1];
	struct reason why = {""};
	struct imported google;

	memset(large, '\n', sizeof(large));
	memcpy(large, HEAD, sizeof(HEAD) - 1);
	assert_ok(google_decode((struct text){large, GOOGLE_FILE_MAX}, GOOGLE_AUTHENTICATOR,
				&google, &why));
	assert_refused(FORMAT, google_decode((struct text){large, GOOGLE_FILE_MAX + 1},
					     GOOGLE_AUTHENTICATOR, &google, &why));
	large[100] = '\0';
	assert_refused(FORMAT, google_decode((struct text){large, GOOGLE_FILE_MAX},
					     GOOGLE_AUTHENTICATOR, &google, &why));
}

static void totp_cgi_differs_where_its_files_do(void **unused)
{
	/* as totpcgi's provisioning writes it */
	struct imported google =
		google_of("MFRGGZDFMZTWQ2LK\n\" RATE_LIMIT 3 30\n\" WINDOW_SIZE 6\n"
			  "\" DISALLOW_REUSE\n\" TOTP_AUTH\n01234567\nnonsense\n 7654321 \n"
			  "76543210",
			  GOOGLE_TOTPCGI);

	assert_int_equal(10, google.token.secret.len);
	assert_int_equal(30, google.token.period);
	assert_int_equal(5, google.window); /* 60 s to each side */
	assert_int_equal(2, google.code_count);
	assert_string_equal("01234567", google.codes[0].text);
	assert_int_equal(
		TOKEN_TOTP,
		google_of("MFRGGZDFMZTWQ2LK\n", GOOGLE_TOTPCGI).token.type); /* the default */
	assert_int_equal(30, google_of(HEAD "\" STEP_SIZE 60\n", GOOGLE_TOTPCGI).token.period);
	assert_int_equal(TOKEN_HOTP,
			 google_of(HEAD "\" HOTP_COUNTER 0\n", GOOGLE_TOTPCGI).token.type);
}

static void an_encrypted_secret_is_reported_and_its_scratch_codes_ignored(void **unused)
{
	struct imported google =
		google_of("aes256+hmac256$AAAA$BBBB\n\" TOTP_AUTH\n12345678\n", GOOGLE_TOTPCGI);

	assert_true(google.sealed);
	assert_int_equal(0, google.token.secret.len);
	assert_int_equal(0, google.code_count);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_line_that_means_nothing_is_counted),
		cmocka_unit_test(a_file_of_google_authenticator_is_read),
		cmocka_unit_test(a_counter_makes_it_counter_based),
		cmocka_unit_test(a_secret_is_read_as_google_authenticator_reads_it),
		cmocka_unit_test(digits_that_look_like_letters_are_read_as_letters),
		cmocka_unit_test(lines_may_end_as_on_any_system),
		cmocka_unit_test(of_an_option_given_twice_the_first_counts),
		cmocka_unit_test(options_may_have_any_blanks_and_must_be_complete),
		cmocka_unit_test(a_learned_skew_is_reported),
		cmocka_unit_test(scratch_codes_end_where_google_authenticator_stops_reading),
		cmocka_unit_test(more_scratch_codes_than_there_is_room_for_are_counted),
		cmocka_unit_test(a_fork_s_algorithm_and_digits_are_read),
		cmocka_unit_test(any_other_file_is_rejected_with_a_reason),
		cmocka_unit_test(a_nul_or_too_many_bytes_are_rejected),
		cmocka_unit_test(totp_cgi_differs_where_its_files_do),
		cmocka_unit_test(an_encrypted_secret_is_reported_and_its_scratch_codes_ignored),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
