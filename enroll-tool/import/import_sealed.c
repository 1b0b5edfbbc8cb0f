/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * totpctl import sealed PATH...: credentials from the store of another host whose keyring has a
 * key of this one, as files or directories. They have no state, so used codes are not known
 * here. A credential keeps its id, by which a second import recognizes it.
 */
#include "import/import.h"

#include <string.h>

#include "record/seal.h"

#define BOX_MAX (CRED_BYTES_MAX + SEAL_OVERHEAD)

/*
 * Without the state, choose what is safe: no bypass, and no token whose counter is not known.
 */
static enum totp_err take_cred(struct import *import, const struct place *place,
			       const struct cred *cred, struct reason *why)
{
	OWN_DRAFT struct draft draft = {.cred = *cred};

	for (size_t i = 0; i < cred->token_count; i++) {
		if (cred->tokens[i].type != TOKEN_HOTP)
			continue;
		import_tell(import, IMPORT_BAD, place,
			    "has a counter-based token, whose counter is in the state: use totpctl "
			    "export and import exported");
		return TOTP_OK;
	}
	draft.cred.bypass = (struct bypass){0};
	draft.cred.must_confirm = false;
	state_init(&draft.cred, &draft.state);
	return import_add(import, place, &draft, why);
}

/* Open a box that is sealed for the user after whom its file is named. */
static bool open_box(struct store *store, const char *name, struct bytes box, struct cred *ret_cred,
		     struct reason *fault)
{
	char user[CRED_USER_MAX + 1];

	if (store_user_of(name, user) != TOTP_OK) {
		reason_set(fault, "its name is not that of a record: expected users/NAME's");
		return false;
	}
	if (store_unseal(store, user, box, ret_cred, fault) == TOTP_OK)
		return true;
	if (!fault->text[0])
		reason_set(fault, "does not open: changed, or not that of the user it is named "
				  "after");
	return false;
}

/*
 * dir: NULL for a path that the command names; else perhaps the copy of a store in use, where a
 * name with '~' is a write that was not finished.
 */
static enum totp_err read_box(struct import *import, const struct reader_dir *dir, const char *path,
			      struct reason *why)
{
	const char *name = basename(path);
	struct place place = {NULL, 0};
	OWN_CRED struct cred cred;
	uint8_t bytes[BOX_MAX];
	struct reader_file file = {.buf = bytes, .cap = sizeof(bytes)};
	struct reason fault = {""};
	enum totp_err err;

	if (dir && strchr(name, '~'))
		return TOTP_OK;
	place.file = dir ? import_path(import, "%s/%s", dir->path, name)
			 : import_path(import, "%s", path);
	if (!place.file)
		return TOTP_ERR_NOMEM;
	err = reader_file(dir, path, &file, &fault);
	if (err == TOTP_OK &&
	    open_box(import->ctl->tool.store, name, bytes_of(bytes, file.len), &cred, &fault))
		return take_cred(import, &place, &cred, why);
	if (fault.text[0]) /* else the file was removed meanwhile */
		import_tell(import, IMPORT_BAD, &place, "%s", fault.text);
	return TOTP_OK;
}

static enum totp_err read_sealed(struct import *import, struct reason *why)
{
	const struct ctl *ctl = import->ctl;
	enum totp_err err = TOTP_OK;

	for (int i = 0; i < ctl->word_count && err == TOTP_OK; i++) {
		const char *path = ctl->words[i];
		struct stat st;

		err = stat(path, &st) == 0 && S_ISDIR(st.st_mode)
			      ? reader_dir(import, path, read_box, why)
			      : read_box(import, NULL, path, why);
	}
	return err;
}

static int import_sealed(struct ctl *ctl)
{
	struct import import = {.same_id = true};

	return import_run(ctl, &import, read_sealed);
}

const struct command ctl_import_sealed = {
	.name = "import sealed",
	.arguments = "PATH...",
	.help = "import records of a host with the same key",
	.more = "Files of the store's users/, or a directory of them, from a host whose keyring\n"
		"shares a key with this one. Codes that were used there are not known here. A\n"
		"record that is here already stays, so this can be run again and again.\n",
	.shared = import_option_rows,
	.run = import_sealed,
};
