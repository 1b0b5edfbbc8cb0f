/* SPDX-License-Identifier: BSD-2-Clause */
#include "unit.h"

#include <stdio.h>

#include "import/totpcgi.h"

static struct totpcgi_state state_of(const char *text)
{
	struct totpcgi_state state;
	struct reason why = {""};

	if (totpcgi_decode(text_of(text), &state, &why) != TOTP_OK)
		fail_msg("%s: %s", text, why.text);
	return state;
}

static void a_state_file_of_totp_cgi_is_read(void **unused)
{
	/* json.dump(…, indent=4) */
	struct totpcgi_state state = state_of("{\n"
					      "    \"fail_timestamps\": [\n"
					      "        1700000001,\n"
					      "        1699999971\n"
					      "    ],\n"
					      "    \"success_timestamps\": [\n"
					      "        1700000031,\n"
					      "        1700000091,\n"
					      "        1700000061\n"
					      "    ],\n"
					      "    \"used_scratch_tokens\": [\n"
					      "        \"01234567\",\n"
					      "        \"87654321\"\n"
					      "    ],\n"
					      "    \"counter\": -1\n"
					      "}");

	assert_int_equal(1700000091, state.last_success);
	assert_int_equal(2, state.used_count);
	assert_string_equal("01234567", state.used[0].text);
	assert_string_equal("87654321", state.used[1].text);
	assert_int_equal(-1, state.counter);
}

static void older_versions_wrote_numbers_and_no_counter(void **unused)
{
	struct totpcgi_state state =
		state_of("{\"used_scratch_tokens\": [1234567, 87654321], \"fail_timestamps\": [], "
			 "\"success_timestamps\": [1700000031.25]}");

	assert_int_equal(1700000031, state.last_success);
	assert_string_equal("01234567", state.used[0].text);
	assert_string_equal("87654321", state.used[1].text);
	assert_int_equal(-1, state.counter);
}

static void a_counter_is_read(void **unused)
{
	assert_int_equal(42, state_of("{\"fail_timestamps\":[],\"success_timestamps\":[],"
				      "\"used_scratch_tokens\":[],\"counter\":42}")
				     .counter);
}

#define REST ",\"success_timestamps\":[],\"used_scratch_tokens\":[]}"

static void anything_else_is_rejected(void **unused)
{
	static const struct {
		const char *text;
		enum totp_err err;
	} rows[] = {
		{"", TOTP_ERR_FORMAT},
		{"{}", TOTP_ERR_FORMAT},
		{"[]", TOTP_ERR_FORMAT},
		{"{\"fail_timestamps\":[]}", TOTP_ERR_FORMAT},
		{"{\"fail_timestamps\":[]" REST " x", TOTP_ERR_FORMAT},
		{"{\"fail_timestamps\":[]" REST "}", TOTP_ERR_FORMAT},
		{"{\"fail_timestamps\":[1,]" REST, TOTP_ERR_FORMAT},
		{"{\"fail_timestamps\":1" REST, TOTP_ERR_FORMAT},
		{"{\"fail_timestamps\":[]] ", TOTP_ERR_FORMAT},
		{"{\"fail_timestamps\":[],\"counter\":[]" REST, TOTP_ERR_FORMAT},
		{"{\"fail_timestamps\":[,1]" REST, TOTP_ERR_FORMAT},
		{"{\"fail_timestamps\":[1 2]" REST, TOTP_ERR_FORMAT},
		{"{\"fail_timestamps\":[\"1\"]" REST, TOTP_ERR_FORMAT},
		{"{\"fail_timestamps\":[1e9]" REST, TOTP_ERR_FORMAT},
		{"{\"fail_timestamps\":[- 1]" REST, TOTP_ERR_FORMAT},
		{"{\"fail_timestamps\":[99999999999999999999]" REST, TOTP_ERR_FORMAT},
		{"{\"fail_timestamps\":[],\"fail_timestamps\":[]" REST, TOTP_ERR_FORMAT},
		{"{\"fail_timestamps\":[],\"more\":[]" REST, TOTP_ERR_FORMAT},
		{"{\"fail\\u005ftimestamps\":[]" REST, TOTP_ERR_FORMAT},
		{"{\"fail_timestamps\":[],\"counter\":-2" REST, TOTP_ERR_RANGE},
		{"{\"fail_timestamps\":[],\"counter\":4294967296" REST, TOTP_ERR_RANGE},
		{"{\"fail_timestamps\":[],\"success_timestamps\":[-1],\"used_scratch_tokens\":[]}",
		 TOTP_ERR_RANGE},
		{"{\"fail_timestamps\":[],\"success_timestamps\":[],\"used_scratch_tokens\":[\"1\"]"
		 "}",
		 TOTP_ERR_FORMAT},
		{"{\"fail_timestamps\":[],\"success_timestamps\":[],"
		 "\"used_scratch_tokens\":[\"1234567x\"]}",
		 TOTP_ERR_FORMAT},
		{"{\"fail_timestamps\":[],\"success_timestamps\":[],"
		 "\"used_scratch_tokens\":[100000000]}",
		 TOTP_ERR_FORMAT},
	};

	for (size_t i = 0; i < COUNT(rows); i++) {
		struct totpcgi_state state;
		struct reason why = {""};

		assert_int_equal(rows[i].err, totpcgi_decode(text_of(rows[i].text), &state, &why));
		assert_string_equal("not the state of a user as totp-cgi writes it", why.text);
		assert_wiped(state);
	}
}

static void more_used_codes_than_there_is_room_for_are_rejected(void **unused)
{
	char text[4096] =
		"{\"fail_timestamps\":[],\"success_timestamps\":[],\"used_scratch_tokens\":[0";
	struct totpcgi_state state;
	size_t len = strlen(text);

	for (unsigned i = 1; i < TOTPCGI_USED_MAX; i++)
		len += (size_t)snprintf(text + len, sizeof(text) - len, ",%u", i);
	strcpy(text + len, "]}");
	assert_int_equal(TOTPCGI_USED_MAX, state_of(text).used_count);
	strcpy(text + len, ",1]}");
	assert_refused(RANGE, totpcgi_decode(text_of(text), &state, NULL));
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_state_file_of_totp_cgi_is_read),
		cmocka_unit_test(older_versions_wrote_numbers_and_no_counter),
		cmocka_unit_test(a_counter_is_read),
		cmocka_unit_test(anything_else_is_rejected),
		cmocka_unit_test(more_used_codes_than_there_is_room_for_are_rejected),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
