/* SPDX-License-Identifier: BSD-2-Clause */
#include "unit.h"

#include "import/migration.h"

#define SCHEME "otpauth-migration://offline?data="

/* Two accounts: "Example:alice", SHA1, 6 digits, TOTP; "bob", SHA256, 8 digits, HOTP, counter 7. */
#define GOOD \
	"CisKFDEyMzQ1Njc4OTAxMjM0NTY3ODkwEg1FeGFtcGxlOmFsaWNlIAEoATACCiMKFDEyMzQ1Njc4OTAxMjM0NTY3" \
	"ODkwEgNib2IgAigCMAE4BxABGAIgASgJ"

static void the_accounts_of_an_export_are_read(void **unused)
{
	struct migration migration;
	struct reason why = {""};
	struct otp_uri uri;

	assert_ok(migration_decode(text_of(SCHEME GOOD), &migration, &why));
	assert_int_equal(2, migration.parts);
	assert_int_equal(1, migration.part);
	assert_int_equal(9, migration.export);
	assert_int_equal(2, migration.count);
	assert_ok(migration_account(migration.accounts[0], &uri, &why));
	assert_string_equal("Example", uri.issuer);
	assert_string_equal("alice", uri.account);
	assert_false(uri.hotp);
	assert_int_equal(HMAC_SHA1, uri.alg);
	assert_int_equal(6, uri.digits);
	assert_int_equal(30, uri.period);
	assert_memory_equal("12345678901234567890", uri.secret.data, 20);
	assert_ok(migration_account(migration.accounts[1], &uri, &why));
	assert_string_equal("", uri.issuer);
	assert_string_equal("bob", uri.account);
	assert_true(uri.hotp);
	assert_int_equal(HMAC_SHA256, uri.alg);
	assert_int_equal(8, uri.digits);
	assert_int_equal(7, uri.counter);
}

static void base64_may_be_percent_encoded_and_lack_its_padding(void **unused)
{
	/* one account "a" with a secret of the bytes ff */
	static const char *const spellings[] = {
		"Cg8KCv////////////8SAWE=",
		"Cg8KCv%2F%2f//////////8SAWE%3D",
		"Cg8KCv____________8SAWE",
	};

	for (size_t i = 0; i < COUNT(spellings); i++) {
		char uri[200] = SCHEME;
		struct reason why = {""};
		struct migration migration;

		strcat(uri, spellings[i]);
		assert_ok(migration_decode(text_of(uri), &migration, &why));
		assert_int_equal(1, migration.count);
		assert_int_equal(1, migration.parts);
	}
}

static void anything_else_is_rejected(void **unused)
{
	static const char *const uris[] = {
		"",
		"otpauth://totp/a",
		"otpauth-migration://offline",
		SCHEME,
		SCHEME "%",
		SCHEME "%zz",
		SCHEME "A",
		SCHEME "EAE=",     /* a version and no account */
		SCHEME "CgU=",     /* an account that is cut off */
		SCHEME "Cw==",     /* a wire type that is not known */
		SCHEME "CgAYAiAC", /* part 3 of 2 */
		SCHEME "CgAYACAB", /* part 2 of an export without a number of parts */
		"otpauth-migration://offline?dat=" GOOD,
	};

	for (size_t i = 0; i < COUNT(uris); i++) {
		struct reason why = {""};
		struct migration migration;

		assert_int_not_equal(TOTP_OK, migration_decode(text_of(uris[i]), &migration, &why));
		assert_int_not_equal(0, why.text[0]);
		assert_wiped(migration);
	}
}

static void an_export_of_no_parts_is_one_part(void **unused)
{
	struct reason why = {""};
	struct migration migration;

	assert_ok(migration_decode(text_of(SCHEME "CgAYACAA"), &migration, &why));
	assert_int_equal(1, migration.parts);
	assert_int_equal(0, migration.part);
}

static void more_accounts_than_an_app_exports_are_rejected(void **unused)
{
	char uri[sizeof(SCHEME) + 4 * MIGRATION_MAX] = SCHEME;
	struct reason why = {""};
	struct migration migration;

	for (size_t i = 0; i <= MIGRATION_MAX / 3; i++)
		strcat(uri, "CgAKAAoA"); /* three empty accounts */
	assert_refused(RANGE, migration_decode(text_of(uri), &migration, &why));
	assert_non_null(strstr(why.text, "more accounts than an export of an app has"));
	assert_wiped(migration);
}

static void the_issuer_has_a_field_of_its_own(void **unused)
{
	static const char account[] = "\x0a\x0a"
				      "1234567890"
				      "\x12\x05"
				      "Old:a"
				      "\x1a\x03"
				      "New"
				      "\x4a\x01x"; /* a field that is not documented */
	static const char other_way[] = "\x1a\x03"
					"New"
					"\x0a\x0a"
					"1234567890"
					"\x12\x05"
					"Old:a";
	struct reason why = {""};
	struct otp_uri uri;

	assert_ok(migration_account((struct text){account, sizeof(account) - 1}, &uri, &why));
	assert_string_equal("New", uri.issuer);
	assert_string_equal("a", uri.account);
	assert_ok(migration_account((struct text){other_way, sizeof(other_way) - 1}, &uri, &why));
	assert_string_equal("New", uri.issuer);
	assert_string_equal("a", uri.account);
}

static void an_account_that_we_cannot_have_is_rejected(void **unused)
{
#define SECRET \
	"\x0a\x0a" \
	"1234567890"
	static const struct {
		const char *bytes;
		size_t len;
		enum totp_err err;
	} rows[] = {
#define ROW(bytes, err) {bytes, sizeof(bytes) - 1, err}
		ROW(SECRET "\x12\x01"
			   "a",
		    TOTP_OK),
		ROW(SECRET "\x12\x01"
			   "a\x20\x04",
		    TOTP_ERR_UNSUPPORTED), /* MD5 */
		ROW(SECRET "\x12\x01"
			   "a\x28\x03",
		    TOTP_ERR_UNSUPPORTED), /* 7 digits? */
		ROW(SECRET "\x12\x01"
			   "a\x30\x03",
		    TOTP_ERR_UNSUPPORTED),
		ROW(SECRET "\x12\x01"
			   "\x07",
		    TOTP_ERR_FORMAT),
		ROW(SECRET "\x12\x02"
			   "i:",
		    TOTP_ERR_FORMAT),
		ROW(SECRET "\x12\x04"
			   "i\x07:a",
		    TOTP_ERR_FORMAT),
		ROW(SECRET, TOTP_ERR_FORMAT),
		ROW("\x12\x01"
		    "a",
		    TOTP_ERR_FORMAT),
		ROW("\x0a\x00\x12\x01"
		    "a",
		    TOTP_ERR_RANGE),
		ROW(SECRET "\x12\x02"
			   "a",
		    TOTP_ERR_FORMAT),
		ROW(SECRET "\x12\x01"
			   "a\x38",
		    TOTP_ERR_FORMAT),
		ROW(SECRET "\x12\x01"
			   "a\x38\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01",
		    TOTP_ERR_FORMAT),
#undef ROW
#undef SECRET
	};

	for (size_t i = 0; i < COUNT(rows); i++) {
		struct reason why = {""};
		struct otp_uri uri;

		assert_int_equal(
			rows[i].err,
			migration_account((struct text){rows[i].bytes, rows[i].len}, &uri, &why));
		if (rows[i].err != TOTP_OK)
			assert_wiped(uri);
	}
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_accounts_of_an_export_are_read),
		cmocka_unit_test(base64_may_be_percent_encoded_and_lack_its_padding),
		cmocka_unit_test(anything_else_is_rejected),
		cmocka_unit_test(an_export_of_no_parts_is_one_part),
		cmocka_unit_test(more_accounts_than_an_app_exports_are_rejected),
		cmocka_unit_test(the_issuer_has_a_field_of_its_own),
		cmocka_unit_test(an_account_that_we_cannot_have_is_rejected),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
