/* SPDX-License-Identifier: BSD-2-Clause */
#include "login/answer.h"

/*
 * OpenSSH's auth-pam.c passes a module this instead of the password of a user whom it has denied
 * already, repeated and cut to the password's length.
 */
static const char sshd_junk[] = "\b\n\r\177INCORRECT";

void answer_wipe(struct answer *answer)
{
	explicit_bzero(answer, sizeof(*answer));
}

static bool is_junk(const char *text)
{
	for (size_t i = 0; text[i]; i++)
		if (text[i] != sshd_junk[i % (sizeof(sshd_junk) - 1)])
			return false;
	return true;
}

/* Collect the digits; false if there is anything but digits, spaces and dashes. */
static bool collect_digits(const char *text, struct code *ret_code, unsigned *ret_digits)
{
	unsigned digits = 0;

	for (; *text; text++) {
		if (*text == ' ' || *text == '-')
			continue;
		if (*text < '0' || *text > '9' || digits == CODE_DIGITS_MAX)
			return false;
		ret_code->text[digits++] = *text;
	}
	*ret_digits = digits;
	return digits >= CODE_DIGITS_MIN;
}

static enum answer_kind answer_kind_of(const char *text, const char *password,
				       struct answer *answer)
{
	if (!text || !text[0])
		return ANSWER_NONE;
	if (is_junk(text))
		return ANSWER_JUNK;
	if (password && strlen(password) == strlen(text) &&
	    secret_equal(password, text, strlen(text)))
		return ANSWER_PASSWORD;
	if (collect_digits(text, &answer->code, &answer->digits))
		return ANSWER_CODE;
	return recovery_read(text, &answer->recovery) ? ANSWER_RECOVERY : ANSWER_OTHER;
}

void answer_parse(const char *text, const char *password, struct answer *ret_answer)
{
	*ret_answer = (struct answer){0};
	ret_answer->kind = answer_kind_of(text, password, ret_answer);
	if (ret_answer->kind != ANSWER_CODE) {
		ret_answer->digits = 0;
		WIPE(ret_answer->code); /* what was collected of something else */
	}
}

/* XXXX-XXXX-XXXX: with the dash where a code has a digit, so it cannot be taken for one. */
static bool ends_in_recovery(const char *text, size_t len)
{
	OWN_ANSWER struct answer answer = {0};
	const char *tail = text + len - (RECOVERY_SHOWN_MAX - 1);

	return tail[4] == '-' && tail[9] == '-' && !strpbrk(tail, " ") &&
	       recovery_read(tail, &answer.recovery);
}

size_t answer_split(const char *text, unsigned digits)
{
	size_t len = strlen(text);

	if (len > RECOVERY_SHOWN_MAX - 1 && ends_in_recovery(text, len))
		return len - (RECOVERY_SHOWN_MAX - 1);
	if (len <= digits)
		return 0;
	for (size_t i = len - digits; i < len; i++)
		if (text[i] < '0' || text[i] > '9')
			return 0;
	return len - digits;
}
