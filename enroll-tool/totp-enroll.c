/*
 * Give a user's phone the secret for the codes that are asked at login: make one, show it,
 * have a code typed back, and only then store it. Until then nothing is changed, whatever
 * happens; and what cannot be shown is never stored, since it would lock the user out.
 */
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "confirm.h"
#include "enrolment.h"
#include "host/clock.h"
#include "secret_json.h"
#include "login/enroll.h"
#include "otp/base32.h"
#include "picture.h"
#include "sheet.h"
#include "typed.h"

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
static int find_account(struct enrolment *enrolment)
{
	const struct tool *tool = enrolment->tool;
	char shown[CRED_USER_MAX];
	int code = tool_account(tool, enrolment->request->user, &enrolment->account);

	if (code != TOOL_DONE || enrolment->account.known)
		return code;
	text_printable(text_of(enrolment->account.name), shown, sizeof(shown));
	return tool_refuse(tool, "there is no account called \"%s\" on this computer", shown);
}

/* --- the secret --- */

static enum totp_err read_secret(const sigset_t *asking, struct secret *ret_secret, bool *ret_given)
{
	char line[TYPED_MAX] = "";
	enum totp_err err;

	if (isatty(STDIN_FILENO))
		fputs("Secret of the token (base32): ", stderr);
	err = typed_secret_line(asking, line, ret_given);
	if (err == TOTP_OK && *ret_given)
		err = base32_decode(line, strlen(line), ret_secret);
	WIPE(line);
	return err;
}

/* The secret that a hardware token came with. */
static int take_secret(struct enrolment *enrolment, const sigset_t *asking)
{
	const struct tool *tool = enrolment->tool;
	struct secret *secret = &enrolment->uri.secret;
	bool given = false;
	enum totp_err err = read_secret(asking, secret, &given);

	if (err == TOTP_ERR_SYSTEM)
		return tool_refuse(tool, "the secret could not be read: %s", strerror(errno));
	if (!given)
		return tool_refuse(tool, "no secret was given on standard input");
	if (err != TOTP_OK || secret->len < SECRET_IMPORT_MIN)
		return tool_refuse(tool, "expected a secret of %d to %d bytes in base32",
				   SECRET_IMPORT_MIN, SECRET_MAX);
	if (secret->len < SECRET_GOOD_MIN)
		tool_refuse(tool, "warning: a secret of %zu bytes; %d is what RFC 4226 asks for",
			    secret->len, SECRET_GOOD_MIN);
	return TOOL_DONE;
}

static int find_secret(struct enrolment *enrolment, const sigset_t *asking)
{
	enum totp_err err;

	if (enrolment->request->secret)
		return take_secret(enrolment, asking);
	err = enroll_secret(&enrolment->uri.secret);
	if (err != TOTP_OK)
		return tool_refuse(enrolment->tool, "no secret could be made: %s", err_name(err));
	return TOOL_DONE;
}

/* --- showing it --- */

/* Files that were asked for; they go again when the enrolment is refused. */
struct files {
	struct outfile svg, png, codes;
};

#define OWN_FILES OWN(files_drop)

static void files_drop(struct files *files)
{
	outfile_drop(&files->svg);
	outfile_drop(&files->png);
	outfile_drop(&files->codes);
}

static struct sheet sheet_of(const struct enrolment *enrolment)
{
	return (struct sheet){enrolment->cred.user, enrolment->codes,
			      enrolment->cred.recovery_count};
}

static int save(const struct enrolment *enrolment, struct files *files)
{
	const struct tool *tool = enrolment->tool;
	const struct request *request = enrolment->request;
	const struct sheet sheet = sheet_of(enrolment);
	int code;

	if (request->save && sheet.count == 0)
		return tool_refuse(tool, "--save: no recovery codes are made here");
	code = outfile_create(tool, request->svg, &files->svg);
	if (code == TOOL_DONE)
		code = outfile_create(tool, request->png, &files->png);
	if (code == TOOL_DONE)
		code = outfile_create(tool, request->save, &files->codes);
	if (code == TOOL_DONE)
		code = picture_save(tool, &enrolment->uri, &files->svg, &files->png);
	if (code == TOOL_DONE && request->save)
		code = sheet_save(tool, &sheet, &files->codes);
	return code;
}

/* Show the secret. What is not seen is not stored. */
static int show(const struct enrolment *enrolment)
{
	const struct tool *tool = enrolment->tool;
	const struct request *request = enrolment->request;
	struct reason note = {""};
	enum totp_err err = TOTP_OK;

	if (request->json)
		err = secret_json_show(&enrolment->uri, enrolment->account.name, request->label,
				       enrolment->codes, enrolment->cred.recovery_count);
	else if (!request->secret)
		err = screen_show(&enrolment->uri, &request->screen, &note);
	if (note.text[0] != '\0')
		tool_refuse(tool, "%s", note.text);
	if (err != TOTP_OK)
		return tool_refuse(tool, "the secret could not be shown: %s",
				   err == TOTP_ERR_SYSTEM ? strerror(errno) : err_name(err));
	return TOOL_DONE;
}

static int confirm(struct enrolment *enrolment, const sigset_t *asking)
{
	const struct tool *tool = enrolment->tool;
	struct confirm how = {&enrolment->uri, tool->policy.window, tool->policy.hotp_window,
			      enrolment->request->json ? STDERR_FILENO : STDOUT_FILENO, asking};
	enum totp_err err = confirm_ask(&how, &enrolment->confirmed, &enrolment->moving);

	if (err != TOTP_OK)
		return tool_refuse(tool, "no code could be asked for: %s",
				   err == TOTP_ERR_SYSTEM ? strerror(errno) : err_name(err));
	return enrolment->confirmed ? TOOL_DONE : TOOL_REFUSED;
}

/* --- saying what was done --- */

/* When will the phone show a code that is not used yet? */
static void tell_next_code(const struct enrolment *enrolment, FILE *out)
{
	int64_t next = (int64_t)(enrolment->moving + 1) * enrolment->uri.period;
	int64_t wait = next - clock_now();

	if (!enrolment->confirmed)
		fputs("No code was typed back, so try a login before you rely on it.\n", out);
	else if (enrolment->uri.hotp || wait <= 0)
		fputs("Your next login needs the code after the one you typed.\n", out);
	else
		fprintf(out, "Your next login needs the next code, in %lld second%s.\n",
			(long long)wait, wait == 1 ? "" : "s");
}

static void tell_done(const struct enrolment *enrolment)
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
	tell_next_code(enrolment, out);
}

static void warn_of_picture(const struct tool *tool, struct outfile *file)
{
	char shown[256];

	if (file->fd < 0)
		return;
	text_printable(text_of(file->path), shown, sizeof(shown));
	tool_refuse(tool, "%s holds the secret: delete it once it is scanned", shown);
	outfile_keep(file);
}

static int hand_out(const struct enrolment *enrolment, struct files *files)
{
	const struct sheet sheet = sheet_of(enrolment);

	warn_of_picture(enrolment->tool, &files->svg);
	warn_of_picture(enrolment->tool, &files->png);
	if (sheet.count == 0)
		return TOOL_DONE;
	if (!enrolment->request->json)
		return sheet_hand_out(enrolment->tool, &sheet, &files->codes);
	outfile_keep(&files->codes);
	return TOOL_DONE;
}

/* --- one enrolment --- */

static int show_and_store(struct enrolment *enrolment, const sigset_t *asking)
{
	OWN_FILES struct files files = {OUTFILE_NONE, OUTFILE_NONE, OUTFILE_NONE};
	bool shown, changed = false;
	int code = save(enrolment, &files);

	if (code == TOOL_DONE)
		code = show(enrolment);
	shown = code == TOOL_DONE;
	if (shown && enrolment->request->confirm)
		code = confirm(enrolment, asking);
	if (code == TOOL_DONE)
		code = enrolment_store(enrolment, &changed);
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

static int enrol(struct enrolment *enrolment)
{
	sigset_t asking;
	int code = enrolment_check(enrolment);

	if (code == TOOL_DONE)
		code = enrolment_choose(enrolment);
	typed_hold_signals(&asking);
	if (code == TOOL_DONE)
		code = find_secret(enrolment, &asking);
	if (code == TOOL_DONE)
		code = enrolment_make(enrolment);
	return code == TOOL_DONE ? show_and_store(enrolment, &asking) : code;
}

static int remove_one(struct enrolment *enrolment)
{
	const char *label = enrolment->request->remove;
	int code = enrolment_remove(enrolment);

	if (code != TOOL_DONE)
		return code;
	tool_log(enrolment->tool, enrolment->account.name, "token-removed", label);
	printf("Done: codes of \"%s\" are refused from now on.\n", label);
	return TOOL_DONE;
}

static int serve(struct tool *tool, const struct request *request)
{
	OWN_ENROLMENT struct enrolment enrolment = {.tool = tool, .request = request};
	int code = find_account(&enrolment);

	if (code != TOOL_DONE)
		return code;
	return request->remove ? remove_one(&enrolment) : enrol(&enrolment);
}

static int print_version(const struct tool *tool)
{
	printf("%s %s\n", tool->name, VERSION);
	return fflush(stdout) == 0 ? TOOL_DONE : TOOL_REFUSED;
}

static int print_help(void)
{
	fputs(request_help, stdout);
	return fflush(stdout) == 0 ? TOOL_DONE : TOOL_REFUSED;
}

int main(int argc, char **argv)
{
	struct tool tool = {.name = "totp-enroll"};
	struct request request;
	int code;

	signal(SIGPIPE, SIG_IGN); /* a write to nobody, or past a limit, is an error to look at */
	signal(SIGXFSZ, SIG_IGN);
	if (!tool_hold_streams())
		return tool_refuse(&tool, "standard output is closed: nothing could be shown");
	code = request_parse(&tool, argc, argv, &request);
	if (code != TOOL_DONE)
		return code;
	if (request.help)
		return print_help();
	if (request.version)
		return print_version(&tool);

	code = tool_need_root(&tool, "enrol somebody");
	if (code == TOOL_DONE && !request.user)
		code = refuse_nobody(&tool);
	if (code == TOOL_DONE)
		code = tool_open(&tool, "enrol somebody");
	if (code == TOOL_DONE)
		code = serve(&tool, &request);
	tool_close(&tool);
	return code;
}
