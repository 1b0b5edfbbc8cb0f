/* SPDX-License-Identifier: BSD-2-Clause */
/* Requests to etcd's JSON gateway, and which bytes are an answer to them. */
#include "unit.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/own.h"
#include "store/etcd/answer.h"

#define PIECE(text) \
	{ \
		(text), sizeof(text) - 1 \
	}

/* If "k" was last changed at 7: put "v", and read it back; else read "k". */
static const struct etcd_compare compares[] = {{ETCD_MODIFIED, PIECE("k"), 7},
					       {ETCD_CREATED, PIECE("c"), 0}};
static const struct etcd_op put[] = {
	{.kind = ETCD_PUT, .key = PIECE("k"), .value = PIECE("v")},
	{.kind = ETCD_DELETE, .key = PIECE("i")},
	{.kind = ETCD_RANGE, .key = PIECE("k"), .value = PIECE("v")},
};
static const struct etcd_op look[] = {{.kind = ETCD_RANGE, .key = PIECE("k")}};
static const struct etcd_request commit = {2, compares, {3, put}, {1, look}};

/* Of the keys from "a" to "c": at most two. */
static const struct etcd_op page[] = {
	{.kind = ETCD_RANGE, .key = PIECE("a"), .end = PIECE("c"), .limit = 2}};
static const struct etcd_request list = {.success = {1, page}};

#define HEADER \
	"{\"header\":{\"cluster_id\":\"18446744073709551615\",\"member_id\":\"2\"," \
	"\"revision\":\"9\",\"raft_term\":\"3\"},"
#define DONE  HEADER "\"succeeded\":true,\"responses\":["
#define PUT   "{\"response_put\":{\"header\":{\"revision\":\"9\"}}},"
#define GONE  "{\"response_delete_range\":{\"header\":{\"revision\":\"9\"},\"deleted\":\"1\"}},"
#define RANGE "{\"response_range\":{\"header\":{\"revision\":\"9\"},\"kvs\":["
#define K(value) \
	"{\"key\":\"aw==\",\"create_revision\":\"5\",\"mod_revision\":\"9\",\"version\":\"2\"," \
	"\"value\":\"" value "\"}"
#define COMMITTED DONE PUT GONE RANGE K("dg==") "],\"count\":\"1\"}}]}"
#define REFUSED   HEADER "\"responses\":[" RANGE K("eHg=") "],\"count\":\"1\"}}]}"

static enum totp_err decode(const struct etcd_request *request, const char *json,
			    struct etcd_answer *answer)
{
	return etcd_answer_decode(request, json, strlen(json), answer);
}

static void assert_no_answer(const struct etcd_request *request, const char *json)
{
	static const struct etcd_answer empty;
	struct etcd_answer answer;

	if (decode(request, json, &answer) != TOTP_ERR_FORMAT)
		fail_msg("taken for an answer: %s", json);
	assert_memory_equal(&empty, &answer, sizeof(empty));
}

static void assert_piece(const char *expected, struct piece piece)
{
	assert_int_equal(strlen(expected), piece.len);
	assert_memory_equal(expected, piece.at, piece.len);
}

static void a_request_is_encoded_as_the_gateway_takes_it(void **unused)
{
	static const char expected[] =
		"{\"compare\":[{\"target\":\"MOD\",\"result\":\"EQUAL\",\"key\":\"aw==\","
		"\"mod_revision\":\"7\"},{\"target\":\"CREATE\",\"result\":\"EQUAL\",\"key\":"
		"\"Yw==\",\"create_revision\":\"0\"}],\"success\":[{\"request_put\":{\"key\":"
		"\"aw==\",\"value\":\"dg==\"}},{\"request_delete_range\":{\"key\":\"aQ==\"}},"
		"{\"request_range\":{\"key\":\"aw==\"}}],\"failure\":[{\"request_range\":{\"key\":"
		"\"aw==\"}}]}";
	static const char expected_page[] =
		"{\"compare\":[],\"success\":[{\"request_range\":{\"key\":\"YQ==\",\"range_end\":"
		"\"Yw==\",\"limit\":\"2\"}}],\"failure\":[]}";
	OWN_TEXT char *json = NULL;
	OWN_TEXT char *json_page = NULL;
	size_t len = 0;

	assert_ok(etcd_request_encode(&commit, &json, &len));
	assert_int_equal(sizeof(expected) - 1, len);
	assert_memory_equal(expected, json, len);
	assert_ok(etcd_request_encode(&list, &json_page, &len));
	assert_int_equal(sizeof(expected_page) - 1, len);
	assert_memory_equal(expected_page, json_page, len);
}

static void a_request_that_etcd_would_reject_or_misread_is_not_encoded(void **unused)
{
	static const struct etcd_compare late = {ETCD_MODIFIED, PIECE("k"), UINT64_MAX};
	static const struct etcd_op ops[] = {
		{.kind = ETCD_RANGE},
		{.kind = ETCD_PUT, .key = PIECE("k")},
		{.kind = ETCD_RANGE, .key = PIECE("k"), .end = PIECE("l")},
	};
	char *json = NULL;
	size_t len;

	for (size_t i = 0; i < COUNT(ops); i++) {
		const struct etcd_request request = {.failure = {1, &ops[i]}};

		assert_refused(ARGUMENT, etcd_request_encode(&request, &json, &len));
	}
	assert_refused(ARGUMENT,
		       etcd_request_encode(&(struct etcd_request){1, &late, {0, NULL}, {0, NULL}},
					   &json, &len));
	assert_refused(ARGUMENT, etcd_request_encode(&(struct etcd_request){.success = {129, put}},
						     &json, &len));
	assert_null(json);
}

static void an_answer_says_what_was_done(void **unused)
{
	OWN_ETCD_ANSWER struct etcd_answer answer;

	assert_ok(decode(&commit, COMMITTED, &answer));
	assert_true(answer.succeeded);
	assert_true(answer.cluster == UINT64_MAX);
	assert_int_equal(2, answer.member);
	assert_int_equal(9, answer.revision);
	assert_int_equal(3, answer.result_count);
	assert_int_equal(1, answer.results[1].count);
	assert_int_equal(1, answer.results[2].pair_count);
	assert_piece("k", answer.results[2].pairs[0].key);
	assert_piece("v", answer.results[2].pairs[0].value);
	assert_int_equal(5, answer.results[2].pairs[0].created);
	assert_int_equal(9, answer.results[2].pairs[0].modified);
}

static void an_answer_says_what_is_there_instead(void **unused)
{
	OWN_ETCD_ANSWER struct etcd_answer answer;

	assert_ok(decode(&commit, REFUSED, &answer));
	assert_false(answer.succeeded);
	assert_int_equal(1, answer.result_count);
	assert_piece("xx", answer.results[0].pairs[0].value);
	etcd_answer_free(&answer);
	assert_ok(decode(&commit,
			 HEADER "\"responses\":[{\"response_range\":{\"header\":{\"revision\":"
				"\"9\"}}}]}",
			 &answer));
	assert_int_equal(0, answer.results[0].pair_count);
}

#define PAIR(key) \
	"{\"key\":\"" key "\",\"create_revision\":\"5\",\"mod_revision\":\"5\"," \
	"\"version\":\"1\",\"value\":\"dg==\"}"

static void a_page_says_whether_there_is_more(void **unused)
{
	OWN_ETCD_ANSWER struct etcd_answer answer;

	assert_ok(decode(
		&list,
		DONE RANGE PAIR("YQ==") "," PAIR("Yg==") "],\"more\":true,\"count\":\"3\"}}]}",
		&answer));
	assert_int_equal(2, answer.results[0].pair_count);
	assert_int_equal(3, answer.results[0].count);
	assert_piece("b", answer.results[0].pairs[1].key);
}

static void a_page_that_was_changed_is_no_answer(void **unused)
{
	static const char *const pages[] = {
		/* unordered, twice the same, outside of the range, too many */
		DONE RANGE PAIR("Yg==") "," PAIR("YQ==") "],\"count\":\"2\"}}]}",
		DONE RANGE PAIR("YQ==") "," PAIR("YQ==") "],\"count\":\"2\"}}]}",
		DONE RANGE PAIR("Yw==") "],\"count\":\"1\"}}]}",
		DONE RANGE PAIR("YQ==") "," PAIR("YWE=") "," PAIR("Yg==") "],\"count\":\"3\"}}]}",
		/* some were left out */
		DONE RANGE PAIR("YQ==") "],\"count\":\"2\"}}]}",
		DONE RANGE PAIR("YQ==") "],\"more\":true,\"count\":\"3\"}}]}",
		DONE RANGE PAIR("YQ==") "," PAIR("Yg==") "],\"more\":true,\"count\":\"2\"}}]}",
		DONE RANGE PAIR("YQ==") "," PAIR("Yg==") "],\"count\":\"3\"}}]}",
		DONE RANGE "],\"count\":\"1\"}}]}",
		DONE RANGE "]}}]}",
	};

	for (size_t i = 0; i < COUNT(pages); i++)
		assert_no_answer(&list, pages[i]);
}

/* The text with one part replaced; every part occurs. */
static char *with(const char *text, const char *part, const char *other)
{
	const char *at = strstr(text, part);
	char *changed = NULL;

	assert_non_null(at);
	assert_true(asprintf(&changed, "%.*s%s%s", (int)(at - text), text, other,
			     at + strlen(part)) > 0);
	return changed;
}

static void without_any_one_of_its_members_it_is_no_answer(void **unused)
{
	static const char *const members[] = {
		"\"cluster_id\":\"18446744073709551615\",",
		"\"member_id\":\"2\",",
		"\"revision\":\"9\",",
		",\"raft_term\":\"3\"",
		"\"succeeded\":true,",
		PUT,
		GONE,
		"{\"response_put\":{\"header\":{\"revision\":\"9\"}}}",
		"\"header\":{\"revision\":\"9\"}",
		"\"revision\":\"9\"}}},{\"response_delete",
		"\"key\":\"aw==\",",
		"\"create_revision\":\"5\",",
		"\"mod_revision\":\"9\",",
		"\"version\":\"2\",",
		",\"value\":\"dg==\"",
		",\"count\":\"1\"",
		"\"kvs\":[" K("dg==") "],",
		K("dg=="),
	};

	for (size_t i = 0; i < COUNT(members); i++) {
		OWN_TEXT char *json = with(COMMITTED, members[i], "");

		assert_no_answer(&commit, json);
	}
	assert_no_answer(&commit, "{}");
	assert_no_answer(&commit, "");
	assert_no_answer(&list, HEADER "\"succeeded\":true}");
}

static void with_a_member_twice_or_of_another_type_it_is_no_answer(void **unused)
{
	static const struct {
		const char *part, *other;
	} changes[] = {
		{"\"succeeded\":true", "\"succeeded\":true,\"succeeded\":true"},
		{"\"count\":\"1\"", "\"count\":\"1\",\"count\":\"1\""},
		{"\"mod_revision\":\"9\"", "\"mod_revision\":\"9\",\"mod_revision\":\"9\""},
		{"\"succeeded\":true", "\"succeeded\":false"},
		{"\"succeeded\":true", "\"succeeded\":\"true\""},
		{"\"succeeded\":true", "\"succeeded\":1"},
		{"\"succeeded\":true", "\"succeeded\":null"},
		{"\"succeeded\"", "\"Succeeded\""},
		{"\"revision\":\"9\"", "\"revision\":9"},
		{"\"revision\":\"9\"", "\"revision\":\"09\""},
		{"\"revision\":\"9\"", "\"revision\":\"-9\""},
		{"\"revision\":\"9\"", "\"revision\":\"0\""},
		{"\"revision\":\"9\"", "\"revision\":\"\""},
		{"\"revision\":\"9\"", "\"revision\":\"8\""},
		{"\"revision\":\"9\"", "\"revision\":\"18446744073709551616\""},
		{"\"header\":{", "\"header\":[],\"headers\":{"},
		{"\"responses\":[", "\"responses\":{},\"x\":["},
		{"response_put", "response_range"},
		{"response_put", "response_txn"},
		{"{\"response_put\":", "{\"response_range\":{},\"response_put\":"},
		{PUT, PUT PUT},
		{PUT GONE, GONE PUT},
		{"\"deleted\":\"1\"", "\"deleted\":\"2\""},
		{"\"kvs\":[", "\"kvs\":[{},"},
		{"\"kvs\":[", "\"kvs\":[" K("dg==") ","},
		{"\"aw==\"", "\"aQ==\""},
		{"\"aw==\"", "\"aw=\""},
		{"\"dg==\"", "\"dw==\""},
		{"\"dg==\"", "\"dh==\""},
		{"\"dg==\"", "\"\""},
		{"\"dg==\"", "[]"},
		{"\"mod_revision\":\"9\"", "\"mod_revision\":\"10\""},
		{"\"mod_revision\":\"9\"", "\"mod_revision\":\"4\""},
		{"\"count\":\"1\"", "\"more\":true,\"count\":\"2\""},
		{"\"count\":\"1\"", "\"more\":false,\"count\":\"1\""},
		{"}]}", "}]}}"},
		{"}]}", "}]} {}"},
	};

	for (size_t i = 0; i < COUNT(changes); i++) {
		OWN_TEXT char *json = with(COMMITTED, changes[i].part, changes[i].other);

		assert_no_answer(&commit, json);
	}
}

static void cut_anywhere_it_is_no_answer(void **unused)
{
	for (size_t len = 0; len < strlen(COMMITTED); len++) {
		OWN_TEXT char *json = strndup(COMMITTED, len);

		assert_no_answer(&commit, json);
	}
}

static void an_answer_to_another_request_is_none(void **unused)
{
	static const struct etcd_op other[] = {
		{.kind = ETCD_PUT, .key = PIECE("k"), .value = PIECE("w")},
		{.kind = ETCD_DELETE, .key = PIECE("i")},
		{.kind = ETCD_RANGE, .key = PIECE("k"), .value = PIECE("w")},
	};
	const struct etcd_request request = {2, compares, {3, other}, {1, look}};

	assert_no_answer(&request, COMMITTED);
	assert_no_answer(&list, COMMITTED);
	assert_no_answer(&commit, DONE RANGE PAIR("YQ==") "],\"count\":\"1\"}}]}");
}

static void members_of_a_later_version_are_ignored(void **unused)
{
	OWN_TEXT char *json = with(COMMITTED, "\"succeeded\"", "\"new\":[{}],\"succeeded\"");
	OWN_ETCD_ANSWER struct etcd_answer answer;

	assert_ok(decode(&commit, json, &answer));
}

static void keys_alone_have_no_values(void **unused)
{
	static const struct etcd_op keys[] = {
		{.kind = ETCD_RANGE, .key = PIECE("k"), .keys_only = true}};
	const struct etcd_request request = {.success = {1, keys}};
	OWN_TEXT char *json =
		with(DONE RANGE K("dg==") "],\"count\":\"1\"}}]}", ",\"value\":\"dg==\"", "");
	OWN_ETCD_ANSWER struct etcd_answer answer;

	assert_no_answer(&request, DONE RANGE K("dg==") "],\"count\":\"1\"}}]}");
	assert_ok(decode(&request, json, &answer));
	assert_int_equal(0, answer.results[0].pairs[0].value.len);
}

static void an_error_has_a_message(void **unused)
{
	static const char final[] = "{\"code\":3, \"message\":\"key is not \\u0007 provided\"}";
	static const char passing[] = "{\"code\":14, \"message\":\"no leader\"}";
	static const char none[] = "{\"message\":\"no leader\"}";
	char message[ETCD_MESSAGE_MAX] = "";
	bool is_final = false;

	assert_ok(etcd_answer_error(final, strlen(final), message, &is_final));
	assert_string_equal("key is not ? provided", message);
	assert_true(is_final);
	assert_ok(etcd_answer_error(passing, strlen(passing), message, &is_final));
	assert_false(is_final);
	assert_refused(FORMAT, etcd_answer_error(none, strlen(none), message, &is_final));
	assert_refused(FORMAT, etcd_answer_error("<html>", 6, message, &is_final));
}

static void a_member_that_knows_no_leader_or_answers_something_else_gives_none(void **unused)
{
	static const char *const none[] = {"",
					   "<html>",
					   "[]",
					   "{}",
					   "{\"leader\":\"0\"}",
					   "{\"leader\":7}",
					   "{\"leader\":\"-7\"}",
					   "{\"leader\":\"18446744073709551616\"}",
					   "{\"leader\":\"7\",\"leader\":\"8\"}",
					   "{\"leader\":\"7\"",
					   "{\"header\":{\"leader\":\"7\"}}"};
	static const char good[] = "{\"header\":{\"member_id\":\"5\"},"
				   "\"leader\":\"18446744073709551615\"}";

	for (size_t i = 0; i < COUNT(none); i++)
		assert_int_equal(0, etcd_answer_leader(none[i], strlen(none[i])));
	assert_true(etcd_answer_leader(good, strlen(good)) == UINT64_MAX);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_request_is_encoded_as_the_gateway_takes_it),
		cmocka_unit_test(a_request_that_etcd_would_reject_or_misread_is_not_encoded),
		cmocka_unit_test(an_answer_says_what_was_done),
		cmocka_unit_test(an_answer_says_what_is_there_instead),
		cmocka_unit_test(a_page_says_whether_there_is_more),
		cmocka_unit_test(a_page_that_was_changed_is_no_answer),
		cmocka_unit_test(without_any_one_of_its_members_it_is_no_answer),
		cmocka_unit_test(with_a_member_twice_or_of_another_type_it_is_no_answer),
		cmocka_unit_test(cut_anywhere_it_is_no_answer),
		cmocka_unit_test(an_answer_to_another_request_is_none),
		cmocka_unit_test(members_of_a_later_version_are_ignored),
		cmocka_unit_test(keys_alone_have_no_values),
		cmocka_unit_test(an_error_has_a_message),
		cmocka_unit_test(
			a_member_that_knows_no_leader_or_answers_something_else_gives_none),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
