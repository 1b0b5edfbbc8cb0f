#include "pam/say.h"

#include <stdio.h>
#include <string.h>
#include <syslog.h>

#include "host/log.h"
#include "login/throttle.h"
#include "pam/conv.h"

#define USED_ALREADY  "This code was already used. Wait for the next one."
#define BYPASS_OVER   "This temporary code does not work any more. Ask your administrator."
#define SPENT_ALREADY "This recovery code was already used. Take another one."

/* --- the log: one line for each decision --- */

void say_report(const struct login *login, int priority, const char *outcome, const char *reason,
		const char *token, const char *detail)
{
	struct log_event event = {
		.user = login->account.known ? login->account.name : NULL,
		.service = login->service,
		.source = login->source_text,
		.outcome = outcome,
		.reason = reason,
		.token = token,
		.detail = detail,
	};

	if (!login->logged)
		log_send(priority, &event);
}

void say_debug(const struct login *login, const char *reason)
{
	if (login->policy.debug)
		say_report(login, LOG_DEBUG, "debug", reason, NULL, NULL);
}

static void report_outcome(const struct login *login, const struct outcome *outcome)
{
	char detail[OUTCOME_DETAIL_MAX];

	outcome_explain(outcome, detail);
	say_report(login, outcome->verdict == VERDICT_ALLOW ? LOG_INFO : LOG_NOTICE,
		   outcome_word(outcome), judge_reason_name(outcome->reason), outcome->label,
		   detail);
}

/* --- the person: one sentence --- */

void say_tell(const struct login *login, const char *sentence)
{
	if (!login->silent)
		conv_tell(login->pamh, sentence);
}

static void inform(const struct login *login, const char *sentence)
{
	if (!login->silent)
		conv_inform(login->pamh, sentence);
}

static void tell_wait(const struct login *login, uint32_t seconds)
{
	char sentence[100];
	uint32_t minutes = seconds / 60 + (seconds % 60 != 0);

	if (seconds == THROTTLE_FOREVER)
		snprintf(sentence, sizeof(sentence),
			 "Too many wrong codes. Please ask your administrator.");
	else if (minutes <= 120)
		snprintf(sentence, sizeof(sentence),
			 "Too many wrong codes. Try again in %u minute%s.", (unsigned)minutes,
			 minutes == 1 ? "" : "s");
	else
		snprintf(sentence, sizeof(sentence), "Too many wrong codes. Try again in %u hours.",
			 (unsigned)((minutes + 59) / 60));
	say_tell(login, sentence);
}

/* Few are left: there is time to get new ones. */
static void tell_recovery_left(const struct login *login, unsigned left)
{
	char sentence[160];

	if (left > 2)
		return;
	if (left)
		snprintf(sentence, sizeof(sentence),
			 "%u recovery code%s left. For new ones run totp-enroll recovery,\n"
			 "or ask your administrator.",
			 left, left == 1 ? "" : "s");
	else
		snprintf(
			sentence, sizeof(sentence),
			"That was your last recovery code. For new ones run totp-enroll recovery,\n"
			"or ask your administrator.");
	inform(login, sentence);
}

/* What helped for once is no way to go on. */
static void tell_bypass(const struct login *login, const struct outcome *outcome)
{
	char sentence[160], until[OUTCOME_TIME_MAX];

	if (outcome->bypass_left)
		snprintf(sentence, sizeof(sentence),
			 "This temporary code works %u more time%s until %s.\n"
			 "Ask for a new phone to be enrolled.",
			 outcome->bypass_left, outcome->bypass_left == 1 ? "" : "s",
			 outcome_time(outcome->bypass_expires, until));
	else
		snprintf(sentence, sizeof(sentence),
			 "This temporary code does not work again.\n"
			 "Ask for a new phone to be enrolled.");
	inform(login, sentence);
}

/* Somebody may have been guessing: the user is the one who knows. */
static void tell_failures(const struct login *login, const struct outcome *outcome)
{
	char sentence[200], place[SOURCE_TEXT_MAX], when[OUTCOME_TIME_MAX];

	if (!outcome->failures)
		return;
	source_place(&outcome->failure_source, place);
	snprintf(sentence, sizeof(sentence),
		 "%u wrong code%s since your last login, %son %s\n"
		 "from %s. If it was not you, tell your administrator.",
		 (unsigned)outcome->failures, outcome->failures == 1 ? "" : "s",
		 outcome->failures == 1 ? "" : "the last ",
		 outcome_time(outcome->last_failure, when), place);
	inform(login, sentence);
}

static void tell_outcome(const struct login *login, const struct outcome *outcome)
{
	if (outcome->verdict == VERDICT_ALLOW)
		tell_failures(login, outcome);
	if (outcome->verdict == VERDICT_WAIT)
		tell_wait(login, outcome->wait_seconds);
	else if (outcome->reason == JUDGE_USED_CODE)
		say_tell(login, USED_ALREADY);
	else if (outcome->reason == JUDGE_SPENT_RECOVERY)
		say_tell(login, SPENT_ALREADY);
	else if (outcome->reason == JUDGE_ENDED_BYPASS)
		say_tell(login, BYPASS_OVER);
	else if (outcome->reason == JUDGE_BYPASS)
		tell_bypass(login, outcome);
	else if (outcome->reason == JUDGE_RECOVERY)
		tell_recovery_left(login, outcome->recovery_left);
	else if (outcome->verdict != VERDICT_ALLOW)
		say_tell(login, SAY_NOT_ACCEPTED);
}

void say_outcome(const struct login *login, const struct outcome *outcome)
{
	report_outcome(login, outcome);
	tell_outcome(login, outcome);
}
