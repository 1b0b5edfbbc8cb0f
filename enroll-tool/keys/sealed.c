#include "keys/sealed.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/program.h"

#define CREDS    "/usr/bin/systemd-creds"
#define NAME     "--name=keyring" /* totpd uses the same name */
#define BOX_MAX  PROGRAM_INPUT_MAX
#define SECONDS  60 /* a TPM is slow */
#define VOLATILE "/run/"

bool sealed_is_in_run(const struct tool *tool)
{
	char folder[POLICY_PATH_MAX];
	char *slash, *real;
	bool in_run;

	strcpy(folder, tool->policy.keyring);
	slash = strrchr(folder, '/');
	slash[slash == folder] = '\0';
	real = realpath(folder, NULL);
	slash = real ? real : folder;
	in_run = strncmp(slash, VOLATILE, sizeof(VOLATILE) - 1) == 0 || strcmp(slash, "/run") == 0;
	free(real);
	return in_run;
}

bool sealed_is_there(void)
{
	return access(SEALED_FILE, F_OK) == 0;
}

static bool run(const char *verb, struct text input, char *output, size_t cap, size_t *ret_len)
{
	const char *const argv[] = {CREDS, NAME, verb, "-", "-", NULL};
	const struct program program = {
		.argv = argv, .input = input.at, .input_len = input.len, .seconds = SECONDS};

	return program_run(&program, output, cap, ret_len) == 0 && *ret_len > 0;
}

/* Open it again: if that fails now, it fails at the next boot. */
static bool opens(struct text box, const struct keyring_text *text)
{
	char plain[KEYRING_BYTES_MAX + 2];
	size_t plain_len = 0;
	bool same = run("decrypt", box, plain, sizeof(plain), &plain_len) &&
		    plain_len == text->len && memcmp(plain, text->text, plain_len) == 0;

	explicit_bzero(plain, sizeof(plain));
	return same;
}

int sealed_put(const struct tool *tool, const struct keyring_text *text)
{
	static char box[BOX_MAX];
	struct reason why = {""};
	size_t len = 0;
	enum totp_err err;

	if (!run("encrypt", (struct text){text->text, text->len}, box, sizeof(box), &len))
		return tool_refuse(tool, "the keyring cannot be sealed: " CREDS
					 " (systemd 250 or later) failed or is missing");
	if (!opens((struct text){box, len}, text))
		return tool_refuse(
			tool,
			"the keyring was sealed, but does not open again: nothing is changed");
	if (sealed_is_there())
		err = keyring_put(SEALED_FILE, (struct text){box, len}, &why);
	else
		err = keyring_put_new(SEALED_FILE, (struct text){box, len}, &why);
	return err == TOTP_OK ? TOOL_DONE : tool_refuse(tool, "%s", why.text);
}
