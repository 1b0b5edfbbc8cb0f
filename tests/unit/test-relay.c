/* SPDX-License-Identifier: BSD-2-Clause */
/* The messages between hosts, byte by byte: man/totpd-protocol.5.scd. */
#include "unit.h"

#include "login/relay.h"

static struct relay_request example_request(void)
{
	return (struct relay_request){.nonce = {0xa1, [15] = 0xaf},
				      .known = true,
				      .uid = 0x01020304,
				      .wait_ms = 0x0f0e,
				      .request = {.op = WIRE_LOOK,
						  .user = "alice",
						  .service = "sshd",
						  .source = {SOURCE_IPV4, {192, 0, 2, 1}}}};
}

static struct relay_response example_response(void)
{
	return (struct relay_response){.nonce = {0xb1, [15] = 0xbf},
				       .response = {.op = WIRE_LOOK, .enrolled = true}};
}

static void decoding_a_message_gives_what_was_encoded(void **unused)
{
	const struct relay_request request = example_request();
	const struct relay_response response = example_response();
	uint8_t asked[RELAY_REQUEST_LEN], told[RELAY_RESPONSE_LEN], hello[RELAY_HELLO_LEN];
	uint8_t nonce[RELAY_NONCE_LEN];
	struct relay_request read;
	struct relay_response heard;

	assert_ok(relay_put_request(&request, asked));
	assert_ok(relay_get_request(asked, sizeof(asked), &read));
	assert_memory_equal(request.nonce, read.nonce, sizeof(read.nonce));
	assert_true(read.known);
	assert_int_equal(0x01020304, read.uid);
	assert_int_equal(0x0f0e, read.wait_ms);
	assert_string_equal("alice", read.request.user);
	assert_true(source_equal(&request.request.source, &read.request.source));

	assert_ok(relay_put_response(&response, told));
	assert_ok(relay_get_response(told, sizeof(told), &heard));
	assert_memory_equal(response.nonce, heard.nonce, sizeof(heard.nonce));
	assert_true(heard.response.enrolled);

	relay_put_hello(request.nonce, hello);
	assert_ok(relay_get_hello(hello, sizeof(hello), nonce));
	assert_memory_equal(request.nonce, nonce, sizeof(nonce));
}

static void the_fields_are_where_the_manual_says(void **unused)
{
	const struct relay_request request = example_request();
	const struct relay_response response = example_response();
	uint8_t asked[RELAY_REQUEST_LEN], told[RELAY_RESPONSE_LEN], hello[RELAY_HELLO_LEN];

	assert_int_equal(844, RELAY_REQUEST_LEN);
	assert_int_equal(1087, RELAY_RESPONSE_LEN);
	assert_int_equal(20, RELAY_HELLO_LEN);
	assert_ok(relay_put_request(&request, asked));
	assert_memory_equal("PTN2\xa1\0", asked, 6);
	assert_memory_equal("\xaf\x01\x01\x02\x03\x04\x0f\x0ePTQ2\x01"
			    "alice",
			    asked + 19, 18);
	assert_ok(relay_put_response(&response, told));
	assert_memory_equal("PTM2\xb1\0", told, 6);
	assert_memory_equal("\xbfPTA2\x01", told + 19, 6);
	relay_put_hello(request.nonce, hello);
	assert_memory_equal("PTH2\xa1\0", hello, 6);
	assert_int_equal(0xaf, hello[19]);
}

static void another_length_is_rejected(void **unused)
{
	const struct relay_request request = example_request();
	const struct relay_response response = example_response();
	uint8_t asked[RELAY_REQUEST_LEN + 1] = {0}, told[RELAY_RESPONSE_LEN + 1] = {0};
	uint8_t hello[RELAY_HELLO_LEN + 1] = {0}, nonce[RELAY_NONCE_LEN];
	struct relay_request read;
	struct relay_response heard;

	assert_ok(relay_put_request(&request, asked));
	assert_ok(relay_put_response(&response, told));
	relay_put_hello(request.nonce, hello);
	for (size_t len = 4; len <= sizeof(asked); len++)
		if (len != RELAY_REQUEST_LEN)
			assert_refused(FORMAT, relay_get_request(asked, len, &read));
	assert_wiped(read);
	for (size_t len = 4; len <= sizeof(told); len++)
		if (len != RELAY_RESPONSE_LEN)
			assert_refused(FORMAT, relay_get_response(told, len, &heard));
	assert_wiped(heard);
	for (size_t len = 4; len <= sizeof(hello); len++)
		if (len != RELAY_HELLO_LEN)
			assert_refused(FORMAT, relay_get_hello(hello, len, nonce));
}

static void another_version_has_an_error_of_its_own(void **unused)
{
	const struct relay_request request = example_request();
	uint8_t hello[RELAY_HELLO_LEN] = "PTH1", asked[RELAY_REQUEST_LEN] = "PTN3";
	uint8_t told[RELAY_RESPONSE_LEN] = "PTM1", nonce[RELAY_NONCE_LEN];
	struct relay_request read;
	struct relay_response heard;

	assert_refused(UNSUPPORTED, relay_get_hello(hello, sizeof(hello), nonce));
	assert_refused(UNSUPPORTED, relay_get_request(asked, sizeof(asked), &read));
	assert_refused(UNSUPPORTED, relay_get_response(told, sizeof(told), &heard));
	assert_ok(relay_put_request(&request, asked));
	asked[30] = '9'; /* of the message in it */
	assert_refused(UNSUPPORTED, relay_get_request(asked, sizeof(asked), &read));
	assert_wiped(read);
}

static void what_is_of_one_host_alone_is_not_sent_to_another(void **unused)
{
	struct relay_request with_path = example_request(), with_id = example_request();
	struct relay_request with_deadline = example_request(), stranger = example_request();
	uint8_t message[RELAY_REQUEST_LEN];

	strcpy(with_path.request.store.dir, "/srv");
	with_id.request.store.id[0] = 1;
	with_deadline.request.deadline = 1;
	stranger.known = false; /* but has a uid */
	assert_refused(RANGE, relay_put_request(&with_path, message));
	assert_refused(RANGE, relay_put_request(&with_id, message));
	assert_refused(RANGE, relay_put_request(&with_deadline, message));
	assert_refused(RANGE, relay_put_request(&stranger, message));
}

static void a_value_out_of_its_range_is_rejected(void **unused)
{
	static const struct {
		size_t at;
		uint8_t value;
	} rows[] = {{0, 'x'},   /* no message */
		    {20, 0},    /* a uid of a user who is not known */
		    {20, 2},    /* not a flag */
		    {31, 12},   /* no operation */
		    {264, 4},   /* a source that only a verifier makes */
		    {563, 1},   /* the id of a store */
		    {579, 'x'}, /* its path */
		    {843, 1}};  /* a deadline */
	const struct relay_request request = example_request();

	for (size_t i = 0; i < COUNT(rows); i++) {
		uint8_t message[RELAY_REQUEST_LEN];
		struct relay_request read;

		assert_ok(relay_put_request(&request, message));
		assert_int_not_equal(rows[i].value, message[rows[i].at]);
		message[rows[i].at] = rows[i].value;
		if (relay_get_request(message, sizeof(message), &read) == TOTP_OK)
			fail_msg("byte %zu as %u was taken", rows[i].at, rows[i].value);
		assert_wiped(read);
	}
}

static void an_answer_that_this_version_does_not_know_is_rejected(void **unused)
{
	const struct relay_response response = example_response();
	uint8_t message[RELAY_RESPONSE_LEN];
	struct relay_response read;

	assert_ok(relay_put_response(&response, message));
	message[RELAY_RESPONSE_LEN - WIRE_RESPONSE_LEN] ^= 0xff;
	assert_int_not_equal(TOTP_OK, relay_get_response(message, sizeof(message), &read));
	assert_wiped(read);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(decoding_a_message_gives_what_was_encoded),
		cmocka_unit_test(the_fields_are_where_the_manual_says),
		cmocka_unit_test(another_length_is_rejected),
		cmocka_unit_test(another_version_has_an_error_of_its_own),
		cmocka_unit_test(what_is_of_one_host_alone_is_not_sent_to_another),
		cmocka_unit_test(a_value_out_of_its_range_is_rejected),
		cmocka_unit_test(an_answer_that_this_version_does_not_know_is_rejected),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
