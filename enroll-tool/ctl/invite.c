/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * totpctl invite, uninvite: an invitation allows a user to enroll after the last date for it;
 * without a user, the list of invitations.
 */
#include "common/ctl.h"

#include <stdlib.h>
#include <string.h>

#include "host/clock.h"
#include "host/facts.h"
#include "common/json.h"
#include "common/term.h"

#define INVITE_SECONDS (3 * 86400)

static struct {
	uint32_t seconds;
	bool json; /* of the list, which is one document */
} options;

static const struct option_row option_rows[] = {
	{"for", "TIME", "how long it is valid, such as 12h (3d)", .seconds = &options.seconds,
	 .min = INVITE_SECONDS_MIN, .max = INVITE_SECONDS_MAX},
	{0},
};

/* --- giving one --- */

/* Warn if the policy makes no use of it. The invitation stays valid, and the policy may change. */
static void warn_if_moot(struct ctl *ctl, int64_t now)
{
	struct policy policy = ctl->tool.policy;
	struct gate_facts facts = {.known = false};
	enum gate_reason gate_reason = GATE_REASON_NONE;
	struct reason why = {""};

	if (!policy.enroll_login && !policy.enroll_tool) {
		tool_say(&ctl->tool, SAY_WARNING, "not_used",
			 "'enroll' in the policy is empty, so only an administrator can enroll "
			 "users");
		return;
	}
	if (facts_find(&policy, &(struct facts_subject){&ctl->account, NULL, NULL}, &facts, &why) !=
	    TOTP_OK) {
		tool_say(&ctl->tool, SAY_WARNING, "not_used", "%s", why.text);
		return;
	}
	policy.enroll_in_account = true; /* a PAM line sets it, not the file */
	facts.invited = true;
	if (!policy.enroll_tool && gate(&policy, &facts, now, &gate_reason) != GATE_ENROLL &&
	    !gate_days_left(&policy, now))
		tool_say(&ctl->tool, SAY_WARNING, "not_used",
			 "%s needs no code (%s), so no login asks to enroll", ctl->shown,
			 gate_reason_name(gate_reason));
	else if (!gate_is_closed(&policy, now))
		tool_say(&ctl->tool, SAY_NOTE, "not_needed",
			 "It is not needed yet: 'enroll_until' in the policy %s.",
			 policy.enroll_until ? "is in the future" : "is not set");
}

static const char *where_to_enroll(const struct policy *policy)
{
	if (policy->enroll_login)
		return policy->enroll_tool ? " in a login or with totp-enroll" : " in a login";
	return policy->enroll_tool ? " with totp-enroll" : "";
}

static int check_invitable(const struct ctl *ctl)
{
	struct reason why = {""};
	bool has = false;

	if (!ctl->account.known)
		return tool_say(&ctl->tool, SAY_ERROR, "no_account", "there is no account %s",
				ctl->shown);
	if (tool_enrolled(&ctl->tool, ctl->account.name, &has, &why) != TOTP_OK)
		return tool_refuse(&ctl->tool, "%s: %s", ctl->shown, why.text);
	if (has)
		return tool_say(&ctl->tool, SAY_ERROR, "already_enrolled",
				ctl->tool.line ? "%s is enrolled already: if the phone is lost, "
						 "make a temporary code, or ask an administrator "
						 "to delete the enrollment"
					       : "%s is enrolled already: if the phone is lost, "
						 "first run totpctl delete %s",
				ctl->shown, ctl->shown);
	return TOOL_DONE;
}

static int invite(struct ctl *ctl)
{
	int64_t now = clock_now();
	uint32_t seconds = options.seconds ? options.seconds : INVITE_SECONDS;
	struct invite invite = {.uid = ctl->account.uid, .created = now, .expires = now + seconds};
	char until[WHEN_MAX];
	struct reason why = {""};
	int code = check_invitable(ctl);

	if (code != TOOL_DONE)
		return code;
	strcpy(invite.user, ctl->account.name);
	if (store_invite_put(ctl->tool.store, &invite, tool_deadline(), &why) != TOTP_OK)
		return tool_refuse(&ctl->tool, "%s: %s", ctl->shown, why.text);
	tool_log(&ctl->tool, ctl->account.name, "invited", NULL);
	tool_say(&ctl->tool, SAY_DONE, "invited", "%s can enroll%s, once, until %s.", ctl->shown,
		 where_to_enroll(&ctl->tool.policy), when_iso(invite.expires, until));
	warn_if_moot(ctl, now);
	return TOOL_DONE;
}

/* --- the list --- */

struct invited {
	struct ctl *ctl;
	int64_t now;
	struct json json; /* --json */
	size_t printed;
};

/* One word; *why says more about an unreadable one. */
static const char *invitation_status(const struct invited *invited, const char *user,
				     const struct invite *invite, enum totp_err err,
				     struct reason *why)
{
	struct account account = {.known = false};
	bool has = false;

	if (err == TOTP_OK)
		err = account_find(user, &account, why);
	if (err == TOTP_OK)
		err = tool_enrolled(&invited->ctl->tool, user, &has, why);
	if (err != TOTP_OK)
		return "unreadable";
	if (has)
		return "enrolled";
	if (!account.known)
		return "no-account";
	if (account.uid != invite->uid)
		return "other-uid";
	if (invited->now < invite->created)
		return "future";
	return invited->now < invite->expires ? "open" : "ended";
}

static void list_invitation(void *context, const char *user)
{
	struct invited *invited = context;
	struct json *json = &invited->json;
	struct invite invite = {.user = ""};
	struct reason why = {""};
	char shown[CRED_USER_MAX + 1], until[WHEN_MAX], made[WHEN_MAX];
	enum totp_err err =
		store_invite_get(invited->ctl->tool.store, user, tool_deadline(), &invite, &why);
	const char *status;

	if (err == TOTP_ERR_NOT_FOUND) /* used or taken back meanwhile */
		return;
	status = invitation_status(invited, user, &invite, err, &why);
	tool_harmless(why.text);
	when_iso(invite.expires, until);
	when_iso(invite.created, made);
	if (options.json) {
		json_open(json, NULL, '{');
		json_text(json, "user", user);
		json_text(json, "status", status);
		json_text(json, "error", err == TOTP_OK ? NULL : why.text);
		json_text(json, "until", err == TOTP_OK ? until : NULL);
		json_text(json, "invited", err == TOTP_OK ? made : NULL);
		json_close(json, '}');
		return;
	}
	if (invited->printed++ == 0)
		printf("%-14s  %-10s  %-25s  %s\n", "USER", "STATUS", "UNTIL", "INVITED");
	text_show(text_of(user), shown, sizeof(shown));
	term_column(stdout, shown, 14);
	if (err == TOTP_OK)
		printf("  %-10s  %-25s  %s\n", status, until, made);
	else
		printf("  %-10s  %s\n", status, why.text);
}

static int list_invitations(struct ctl *ctl)
{
	struct invited invited = {.ctl = ctl, .now = clock_now()};
	struct reason why = {""};
	int code;

	if (options.json)
		json_begin(&invited.json, '[');
	code = tool_result(
		&ctl->tool,
		store_each(ctl->tool.store, STORE_INVITE, list_invitation, &invited, &why), &why);
	if (options.json)
		return tool_end_json(&ctl->tool, &invited.json) == TOOL_DONE ? code : TOOL_REFUSED;
	if (code == TOOL_DONE && invited.printed == 0)
		printf("Nobody is invited.\n");
	return code;
}

static int invite_or_list(struct ctl *ctl)
{
	bool list = ctl->word_count == 0;
	int code;

	if (list && options.seconds)
		return tool_usage(&ctl->tool, "--for: expected users to invite");
	options.json = list && tool_json;
	tool_json = tool_json && !list;
	code = tool_open(&ctl->tool, list ? "list invitations" : "invite users");
	if (code != TOOL_DONE)
		return code;
	return list ? list_invitations(ctl) : ctl_each_user(ctl, invite);
}

const struct command ctl_invite = {
	.name = "invite",
	.arguments = "[USER...]",
	.help = "let users enroll once, after the date of enroll_until",
	.more = "An invitation is valid for one enrollment and for a time. Without USER it lists\n"
		"the invitations.\n",
	.options = option_rows,
	.shared = ctl_json_rows,
	.run = invite_or_list,
};

/* --- taking it back --- */

static int uninvite(struct ctl *ctl)
{
	struct reason why = {""};
	enum totp_err err =
		store_invite_remove(ctl->tool.store, ctl->account.name, tool_deadline(), &why);

	if (err == TOTP_ERR_NOT_FOUND)
		return tool_say(&ctl->tool, SAY_ERROR, "not_invited", "%s is not invited",
				ctl->shown);
	if (err != TOTP_OK)
		return tool_refuse(&ctl->tool, "%s: %s", ctl->shown, why.text);
	tool_log(&ctl->tool, ctl->account.name, "uninvited", NULL);
	tool_say(&ctl->tool, SAY_DONE, "uninvited", "%s is no longer invited.", ctl->shown);
	return TOOL_DONE;
}

const struct command ctl_uninvite = {
	.name = "uninvite",
	.arguments = "USER...",
	.help = "take invitations back",
	.options = ctl_json_rows,
	.doing = "take back invitations",
	.each_user = uninvite,
};
