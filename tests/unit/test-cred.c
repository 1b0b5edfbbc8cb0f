/* SPDX-License-Identifier: BSD-2-Clause */
#include "unit.h"

#include <stdlib.h>

#include "example.h"
#include "record/cred.h"

static void assert_token_equal(const struct token *a, const struct token *b)
{
	assert_int_equal(a->id, b->id);
	assert_int_equal(a->type, b->type);
	assert_int_equal(a->alg, b->alg);
	assert_int_equal(a->digits, b->digits);
	assert_int_equal(a->period, b->period);
	assert_int_equal(a->offset, b->offset);
	assert_int_equal(a->created, b->created);
	assert_string_equal(a->label, b->label);
	assert_memory_equal(&a->secret, &b->secret, sizeof(a->secret));
}

static void assert_cred_equal(const struct cred *a, const struct cred *b)
{
	assert_memory_equal(a->id, b->id, sizeof(a->id));
	assert_memory_equal(a->state_key, b->state_key, sizeof(a->state_key));
	assert_string_equal(a->user, b->user);
	assert_int_equal(a->uid_bound, b->uid_bound);
	assert_int_equal(a->uid, b->uid);
	assert_int_equal(a->created, b->created);
	assert_int_equal(a->disabled, b->disabled);
	assert_int_equal(a->must_confirm, b->must_confirm);
	assert_int_equal(a->token_count, b->token_count);
	for (size_t i = 0; i < CRED_TOKENS_MAX; i++)
		assert_token_equal(&a->tokens[i], &b->tokens[i]);
	assert_int_equal(a->recovery_count, b->recovery_count);
	assert_memory_equal(a->recovery_salt, b->recovery_salt, sizeof(a->recovery_salt));
	assert_memory_equal(a->recovery_hash, b->recovery_hash, sizeof(a->recovery_hash));
	assert_int_equal(a->bypass.uses, b->bypass.uses);
	assert_int_equal(a->bypass.created, b->bypass.created);
	assert_int_equal(a->bypass.expires, b->bypass.expires);
	assert_memory_equal(a->bypass.salt, b->bypass.salt, sizeof(a->bypass.salt));
	assert_memory_equal(a->bypass.hash, b->bypass.hash, sizeof(a->bypass.hash));
}

static size_t encode(const struct cred *cred, uint8_t bytes[CRED_BYTES_MAX])
{
	size_t len = 0;

	assert_ok(cred_encode(cred, bytes, &len));
	return len;
}

static void assert_round_trip(const struct cred *cred)
{
	uint8_t bytes[CRED_BYTES_MAX], again[CRED_BYTES_MAX];
	size_t len = encode(cred, bytes);
	struct cred back;

	assert_ok(cred_decode(bytes, len, &back));
	assert_cred_equal(cred, &back);
	assert_int_equal(len, encode(&back, again));
	assert_memory_equal(bytes, again, len);
}

static void decoding_gives_what_was_encoded(void **unused)
{
	struct cred cred = example_cred();

	assert_round_trip(&cred);
	cred.recovery_count = 0;
	memset(cred.recovery_salt, 0, sizeof(cred.recovery_salt));
	memset(cred.recovery_hash, 0, sizeof(cred.recovery_hash));
	assert_round_trip(&cred);
	cred.uid_bound = false;
	cred.uid = 0;
	assert_round_trip(&cred);
	cred.disabled = true;
	assert_round_trip(&cred);
	cred.must_confirm = false;
	assert_round_trip(&cred);
	cred.bypass = (struct bypass){0};
	assert_round_trip(&cred);
}

/* Every field at its largest. */
static struct cred largest_cred(void)
{
	struct cred cred = example_cred();

	memset(cred.user, 'u', CRED_USER_MAX);
	cred.uid = UINT32_MAX;
	cred.created = INT64_MAX;
	cred.token_count = CRED_TOKENS_MAX;
	for (size_t i = 0; i < CRED_TOKENS_MAX; i++) {
		struct token *token = &cred.tokens[i];

		*token = cred.tokens[0];
		token->id = (uint8_t)(255 - i);
		token->alg = HMAC_SHA512;
		token->digits = 8;
		token->period = 300;
		token->offset = -CRED_OFFSET_MAX;
		token->created = INT64_MAX;
		memset(token->label, 'a' + (int)i, CRED_LABEL_MAX);
		token->secret.len = SECRET_MAX;
		memset(token->secret.data, (int)i, SECRET_MAX);
	}
	cred.recovery_count = RECOVERY_MAX;
	memset(cred.recovery_salt, 0xff, sizeof(cred.recovery_salt));
	memset(cred.recovery_hash, 0xff, sizeof(cred.recovery_hash));
	cred.bypass.uses = BYPASS_USES_MAX;
	cred.bypass.created = INT64_MAX - 1;
	cred.bypass.expires = INT64_MAX;
	return cred;
}

static void the_largest_credential_fits(void **unused)
{
	struct cred cred = largest_cred();

	assert_round_trip(&cred);
}

/* As a host makes one whose clock has never been set. */
static void a_credential_of_1970_is_valid(void **unused)
{
	struct cred cred = example_cred();

	cred.created = cred.tokens[0].created = 0;
	assert_round_trip(&cred);
}

static void a_time_that_an_offset_moves_out_of_its_range_has_no_step(void **unused)
{
	struct token token = example_cred().tokens[0];
	uint64_t step = 7;

	token.offset = 1;
	assert_refused(RANGE, token_step_at(&token, INT64_MAX, &step));
	token.offset = -1;
	assert_refused(RANGE, token_step_at(&token, INT64_MIN, &step));
	assert_int_equal(7, step);
}

static void the_format_is_that_of_the_manual(void **unused)
{
	/* pam_totp-record(5) */
	static const char hex[] = "01"                               /* 0: version */
				  "101112131415161718191a1b1c1d1e1f" /* 1: id */
				  "202122232425262728292a2b2c2d2e2f" /* 17: state key */
				  "303132333435363738393a3b3c3d3e3f"
				  "01000003e8"               /* 49: bound, 50: uid 1000 */
				  "000000006553f100"         /* 54: created */
				  "02"                       /* 62: must confirm */
				  "05616c696365"             /* 63: user alice */
				  "02"                       /* 69: tokens */
				  "01010208"                 /* 70: id, TOTP, SHA256, digits */
				  "003cfffffffe"             /* 74: period, 76: offset -2 */
				  "000000006553f101"         /* 80: created */
				  "0570686f6e65"             /* 88: label phone */
				  "0a4142434445464748494a"   /* 94: secret */
				  "07020106"                 /* 105: id, HOTP, SHA1, digits */
				  "000000000000"             /* 109: period, 111: offset */
				  "000000006553f102"         /* 115: created */
				  "036b6579"                 /* 123: label key */
				  "0b6b6c6d6e6f707172737475" /* 127: secret */
				  "01"                       /* 139: recovery codes */
				  "404142434445464748494a4b4c4d4e4f" /* 140: salt */
				  "505152535455565758595a5b5c5d5e5f" /* 156: hash */
				  "606162636465666768696a6b6c6d6e6f"
				  "01"                               /* 188: bypass */
				  "000000006553f103"                 /* 189: created */
				  "000000006553f104"                 /* 197: expires */
				  "05"                               /* 205: uses */
				  "808182838485868788898a8b8c8d8e8f" /* 206: salt */
				  "909192939495969798999a9b9c9d9e9f" /* 222: hash */
				  "a0a1a2a3a4a5a6a7a8a9aaabacadaeaf";
	uint8_t expected[254];
	struct cred cred = example_cred(), back;
	uint8_t bytes[CRED_BYTES_MAX];

	assert_ok(text_hex(text_of(hex), expected, sizeof(expected)));
	assert_int_equal(sizeof(expected), encode(&cred, bytes));
	assert_memory_equal(expected, bytes, sizeof(expected));
	assert_ok(cred_decode(expected, sizeof(expected), &back));
	assert_cred_equal(&cred, &back);
}

/* Where the fields of the example are, as above. */
enum {
	AT_VERSION = 0,
	AT_BOUND = 49,
	AT_UID = 50,
	AT_CREATED = 54,
	AT_FLAGS = 62,
	AT_USER = 63,
	AT_TOKENS = 69,
	AT_TOTP = 70,
	AT_TOTP_PERIOD = 74,
	AT_TOTP_OFFSET = 76,
	AT_TOTP_CREATED = 80,
	AT_TOTP_LABEL = 88,
	AT_TOTP_SECRET = 94,
	AT_HOTP = 105,
	AT_HOTP_PERIOD = 109,
	AT_HOTP_OFFSET = 111,
	AT_HOTP_LABEL = 123,
	AT_HOTP_SECRET = 127,
	AT_RECOVERY = 139,
	AT_BYPASS = 188,
	AT_BYPASS_CREATED = 189,
	AT_BYPASS_EXPIRES = 197,
	AT_BYPASS_USES = 205,
};

static void every_field_stays_in_its_range(void **unused)
{
	static const struct {
		size_t at;
		size_t width;
		uint64_t value;
		enum totp_err err;
	} rows[] = {
		{AT_VERSION, 1, 0, TOTP_ERR_UNSUPPORTED},
		{AT_VERSION, 1, 3, TOTP_ERR_UNSUPPORTED},
		{AT_BOUND, 1, 0, TOTP_ERR_RANGE}, /* not bound, but with a uid */
		{AT_BOUND, 1, 2, TOTP_ERR_FORMAT},
		{AT_BOUND, 1, 255, TOTP_ERR_FORMAT},
		{AT_UID, 4, 0, TOTP_OK},
		{AT_UID, 4, UINT32_MAX, TOTP_OK},
		{AT_CREATED, 8, 0, TOTP_OK},
		{AT_CREATED, 8, INT64_MAX, TOTP_OK},
		{AT_CREATED, 8, (uint64_t)INT64_MAX + 1, TOTP_ERR_RANGE},
		{AT_CREATED, 8, UINT64_MAX, TOTP_ERR_RANGE},
		{AT_FLAGS, 1, 0, TOTP_OK},
		{AT_FLAGS, 1, 3, TOTP_OK},
		{AT_FLAGS, 1, 4, TOTP_ERR_FORMAT},
		{AT_FLAGS, 1, 0x82, TOTP_ERR_FORMAT},
		{AT_USER, 1, 201, TOTP_ERR_FORMAT},
		{AT_USER + 1, 1, 0, TOTP_ERR_FORMAT}, /* a NUL in a name */
		{AT_USER + 5, 1, 0, TOTP_ERR_FORMAT},
		{AT_TOKENS, 1, 9, TOTP_ERR_FORMAT},
		{AT_TOTP, 1, 0, TOTP_ERR_RANGE},
		{AT_TOTP, 1, 7, TOTP_ERR_RANGE}, /* the other token's id */
		{AT_TOTP, 1, 255, TOTP_OK},
		{AT_TOTP + 1, 1, 0, TOTP_ERR_RANGE},
		{AT_TOTP + 1, 1, 2, TOTP_ERR_RANGE}, /* HOTP with a period */
		{AT_TOTP + 1, 1, 3, TOTP_ERR_RANGE},
		{AT_TOTP + 2, 1, 0, TOTP_ERR_RANGE},
		{AT_TOTP + 2, 1, 1, TOTP_OK},
		{AT_TOTP + 2, 1, 3, TOTP_OK},
		{AT_TOTP + 2, 1, 4, TOTP_ERR_RANGE},
		{AT_TOTP + 3, 1, 5, TOTP_ERR_RANGE},
		{AT_TOTP + 3, 1, 6, TOTP_OK},
		{AT_TOTP + 3, 1, 9, TOTP_ERR_RANGE},
		{AT_TOTP_PERIOD, 2, 14, TOTP_ERR_RANGE},
		{AT_TOTP_PERIOD, 2, 15, TOTP_OK},
		{AT_TOTP_PERIOD, 2, 300, TOTP_OK},
		{AT_TOTP_PERIOD, 2, 301, TOTP_ERR_RANGE},
		{AT_TOTP_PERIOD, 2, 0, TOTP_ERR_RANGE},
		{AT_TOTP_OFFSET, 4, CRED_OFFSET_MAX, TOTP_OK},
		{AT_TOTP_OFFSET, 4, CRED_OFFSET_MAX + 1, TOTP_ERR_RANGE},
		{AT_TOTP_OFFSET, 4, (uint32_t)-CRED_OFFSET_MAX, TOTP_OK},
		{AT_TOTP_OFFSET, 4, (uint32_t)-CRED_OFFSET_MAX - 1, TOTP_ERR_RANGE},
		{AT_TOTP_OFFSET, 4, 0x80000000, TOTP_ERR_RANGE},
		{AT_TOTP_CREATED, 8, INT64_MAX, TOTP_OK},
		{AT_TOTP_CREATED, 8, UINT64_MAX, TOTP_ERR_RANGE},
		{AT_TOTP_LABEL, 1, 33, TOTP_ERR_FORMAT},
		{AT_TOTP_LABEL + 1, 1, 0, TOTP_ERR_FORMAT},
		{AT_TOTP_LABEL + 1, 1, ' ', TOTP_ERR_RANGE},
		{AT_TOTP_LABEL + 2, 1, ' ', TOTP_OK},
		{AT_TOTP_LABEL + 5, 1, ' ', TOTP_ERR_RANGE},
		{AT_TOTP_LABEL + 2, 1, '"', TOTP_ERR_RANGE},
		{AT_TOTP_LABEL + 2, 1, '\\', TOTP_ERR_RANGE},
		{AT_TOTP_LABEL + 2, 1, '\n', TOTP_ERR_RANGE},
		{AT_TOTP_LABEL + 2, 1, 0x80, TOTP_ERR_RANGE},
		{AT_TOTP_SECRET, 1, 129, TOTP_ERR_FORMAT},
		{AT_TOTP_SECRET, 1, 255, TOTP_ERR_FORMAT},
		{AT_HOTP, 1, 1, TOTP_ERR_RANGE},     /* the other token's id */
		{AT_HOTP + 1, 1, 1, TOTP_ERR_RANGE}, /* TOTP without a period */
		{AT_HOTP_PERIOD, 2, 30, TOTP_ERR_RANGE},
		{AT_HOTP_OFFSET, 4, 1, TOTP_ERR_RANGE},
		{AT_RECOVERY, 1, 17, TOTP_ERR_FORMAT},
		{AT_BYPASS, 1, 0,
		 TOTP_ERR_FORMAT}, /* but with the other fields of a recovery code */
		{AT_BYPASS, 1, 2, TOTP_ERR_FORMAT},
		{AT_BYPASS_CREATED, 8, 0, TOTP_OK},
		{AT_BYPASS_CREATED, 8, 0x6553f104, TOTP_ERR_RANGE}, /* when it expires */
		{AT_BYPASS_CREATED, 8, UINT64_MAX, TOTP_ERR_RANGE},
		{AT_BYPASS_EXPIRES, 8, INT64_MAX, TOTP_OK},
		{AT_BYPASS_EXPIRES, 8, 0x6553f103, TOTP_ERR_RANGE},
		{AT_BYPASS_EXPIRES, 8, UINT64_MAX, TOTP_ERR_RANGE},
		{AT_BYPASS_USES, 1, 0, TOTP_ERR_FORMAT},
		{AT_BYPASS_USES, 1, 1, TOTP_OK},
		{AT_BYPASS_USES, 1, BYPASS_USES_MAX, TOTP_OK},
		{AT_BYPASS_USES, 1, BYPASS_USES_MAX + 1, TOTP_ERR_RANGE},
	};

	for (size_t i = 0; i < COUNT(rows); i++) {
		struct cred cred = example_cred(), back;
		uint8_t bytes[CRED_BYTES_MAX], again[CRED_BYTES_MAX];
		size_t len = encode(&cred, bytes);

		for (size_t j = 0; j < rows[i].width; j++)
			bytes[rows[i].at + j] =
				(uint8_t)(rows[i].value >> 8 * (rows[i].width - 1 - j));
		assert_int_equal(rows[i].err, cred_decode(bytes, len, &back));
		if (rows[i].err != TOTP_OK) {
			assert_wiped(back);
			continue;
		}
		assert_int_equal(len, encode(&back, again));
		assert_memory_equal(bytes, again, len);
	}
}

static void nothing_out_of_range_is_encoded(void **unused)
{
	const struct cred good = example_cred();
	uint8_t bytes[CRED_BYTES_MAX] = {0};
	struct cred cred;
	size_t len = 77;

	cred = good;
	cred.user[0] = '\0';
	assert_refused(RANGE, cred_encode(&cred, bytes, &len));
	cred = good;
	cred.token_count = 0;
	assert_refused(RANGE, cred_encode(&cred, bytes, &len));
	cred.token_count = CRED_TOKENS_MAX + 1;
	assert_refused(RANGE, cred_encode(&cred, bytes, &len));
	cred = good;
	cred.recovery_count = RECOVERY_MAX + 1;
	assert_refused(RANGE, cred_encode(&cred, bytes, &len));
	cred.recovery_count = 0; /* and a salt */
	assert_refused(RANGE, cred_encode(&cred, bytes, &len));
	cred = good;
	cred.bypass.uses = BYPASS_USES_MAX + 1;
	assert_refused(RANGE, cred_encode(&cred, bytes, &len));
	cred.bypass.uses = 0; /* and the other fields */
	assert_refused(RANGE, cred_encode(&cred, bytes, &len));
	cred = good;
	cred.bypass.expires = cred.bypass.created;
	assert_refused(RANGE, cred_encode(&cred, bytes, &len));
	cred = good;
	cred.tokens[0].secret.len = SECRET_IMPORT_MIN - 1;
	assert_refused(RANGE, cred_encode(&cred, bytes, &len));
	cred.tokens[0].secret.len = SECRET_MAX + 1;
	assert_refused(RANGE, cred_encode(&cred, bytes, &len));
	cred = good;
	cred.tokens[0].label[0] = '\0';
	assert_refused(RANGE, cred_encode(&cred, bytes, &len));
	cred = good;
	cred.version = RECORD_VERSION_FIRST - 1;
	assert_refused(RANGE, cred_encode(&cred, bytes, &len));
	cred.version = (uint8_t)(record_version_newest + 1);
	assert_refused(RANGE, cred_encode(&cred, bytes, &len));
	assert_int_equal(77, len);
	assert_wiped(bytes);
}

static void two_tokens_share_neither_id_nor_label_nor_secret(void **unused)
{
	const struct cred good = example_cred();
	struct cred cred = good;

	assert_ok(cred_check(&cred));
	cred.tokens[1].id = cred.tokens[0].id;
	assert_refused(RANGE, cred_check(&cred));
	cred = good;
	strcpy(cred.tokens[1].label, cred.tokens[0].label);
	assert_refused(RANGE, cred_check(&cred));
	cred = good;
	cred.tokens[1].secret = cred.tokens[0].secret;
	assert_refused(RANGE, cred_check(&cred));
	cred.tokens[1].secret.len++; /* begins like the other */
	assert_ok(cred_check(&cred));
}

/*
 * Decode a copy of exactly this length on the heap, so that a sanitizer sees a read past its end.
 */
static enum totp_err decode_exactly(const uint8_t *bytes, size_t len, struct cred *ret_cred)
{
	uint8_t *copy = malloc(len ? len : 1);
	enum totp_err err;

	assert_non_null(copy);
	memcpy(copy, bytes, len);
	err = cred_decode(copy, len, ret_cred);
	free(copy);
	return err;
}

static void every_truncation_is_rejected(void **unused)
{
	struct cred cred = largest_cred(), back;
	uint8_t bytes[CRED_BYTES_MAX];
	size_t len = encode(&cred, bytes);

	for (size_t shorter = 0; shorter < len; shorter++) {
		memset(&back, 0xff, sizeof(back));
		assert_refused(FORMAT, decode_exactly(bytes, shorter, &back));
		assert_wiped(back);
	}
	assert_ok(decode_exactly(bytes, len, &back));
}

static void one_byte_too_many_is_rejected(void **unused)
{
	struct cred cred = example_cred(), back;
	uint8_t bytes[CRED_BYTES_MAX] = {0};
	size_t len = encode(&cred, bytes);

	for (unsigned byte = 0; byte < 256; byte++) {
		bytes[len] = (uint8_t)byte;
		assert_refused(FORMAT, cred_decode(bytes, len + 1, &back));
		assert_wiped(back);
	}
}

static void a_changed_byte_is_rejected_or_means_something_else(void **unused)
{
	struct cred cred = example_cred(), back;
	uint8_t bytes[CRED_BYTES_MAX], again[CRED_BYTES_MAX];
	size_t len = encode(&cred, bytes);

	for (size_t at = 0; at < len; at++) {
		uint8_t right = bytes[at];

		for (unsigned byte = 0; byte < 256; byte++) {
			bytes[at] = (uint8_t)byte;
			if (cred_decode(bytes, len, &back) != TOTP_OK)
				continue;
			assert_int_equal(len, encode(&back, again));
			assert_memory_equal(bytes, again, len);
		}
		bytes[at] = right;
	}
}

static void a_label_is_one_line_of_plain_text(void **unused)
{
	static const char *const good[] = {
		"a",
		"phone",
		"my old phone",
		"!#$%&'()*+,-./:;<=>@[]^_`{|}~",
		"12345678901234567890123456789012",
	};
	static const char *const bad[] = {
		"",
		" ",
		"a ",
		" a",
		"\ta",
		"a\tb",
		"a\n",
		"a\"b",
		"a\\b",
		"why?",
		"\x7f",
		"Zo\xc3\xab",
		"123456789012345678901234567890123",
	};

	for (size_t i = 0; i < COUNT(good); i++)
		assert_true(cred_label_is_good(text_of(good[i])));
	for (size_t i = 0; i < COUNT(bad); i++)
		assert_false(cred_label_is_good(text_of(bad[i])));
	assert_false(cred_label_is_good((struct text){"a\0b", 3}));
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(decoding_gives_what_was_encoded),
		cmocka_unit_test(the_largest_credential_fits),
		cmocka_unit_test(a_credential_of_1970_is_valid),
		cmocka_unit_test(a_time_that_an_offset_moves_out_of_its_range_has_no_step),
		cmocka_unit_test(the_format_is_that_of_the_manual),
		cmocka_unit_test(every_field_stays_in_its_range),
		cmocka_unit_test(nothing_out_of_range_is_encoded),
		cmocka_unit_test(two_tokens_share_neither_id_nor_label_nor_secret),
		cmocka_unit_test(every_truncation_is_rejected),
		cmocka_unit_test(one_byte_too_many_is_rejected),
		cmocka_unit_test(a_changed_byte_is_rejected_or_means_something_else),
		cmocka_unit_test(a_label_is_one_line_of_plain_text),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
