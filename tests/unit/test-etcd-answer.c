/* SPDX-License-Identifier: BSD-2-Clause */
/* Requests to etcd, and which bytes are an answer to them. */
#include "unit.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/own.h"
#include "base/protobuf.h"
#include "store/etcd/answer.h"
#include "store/etcd/rpc.h"

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

/* --- messages, written as text --- */

/*
 * N:NUMBER is a field of that number, N'TEXT' one with bytes, N{...} one with a message, and <HEX>
 * are bytes as they are.
 */
static const char *build(const char *text, struct buffer *out)
{
	while (*text && *text != '}') {
		char *end;
		uint32_t number = (uint32_t)strtoul(text, &end, 10);

		switch (*end) {
		case ':':
			protobuf_put_number(out, number, strtoull(end + 1, &end, 10));
			break;
		case '\'': {
			struct piece piece = {end + 1, strcspn(end + 1, "'")};

			protobuf_put_bytes(out, number, piece);
			end += piece.len + 2;
			break;
		}
		case '{': {
			size_t start = out->len;

			end = (char *)(uintptr_t)build(end + 1, out) + 1;
			protobuf_put_around(out, number, start);
			break;
		}
		case '<':
			for (end++; *end != '>'; end += 2) {
				uint8_t byte;

				assert_ok(text_hex((struct text){end, 2}, &byte, 1));
				buffer_u8(out, byte);
			}
			end++;
			break;
		default:
			fail_msg("no message: %s", text);
		}
		text = end + (*end == ' ');
	}
	return text;
}

static struct piece message_of(const char *text)
{
	static uint8_t bytes[1024];
	struct buffer out = buffer_of(bytes, sizeof(bytes));

	assert_string_equal("", build(text, &out));
	assert_false(out.bad);
	return (struct piece){bytes, out.len};
}

#define HEADER    "1{1:18446744073709551615 2:2 3:9 4:3} "
#define DONE      HEADER "2:1 "
#define PUT       "3{2{1{3:9}}} "
#define GONE      "3{3{1{3:9} 2:1}} "
#define RANGE     "3{1{1{3:9} "
#define K(value)  "2{1'k' 2:5 3:9 4:2 5'" value "'} "
#define COMMITTED DONE PUT GONE RANGE K("v") "4:1}} "
#define REFUSED   HEADER RANGE K("xx") "4:1}} "

static enum totp_err decode(const struct etcd_request *request, const char *text,
			    struct etcd_answer *answer)
{
	return etcd_answer_decode(request, message_of(text), answer);
}

static void assert_no_answer(const struct etcd_request *request, const char *text)
{
	static const struct etcd_answer empty;
	struct etcd_answer answer;

	if (decode(request, text, &answer) != TOTP_ERR_FORMAT)
		fail_msg("taken for an answer: %s", text);
	assert_memory_equal(&empty, &answer, sizeof(empty));
}

static void assert_piece(const char *expected, struct piece piece)
{
	assert_int_equal(strlen(expected), piece.len);
	assert_memory_equal(expected, piece.at, piece.len);
}

/* The bytes are those that Google's own encoder makes, with etcd's rpc.proto. */
static void a_request_is_encoded_as_grpc_takes_it(void **unused)
{
	static const uint8_t expected[] =
		/* prefix, compares */
		"\0\0\0\0\x31\x0a\x07\x10\x02\x1a\x01k\x30\x07\x0a\x07\x10\x01\x1a\x01"
		"c\x28\0"
		/* success: put, delete, range */
		"\x12\x08\x12\x06\x0a\x01k\x12\x01v\x12\x05\x1a\x03\x0a\x01i\x12\x05\x0a\x03\x0a"
		"\x01k"
		/* failure */
		"\x1a\x05\x0a\x03\x0a\x01k";
	static const uint8_t expected_page[] = "\0\0\0\0\x0c\x12\x0a\x0a\x08\x0a\x01"
					       "a\x12\x01"
					       "c\x18\x02";
	uint8_t *body = NULL, *page_body = NULL;
	size_t len = 0;

	assert_ok(etcd_request_encode(&commit, &body, &len));
	assert_int_equal(sizeof(expected) - 1, len);
	assert_memory_equal(expected, body, len);
	assert_ok(etcd_request_encode(&list, &page_body, &len));
	assert_int_equal(sizeof(expected_page) - 1, len);
	assert_memory_equal(expected_page, page_body, len);
	free(body);
	free(page_body);
}

static void the_largest_request_is_encoded(void **unused)
{
	static uint8_t key[1000], value[70000];
	static struct etcd_compare many[ETCD_OPS_MAX];
	static struct etcd_op puts[ETCD_OPS_MAX], ranges[ETCD_OPS_MAX];
	const struct etcd_request request = {
		ETCD_OPS_MAX, many, {ETCD_OPS_MAX, puts}, {ETCD_OPS_MAX, ranges}};
	uint8_t *body = NULL;
	size_t len = 0;

	for (size_t i = 0; i < ETCD_OPS_MAX; i++) {
		many[i] =
			(struct etcd_compare){ETCD_CREATED, {key, sizeof(key)}, ETCD_REVISION_MAX};
		puts[i] = (struct etcd_op){.kind = ETCD_PUT,
					   .key = {key, sizeof(key)},
					   .value = {value, sizeof(value)}};
		ranges[i] = (struct etcd_op){.key = {key, sizeof(key)},
					     .end = {key, sizeof(key)},
					     .limit = UINT32_MAX,
					     .keys_only = true};
	}
	assert_ok(etcd_request_encode(&request, &body, &len));
	/* compares: target, key, revision; puts: key, value; ranges: two keys, limit, keys_only */
	assert_int_equal(5 + ETCD_OPS_MAX *
					 ((3 + 2 + 3 + 1000 + 10) + (4 + 4 + 3 + 1000 + 4 + 70000) +
					  (3 + 3 + 3 + 1000 + 3 + 1000 + 6 + 2)),
			 len);
	free(body);
}

static void a_request_that_etcd_would_reject_or_misread_is_not_encoded(void **unused)
{
	static const struct etcd_compare late = {ETCD_MODIFIED, PIECE("k"), UINT64_MAX};
	static const struct etcd_op ops[] = {
		{.kind = ETCD_RANGE},
		{.kind = ETCD_PUT, .key = PIECE("k")},
		{.kind = ETCD_RANGE, .key = PIECE("k"), .end = PIECE("l")},
	};
	uint8_t *body = NULL;
	size_t len;

	for (size_t i = 0; i < COUNT(ops); i++) {
		const struct etcd_request request = {.failure = {1, &ops[i]}};

		assert_refused(ARGUMENT, etcd_request_encode(&request, &body, &len));
	}
	assert_refused(ARGUMENT,
		       etcd_request_encode(&(struct etcd_request){1, &late, {0, NULL}, {0, NULL}},
					   &body, &len));
	assert_refused(ARGUMENT, etcd_request_encode(&(struct etcd_request){.success = {129, put}},
						     &body, &len));
	assert_null(body);
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
	assert_ok(decode(&commit, HEADER "3{1{1{3:9}}}", &answer));
	assert_int_equal(0, answer.results[0].pair_count);
}

#define PAIR(key) "2{1'" key "' 2:5 3:5 4:1 5'v'} "

static void a_page_says_whether_there_is_more(void **unused)
{
	OWN_ETCD_ANSWER struct etcd_answer answer;

	assert_ok(decode(&list, DONE RANGE PAIR("a") PAIR("b") "3:1 4:3}}", &answer));
	assert_int_equal(2, answer.results[0].pair_count);
	assert_int_equal(3, answer.results[0].count);
	assert_piece("b", answer.results[0].pairs[1].key);
}

static void the_order_of_fields_does_not_matter(void **unused)
{
	OWN_ETCD_ANSWER struct etcd_answer answer;

	assert_ok(decode(&list, "3{1{4:3 " PAIR("a") "3:1 1{3:9} " PAIR("b") "}} 2:1 " HEADER,
			 &answer));
	assert_int_equal(2, answer.results[0].pair_count);
	assert_piece("b", answer.results[0].pairs[1].key);
}

static void a_page_that_was_changed_is_no_answer(void **unused)
{
	static const char *const pages[] = {
		/* unordered, twice the same, outside of the range, too many */
		DONE RANGE PAIR("b") PAIR("a") "4:2}}",
		DONE RANGE PAIR("a") PAIR("a") "4:2}}",
		DONE RANGE PAIR("c") "4:1}}",
		DONE RANGE PAIR("a") PAIR("aa") PAIR("b") "4:3}}",
		/* some were left out */
		DONE RANGE PAIR("a") "4:2}}",
		DONE RANGE PAIR("a") "3:1 4:3}}",
		DONE RANGE PAIR("a") PAIR("b") "3:1 4:2}}",
		DONE RANGE PAIR("a") PAIR("b") "4:3}}",
		DONE RANGE "4:1}}",
		DONE RANGE PAIR("a") "}}",
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

static void without_any_one_of_its_fields_it_is_no_answer(void **unused)
{
	static const char *const fields[] = {
		"1:18446744073709551615 ",
		"2:2 ",
		"3:9 ",
		" 4:3",
		HEADER,
		"2:1 ",
		PUT,
		GONE,
		"2{1{3:9}}",
		"1{3:9}",
		"1'k' ",
		"2:5 ",
		"3:9 4:2",
		"4:2 ",
		" 5'v'",
		"4:1",
		K("v"),
		"1'k' 2:5 3:9 4:2 5'v'",
		"1{1{3:9} " K("v") "4:1}",
	};

	for (size_t i = 0; i < COUNT(fields); i++) {
		OWN_TEXT char *text = with(COMMITTED, fields[i], "");

		assert_no_answer(&commit, text);
	}
	assert_no_answer(&commit, "");
	assert_no_answer(&list, DONE);
}

static void with_a_field_twice_or_of_another_type_it_is_no_answer(void **unused)
{
	static const struct {
		const char *part, *other;
	} changes[] = {
		{HEADER, HEADER HEADER},
		{"2:1", "2:1 2:1"},
		{"4:1", "4:1 4:1"},
		{"3:9 4:2", "3:9 3:9 4:2"},
		{"1{3:9}", "1{3:9} 1{3:9}"},
		{"1'k'", "1'k' 1'k'"},
		{"5'v'", "5'v' 5'v'"},
		{"2:1", "2:0"},
		{"2:1", "2:2"},
		{"2:1", "2'true'"},
		{"2:1", "2{}"},
		{"2:1", "<1501000000>"},
		{"3:9", "3'9'"},
		{"3:9", "<190900000000000000>"},
		{"3:9", "<1d09000000>"},
		{"3:9", "<188900>"},               /* needlessly long */
		{"3:9", "3:18446744073709551607"}, /* -9 */
		{"3:9", "3:0"},
		{"3:9", "3''"},
		{"3:9", "3:8"},
		{"3:9", "<18ffffffffffffffffff02>"}, /* more than 64 bits */
		{"3:9", "<1880808080808080808080808001>"},
		{"1:18446744073709551615", "1:0"},
		{HEADER, "1:1 "},
		{HEADER, "11{1:1 2:2 3:9 4:3} "},
		{PUT, "3:1 "},
		{PUT, "3'' "},
		{PUT, "3{} "},
		{PUT, "3{2:9} "},
		{PUT, "3{2{}} "},
		{PUT, "3{2{1{}}} "},
		{PUT, "3{1{1{3:9}}} "},
		{PUT, "3{4{1{3:9}}} "},
		{PUT, "3{1{} 2{1{3:9}}} "},
		{PUT, "3{2{1{3:9}} 9:1} "},
		{PUT, PUT PUT},
		{PUT GONE, GONE PUT},
		{"2:1}}", "2:2}}"},
		{"2{1'k'", "2{} 2{1'k'"},
		{"2{1'k'", "2:7 2{1'k'"},
		{K("v"), K("v") K("v")},
		{"1'k'", "1'i'"},
		{"1'k'", "1''"},
		{"1'k'", "1:7"},
		{"5'v'", "5'w'"},
		{"5'v'", "5'vv'"},
		{"5'v'", "5''"},
		{"5'v'", "5:7"},
		{"3:9 4:2", "3:10 4:2"},
		{"3:9 4:2", "3:4 4:2"},
		{"4:2", "4:18446744073709551615"},
		{"4:1", "3:1 4:2"},
		{"4:1", "3:0 4:1"},
		{"4:1", "4:18446744073709551615"},
		/* what is no field, at the end and within */
		{"4:1}} ", "4:1}} <00>"},
		{"4:1}} ", "4:1}} <0001>"},
		{"4:1}} ", "4:1}} <7b7c>"},   /* a group */
		{"4:1}} ", "4:1}} <7e00>"},   /* of a kind that is not there */
		{"4:1}} ", "4:1}} <7a>"},     /* without its length… */
		{"4:1}} ", "4:1}} <7a02ff>"}, /* …and longer than what is left */
		{"4:1}} ", "4:1}} <7affffffffffffffffff01>"},
		{"4:1}} ", "4:1}} <7d000000>"},
		{"4:1}} ", "4:1}} <80808080100a>"}, /* a number beyond those of fields */
		{"4:2", "4:2 <7a05>"},
		{"4:3}", "4:3 <7a05>}"},
	};

	for (size_t i = 0; i < COUNT(changes); i++) {
		OWN_TEXT char *text = with(COMMITTED, changes[i].part, changes[i].other);

		assert_no_answer(&commit, text);
	}
}

static void cut_anywhere_it_is_no_answer(void **unused)
{
	struct piece message = message_of(COMMITTED);
	struct etcd_answer answer;

	for (; message.len > 0; message.len--) {
		uint8_t *cut = malloc(message.len); /* so that a sanitizer sees a read beyond */

		assert_non_null(cut);
		memcpy(cut, message.at, message.len - 1);
		assert_refused(
			FORMAT,
			etcd_answer_decode(&commit, (struct piece){cut, message.len - 1}, &answer));
		free(cut);
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
	assert_no_answer(&commit, DONE RANGE PAIR("a") "4:1}}");
}

static void fields_of_a_later_version_are_ignored(void **unused)
{
	static const char *const places[] = {"2:1 ", "3:9} 2:1", "1{3:9} 2:1", "4:1", "5'v'"};

	for (size_t i = 0; i < COUNT(places); i++) {
		OWN_TEXT char *other = NULL;
		OWN_TEXT char *text = NULL;
		OWN_ETCD_ANSWER struct etcd_answer answer;

		assert_true(asprintf(&other,
				     "99{1:1} 98:7 <950600000000> <91060000000000000000> %s",
				     places[i]) > 0);
		text = with(COMMITTED, places[i], other);
		assert_ok(decode(&commit, text, &answer));
	}
}

static void keys_alone_have_no_values(void **unused)
{
	static const struct etcd_op keys[] = {
		{.kind = ETCD_RANGE, .key = PIECE("k"), .keys_only = true}};
	const struct etcd_request request = {.success = {1, keys}};
	OWN_ETCD_ANSWER struct etcd_answer answer;

	assert_no_answer(&request, DONE RANGE K("v") "4:1}}");
	assert_no_answer(&request, DONE RANGE K("") "4:1}}");
	assert_ok(decode(&request, DONE RANGE "2{1'k' 2:5 3:9 4:2} 4:1}}", &answer));
	assert_int_equal(0, answer.results[0].pairs[0].value.len);
}

static void a_member_that_knows_no_leader_or_answers_something_else_gives_none(void **unused)
{
	static const char *const none[] = {"",
					   "<3c>",
					   "4:0",
					   "4'7'",
					   "<2107000000000000000000>",
					   "4:7 4:8",
					   "4:7 <0a05>",
					   "<20ffffffffffffffffff02>",
					   "1{4:7}"};

	for (size_t i = 0; i < COUNT(none); i++)
		assert_int_equal(0, etcd_answer_leader(message_of(none[i])));
	assert_true(etcd_answer_leader(message_of("1{2:5} 2'3.4' 4:18446744073709551615")) ==
		    UINT64_MAX);
}

/* --- gRPC --- */

static void a_body_is_one_message_of_the_length_that_it_says(void **unused)
{
	static const struct {
		const char *bytes;
		size_t len;
	} bad[] = {
		{"", 0},
		{"\0\0\0\0", 4},
		{"\0\0\0\0\1", 5},
		{"\0\0\0\0\0x", 6},
		{"\0\0\0\0\2x", 6},
		{"\0\1\0\0\1x", 6},
		{"\0\xff\xff\xff\xffx", 6},
		{"\1\0\0\0\1x", 6}, /* compressed */
		{"\0\0\0\0\1x\0\0\0\0\1x", 12},
	};
	struct piece message = {NULL, 0};

	for (size_t i = 0; i < COUNT(bad); i++)
		assert_refused(FORMAT,
			       rpc_open((struct piece){bad[i].bytes, bad[i].len}, &message));
	assert_null(message.at);
	assert_ok(rpc_open((struct piece){"\0\0\0\0\3abc", 8}, &message));
	assert_piece("abc", message);
	assert_ok(rpc_open(rpc_empty, &message));
	assert_int_equal(0, message.len);
}

static void an_error_has_a_status_and_a_message(void **unused)
{
	struct rpc_status status;

	rpc_status(text_of("3"), text_of("key is not %07 pro%76ided%"), &status);
	assert_int_equal(RPC_INVALID_ARGUMENT, status.code);
	assert_string_equal("key is not ? provided%", status.message);
	rpc_status(text_of("14"), text_of("%zz%4"), &status);
	assert_int_equal(14, status.code);
	assert_string_equal("%zz%4", status.message);
	rpc_status(text_of("0"), text_of(""), &status);
	assert_int_equal(RPC_OK, status.code);
	assert_string_equal("", status.message);
}

static void a_status_that_is_no_number_is_none(void **unused)
{
	static const char *const bad[] = {"",   "00",  "014", " 0",         "0 ",
					  "-0", "0x0", "OK",  "4294967296", "18446744073709551616"};
	struct rpc_status status;

	for (size_t i = 0; i < COUNT(bad); i++) {
		rpc_status(text_of(bad[i]), text_of("x"), &status);
		assert_true(status.code == RPC_STATUS_NONE);
	}
}

static void a_long_message_is_cut(void **unused)
{
	char text[3 * RPC_MESSAGE_MAX + 1] = "";
	struct rpc_status status;

	for (size_t i = 0; i < RPC_MESSAGE_MAX; i++)
		strcat(text, "%41");
	rpc_status(text_of("2"), text_of(text), &status);
	assert_int_equal(RPC_MESSAGE_MAX - 1, strlen(status.message));
	assert_string_equal("AA", status.message + RPC_MESSAGE_MAX - 3);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_request_is_encoded_as_grpc_takes_it),
		cmocka_unit_test(the_largest_request_is_encoded),
		cmocka_unit_test(a_request_that_etcd_would_reject_or_misread_is_not_encoded),
		cmocka_unit_test(an_answer_says_what_was_done),
		cmocka_unit_test(an_answer_says_what_is_there_instead),
		cmocka_unit_test(a_page_says_whether_there_is_more),
		cmocka_unit_test(the_order_of_fields_does_not_matter),
		cmocka_unit_test(a_page_that_was_changed_is_no_answer),
		cmocka_unit_test(without_any_one_of_its_fields_it_is_no_answer),
		cmocka_unit_test(with_a_field_twice_or_of_another_type_it_is_no_answer),
		cmocka_unit_test(cut_anywhere_it_is_no_answer),
		cmocka_unit_test(an_answer_to_another_request_is_none),
		cmocka_unit_test(fields_of_a_later_version_are_ignored),
		cmocka_unit_test(keys_alone_have_no_values),
		cmocka_unit_test(
			a_member_that_knows_no_leader_or_answers_something_else_gives_none),
		cmocka_unit_test(a_body_is_one_message_of_the_length_that_it_says),
		cmocka_unit_test(an_error_has_a_status_and_a_message),
		cmocka_unit_test(a_status_that_is_no_number_is_none),
		cmocka_unit_test(a_long_message_is_cut),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
