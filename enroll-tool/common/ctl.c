/* SPDX-License-Identifier: BSD-2-Clause */
/* What the subcommands about one user share: finding, changing and describing a record. */
#include "common/ctl.h"

#include <string.h>

#include "host/clock.h"
#include "login/throttle.h"

const struct option_row ctl_json_rows[] = {
	{"json", NULL, "print objects, one on each line", .flag = &tool_json}, {0}};

int ctl_find_user(struct ctl *ctl, const char *name)
{
	struct text found;
	int code;

	ctl->tool.user = name;
	code = tool_account(&ctl->tool, name, &ctl->account);
	if (code != TOOL_DONE)
		return code;
	ctl->tool.user = ctl->account.name;
	found = text_of(ctl->account.name);
	/* root typed it, or it is from the name service: no control characters */
	text_show(found, ctl->shown, sizeof(ctl->shown));
	return ctl->may ? ctl->may(ctl) : TOOL_DONE;
}

int ctl_each_user(struct ctl *ctl, int (*one)(struct ctl *ctl))
{
	int code = TOOL_DONE;

	for (int i = 0; i < ctl->word_count; i++) {
		int result = ctl_find_user(ctl, ctl->words[i]);

		if (result == TOOL_DONE)
			result = one(ctl);
		if (result != TOOL_DONE)
			code = result;
	}
	return code;
}

const char *ctl_line(const struct ctl *ctl)
{
	return ctl->tool.line ? ctl->tool.line : "totpctl";
}

int ctl_not_enrolled(const struct ctl *ctl)
{
	struct invite invite;
	char until[WHEN_MAX];

	if (ctl->account.known &&
	    store_invite_get(ctl->tool.store, ctl->account.name, tool_deadline(), &invite, NULL) ==
		    TOTP_OK &&
	    invite_holds(&invite, ctl->account.uid, clock_now()))
		return tool_say(&ctl->tool, SAY_ERROR, "not_enrolled",
				"%s is not enrolled, but invited until %s (%s uninvite)",
				ctl->shown, when_iso(invite.expires, until), ctl_line(ctl));
	return tool_say(&ctl->tool, SAY_ERROR, ctl->account.known ? "not_enrolled" : "no_account",
			"%s is not enrolled%s", ctl->shown,
			ctl->account.known ? "" : ", and there is no such account");
}

int ctl_refuse_record(const struct ctl *ctl, enum totp_err err, const struct reason *why)
{
	char word[ERR_WORD_MAX];

	if (err == TOTP_ERR_NOT_FOUND)
		return ctl_not_enrolled(ctl);
	tool_say(&ctl->tool, SAY_ERROR, err_word(err, word), "%s: %s", ctl->shown,
		 why->text[0] ? why->text : err_name(err));
	if (err == TOTP_ERR_FORMAT)
		tool_say(&ctl->tool, SAY_ERROR, "damaged",
			 ctl->tool.line ? "the record is damaged: ask an administrator to delete it"
					: "the record is damaged: 'totpctl delete %s', and enroll "
					  "again",
			 ctl->shown);
	return TOOL_REFUSED;
}

struct edit {
	struct ctl *ctl;
	ctl_read_fn *read;
	ctl_edit_fn *edit;
	void *context;
};

static enum totp_err try_edit(void *context, struct reason *why)
{
	OWN_TXN struct store_txn txn = STORE_TXN_NONE;
	const struct edit *edit = context;
	struct ctl *ctl = edit->ctl;
	enum totp_err err =
		edit->read(ctl->tool.store, ctl->account.name, tool_deadline(), &txn, why);

	if (err == TOTP_OK)
		err = store_begin(&txn, tool_deadline(), why);
	if (err != TOTP_OK)
		return err;
	if (txn.torn)
		state_raise(&txn.state, &txn.cred, clock_now(), 0);
	return edit->edit(ctl, edit->context, &txn, why);
}

enum totp_err ctl_edit_record(struct ctl *ctl, ctl_read_fn *read, ctl_edit_fn *edit, void *context,
			      struct reason *why)
{
	struct edit editing = {ctl, read, edit, context};

	return store_retry(try_edit, &editing, why);
}

int ctl_edit(struct ctl *ctl, ctl_read_fn *read, ctl_edit_fn *edit, void *context)
{
	struct reason why = {""};
	enum totp_err err = ctl_edit_record(ctl, read, edit, context, &why);

	return err == TOTP_OK ? TOOL_DONE : ctl_refuse_record(ctl, err, &why);
}

uint64_t ctl_steps_ahead(const struct policy *policy)
{
	return 2 * (uint64_t)policy->window;
}

int64_t ctl_next_code_at(const struct token *token, uint64_t last)
{
	return ((int64_t)last + 1 - token->offset) * token->period;
}

struct throttle ctl_throttle_at(const struct throttle *throttle, const struct policy *policy,
				int64_t now)
{
	struct throttle counted = *throttle;

	/* counting refills first; the failure that it counts is then removed */
	throttle_count(&counted, policy, now);
	counted.burst.used--;
	counted.total.used--;
	return counted;
}
