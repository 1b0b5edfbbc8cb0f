/* SPDX-License-Identifier: BSD-2-Clause */
#include "unit.h"

#include "example.h"
#include "record/seal.h"

#define PLAIN     "the plaintext of a credential"
#define PLAIN_LEN (sizeof(PLAIN) - 1)
#define BOX_LEN   (PLAIN_LEN + SEAL_OVERHEAD)
#define ROOM      64 /* more room than the plaintext needs */

static void seal_plain(const char *user, uint8_t box[BOX_LEN])
{
	struct host_key key = example_key();

	assert_ok(seal_close(&key, user, (const uint8_t *)PLAIN, PLAIN_LEN, box));
}

/* Open a box of alice's; after any failure the output must be zeros. */
static enum totp_err open_box(const struct host_key *key, const char *user, const uint8_t *box,
			      size_t len)
{
	uint8_t plain[ROOM];
	struct buffer out = buffer_of(plain, sizeof(plain));
	enum totp_err err;

	memset(plain, 0xff, sizeof(plain));
	err = seal_open(key, user, bytes_of(box, len), &out);
	if (err == TOTP_OK) {
		assert_int_equal(PLAIN_LEN, out.len);
		assert_memory_equal(PLAIN, plain, PLAIN_LEN);
	} else {
		assert_int_equal(0, out.len);
		assert_wiped(plain);
	}
	return err;
}

static void a_box_opens_for_its_user(void **unused)
{
	struct host_key key = example_key();
	uint8_t box[BOX_LEN];

	seal_plain("alice", box);
	assert_ok(open_box(&key, "alice", box, sizeof(box)));
}

static void a_box_begins_with_magic_and_key_id(void **unused)
{
	uint8_t box[BOX_LEN];

	seal_plain("alice", box);
	assert_memory_equal("PTS1\xde\xad\xbe\xef", box, 8);
}

static void no_two_boxes_share_a_nonce(void **unused)
{
	uint8_t a[BOX_LEN], b[BOX_LEN];

	seal_plain("alice", a);
	seal_plain("alice", b);
	assert_memory_not_equal(a + 8, b + 8, GCM_NONCE_LEN);
	assert_memory_not_equal(a + 20, b + 20, PLAIN_LEN);
}

static void no_changed_byte_opens(void **unused)
{
	struct host_key key = example_key();
	uint8_t box[BOX_LEN];

	seal_plain("alice", box);
	for (size_t at = 0; at < sizeof(box); at++) {
		enum totp_err expected = at < 4   ? TOTP_ERR_FORMAT
					 : at < 8 ? TOTP_ERR_NOT_FOUND
						  : TOTP_ERR_SEAL;

		for (unsigned bit = 0; bit < 8; bit++) {
			box[at] ^= (uint8_t)(1u << bit);
			assert_int_equal(expected, open_box(&key, "alice", box, sizeof(box)));
			box[at] ^= (uint8_t)(1u << bit);
		}
	}
	assert_ok(open_box(&key, "alice", box, sizeof(box)));
}

static void no_other_length_opens(void **unused)
{
	struct host_key key = example_key();
	uint8_t box[BOX_LEN + 1] = {0};

	seal_plain("alice", box);
	for (size_t len = 0; len <= sizeof(box); len++)
		if (len != BOX_LEN)
			assert_int_equal(len < SEAL_OVERHEAD ? TOTP_ERR_FORMAT : TOTP_ERR_SEAL,
					 open_box(&key, "alice", box, len));
}

static void a_box_opens_for_no_other_user(void **unused)
{
	static const char *const others[] = {"bob", "alic", "alice2", "Alice", "alice "};
	struct host_key key = example_key();
	uint8_t box[BOX_LEN];

	seal_plain("alice", box);
	for (size_t i = 0; i < COUNT(others); i++)
		assert_refused(SEAL, open_box(&key, others[i], box, sizeof(box)));
	assert_refused(RANGE, open_box(&key, "", box, sizeof(box)));
}

static void a_box_opens_with_no_other_key(void **unused)
{
	struct host_key key = example_key();
	uint8_t box[BOX_LEN];

	seal_plain("alice", box);
	key.key[31] ^= 1;
	assert_refused(SEAL, open_box(&key, "alice", box, sizeof(box)));
	key.id++;
	assert_refused(NOT_FOUND, open_box(&key, "alice", box, sizeof(box)));
	key = example_key();
	key.created++; /* the date is only for people */
	assert_ok(open_box(&key, "alice", box, sizeof(box)));
}

static void a_box_says_which_key_it_needs(void **unused)
{
	uint8_t box[BOX_LEN];
	uint32_t id = 77;

	seal_plain("alice", box);
	assert_refused(FORMAT, seal_key_id(bytes_of(box, SEAL_OVERHEAD - 1), &id));
	box[0] = 'p';
	assert_refused(FORMAT, seal_key_id(bytes_of(box, sizeof(box)), &id));
	assert_int_equal(77, id);
	box[0] = 'P';
	assert_ok(seal_key_id(bytes_of(box, sizeof(box)), &id));
	assert_int_equal(0xdeadbeef, id);
}

static void a_box_opens_only_where_there_is_room(void **unused)
{
	struct host_key key = example_key();
	uint8_t box[BOX_LEN], plain[PLAIN_LEN];
	struct buffer small = buffer_of(plain, PLAIN_LEN - 1), out = buffer_of(plain, PLAIN_LEN);

	seal_plain("alice", box);
	memset(plain, 0xff, sizeof(plain));
	assert_refused(RANGE, seal_open(&key, "alice", bytes_of(box, sizeof(box)), &small));
	assert_zeros(plain, PLAIN_LEN - 1);
	assert_int_equal(0xff, plain[PLAIN_LEN - 1]);
	assert_ok(seal_open(&key, "alice", bytes_of(box, sizeof(box)), &out));
	assert_int_equal(PLAIN_LEN, out.len);
}

static void an_empty_text_can_be_sealed(void **unused)
{
	struct host_key key = example_key();
	uint8_t box[SEAL_OVERHEAD], plain[1] = {0};
	struct buffer out = buffer_of(plain, 0);

	assert_ok(seal_close(&key, "alice", plain, 0, box));
	assert_ok(seal_open(&key, "alice", bytes_of(box, sizeof(box)), &out));
	assert_int_equal(0, out.len);
}

static void a_user_has_1_to_200_bytes(void **unused)
{
	struct host_key key = example_key();
	char user[CRED_USER_MAX + 2];
	uint8_t box[BOX_LEN];

	memset(user, 'u', sizeof(user));
	user[CRED_USER_MAX + 1] = '\0';
	assert_refused(RANGE, seal_close(&key, user, (const uint8_t *)PLAIN, PLAIN_LEN, box));
	assert_refused(RANGE, seal_close(&key, "", (const uint8_t *)PLAIN, PLAIN_LEN, box));
	user[CRED_USER_MAX] = '\0';
	seal_plain(user, box);
	assert_ok(open_box(&key, user, box, sizeof(box)));
}

static void the_example_of_the_manual_opens(void **unused)
{
	/* pam_totp-record(5), EXAMPLE */
	static const char key_text[] = "gIGCg4SFhoeIiYqLjI2Oj5CRkpOUlZaXmJmam5ydnp8=";
	static const char box_hex[] =
		"505453310a0b0c0de0e1e2e3e4e5e6e7e8e9eaeb2e0610e529f7cfc1f56c4e57"
		"9d1f0ca8ba773499b10300ee136b0400c686018bd3e5975bca1f514691159df2"
		"57118e24c968185d15b34d6e2d2170d5a4cc0eaf27d4dbf670fb4e1f18ad22c4"
		"83bde23a1aea49fd9b4ec1791488f1476b6cff22b52dab8b4ef999143c26ad65"
		"1858a1b753a4b34e11b5b1604e4b3abfd0ffe7a822bff46a0280289bab2068fb"
		"fd4945173b80bb851b";
	uint8_t box[169], plain[CRED_BYTES_MAX];
	struct host_key key = {.id = 0x0a0b0c0d};
	struct buffer out = buffer_of(plain, sizeof(plain));
	struct cred cred;

	assert_ok(crypto_key_from_base64(key_text, strlen(key_text), key.key));
	assert_ok(text_hex(text_of(box_hex), box, sizeof(box)));
	assert_ok(seal_open(&key, "alice", bytes_of(box, sizeof(box)), &out));
	assert_int_equal(133, out.len);
	assert_ok(cred_decode(plain, out.len, &cred));
	assert_string_equal("alice", cred.user);
	assert_int_equal(1000, cred.uid);
	assert_int_equal(1700000000, cred.created);
	assert_int_equal(1, cred.token_count);
	assert_string_equal("phone", cred.tokens[0].label);
	assert_int_equal(20, cred.tokens[0].secret.len);
	assert_memory_equal("12345678901234567890", cred.tokens[0].secret.data, 20);
	assert_int_equal(0, cred.recovery_count);
	assert_false(cred.disabled || cred.must_confirm);
	assert_int_equal(0, cred.bypass.uses);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_box_opens_for_its_user),
		cmocka_unit_test(a_box_begins_with_magic_and_key_id),
		cmocka_unit_test(no_two_boxes_share_a_nonce),
		cmocka_unit_test(no_changed_byte_opens),
		cmocka_unit_test(no_other_length_opens),
		cmocka_unit_test(a_box_opens_for_no_other_user),
		cmocka_unit_test(a_box_opens_with_no_other_key),
		cmocka_unit_test(a_box_says_which_key_it_needs),
		cmocka_unit_test(a_box_opens_only_where_there_is_room),
		cmocka_unit_test(an_empty_text_can_be_sealed),
		cmocka_unit_test(a_user_has_1_to_200_bytes),
		cmocka_unit_test(the_example_of_the_manual_opens),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
