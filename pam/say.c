/* SPDX-License-Identifier: BSD-2-Clause */
#include "pam/say.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <syslog.h>
#include <unistd.h>

#include "host/clock.h"
#include "host/tally.h"
#include "login/throttle.h"
#include "pam/conv.h"

#define NOTE             "pam_totp_used"
#define NOTE_SECONDS_MAX 86400 /* more than any window has */

#define BYPASS_OVER   "This temporary code is no longer valid. Ask your administrator."
#define SPENT_ALREADY "This recovery code was already used. Use another one."

/* --- the log: one line for each decision --- */

void say_report(const struct login *login, int priority, const struct log_event *event)
{
	struct log_event whole = *event;

	whole.user = login->account.known ? login->account.name : NULL;
	whole.service = login->service;
	whole.source = login->source_text;
	if (login->logged)
		return;
	log_send(priority, &whole);
	if (priority != LOG_DEBUG)
		(void)tally_count(login->policy.run_dir, TALLY_LOGINS, event->outcome,
				  event->reason);
}

void say_debug(const struct login *login, const char *reason)
{
	if (login->policy.debug)
		say_report(login, LOG_DEBUG,
			   &(struct log_event){.outcome = "debug", .reason = reason});
}

/* --- the person: one sentence --- */

static void put_used(uint32_t seconds, char ret_sentence[SAY_USED_MAX])
{
	if (seconds)
		snprintf(ret_sentence, SAY_USED_MAX,
			 "This code was already used. The next one comes in %u second%s.",
			 (unsigned)seconds, seconds == 1 ? "" : "s");
	else
		strcpy(ret_sentence, "This code was already used. Wait for the next one.");
}

/* --- a note for the next prompt, instead of a message --- */

bool say_take_note(const struct login *login, char ret_sentence[SAY_USED_MAX])
{
	const void *data = NULL;
	int64_t left;

	ret_sentence[0] = '\0';
	if (pam_get_data(login->pamh, NOTE, &data) != PAM_SUCCESS || !data)
		return false;
	left = *(const int64_t *)data - clock_now();
	(void)pam_set_data(login->pamh, NOTE, NULL, NULL);
	if (left <= 0 || left > NOTE_SECONDS_MAX)
		return false;
	put_used((uint32_t)left, ret_sentence);
	return true;
}

void say_tell(const struct login *login, const char *sentence)
{
	if (!login->silent)
		conv_tell(login->pamh, sentence);
}

void say_denied(const struct login *login, const char *sentence)
{
	char text[200 + POLICY_TEXT_MAX];

	snprintf(text, sizeof(text), "%s%s%s", sentence, login->policy.help[0] ? "\n" : "",
		 login->policy.help);
	say_tell(login, text);
}

static void inform(const struct login *login, const char *sentence)
{
	if (!login->silent)
		conv_inform(login->pamh, sentence);
}

static void show_wait(const struct login *login, uint32_t seconds)
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
	say_denied(login, sentence);
}

/* In seconds if the next code is still to come; a counter has no such time. */
static void tell_used(const struct login *login, const struct outcome *outcome)
{
	char sentence[SAY_USED_MAX];
	int64_t *note;

	put_used(outcome->wait_seconds, sentence);
	say_tell(login, sentence);
	note = login->silent && outcome->wait_seconds ? malloc(sizeof(*note)) : NULL;
	if (!note)
		return;
	*note = clock_now() + outcome->wait_seconds;
	if (pam_set_data(login->pamh, NOTE, note, login_free_data) != PAM_SUCCESS)
		free(note);
}

/* Few are left: there is time to get new ones. Else: what a user with a lost phone does next. */
static void tell_recovery_left(const struct login *login, unsigned left)
{
	char sentence[160];

	if (left > 2 && !login->policy.enroll_tool)
		return;
	if (left > 2)
		strcpy(sentence, "If your phone is lost, run totp-enroll replace. It needs another "
				 "recovery code.");
	else if (left)
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

/* A temporary code is not a lasting solution. */
static void tell_bypass(const struct login *login, const struct outcome *outcome)
{
	char sentence[160], until[OUTCOME_TIME_MAX];

	if (outcome->bypass_left)
		snprintf(sentence, sizeof(sentence),
			 "This temporary code works %u more time%s until %s.\n"
			 "If your phone is lost, ask your administrator to set up a new one.",
			 outcome->bypass_left, outcome->bypass_left == 1 ? "" : "s",
			 outcome_time(outcome->bypass_expires, until));
	else
		snprintf(sentence, sizeof(sentence),
			 "This temporary code does not work again.\n"
			 "If your phone is lost, ask your administrator to set up a new one.");
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

/* Done by self-service, with one code: the owner is the one who knows. */
static void tell_notice(const struct login *login, const struct notice *notice, const char *once,
			const char *often)
{
	char sentence[240], place[SOURCE_TEXT_MAX], when[OUTCOME_TIME_MAX], what[80];
	bool local = notice->source.kind == SOURCE_UID;

	if (!notice->count)
		return;
	source_place(&notice->source, place);
	if (notice->count == 1)
		snprintf(what, sizeof(what), "%s", once);
	else
		snprintf(what, sizeof(what), "%u %s, the last time", notice->count, often);
	snprintf(sentence, sizeof(sentence),
		 "%s on %s %s %s.\nIf it was not you, tell your administrator.", what,
		 outcome_time(notice->last, when), local ? "on" : "from", place);
	inform(login, sentence);
}

static void show_outcome(const struct login *login, const struct outcome *outcome)
{
	if (outcome->verdict == VERDICT_ALLOW) {
		tell_failures(login, outcome);
		tell_notice(login, &outcome->notices[NOTICE_ADDED], "A device was added",
			    "devices were added");
		tell_notice(login, &outcome->notices[NOTICE_REPLACED], "A device was replaced",
			    "devices were replaced");
		tell_notice(login, &outcome->notices[NOTICE_RECOVERY],
			    "New recovery codes were made", "sets of recovery codes were made");
	}
	if (outcome->verdict == VERDICT_WAIT)
		show_wait(login, outcome->wait_seconds);
	else if (outcome->reason == JUDGE_USED_CODE)
		tell_used(login, outcome);
	else if (outcome->reason == JUDGE_SPENT_RECOVERY)
		say_tell(login, SPENT_ALREADY);
	else if (outcome->reason == JUDGE_ENDED_BYPASS)
		say_denied(login, BYPASS_OVER);
	else if (outcome->reason == JUDGE_BYPASS)
		tell_bypass(login, outcome);
	else if (outcome->reason == JUDGE_RECOVERY)
		tell_recovery_left(login, outcome->recovery_left);
	else if (outcome->verdict != VERDICT_ALLOW)
		say_denied(login, SAY_NOT_ACCEPTED);
}

void say_unconfirmed(const struct login *login)
{
	char sentence[200], date[11];
	int len = snprintf(sentence, sizeof(sentence),
			   "Your enrollment is not confirmed yet. To confirm it with a code from\n"
			   "your phone, run: totp-enroll test");

	if (gate_days_left(&login->policy, clock_now())) {
		text_to_date(login->policy.enforce_from, date);
		snprintf(sentence + len, sizeof(sentence) - (size_t)len,
			 "\nFrom %s on a login needs a code.", date);
	}
	inform(login, sentence);
}

void say_outcome(const struct login *login, const struct outcome *outcome)
{
	struct outcome seen = *outcome;
	char detail[OUTCOME_DETAIL_MAX];

	/*
	 * journald files a line under the real uid of the process: the user who started su or sudo
	 * can read what it logs
	 */
	if (getuid() != 0)
		outcome_hide_future(&seen);
	outcome_explain(&seen, detail);
	say_report(login, seen.verdict == VERDICT_ALLOW ? LOG_INFO : LOG_NOTICE,
		   &(struct log_event){.outcome = outcome_word(&seen),
				       .reason = judge_reason_name(seen.reason),
				       .token = seen.label,
				       .detail = detail});
	show_outcome(login, outcome);
}
