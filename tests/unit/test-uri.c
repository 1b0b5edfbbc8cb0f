/* SPDX-License-Identifier: BSD-2-Clause */
#include "unit.h"

#include <stdlib.h>

#include "otp/uri.h"

#define SECRET_TEXT "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ" /* 12345678901234567890 */

static struct otp_uri example(const char *issuer, const char *account)
{
	struct otp_uri uri = {.alg = HMAC_SHA1, .digits = 6, .period = 30};

	assert_ok(text_copy(text_of(issuer), uri.issuer, sizeof(uri.issuer)));
	assert_ok(text_copy(text_of(account), uri.account, sizeof(uri.account)));
	assert_ok(secret_set(&uri.secret, "12345678901234567890", 20));
	return uri;
}

static void assert_uri_equal(const struct otp_uri *expected, const struct otp_uri *seen)
{
	assert_int_equal(expected->hotp, seen->hotp);
	assert_int_equal(expected->alg, seen->alg);
	assert_int_equal(expected->digits, seen->digits);
	assert_int_equal(expected->hotp ? 30 : expected->period, seen->period);
	assert_int_equal(expected->counter, seen->counter);
	assert_string_equal(expected->issuer, seen->issuer);
	assert_string_equal(expected->account, seen->account);
	assert_memory_equal(&expected->secret, &seen->secret, sizeof(seen->secret));
}

static void assert_round_trip(const struct otp_uri *uri)
{
	char text[URI_TEXT_MAX];
	struct otp_uri back;
	struct reason why = {""};

	assert_ok(uri_write(uri, text));
	assert_ok(uri_parse(text_of(text), &back, &why));
	assert_uri_equal(uri, &back);
}

static void defaults_are_left_out(void **unused)
{
	struct otp_uri uri = example("host", "alice");
	char text[URI_TEXT_MAX];

	assert_ok(uri_write(&uri, text));
	assert_string_equal("otpauth://totp/host:alice?secret=" SECRET_TEXT "&issuer=host", text);
	assert_round_trip(&uri);
}

static void other_values_than_the_default_are_written(void **unused)
{
	struct otp_uri uri = example("host", "alice");
	char text[URI_TEXT_MAX];

	uri.alg = HMAC_SHA512;
	uri.digits = 8;
	uri.period = 60;
	assert_ok(uri_write(&uri, text));
	assert_string_equal("otpauth://totp/host:alice?secret=" SECRET_TEXT
			    "&issuer=host&algorithm=SHA512&digits=8&period=60",
			    text);
	assert_round_trip(&uri);
}

static void an_empty_issuer_is_left_out(void **unused)
{
	struct otp_uri uri = example("", "alice");
	char text[URI_TEXT_MAX];

	assert_ok(uri_write(&uri, text));
	assert_string_equal("otpauth://totp/alice?secret=" SECRET_TEXT, text);
	assert_round_trip(&uri);
}

static void hotp_has_a_counter_and_no_period(void **unused)
{
	struct otp_uri uri = example("host", "alice");
	char text[URI_TEXT_MAX];

	uri.hotp = true;
	uri.counter = UINT64_MAX;
	uri.period = 0;
	assert_ok(uri_write(&uri, text));
	assert_string_equal("otpauth://hotp/host:alice?secret=" SECRET_TEXT
			    "&issuer=host&counter=18446744073709551615",
			    text);
	assert_round_trip(&uri);
}

static void only_unreserved_characters_stand_for_themselves(void **unused)
{
	struct otp_uri uri = example("A-z_0.9~", "# + & % ? / \" @ =");
	char text[URI_TEXT_MAX];

	assert_ok(uri_write(&uri, text));
	assert_string_equal("otpauth://totp/A-z_0.9~:"
			    "%23%20%2B%20%26%20%25%20%3F%20%2F%20%22%20%40%20%3D"
			    "?secret=" SECRET_TEXT "&issuer=A-z_0.9~",
			    text);
}

static void awkward_names_parse_back_to_the_same_values(void **unused)
{
	static const char *const names[] = {
		"# + & % \" /",
		"a+b",
		"100%",
		"100%25",
		"%3A",
		"a=b&secret=c",
		"?#[]@!$'()*,;",
		"Zo\xc3\xab",
		"\xe6\x97\xa5\xe6\x9c\xac",
		"\xf0\x9f\x94\x91",
		"a b",
		"b ",
		"~",
		"\\",
	};

	for (size_t i = 0; i < COUNT(names); i++)
		for (size_t j = 0; j < COUNT(names); j++) {
			struct otp_uri uri = example(names[i], names[j]);

			uri.period = 60;
			uri.digits = 8;
			assert_round_trip(&uri);
		}
}

static void every_parameter_survives(void **unused)
{
	static const enum hmac_alg algs[] = {HMAC_SHA1, HMAC_SHA256, HMAC_SHA512};
	static const uint32_t periods[] = {15, 29, 30, 31, 60, 300};

	for (size_t i = 0; i < COUNT(algs); i++)
		for (unsigned digits = 6; digits <= 8; digits++)
			for (size_t j = 0; j < COUNT(periods); j++) {
				struct otp_uri uri = example("host", "alice");

				uri.alg = algs[i];
				uri.digits = digits;
				uri.period = periods[j];
				assert_round_trip(&uri);
			}
}

static void the_longest_of_all_fits(void **unused)
{
	struct otp_uri uri = {.hotp = true, .alg = HMAC_SHA512, .digits = 8, .counter = UINT64_MAX};

	memset(uri.issuer, '%', URI_ISSUER_MAX);
	memset(uri.account, '"', URI_ACCOUNT_MAX);
	memset(uri.secret.data, 0xff, SECRET_MAX);
	uri.secret.len = SECRET_MAX;
	assert_round_trip(&uri);
}

static void a_colon_in_a_name_is_rejected(void **unused)
{
	struct otp_uri issuer = example("host:22", "alice"), account = example("host", "alice:x");
	char text[URI_TEXT_MAX] = "old";
	struct reason why = {""};

	assert_refused(FORMAT, uri_write(&issuer, text));
	assert_string_equal("", text);
	assert_refused(FORMAT, uri_write(&account, text));
	assert_refused(FORMAT, uri_check_name("issuer", text_of("host:22"), URI_ISSUER_MAX, &why));
	assert_non_null(strstr(why.text, "issuer: a colon"));
}

static void a_name_that_some_app_misreads_is_rejected(void **unused)
{
	char text[200];
	struct reason why = {""};

	memset(text, 'x', sizeof(text));
	assert_ok(uri_check_name("account", (struct text){text, 128}, URI_ACCOUNT_MAX, &why));
	assert_refused(RANGE,
		       uri_check_name("account", (struct text){text, 129}, URI_ACCOUNT_MAX, &why));
	assert_string_equal("account: 129 bytes long, expected 1 to 128", why.text);
	assert_refused(RANGE, uri_check_name("account", text_of(""), URI_ACCOUNT_MAX, &why));
	assert_refused(FORMAT, uri_check_name("account", text_of("a\nb"), URI_ACCOUNT_MAX, &why));
	assert_refused(FORMAT, uri_check_name("account", text_of("a\xff"), URI_ACCOUNT_MAX, NULL));
}

static void nothing_out_of_range_is_written(void **unused)
{
	struct otp_uri good = example("host", "alice"), uri;
	char text[URI_TEXT_MAX];

	uri = good;
	uri.account[0] = '\0';
	assert_refused(RANGE, uri_write(&uri, text));
	uri = good;
	uri.digits = 5;
	assert_refused(RANGE, uri_write(&uri, text));
	uri.digits = 9;
	assert_refused(RANGE, uri_write(&uri, text));
	uri = good;
	uri.period = 14;
	assert_refused(RANGE, uri_write(&uri, text));
	uri.period = 301;
	assert_refused(RANGE, uri_write(&uri, text));
	uri = good;
	uri.alg = (enum hmac_alg)4;
	assert_refused(RANGE, uri_write(&uri, text));
	uri = good;
	uri.secret.len = 0;
	assert_refused(RANGE, uri_write(&uri, text));
	assert_string_equal("", text);
}

static void uris_of_apps_and_programs_are_read(void **unused)
{
	static const struct {
		const char *text, *issuer, *account;
	} rows[] = {
		{"otpauth://totp/host:alice?secret=" SECRET_TEXT, "host", "alice"},
		{"otpauth://totp/host%3Aalice?secret=" SECRET_TEXT, "host", "alice"},
		{"otpauth://totp/host%3aalice?secret=" SECRET_TEXT, "host", "alice"},
		{"otpauth://totp/host:%20alice?secret=" SECRET_TEXT, "host", "alice"},
		{"otpauth://totp/host: alice?secret=" SECRET_TEXT, "host", "alice"},
		{"otpauth://totp/host: %20 alice?secret=" SECRET_TEXT, "host", "alice"},
		{"otpauth://totp/host%3A%20alice?secret=" SECRET_TEXT, "host", "alice"},
		{"otpauth://totp/a%3Ab:alice?secret=" SECRET_TEXT, "a:b", "alice"},
		{"otpauth://totp/alice?secret=" SECRET_TEXT, "", "alice"},
		{"otpauth://totp/alice?secret=" SECRET_TEXT "&issuer=host", "host", "alice"},
		{"otpauth://totp/other:alice?secret=" SECRET_TEXT "&issuer=host", "host", "alice"},
		{"otpauth://totp/other:alice?issuer=host&secret=" SECRET_TEXT, "host", "alice"},
		{"otpauth://totp/host:alice?secret=" SECRET_TEXT "&issuer=", "host", "alice"},
		{"OTPAUTH://TOTP/host:alice?SECRET=" SECRET_TEXT, "host", "alice"},
		{"otpauth://totp/host:alice?Secret=gezdgnbvgy3tqojqgezdgnbvgy3tqojq", "host",
		 "alice"},
		{"otpauth://totp/host:alice?secret=" SECRET_TEXT "&image=x&lock&=&&", "host",
		 "alice"},
		{"otpauth://totp/host:alice?secret=" SECRET_TEXT "&algorithm=sha1", "host",
		 "alice"},
		{"otpauth://totp/host:alice?secret=gezd%20gnbv%20gy3t%20qojq%20gezdgnbvgy3tqojq",
		 "host", "alice"},
		{"otpauth://totp/host:alice?secret=%47%45ZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ", "host",
		 "alice"},
		{"otpauth://totp/a+b:alice+work?secret=" SECRET_TEXT, "a+b", "alice+work"},
		{"otpauth://totp/host:alice@example.org?secret=" SECRET_TEXT, "host",
		 "alice@example.org"},
		{"otpauth://totp/Zo\xc3\xab:alice?secret=" SECRET_TEXT, "Zo\xc3\xab", "alice"},
	};

	for (size_t i = 0; i < COUNT(rows); i++) {
		struct otp_uri expected = example(rows[i].issuer, rows[i].account), seen;
		struct reason why = {""};

		assert_ok(uri_parse(text_of(rows[i].text), &seen, &why));
		assert_uri_equal(&expected, &seen);
	}
}

static void any_other_uri_is_rejected_with_a_reason(void **unused)
{
	static const struct {
		enum totp_err err;
		const char *text, *why;
	} rows[] = {
		{TOTP_ERR_FORMAT, "", "expected a URI"},
		{TOTP_ERR_FORMAT, "otpauth://totp", "expected a URI"},
		{TOTP_ERR_FORMAT, "https://totp/a?secret=" SECRET_TEXT, "expected a URI"},
		{TOTP_ERR_FORMAT, "otpauth://steam/a?secret=" SECRET_TEXT, "expected a URI"},
		{TOTP_ERR_FORMAT, " otpauth://totp/a?secret=" SECRET_TEXT, "expected a URI"},
		{TOTP_ERR_FORMAT, "otpauth://totp/", "label"},
		{TOTP_ERR_FORMAT, "otpauth://totp/host:alice", "secret"},
		{TOTP_ERR_FORMAT, "otpauth://totp/a?issuer=host", "secret"},
		{TOTP_ERR_FORMAT, "otpauth://totp/a?secret", "secret"},
		{TOTP_ERR_FORMAT, "otpauth://totp/a?secret=", "secret"},
		{TOTP_ERR_FORMAT, "otpauth://totp/a?secret=0189", "secret"},
		{TOTP_ERR_FORMAT, "otpauth://totp/a?secret=" SECRET_TEXT "#x", "secret"},
		{TOTP_ERR_FORMAT, "otpauth://totp/a?secret=" SECRET_TEXT "&secret=" SECRET_TEXT,
		 "secret: given twice"},
		{TOTP_ERR_FORMAT, "otpauth://totp/a?secret=" SECRET_TEXT "&digits=6&DIGITS=6",
		 "digits: given twice"},
		{TOTP_ERR_FORMAT, "otpauth://totp/a?secret=" SECRET_TEXT "%", "secret"},
		{TOTP_ERR_FORMAT, "otpauth://totp/a?secret=" SECRET_TEXT "%00", "secret"},
		{TOTP_ERR_FORMAT, "otpauth://hotp/a?secret=" SECRET_TEXT, "counter"},
		{TOTP_ERR_FORMAT, "otpauth://hotp/a?secret=" SECRET_TEXT "&counter=-1", "counter"},
		{TOTP_ERR_RANGE,
		 "otpauth://hotp/a?secret=" SECRET_TEXT "&counter=18446744073709551616", "counter"},
		{TOTP_ERR_FORMAT, "otpauth://totp/a%?secret=" SECRET_TEXT, "label"},
		{TOTP_ERR_FORMAT, "otpauth://totp/a%2?secret=" SECRET_TEXT, "label"},
		{TOTP_ERR_FORMAT, "otpauth://totp/a%zz?secret=" SECRET_TEXT, "label"},
		{TOTP_ERR_FORMAT, "otpauth://totp/a%00b?secret=" SECRET_TEXT, "label"},
		{TOTP_ERR_FORMAT, "otpauth://totp/a%0ab?secret=" SECRET_TEXT, "control characters"},
		{TOTP_ERR_FORMAT, "otpauth://totp/a%ff?secret=" SECRET_TEXT, "UTF-8"},
		{TOTP_ERR_FORMAT, "otpauth://totp/a?secret=" SECRET_TEXT "&issuer=%1b[2J",
		 "control"},
		{TOTP_ERR_FORMAT, "otpauth://totp/a?secret=" SECRET_TEXT "&issuer=%", "issuer"},
		{TOTP_ERR_FORMAT, "otpauth://totp/a?secret=" SECRET_TEXT "&algorithm=MD5",
		 "algorithm"},
		{TOTP_ERR_FORMAT, "otpauth://totp/a?secret=" SECRET_TEXT "&algorithm=SHA",
		 "algorithm"},
		{TOTP_ERR_FORMAT, "otpauth://totp/a?secret=" SECRET_TEXT "&digits=six", "digits"},
		{TOTP_ERR_RANGE, "otpauth://totp/a?secret=" SECRET_TEXT "&digits=5", "digits"},
		{TOTP_ERR_RANGE, "otpauth://totp/a?secret=" SECRET_TEXT "&digits=9", "digits"},
		{TOTP_ERR_RANGE, "otpauth://totp/a?secret=" SECRET_TEXT "&period=14", "period"},
		{TOTP_ERR_RANGE, "otpauth://totp/a?secret=" SECRET_TEXT "&period=301", "period"},
		{TOTP_ERR_RANGE, "otpauth://totp/a?secret=" SECRET_TEXT "&period=4294967326",
		 "period"},
	};

	for (size_t i = 0; i < COUNT(rows); i++) {
		struct reason why = {""};
		struct otp_uri uri;

		assert_int_equal(rows[i].err, uri_parse(text_of(rows[i].text), &uri, &why));
		if (!strstr(why.text, rows[i].why))
			assert_string_equal(rows[i].why, why.text);
		assert_wiped(uri);
	}
}

static void a_reason_never_repeats_the_secret(void **unused)
{
	struct otp_uri uri;
	struct reason why = {""};

	assert_refused(FORMAT, uri_parse(text_of("otpauth://totp/a?secret=GEZDGNBV1"), &uri, &why));
	assert_null(strstr(why.text, "GEZDG"));
	assert_refused(RANGE, uri_parse(text_of("otpauth://totp/a?secret=" SECRET_TEXT "&digits=5"),
					&uri, &why));
	assert_null(strstr(why.text, "GEZDG"));
}

static void a_label_of_3300_bytes_is_a_clean_error(void **unused)
{
	static const char before[] = "otpauth://totp/", after[] = "?secret=" SECRET_TEXT;
	char text[sizeof(before) + 3300 + sizeof(after)];
	struct reason why = {""};
	struct otp_uri uri;

	strcpy(text, before);
	memset(text + strlen(text), 'x', 3300);
	strcpy(text + sizeof(before) - 1 + 3300, after);
	assert_int_not_equal(TOTP_OK, uri_parse(text_of(text), &uri, &why));
	assert_non_null(strstr(why.text, "label"));
	assert_wiped(uri);
}

static void no_slice_is_read_past_its_end(void **unused)
{
	static const char whole[] =
		"otpauth://totp/host:al%20ice?secret=MFRGGZDFMZTWQ2LK&issuer=h%20st&digits=8";

	for (size_t len = 0; len < sizeof(whole); len++) {
		/* so that a sanitizer sees a read past it */
		char *text = len ? malloc(len) : NULL;
		struct reason why = {""};
		struct otp_uri uri;

		if (text)
			memcpy(text, whole, len);
		(void)!uri_parse((struct text){text, len}, &uri, &why);
		free(text);
	}
}

static void algorithms_have_the_names_that_apps_know(void **unused)
{
	enum hmac_alg alg = HMAC_SHA1;

	assert_string_equal("SHA1", crypto_alg_name(HMAC_SHA1));
	assert_string_equal("SHA256", crypto_alg_name(HMAC_SHA256));
	assert_string_equal("SHA512", crypto_alg_name(HMAC_SHA512));
	assert_string_equal("?", crypto_alg_name((enum hmac_alg)0));
	assert_ok(uri_algorithm_of(text_of("sha256"), &alg));
	assert_int_equal(HMAC_SHA256, alg);
	assert_refused(FORMAT, uri_algorithm_of(text_of("SHA-1"), &alg));
	assert_refused(FORMAT, uri_algorithm_of(text_of(""), &alg));
	assert_refused(FORMAT, uri_algorithm_of(text_of("SHA5122"), &alg));
}

/* As in the line of a file, where more follows. */
static void a_percent_sign_that_the_end_cuts_off_is_rejected_whatever_follows(void **unused)
{
	static const char text[] = "otpauth://totp/a?secret=" SECRET_TEXT "&issuer=host%41";
	struct otp_uri uri;
	struct reason why = {""};

	assert_ok(uri_parse(text_of(text), &uri, &why));
	assert_string_equal("hostA", uri.issuer);
	for (size_t cut = 1; cut <= 2; cut++)
		assert_refused(FORMAT,
			       uri_parse((struct text){text, sizeof(text) - 1 - cut}, &uri, &why));
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(defaults_are_left_out),
		cmocka_unit_test(other_values_than_the_default_are_written),
		cmocka_unit_test(an_empty_issuer_is_left_out),
		cmocka_unit_test(hotp_has_a_counter_and_no_period),
		cmocka_unit_test(only_unreserved_characters_stand_for_themselves),
		cmocka_unit_test(awkward_names_parse_back_to_the_same_values),
		cmocka_unit_test(every_parameter_survives),
		cmocka_unit_test(the_longest_of_all_fits),
		cmocka_unit_test(a_colon_in_a_name_is_rejected),
		cmocka_unit_test(a_name_that_some_app_misreads_is_rejected),
		cmocka_unit_test(nothing_out_of_range_is_written),
		cmocka_unit_test(uris_of_apps_and_programs_are_read),
		cmocka_unit_test(any_other_uri_is_rejected_with_a_reason),
		cmocka_unit_test(a_percent_sign_that_the_end_cuts_off_is_rejected_whatever_follows),
		cmocka_unit_test(a_reason_never_repeats_the_secret),
		cmocka_unit_test(a_label_of_3300_bytes_is_a_clean_error),
		cmocka_unit_test(no_slice_is_read_past_its_end),
		cmocka_unit_test(algorithms_have_the_names_that_apps_know),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
