/* SPDX-License-Identifier: BSD-2-Clause */
#include "unit.h"

#include "base/text.h"
#include "import/pwseal.h"

#define PLAIN     "the plaintext"
#define PLAIN_LEN (sizeof(PLAIN) - 1)
#define BOX_LEN   (PLAIN_LEN + PWSEAL_OVERHEAD)

static struct secret phrase_of(const char *text)
{
	struct secret phrase;

	assert_ok(secret_set(&phrase, text, strlen(text)));
	return phrase;
}

static void seal_plain(uint8_t box[BOX_LEN])
{
	const struct secret phrase = phrase_of("correct horse battery staple");

	memcpy(box + PWSEAL_HEADER_LEN, PLAIN, PLAIN_LEN);
	assert_ok(pwseal_close(&phrase, PWSEAL_EXPORT, PWSEAL_COST_MIN, box, PLAIN_LEN));
}

static enum totp_err open_with(const char *text, const uint8_t *box, size_t len)
{
	const struct secret phrase = phrase_of(text);
	uint8_t plain[PLAIN_LEN + 1] = {0};
	enum totp_err err = pwseal_open(&phrase, PWSEAL_EXPORT, box, len, plain);

	if (err == TOTP_OK)
		assert_memory_equal(PLAIN, plain, PLAIN_LEN);
	else
		assert_wiped(plain);
	return err;
}

static enum totp_err open_box(const uint8_t *box, size_t len)
{
	return open_with("correct horse battery staple", box, len);
}

static void a_box_opens_with_its_passphrase_only(void **unused)
{
	static const char *const others[] = {"correct horse battery stapl",
					     "Correct horse battery staple",
					     "correct horse battery staple ", "x"};
	uint8_t box[BOX_LEN];

	seal_plain(box);
	assert_ok(open_box(box, sizeof(box)));
	for (size_t i = 0; i < COUNT(others); i++)
		assert_refused(SEAL, open_with(others[i], box, sizeof(box)));
}

static void a_box_has_the_bytes_of_the_manual(void **unused)
{
	/*
	 * made by another program: Python's hashlib.scrypt and AESGCM of its package cryptography
	 */
	static const char box_hex[] =
		"5054504201010a0801a0a1a2a3a4a5a6a7a8a9aaabacadaeafe0e1e2e3e4e5e6"
		"e7e8e9eaebe1e2963a67ab27d9c1da855585de469c3e12952f3598e5268101cc"
		"e6aa";
	uint8_t box[BOX_LEN];

	assert_ok(text_hex(text_of(box_hex), box, sizeof(box)));
	assert_ok(open_box(box, sizeof(box)));
}

static void no_two_boxes_share_salt_or_nonce(void **unused)
{
	uint8_t a[BOX_LEN], b[BOX_LEN];

	seal_plain(a);
	seal_plain(b);
	assert_memory_equal(a, b, 9);
	assert_memory_not_equal(a + 9, b + 9, 16);
	assert_memory_not_equal(a + 25, b + 25, GCM_NONCE_LEN);
	assert_memory_not_equal(a + PWSEAL_HEADER_LEN, b + PWSEAL_HEADER_LEN, PLAIN_LEN);
}

static void no_changed_byte_opens(void **unused)
{
	uint8_t box[BOX_LEN];

	seal_plain(box);
	for (size_t at = 0; at < sizeof(box); at++) {
		enum totp_err expected = at < 4   ? TOTP_ERR_FORMAT
					 : at < 6 ? TOTP_ERR_UNSUPPORTED
					 : at < 9 ? TOTP_ERR_RANGE
						  : TOTP_ERR_SEAL;

		box[at] ^= 0x20;
		assert_int_equal(expected, open_box(box, sizeof(box)));
		box[at] ^= 0x20;
	}
	box[6]++; /* a cost that is accepted, but not the one with which it was sealed */
	assert_refused(SEAL, open_box(box, sizeof(box)));
	box[6]--;
	assert_ok(open_box(box, sizeof(box)));
}

static void no_other_length_opens(void **unused)
{
	uint8_t box[BOX_LEN + 1] = {0};

	seal_plain(box);
	for (size_t len = 0; len <= sizeof(box); len++)
		if (len != BOX_LEN)
			assert_int_equal(len < PWSEAL_OVERHEAD ? TOTP_ERR_FORMAT : TOTP_ERR_SEAL,
					 open_box(box, len));
	/* only its header is read */
	assert_refused(RANGE, open_box(box, PWSEAL_OVERHEAD + PWSEAL_PLAIN_MAX + 1));
}

static void a_box_of_one_kind_is_not_one_of_the_other(void **unused)
{
	const struct secret phrase = phrase_of("correct horse battery staple");
	uint8_t box[BOX_LEN], plain[PLAIN_LEN] = {0};

	seal_plain(box);
	assert_refused(UNSUPPORTED, pwseal_open(&phrase, PWSEAL_KEYRING, box, sizeof(box), plain));
	box[5] = PWSEAL_KEYRING;
	assert_refused(SEAL, pwseal_open(&phrase, PWSEAL_KEYRING, box, sizeof(box), plain));
	assert_wiped(plain);
}

/* Otherwise the sender of a file could make root's tool use all memory, or run for days. */
static void a_box_cannot_ask_for_an_unlimited_cost(void **unused)
{
	static const struct {
		uint8_t n_log2, r, p;
	} costs[] = {{9, 8, 1},  {21, 8, 1},   {63, 8, 1}, {64, 8, 1}, {255, 8, 1}, {10, 0, 1},
		     {10, 9, 1}, {10, 255, 1}, {10, 8, 0}, {10, 8, 5}, {10, 8, 255}};
	uint8_t box[BOX_LEN];

	seal_plain(box);
	for (size_t i = 0; i < COUNT(costs); i++) {
		box[6] = costs[i].n_log2;
		box[7] = costs[i].r;
		box[8] = costs[i].p;
		assert_refused(RANGE, open_box(box, sizeof(box)));
	}
}

static void nothing_is_sealed_at_a_cost_that_would_not_open(void **unused)
{
	static const unsigned costs[] = {0, 9, 21, 256 + PWSEAL_COST_MIN};
	const struct secret phrase = phrase_of("correct horse battery staple");
	uint8_t box[BOX_LEN] = {0};

	for (size_t i = 0; i < COUNT(costs); i++)
		assert_refused(RANGE,
			       pwseal_close(&phrase, PWSEAL_EXPORT, costs[i], box, PLAIN_LEN));
	assert_wiped(box);
}

static void a_box_is_sealed_and_opened_in_place(void **unused)
{
	const struct secret phrase = phrase_of("correct horse battery staple");
	uint8_t box[BOX_LEN], *inside = box + PWSEAL_HEADER_LEN;

	memcpy(inside, PLAIN, PLAIN_LEN);
	assert_ok(pwseal_close(&phrase, PWSEAL_EXPORT, PWSEAL_COST_MIN, box, PLAIN_LEN));
	assert_memory_not_equal(PLAIN, inside, PLAIN_LEN);
	assert_ok(open_box(box, sizeof(box)));
	assert_ok(pwseal_open(&phrase, PWSEAL_EXPORT, box, sizeof(box), inside));
	assert_memory_equal(PLAIN, inside, PLAIN_LEN);
}

static void an_empty_text_can_be_sealed(void **unused)
{
	const struct secret phrase = phrase_of("x");
	uint8_t box[PWSEAL_OVERHEAD], plain[1] = {77};

	assert_ok(pwseal_close(&phrase, PWSEAL_KEYRING, PWSEAL_COST_MIN, box, 0));
	assert_ok(pwseal_open(&phrase, PWSEAL_KEYRING, box, sizeof(box), plain));
	assert_int_equal(77, plain[0]);
}

static void a_new_box_has_the_cost_that_it_states(void **unused)
{
	const struct secret phrase = phrase_of("correct horse battery staple");
	uint8_t box[BOX_LEN];

	memcpy(box + PWSEAL_HEADER_LEN, PLAIN, PLAIN_LEN);
	assert_ok(pwseal_close(&phrase, PWSEAL_EXPORT, PWSEAL_COST, box, PLAIN_LEN));
	assert_int_equal(PWSEAL_COST, box[6]);
	assert_ok(open_box(box, sizeof(box)));
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_box_opens_with_its_passphrase_only),
		cmocka_unit_test(a_box_has_the_bytes_of_the_manual),
		cmocka_unit_test(no_two_boxes_share_salt_or_nonce),
		cmocka_unit_test(no_changed_byte_opens),
		cmocka_unit_test(no_other_length_opens),
		cmocka_unit_test(a_box_of_one_kind_is_not_one_of_the_other),
		cmocka_unit_test(a_box_cannot_ask_for_an_unlimited_cost),
		cmocka_unit_test(nothing_is_sealed_at_a_cost_that_would_not_open),
		cmocka_unit_test(a_box_is_sealed_and_opened_in_place),
		cmocka_unit_test(an_empty_text_can_be_sealed),
		cmocka_unit_test(a_new_box_has_the_cost_that_it_states),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
