#include <string.h>

#include "enroll/self.h"
#include "enroll/enroll_steps.h"

/* A phone that is new to somebody, and how far it has come. */
struct arrival {
	struct enrollment enrolment;
	struct files files;
	bool again; /* its code was typed back once, and came too late */
};

/* --- before anything is shown --- */

static int check_first(const struct self *self)
{
	if (self->enrolled)
		return tool_refuse(self->tool, "you are enrolled already: 'add' another phone, or "
					       "'replace' the one you have");
	if (!self->told.may_enroll && self_login_enrolls(self))
		return tool_refuse(self->tool, "here a login sets it up: log in anew, by ssh or at "
					       "the console");
	if (!self->told.may_enroll)
		return self_denied(self, "only your administrator can enroll you here: ask for an "
					 "invitation");
	return TOOL_DONE;
}

static bool has_token(const struct self *self, const char *label)
{
	for (size_t i = 0; i < self->status.token_count; i++)
		if (strcmp(self->status.tokens[i].label, label) == 0)
			return true;
	return false;
}

static int check_add(const struct self *self)
{
	const char *label = self->request->label;

	if (has_token(self, label))
		return tool_refuse(self->tool, "you have a \"%s\" already: choose another name",
				   label);
	if (self->status.token_count == CRED_TOKENS_MAX)
		return tool_refuse(self->tool,
				   "you have %d phones and tokens, which is as many "
				   "as there may be: 'remove' one",
				   CRED_TOKENS_MAX);
	return TOOL_DONE;
}

/* The one that was named, or the only one. */
static int check_replace(struct self *self)
{
	const char *label = self->request->named ? self->request->label
						 : self->status.tokens[0].label;

	if (!self->request->named && self->status.token_count > 1)
		return tool_refuse(self->tool, "say which one to replace: see totp-enroll status");
	if (!has_token(self, label))
		return tool_refuse(self->tool, "you have no \"%s\": see totp-enroll status", label);
	strcpy(self->asked.label, label);
	return TOOL_DONE;
}

static int check(struct self *self)
{
	bool replace = self->request->what == REQUEST_REPLACE;
	int code;

	if (self->request->what != REQUEST_ADD && !replace)
		return check_first(self);
	code = self_need_record(self);
	if (code == TOOL_DONE && !self->tool->policy.enroll_tool)
		return tool_refuse(self->tool, "a new phone is your administrator's to enrol here");
	if (code != TOOL_DONE)
		return code;
	return replace ? check_replace(self) : check_add(self);
}

/* --- the new phone --- */

/* Put it into the request; its code is fresh. */
static void fill_in(struct self *self, const struct enrollment *enrolment)
{
	const struct otp_uri *uri = &enrolment->uri;
	struct wire_token *token = &self->asked.token;

	*token = (struct wire_token){.type = uri->hotp ? TOKEN_HOTP : TOKEN_TOTP,
				     .alg = uri->alg,
				     .digits = (uint8_t)uri->digits,
				     .period = (uint16_t)uri->period,
				     .secret = uri->secret,
				     .counter = uri->counter,
				     .typed = enrolment->typed};
	strncpy(token->label, self->request->label, sizeof(token->label) - 1);
}

/* A code of the new phone, before one of what there is is asked for. */
static int confirm(struct self *self, void *context)
{
	struct arrival *arrival = context;
	int code = enroll_steps_confirm(&arrival->enrolment, &self->asking);

	if (code == TOOL_DONE)
		fill_in(self, &arrival->enrolment);
	return code;
}

static int confirm_new(struct self *self, void *context)
{
	struct arrival *arrival = context;

	if (arrival->again)
		printf("Once more, beginning with the new phone.\n");
	arrival->again = true;
	return confirm(self, context);
}

static int present(struct self *self, struct arrival *arrival)
{
	int code = enrollment_choose(&arrival->enrolment);

	if (code == TOOL_DONE)
		code = enroll_steps_find_secret(&arrival->enrolment, &self->asking);
	if (code == TOOL_DONE)
		code = enroll_steps_save(&arrival->enrolment, &arrival->files);
	if (code == TOOL_DONE)
		code = enroll_steps_show(&arrival->enrolment);
	return code;
}

static int store(struct self *self, struct arrival *arrival)
{
	int code;

	if (self->request->what == REQUEST_ADD || self->request->what == REQUEST_REPLACE) {
		if (!self->request->secret)
			printf("First the code of the new phone, then one of what you have.\n");
		return self_ask_with_code(
			self, self->request->what == REQUEST_ADD ? WIRE_ADD : WIRE_REPLACE,
			confirm_new, arrival);
	}
	code = confirm(self, arrival);
	return code == TOOL_DONE ? self_ask(self, WIRE_ENROLL, NULL) : code;
}

/* --- saying what was done --- */

static void tell_done(const struct self *self, const struct arrival *arrival)
{
	if (self->request->what == REQUEST_ADD)
		printf("Done: \"%s\" is added.\n", self->request->label);
	else if (self->request->what == REQUEST_REPLACE)
		printf("Done: codes of the old \"%s\" are refused from now on.\n",
		       self->asked.label);
	else
		printf("Done: your account is protected by your phone.\n");
	enroll_steps_tell_next_code(&arrival->enrolment, stdout);
}

static int hand_out(const struct self *self, struct files *files)
{
	const struct recovery_file sheet = {self->account.name, self->told.codes,
					    self->told.code_count};

	enroll_steps_keep_pictures(self->tool, files);
	if (sheet.count == 0)
		return TOOL_DONE;
	if (files->codes.path && recovery_file_save(self->tool, &sheet, &files->codes) != TOOL_DONE)
		outfile_drop(&files->codes); /* they are valid, so they are shown */
	return recovery_file_hand_out(self->tool, &sheet, &files->codes);
}

static int arrive(struct self *self, struct arrival *arrival)
{
	bool added = self->request->what == REQUEST_ADD || self->request->what == REQUEST_REPLACE;
	int code = present(self, arrival);
	bool shown = code == TOOL_DONE;

	if (shown)
		code = store(self, arrival);
	if (code == TOOL_DONE) {
		tell_done(self, arrival);
		return hand_out(self, &arrival->files);
	}
	if (!added || !shown) /* else it was said after the last try */
		self_tell_unchanged(self);
	if (shown && !self->request->secret && !self->unsure)
		fprintf(stderr, "If your phone has the new entry already, delete it.\n");
	return code;
}

int self_enroll(struct self *self)
{
	struct arrival arrival = {.enrolment = {.tool = self->tool,
						.request = self->request,
						.account = self->account},
				  .files = FILES_NONE};
	int code = check(self);

	if (code == TOOL_DONE)
		code = arrive(self, &arrival);
	enroll_steps_drop_files(&arrival.files);
	enrollment_wipe(&arrival.enrolment);
	return code;
}
