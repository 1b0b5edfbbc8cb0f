/* SPDX-License-Identifier: BSD-2-Clause */
/* The input is an answer, a NUL, and the password. */
#include "fuzz.h"

#include "login/answer.h"

static void code_is_sound(const struct answer *answer)
{
	REQUIRE(answer->digits >= CODE_DIGITS_MIN && answer->digits <= CODE_DIGITS_MAX);
	for (size_t i = 0; i < sizeof(answer->code.text); i++) {
		char c = answer->code.text[i];

		REQUIRE(i < answer->digits ? c >= '0' && c <= '9' : c == '\0');
	}
}

static void parse(const char *text, const char *password)
{
	static const struct code none;
	struct answer answer, again;

	memset(&answer, 0xff, sizeof(answer));
	answer_parse(text, password, &answer);
	if (answer.kind == ANSWER_RECOVERY) {
		char shown[RECOVERY_SHOWN_MAX];

		REQUIRE(answer.digits == 0 && code_equal(&answer.code, &none));
		recovery_show(&answer.recovery, shown);
		answer_parse(shown, NULL, &again);
		REQUIRE(again.kind == ANSWER_RECOVERY &&
			strcmp(again.recovery.text, answer.recovery.text) == 0);
		return;
	}
	if (answer.kind != ANSWER_CODE) {
		REQUIRE(answer.kind <= ANSWER_PASSWORD && answer.digits == 0);
		REQUIRE(code_equal(&answer.code, &none));
		return;
	}
	code_is_sound(&answer);
	REQUIRE(!password || strcmp(text, password) != 0);
	answer_parse(answer.code.text, NULL, &again);
	REQUIRE(again.kind == ANSWER_CODE && code_equal(&again.code, &answer.code));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct text input = fuzz_text(data, size);
	char text[ANSWER_MAX + 1], password[ANSWER_MAX + 1];

	fuzz_string(&input, text, sizeof(text));
	fuzz_string(&input, password, sizeof(password));
	parse(text, password);
	parse(text, text);
	parse(text, NULL);
	parse(NULL, password);
	return 0;
}
