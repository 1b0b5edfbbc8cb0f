/* SPDX-License-Identifier: BSD-2-Clause */
#include <string.h>

#include "enroll/self.h"
#include "enroll/enroll_steps.h"

/* A new phone, and how far it has come. */
struct arrival {
	struct enrollment enrollment;
	struct files files;
	bool again; /* its code was typed back once, but the request came too late */
};

static bool is_added(const struct self *self)
{
	return self->request->what == REQUEST_ADD || self->request->what == REQUEST_REPLACE;
}

/* --- before anything is shown --- */

static int check_first(const struct self *self)
{
	if (self->enrolled)
		return tool_say(self->tool, SAY_ERROR, "already_enrolled",
				"you are already enrolled: 'add' another phone, or 'replace' the "
				"one you have");
	if (!self->response.may_enroll && self_login_enrolls(self))
		return tool_say(self->tool, SAY_ERROR, "login_enrolls",
				"here a login enrolls you: log in again, by ssh or at the console");
	if (!self->response.may_enroll)
		return self_denied(self, "needs_invitation",
				   "only your administrator can enroll you here: ask for an "
				   "invitation");
	return TOOL_DONE;
}

static int check_add(const struct self *self)
{
	const char *label = self->request->label;

	if (self_find_token(self, label))
		return tool_say(self->tool, SAY_ERROR, "name_taken",
				"you already have a \"%s\": choose another name", label);
	if (self->status.token_count == CRED_TOKENS_MAX)
		return tool_say(self->tool, SAY_ERROR, "too_many_tokens",
				"you already have %d devices, the most that one account can have: "
				"'remove' one",
				CRED_TOKENS_MAX);
	return TOOL_DONE;
}

/* Replace the token that the request names, or the only one. */
static int check_replace(struct self *self)
{
	const char *label = self->request->named ? self->request->label
						 : self->status.tokens[0].label;

	if (!self->request->named && self->status.token_count > 1)
		return tool_say(self->tool, SAY_ERROR, "which_token",
				"you have several devices: run totp-enroll replace LABEL, with a "
				"label from totp-enroll status");
	if (!self_find_token(self, label))
		return tool_say(self->tool, SAY_ERROR, "no_token",
				"you have no \"%s\": see totp-enroll status", label);
	strcpy(self->asked.label, label);
	return TOOL_DONE;
}

static int check_request(struct self *self)
{
	int code;

	if (!is_added(self))
		return check_first(self);
	code = self_need_enrolled(self);
	if (code == TOOL_DONE && !self->tool->policy.enroll_tool)
		return self_denied(self, "not_allowed",
				   "only your administrator can add or replace a phone here");
	if (code != TOOL_DONE)
		return code;
	return self->request->what == REQUEST_REPLACE ? check_replace(self) : check_add(self);
}

/* --- the new phone --- */

/* A code of the new phone, which goes into the request. */
static int confirm_phone(struct self *self, void *context)
{
	struct arrival *arrival = context;
	const struct enrollment *enrollment = &arrival->enrollment;
	const struct otp_uri *uri = &enrollment->uri;
	struct wire_token *token = &self->asked.token;
	int code;

	if (arrival->again)
		tool_say(self->tool, SAY_NOTE, "again", "Once more, beginning with the new phone.");
	arrival->again = true;
	code = enroll_steps_confirm(&arrival->enrollment);
	if (code != TOOL_DONE)
		return code;
	*token = (struct wire_token){.type = uri->hotp ? TOKEN_HOTP : TOKEN_TOTP,
				     .alg = uri->alg,
				     .digits = (uint8_t)uri->digits,
				     .period = (uint16_t)uri->period,
				     .secret = uri->secret,
				     .counter = uri->counter,
				     .typed = enrollment->typed};
	strncpy(token->label, self->request->label, sizeof(token->label) - 1);
	return TOOL_DONE;
}

static int store_phone(struct self *self, struct arrival *arrival)
{
	int code;

	if (is_added(self)) {
		if (!self->request->secret)
			tool_say(self->tool, SAY_NOTE, "two_codes",
				 "First the code of the new phone, then a code of what you have.");
		return self_ask_with_code(
			self, self->request->what == REQUEST_ADD ? WIRE_ADD : WIRE_REPLACE,
			confirm_phone, arrival);
	}
	code = confirm_phone(self, arrival);
	return code == TOOL_DONE ? self_ask(self, WIRE_ENROLL, NULL) : code;
}

static int finish_phone(const struct self *self, struct arrival *arrival)
{
	if (self->request->what == REQUEST_ADD)
		tool_say(self->tool, SAY_DONE, "token-added", "Done: \"%s\" is added.",
			 self->request->label);
	else if (self->request->what == REQUEST_REPLACE)
		tool_say(self->tool, SAY_DONE, "token-replaced",
			 "Done: codes of the old \"%s\" are denied from now on.",
			 self->asked.label);
	else
		tool_say(self->tool, SAY_DONE, "enrolled",
			 "Done: your account is protected by your phone.");
	enroll_steps_tell_next_code(&arrival->enrollment);
	enroll_steps_keep_pictures(self->tool, &arrival->files);
	return self->response.code_count ? self_hand_out_codes(self, &arrival->files.codes)
					 : TOOL_DONE;
}

static int enroll_phone(struct self *self, struct arrival *arrival)
{
	int code = enrollment_choose(&arrival->enrollment);
	bool shown;

	if (code == TOOL_DONE)
		code = enroll_steps_find_secret(&arrival->enrollment);
	if (code == TOOL_DONE)
		code = enroll_steps_save(&arrival->enrollment, &arrival->files);
	if (code == TOOL_DONE)
		code = enroll_steps_show(&arrival->enrollment);
	shown = code == TOOL_DONE;
	if (shown)
		code = store_phone(self, arrival);
	if (code == TOOL_DONE)
		return finish_phone(self, arrival);
	if (!is_added(self) || !shown) /* else the last try has printed it */
		self_tell_unchanged(self);
	if (shown && !self->request->secret && !self->unsure)
		tool_say(self->tool, SAY_ASIDE, "delete_entry",
			 "If your phone already has the new entry, delete it.");
	return code;
}

int self_enroll(struct self *self)
{
	struct arrival arrival = {.enrollment = {.tool = self->tool,
						 .request = self->request,
						 .account = self->account},
				  .files = FILES_NONE};
	int code = check_request(self);

	if (code == TOOL_DONE)
		code = enroll_phone(self, &arrival);
	enroll_steps_drop_files(&arrival.files);
	enrollment_wipe(&arrival.enrollment);
	return code;
}
