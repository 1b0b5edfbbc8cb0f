/* SPDX-License-Identifier: BSD-2-Clause */
/* A user's own enrollment: finds the user and the status, and runs the subcommand. */
#include "enroll/self.h"

#include <string.h>
#include <unistd.h>

#include "common/interrupt.h"

static void wipe_self(struct self *self)
{
	WIPE(*self);
}

static int find_self(struct self *self)
{
	const struct tool *tool = self->tool;
	const char *named = self->request->user;
	struct reason why = {""};

	enum totp_err err = account_of_uid(getuid(), &self->account, &why);

	if (err != TOTP_OK)
		return tool_result(tool, err, &why);
	if (!self->account.known)
		return tool_say(tool, SAY_ERROR, "no_account", "your user id %u has no account",
				(unsigned)getuid());
	if (named && strcmp(named, self->account.name) != 0)
		return tool_say(tool, SAY_ERROR, "not_root",
				"only root can change the enrollment of other users");
	self->tool->user = self->account.name;
	return TOOL_DONE;
}

static int run_subcommand(struct self *self)
{
	switch (self->request->what) {
	case REQUEST_NOTHING:
		return self->enrolled || !self->response.may_enroll ? self_status(self)
								    : self_enroll(self);
	case REQUEST_ENROLL:
	case REQUEST_ADD:
	case REQUEST_REPLACE:
		return self_enroll(self);
	case REQUEST_STATUS:
		return self_status(self);
	case REQUEST_TEST:
		return self_test(self);
	case REQUEST_REMOVE:
		return self_remove(self);
	case REQUEST_RENAME:
		return self_rename(self);
	case REQUEST_RECOVERY:
		return self_recovery(self);
	case REQUEST_DELETE:
		return self_delete(self);
	}
	return TOOL_USAGE;
}

int self_serve(struct tool *tool, const struct request *request)
{
	OWN(wipe_self) struct self self = {.tool = tool, .request = request};
	int code = find_self(&self);

	if (code == TOOL_DONE)
		code = tool_load_policy(tool);
	if (code == TOOL_DONE)
		code = self_ask(&self, WIRE_STATUS, NULL);
	self.status = self.response.status;
	self.enrolled = self.response.enrolled;
	interrupt_hold();
	return code == TOOL_DONE ? run_subcommand(&self) : code;
}
