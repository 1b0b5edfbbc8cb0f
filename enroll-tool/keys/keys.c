/* SPDX-License-Identifier: BSD-2-Clause */
#include "keys/keys.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "common/enrolled.h"
#include "host/ask.h"
#include "common/program.h"
#include "common/progress.h"

#define CREDS      "/usr/bin/systemd-creds"
#define NAME       "--name=keyring" /* totpd uses the same name */
#define SEALED_MAX PROGRAM_INPUT_MAX
#define SEAL_S     60 /* a TPM is slow */
#define VOLATILE   "/run/"
#define RESTART_S  60
#define SYSTEMCTL  "/usr/bin/systemctl"
#define NO_UNIT    5 /* exit status of systemctl */

/* --- use of keys --- */

/* The state of a survey of all sealed files. */
struct survey {
	struct key_uses *uses;
	struct progress progress;
	size_t done, records;
};

/* The row of a key; a missing one gets a new row. NULL: there are too many. */
static struct key_use *use_of(struct key_uses *uses, uint32_t id)
{
	for (size_t i = 0; i < uses->count; i++)
		if (uses->use[i].id == id)
			return &uses->use[i];
	if (uses->count == KEY_USES_MAX)
		return NULL;
	uses->use[uses->count] = (struct key_use){.id = id};
	return &uses->use[uses->count++];
}

static void count_use(void *context, const struct store_sealed *sealed)
{
	struct survey *survey = context;
	struct key_uses *uses = survey->uses;
	struct key_use *use = sealed->err == TOTP_OK ? use_of(uses, sealed->key_id) : NULL;

	if (survey->done < survey->records)
		progress_show(&survey->progress, "reading records", ++survey->done,
			      survey->records);
	if (sealed->err == TOTP_ERR_FORMAT) /* no key opens it */
		return;
	if (!use) {
		uses->unknown++;
		uses->why = sealed->why;
		if (sealed->err == TOTP_OK)
			reason_set(&uses->why, "%.100s: too many keys are missing", sealed->user);
		return;
	}
	if (sealed->kind == STORE_RECORD)
		use->records++;
	else
		use->invites++;
}

int key_uses_find(const struct tool *tool, const struct keyring *keyring, struct key_uses *ret_uses)
{
	struct survey survey = {.uses = ret_uses, .progress = progress_begin()};
	struct reason why = {""};
	enum totp_err err = enrolled_count(tool->store, &survey.records, &why);

	for (size_t i = 0; i < keyring->count; i++)
		(void)use_of(ret_uses, keyring->keys[i].id);
	if (err == TOTP_OK)
		err = store_each_key(tool->store, count_use, &survey, &why);
	progress_clear(&survey.progress);
	return tool_result(tool, err, &why);
}

/* --- the keyring, sealed --- */

bool sealed_is_in_run(const struct tool *tool)
{
	char directory[POLICY_PATH_MAX];
	char *slash, *real;
	bool in_run;

	strcpy(directory, tool->policy.keyring);
	slash = strrchr(directory, '/');
	slash[slash == directory] = '\0';
	real = realpath(directory, NULL);
	slash = real ? real : directory;
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
		.argv = argv, .input = input.at, .input_len = input.len, .seconds = SEAL_S};

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
	static char box[SEALED_MAX];
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
	return tool_result(tool, err, &why);
}

/* --- the keyring --- */

int keys_load(const struct tool *tool, struct keyring_text *ret_text, struct keyring *ret_keyring)
{
	struct reason why = {""};

	return tool_result(
		tool, keyring_text_load(tool->policy.keyring, ret_text, ret_keyring, &why), &why);
}

int keys_save(const struct tool *tool, const struct keyring_text *text)
{
	struct reason why = {""};
	int code = TOOL_DONE;

	if (sealed_is_in_run(tool) && !sealed_is_there())
		return tool_refuse(tool,
				   "%s is in memory only, and there is no " SEALED_FILE
				   ": run totpctl key seal, or keep the keyring elsewhere",
				   tool->policy.keyring);
	/* before the keyring that the next boot removes */
	if (sealed_is_in_run(tool))
		code = sealed_put(tool, text);
	if (code != TOOL_DONE)
		return code;
	return tool_result(tool, keyring_put(tool->policy.keyring, keyring_text_of(text), &why),
			   &why);
}

void keys_log(const struct tool *tool, const char *what, uint32_t id)
{
	char detail[32];

	snprintf(detail, sizeof(detail), "key %08x", (unsigned)id);
	tool_log_detail(tool, NULL, what, NULL, detail);
}

int keys_make_directory(const struct tool *tool)
{
	char path[POLICY_PATH_MAX];
	char *slash;
	bool made;

	strcpy(path, tool->policy.keyring);
	slash = strrchr(path, '/');
	if (slash == path)
		return TOOL_DONE;
	*slash = '\0';
	made = mkdir(path, 0755) == 0;
	if (!made && errno == EEXIST)
		return TOOL_DONE;
	/* set the mode again: the umask may have removed bits */
	if (made && chmod(path, 0755) == 0 && file_sync_entry(path) == TOTP_OK)
		return TOOL_DONE;
	return tool_refuse(tool, "%s: cannot make the directory: %s", path, strerror(errno));
}

/* --- totpd --- */

/* Its exit status, and the first line of its output. */
static int systemctl(const char *const argv[], char *said, size_t cap)
{
	const struct program program = {.argv = argv, .errors = true, .seconds = RESTART_S};
	size_t len = 0;
	int status = program_run(&program, said, cap, &len);

	said[strcspn(said, "\n")] = '\0';
	return status;
}

/* The units use the default policy. */
static bool has_systemd(const struct tool *tool)
{
	return !tool->conf && access("/run/systemd/system", F_OK) == 0;
}

bool keys_start_sockets(const struct tool *tool)
{
	static const char *const ask[] = {SYSTEMCTL,      "--quiet",           "is-enabled",
					  "totpd.socket", "totpd-root.socket", NULL};
	static const char *const start[] = {SYSTEMCTL,      "--no-ask-password", "start",
					    "totpd.socket", "totpd-root.socket", NULL};
	char said[256] = "";

	if (!has_systemd(tool) || systemctl(ask, said, sizeof(said)) != 0)
		return false;
	if (systemctl(start, said, sizeof(said)) == 0) {
		printf("Started the sockets of totpd, which are enabled.\n");
		return true;
	}
	tool_refuse(tool, "systemctl could not start the sockets of totpd: %s",
		    said[0] ? said : "it did not answer");
	return false;
}

bool keys_restart_totpd(const struct tool *tool)
{
	static const char *const argv[] = {SYSTEMCTL, "--no-ask-password", "try-restart",
					   "totpd.service", NULL};
	const char *run_dir = tool->policy.run_dir;
	char said[256] = "";
	int status = has_systemd(tool) ? systemctl(argv, said, sizeof(said)) : NO_UNIT;

	if (status == NO_UNIT)
		return ask_connect(run_dir, ASK_SOCKET, NULL) == TOTP_ERR_NOT_FOUND &&
		       ask_connect(run_dir, ASK_ROOT_SOCKET, NULL) == TOTP_ERR_NOT_FOUND;
	if (status == 0)
		printf("If totpd was running, it has read the keyring again.\n");
	else
		tool_refuse(tool, "systemctl could not restart totpd: %s",
			    said[0] ? said : "it did not answer");
	return status == 0;
}

void keys_renew_totpd(const struct tool *tool)
{
	if (!keys_restart_totpd(tool))
		printf("Restart totpd: until then it stores no new enrollment.\n");
}
