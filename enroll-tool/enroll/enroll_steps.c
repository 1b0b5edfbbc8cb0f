#include "enroll/enroll_steps.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "enroll/confirm.h"
#include "host/clock.h"
#include "login/enroll.h"
#include "otp/base32.h"
#include "enroll/picture.h"
#include "enroll/secret_json.h"
#include "common/prompt.h"

/* --- the secret --- */

static enum totp_err read_secret(const sigset_t *asking, struct secret *ret_secret, bool *ret_given)
{
	char line[PROMPT_MAX] = "";
	enum totp_err err;

	if (isatty(STDIN_FILENO))
		fputs("Secret of the token (base32): ", stderr);
	err = prompt_secret_line(asking, line, ret_given);
	if (err == TOTP_OK && *ret_given)
		err = base32_decode(line, strlen(line), ret_secret);
	WIPE(line);
	return err;
}

/* The secret that a hardware token came with. */
static int take_secret(struct enrollment *enrolment, const sigset_t *asking)
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

int enroll_steps_find_secret(struct enrollment *enrolment, const sigset_t *asking)
{
	enum totp_err err;

	if (enrolment->request->secret)
		return take_secret(enrolment, asking);
	err = enroll_secret(&enrolment->uri.secret);
	if (err != TOTP_OK)
		return tool_refuse(enrolment->tool, "no secret could be made: %s", err_name(err));
	return TOOL_DONE;
}

/* --- files --- */

void enroll_steps_drop_files(struct files *files)
{
	outfile_drop(&files->svg);
	outfile_drop(&files->png);
	outfile_drop(&files->codes);
}

int enroll_steps_save(const struct enrollment *enrolment, struct files *files)
{
	const struct tool *tool = enrolment->tool;
	const struct request *request = enrolment->request;
	int code = outfile_create(tool, request->svg, &files->svg);

	if (code == TOOL_DONE)
		code = outfile_create(tool, request->png, &files->png);
	if (code == TOOL_DONE)
		code = outfile_create(tool, request->save, &files->codes);
	return code == TOOL_DONE ? picture_save(tool, &enrolment->uri, &files->svg, &files->png)
				 : code;
}

static void keep_picture(const struct tool *tool, struct outfile *file)
{
	char shown[256];

	if (file->fd < 0)
		return;
	text_printable(text_of(file->path), shown, sizeof(shown));
	tool_refuse(tool, "%s holds the secret: delete it once it is scanned", shown);
	outfile_keep(file);
}

void enroll_steps_keep_pictures(const struct tool *tool, struct files *files)
{
	keep_picture(tool, &files->svg);
	keep_picture(tool, &files->png);
}

/* --- showing it, and a code typed back --- */

int enroll_steps_show(const struct enrollment *enrolment)
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

/* Whoever has two phones is told which of them. */
static const char *question_of(const struct enrollment *enrolment)
{
	enum request_what what = enrolment->request->what;

	if (enrolment->uri.hotp)
		return "Code of the token: ";
	if (enrolment->request->add || what == REQUEST_ADD || what == REQUEST_REPLACE)
		return "Code from the new phone: ";
	return "Code from your phone: ";
}

int enroll_steps_confirm(struct enrollment *enrolment, const sigset_t *asking)
{
	const struct tool *tool = enrolment->tool;
	struct confirm how = {&enrolment->uri,
			      question_of(enrolment),
			      tool->policy.window,
			      tool->policy.hotp_window,
			      enrolment->request->json ? STDERR_FILENO : STDOUT_FILENO,
			      asking};
	enum totp_err err =
		confirm_ask(&how, &enrolment->typed, &enrolment->confirmed, &enrolment->moving);

	if (err != TOTP_OK)
		return tool_refuse(tool, "no code could be asked for: %s",
				   err == TOTP_ERR_SYSTEM ? strerror(errno) : err_name(err));
	return enrolment->confirmed ? TOOL_DONE : TOOL_REFUSED;
}

void enroll_steps_tell_next_code(const struct enrollment *enrolment, FILE *out)
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
