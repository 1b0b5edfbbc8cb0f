/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * totpctl unlock USER...: clear the wrong codes that make a user wait. They may have been an
 * attack, so no address is remembered any more.
 */
#include "common/ctl.h"

#include "host/clock.h"
#include "host/source.h"
#include "login/enroll.h"
#include "login/throttle.h"

/* Failures that a throttle holds at `now`, in its fuller bucket. */
static uint32_t failures_in(const struct throttle *throttle, const struct policy *policy,
			    int64_t now)
{
	struct throttle left = ctl_throttle_at(throttle, policy, now);

	return left.burst.used > left.total.used ? left.burst.used : left.total.used;
}

struct unlock {
	int64_t now;
	struct login_state before;
	uint64_t forgiven;
	bool forgotten; /* an address was remembered */
};

static enum totp_err empty_throttles(struct ctl *ctl, void *context, struct store_txn *txn,
				     struct reason *why)
{
	struct unlock *unlock = context;
	struct login_state next = txn->state;

	unlock->before = txn->state;
	unlock->forgiven = 0;
	for (size_t i = 0; i < SOURCE_CLASSES; i++)
		unlock->forgiven += failures_in(&next.shared[i], &ctl->tool.policy, unlock->now);
	for (size_t i = 0; i < next.known_count; i++)
		unlock->forgiven +=
			failures_in(&next.known[i].throttle, &ctl->tool.policy, unlock->now);
	unlock->forgotten = enroll_forget(&next);
	if (unlock->forgiven == 0 && !unlock->forgotten)
		return TOTP_OK;
	memset(next.shared, 0, sizeof(next.shared));
	for (size_t i = 0; i < next.known_count; i++)
		next.known[i].throttle = (struct throttle){0};
	return store_commit(txn, &next, why);
}

static void print_forgiven(const struct unlock *unlock, const struct tool *tool,
			   const struct throttle *throttle, const char *whose)
{
	const struct policy *policy = &tool->policy;
	uint32_t failures = failures_in(throttle, policy, unlock->now);
	char text[WHEN_MAX], waited[WHEN_MAX + 40] = "";
	uint32_t wait = throttle_wait(throttle, policy, unlock->now);

	if (failures == 0)
		return;
	if (wait == THROTTLE_FOREVER)
		strcpy(waited, ", which was locked until now");
	else if (wait)
		snprintf(waited, sizeof(waited), ", which had to wait %s more",
			 when_duration(wait, text));
	tool_say(tool, SAY_NOTE, "forgiven", "Cleared: %u wrong %s from %s%s.", (unsigned)failures,
		 failures == 1 ? "code" : "codes", whose, waited);
}

static void print_unlock(const struct ctl *ctl, const struct unlock *unlock)
{
	const struct login_state *before = &unlock->before;
	char source[SOURCE_TEXT_MAX + 80];

	if (unlock->forgiven == 0) {
		tool_say(&ctl->tool, SAY_DONE, unlock->forgotten ? "unlocked" : "unchanged",
			 "%s has no wrong codes to clear%s.", ctl->shown,
			 unlock->forgotten ? "" : ": nothing is changed");
		return;
	}
	for (size_t i = 0; i < SOURCE_CLASSES; i++) {
		snprintf(source, sizeof(source), "sources where this user never logged in%s%s",
			 before->one_class ? "" : ", of ",
			 before->one_class ? "" : source_class_text((enum source_class)i));
		print_forgiven(unlock, &ctl->tool, &before->shared[i], source);
	}
	for (size_t i = 0; i < before->known_count; i++) {
		source_text(&before->known[i].source, source);
		print_forgiven(unlock, &ctl->tool, &before->known[i].throttle, source);
	}
	tool_say(&ctl->tool, SAY_DONE, "unlocked", "%s can try again at once.", ctl->shown);
}

static int unlock_user(struct ctl *ctl)
{
	struct unlock unlock = {.now = clock_now()};
	int code = ctl_edit(ctl, store_read, empty_throttles, &unlock);

	if (code != TOOL_DONE)
		return code;
	if (unlock.forgiven || unlock.forgotten)
		tool_log(&ctl->tool, ctl->account.name, "unlocked", NULL);
	print_unlock(ctl, &unlock);
	return TOOL_DONE;
}

const struct command ctl_unlock = {
	.name = "unlock",
	.arguments = "USER...",
	.help = "clear wrong codes, so that users need not wait",
	.more = "Used codes stay used. No address of the users is remembered any more.\n",
	.options = ctl_json_rows,
	.doing = "unlock users",
	.each_user = unlock_user,
};
