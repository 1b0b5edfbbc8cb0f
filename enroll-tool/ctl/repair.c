/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * totpctl repair, repair-clock and adopt: three states in which a login denies a right code until
 * an administrator has decided. They allow as little as they can: repair accepts no code that could
 * have been used before, and repair-clock goes back no further than to now.
 */
#include "common/ctl.h"

#include "host/clock.h"
#include "login/enroll.h"

/* --- repair --- */

struct repair {
	int64_t now;
	int64_t codes_from; /* 0: no token is left that works */
	bool hotp;          /* counter-based tokens are invalid… */
	bool recovery;      /* …and recovery codes */
};

static void describe_repair(struct repair *repair, const struct cred *cred,
			    const struct login_state *state)
{
	repair->codes_from = 0;
	repair->hotp = false;
	repair->recovery = cred->recovery_count > 0;
	for (size_t i = 0; i < cred->token_count; i++) {
		int64_t from;

		if (cred->tokens[i].type == TOKEN_HOTP) {
			repair->hotp = true;
			continue;
		}
		from = ctl_next_code_at(&cred->tokens[i], state->tokens[i].moving);
		if (repair->codes_from == 0 || from < repair->codes_from)
			repair->codes_from = from;
	}
}

static enum totp_err make_state(struct ctl *ctl, void *context, struct store_txn *txn,
				struct reason *why)
{
	OWN_CRED struct cred cred = txn->cred;
	struct repair *repair = context;
	struct login_state state;
	enum totp_err err;

	repair->now = clock_now();
	err = enroll_repair(&cred, repair->now, ctl_steps_ahead(&ctl->tool.policy), &state);
	if (err != TOTP_OK) {
		reason_set(why, "cannot make a new login state: %s", err_name(err));
		return err;
	}
	describe_repair(repair, &cred, &state);
	return store_replace(txn, &cred, &state, why);
}

static void print_repair(const struct ctl *ctl, const struct repair *repair)
{
	char from[WHEN_MAX], wait[WHEN_MAX];
	int64_t seconds = repair->codes_from - repair->now;

	printf("The login state of %s is new.\n", ctl->shown);
	if (repair->codes_from)
		printf("%s can log in with codes from %s on (in %s).\n", ctl->shown,
		       when_clock(repair->codes_from, from),
		       when_duration(seconds > 0 ? (uint64_t)seconds : 0, wait));
	else
		printf("No token of %s works any more.\n", ctl->shown);
	if (repair->hotp)
		printf("Counter-based tokens are no longer valid: enroll them again.\n");
	if (repair->recovery)
		printf("Recovery codes are no longer valid: %s needs new ones.\n", ctl->shown);
}

static int repair_state(struct ctl *ctl)
{
	OWN_TXN struct store_txn txn = STORE_TXN_NONE;
	struct repair repair = {0};
	struct reason why = {""};
	enum totp_err err =
		store_read(ctl->tool.store, ctl->account.name, tool_deadline(), &txn, &why);
	int code;

	store_end(&txn);
	if (err == TOTP_OK) {
		printf("The record of %s is undamaged: nothing is changed.\n", ctl->shown);
		return TOOL_DONE;
	}
	/* these are of the record itself; a new state can repair it */
	if (err != TOTP_ERR_SEAL && err != TOTP_ERR_FORMAT && err != TOTP_ERR_RANGE &&
	    err != TOTP_ERR_UNSAFE)
		return ctl_refuse_record(ctl, err, &why);
	code = ctl_edit(ctl, store_read_cred, make_state, &repair);
	if (code != TOOL_DONE)
		return code;
	tool_log(&ctl->tool, ctl->account.name, "repaired", NULL);
	print_repair(ctl, &repair);
	return TOOL_DONE;
}

const struct command ctl_repair = {
	.name = "repair",
	.arguments = "USER",
	.help = "make a lost or damaged login state again",
	.more = "Which codes were used before is no longer known, so codes of now and of the next\n"
		"minutes are denied, and recovery codes and counter-based tokens become invalid.\n",
	.doing = "repair records",
	.each_user = repair_state,
};

/* --- repair-clock --- */

/* A TOTP token whose last code lies in the future. */
struct ahead {
	char label[CRED_LABEL_MAX + 1];
	uint64_t seconds;   /* how far */
	int64_t codes_from; /* when the code after the last one begins, as it is now */
	bool set_back;
};

struct clock_repair {
	size_t count;
	struct ahead tokens[CRED_TOKENS_MAX];
	bool changed;
};

/* Set one token back to the step of now, unless `repair` set it: that passes in minutes. */
static enum totp_err set_token_back(struct clock_repair *repair, const struct token *token,
				    struct token_state *state, const struct policy *policy,
				    int64_t now)
{
	struct ahead *ahead = &repair->tokens[repair->count];
	uint64_t step = 0;
	enum totp_err err = token->type == TOKEN_TOTP ? token_step_at(token, now, &step) : TOTP_OK;

	if (err != TOTP_OK || token->type != TOKEN_TOTP || state->moving <= step + policy->window)
		return err;
	*ahead = (struct ahead){.seconds = (state->moving - step) * token->period,
				.set_back = state->moving > step + ctl_steps_ahead(policy)};
	memcpy(ahead->label, token->label, sizeof(ahead->label));
	if (ahead->set_back)
		state->moving = step;
	ahead->codes_from = ctl_next_code_at(token, state->moving);
	repair->changed |= ahead->set_back;
	repair->count++;
	return TOTP_OK;
}

static enum totp_err set_back(struct ctl *ctl, void *context, struct store_txn *txn,
			      struct reason *why)
{
	struct clock_repair *repair = context;
	struct login_state next = txn->state;
	int64_t now = clock_now();
	enum totp_err err = TOTP_OK;

	*repair = (struct clock_repair){0};
	for (size_t i = 0; i < txn->cred.token_count && err == TOTP_OK; i++)
		err = set_token_back(repair, &txn->cred.tokens[i], &next.tokens[i],
				     &ctl->tool.policy, now);
	if (err != TOTP_OK)
		reason_set(why, "the clock of this host reads a time before 1970: set it right");
	if (err != TOTP_OK || !repair->changed)
		return err;
	(void)enroll_forget(&next); /* logins of the future would be remembered then */
	return store_commit(txn, &next, why);
}

static void print_clock_repair(const struct ctl *ctl, const struct clock_repair *repair)
{
	char far[WHEN_MAX], from[WHEN_MAX];

	for (size_t i = 0; i < repair->count; i++) {
		const struct ahead *ahead = &repair->tokens[i];

		printf("\"%s\": its last code was %s in the future%s; codes from %s on are "
		       "accepted.\n",
		       ahead->label, when_duration(ahead->seconds, far),
		       ahead->set_back ? "" : ", which passes by itself",
		       when_clock(ahead->codes_from, from));
	}
	if (repair->count == 0)
		printf("No token of %s is ahead of this host's clock: nothing is changed.\n",
		       ctl->shown);
}

static int repair_clock(struct ctl *ctl)
{
	struct clock_repair repair = {0};
	int code = ctl_edit(ctl, store_read, set_back, &repair);

	if (code != TOOL_DONE)
		return code;
	for (size_t i = 0; i < repair.count; i++)
		if (repair.tokens[i].set_back)
			tool_log(&ctl->tool, ctl->account.name, "clock-repaired",
				 repair.tokens[i].label);
	print_clock_repair(ctl, &repair);
	return TOOL_DONE;
}

const struct command ctl_repair_clock = {
	.name = "repair-clock",
	.arguments = "USER",
	.help = "the host's clock was ahead: accept codes again",
	.more = "For a token whose last code lies in the future. First set the clock right.\n",
	.doing = "repair records",
	.each_user = repair_clock,
};

/* --- adopt: the account has a new uid --- */

struct adopt {
	bool was_bound;
	uint32_t was_uid;
	bool changed;
};

static enum totp_err bind_uid(struct ctl *ctl, void *context, struct store_txn *txn,
			      struct reason *why)
{
	OWN_CRED struct cred cred = txn->cred;
	struct adopt *adopt = context;

	adopt->was_bound = cred.uid_bound;
	adopt->was_uid = cred.uid;
	adopt->changed = !cred.uid_bound || cred.uid != ctl->account.uid;
	if (!adopt->changed)
		return TOTP_OK;

	cred.uid_bound = true;
	cred.uid = ctl->account.uid;
	return enroll_commit(txn, &(struct enroll_change){.cred = &cred}, why);
}

static void print_adopt(const struct ctl *ctl, const struct adopt *adopt)
{
	unsigned uid = ctl->account.uid;

	if (!adopt->changed)
		printf("The record of %s belongs to uid %u already: nothing is changed.\n",
		       ctl->shown, uid);
	else if (adopt->was_bound)
		printf("The record of %s belonged to uid %u and now belongs to uid %u.\n",
		       ctl->shown, (unsigned)adopt->was_uid, uid);
	else
		printf("The record of %s was bound to no uid and now belongs to uid %u.\n",
		       ctl->shown, uid);
}

static int adopt_user(struct ctl *ctl)
{
	struct adopt adopt = {0};
	int code;

	if (!ctl->account.known)
		return tool_refuse(&ctl->tool, "there is no account %s: create it first",
				   ctl->shown);
	code = ctl_edit(ctl, store_read, bind_uid, &adopt);
	if (code != TOOL_DONE)
		return code;
	if (adopt.changed)
		tool_log(&ctl->tool, ctl->account.name, "adopted", NULL);
	print_adopt(ctl, &adopt);
	return TOOL_DONE;
}

const struct command ctl_adopt = {
	.name = "adopt",
	.arguments = "USER",
	.help = "the account has a new uid: let it keep its tokens",
	.more = "First make sure that it is the same person: the tokens that are enrolled then\n"
		"work for the account as it is now.\n",
	.doing = "adopt records",
	.each_user = adopt_user,
};
