/* SPDX-License-Identifier: BSD-2-Clause */
#include "example.h"
#include "unit.h"

#include "record/recovery.h"

static struct cred cred_with_codes(unsigned count, struct recovery_code codes[RECOVERY_MAX])
{
	struct cred cred = example_cred();

	assert_ok(recovery_make(&cred, count, codes));
	assert_int_equal(count, cred.recovery_count);
	return cred;
}

static void every_code_made_is_found_and_no_other(void **unused)
{
	struct recovery_code codes[RECOVERY_MAX], other = {"0123456789AB"};
	int index = 0;

	for (unsigned count = 0; count <= RECOVERY_MAX; count++) {
		struct cred cred = cred_with_codes(count, codes);
		uint8_t bytes[CRED_BYTES_MAX];
		size_t len = 0;

		assert_ok(cred_encode(&cred, bytes, &len)); /* it can be stored */
		for (unsigned i = 0; i < count; i++) {
			assert_ok(recovery_find(&cred, codes[i].text, &index));
			assert_int_equal((int)i, index);
		}
		assert_ok(recovery_find(&cred, other.text, &index));
		assert_int_equal(-1, index);
	}
}

static void new_codes_make_the_old_ones_invalid(void **unused)
{
	struct recovery_code old[RECOVERY_MAX], codes[RECOVERY_MAX];
	struct cred cred = cred_with_codes(10, old);
	int index = 0;

	assert_ok(recovery_make(&cred, 3, codes));
	for (unsigned i = 0; i < 10; i++) {
		assert_ok(recovery_find(&cred, old[i].text, &index));
		assert_int_equal(-1, index);
	}
	assert_ok(recovery_make(&cred, 0, codes));
	assert_wiped(cred.recovery_salt);
	assert_wiped(cred.recovery_hash);
	assert_refused(RANGE, recovery_make(&cred, RECOVERY_MAX + 1, codes));
}

static void a_code_is_read_as_it_is_shown_and_as_people_type_it(void **unused)
{
	static const struct {
		const char *typed, *code;
	} rows[] = {
		{"7K3M-9QXT-2B4W", "7K3M9QXT2B4W"},   {"7k3m9qxt2b4w", "7K3M9QXT2B4W"},
		{" 7k3m 9qxt-2b4w ", "7K3M9QXT2B4W"}, {"oOiI-lLzz-0000", "001111ZZ0000"},
		{"123456789012", "123456789012"},
	};
	struct recovery_code codes[RECOVERY_MAX], code;
	char shown[RECOVERY_SHOWN_MAX];

	for (size_t i = 0; i < COUNT(rows); i++) {
		assert_true(recovery_read(rows[i].typed, &code));
		assert_string_equal(rows[i].code, code.text);
	}
	cred_with_codes(RECOVERY_MAX, codes);
	for (size_t i = 0; i < RECOVERY_MAX; i++) {
		recovery_show(&codes[i], shown);
		assert_int_equal(14, strlen(shown));
		assert_true(shown[4] == '-' && shown[9] == '-');
		assert_true(recovery_read(shown, &code));
		assert_memory_equal(&codes[i], &code, sizeof(code));
	}
}

static void a_text_of_another_shape_is_not_a_recovery_code(void **unused)
{
	static const char *const texts[] = {"",
					    "7K3M-9QXT-2B4",
					    "7K3M-9QXT-2B4W7",
					    "7K3M-9QXT-2B4U",
					    "7K3M_9QXT_2B4W",
					    "7K3M9QXT2B4\xc3\x96",
					    "7K3M9QXT2B4\n",
					    "7K3M-9QXT-2B4W-7K3M-9QXT-2B4W"};
	struct recovery_code code;

	for (size_t i = 0; i < COUNT(texts); i++) {
		assert_false(recovery_read(texts[i], &code));
		assert_wiped(code);
	}
}

/* Every character of the alphabet occurs, and codes differ: as far as 16 * 12 draws can show it. */
static void codes_use_the_whole_alphabet(void **unused)
{
	struct recovery_code codes[RECOVERY_MAX];
	bool seen[256] = {false};
	unsigned kinds = 0;

	for (unsigned i = 0; i < 20; i++) {
		cred_with_codes(RECOVERY_MAX, codes);
		for (size_t j = 0; j < RECOVERY_MAX; j++)
			for (size_t k = 0; k < RECOVERY_CODE_LEN; k++)
				seen[(uint8_t)codes[j].text[k]] = true;
	}
	for (size_t i = 0; i < COUNT(seen); i++)
		kinds += seen[i];
	assert_int_equal(32, kinds);
	assert_true(memcmp(&codes[0], &codes[1], sizeof(codes[0])) != 0);
}

/* As pam_totp-record(5) specifies it; computed independently with Python's hmac module. */
static void the_hash_is_the_specified_one(void **unused)
{
	static const uint8_t expected[] = {0x8e, 0xde, 0x9f, 0x2a, 0xcf, 0x34, 0x00, 0x6c,
					   0x7e, 0x07, 0x9e, 0xcf, 0x56, 0x5f, 0xac, 0x22,
					   0x8b, 0x86, 0x45, 0xa8, 0xc1, 0x87, 0x08, 0xf0,
					   0xf4, 0xa8, 0xbc, 0x0d, 0xab, 0xf3, 0x29, 0xa7};
	struct cred cred = {.recovery_count = 1};
	const struct recovery_code code = {"7K3M9QXT2B4W"};
	int index = -1;

	for (size_t i = 0; i < RECOVERY_SALT_LEN; i++)
		cred.recovery_salt[i] = (uint8_t)(0xa0 + i);
	memcpy(cred.recovery_hash[0], expected, sizeof(expected));
	assert_ok(recovery_find(&cred, code.text, &index));
	assert_int_equal(0, index);
}

static void spent_codes_do_not_count_as_left(void **unused)
{
	struct recovery_code codes[RECOVERY_MAX];
	struct cred cred = cred_with_codes(RECOVERY_MAX, codes);
	struct login_state state;

	state_init(&cred, &state);
	assert_int_equal(RECOVERY_MAX, recovery_left(&cred, &state));
	state.spent = 1u << 15 | 1;
	assert_int_equal(RECOVERY_MAX - 2, recovery_left(&cred, &state));
	state.spent = UINT32_MAX;
	assert_int_equal(0, recovery_left(&cred, &state));
}

static const struct code scratch[] = {{"10000001"}, {"87654321"}, {"00000000"}, {"99999999"}};

static void scratch_codes_of_another_system_become_recovery_codes(void **unused)
{
	struct cred cred = example_cred();
	const struct code others[] = {{"87654320"}, {"11111111"}};
	uint8_t bytes[CRED_BYTES_MAX];
	size_t len = 0;
	int index = 77;

	assert_ok(recovery_take_scratch(&cred, scratch, COUNT(scratch)));
	assert_int_equal(COUNT(scratch), cred.recovery_count);
	assert_ok(cred_encode(&cred, bytes, &len)); /* it can be stored */
	for (size_t i = 0; i < COUNT(scratch); i++) {
		assert_ok(recovery_find(&cred, scratch[i].text, &index));
		assert_int_equal(i, index);
	}
	for (size_t i = 0; i < COUNT(others); i++) {
		assert_ok(recovery_find(&cred, others[i].text, &index));
		assert_int_equal(-1, index);
	}
}

/* HMAC-SHA-256 of its name under the secret, in this version and in all later ones. */
static void the_salt_of_scratch_codes_is_that_of_every_version(void **unused)
{
	static const uint8_t salt[RECOVERY_SALT_LEN] = {0xb2, 0x0d, 0xe8, 0x9e, 0xe4, 0x1a,
							0xdd, 0x35, 0x8d, 0xf5, 0x3f, 0x04,
							0x30, 0x55, 0x33, 0x0f};
	struct cred cred = example_cred();

	assert_ok(recovery_take_scratch(&cred, scratch, 1));
	assert_memory_equal(salt, cred.recovery_salt, sizeof(salt));
}

static void the_same_list_imported_again_gives_the_same_hashes(void **unused)
{
	struct cred a = example_cred(), b = example_cred(), other = example_cred();

	assert_ok(recovery_take_scratch(&a, scratch, COUNT(scratch)));
	assert_ok(recovery_take_scratch(&b, scratch, COUNT(scratch)));
	assert_memory_equal(a.recovery_hash, b.recovery_hash, sizeof(a.recovery_hash));
	other.tokens[0].secret.data[0] ^= 1;
	assert_ok(recovery_take_scratch(&other, scratch, COUNT(scratch)));
	assert_memory_not_equal(a.recovery_hash, other.recovery_hash, SHA256_LEN);
}

static void a_scratch_code_that_is_listed_twice_counts_once(void **unused)
{
	const struct code twice[] = {scratch[0], scratch[1], scratch[0]};
	struct cred cred = example_cred();
	int index = -1;

	assert_ok(recovery_take_scratch(&cred, twice, COUNT(twice)));
	assert_int_equal(2, cred.recovery_count);
	assert_ok(recovery_find(&cred, scratch[0].text, &index));
	assert_int_equal(0, index);
}

static void a_recovery_code_of_ours_is_not_a_scratch_code(void **unused)
{
	struct recovery_code codes[RECOVERY_MAX];
	struct cred cred = cred_with_codes(RECOVERY_MAX, codes);
	struct code start = {""};
	int index = 0;

	memcpy(start.text, codes[0].text, SCRATCH_DIGITS);
	assert_ok(recovery_find(&cred, start.text, &index));
	assert_int_equal(-1, index);
}

static void a_malformed_scratch_code_is_rejected(void **unused)
{
	static const struct code bad[] = {{""}, {"1234567"}, {"1234567x"}, {"-1234567"}};
	struct cred cred = example_cred(), before = cred;
	struct code many[RECOVERY_MAX + 1];

	for (size_t i = 0; i < COUNT(bad); i++)
		assert_refused(RANGE, recovery_take_scratch(&cred, &bad[i], 1));
	for (size_t i = 0; i < COUNT(many); i++)
		many[i] = scratch[0];
	assert_refused(RANGE, recovery_take_scratch(&cred, many, COUNT(many)));
	assert_memory_equal(&before, &cred, sizeof(cred));
	cred.token_count = 0;
	assert_refused(RANGE, recovery_take_scratch(&cred, scratch, 1));
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_code_made_is_found_and_no_other),
		cmocka_unit_test(new_codes_make_the_old_ones_invalid),
		cmocka_unit_test(a_code_is_read_as_it_is_shown_and_as_people_type_it),
		cmocka_unit_test(a_text_of_another_shape_is_not_a_recovery_code),
		cmocka_unit_test(codes_use_the_whole_alphabet),
		cmocka_unit_test(the_hash_is_the_specified_one),
		cmocka_unit_test(spent_codes_do_not_count_as_left),
		cmocka_unit_test(scratch_codes_of_another_system_become_recovery_codes),
		cmocka_unit_test(the_salt_of_scratch_codes_is_that_of_every_version),
		cmocka_unit_test(the_same_list_imported_again_gives_the_same_hashes),
		cmocka_unit_test(a_scratch_code_that_is_listed_twice_counts_once),
		cmocka_unit_test(a_recovery_code_of_ours_is_not_a_scratch_code),
		cmocka_unit_test(a_malformed_scratch_code_is_rejected),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
