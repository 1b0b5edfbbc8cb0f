#include "enroll/self.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "login/throttle.h"
#include "enroll/self_time.h"
#include "common/prompt.h"

int self_need_record(const struct self *self)
{
	if (self->enrolled && self->told.disabled)
		return tool_refuse(self->tool, "your administrator has switched off what you "
					       "have: every code is refused");
	if (self->enrolled)
		return TOOL_DONE;
	return tool_refuse(self->tool, "you have no phone enrolled here: run totp-enroll");
}

int self_denied(const struct self *self, const char *sentence)
{
	tool_refuse(self->tool, "%s", sentence);
	if (self->tool->policy.help[0])
		fprintf(stderr, "%s\n", self->tool->policy.help);
	return TOOL_REFUSED;
}

/* --- asking totpd --- */

/* It was not done. */
static int refuse(struct self *self, enum totp_err err, const char *why)
{
	const struct tool *tool = self->tool;

	if (err == TOTP_ERR_FORBIDDEN || err == TOTP_ERR_RANGE)
		return self_denied(self, why[0] ? why : "only your administrator can do this");
	if (err == TOTP_ERR_EXISTS)
		return tool_refuse(tool, "you are enrolled already: see totp-enroll status");
	if (err == TOTP_ERR_NOT_FOUND)
		return tool_refuse(tool, "you have no phone enrolled here any more");
	if (err == TOTP_ERR_OTHER_STORE)
		return tool_refuse(tool, "%s: please tell your administrator", why);
	self->unsure = err == TOTP_ERR_UNCERTAIN;
	if (self->unsure)
		return tool_refuse(tool, "it was done, but a power cut could undo it now: see "
					 "totp-enroll status");
	return tool_refuse(tool,
			   "that is not possible right now (%s): please tell your "
			   "administrator",
			   err_name(err));
}

/* No answer, or none that can be read: of a change it is not known whether it was made. */
static int refuse_silence(struct self *self, enum totp_err err, const struct reason *why)
{
	if (err == TOTP_ERR_NOT_FOUND)
		return tool_refuse(self->tool, "the service totpd is not running: please tell "
					       "your administrator");
	tool_refuse(self->tool, "%s", why->text);
	self->unsure = self->asked.op > WIRE_STATUS &&
		       (err == TOTP_ERR_TIMEOUT || err == TOTP_ERR_PEER);
	if (self->unsure)
		tool_refuse(self->tool, "whether it was done, 'totp-enroll status' tells");
	return TOOL_REFUSED;
}

void self_tell_unchanged(const struct self *self)
{
	if (!self->unsure)
		fprintf(stderr, "Nothing was changed.\n");
}

int self_ask(struct self *self, enum wire_op op, bool *ret_late)
{
	struct reason why = {""};
	enum totp_err err;

	self->asked.op = op;
	strcpy(self->asked.user, self->account.name);
	strcpy(self->asked.service, "totp-enroll");
	err = ask_totpd(&self->tool->policy, ASK_SOCKET, &self->asked, &self->told, &why);
	if (err != TOTP_OK)
		return refuse_silence(self, err, &why);
	err = self->told.err;
	if (ret_late)
		*ret_late = err == TOTP_ERR_TIMEOUT || err == TOTP_ERR_STALE;
	if (err == TOTP_OK)
		return TOOL_DONE;
	return ret_late && *ret_late ? TOOL_REFUSED : refuse(self, err, self->told.why.text);
}

/* --- a code that proves who asks --- */

static void tell_wait(const struct self *self, uint32_t seconds)
{
	char text[SELF_TIME_MAX];

	if (seconds == THROTTLE_FOREVER)
		self_denied(self, "too many wrong codes: please ask your administrator");
	else
		tool_refuse(self->tool, "too many wrong codes: try again in %s",
			    self_duration(seconds, text));
}

/* Only a time that is past is ever told. */
static void tell_wrong(const struct self *self, const struct outcome *outcome)
{
	char text[SELF_TIME_MAX];
	uint32_t period = 30;

	for (size_t i = 0; i < self->status.token_count; i++)
		if (strcmp(self->status.tokens[i].label, outcome->label) == 0)
			period = self->status.tokens[i].period;
	if (outcome->off)
		tool_refuse(self->tool,
			    "that is the code of %s ago: set your phone's clock by the network, "
			    "then try the next one",
			    self_duration((uint64_t)-outcome->offset * period, text));
	else
		tool_refuse(self->tool,
			    "that code was not accepted: is it the entry for this computer, and is "
			    "the phone's clock set by the network? Wait for the next one");
}

void self_tell_refusal(const struct self *self)
{
	const struct outcome *outcome = &self->told.outcome;

	if (outcome->verdict == VERDICT_WAIT)
		tell_wait(self, outcome->wait_seconds);
	else if (outcome->reason == JUDGE_USED_CODE)
		tool_refuse(self->tool, "that code was used already: wait for the next one");
	else if (outcome->reason == JUDGE_SPENT_RECOVERY)
		tool_refuse(self->tool, "that recovery code was used already: take another one");
	else if (outcome->reason == JUDGE_ENDED_BYPASS)
		tool_refuse(self->tool, "that temporary code does not work any more: ask your "
					"administrator");
	else if (outcome->reason == JUDGE_WRONG_RECOVERY)
		tool_refuse(self->tool, "that is none of your recovery codes");
	else
		tell_wrong(self, outcome);
}

/* Beside a new phone: which of the two is meant. */
static const char *which_phone(const struct self *self)
{
	if (self->request->what == REQUEST_ADD)
		return "your other phone";
	return self->request->what == REQUEST_REPLACE ? "the old phone" : "your phone";
}

/* Ask for a code of what the person has; TOOL_REFUSED without a sentence: nobody answers. */
static int type_code(struct self *self, struct answer *ret_answer)
{
	bool recovery = self->status.recovery_left > 0;
	char line[PROMPT_MAX] = "";
	bool got = false;
	enum totp_err err;

	printf("Code from %s%s: ", which_phone(self), recovery ? ", or a recovery code" : "");
	if (fflush(stdout) != 0)
		return tool_refuse(self->tool, "no code could be asked for: %s", strerror(errno));
	err = prompt_line(&self->asking, line, &got);
	answer_parse(got ? line : NULL, NULL, ret_answer);
	WIPE(line);
	if (!(got && isatty(STDIN_FILENO)))
		putchar('\n');
	if (err != TOTP_OK)
		return tool_refuse(self->tool, "no code could be read: %s", strerror(errno));
	return got ? TOOL_DONE : TOOL_REFUSED;
}

/* One try. *ret_again: another one may help. */
static int try_code(struct self *self, enum wire_op op, bool *ret_again)
{
	int code = type_code(self, &self->asked.answer);
	bool late = false;

	*ret_again = code == TOOL_DONE;
	if (code != TOOL_DONE)
		return code;
	if (self->asked.answer.kind != ANSWER_CODE && self->asked.answer.kind != ANSWER_RECOVERY)
		return tool_refuse(self->tool, "that is no code: type the digits that your phone "
					       "shows now");
	code = self_ask(self, op, &late);
	*ret_again = late;
	if (late)
		return tool_refuse(self->tool, "that took too long: once more, with fresh codes");
	if (code != TOOL_DONE || self->told.outcome.verdict == VERDICT_ALLOW)
		return code;
	self_tell_refusal(self);
	*ret_again = self->told.outcome.verdict == VERDICT_DENY;
	return TOOL_REFUSED;
}

int self_ask_with_code(struct self *self, enum wire_op op,
		       int (*before)(struct self *self, void *context), void *context)
{
	bool again = true;
	int code = TOOL_REFUSED;

	for (unsigned i = 0; i < SELF_TRIES && again; i++) {
		code = before ? before(self, context) : TOOL_DONE;
		if (code != TOOL_DONE)
			break;
		code = try_code(self, op, &again);
		if (code == TOOL_DONE)
			return code;
	}
	if (op != WIRE_CHECK) /* a wrong code is counted */
		self_tell_unchanged(self);
	return code;
}
