/* SPDX-License-Identifier: BSD-2-Clause */
#include "example.h"
#include "unit.h"

#include "import/export_file.h"

static struct login_state example_state(const struct cred *cred)
{
	struct login_state state;

	state_init(cred, &state);
	state.sequence = 4711;
	state.tokens[0].moving = 60000000;
	state.tokens[1].moving = 42;
	state.spent = 1;
	state.failures = 3;
	state.last_success = 1800000000;
	return state;
}

static size_t pack(uint8_t bytes[EXPORT_FILE_MAX])
{
	struct cred cred = example_cred();
	struct login_state state = example_state(&cred);
	size_t len = 0;

	assert_ok(export_file_encode(&cred, &state, bytes, &len));
	return len;
}

static enum totp_err unpack(const uint8_t *bytes, size_t len)
{
	struct bytes in = bytes_of(bytes, len);
	struct login_state state;
	struct cred cred;
	enum totp_err err = export_file_decode(&in, &cred, &state);

	if (err != TOTP_OK) {
		assert_wiped(cred);
		assert_wiped(state);
	}
	return err;
}

static void record_and_state_are_read_back_unchanged(void **unused)
{
	struct cred cred_back;
	struct login_state state_back;
	static uint8_t again[EXPORT_FILE_MAX];
	uint8_t bytes[EXPORT_FILE_MAX];
	size_t len = pack(bytes), again_len = 0;
	struct bytes in = bytes_of(bytes, len);

	assert_ok(export_file_decode(&in, &cred_back, &state_back));
	assert_ok(bytes_end(&in));
	assert_ok(export_file_encode(&cred_back, &state_back, again, &again_len));
	assert_int_equal(len, again_len);
	assert_memory_equal(bytes, again, len);
	assert_string_equal("alice", cred_back.user);
	assert_int_equal(42, state_back.tokens[1].moving);
	assert_int_equal(3, state_back.failures);
}

static void an_entry_is_much_smaller_than_the_files(void **unused)
{
	uint8_t bytes[EXPORT_FILE_MAX];

	assert_true(pack(bytes) < 600);
}

static void entries_follow_one_another(void **unused)
{
	static uint8_t bytes[2 * EXPORT_FILE_MAX];
	size_t len = pack(bytes);
	struct bytes in = bytes_of(bytes, 2 * len);
	struct login_state state;
	struct cred cred;

	memcpy(bytes + len, bytes, len);
	assert_ok(export_file_decode(&in, &cred, &state));
	assert_int_equal(len, in.left);
	assert_ok(export_file_decode(&in, &cred, &state));
	assert_ok(bytes_end(&in));
	assert_refused(FORMAT, export_file_decode(&in, &cred, &state));
}

static void every_truncation_is_rejected(void **unused)
{
	uint8_t bytes[EXPORT_FILE_MAX];
	size_t len = pack(bytes);

	for (size_t cut = 0; cut < len; cut++)
		assert_refused(FORMAT, unpack(bytes, cut));
	assert_ok(unpack(bytes, len));
}

static void a_state_of_another_credential_is_rejected(void **unused)
{
	struct cred cred = example_cred();
	struct login_state state;
	uint8_t bytes[EXPORT_FILE_MAX];
	size_t len = pack(bytes);

	bytes[2 + 1] ^= 1; /* the credential's id */
	assert_refused(RANGE, unpack(bytes, len));
	bytes[2 + 1] ^= 1;
	bytes[2 + 17] ^= 1; /* its state key */
	assert_refused(SEAL, unpack(bytes, len));
	state = example_state(&cred);
	state.cred_id[0] ^= 1;
	assert_refused(RANGE, export_file_encode(&cred, &state, bytes, &len));
}

static void zeros_that_could_be_left_out_are_rejected(void **unused)
{
	static uint8_t longer[EXPORT_FILE_MAX + 1];
	uint8_t bytes[EXPORT_FILE_MAX];
	size_t len = pack(bytes), at = 2 + ((size_t)bytes[0] << 8) + bytes[1];
	size_t head = len - SHA256_LEN;

	memcpy(longer, bytes, head);
	longer[at + 1]++;
	longer[head] = 0;
	memcpy(longer + head + 1, bytes + head, SHA256_LEN);
	assert_refused(FORMAT, unpack(longer, len + 1));
	longer[at] = 0;
	longer[at + 1] = 1;
	longer[at + 2] = 0; /* it alone */
	assert_refused(FORMAT, unpack(longer, at + 3 + SHA256_LEN));
}

static void a_state_longer_than_a_slot_is_rejected(void **unused)
{
	uint8_t bytes[EXPORT_FILE_MAX + 100] = {0};
	size_t at;

	pack(bytes);
	at = 2 + ((size_t)bytes[0] << 8) + bytes[1];
	bytes[at] = (STATE_SLOT_LEN - SHA256_LEN + 1) >> 8;
	bytes[at + 1] = (STATE_SLOT_LEN - SHA256_LEN + 1) & 255;
	bytes[at + 2 + STATE_SLOT_LEN - SHA256_LEN] = 1;
	assert_refused(FORMAT, unpack(bytes, sizeof(bytes)));
}

static void an_export_begins_with_a_line_for_its_version(void **unused)
{
	uint8_t bytes[EXPORT_FILE_HEAD_LEN];
	struct buffer out = buffer_of(bytes, sizeof(bytes));
	struct export_file_head head = {0};
	struct bytes in = bytes_of(bytes, sizeof(bytes));

	export_file_put_head(&out, &(struct export_file_head){1800000000, 70000});
	assert_ok(buffer_end(&out));
	assert_ok(export_file_get_head(&in, &head));
	assert_ok(bytes_end(&in));
	assert_int_equal(1800000000, head.made);
	assert_int_equal(70000, head.count);
	in = bytes_of(bytes, sizeof(bytes) - 1);
	assert_refused(FORMAT, export_file_get_head(&in, &head));
	bytes[1] = 2;
	in = bytes_of(bytes, sizeof(bytes));
	assert_refused(UNSUPPORTED, export_file_get_head(&in, &head));
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(record_and_state_are_read_back_unchanged),
		cmocka_unit_test(an_entry_is_much_smaller_than_the_files),
		cmocka_unit_test(entries_follow_one_another),
		cmocka_unit_test(every_truncation_is_rejected),
		cmocka_unit_test(a_state_of_another_credential_is_rejected),
		cmocka_unit_test(zeros_that_could_be_left_out_are_rejected),
		cmocka_unit_test(a_state_longer_than_a_slot_is_rejected),
		cmocka_unit_test(an_export_begins_with_a_line_for_its_version),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
