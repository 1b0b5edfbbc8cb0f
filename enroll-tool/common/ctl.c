/* What the subcommands about one user share: finding, changing and describing a record. */
#include "common/ctl.h"

#include <string.h>
#include <time.h>

#include "host/clock.h"
#include "login/throttle.h"

#define EDIT_TRIES 8

/* A name as root typed it, or as the name service has it: without control characters. */
static void show_name(const char *name, char shown[CRED_USER_MAX + 1])
{
	if (!text_is_clean(text_of(name)) ||
	    text_copy(text_of(name), shown, CRED_USER_MAX + 1) != TOTP_OK)
		text_printable(text_of(name), shown, CRED_USER_MAX + 1);
}

static int find_user(struct ctl *ctl, const char *name)
{
	int code = tool_account(&ctl->tool, name, &ctl->account);

	if (code == TOOL_DONE)
		show_name(ctl->account.name, ctl->shown);
	return code;
}

int ctl_open_user(struct ctl *ctl, const char *doing)
{
	int code = tool_open(&ctl->tool, doing);

	return code == TOOL_DONE ? find_user(ctl, ctl->words[0]) : code;
}

int ctl_each_user(struct ctl *ctl, const char *doing, ctl_user_fn *one, void *context)
{
	int code = tool_open(&ctl->tool, doing);
	bool opened = code == TOOL_DONE;

	for (int i = 0; opened && i < ctl->word_count; i++) {
		int result = find_user(ctl, ctl->words[i]);

		if (result == TOOL_DONE)
			result = one(ctl, context);
		if (result != TOOL_DONE)
			code = result;
	}
	return code;
}

int ctl_not_enrolled(const struct ctl *ctl)
{
	struct invite invite;
	char until[CTL_TIME_MAX];

	if (ctl->account.known &&
	    store_invite_get(ctl->tool.store, ctl->account.name, &invite, NULL) == TOTP_OK &&
	    invite_holds(&invite, ctl->account.uid, clock_now()))
		return tool_refuse(&ctl->tool,
				   "%s is not enrolled, but invited until %s (totpctl uninvite)",
				   ctl->shown, ctl_time(invite.expires, until));
	if (ctl->account.known)
		return tool_refuse(&ctl->tool, "%s is not enrolled", ctl->shown);
	return tool_refuse(&ctl->tool, "%s is not enrolled, nor is there such an account",
			   ctl->shown);
}

int ctl_refuse_record(const struct ctl *ctl, enum totp_err err, const struct reason *why)
{
	if (err == TOTP_ERR_NOT_FOUND)
		return ctl_not_enrolled(ctl);
	tool_refuse(&ctl->tool, "%s: %s", ctl->shown, why->text[0] ? why->text : err_name(err));
	if (err == TOTP_ERR_FORMAT)
		tool_refuse(&ctl->tool, "only 'totpctl delete %s' and enrolling again help",
			    ctl->shown);
	return TOOL_REFUSED;
}

static enum totp_err edit_once(struct ctl *ctl, ctl_read_fn *read, ctl_edit_fn *edit, void *context,
			       struct reason *why)
{
	OWN_TXN struct store_txn txn = STORE_TXN_NONE;
	enum totp_err err = read(ctl->tool.store, ctl->account.name, &txn, why);

	if (err == TOTP_OK)
		err = store_lock(&txn, tool_deadline(), why);
	if (err != TOTP_OK)
		return err;
	if (txn.torn)
		state_raise(&txn.state, &txn.cred, clock_now(), 0);
	return edit(ctl, context, &txn, why);
}

enum totp_err ctl_edit_record(struct ctl *ctl, ctl_read_fn *read, ctl_edit_fn *edit, void *context,
			      struct reason *why)
{
	enum totp_err err = TOTP_ERR_STALE;

	reason_set(why, "somebody else changes the record all the time: try again");
	for (unsigned i = 0; i < EDIT_TRIES && err == TOTP_ERR_STALE; i++)
		err = edit_once(ctl, read, edit, context, why);
	return err;
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

	/* counting drains first; the one counted is taken off again */
	throttle_count(&counted, policy, now);
	counted.burst.used--;
	counted.total.used--;
	return counted;
}

const char *ctl_time(int64_t when, char text[CTL_TIME_MAX])
{
	time_t seconds = when;
	struct tm tm;
	size_t len;

	if (when == 0 || !localtime_r(&seconds, &tm))
		return strcpy(text, when == 0 ? "never" : "at no date");
	len = strftime(text, CTL_TIME_MAX - 1, "%Y-%m-%dT%H:%M:%S%z", &tm);
	if (len < 5)
		return strcpy(text, "at no date");
	/* +0100 becomes +01:00 */
	memmove(text + len - 1, text + len - 2, 3);
	text[len - 2] = ':';
	return text;
}

const char *ctl_clock(int64_t when, char text[CTL_TIME_MAX])
{
	time_t seconds = when;
	struct tm tm;

	if (!localtime_r(&seconds, &tm) || strftime(text, CTL_TIME_MAX, "%H:%M:%S %Z", &tm) == 0)
		return strcpy(text, "at no time");
	return text;
}

const char *ctl_duration(uint64_t seconds, char text[CTL_TIME_MAX])
{
	static const struct {
		uint64_t seconds;
		const char *name;
	} units[] = {{86400, "day"}, {3600, "hour"}, {60, "minute"}, {1, "second"}};
	size_t len = 0, i = 0;

	while (i < 3 && seconds < units[i].seconds)
		i++;
	for (size_t end = i + 2; i < end && i < 4; i++) {
		uint64_t count = seconds / units[i].seconds;

		seconds %= units[i].seconds;
		if (count || (len == 0 && i == 3))
			len += (size_t)snprintf(text + len, CTL_TIME_MAX - len, "%s%llu %s%s",
						len ? " " : "", (unsigned long long)count,
						units[i].name, count == 1 ? "" : "s");
		if (len >= CTL_TIME_MAX)
			break;
	}
	return text;
}
