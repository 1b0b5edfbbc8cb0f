/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * totpctl store accept: the store was moved to this machine, or restored from a backup. This host
 * does not know which codes were used since the backup, so from now on it denies every code that
 * could have been used before now. Recovery codes and counters stay as they are, since otherwise a
 * store that was moved would lock users out; it prints how many may have been used.
 */
#include <string.h>

#include "common/enrolled.h"
#include "host/clock.h"
#include "host/machine.h"
#include "login/enroll.h"
#include "common/progress.h"
#include "record/recovery.h"
#include "common/ctl.h"
#include "ctl/store_etcd.h"

struct accepting {
	int64_t now;
	int64_t codes_from; /* the latest of all tokens */
	bool recovery; /* of the record that is edited: it has recovery codes, unused here… */
	bool counter;  /* …or a counter-based token */
	size_t users, recoveries, counters, damaged;
};

static enum totp_err raise_record(struct ctl *ctl, void *context, struct store_txn *txn,
				  struct reason *why)
{
	struct accepting *accepting = context;
	struct login_state next = txn->state;

	state_raise(&next, &txn->cred, accepting->now, ctl_steps_ahead(&ctl->tool.policy));
	next.bypass_used = UINT8_MAX;
	(void)enroll_forget(&next);
	accepting->recovery = recovery_left(&txn->cred, &next) > 0;
	accepting->counter = false;
	for (size_t i = 0; i < txn->cred.token_count; i++) {
		const struct token *token = &txn->cred.tokens[i];
		int64_t from;

		if (token->type == TOKEN_HOTP) {
			accepting->counter |= next.tokens[i].moving != COUNTER_DISABLED;
			continue;
		}
		from = ctl_next_code_at(token, next.tokens[i].moving);
		if (from > accepting->codes_from)
			accepting->codes_from = from;
	}
	return store_commit(txn, &next, why);
}

/*
 * Only an error of the disk, or a login that holds the record, stops it: with a record that does
 * not open nobody can log in.
 */
static int accept_record(struct ctl *ctl, struct accepting *accepting, const char *user)
{
	struct reason why = {""};
	enum totp_err err;

	if (text_copy(text_of(user), ctl->account.name, sizeof(ctl->account.name)) != TOTP_OK)
		return TOOL_DONE;
	err = ctl_edit_record(ctl, store_read, raise_record, accepting, &why);
	if (err == TOTP_ERR_NOT_FOUND) /* deleted meanwhile */
		return TOOL_DONE;
	if (err == TOTP_ERR_SEAL || err == TOTP_ERR_FORMAT || err == TOTP_ERR_RANGE ||
	    err == TOTP_ERR_UNSAFE || err == TOTP_ERR_UNSUPPORTED) {
		accepting->damaged++;
		return TOOL_DONE;
	}
	if (err != TOTP_OK)
		return tool_refuse(&ctl->tool, "%s: %s", user,
				   why.text[0] ? why.text : err_name(err));
	accepting->users++;
	accepting->recoveries += accepting->recovery;
	accepting->counters += accepting->counter;
	return TOOL_DONE;
}

static int accept_records(struct ctl *ctl, struct accepting *accepting)
{
	OWN_ENROLLED struct enrolled enrolled = {0};
	struct progress progress = progress_begin();
	int code = enrolled_list(&ctl->tool, &enrolled);

	for (size_t i = 0; i < enrolled.count && code == TOOL_DONE; i++) {
		progress_show(&progress, "changing records", i, enrolled.count);
		code = accept_record(ctl, accepting, enrolled.users[i]);
	}
	progress_clear(&progress);
	return code;
}

/* Files with the uid of another host's service account belong to another account here. */
static int check_store_owner(const struct ctl *ctl)
{
	const char *dir = ctl->tool.policy.store_dir;
	uid_t owner = files_owner_of(ctl->tool.store);
	struct account account = {.known = false};
	struct reason why = {""};

	if (account_find(SERVICE_ACCOUNT, &account, &why) != TOTP_OK)
		return tool_refuse(&ctl->tool, "%s", why.text);
	if (owner == 0 || (account.known && account.uid == owner))
		return TOOL_DONE;
	if (!account.known)
		return tool_refuse(&ctl->tool,
				   "the records in %s belong to uid %u, and there is no "
				   "account " SERVICE_ACCOUNT ": run systemd-sysusers first",
				   dir, (unsigned)owner);
	return tool_refuse(&ctl->tool,
			   "the records in %s belong to uid %u, and " SERVICE_ACCOUNT
			   " has uid %u here: run chown -hR " SERVICE_ACCOUNT ": %s/%s %s/%s %s/%s",
			   dir, (unsigned)owner, (unsigned)account.uid, dir,
			   files_part(FILES_PART_USERS), dir, files_part(FILES_PART_STATES), dir,
			   files_part(FILES_PART_INVITES));
}

static void print_accepted(const struct ctl *ctl, const struct accepting *accepting)
{
	char from[WHEN_MAX];

	printf("The store %s belongs to this machine now.\n", ctl->tool.policy.store_dir);
	if (accepting->codes_from)
		printf("Codes from %s on are accepted, no earlier ones. Temporary codes have "
		       "ended, and\nno address is remembered.\n",
		       when_clock(accepting->codes_from, from));
	if (accepting->damaged)
		printf("%zu record%s could not be read: see totpctl doctor\n", accepting->damaged,
		       accepting->damaged == 1 ? "" : "s");
	if (accepting->users == 0)
		return;
	printf("\nIf it comes from a backup, it does not know what happened since then:\n");
	if (accepting->recoveries)
		printf("  - Used recovery codes may be valid again (users who have any: %zu).\n"
		       "    New ones: totpctl recovery USER\n",
		       accepting->recoveries);
	if (accepting->counters)
		printf("  - Used codes of counter-based tokens may be valid again (users: %zu).\n"
		       "    For each: totpctl resync USER LABEL\n",
		       accepting->counters);
	printf("  - Devices that were removed, and users who were suspended or deleted since\n"
	       "    then, are back: look through totpctl list\n");
}

static int accept_store(struct ctl *ctl)
{
	struct accepting accepting = {0};
	uint8_t machine[SHA256_LEN];
	struct store *store;
	struct reason why = {""};
	int code = tool_open_anywhere(&ctl->tool, "accept a store");

	if (code == TOOL_DONE && ctl->tool.policy.store == STORE_IN_ETCD)
		return store_etcd_accept(ctl);
	if (code == TOOL_DONE)
		code = check_store_owner(ctl);
	if (code != TOOL_DONE)
		return code;
	store = ctl->tool.store;
	if (machine_hash(machine, &why) != TOTP_OK)
		return tool_refuse(&ctl->tool, "%s: run systemd-machine-id-setup", why.text);
	if (store_check_place(store, tool_deadline(), &why) == TOTP_OK) {
		printf("The store %s belongs to this machine: nothing is changed.\n",
		       ctl->tool.policy.store_dir);
		return TOOL_DONE;
	}
	accepting.now = clock_now();
	code = accept_records(ctl, &accepting);
	if (code != TOOL_DONE)
		return tool_refuse(&ctl->tool, "the store is not accepted: run this again");
	if (store_accept_place(store, accepting.now, tool_deadline(), &why) != TOTP_OK)
		return tool_refuse(&ctl->tool, "%s", why.text);
	tool_log(&ctl->tool, NULL, "store-accepted", NULL);
	print_accepted(ctl, &accepting);
	return TOOL_DONE;
}

const struct command ctl_store_accept = {
	.name = "store accept",
	.help = "accept a store that was moved here, or restored",
	.more = "No code from before now is accepted any more, temporary codes end, and it prints\n"
		"which recovery codes and counters may have been used. If the machine that the\n"
		"store comes from still runs, remove store and keyring there first.\n",
	.run = accept_store,
};
