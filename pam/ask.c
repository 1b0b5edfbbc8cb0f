/* SPDX-License-Identifier: BSD-2-Clause */
#include "pam/ask.h"

#include <string.h>

#include "host/clock.h"
#include "pam/conv.h"
#include "pam/say.h"

static const char *prompt_of(const struct login *login)
{
	static const char usual[] = "Verification code: ";
	const struct policy *policy = &login->policy;

	if (login->cannot_enroll)
		return gate_may_enroll(policy, &login->facts, ENROLL_BY_TOOL, clock_now())
			       ? "You have no code yet: set it up with totp-enroll. Code: "
			       : "You have no code yet: log in again, by ssh or at the console, to "
				 "set it up. Code: ";
	if (policy->password == PASSWORD_COMBINED && strcmp(policy->prompt, usual) == 0)
		return "Password and verification code: ";
	return policy->prompt;
}

/* A program that shows no messages shows its next prompt. */
static bool ask_question(const struct login *login, struct conv_answer *ret_typed)
{
	char prompt[SAY_USED_MAX + 1 + POLICY_TEXT_MAX];

	if (say_take_note(login, prompt))
		strcat(prompt, " ");
	(void)stpcpy(prompt + strlen(prompt), prompt_of(login));
	return conv_ask(login->pamh, prompt, login->policy.echo, ret_typed);
}

void ask_code(const struct login *login, struct answer *ret_answer)
{
	OWN_CONV_ANSWER struct conv_answer typed;
	bool given = ask_question(login, &typed);

	answer_parse(given ? typed.text : NULL, login_item(login, PAM_AUTHTOK), ret_answer);
}

void ask_first_pass(const struct login *login, struct answer *ret_answer)
{
	answer_parse(login_item(login, PAM_AUTHTOK), NULL, ret_answer);
}

void ask_combined(const struct login *login, bool asked, struct answer *ret_answer)
{
	/* users do not know of a record that waits for its first code until a code is required */
	bool has_code = login->facts.enrolled &&
			(asked || login->remembered || !login->facts.pending);
	OWN_CONV_ANSWER struct conv_answer typed;
	const char *first = login_item(login, PAM_AUTHTOK);
	size_t password_len;

	*ret_answer = (struct answer){.kind = ANSWER_NONE};
	if (!first) {
		(void)ask_question(login, &typed);
	} else {
		typed = (struct conv_answer){.given = strlen(first) < sizeof(typed.text)};
		if (typed.given)
			strcpy(typed.text, first);
	}
	if (!typed.given)
		return;
	password_len = has_code ? answer_split(typed.text, login->policy.digits) : 0;
	answer_parse(password_len ? typed.text + password_len : typed.text, NULL, ret_answer);
	if (password_len == 0 && ret_answer->kind != ANSWER_JUNK && ret_answer->kind != ANSWER_NONE)
		ret_answer->kind = ANSWER_OTHER; /* a code alone is no password and code */
	if (password_len == 0 && asked && has_code)
		return;
	if (password_len)
		explicit_bzero(typed.text + password_len, strlen(typed.text + password_len));
	if (typed.text[0])
		(void)pam_set_item(login->pamh, PAM_AUTHTOK, typed.text);
}
