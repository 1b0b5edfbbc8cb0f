/* SPDX-License-Identifier: BSD-2-Clause */
#include "login/confirm.h"

#include <stdio.h>

#include "login/answer.h"
#include "otp/totp.h"

#define SEARCH 3600 /* seconds each side in which a wrong clock is looked for */

/* What to try when the answer is not a code of this kind. */
static void hint_shape(const struct otp_uri *uri, const struct answer *answer,
		       struct confirmation *confirmation)
{
	char *hint = confirmation->hint;

	confirmation->id = answer->kind != ANSWER_CODE ? "not_a_code" : "wrong_digits";
	if (answer->kind != ANSWER_CODE)
		snprintf(hint, CONFIRM_HINT_MAX,
			 "A code is %u digits: type those that your phone shows now.\n",
			 uri->digits);
	else if (uri->digits == 6)
		snprintf(hint, CONFIRM_HINT_MAX, "That was %u digits; a code here has 6.\n",
			 answer->digits);
	else
		snprintf(
			hint, CONFIRM_HINT_MAX,
			"That was %u digits, not %u.\n"
			"If your app shows no more, it ignores this setting: leave out --digits.\n",
			answer->digits, uri->digits);
}

/* off: steps by which the code is too late; negative for too early. */
static void hint_clock(const struct otp_uri *uri, int64_t off, struct confirmation *confirmation)
{
	uint64_t seconds = (uint64_t)(off < 0 ? -off : off) * uri->period;
	uint64_t count = seconds < 60 ? seconds : (seconds + 30) / 60;

	confirmation->id = "clock";
	snprintf(confirmation->hint, CONFIRM_HINT_MAX,
		 "Your phone's clock is about %llu %s%s %s this computer's.\n"
		 "Set both to network time, then try the next code.\n",
		 (unsigned long long)count, seconds < 60 ? "second" : "minute",
		 count == 1 ? "" : "s", off < 0 ? "behind" : "ahead of");
}

static enum totp_err check_counter(const struct otp_uri *uri, uint32_t ahead,
				   const struct code *code, struct confirmation *confirmation)
{
	const struct hotp hotp = {uri->alg, uri->digits, &uri->secret};
	struct counter_match match = {0};
	enum totp_err err = hotp_find(&hotp, code, uri->counter, ahead, &match);

	confirmation->right = match.found;
	confirmation->moving = match.counter + 1;
	if (err == TOTP_OK && !match.found)
		snprintf(confirmation->hint, CONFIRM_HINT_MAX,
			 "That code does not match. Press the button and type the new one.\n");
	return err;
}

static enum totp_err check_step(const struct otp_uri *uri, uint32_t reach, const struct code *code,
				int64_t now, struct confirmation *confirmation)
{
	const struct hotp hotp = {uri->alg, uri->digits, &uri->secret};
	struct step_window window = {.reach = reach};
	struct step_match match = {0};
	struct step_offset other = {0};
	bool common = uri->alg == HMAC_SHA1 && uri->period == 30;
	enum totp_err err = totp_step_at(now, uri->period, &window.centre);

	if (err == TOTP_OK)
		err = totp_find_step(&hotp, code, &window, &match);
	confirmation->right = match.found;
	confirmation->moving = match.step;
	if (err != TOTP_OK || match.found)
		return err;

	err = totp_find_offset(&hotp, code, window.centre, SEARCH / uri->period, &other);
	if (other.found)
		hint_clock(uri, other.steps, confirmation);
	else
		snprintf(confirmation->hint, CONFIRM_HINT_MAX, "That code does not match.\n%s\n",
			 common ? "Wait for the next code, and check that it is from the entry "
				  "that you have just added."
				: "Wait for the next one. If none matches,\n"
				  "your app ignores the algorithm or the period.");
	return err;
}

enum totp_err confirm_typed(const struct otp_uri *uri, const struct confirm_window *window,
			    const char *typed, int64_t now, struct confirmation *ret_confirmation)
{
	OWN_ANSWER struct answer answer = {0};

	*ret_confirmation = (struct confirmation){.id = "wrong_code"};
	answer_parse(typed, NULL, &answer);
	if (answer.kind != ANSWER_CODE || answer.digits != uri->digits) {
		hint_shape(uri, &answer, ret_confirmation);
		return TOTP_OK;
	}
	return uri->hotp ? check_counter(uri, window->codes, &answer.code, ret_confirmation)
			 : check_step(uri, window->steps, &answer.code, now, ret_confirmation);
}
