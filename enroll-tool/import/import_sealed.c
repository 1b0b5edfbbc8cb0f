/*
 * totpctl import sealed PATH...: credentials from the store of another host whose keyring has a
 * key of this one, as files or directories. They have no state, so used codes are not known
 * here. A credential keeps its id, by which a second import recognizes it.
 */
#include "import/reader.h"

#include <limits.h>
#include <fcntl.h>
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "base/io.h"
#include "record/seal.h"

#define BOX_MAX (CRED_BYTES_MAX + SEAL_OVERHEAD)

struct sealed {
	struct import import; /* first: the reader gets a pointer to it */
	struct keyring keyring;
};

static enum totp_err read_box(const char *path, uint8_t *box, size_t *ret_len, struct reason *why)
{
	OWN_FD int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
	enum totp_err err = fd < 0 ? TOTP_ERR_SYSTEM : io_read_all(fd, box, BOX_MAX, ret_len);

	if (err == TOTP_ERR_SYSTEM)
		(void)reason_errno(why, "cannot be read");
	else if (err != TOTP_OK)
		reason_set(why, "more than %d bytes: not a sealed credential", BOX_MAX);
	return err;
}

static enum totp_err open_with(const struct keyring *keyring, const char *user, struct bytes box,
			       struct cred *ret_cred, struct reason *why)
{
	uint8_t bytes[CRED_BYTES_MAX];
	struct buffer plain = buffer_of(bytes, sizeof(bytes));
	const struct host_key *key;
	uint32_t id = 0;
	enum totp_err err = seal_key_id(box, &id);

	if (err != TOTP_OK) {
		reason_set(why, "not a sealed credential");
		return err;
	}
	key = keyring_find(keyring, id);
	if (!key) {
		reason_set(why, "sealed under key %08x, which is not in the keyring", (unsigned)id);
		return TOTP_ERR_NOT_FOUND;
	}
	err = seal_open(key, user, box, &plain);
	if (err == TOTP_OK)
		err = cred_decode(plain.data, plain.len, ret_cred);
	WIPE(bytes);
	if (err == TOTP_ERR_UNSUPPORTED)
		reason_set(why, "of a newer version of pam_totp");
	else if (err != TOTP_OK)
		reason_set(why,
			   "does not open: changed, or not that of the user it is named after");
	return err;
}

static bool has_counter(const struct cred *cred)
{
	for (size_t i = 0; i < cred->token_count; i++)
		if (cred->tokens[i].type == TOKEN_HOTP)
			return true;
	return false;
}

/*
 * Without the state, choose what is safe: no bypass, and no token whose counter is not known.
 */
static enum totp_err take_cred(struct import *import, const struct place *place,
			       struct new_token *draft, struct reason *why)
{
	if (has_counter(&draft->cred)) {
		import_bad(import, place,
			   "has a counter-based token, whose counter is in the state: use totpctl "
			   "export and import exported");
		return TOTP_OK;
	}
	draft->cred.bypass = (struct bypass){0};
	draft->cred.must_confirm = false;
	state_init(&draft->cred, &draft->state);
	return import_add(import, place, draft, why);
}

static enum totp_err take_box(struct import *import, const struct place *place, const char *user,
			      struct bytes box, struct reason *why)
{
	const struct sealed *sealed = (const struct sealed *)import;
	OWN_NEW_TOKEN struct new_token draft = {0};
	struct reason fault = {""};

	if (open_with(&sealed->keyring, user, box, &draft.cred, &fault) == TOTP_OK)
		return take_cred(import, place, &draft, why);
	import_bad(import, place, "%s", fault.text);
	return TOTP_OK;
}

static bool find_user(const char *name, char ret_user[CRED_USER_MAX + 1], struct reason *fault)
{
	if (store_user_of(name, ret_user) == TOTP_OK)
		return true;
	reason_set(fault, "its name is not that of a record: expected users/NAME's");
	return false;
}

static enum totp_err read_sealed_file(struct import *import, const char *path, struct reason *why)
{
	const char *slash = strrchr(path, '/');
	struct place place = {import_path(import, path), 0};
	uint8_t box[BOX_MAX];
	char user[CRED_USER_MAX + 1];
	struct reason fault = {""};
	size_t len = 0;

	if (!place.file)
		return TOTP_ERR_NOMEM;
	if (find_user(slash ? slash + 1 : path, user, &fault) &&
	    read_box(path, box, &len, &fault) == TOTP_OK)
		return take_box(import, &place, user, bytes_of(box, len), why);
	import_bad(import, &place, "%s", fault.text);
	return TOTP_OK;
}

/* A file of a directory, perhaps the copy of a store in use: a name with '~' is a write that was
 * not finished. */
static enum totp_err read_sealed_entry(struct import *import, const struct reader_dir *folder,
				       const char *name, struct reason *why)
{
	struct place place = reader_place(import, folder, name);
	uint8_t box[BOX_MAX];
	char user[CRED_USER_MAX + 1];
	struct reason fault = {""};
	struct stat st;
	size_t len = 0;

	if (strchr(name, '~'))
		return TOTP_OK;
	if (!place.file)
		return TOTP_ERR_NOMEM;
	if (find_user(name, user, &fault) &&
	    reader_file_at(folder, name, box, sizeof(box), &len, &st, &fault) == TOTP_OK)
		return take_box(import, &place, user, bytes_of(box, len), why);
	if (fault.text[0]) /* else the file was removed meanwhile */
		import_bad(import, &place, "%s", fault.text);
	return TOTP_OK;
}

static enum totp_err read_sealed_path(struct import *import, const char *path, struct reason *why)
{
	struct stat st;

	return stat(path, &st) == 0 && S_ISDIR(st.st_mode)
		       ? reader_dir(import, path, read_sealed_entry, why)
		       : read_sealed_file(import, path, why);
}

static enum totp_err read_sealed(struct import *import, struct reason *why)
{
	struct sealed *sealed = (struct sealed *)import;
	const struct ctl *ctl = import->ctl;
	enum totp_err err = keyring_load(ctl->tool.policy.keyring, &sealed->keyring, why);

	for (int i = 0; i < ctl->word_count && err == TOTP_OK; i++)
		err = read_sealed_path(import, ctl->words[i], why);
	keyring_wipe(&sealed->keyring);
	return err;
}

static int import_sealed(struct ctl *ctl)
{
	struct sealed sealed = {.import = {.same_id = true}};

	return import_run(ctl, &sealed.import, read_sealed);
}

const struct command ctl_import_sealed = {
	.name = "import sealed",
	.arguments = "PATH...",
	.help = "import records of a host with the same key",
	.more = "Files of the store's users/, or a directory of them, from a host whose keyring\n"
		"shares a key with this one. Codes that were used there are not known here. A\n"
		"record that is here already stays, so this can be run again and again.\n",
	.min = 1,
	.max = INT_MAX,
	.shared = import_option_rows,
	.run = import_sealed,
};
