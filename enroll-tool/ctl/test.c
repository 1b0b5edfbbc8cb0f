/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * totpctl test USER: what a login would meet and why, rule by rule, and what it would make
 * of a code. It reads and never writes: no code is used up, no failure counted.
 */
#include "common/ctl.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "host/clock.h"
#include "host/facts.h"
#include "host/source.h"
#include "login/attempt.h"
#include "login/invitation.h"
#include "login/judge.h"
#include "login/throttle.h"
#include "common/service.h"
#include "common/interrupt.h"
#include "common/prompt.h"

static struct {
	const char *service, *from;
} options;

static const struct option_row option_rows[] = {
	{"service", "NAME", "use the lines of /etc/pam.d/NAME, such as sshd",
	 .text = &options.service},
	{"from", "ADDRESS", "the address that the login comes from (this host)",
	 .text = &options.from},
	{0},
};

struct trial {
	struct ctl *ctl;
	struct address address;
	struct gate_facts facts;
	struct attempt who; /* its policy: the file's, and the arguments of the PAM line */
	struct look look;
	enum totp_err look_err; /* of looking… */
	struct reason look_why; /* …and a sentence */
};

/* --- where from --- */

static int find_source(struct trial *trial)
{
	struct ctl *ctl = trial->ctl;
	const struct origin caller = {
		.real_uid = ctl->account.uid, .service = options.service, .rhost = options.from};
	char text[SOURCE_TEXT_MAX];

	if (options.from && !address_read(text_of(options.from), &trial->address))
		return tool_usage(&ctl->tool,
				  "--from: expected an address such as 192.0.2.1 or 2001:db8::1");
	trial->who.source = source_of_login(&caller, &trial->address);
	source_text(&trial->who.source, text);
	printf("A login as %s, source %s", ctl->shown, text);
	printf(options.service ? ", by /etc/pam.d/%s\n" : "%s, by the policy alone\n",
	       options.service ? options.service : "");
	return TOOL_DONE;
}

/* --- the rules --- */

static void print_rule(bool decides, bool fits, const char *rule)
{
	printf("  %s  %-3s  %s\n", decides ? "->" : "  ", fits ? "yes" : "no", rule);
}

static void print_rules(const struct trial *trial, enum gate_reason reason)
{
	const struct gate_facts *facts = &trial->facts;
	const struct policy *policy = trial->who.policy;
	bool must_enroll = reason == GATE_REASON_MUST_ENROLL;
	bool required = gate_requires(trial->who.policy, facts, trial->who.now);
	bool by_date = reason == GATE_REASON_REQUIRED && !facts->required, none;

	printf("\nThe first rule that fits decides whether a code is asked for:\n");
	print_rule(reason == GATE_REASON_TRUSTED, facts->trusted,
		   "the address is in trusted_networks: not asked");
	if (policy->enroll_in_account && policy->enroll_login)
		print_rule(must_enroll, must_enroll,
			   gate_is_closed(policy, trial->who.now)
				   ? "the user needs a code, is not enrolled, and is invited: "
				     "enrolls in the login"
				   : "the user needs a code, and is not enrolled: enrolls in the "
				     "login");
	print_rule(reason == GATE_REASON_REQUIRED && facts->required, facts->required,
		   "the user is in required_for: asked");
	print_rule(reason == GATE_REASON_EXEMPT, facts->exempt, "the user is in exempt: not asked");
	print_rule(by_date, required && !facts->required,
		   "enforce is required, or its date has come: asked");
	print_rule(reason == GATE_REASON_ENROLLED, facts->enrolled && !facts->pending,
		   facts->pending ? "the user is enrolled, and has given a first code: asked"
				  : "the user is enrolled: asked");
	print_rule(reason == GATE_REASON_UNKNOWN, !facts->known,
		   "the host does not know the user: asked");
	none = reason == GATE_REASON_NOT_REQUIRED || reason == GATE_REASON_NOT_CONFIRMED;
	print_rule(none, none, "none of these: not asked");
}

/* --- the code --- */

static int print_verdict(bool in, const char *sentence)
{
	printf("\n%s: %s.\n", in ? "Allowed" : "Denied", sentence);
	return in ? TOOL_DONE : TOOL_REFUSED;
}

static const char disabled[] =
	"the user is suspended, so every code is denied: 'totpctl resume' undoes it";

static const char clock_back[] =
	"the last code used is of a later time than this host's: set the clock, then 'totpctl "
	"repair-clock'";

static const char *sentence_of(enum judge_reason reason)
{
	static const char *const sentences[JUDGE_COUNT_] = {
		[JUDGE_CODE] = "a code that is right and not used",
		[JUDGE_RECOVERY] = "a recovery code that is right and not used",
		[JUDGE_WRONG_CODE] = "a wrong code; a login would count it",
		[JUDGE_USED_CODE] = "a right code that was used before; a login would not count it",
		[JUDGE_THROTTLED] =
			"too many wrong codes, so none is checked: 'totpctl unlock' resets them",
		[JUDGE_CLOCK_BACK] = clock_back,
		[JUDGE_WRONG_RECOVERY] = "a wrong recovery code; a login would not count it",
		[JUDGE_SPENT_RECOVERY] =
			"a recovery code that was used before, or invalid since 'totpctl repair'",
		[JUDGE_BYPASS] = "a temporary code that is right and still valid",
		[JUDGE_ENDED_BYPASS] =
			"a temporary code that has expired, or was used as often as it may",
		[JUDGE_DISABLED] = disabled,
		[JUDGE_NO_ANSWER] = "an empty answer",
	};

	return sentences[reason]
		       ? sentences[reason]
		       : "that is neither a code nor a recovery code; a login would not count it";
}

static void print_offset(const struct store_txn *txn, const struct answer *answer, int64_t now)
{
	const struct token *token;
	struct offset offset;

	if (judge_offset(&txn->cred, &txn->state, answer, now, &offset) != TOTP_OK || !offset.found)
		return;
	token = &txn->cred.tokens[offset.token];
	if (token->type == TOKEN_HOTP)
		printf("It is a code of \"%s\", %lld ahead: 'totpctl resync' finds it again.\n",
		       token->label, (long long)offset.distance);
	else if (offset.whole_hours)
		printf("It is a code of \"%s\", %+lld hours away: compare 'date -u' with the "
		       "right time;\na hardware clock in local time, or a wrong time zone, does "
		       "this.\n",
		       token->label, (long long)offset.distance);
	else
		printf("It is a code of \"%s\", %+lld seconds away: look at the clocks.\n",
		       token->label, (long long)offset.distance * token->period);
}

static int test_answer(const struct trial *trial, const struct store_txn *txn,
		       const struct answer *answer)
{
	const struct tool *tool = &trial->ctl->tool;
	int64_t now = clock_now();
	const struct claim claim = {.cred = &txn->cred,
				    .state = &txn->state,
				    .policy = trial->who.policy,
				    .answer = answer,
				    .source = trial->who.source,
				    .now = now};
	struct ruling ruling;
	enum totp_err err = judge(&claim, &ruling);

	if (err != TOTP_OK)
		return tool_refuse(tool, "the code could not be checked: %s", err_name(err));
	print_verdict(ruling.verdict == VERDICT_ALLOW, sentence_of(ruling.reason));
	if (ruling.token >= 0)
		printf("The token is \"%s\".\n", txn->cred.tokens[ruling.token].label);
	if (ruling.reason == JUDGE_WRONG_CODE)
		print_offset(txn, answer, now);
	return ruling.verdict == VERDICT_ALLOW ? TOOL_DONE : TOOL_REFUSED;
}

/* Report tokens whose last code lies in the future; returns whether that is so for all. */
static bool print_ahead(const struct trial *trial, const struct store_txn *txn)
{
	bool all = true;

	for (size_t i = 0; i < txn->cred.token_count; i++) {
		bool ahead = judge_is_ahead(&txn->cred.tokens[i], &txn->state.tokens[i],
					    trial->who.policy, trial->who.now);

		if (ahead)
			printf("  the last code of \"%s\" is of a later time than this host's, so "
			       "its codes are\n  denied: set the clock, then 'totpctl repair-clock "
			       "%s'\n",
			       txn->cred.tokens[i].label, trial->ctl->shown);
		all &= ahead;
	}
	return all;
}

/* stuck: the codes of all tokens are denied, since the clock was set back. */
static int ask_code(const struct trial *trial, const struct store_txn *txn, bool stuck)
{
	OWN_ANSWER struct answer answer = {.kind = ANSWER_NONE};
	bool got = false;
	enum totp_err err;

	interrupt_hold();
	err = prompt_code("\nCode to try, which is not used up (Enter for none): ", &answer, &got);
	if (err != TOTP_OK)
		return tool_refuse(&trial->ctl->tool, "no code could be read: %s", strerror(errno));
	if (answer.kind == ANSWER_NONE)
		return stuck ? print_verdict(false, clock_back)
			     : print_verdict(true, "with a right code");
	return test_answer(trial, txn, &answer);
}

/* --- the record --- */

static uint32_t print_tries(const struct trial *trial, const struct store_txn *txn)
{
	struct login_state state = txn->state;
	const struct throttle *throttle = throttle_of(&state, &trial->who.source);
	bool is_known = throttle < state.shared || throttle >= state.shared + SOURCE_CLASSES;
	struct throttle left = ctl_throttle_at(throttle, trial->who.policy, trial->who.now);
	uint32_t wait = throttle_wait(throttle, trial->who.policy, trial->who.now);
	char text[WHEN_MAX];

	printf("  wrong codes from %s: %u of %u, in the long run %u of %u\n",
	       is_known ? "this known source" : "new sources like this one",
	       (unsigned)left.burst.used, (unsigned)trial->who.policy->attempts,
	       (unsigned)left.total.used, (unsigned)trial->who.policy->attempts_total);
	if (wait && wait != THROTTLE_FOREVER)
		printf("  the next try is possible in %s\n", when_duration(wait, text));
	return wait;
}

static void print_enrollment(const struct store_txn *txn, int64_t now)
{
	const struct cred *cred = &txn->cred;
	unsigned left = bypass_left(cred, &txn->state, now);
	char until[WHEN_MAX];

	printf("\nThe record is undamaged:\n  tokens: ");
	for (size_t i = 0; i < cred->token_count; i++)
		printf("%s\"%s\"", i ? ", " : "", cred->tokens[i].label);
	printf("; recovery codes left: %u\n", recovery_left(cred, &txn->state));
	if (left)
		printf("  a temporary code works %u more time%s until %s\n", left,
		       left == 1 ? "" : "s", when_iso(cred->bypass.expires, until));
	if (state_is_pending(&txn->state, cred))
		printf("  not confirmed yet: waits for the first correct code\n");
}

static int test_record(const struct trial *trial)
{
	OWN_TXN struct store_txn txn = STORE_TXN_NONE;
	const struct ctl *ctl = trial->ctl;
	struct reason why = trial->look_why;
	enum totp_err err = trial->look_err;
	bool stuck;

	if (err == TOTP_OK)
		err = store_read(ctl->tool.store, ctl->account.name, tool_deadline(), &txn, &why);
	if (err == TOTP_OK)
		attempt_raise(&txn, trial->who.policy, trial->who.now);
	if (err != TOTP_OK) {
		ctl_refuse_record(ctl, err, &why);
		return print_verdict(false, "the record cannot be read");
	}
	print_enrollment(&txn, trial->who.now);
	stuck = print_ahead(trial, &txn);
	if (txn.cred.disabled)
		return print_verdict(false, disabled);
	if (trial->look.remembered)
		return print_verdict(true, "the address is remembered, so no code is asked for");
	if (print_tries(trial, &txn))
		return print_verdict(false, "too many wrong codes: 'totpctl unlock' resets them");
	return ask_code(trial, &txn, stuck);
}

/* The facts by which the gate decides. */
static enum totp_err gather_facts(struct trial *trial, struct reason *why)
{
	const struct ctl *ctl = trial->ctl;
	const struct facts_subject subject = {&ctl->account, NULL, &trial->address};
	enum totp_err err = facts_find(trial->who.policy, &subject, &trial->facts, why);

	if (err == TOTP_OK)
		err = tool_enrolled(&ctl->tool, ctl->account.name, &trial->facts.enrolled, why);
	if (err == TOTP_ERR_RANGE) /* a name that is too long for a record has none */
		err = TOTP_OK;
	if (err == TOTP_OK)
		err = invitation_find(ctl->tool.store, &trial->who, ENROLL_IN_LOGIN, &trial->facts,
				      why);
	return err;
}

static int test_login(struct trial *trial)
{
	const struct ctl *ctl = trial->ctl;
	OWN_TXN struct store_txn txn = STORE_TXN_NONE;
	enum gate_reason reason = GATE_REASON_NONE;
	struct reason why = {""};
	enum gate_verdict verdict;

	trial->who.user = ctl->account.name;
	trial->who.uid = ctl->account.uid;
	trial->who.now = clock_now();
	if (gather_facts(trial, &why) != TOTP_OK) {
		tool_refuse(&ctl->tool, "%s", why.text);
		return print_verdict(false, "the module could not check");
	}
	/* an error counts only if the record decides, after the rules */
	trial->look = (struct look){.pending = false};
	trial->look_err = TOTP_OK;
	if (trial->facts.known && trial->facts.enrolled) {
		trial->look_err = attempt_look(ctl->tool.store, &trial->who, &txn, &trial->look,
					       &trial->look_why);
		store_end(&txn);
		trial->facts.pending = trial->look.pending;
	}
	verdict = gate(trial->who.policy, &trial->facts, trial->who.now, &reason);
	print_rules(trial, reason);
	if (verdict == GATE_SKIP)
		return print_verdict(true, "no code is asked for, and the other modules decide");
	if (verdict == GATE_ENROLL)
		return print_verdict(true, "after an enrollment in the login");
	if (!trial->facts.known)
		return print_verdict(false, "there is no such account");
	if (!trial->facts.enrolled)
		return print_verdict(false, "a code is asked for, and the user is not enrolled");
	return test_record(trial);
}

static int test_line(void *context, const struct stack_line *line, const struct policy *policy)
{
	struct trial *trial = context;

	if (line)
		printf("\nThe line %s:%u\n", line->file, line->number);
	trial->who.policy = policy;
	if (strcmp(policy->store_dir, trial->ctl->tool.policy.store_dir) != 0 ||
	    strcmp(policy->keyring, trial->ctl->tool.policy.keyring) != 0)
		return tool_refuse(&trial->ctl->tool,
				   "this line uses a policy with another store: give that policy "
				   "with --conf");
	if (!policy->if_publickey)
		return test_login(trial);
	printf("  allows logins with an SSH key or ticket; others continue with the lines below\n");
	return TOOL_DONE;
}

static int test_user(struct ctl *ctl)
{
	struct trial trial = {.ctl = ctl};
	int code = find_source(&trial);

	if (code != TOOL_DONE)
		return code;
	return options.service ? service_each_line(&ctl->tool, options.service, test_line, &trial)
			       : test_line(&trial, NULL, &ctl->tool.policy);
}

const struct command ctl_test = {
	.name = "test",
	.arguments = "USER",
	.help = "what would happen at a login, and why",
	.more = "Asks for a code, and reports what a login would do with it. It changes nothing:\n"
		"the code is not used up, a wrong one is not counted. Without an answer no code\n"
		"is checked.\n",
	.options = option_rows,
	.doing = "try logins",
	.each_user = test_user,
};
