/* SPDX-License-Identifier: BSD-2-Clause */
#include "enroll/self.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "login/throttle.h"
#include "common/when.h"
#include "common/prompt.h"
#include "common/recovery_file.h"

int self_need_enrolled(const struct self *self)
{
	if (!self->enrolled)
		return tool_say(self->tool, SAY_ERROR, "not_enrolled",
				"you are not enrolled here: run totp-enroll");
	if (self->response.disabled)
		return self_denied(self, "disabled",
				   "your enrollment is suspended, so every code is denied: ask "
				   "your administrator");
	return TOOL_DONE;
}

const struct wire_shown *self_find_token(const struct self *self, const char *label)
{
	for (size_t i = 0; i < self->status.token_count; i++)
		if (strcmp(self->status.tokens[i].label, label) == 0)
			return &self->status.tokens[i];
	return NULL;
}

int self_hand_out_codes(const struct self *self, struct outfile *file)
{
	const struct recovery_file page = {self->account.name, self->response.codes,
					   self->response.code_count};

	if (file->path && recovery_file_save(self->tool, &page, file) != TOOL_DONE)
		outfile_drop(file); /* they are valid, so they are shown */
	return recovery_file_hand_out(self->tool, &page, file);
}

int self_denied(const struct self *self, const char *id, const char *sentence)
{
	tool_say(self->tool, SAY_ERROR, id, "%s", sentence);
	if (self->tool->policy.help[0])
		tool_say(self->tool, SAY_ASIDE, "help", "%s", self->tool->policy.help);
	return TOOL_REFUSED;
}

/* --- asking totpd --- */

/* totpd's response is an error: it was not done. */
static int refuse_error(struct self *self, enum totp_err err, const char *why)
{
	const struct tool *tool = self->tool;
	char word[ERR_WORD_MAX];

	err_word(err, word);
	if (err == TOTP_ERR_FORBIDDEN || err == TOTP_ERR_RANGE)
		return self_denied(self, word,
				   why[0] ? why : "only your administrator can do this");
	if (err == TOTP_ERR_EXISTS)
		return tool_say(tool, SAY_ERROR, "already_enrolled",
				"you are already enrolled: see totp-enroll status");
	if (err == TOTP_ERR_NOT_FOUND)
		return tool_say(tool, SAY_ERROR, "not_enrolled", "you are no longer enrolled here");
	if (err == TOTP_ERR_OTHER_STORE)
		return tool_say(tool, SAY_ERROR, word, "%s: please tell your administrator", why);
	self->unsure |= err == TOTP_ERR_UNCERTAIN || err == TOTP_ERR_TIMEOUT;
	if (err == TOTP_ERR_UNCERTAIN)
		return tool_say(tool, SAY_ERROR, "unsure",
				"it was done, but a power cut now could undo it: see totp-enroll "
				"status");
	if (err == TOTP_ERR_TIMEOUT)
		return tool_say(tool, SAY_ERROR, "unsure",
				"the store did not answer in time: 'totp-enroll status' shows "
				"whether it was done");
	return tool_say(tool, SAY_ERROR, word,
			"that is not possible right now (%s): please tell your administrator",
			err_name(err));
}

/* There was no valid response: a change may have been made, or not. */
static int refuse_silence(struct self *self, enum totp_err err, const struct reason *why)
{
	bool change = self->asked.op > WIRE_STATUS;

	if (err == TOTP_ERR_NOT_FOUND)
		return tool_say(self->tool, SAY_ERROR, "no_totpd",
				"the service totpd is not running: please tell your administrator");
	self->unsure |= change && (err == TOTP_ERR_TIMEOUT || err == TOTP_ERR_PEER);
	if (!self->unsure)
		return tool_result(self->tool, err, why);
	tool_say(self->tool, SAY_ERROR, "unsure", "%s", why->text);
	return tool_say(self->tool, SAY_ERROR, "unsure",
			"'totp-enroll status' shows whether it was done");
}

void self_tell_unchanged(const struct self *self)
{
	if (!self->unsure)
		tool_say(self->tool, SAY_ASIDE, "unchanged", "Nothing was changed.");
}

int self_ask(struct self *self, enum wire_op op, bool *ret_late)
{
	struct reason why = {""};
	enum totp_err err;

	self->asked.op = op;
	strcpy(self->asked.user, self->account.name);
	strcpy(self->asked.service, "totp-enroll");
	err = ask_totpd(&self->tool->policy, ASK_SOCKET, &self->asked, &self->response, &why);
	if (err != TOTP_OK)
		return refuse_silence(self, err, &why);
	err = self->response.err;
	/* a write that took too long may be done all the same, whatever comes after it */
	self->unsure |= op > WIRE_STATUS && err == TOTP_ERR_TIMEOUT;
	if (ret_late)
		*ret_late = err == TOTP_ERR_TIMEOUT || err == TOTP_ERR_STALE;
	if (err == TOTP_OK)
		return TOOL_DONE;
	return ret_late && *ret_late ? TOOL_REFUSED
				     : refuse_error(self, err, self->response.why.text);
}

/* --- a code that proves who asks --- */

/* The offset is only ever one to the past. */
static void tell_wrong_code(const struct self *self, const struct outcome *outcome)
{
	const struct wire_shown *token = self_find_token(self, outcome->label);
	char text[WHEN_MAX];

	if (outcome->off)
		tool_say(self->tool, SAY_ERROR, "clock",
			 "that is the code of %s ago: set your phone's clock to automatic, then "
			 "try the next one",
			 when_duration((uint64_t)-outcome->offset * (token ? token->period : 30),
				       text));
	else
		tool_say(self->tool, SAY_ERROR, "wrong_code",
			 "that code was not accepted: is it the entry for this computer, and is "
			 "the phone's clock set to automatic? Wait for the next one");
}

/* Print what became of an answer that was not accepted, and what to try. */
static void tell_denied(const struct self *self)
{
	static const char *const sentences[JUDGE_COUNT_] = {
		[JUDGE_USED_CODE] = "that code was already used: wait for the next one",
		[JUDGE_SPENT_RECOVERY] = "that recovery code was already used: use another one",
		[JUDGE_ENDED_BYPASS] =
			"that temporary code is no longer valid: ask your administrator",
		[JUDGE_WRONG_RECOVERY] = "that is none of your recovery codes",
	};
	const struct outcome *outcome = &self->response.outcome;
	const char *id = judge_reason_name(outcome->reason);
	char text[WHEN_MAX];

	if (outcome->verdict == VERDICT_WAIT && outcome->wait_seconds == THROTTLE_FOREVER)
		self_denied(self, "locked", "too many wrong codes: please ask your administrator");
	else if (outcome->verdict == VERDICT_WAIT)
		tool_say(self->tool, SAY_ERROR, "throttled",
			 "too many wrong codes: try again in %s",
			 when_duration(outcome->wait_seconds, text));
	else if (outcome->reason < JUDGE_COUNT_ && sentences[outcome->reason])
		tool_say(self->tool, SAY_ERROR, id, "%s", sentences[outcome->reason]);
	else
		tell_wrong_code(self, outcome);
}

/* Ask for a code of what the person has. */
static int type_code(struct self *self, struct answer *ret_answer)
{
	enum request_what what = self->request->what;
	char question[80];
	bool got = false;

	snprintf(question, sizeof(question), "Code from %s%s: ",
		 what == REQUEST_ADD       ? "your other phone"
		 : what == REQUEST_REPLACE ? "the old phone"
					   : "your phone",
		 self->status.recovery_left > 0 ? ", or a recovery code" : "");
	if (prompt_code(tool_ask(self->tool, "own_code", question), ret_answer, &got) != TOTP_OK)
		return tool_refuse(self->tool, "no code could be read: %s", strerror(errno));
	return got ? TOOL_DONE : tool_say(self->tool, SAY_ERROR, "no_answer", "no code was typed");
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
		return tool_say(self->tool, SAY_ERROR, "not_a_code",
				"that is not a code: type the digits that your phone shows now");
	code = self_ask(self, op, &late);
	*ret_again = late;
	if (late)
		return tool_say(self->tool, SAY_ERROR, "late",
				self->unsure ? "that took too long: 'totp-enroll status' shows "
					       "whether it was done; if not, try again with fresh "
					       "codes"
					     : "that took too long: try again with fresh codes");
	if (code != TOOL_DONE || self->response.outcome.verdict == VERDICT_ALLOW)
		return code;
	tell_denied(self);
	*ret_again = self->response.outcome.verdict == VERDICT_DENY;
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
