/* SPDX-License-Identifier: BSD-2-Clause */
#include <string.h>

#include "common/service.h"
#include "enroll/self.h"

int self_test(struct self *self)
{
	const struct outcome *outcome = &self->response.outcome;
	int code = self_need_enrolled(self);

	if (code == TOOL_DONE)
		code = self_ask_with_code(self, WIRE_CHECK, NULL, NULL);
	if (code != TOOL_DONE)
		return code;
	if (outcome->reason == JUDGE_CODE)
		tool_say(self->tool, SAY_DONE, "code",
			 "Right: that is a code of \"%s\".\n"
			 "It is used up now: your next login needs the next one.",
			 outcome->label);
	else if (outcome->reason == JUDGE_BYPASS)
		tool_say(self->tool, SAY_DONE, "bypass",
			 "Right: that was a temporary code.\nOne use of it is gone; %u left.",
			 outcome->bypass_left);
	else
		tool_say(self->tool, SAY_DONE, "recovery_code",
			 "Right: that was a recovery code.\nIt is used up now; %u left.",
			 outcome->recovery_left);
	return TOOL_DONE;
}

static int choose_token(struct self *self)
{
	const char *label = self->request->label;

	if (!self_find_token(self, label))
		return tool_say(self->tool, SAY_ERROR, "no_token",
				"you have no \"%s\": see totp-enroll status", label);
	strcpy(self->asked.label, label);
	return TOOL_DONE;
}

int self_remove(struct self *self)
{
	int code = self_need_enrolled(self);

	if (code == TOOL_DONE)
		code = choose_token(self);
	if (code == TOOL_DONE && self->status.token_count == 1)
		code = tool_say(self->tool, SAY_ERROR, "only_token",
				"\"%s\" is the only one you have: replace it, or delete your "
				"enrollment with totp-enroll delete",
				self->asked.label);
	if (code == TOOL_DONE)
		code = self_ask_with_code(self, WIRE_REMOVE, NULL, NULL);
	if (code == TOOL_DONE)
		tool_say(self->tool, SAY_DONE, "token-removed",
			 "Done: codes of \"%s\" are denied from now on.", self->asked.label);
	return code;
}

int self_rename(struct self *self)
{
	int code = self_need_enrolled(self);

	if (code == TOOL_DONE)
		code = choose_token(self);
	strcpy(self->asked.new_label, self->request->new_label);
	if (code == TOOL_DONE)
		code = self_ask_with_code(self, WIRE_RENAME, NULL, NULL);
	if (code == TOOL_DONE)
		tool_say(self->tool, SAY_DONE, "token-renamed",
			 "Done: \"%s\" is called \"%s\" now.", self->asked.label,
			 self->asked.new_label);
	return code;
}

int self_recovery(struct self *self)
{
	OWN_OUTFILE struct outfile file = OUTFILE_NONE;
	int code = self_need_enrolled(self);

	if (code == TOOL_DONE)
		code = outfile_create(self->tool, self->request->save, &file);
	if (code == TOOL_DONE)
		code = self_ask_with_code(self, WIRE_RECOVERY, NULL, NULL);
	if (code != TOOL_DONE)
		return code;
	tool_say(self->tool, SAY_DONE, "recovery-codes-made",
		 "Done: your old recovery codes are no longer valid.");
	return self_hand_out_codes(self, &file);
}

int self_delete(struct self *self)
{
	int code = self_need_enrolled(self);
	char overrides[SERVICE_OVERRIDES_MAX] = "";

	if (code == TOOL_DONE && self->response.required)
		return tool_say(self->tool, SAY_ERROR, "required",
				"a login as %s needs a code, so only your administrator can delete "
				"your enrollment",
				self->account.name);
	if (code != TOOL_DONE)
		return code;
	service_overrides(self->tool, overrides);
	tool_say(self->tool, SAY_NOTE, "delete",
		 "Your phones and recovery codes here are then no longer valid.");
	if (overrides[0])
		tool_say(self->tool, SAY_NOTE, "overrides",
			 "The PAM lines of these services differ from the policy's file: %s.\n"
			 "Where a line requires a code, you cannot log in until you enroll again.",
			 overrides);
	else
		tool_say(self->tool, SAY_NOTE, "no_code", "A login will then need no code.");
	code = self_ask_with_code(self, WIRE_DISABLE, NULL, NULL);
	if (code == TOOL_DONE)
		tool_say(self->tool, SAY_DONE, "revoked", "Done: %s. To enroll again: totp-enroll",
			 overrides[0] ? "your enrollment is deleted"
				      : "a login no longer needs a code");
	return code;
}
