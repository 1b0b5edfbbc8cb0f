/* SPDX-License-Identifier: BSD-2-Clause */
#include "enroll/enroll_steps.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "base/io.h"
#include "common/prompt.h"
#include "enroll/picture.h"
#include "host/clock.h"
#include "login/confirm.h"
#include "login/enroll.h"
#include "otp/base32.h"

#define CONFIRM_TRIES 5

/* --- the secret --- */

/* The secret that a hardware token came with. */
static int read_token_secret(struct enrollment *enrollment)
{
	const struct tool *tool = enrollment->tool;
	struct secret *secret = &enrollment->uri.secret;
	const struct prompt prompt = {
		.question = isatty(STDIN_FILENO) ? "Secret of the token (base32): " : NULL,
		.out = STDERR_FILENO,
		.hidden = true};
	char line[PROMPT_MAX] = "";
	bool given = false;
	enum totp_err err = prompt_line(&prompt, line, &given);

	if (err == TOTP_OK && given)
		err = base32_decode(line, strlen(line), secret);
	WIPE(line);
	if (err == TOTP_ERR_SYSTEM)
		return tool_refuse(tool, "the secret could not be read: %s", strerror(errno));
	if (!given)
		return tool_say(tool, SAY_ERROR, "no_answer",
				"no secret was given on standard input");
	if (err != TOTP_OK || secret->len < SECRET_IMPORT_MIN)
		return tool_say(tool, SAY_ERROR, "not_a_secret",
				"expected a secret of %d to %d bytes in base32", SECRET_IMPORT_MIN,
				SECRET_MAX);
	if (secret->len < SECRET_GOOD_MIN)
		tool_say(tool, SAY_WARNING, "short_secret",
			 "a secret of %zu bytes; RFC 4226 requires %d", secret->len,
			 SECRET_GOOD_MIN);
	return TOOL_DONE;
}

int enroll_steps_find_secret(struct enrollment *enrollment)
{
	enum totp_err err;

	if (enrollment->request->secret)
		return read_token_secret(enrollment);
	err = enroll_secret(&enrollment->uri.secret);
	if (err != TOTP_OK)
		return tool_refuse(enrollment->tool, "no secret could be made: %s", err_name(err));
	return TOOL_DONE;
}

/* --- files --- */

void enroll_steps_drop_files(struct files *files)
{
	outfile_drop(&files->svg);
	outfile_drop(&files->png);
	outfile_drop(&files->codes);
}

int enroll_steps_save(const struct enrollment *enrollment, struct files *files)
{
	const struct tool *tool = enrollment->tool;
	const struct request *request = enrollment->request;
	int code = outfile_create(tool, request->svg, &files->svg);

	if (code == TOOL_DONE)
		code = outfile_create(tool, request->png, &files->png);
	if (code == TOOL_DONE)
		code = outfile_create(tool, request->save, &files->codes);
	return code == TOOL_DONE ? picture_save(tool, &enrollment->uri, &files->svg, &files->png)
				 : code;
}

void enroll_steps_keep_pictures(const struct tool *tool, struct files *files)
{
	struct outfile *const pictures[] = {&files->svg, &files->png};

	for (size_t i = 0; i < sizeof(pictures) / sizeof(pictures[0]); i++) {
		if (pictures[i]->fd >= 0)
			tool_say(tool, SAY_WARNING, "picture",
				 "%s holds the secret: delete it once it is scanned",
				 pictures[i]->path);
		outfile_keep(pictures[i]);
	}
}

/* --- showing it --- */

/* For a program: one object, with the members that totp-enroll(1) lists. */
static int show_json(const struct enrollment *enrollment)
{
	static char svg[SVG_MAX]; /* large */
	const struct otp_uri *uri = &enrollment->uri;
	const struct tool *tool = enrollment->tool;
	char text[URI_TEXT_MAX], shown[RECOVERY_SHOWN_MAX];
	struct reason why = {""};
	struct json json;
	int code;

	if (uri_write(uri, text) != TOTP_OK)
		return tool_refuse(tool, "the secret does not fit into a URI");
	if (!enrollment->request->secret && picture_svg(text, svg, &why) != TOTP_OK)
		tool_say(tool, SAY_WARNING, "no_picture", "no picture: %s", why.text);
	tool_begin_json(tool, &json, "secret");
	json_text(&json, "issuer", uri->issuer);
	json_text(&json, "account", uri->account);
	json_text(&json, "label", enrollment->request->label);
	json_text(&json, "type", uri->hotp ? "hotp" : "totp");
	json_text(&json, "algorithm", crypto_alg_name(uri->alg));
	json_number(&json, "digits", uri->digits);
	if (uri->hotp)
		json_number(&json, "counter", uri->counter);
	else
		json_number(&json, "period", uri->period);
	json_open(&json, "recovery_codes", '[');
	for (unsigned i = 0; i < enrollment->cred.recovery_count; i++) {
		recovery_show(&enrollment->codes[i], shown);
		json_text(&json, NULL, shown);
	}
	json_close(&json, ']');
	json_text(&json, "uri", text);
	base32_encode(&uri->secret, text);
	json_text(&json, "secret", text);
	json_text(&json, "svg", svg[0] ? svg : NULL);
	code = tool_end_json(tool, &json);
	WIPE(svg);
	WIPE(text);
	WIPE(shown);
	return code;
}

int enroll_steps_show(const struct enrollment *enrollment)
{
	const struct tool *tool = enrollment->tool;
	const struct request *request = enrollment->request;
	struct reason note = {""};
	enum totp_err err = TOTP_OK;

	if (request->json)
		return show_json(enrollment);
	if (!request->secret)
		err = screen_show(&enrollment->uri, &request->screen, &note);
	if (note.text[0] != '\0')
		tool_refuse(tool, "%s", note.text);
	if (err != TOTP_OK)
		return tool_refuse(tool, "the secret could not be shown: %s",
				   err == TOTP_ERR_SYSTEM ? strerror(errno) : err_name(err));
	return TOOL_DONE;
}

/* --- a code typed back --- */

/* A user with two phones must know which of them is meant. */
static const char *question_of(const struct enrollment *enrollment)
{
	enum request_what what = enrollment->request->what;

	if (enrollment->uri.hotp)
		return "Code of the token: ";
	if (enrollment->request->add || what == REQUEST_ADD || what == REQUEST_REPLACE)
		return "Code from the new phone: ";
	return "Code from your phone: ";
}

/* One try. *ret_more is false when there is no answer any more. */
static enum totp_err confirm_once(struct enrollment *enrollment, bool *ret_more)
{
	const struct policy *policy = &enrollment->tool->policy;
	const struct confirm_window window = {policy->window, policy->hotp_window};
	bool aside = enrollment->request->json && !tool_json;
	const struct tool *tool = enrollment->tool;
	const struct prompt prompt = {
		.question = tool_ask(tool, "new_code", question_of(enrollment)),
		.out = aside ? STDERR_FILENO : STDOUT_FILENO};
	struct confirmation typed = {.right = false};
	char line[PROMPT_MAX];
	enum totp_err err = prompt_line(&prompt, line, ret_more);

	if (err == TOTP_OK && *ret_more)
		err = confirm_typed(&enrollment->uri, &window, line, clock_now(), &typed);
	answer_parse(line, NULL, &enrollment->typed);
	WIPE(line);
	enrollment->confirmed = typed.right;
	enrollment->moving = typed.moving;
	if (err == TOTP_OK && typed.hint[0])
		tool_say(tool, aside ? SAY_ASIDE : SAY_HINT, typed.id, "%s", typed.hint);
	return err;
}

int enroll_steps_confirm(struct enrollment *enrollment)
{
	enum totp_err err = TOTP_OK;
	bool more = true;

	enrollment->confirmed = false;
	for (unsigned i = 0; i < CONFIRM_TRIES && more && !enrollment->confirmed; i++) {
		err = confirm_once(enrollment, &more);
		if (err != TOTP_OK)
			return tool_refuse(enrollment->tool, "no code could be asked for: %s",
					   err == TOTP_ERR_SYSTEM ? strerror(errno)
								  : err_name(err));
	}
	if (enrollment->confirmed)
		return TOOL_DONE;
	return tool_say(enrollment->tool, SAY_ERROR, more ? "tries" : "no_answer",
			more ? "no code was right" : "no code was typed");
}

void enroll_steps_tell_next_code(const struct enrollment *enrollment)
{
	enum tool_saying saying = enrollment->request->json && !tool_json ? SAY_ASIDE : SAY_NOTE;
	const struct tool *tool = enrollment->tool;
	int64_t next = (int64_t)(enrollment->moving + 1) * enrollment->uri.period;
	int64_t wait = next - clock_now();

	if (!enrollment->confirmed)
		tool_say(tool, saying, "not_confirmed",
			 "No code was typed back, so try a login before you rely on it.");
	else if (enrollment->uri.hotp || wait <= 0)
		tool_say(tool, saying, "next_code",
			 "Your next login needs the code after the one you typed.");
	else
		tool_say(tool, saying, "next_code",
			 "Your next login needs the next code, which comes in %lld second%s.",
			 (long long)wait, wait == 1 ? "" : "s");
}
