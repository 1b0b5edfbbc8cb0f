/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * totpctl import totp-cgi DIRECTORY [STATE]: USER.totp holds the secret and the scratch
 * codes, USER.json in the other directory which codes were used. They are read together, or used
 * codes would be valid again.
 */
#include "import/import.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <unistd.h>

#include "import/google.h"
#include "import/totpcgi.h"
#include "otp/totp.h"

#define SECRET_END ".totp"
#define STATE_END  ".json"

struct totpcgi {
	struct import import; /* first: the reader gets a pointer to it */
	struct reader_dir states;
};

/* Remove the codes that were used, by the state. */
static enum totp_err apply_state(struct imported *google, const struct totpcgi_state *state)
{
	struct token *token = &google->token;
	unsigned kept = 0;

	for (unsigned i = 0; i < google->code_count; i++) {
		bool used = false;

		for (unsigned k = 0; k < state->used_count; k++)
			used |= code_equal(&state->used[k], &google->codes[i]);
		if (!used)
			google->codes[kept++] = google->codes[i];
	}
	google->code_count = kept;
	if (state->counter >= 0 &&
	    (token->type != TOKEN_HOTP || (uint64_t)state->counter > google->moving)) {
		token->type = TOKEN_HOTP; /* as the peer does: a counter in the state goes before */
		token->period = 0;
		google->moving = (uint64_t)state->counter;
	}
	if (token->type == TOKEN_HOTP || state->last_success == 0)
		return TOTP_OK;
	return totp_step_at(state->last_success, token->period, &google->moving);
}

static enum totp_err read_state(struct import *import, const struct place *place, const char *name,
				struct imported *google)
{
	static char buf[TOTPCGI_STATE_MAX];
	const struct reader_dir *states = &((const struct totpcgi *)import)->states;
	struct reader_file file = {.buf = buf, .cap = sizeof(buf)};
	struct totpcgi_state state;
	struct reason fault = {""};
	enum totp_err err = reader_file(states, name, &file, &fault);

	if (err == TOTP_ERR_NOT_FOUND) {
		/* nobody knows which scratch codes were used */
		if (google->code_count)
			import_tell(import, IMPORT_LOST, place,
				    "%u scratch codes: there is no %s that says which were used",
				    google->code_count, STATE_END);
		google->code_count = 0;
		return TOTP_OK;
	}
	if (err == TOTP_OK)
		err = totpcgi_decode((struct text){buf, file.len}, &state, &fault);
	if (err == TOTP_OK)
		err = apply_state(google, &state);
	if (err != TOTP_OK)
		import_tell(import, IMPORT_BAD, place, "its state %s: %s", STATE_END,
			    fault.text[0] ? fault.text : err_name(err));
	WIPE(buf);
	WIPE(state);
	return err;
}

static enum totp_err decode_secret(struct import *import, const struct place *place,
				   const struct reader_dir *dir, const char *name,
				   struct imported *ret_google)
{
	static char buf[GOOGLE_FILE_MAX];
	struct reader_file file = {.buf = buf, .cap = sizeof(buf)};
	struct reason fault = {""};
	enum totp_err err = reader_file(dir, name, &file, &fault);

	if (err == TOTP_OK)
		err = google_decode((struct text){buf, file.len}, GOOGLE_TOTPCGI, ret_google,
				    &fault);
	if (err != TOTP_OK)
		import_tell(import, IMPORT_BAD, place, "%s",
			    fault.text[0] ? fault.text : err_name(err));
	WIPE(buf);
	return err;
}

static enum totp_err read_secret_file(struct import *import, const struct reader_dir *dir,
				      const char *name, struct reason *why)
{
	OWN_IMPORTED struct imported google = {0};
	size_t len = strlen(name), end = strlen(SECRET_END);
	struct place place = {NULL, 0};
	char state[NAME_MAX + 1];

	if (len <= end || strcmp(name + len - end, SECRET_END) != 0)
		return TOTP_OK;
	place.file = import_path(import, "%s/%s", dir->path, name);
	if (!place.file)
		return TOTP_ERR_NOMEM;
	if (decode_secret(import, &place, dir, name, &google) != TOTP_OK)
		return TOTP_OK; /* reported */
	if (google.sealed) {
		import_tell(import, IMPORT_BAD, &place,
			    "the secret is encrypted under the user's PIN");
		return TOTP_OK;
	}
	snprintf(state, sizeof(state), "%.*s" STATE_END, (int)(len - end), name);
	if (read_state(import, &place, state, &google) != TOTP_OK)
		return TOTP_OK; /* reported */
	return reader_add_google(import, &place, (struct text){name, len - end}, &google, why);
}

static enum totp_err read_totpcgi(struct import *import, struct reason *why)
{
	return reader_dir(import, import->ctl->words[0], read_secret_file, why);
}

static int import_totpcgi(struct ctl *ctl)
{
	struct totpcgi totpcgi = {.states = READER_DIR_NONE};
	struct reason why = {""};
	int code;

	/* its files are writable by all users, so the directory must not be */
	if (reader_dir_open(ctl->words[ctl->word_count - 1], &totpcgi.states, &why) != TOTP_OK)
		return tool_refuse(&ctl->tool, "%s", why.text);
	code = import_run(ctl, &totpcgi.import, read_totpcgi);
	reader_dir_close(&totpcgi.states);
	return code;
}

const struct command ctl_import_totpcgi = {
	.name = "import totp-cgi",
	.arguments = "DIRECTORY [STATE]",
	.help = "import USER.totp, USER.json of totp-cgi",
	.more = "STATE is the directory with USER.json, if it is another one than DIRECTORY.\n"
		"Secrets that are encrypted with a PIN cannot be read; PINs are not imported.\n",
	.shared = import_option_rows,
	.run = import_totpcgi,
};
