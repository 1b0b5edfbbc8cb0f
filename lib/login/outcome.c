/* SPDX-License-Identifier: BSD-2-Clause */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "login/attempt.h"
#include "login/throttle.h"

const char *outcome_word(const struct outcome *outcome)
{
	if (outcome->verdict == VERDICT_ALLOW)
		return "allow";
	return outcome->verdict == VERDICT_WAIT ? "wait" : "deny";
}

const char *outcome_time(int64_t when, char text[OUTCOME_TIME_MAX])
{
	time_t seconds = (time_t)when;
	struct tm utc;

	if (!gmtime_r(&seconds, &utc) ||
	    strftime(text, OUTCOME_TIME_MAX, "%Y-%m-%d %H:%M UTC", &utc) == 0)
		strcpy(text, "an unknown time");
	return text;
}

void outcome_hide_future(struct outcome *outcome)
{
	if (!outcome->off || (outcome->off_type == TOKEN_TOTP && outcome->offset < 0))
		return;
	outcome->off = false;
	outcome->off_hours = false;
	outcome->offset = 0;
	outcome->off_type = 0;
	outcome->label[0] = '\0';
}

void outcome_explain(const struct outcome *outcome, char detail[OUTCOME_DETAIL_MAX])
{
	char until[OUTCOME_TIME_MAX];

	detail[0] = '\0';
	if (outcome->off && outcome->off_type == TOKEN_HOTP)
		snprintf(detail, OUTCOME_DETAIL_MAX,
			 "code is %lld ahead of the next one: run totpctl resync",
			 (long long)outcome->offset);
	else if (outcome->off && outcome->off_hours)
		snprintf(detail, OUTCOME_DETAIL_MAX,
			 "code is %lld hour%s %s this host's clock: compare 'date -u' with the "
			 "right time; a hardware clock in local time, or a wrong time zone, does "
			 "this",
			 llabs((long long)outcome->offset),
			 llabs((long long)outcome->offset) == 1 ? "" : "s",
			 outcome->offset < 0 ? "behind" : "ahead of");
	else if (outcome->off)
		snprintf(detail, OUTCOME_DETAIL_MAX,
			 "code is %+lld steps off: check the clock of the phone or of this host",
			 (long long)outcome->offset);
	else if (outcome->reason == JUDGE_CLOCK_BACK)
		snprintf(detail, OUTCOME_DETAIL_MAX,
			 "the last code used is of a later time: this host's clock was set back "
			 "(once it is right, run totpctl repair-clock), or the record was "
			 "repaired a moment ago");
	else if (outcome->reason == JUDGE_PASSWORD)
		snprintf(detail, OUTCOME_DETAIL_MAX,
			 "the answer is the account's password: the program asks no second "
			 "question; for sshd set KbdInteractiveAuthentication yes and "
			 "PasswordAuthentication no");
	else if (outcome->reason == JUDGE_JUNK)
		snprintf(detail, OUTCOME_DETAIL_MAX,
			 "sshd denies this user whatever the code is: look at PermitRootLogin, "
			 "AllowUsers and DenyUsers");
	else if (outcome->reason == JUDGE_RECOVERY)
		snprintf(detail, OUTCOME_DETAIL_MAX,
			 "%u recovery code%s left: totpctl recovery makes new ones",
			 outcome->recovery_left, outcome->recovery_left == 1 ? "" : "s");
	else if (outcome->reason == JUDGE_BYPASS && outcome->bypass_left == 0)
		snprintf(detail, OUTCOME_DETAIL_MAX, "its last use");
	else if (outcome->reason == JUDGE_BYPASS)
		snprintf(detail, OUTCOME_DETAIL_MAX, "%u more use%s until %s", outcome->bypass_left,
			 outcome->bypass_left == 1 ? "" : "s",
			 outcome_time(outcome->bypass_expires, until));
	else if (outcome->reason == JUDGE_ENDED_BYPASS)
		snprintf(detail, OUTCOME_DETAIL_MAX,
			 "it has expired, or was used as often as it may: totpctl temporary-code "
			 "makes a new one");
	else if (outcome->reason == JUDGE_DISABLED)
		snprintf(detail, OUTCOME_DETAIL_MAX, "denied until totpctl resume");
	else if (outcome->wait_seconds == THROTTLE_FOREVER)
		snprintf(detail, OUTCOME_DETAIL_MAX, "run totpctl unlock");
	else if (outcome->verdict == VERDICT_WAIT)
		snprintf(detail, OUTCOME_DETAIL_MAX, "%u seconds to wait, or run totpctl unlock",
			 (unsigned)outcome->wait_seconds);
	else if (outcome->in_run)
		snprintf(detail, OUTCOME_DETAIL_MAX,
			 "the disk cannot be written to: until it can, the login state is in "
			 "run_dir");
	else if (outcome->torn)
		snprintf(detail, OUTCOME_DETAIL_MAX,
			 "a write of the login state had been cut short; repaired");
}
