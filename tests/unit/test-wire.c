/* SPDX-License-Identifier: BSD-2-Clause */
/* The messages of totpd, byte by byte: man/totpd-protocol.5.scd. */
#include "unit.h"

#include "login/wire.h"

static struct answer answer_of(const char *text)
{
	struct answer answer;

	answer_parse(text, NULL, &answer);
	return answer;
}

/* A request in which every field has a different value. */
static struct wire_request example_request(void)
{
	struct wire_request request = {.op = WIRE_ADD,
				       .user = "alice",
				       .service = "totp-enroll",
				       .source = {SOURCE_IPV4, {192, 0, 2, 1}},
				       .answer = answer_of("7K3M-9QXT-2B4W"),
				       .label = "phone",
				       .new_label = "old phone",
				       .token = {.type = TOKEN_HOTP,
						 .alg = HMAC_SHA256,
						 .digits = 8,
						 .period = 0,
						 .label = "fob",
						 .secret = {.len = 20},
						 .counter = 0x0102030405060708,
						 .typed = answer_of("12345678")},
				       .store = {{0xa1, [15] = 0xaf}, "/srv/store"},
				       .by_invitation = true,
				       .recovery_codes = 10,
				       .deadline = 0x1112131415161718};

	memset(request.token.secret.data, 's', 20);
	return request;
}

static struct wire_response example_response(void)
{
	struct wire_response response = {
		.op = WIRE_STATUS,
		.err = TOTP_ERR_STALE,
		.why = {"somebody was first"},
		.enrolled = true,
		.required = true,
		.pending = true,
		.outcome = {.verdict = VERDICT_WAIT,
			    .reason = JUDGE_THROTTLED,
			    .label = "phone",
			    .wait_seconds = 240,
			    .off = true,
			    .offset = -3,
			    .off_type = TOKEN_TOTP,
			    .failures = 7,
			    .last_failure = 1800000000,
			    .failure_source = {SOURCE_UID, {0, 0, 3, 232}},
			    .recovery_left = 9,
			    .bypass_left = 2,
			    .bypass_expires = 1800003600,
			    .notices = {{0}, {2, 1800000001, {SOURCE_UID, {0, 0, 3, 232}}}},
			    .torn = true},
		.status = {.created = 1700000000,
			   .recovery_count = 10,
			   .recovery_left = 9,
			   .last_success = 1790000000,
			   .wait_seconds = 240,
			   .token_count = 1,
			   .tokens = {{TOKEN_TOTP, HMAC_SHA1, 6, 30, "phone", 1700000001,
				       1790000000}}},
		.code_count = 1,
		.codes = {{"7K3M9QXT2B4W"}},
	};

	return response;
}

static void decoding_a_request_gives_what_was_encoded(void **unused)
{
	const struct wire_request request = example_request();
	uint8_t message[WIRE_REQUEST_LEN], again[WIRE_REQUEST_LEN];
	struct wire_request read;

	assert_ok(wire_put_request(&request, message));
	assert_ok(wire_get_request(message, sizeof(message), &read));
	assert_string_equal(request.user, read.user);
	assert_string_equal(request.service, read.service);
	assert_true(source_equal(&request.source, &read.source));
	assert_int_equal(ANSWER_RECOVERY, read.answer.kind);
	assert_string_equal("7K3M9QXT2B4W", read.answer.recovery.text);
	assert_string_equal("old phone", read.new_label);
	assert_memory_equal(&request.token.secret, &read.token.secret, sizeof(struct secret));
	assert_int_equal(request.token.counter, read.token.counter);
	assert_string_equal("12345678", read.token.typed.code.text);
	assert_memory_equal(&request.store, &read.store, sizeof(read.store));
	assert_true(read.by_invitation);
	assert_int_equal(10, read.recovery_codes);
	assert_int_equal(request.deadline, read.deadline);
	assert_ok(wire_put_request(&read, again));
	assert_memory_equal(message, again, sizeof(message));
}

static void decoding_a_response_gives_what_was_encoded(void **unused)
{
	const struct wire_response response = example_response();
	uint8_t message[WIRE_RESPONSE_LEN], again[WIRE_RESPONSE_LEN];
	struct wire_response read;

	assert_ok(wire_put_response(&response, message));
	assert_ok(wire_get_response(message, sizeof(message), &read));
	assert_int_equal(TOTP_ERR_STALE, read.err);
	assert_string_equal("somebody was first", read.why.text);
	assert_true(read.enrolled && read.required && !read.may_enroll);
	assert_true(read.pending && !read.disabled);
	assert_int_equal(2, read.outcome.bypass_left);
	assert_int_equal(1800003600, read.outcome.bypass_expires);
	assert_int_equal(VERDICT_WAIT, read.outcome.verdict);
	assert_int_equal(-3, read.outcome.offset);
	assert_true(read.outcome.off && read.outcome.torn && !read.outcome.in_run);
	assert_true(source_equal(&response.outcome.failure_source, &read.outcome.failure_source));
	assert_memory_equal(&response.status, &read.status, sizeof(read.status));
	assert_string_equal("7K3M9QXT2B4W", read.codes[0].text);
	assert_int_equal(0, read.outcome.notices[NOTICE_ADDED].count);
	assert_int_equal(2, read.outcome.notices[NOTICE_REPLACED].count);
	assert_int_equal(1800000001, read.outcome.notices[NOTICE_REPLACED].last);
	assert_int_equal(SOURCE_UID, read.outcome.notices[NOTICE_REPLACED].source.kind);
	assert_ok(wire_put_response(&read, again));
	assert_memory_equal(message, again, sizeof(message));
}

static void the_fields_are_where_the_manual_says(void **unused)
{
	const struct wire_request request = example_request();
	const struct wire_response response = example_response();
	uint8_t asked[WIRE_REQUEST_LEN], told[WIRE_RESPONSE_LEN];

	assert_ok(wire_put_request(&request, asked));
	assert_memory_equal("PTQ2\x05"
			    "alice\0",
			    asked, 11);
	assert_memory_equal("totp-enroll\0", asked + 205, 12);
	assert_memory_equal("\x01\xc0\x00\x02\x01\x00", asked + 237, 6);
	assert_int_equal(ANSWER_RECOVERY, asked[254]);
	assert_memory_equal("7K3M9QXT2B4W", asked + 264, 12);
	assert_memory_equal("phone", asked + 276, 6);
	assert_memory_equal("old phone", asked + 308, 10);
	assert_memory_equal("\x02\x02\x08\x00\x00"
			    "fob",
			    asked + 340, 9);
	assert_memory_equal("\x14ss", asked + 377, 3);
	assert_memory_equal("\x01\x02\x03\x04\x05\x06\x07\x08", asked + 506, 8);
	assert_memory_equal("\x04\x08"
			    "12345678",
			    asked + 514, 10);
	assert_memory_equal("\xa1\0", asked + 536, 2);
	assert_memory_equal("\xaf/srv/store\0", asked + 551, 12);
	assert_memory_equal("\x01\x0a\x11\x12\x13\x14\x15\x16\x17\x18", asked + 807, 10);

	assert_ok(wire_put_response(&response, told));
	assert_memory_equal("PTA2\x03\x0b"
			    "somebody",
			    told, 14);
	assert_int_equal(37, told[261]); /* enrolled, required, pending */
	assert_memory_equal("\x01\x05"
			    "phone",
			    told + 262, 8);
	assert_memory_equal("\x00\x00\x00\xf0\x05", told + 296, 5);
	assert_memory_equal("\xff\xff\xff\xff\xff\xff\xff\xfd\x01", told + 301, 9);
	assert_int_equal(9, told[339]);
	assert_memory_equal("\x02\x00\x00\x00\x00\x6b\x49\xe0\x10", told + 340, 9);
	assert_memory_equal("\x00\x00\x00\x00\x65\x53\xf1\x00\x0a\x09", told + 349, 10);
	assert_int_equal(1, told[371]);
	assert_memory_equal("\x01\x01\x06\x00\x1e"
			    "phone",
			    told + 372, 11);
	assert_int_equal(1, told[796]);
	assert_memory_equal("7K3M9QXT2B4W", told + 797, 12);
}

static void another_length_is_rejected(void **unused)
{
	const struct wire_request request = example_request();
	uint8_t message[WIRE_REQUEST_LEN + 1] = {0};
	struct wire_request read;

	assert_ok(wire_put_request(&request, message));
	for (size_t len = 4; len < WIRE_REQUEST_LEN; len++)
		assert_refused(FORMAT, wire_get_request(message, len, &read));
	assert_refused(FORMAT, wire_get_request(message, WIRE_REQUEST_LEN + 1, &read));
	assert_wiped(read);
}

static void another_version_has_an_error_of_its_own(void **unused)
{
	uint8_t request[WIRE_REQUEST_LEN] = "PTQ1", response[WIRE_RESPONSE_LEN] = "PTA1";
	struct wire_request asked;
	struct wire_response told;

	assert_refused(UNSUPPORTED, wire_get_request(request, sizeof(request), &asked));
	assert_refused(UNSUPPORTED, wire_get_response(response, sizeof(response), &told));
	memcpy(request, "HTTP", 4);
	assert_refused(FORMAT, wire_get_request(request, sizeof(request), &asked));
	assert_refused(FORMAT, wire_get_response(request, sizeof(request), &told));
}

/* Change one byte of a valid message; it must then be rejected. */
static void refuses_request(size_t at, uint8_t value)
{
	const struct wire_request request = example_request();
	uint8_t message[WIRE_REQUEST_LEN];
	struct wire_request read;

	assert_ok(wire_put_request(&request, message));
	assert_int_not_equal(value, message[at]);
	message[at] = value;
	if (wire_get_request(message, sizeof(message), &read) == TOTP_OK)
		fail_msg("byte %zu as %u was taken", at, value);
	assert_wiped(read);
}

static void a_value_out_of_its_range_is_rejected(void **unused)
{
	refuses_request(4, 0);    /* no operation */
	refuses_request(4, 12);   /* one too many */
	refuses_request(20, 'x'); /* text after its end */
	refuses_request(237, 4);  /* a kind of source that does not exist */
	refuses_request(254, 1);  /* kinds of answer that are not sent… */
	refuses_request(254, 3);
	refuses_request(255, 6);   /* …digits of a recovery code */
	refuses_request(264, 'U'); /* a character that a recovery code does not have */
	refuses_request(264, 'k'); /* another spelling */
	refuses_request(276, '"'); /* no label */
	refuses_request(340, 3);   /* no type of token */
	refuses_request(377, 129); /* too long a secret */
	refuses_request(377, 19);  /* bytes after it */
	refuses_request(516, 'x'); /* not a digit */
	refuses_request(515, 7);   /* another number of digits */
	refuses_request(570, 'x'); /* text after the end of the path */
	refuses_request(807, 4);   /* not a flag */
	refuses_request(808, 17);  /* more recovery codes than there may be */
}

static void an_answer_that_is_not_a_code_is_not_sent(void **unused)
{
	const struct wire_request nothing = {.op = WIRE_CHECK},
				  junk = {.op = WIRE_CHECK,
					  .answer = answer_of("\b\n\r\177INCORRECT")};
	uint8_t message[WIRE_REQUEST_LEN], same[WIRE_REQUEST_LEN];
	struct wire_request words = {.op = WIRE_CHECK, .answer = answer_of("hunter2")};

	assert_refused(RANGE, wire_put_request(&junk, message));
	assert_ok(wire_put_request(&words, message));
	assert_ok(wire_put_request(&nothing, same));
	assert_memory_equal(same, message, sizeof(message));
}

static void a_forged_response_is_bounded(void **unused)
{
	static const struct {
		size_t at;
		uint8_t value;
	} rows[] = {{5, TOTP_ERR_COUNT_},
		    {261, 0x80},
		    {262, 3},
		    {263, 200},
		    {300, 16},
		    {309, 3},
		    {371, 9},
		    {372, 3},
		    {373, 4},
		    {796, 17},
		    {796, 0},
		    {809, 'A'},
		    {797, 'U'}};
	const struct wire_response response = example_response();

	for (size_t i = 0; i < COUNT(rows); i++) {
		uint8_t message[WIRE_RESPONSE_LEN];
		struct wire_response read;

		assert_ok(wire_put_response(&response, message));
		message[rows[i].at] = rows[i].value;
		if (wire_get_response(message, sizeof(message), &read) == TOTP_OK)
			fail_msg("byte %zu as %u was taken", rows[i].at, rows[i].value);
		assert_wiped(read);
	}
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(decoding_a_request_gives_what_was_encoded),
		cmocka_unit_test(decoding_a_response_gives_what_was_encoded),
		cmocka_unit_test(the_fields_are_where_the_manual_says),
		cmocka_unit_test(another_length_is_rejected),
		cmocka_unit_test(another_version_has_an_error_of_its_own),
		cmocka_unit_test(a_value_out_of_its_range_is_rejected),
		cmocka_unit_test(an_answer_that_is_not_a_code_is_not_sent),
		cmocka_unit_test(a_forged_response_is_bounded),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
