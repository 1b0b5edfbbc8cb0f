/*
 * totpctl invite, uninvite: leave for one user to enrol in the login although the last day
 * for it has passed; and who has such leave.
 */
#include "common/ctl.h"

#include <stdlib.h>
#include <string.h>

#include "host/clock.h"
#include "host/facts.h"
#include "common/json.h"

/* --- giving one --- */

/* Does the policy make no use of it? Then that is said, and the invitation stays good for the
 * day when it does. */
static void warn_if_moot(struct ctl *ctl, int64_t now)
{
	struct policy policy = ctl->tool.policy;
	struct gate_facts facts = {.known = false};
	enum gate_reason gate_reason = GATE_REASON_NONE;
	struct reason why = {""};

	if (!policy.enroll_login) {
		tool_refuse(&ctl->tool, "warning: nobody enrols in a login while 'enroll' of the "
					"policy does not say login");
		return;
	}
	if (facts_find(&policy, &(struct facts_subject){&ctl->account, NULL, NULL}, &facts, &why) !=
	    TOTP_OK) {
		tool_refuse(&ctl->tool, "warning: %s", why.text);
		return;
	}
	policy.enroll_in_account = true; /* the lines say it, not the file */
	facts.invited = true;
	if (gate(&policy, &facts, now, &gate_reason) != GATE_ENROLL &&
	    !gate_days_left(&policy, now))
		tool_refuse(&ctl->tool,
			    "warning: %s need not give a code (%s), so no login leads through an "
			    "enrolment",
			    ctl->shown, gate_reason_name(gate_reason));
	else if (!gate_is_closed(&policy, now))
		printf("It is not needed yet: 'enroll_until' of the policy %s.\n",
		       policy.enroll_until ? "names a day to come" : "is not set");
}

static int check_person(const struct ctl *ctl)
{
	struct reason why = {""};
	bool has = false;

	if (!ctl->account.known)
		return tool_refuse(&ctl->tool, "there is no account %s", ctl->shown);
	if (store_has(ctl->tool.store, ctl->account.name, &has, &why) != TOTP_OK)
		return tool_refuse(&ctl->tool, "%s: %s", ctl->shown, why.text);
	if (has)
		return tool_refuse(
			&ctl->tool,
			"%s is enrolled already: if the phone is lost, totpctl delete %s "
			"first",
			ctl->shown, ctl->shown);
	return TOOL_DONE;
}

static int read_duration(struct ctl *ctl, uint32_t *ret_seconds)
{
	if (text_duration(text_of(ctl->lasting ? ctl->lasting : "3d"), INVITE_SECONDS_MIN,
			  INVITE_SECONDS_MAX, ret_seconds) == TOTP_OK)
		return TOOL_DONE;
	return tool_usage(&ctl->tool, "--for: expected a duration of 1m to 366d, such as 3d");
}

static int invite(struct ctl *ctl, void *context)
{
	const uint32_t *seconds = context;
	int64_t now = clock_now();
	struct invite invite = {
		.uid = ctl->account.uid, .created = now, .expires = now + (int64_t)*seconds};
	char until[WHEN_MAX];
	struct reason why = {""};
	int code = check_person(ctl);

	if (code != TOOL_DONE)
		return code;
	strcpy(invite.user, ctl->account.name);
	if (store_invite_put(ctl->tool.store, &invite, &why) != TOTP_OK)
		return tool_refuse(&ctl->tool, "%s: %s", ctl->shown, why.text);
	tool_log(&ctl->tool, ctl->account.name, "invited", NULL);
	printf("%s may enrol in a login, once, until %s.\n", ctl->shown,
	       when_iso(invite.expires, until));
	warn_if_moot(ctl, now);
	return TOOL_DONE;
}

/* --- the list --- */

struct guests {
	struct ctl *ctl;
	int64_t now;
	struct json json; /* --json */
	size_t printed;
};

/* One word, and a sentence where there is more to say. */
static const char *status_of(const struct guests *guests, const char *user,
			     const struct invite *invite, enum totp_err err, struct reason *why)
{
	struct account account = {.known = false};
	bool has = false;

	if (err == TOTP_OK)
		err = account_find(user, &account, why);
	if (err == TOTP_OK)
		err = store_has(guests->ctl->tool.store, user, &has, why);
	if (err != TOTP_OK)
		return "unreadable";
	if (has)
		return "enrolled";
	if (!account.known)
		return "no-account";
	if (account.uid != invite->uid)
		return "other-uid";
	if (guests->now < invite->created)
		return "future";
	return guests->now < invite->expires ? "open" : "ended";
}

static void print_line(const struct guests *guests, const char *user, const char *status,
		       const struct invite *invite, const char *error)
{
	char shown[CRED_USER_MAX + 1], until[WHEN_MAX], made[WHEN_MAX];

	text_printable(text_of(user), shown, sizeof(shown));
	if (guests->printed == 0)
		printf("%-14s  %-10s  %-25s  %s\n", "USER", "STATUS", "UNTIL", "INVITED");
	if (error[0])
		printf("%-14s  %-10s  %s\n", shown, status, error);
	else
		printf("%-14s  %-10s  %-25s  %s\n", shown, status, when_iso(invite->expires, until),
		       when_iso(invite->created, made));
}

static void put_guest(struct json *json, const char *user, const char *status,
		      const struct invite *invite, const char *error)
{
	char until[WHEN_MAX], made[WHEN_MAX];

	json_open(json, NULL, '{');
	json_text(json, "user", user);
	json_text(json, "status", status);
	json_text(json, "error", error[0] ? error : NULL);
	json_text(json, "until", error[0] ? NULL : when_iso(invite->expires, until));
	json_text(json, "invited", error[0] ? NULL : when_iso(invite->created, made));
	json_close(json, '}');
}

static void print_guest(void *context, const char *user)
{
	struct guests *guests = context;
	struct invite invite = {.user = ""};
	struct reason why = {""};
	enum totp_err err = store_invite_get(guests->ctl->tool.store, user, &invite, &why);
	const char *status;

	if (err == TOTP_ERR_NOT_FOUND) /* used or taken back meanwhile */
		return;
	status = status_of(guests, user, &invite, err, &why);
	if (err != TOTP_OK)
		tool_harmless(why.text);
	if (guests->ctl->json)
		put_guest(&guests->json, user, status, &invite, err == TOTP_OK ? "" : why.text);
	else
		print_line(guests, user, status, &invite, err == TOTP_OK ? "" : why.text);
	guests->printed++;
}

static int list(struct ctl *ctl)
{
	struct guests guests = {.ctl = ctl, .now = clock_now()};
	struct reason why = {""};
	int code;

	if (ctl->lasting)
		return tool_usage(&ctl->tool, "--for: whom to invite?");
	code = tool_open(&ctl->tool, "list invitations");
	if (code != TOOL_DONE)
		return code;
	if (ctl->json) {
		json_begin(&guests.json);
		json_open(&guests.json, NULL, '[');
	}
	if (store_each_invite(ctl->tool.store, print_guest, &guests, &why) != TOTP_OK)
		code = tool_refuse(&ctl->tool, "%s", why.text);
	if (ctl->json) {
		json_close(&guests.json, ']');
		return json_end(&ctl->tool, &guests.json) == TOOL_DONE ? code : TOOL_REFUSED;
	}
	if (code == TOOL_DONE && guests.printed == 0)
		printf("Nobody is invited.\n");
	return code;
}

int ctl_invite(struct ctl *ctl)
{
	uint32_t seconds = 0;
	int code;

	if (ctl->word_count == 0)
		return list(ctl);
	if (ctl->json)
		return tool_usage(&ctl->tool, "--json is for the list of invitations");
	code = read_duration(ctl, &seconds);
	return code == TOOL_DONE ? ctl_each_user(ctl, "invite users", invite, &seconds) : code;
}

/* --- taking it back --- */

int ctl_uninvite(struct ctl *ctl)
{
	struct reason why = {""};
	enum totp_err err;
	int code = ctl_open_user(ctl, "take back invitations");

	if (code != TOOL_DONE)
		return code;
	err = store_invite_remove(ctl->tool.store, ctl->account.name, &why);
	if (err == TOTP_ERR_NOT_FOUND)
		return tool_refuse(&ctl->tool, "%s is not invited", ctl->shown);
	if (err != TOTP_OK)
		return tool_refuse(&ctl->tool, "%s: %s", ctl->shown, why.text);
	tool_log(&ctl->tool, ctl->account.name, "uninvited", NULL);
	printf("%s is no longer invited.\n", ctl->shown);
	return TOOL_DONE;
}
