/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * totp-enroll: give a user's phone the secret of the codes that logins ask for. It makes a secret,
 * shows it, asks for a code of it, and only then stores it. Until then nothing is changed. A
 * secret that cannot be shown is never stored, because it would lock the user out.
 */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "enroll/self.h"
#include "enroll/enroll_steps.h"
#include "common/interrupt.h"

/* The account must exist: its uid becomes part of the credential. */
static int find_enrollee(struct enrollment *enrollment)
{
	const struct tool *tool = enrollment->tool;
	int code = tool_account(tool, enrollment->request->user, &enrollment->account);

	enrollment->tool->user = enrollment->account.name;
	if (code != TOOL_DONE || enrollment->account.known)
		return code;
	return tool_say(tool, SAY_ERROR, "no_account",
			"there is no account called \"%s\" on this computer",
			enrollment->account.name);
}

/* --- one enrollment --- */

static struct recovery_file page_of(const struct enrollment *enrollment)
{
	return (struct recovery_file){enrollment->cred.user, enrollment->codes,
				      enrollment->cred.recovery_count};
}

static int save_files(const struct enrollment *enrollment, struct files *files)
{
	const struct tool *tool = enrollment->tool;
	const struct recovery_file page = page_of(enrollment);
	int code;

	if (enrollment->request->save && page.count == 0)
		return tool_refuse(tool, "--save: no recovery codes are made here");
	code = enroll_steps_save(enrollment, files);
	if (code == TOOL_DONE && enrollment->request->save)
		code = recovery_file_save(tool, &page, &files->codes);
	return code;
}

static int finish_enrollment(const struct enrollment *enrollment, struct files *files)
{
	const struct recovery_file page = page_of(enrollment);
	const struct request *request = enrollment->request;
	enum tool_saying saying = request->json ? SAY_ASIDE : SAY_DONE;
	const char *user = enrollment->account.name;

	tool_log(enrollment->tool, user,
		 request->add           ? "token-added"
		 : enrollment->replaces ? "replaced"
					: "enrolled",
		 request->label);
	if (request->add)
		tool_say(enrollment->tool, saying, "token-added",
			 "Done: %s has the token \"%s\" too.", user, request->label);
	else if (enrollment->replaces)
		tool_say(enrollment->tool, saying, "replaced",
			 "Done: %s has a new phone; codes of the old one are denied.", user);
	else
		tool_say(enrollment->tool, saying, "enrolled", "Done: %s is enrolled.", user);
	enroll_steps_tell_next_code(enrollment);
	enroll_steps_keep_pictures(enrollment->tool, files);
	if (page.count && !request->json)
		return recovery_file_hand_out(enrollment->tool, &page, &files->codes);
	outfile_keep(&files->codes);
	return TOOL_DONE;
}

static int show_and_store(struct enrollment *enrollment)
{
	OWN_FILES struct files files = FILES_NONE;
	bool shown, changed = false;
	int code = save_files(enrollment, &files);

	if (code == TOOL_DONE)
		code = enroll_steps_show(enrollment);
	shown = code == TOOL_DONE;
	if (shown && enrollment->request->confirm)
		code = enroll_steps_confirm(enrollment);
	if (code == TOOL_DONE)
		code = enrollment_store(enrollment, &changed);
	if (code == TOOL_DONE)
		return finish_enrollment(enrollment, &files);
	if (!changed)
		fprintf(stderr, "Nothing was changed.%s\n",
			shown && !enrollment->request->secret
				? " If your phone already has the new entry, delete it."
				: "");
	return code;
}

static int enroll_user(struct enrollment *enrollment)
{
	int code = enrollment_check(enrollment);

	if (code == TOOL_DONE)
		code = enrollment_choose(enrollment);
	interrupt_hold();
	if (code == TOOL_DONE)
		code = enroll_steps_find_secret(enrollment);
	if (code == TOOL_DONE)
		code = enrollment_make(enrollment);
	return code == TOOL_DONE ? show_and_store(enrollment) : code;
}

static int remove_token(struct enrollment *enrollment)
{
	const char *label = enrollment->request->label;
	int code = enrollment_remove(enrollment);

	if (code != TOOL_DONE)
		return code;
	tool_log(enrollment->tool, enrollment->account.name, "token-removed", label);
	tool_say(enrollment->tool, SAY_DONE, "token-removed",
		 "Done: codes of \"%s\" are denied from now on.", label);
	return TOOL_DONE;
}

/* Root enrolls other users. */
static int serve_root(struct tool *tool, const struct request *request)
{
	OWN_ENROLLMENT struct enrollment enrollment = {.tool = tool, .request = request};
	const char *caller = getenv("SUDO_USER");
	int code;

	/* of an enrollment by root only the first object goes to standard output */
	tool_json = tool_json && request->what == REQUEST_REMOVE;
	/* root may have meant another user, so --user is needed for root, too */
	if (!request->user)
		return tool_usage(tool, "which user? --user %s, or --user root",
				  caller && *caller && strcmp(caller, "root") != 0 ? caller
										   : "NAME");
	if (request->what > REQUEST_ENROLL && request->what != REQUEST_ADD &&
	    request->what != REQUEST_REMOVE)
		return tool_usage(tool, "users do that themselves; root uses totpctl");
	code = tool_open(tool, "enroll other users");
	if (code == TOOL_DONE)
		code = find_enrollee(&enrollment);
	if (code != TOOL_DONE)
		return code;
	return request->what == REQUEST_REMOVE ? remove_token(&enrollment)
					       : enroll_user(&enrollment);
}

/* All other users enroll themselves. */
static int serve_self(struct tool *tool, const struct request *request)
{
	if (request->force || !request->confirm)
		return tool_usage(tool, "only root can use --force and --no-confirm");
	return self_serve(tool, request);
}

static int serve(struct tool *tool, int argc, char **argv)
{
	struct request request;
	int code = request_parse(tool, argc, argv, &request);

	if (code != TOOL_DONE || request.done)
		return code;
	return geteuid() == 0 ? serve_root(tool, &request) : serve_self(tool, &request);
}

int main(int argc, char **argv)
{
	struct tool tool = {.name = "totp-enroll"};
	int code = tool_begin(&tool);

	return code == TOOL_DONE ? tool_end(&tool, serve(&tool, argc, argv)) : code;
}
