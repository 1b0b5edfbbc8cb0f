/*
 * Give a user's phone the secret for the codes that are asked at login: make one, show it,
 * have a code typed back, and only then store it. Until then nothing is changed, whatever
 * happens; and what cannot be shown is never stored, since it would lock the user out.
 */
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "enroll/self.h"
#include "enroll/enroll_steps.h"
#include "common/prompt.h"

/* Nobody said whom to enrol. As root that is a trap: root may have meant somebody else. */
static int refuse_nobody(const struct tool *tool)
{
	const char *caller = getenv("SUDO_USER");
	char name[CRED_USER_MAX];

	if (!caller || !*caller || strcmp(caller, "root") == 0)
		return tool_usage(tool, "say whom to enrol: --user NAME, or --user root");
	text_printable(text_of(caller), name, sizeof(name));
	return tool_usage(tool, "say whom to enrol: --user %s, or --user root", name);
}

/* The account must exist: its uid becomes part of the credential. */
static int find_account(struct enrollment *enrolment)
{
	const struct tool *tool = enrolment->tool;
	char shown[CRED_USER_MAX];
	int code = tool_account(tool, enrolment->request->user, &enrolment->account);

	if (code != TOOL_DONE || enrolment->account.known)
		return code;
	text_printable(text_of(enrolment->account.name), shown, sizeof(shown));
	return tool_refuse(tool, "there is no account called \"%s\" on this computer", shown);
}

/* --- one enrolment --- */

static struct recovery_file sheet_of(const struct enrollment *enrolment)
{
	return (struct recovery_file){enrolment->cred.user, enrolment->codes,
				      enrolment->cred.recovery_count};
}

static int save(const struct enrollment *enrolment, struct files *files)
{
	const struct tool *tool = enrolment->tool;
	const struct recovery_file sheet = sheet_of(enrolment);
	int code;

	if (enrolment->request->save && sheet.count == 0)
		return tool_refuse(tool, "--save: no recovery codes are made here");
	code = enroll_steps_save(enrolment, files);
	if (code == TOOL_DONE && enrolment->request->save)
		code = recovery_file_save(tool, &sheet, &files->codes);
	return code;
}

static void tell_done(const struct enrollment *enrolment)
{
	const struct request *request = enrolment->request;
	FILE *out = request->json ? stderr : stdout;
	const char *user = enrolment->account.name;

	tool_log(enrolment->tool, user,
		 request->add          ? "token-added"
		 : enrolment->replaces ? "replaced"
				       : "enrolled",
		 request->label);
	if (request->add)
		fprintf(out, "Done: %s has the token \"%s\" too. ", user, request->label);
	else if (enrolment->replaces)
		fprintf(out, "Done: %s has a new phone; codes of the old one are refused.\n", user);
	else
		fprintf(out, "Done: %s is enrolled. ", user);
	enroll_steps_tell_next_code(enrolment, out);
}

static int hand_out(const struct enrollment *enrolment, struct files *files)
{
	const struct recovery_file sheet = sheet_of(enrolment);

	enroll_steps_keep_pictures(enrolment->tool, files);
	if (sheet.count == 0)
		return TOOL_DONE;
	if (!enrolment->request->json)
		return recovery_file_hand_out(enrolment->tool, &sheet, &files->codes);
	outfile_keep(&files->codes);
	return TOOL_DONE;
}

static int show_and_store(struct enrollment *enrolment, const sigset_t *asking)
{
	OWN_FILES struct files files = FILES_NONE;
	bool shown, changed = false;
	int code = save(enrolment, &files);

	if (code == TOOL_DONE)
		code = enroll_steps_show(enrolment);
	shown = code == TOOL_DONE;
	if (shown && enrolment->request->confirm)
		code = enroll_steps_confirm(enrolment, asking);
	if (code == TOOL_DONE)
		code = enrollment_store(enrolment, &changed);
	if (code == TOOL_DONE) {
		tell_done(enrolment);
		return hand_out(enrolment, &files);
	}
	if (!changed)
		fprintf(stderr, "Nothing was changed.%s\n",
			shown && !enrolment->request->secret
				? " If your phone has the new entry already, delete it."
				: "");
	return code;
}

static int enrol(struct enrollment *enrolment)
{
	sigset_t asking;
	int code = enrollment_check(enrolment);

	if (code == TOOL_DONE)
		code = enrollment_choose(enrolment);
	prompt_hold_signals(&asking);
	if (code == TOOL_DONE)
		code = enroll_steps_find_secret(enrolment, &asking);
	if (code == TOOL_DONE)
		code = enrollment_make(enrolment);
	return code == TOOL_DONE ? show_and_store(enrolment, &asking) : code;
}

static int remove_one(struct enrollment *enrolment)
{
	const char *label = enrolment->request->label;
	int code = enrollment_remove(enrolment);

	if (code != TOOL_DONE)
		return code;
	tool_log(enrolment->tool, enrolment->account.name, "token-removed", label);
	printf("Done: codes of \"%s\" are refused from now on.\n", label);
	return TOOL_DONE;
}

static int serve(struct tool *tool, const struct request *request)
{
	OWN_ENROLLMENT struct enrollment enrolment = {.tool = tool, .request = request};
	int code = find_account(&enrolment);

	if (code != TOOL_DONE)
		return code;
	return request->what == REQUEST_REMOVE ? remove_one(&enrolment) : enrol(&enrolment);
}

static int print_version(const struct tool *tool)
{
	printf("%s %s\n", tool->name, VERSION);
	return fflush(stdout) == 0 ? TOOL_DONE : TOOL_REFUSED;
}

static int print_help(const struct request *request)
{
	bool enrolls = request->what == REQUEST_ENROLL || request->what == REQUEST_ADD ||
		       request->what == REQUEST_REPLACE;

	fputs(enrolls ? request_enroll_help : request_help, stdout);
	return fflush(stdout) == 0 ? TOOL_DONE : TOOL_REFUSED;
}

/* Root looks after others, and says whom. */
static int serve_root(struct tool *tool, const struct request *request)
{
	int code = TOOL_DONE;

	if (!request->user)
		return refuse_nobody(tool);
	if (request->what > REQUEST_ENROLL && request->what != REQUEST_ADD &&
	    request->what != REQUEST_REMOVE)
		return tool_usage(tool, "that is for people themselves; root has totpctl");
	code = tool_open(tool, "enrol somebody");
	return code == TOOL_DONE ? serve(tool, request) : code;
}

/* Everybody else looks after themselves. */
static int serve_self(struct tool *tool, const struct request *request)
{
	if (request->force || !request->confirm)
		return tool_usage(tool, "--force and --no-confirm are root's");
	if (request->json && request->what != REQUEST_STATUS)
		return tool_usage(tool, "--json goes with status");
	return self_serve(tool, request);
}

int main(int argc, char **argv)
{
	struct tool tool = {.name = "totp-enroll"};
	struct request request;
	int code;

	signal(SIGPIPE, SIG_IGN); /* a write to nobody, or past a limit, is an error to look at */
	signal(SIGXFSZ, SIG_IGN);
	tool_hide_memory();
	if (!tool_hold_streams())
		return tool_refuse(&tool, "standard output is closed: nothing could be shown");
	code = request_parse(&tool, argc, argv, &request);
	if (code != TOOL_DONE)
		return code;
	if (request.help)
		return print_help(&request);
	if (request.version)
		return print_version(&tool);

	code = geteuid() == 0 ? serve_root(&tool, &request) : serve_self(&tool, &request);
	tool_close(&tool);
	if (fflush(stdout) != 0 || ferror(stdout))
		return tool_refuse(&tool, "cannot write to standard output");
	return code;
}
