/* SPDX-License-Identifier: BSD-2-Clause */
#include "unit.h"

#include "login/answer.h"

static void assert_answer(enum answer_kind kind, const char *code, const char *text,
			  const char *password)
{
	struct answer answer;

	memset(&answer, 0xff, sizeof(answer));
	answer_parse(text, password, &answer);
	if (answer.kind != kind)
		fail_msg("\"%s\": kind %d, expected %d", text ? text : "(null)", (int)answer.kind,
			 (int)kind);
	assert_string_equal(code, answer.code.text);
	assert_int_equal(strlen(code), answer.digits);
	assert_zeros(answer.code.text + answer.digits, sizeof(answer.code) - answer.digits);
}

static void six_to_eight_digits_are_a_code_and_blanks_and_dashes_are_ignored(void **unused)
{
	static const struct {
		const char *text, *code;
	} rows[] = {
		{"123456", "123456"},   {"1234567", "1234567"},      {"12345678", "12345678"},
		{"000000", "000000"},   {"123 456", "123456"},       {"123-456", "123456"},
		{" 123456 ", "123456"}, {"12 34 56 78", "12345678"}, {"-1-2-3-4-5-6-", "123456"},
		{"123  456", "123456"}, {"1234 5678", "12345678"},
	};

	for (size_t i = 0; i < COUNT(rows); i++)
		assert_answer(ANSWER_CODE, rows[i].code, rows[i].text, NULL);
}

static void twelve_characters_of_the_alphabet_are_a_recovery_code(void **unused)
{
	static const char *const texts[] = {"7K3M-9QXT-2B4W", "7k3m9qxt2b4w", "123456789012",
					    "1234-5678-9012", " 0000 0000 0000 "};

	for (size_t i = 0; i < COUNT(texts); i++) {
		assert_answer(ANSWER_RECOVERY, "", texts[i], NULL);
		assert_answer(ANSWER_PASSWORD, "", texts[i], texts[i]);
	}
}

static void anything_else_is_not_a_code(void **unused)
{
	static const char *const texts[] = {
		"1",
		"12345",
		"123456789",
		"1234567890",
		"12345a",
		"a123456",
		"123456a",
		"123.456",
		"123_456",
		"123\t456",
		"123456\n",
		"+123456",
		"0x123456",
		"1e5000",
		" ",
		"-",
		"      ",
		"------",
		"123,456",
		"\xef\xbc\x91\xef\xbc\x92\xef\xbc\x93\xef\xbc\x94\xef\xbc\x95\xef\xbc\x96",
		"\xd9\xa1\xd9\xa2\xd9\xa3\xd9\xa4\xd9\xa5\xd9\xa6",
		"123\302\240456",
		"\x80",
		"\xff\xff\xff\xff\xff\xff",
		"%s%n%s%n",
		"correct horse battery staple",
	};

	for (size_t i = 0; i < COUNT(texts); i++)
		assert_answer(ANSWER_OTHER, "", texts[i], NULL);
}

static void the_longest_answer_is_read_to_its_end(void **unused)
{
	char text[ANSWER_MAX + 1];

	memset(text, ' ', ANSWER_MAX);
	text[ANSWER_MAX] = '\0';
	memcpy(text + 200, "123456", 6);
	assert_answer(ANSWER_CODE, "123456", text, NULL);
	text[ANSWER_MAX - 1] = 'x';
	assert_answer(ANSWER_OTHER, "", text, NULL);
	memset(text, '1', ANSWER_MAX);
	assert_answer(ANSWER_OTHER, "", text, NULL);
}

static void no_answer_and_an_empty_answer_are_none(void **unused)
{
	assert_answer(ANSWER_NONE, "", NULL, NULL);
	assert_answer(ANSWER_NONE, "", "", NULL);
	assert_answer(ANSWER_NONE, "", NULL, "secret");
	assert_answer(ANSWER_NONE, "", "", "");
}

/* OpenSSH, auth-pam.c, fake_password(): the text below, over and over, as long as what
 * was typed. */
static void sshd_s_filler_is_recognized_at_every_length(void **unused)
{
	static const char junk[] = "\b\n\r\177INCORRECT\b\n\r\177INCORRECT\b\n\r\177INCORRECT\b";
	char text[41];

	for (size_t len = 1; len <= 40; len++) {
		memcpy(text, junk, len);
		text[len] = '\0';
		assert_answer(ANSWER_JUNK, "", text, NULL);
		assert_answer(ANSWER_JUNK, "", text, "password");
		text[len - 1] ^= 1;
		assert_answer(ANSWER_OTHER, "", text, NULL);
	}
}

static void an_answer_equal_to_the_password_counts_as_the_password(void **unused)
{
	assert_answer(ANSWER_PASSWORD, "", "hunter2", "hunter2");
	assert_answer(ANSWER_PASSWORD, "", "123456", "123456");
	assert_answer(ANSWER_PASSWORD, "", "12 34 56", "12 34 56");
	assert_answer(ANSWER_CODE, "123456", "123456", "12 34 56");
	assert_answer(ANSWER_CODE, "123456", "123456", "1234567");
	assert_answer(ANSWER_CODE, "123456", "123456", "12345");
	assert_answer(ANSWER_CODE, "123456", "123456", "");
	assert_answer(ANSWER_OTHER, "", "hunter2", "Hunter2");
}

static void a_wiped_answer_holds_nothing(void **unused)
{
	struct answer answer;

	answer_parse("123456", NULL, &answer);
	answer_wipe(&answer);
	assert_wiped(answer);
}

static void a_combined_answer_is_split_before_the_code_at_its_end(void **unused)
{
	static const struct {
		const char *text;
		unsigned digits;
		size_t password;
	} rows[] = {
		{"secret123456", 6, 6},
		{"secret123456", 7, 0},
		{"secret1234567", 7, 6},
		{"secret12345678", 8, 6},
		{"secret12345678", 6, 8}, /* a password that ends in digits */
		{"12345678", 6, 2},
		{"s123456", 6, 1},
		{"secret 123456", 6, 7},
		{"secret7K3M-9QXT-2B4W", 6, 6},
		{"secret7k3m-9qxt-2b4w", 6, 6},
		{"a-b-c7K3M-9QXT-2B4W", 6, 5},
		/* no text before it, or no code */
		{"", 6, 0},
		{"123456", 6, 0},
		{"12345", 6, 0},
		{"secret", 6, 0},
		{"secret12345", 6, 0},
		{"123456secret", 6, 0},
		{"secret123 456", 6, 0},
		{"7K3M-9QXT-2B4W", 6, 0},
		{"secret7K3M9QXT2B4W", 6, 0},
		{"secret7K3M-9QXT-2B4U", 6, 0},
		{"secret\xd9\xa1\xd9\xa2\xd9\xa3", 6, 0},
	};

	for (size_t i = 0; i < COUNT(rows); i++)
		assert_int_equal(rows[i].password, answer_split(rows[i].text, rows[i].digits));
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_combined_answer_is_split_before_the_code_at_its_end),
		cmocka_unit_test(six_to_eight_digits_are_a_code_and_blanks_and_dashes_are_ignored),
		cmocka_unit_test(twelve_characters_of_the_alphabet_are_a_recovery_code),
		cmocka_unit_test(anything_else_is_not_a_code),
		cmocka_unit_test(the_longest_answer_is_read_to_its_end),
		cmocka_unit_test(no_answer_and_an_empty_answer_are_none),
		cmocka_unit_test(sshd_s_filler_is_recognized_at_every_length),
		cmocka_unit_test(an_answer_equal_to_the_password_counts_as_the_password),
		cmocka_unit_test(a_wiped_answer_holds_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
