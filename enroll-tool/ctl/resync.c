/* SPDX-License-Identifier: BSD-2-Clause */
/* totpctl resync USER LABEL: find a hardware token that is out of step, by two codes. */
#include "common/ctl.h"

#include <errno.h>
#include <string.h>

#include "host/clock.h"
#include "login/answer.h"
#include "login/enroll.h"
#include "login/resync.h"
#include "common/interrupt.h"
#include "common/prompt.h"

struct search {
	const char *label;
	struct code first, second;
	enum totp_err found; /* TOTP_OK, or why nothing was changed */
	bool missing;        /* there is no token of that name */
	struct token token;
	uint64_t ahead; /* HOTP: codes that were passed over */
};

#define OWN_SEARCH OWN(search_wipe)

static void search_wipe(struct search *search)
{
	WIPE(*search);
}

/* --- the codes --- */

static enum totp_err read_code(const char *question, struct code *ret_code, bool *ret_is_code)
{
	OWN_ANSWER struct answer answer = {.kind = ANSWER_NONE};
	bool got = false;
	enum totp_err err = prompt_code(question, &answer, &got);

	*ret_is_code = answer.kind == ANSWER_CODE;
	*ret_code = answer.code;
	return err;
}

/* --- the token --- */

static enum totp_err store_found(struct store_txn *txn, struct search *search, unsigned index,
				 const struct token_state *moved, struct reason *why)
{
	OWN_CRED struct cred cred = txn->cred;
	struct login_state next = txn->state;
	const struct enroll_change change = {
		.cred = &cred, .token = search->token.id, .moving = moved->moving};

	if (search->token.type == TOKEN_HOTP) {
		next.tokens[index] = *moved;
		return store_commit(txn, &next, why);
	}
	cred.tokens[index] = search->token;
	return enroll_commit(txn, &change, why);
}

static int refuse_missing(const struct ctl *ctl, const char *label)
{
	return tool_refuse(&ctl->tool, "%s has no token \"%s\": 'totpctl show %s' lists them",
			   ctl->shown, label, ctl->shown);
}

static enum totp_err find_token(struct ctl *ctl, void *context, struct store_txn *txn,
				struct reason *why)
{
	struct search *search = context;
	struct token_state moved;
	int index = enroll_find(&txn->cred, search->label);

	(void)ctl;
	search->missing = index < 0;
	if (search->missing)
		return TOTP_OK;

	search->token = txn->cred.tokens[index];
	moved = txn->state.tokens[index];
	search->found =
		resync(&search->token, &moved, &search->first, &search->second, clock_now());
	if (search->found != TOTP_OK)
		return TOTP_OK;
	search->ahead = moved.moving - txn->state.tokens[index].moving - 2;
	return store_found(txn, search, (unsigned)index, &moved, why);
}

/* --- the result --- */

static int refuse_codes(const struct ctl *ctl, const struct search *search)
{
	const struct tool *tool = &ctl->tool;
	const char *label = search->token.label;

	if (search->missing)
		return refuse_missing(ctl, search->label);
	if (search->found == TOTP_ERR_NOT_FOUND)
		return tool_refuse(tool,
				   "these are not two codes in a row of \"%s\": type two new ones, "
				   "in the order in which it shows them",
				   label);
	if (search->found == TOTP_ERR_STALE)
		return tool_refuse(tool, "the second code was used before: wait for two new ones");
	if (search->found == TOTP_ERR_UNSUPPORTED)
		return tool_refuse(tool,
				   "\"%s\" is no longer valid since 'totpctl repair': enroll it "
				   "again",
				   label);
	return tool_refuse(tool, "the codes could not be checked: %s", err_name(search->found));
}

static void print_found(const struct search *search)
{
	const struct token *token = &search->token;
	int64_t off = token->offset;
	uint64_t seconds = (uint64_t)(off < 0 ? -off : off) * token->period;
	char text[WHEN_MAX];

	if (token->type == TOKEN_HOTP)
		printf("Done: \"%s\" was %llu code%s ahead; its next codes are accepted.\n",
		       token->label, (unsigned long long)search->ahead,
		       search->ahead == 1 ? "" : "s");
	else if (off == 0)
		printf("Done: the clock of \"%s\" is right.\n", token->label);
	else
		printf("Done: the clock of \"%s\" is %s %s; logins take that into account now.\n",
		       token->label, when_duration(seconds, text), off < 0 ? "behind" : "ahead");
	printf("The next login needs the code after these two.\n");
}

static int resync_token(struct ctl *ctl)
{
	OWN_TXN struct store_txn txn = STORE_TXN_NONE;
	OWN_SEARCH struct search search = {.label = ctl->words[1]};
	struct reason why = {""};
	bool good = false, there;
	enum totp_err err;
	int code = ctl_find_user(ctl, ctl->words[0]);

	if (code != TOOL_DONE)
		return code;
	/* before anybody presses a button */
	err = store_read(ctl->tool.store, ctl->account.name, tool_deadline(), &txn, &why);
	there = err == TOTP_OK && enroll_find(&txn.cred, search.label) >= 0;
	store_end(&txn);
	if (err != TOTP_OK)
		return ctl_refuse_record(ctl, err, &why);
	if (!there)
		return refuse_missing(ctl, search.label);

	interrupt_hold();
	err = read_code("First code of the token: ", &search.first, &good);
	if (err == TOTP_OK && good)
		err = read_code("The code that follows it: ", &search.second, &good);
	if (err != TOTP_OK)
		return tool_refuse(&ctl->tool, "no code could be read: %s", strerror(errno));
	if (!good)
		return tool_refuse(&ctl->tool, "that is not a code: nothing is changed");
	code = ctl_edit(ctl, store_read, find_token, &search);
	if (code != TOOL_DONE)
		return code;
	if (search.missing || search.found != TOTP_OK)
		return refuse_codes(ctl, &search);
	tool_log(&ctl->tool, ctl->account.name, "resynced", search.label);
	print_found(&search);
	return TOOL_DONE;
}

const struct command ctl_resync = {
	.name = "resync",
	.arguments = "USER LABEL",
	.help = "synchronize a hardware token whose codes are denied",
	.more = "Asks for two codes that the token shows one after the other. A counter-based\n"
		"token is found up to 1000 presses ahead, the clock of another up to two days\n"
		"off.\n",
	.doing = "change records",
	.run = resync_token,
};
