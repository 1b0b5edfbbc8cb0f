/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * totpctl temporary-code: a code for a user whose phone is lost, which can be read out over the
 * telephone. It is printed once, after it is stored; the credential keeps its hash.
 */
#include "common/ctl.h"

#include <string.h>
#include <unistd.h>

#include "base/io.h"
#include "host/clock.h"
#include "common/json.h"
#include "login/enroll.h"
#include "record/recovery.h"
#include "common/interrupt.h"

#define TEXT_MAX 1600 /* of what is printed: a name of escapes */

static struct {
	uint32_t seconds, uses;
	bool revoke;
} options;

static const struct option_row option_rows[] = {
	{"for", "TIME", "how long the code is valid, such as 30m (1h)", .seconds = &options.seconds,
	 .min = 60, .max = 30 * 86400},
	{"uses", "N", "for how many logins (1)", .number = &options.uses, .min = 1,
	 .max = BYPASS_USES_MAX},
	{"revoke", NULL, "make the user's temporary code invalid instead", .flag = &options.revoke},
	{0},
};

/* --- storing it --- */

/* No code is made that a login would deny. */
static enum totp_err check_use(const struct ctl *ctl, const struct cred *cred, struct reason *why)
{
	if (cred->disabled)
		reason_set(why, "is suspended, so every code is denied: run %s resume first",
			   ctl_line(ctl));
	else if (!ctl->account.known)
		reason_set(why, "there is no such account to log in to");
	else if (cred->uid_bound && ctl->account.uid != cred->uid)
		reason_set(why, "the record belongs to another account, so logins are denied: run "
				"totpctl adopt first");
	else
		return TOTP_OK;
	return TOTP_ERR_FORBIDDEN;
}

static enum totp_err store_code(struct ctl *ctl, void *context, struct store_txn *txn,
				struct reason *why)
{
	const struct bypass *bypass = context;
	OWN_CRED struct cred cred = txn->cred;
	enum totp_err err = check_use(ctl, &cred, why);

	if (err != TOTP_OK)
		return err;
	cred.bypass = *bypass;
	return enroll_commit(txn, &(struct enroll_change){.cred = &cred}, why);
}

/* --- printing it --- */

static int print_code_json(const struct ctl *ctl, const struct bypass *bypass, const char *shown)
{
	struct json json;
	char until[WHEN_MAX];

	tool_begin_json(&ctl->tool, &json, "temporary_code");
	json_text(&json, "code", shown);
	json_number(&json, "uses", bypass->uses);
	json_text(&json, "until", when_iso(bypass->expires, until));
	return tool_end_json(&ctl->tool, &json);
}

static int print_code(const struct ctl *ctl, const struct bypass *bypass,
		      const struct recovery_code *made)
{
	char text[TEXT_MAX], shown[RECOVERY_SHOWN_MAX], until[WHEN_MAX], times[24] = "once";
	int code;

	recovery_show(made, shown);
	if (bypass->uses > 1)
		snprintf(times, sizeof(times), "%u times", (unsigned)bypass->uses);
	snprintf(text, sizeof(text),
		 "%s\n"
		 "works for %s %s until %s, instead of a code.\n"
		 "It is shown only once. To revoke it: %s temporary-code --revoke %s\n",
		 shown, ctl->shown, times, when_iso(bypass->expires, until), ctl_line(ctl),
		 ctl->shown);
	if (tool_json)
		code = print_code_json(ctl, bypass, shown);
	else
		code = io_write(STDOUT_FILENO, text, strlen(text)) == TOTP_OK ? TOOL_DONE
									      : TOOL_REFUSED;
	WIPE(text);
	WIPE(shown);
	if (code == TOOL_DONE)
		return TOOL_DONE;
	return tool_refuse(&ctl->tool, "the code could not be shown: make another one, which "
				       "replaces it");
}

static int make_code(struct ctl *ctl)
{
	OWN_CRED struct cred cred = {.version = 0}; /* only its bypass counts */
	const struct bypass *bypass = &cred.bypass;
	struct recovery_code made;
	char detail[80], until[WHEN_MAX];
	enum totp_err err = bypass_make(&cred, clock_now(),
					options.seconds ? options.seconds : 3600,
					options.uses ? options.uses : 1, &made);
	int code;

	if (err != TOTP_OK)
		return tool_refuse(&ctl->tool, "no code could be made: %s", err_name(err));
	interrupt_hold(); /* a code that is stored is printed */
	code = ctl_edit(ctl, store_read, store_code, &cred.bypass);
	if (code == TOOL_DONE) {
		snprintf(detail, sizeof(detail), "%u use%s until %s", (unsigned)bypass->uses,
			 bypass->uses == 1 ? "" : "s", when_iso(bypass->expires, until));
		tool_log_detail(&ctl->tool, ctl->account.name, "bypass-made", NULL, detail);
		code = print_code(ctl, bypass, &made);
	}
	WIPE(made);
	return code;
}

/* --- revoking it --- */

static enum totp_err remove_code(struct ctl *ctl, void *context, struct store_txn *txn,
				 struct reason *why)
{
	OWN_CRED struct cred cred = txn->cred;
	bool *had = context;

	(void)ctl;
	*had = cred.bypass.uses != 0;
	if (!*had)
		return TOTP_OK;
	cred.bypass = (struct bypass){.uses = 0};
	return enroll_commit(txn, &(struct enroll_change){.cred = &cred}, why);
}

static int revoke_code(struct ctl *ctl)
{
	bool had = false;
	int code = ctl_edit(ctl, store_read, remove_code, &had);

	if (code != TOOL_DONE)
		return code;
	if (!had)
		return tool_say(&ctl->tool, SAY_ERROR, "no_temporary_code",
				"%s has no temporary code", ctl->shown);
	tool_log(&ctl->tool, ctl->account.name, "bypass-revoked", NULL);
	tool_say(&ctl->tool, SAY_DONE, "bypass-revoked",
		 "The temporary code of %s is denied from now on.", ctl->shown);
	return TOOL_DONE;
}

/* --- */

/* The administrator wants to help a user: name the commands that do. */
static int check_enrolled(const struct ctl *ctl)
{
	struct reason why = {""};
	bool has = false;
	enum totp_err err = tool_enrolled(&ctl->tool, ctl->account.name, &has, &why);

	if (err != TOTP_OK && err != TOTP_ERR_RANGE)
		return ctl_refuse_record(ctl, err, &why);
	if (has || !ctl->account.known)
		return has ? TOOL_DONE : ctl_not_enrolled(ctl);
	return tool_say(&ctl->tool, SAY_ERROR, "not_enrolled",
			"%s is not enrolled, so a temporary code is of no use: enroll with "
			"totp-enroll --user %s, or allow it in the login: totpctl invite %s",
			ctl->shown, ctl->shown, ctl->shown);
}

static int make_or_revoke(struct ctl *ctl)
{
	int code = check_enrolled(ctl);

	if (code != TOOL_DONE)
		return code;
	return options.revoke ? revoke_code(ctl) : make_code(ctl);
}

static int temporary_code(struct ctl *ctl)
{
	int code;

	if (options.revoke && (options.seconds || options.uses))
		return tool_usage(&ctl->tool, "--revoke goes with neither --for nor --uses");
	code = tool_open(&ctl->tool, "make temporary codes");
	return code == TOOL_DONE ? ctl_each_user(ctl, make_or_revoke) : code;
}

const struct command ctl_temporary_code = {
	.name = "temporary-code",
	.arguments = "USER...",
	.help = "print a code for a user who lost the phone",
	.more = "The code looks like a recovery code, can be read out over the phone, and is\n"
		"printed once. A new code replaces the one before.\n",
	.options = option_rows,
	.shared = ctl_json_rows,
	.run = temporary_code,
};
