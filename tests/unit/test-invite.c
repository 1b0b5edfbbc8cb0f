/* SPDX-License-Identifier: BSD-2-Clause */
#include "unit.h"

#include "example.h"
#include "record/invite.h"

static struct invite example_invite(void)
{
	return (struct invite){.user = "alice",
			       .uid = 1000,
			       .created = 0x6553f100,
			       .expires = 0x6553f100 + 3 * 86400};
}

static size_t encode(const struct invite *invite, uint8_t bytes[INVITE_BYTES_MAX])
{
	size_t len = 0;

	assert_ok(invite_encode(invite, bytes, &len));
	return len;
}

static void decoding_gives_what_was_encoded(void **unused)
{
	struct invite invite = example_invite(), back = {.user = ""};
	uint8_t bytes[INVITE_BYTES_MAX];
	size_t len;

	memset(invite.user, 'u', CRED_USER_MAX);
	invite.uid = UINT32_MAX;
	invite.expires = INT64_MAX;
	invite.created = INT64_MAX - INVITE_SECONDS_MAX;
	len = encode(&invite, bytes);
	assert_int_equal(INVITE_BYTES_MAX, len);
	assert_ok(invite_decode(bytes, len, &back));
	assert_string_equal(invite.user, back.user);
	assert_int_equal(invite.uid, back.uid);
	assert_int_equal(invite.created, back.created);
	assert_int_equal(invite.expires, back.expires);
}

static void the_format_is_that_of_the_manual(void **unused)
{
	/* pam_totp-record(5) */
	static const char hex[] = "50545356"         /* 0: magic */
				  "01"               /* 4: version */
				  "000003e8"         /* 5: uid 1000 */
				  "000000006553f100" /* 9: made */
				  "000000006557e580" /* 17: ends */
				  "05616c696365";    /* 25: user alice */
	uint8_t expected[sizeof(hex) / 2], bytes[INVITE_BYTES_MAX];
	struct invite invite = example_invite();

	assert_ok(text_hex(text_of(hex), expected, sizeof(expected)));
	assert_int_equal(sizeof(expected), encode(&invite, bytes));
	assert_memory_equal(expected, bytes, sizeof(expected));
}

static void every_truncation_and_a_byte_too_many_are_rejected(void **unused)
{
	struct invite invite = example_invite(), back = {.user = "as it was"};
	uint8_t bytes[INVITE_BYTES_MAX + 1] = {0};
	size_t len = encode(&invite, bytes);

	for (size_t i = 0; i < len; i++)
		assert_refused(FORMAT, invite_decode(bytes, i, &back));
	assert_refused(FORMAT, invite_decode(bytes, len + 1, &back));
	assert_string_equal("as it was", back.user);
}

static void another_version_is_unsupported(void **unused)
{
	struct invite invite = example_invite(), back;
	uint8_t bytes[INVITE_BYTES_MAX];
	size_t len = encode(&invite, bytes);

	bytes[4] = 2;
	assert_refused(UNSUPPORTED, invite_decode(bytes, len, &back));
}

static void a_credential_is_not_read_as_an_invitation_nor_the_reverse(void **unused)
{
	struct cred cred = example_cred();
	struct invite invite = example_invite();
	uint8_t bytes[CRED_BYTES_MAX];
	size_t len = 0;

	assert_ok(cred_encode(&cred, bytes, &len));
	assert_refused(FORMAT, invite_decode(bytes, len, &invite));
	len = encode(&invite, bytes);
	assert_refused(UNSUPPORTED, cred_decode(bytes, len, &cred));
}

static void a_value_out_of_range_is_neither_written_nor_read(void **unused)
{
	static const struct {
		int64_t created, expires;
		bool good;
	} rows[] = {
		{0, 59, false},
		{0, 60, true},
		{0, INVITE_SECONDS_MAX, true},
		{0, INVITE_SECONDS_MAX + 1, false},
		{-1, 100, false},
		{100, 99, false},
		{INT64_MAX, INT64_MIN, false},
		{INT64_MIN, INT64_MAX, false},
	};
	uint8_t bytes[INVITE_BYTES_MAX], made[INVITE_BYTES_MAX];
	struct invite invite = example_invite(), back;
	size_t len = encode(&invite, bytes);

	for (size_t i = 0; i < COUNT(rows); i++) {
		invite.created = rows[i].created;
		invite.expires = rows[i].expires;
		for (unsigned byte = 0; byte < 8; byte++) {
			bytes[9 + byte] = (uint8_t)((uint64_t)invite.created >> (56 - 8 * byte));
			bytes[17 + byte] = (uint8_t)((uint64_t)invite.expires >> (56 - 8 * byte));
		}
		assert_int_equal(rows[i].good ? TOTP_OK : TOTP_ERR_RANGE,
				 invite_encode(&invite, made, &len));
		assert_int_equal(rows[i].good ? TOTP_OK : TOTP_ERR_RANGE,
				 invite_decode(bytes, len, &back));
	}
	invite = example_invite();
	invite.user[0] = '\0';
	assert_refused(RANGE, invite_encode(&invite, made, &len));
}

static void a_user_holds_no_nul_and_is_not_too_long(void **unused)
{
	struct invite invite = example_invite(), back;
	uint8_t bytes[INVITE_BYTES_MAX + 8] = {0};
	size_t len = encode(&invite, bytes);

	bytes[27] = 0;
	assert_refused(FORMAT, invite_decode(bytes, len, &back));
	memset(bytes + 25, 'u', sizeof(bytes) - 25);
	bytes[25] = CRED_USER_MAX + 1;
	assert_refused(FORMAT, invite_decode(bytes, 26 + CRED_USER_MAX + 1, &back));
}

static void it_is_valid_for_its_account_only_and_in_its_time(void **unused)
{
	struct invite invite = example_invite();

	assert_true(invite_holds(&invite, 1000, invite.created));
	assert_true(invite_holds(&invite, 1000, invite.expires - 1));
	assert_false(invite_holds(&invite, 1000, invite.expires));
	assert_false(invite_holds(&invite, 1000, invite.created - 1)); /* the clock was set back */
	assert_false(invite_holds(&invite, 1001, invite.created));
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(decoding_gives_what_was_encoded),
		cmocka_unit_test(the_format_is_that_of_the_manual),
		cmocka_unit_test(every_truncation_and_a_byte_too_many_are_rejected),
		cmocka_unit_test(another_version_is_unsupported),
		cmocka_unit_test(a_credential_is_not_read_as_an_invitation_nor_the_reverse),
		cmocka_unit_test(a_value_out_of_range_is_neither_written_nor_read),
		cmocka_unit_test(a_user_holds_no_nul_and_is_not_too_long),
		cmocka_unit_test(it_is_valid_for_its_account_only_and_in_its_time),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
