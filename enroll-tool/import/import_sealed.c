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

/* A sealed credential, and the user after whom its file is named. */
struct box {
	char user[CRED_USER_MAX + 1];
	uint8_t bytes[BOX_MAX];
	size_t len;
};

static enum totp_err open_box_with(const struct keyring *keyring, const struct box *box,
				   struct cred *ret_cred, struct reason *why)
{
	uint8_t bytes[CRED_BYTES_MAX];
	struct buffer plain = buffer_of(bytes, sizeof(bytes));
	const struct host_key *key;
	uint32_t id = 0;
	const struct bytes sealed = bytes_of(box->bytes, box->len);
	enum totp_err err = seal_key_id(sealed, &id);

	if (err != TOTP_OK) {
		reason_set(why, "not a sealed credential");
		return err;
	}
	key = keyring_find(keyring, id);
	if (!key) {
		reason_set(why, "sealed under key %08x, which is not in the keyring", (unsigned)id);
		return TOTP_ERR_NOT_FOUND;
	}
	err = seal_open(key, box->user, sealed, &plain);
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

/*
 * Without the state, choose what is safe: no bypass, and no token whose counter is not known.
 */
static enum totp_err take_box(struct import *import, const struct place *place,
			      const struct box *box, struct reason *why)
{
	const struct sealed *sealed = (const struct sealed *)import;
	OWN_NEW_TOKEN struct new_token draft = {0};
	struct reason fault = {""};

	if (open_box_with(&sealed->keyring, box, &draft.cred, &fault) != TOTP_OK) {
		import_bad(import, place, "%s", fault.text);
		return TOTP_OK;
	}
	for (size_t i = 0; i < draft.cred.token_count; i++) {
		if (draft.cred.tokens[i].type != TOKEN_HOTP)
			continue;
		import_bad(import, place,
			   "has a counter-based token, whose counter is in the state: use totpctl "
			   "export and import exported");
		return TOTP_OK;
	}
	draft.cred.bypass = (struct bypass){0};
	draft.cred.must_confirm = false;
	state_init(&draft.cred, &draft.state);
	return import_add(import, place, &draft, why);
}

static bool find_user(const char *name, struct box *box, struct reason *fault)
{
	if (store_user_of(name, box->user) == TOTP_OK)
		return true;
	reason_set(fault, "its name is not that of a record: expected users/NAME's");
	return false;
}

static enum totp_err read_sealed_file(struct import *import, const char *path, struct reason *why)
{
	OWN_FD int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
	const char *slash = strrchr(path, '/');
	struct place place = {import_path(import, path), 0};
	struct reason fault = {""};
	struct box box = {.len = 0};
	enum totp_err err;

	if (fd < 0)
		(void)reason_errno(&fault, "cannot be read");
	if (!place.file)
		return TOTP_ERR_NOMEM;
	if (find_user(slash ? slash + 1 : path, &box, &fault) && fd >= 0) {
		err = io_read_all(fd, box.bytes, sizeof(box.bytes), &box.len);
		if (err == TOTP_OK)
			return take_box(import, &place, &box, why);
		if (err == TOTP_ERR_SYSTEM)
			(void)reason_errno(&fault, "cannot be read");
		else
			reason_set(&fault, "more than %d bytes: not a sealed credential", BOX_MAX);
	}
	import_bad(import, &place, "%s", fault.text);
	return TOTP_OK;
}

/* A file of a directory, perhaps the copy of a store in use: a name with '~' is a write that was
 * not finished. */
static enum totp_err read_sealed_entry(struct import *import, const struct reader_dir *dir,
				       const char *name, struct reason *why)
{
	struct place place = reader_place(import, dir, name);
	struct box box = {.len = 0};
	struct reader_file file = {.buf = box.bytes, .cap = sizeof(box.bytes)};
	struct reason fault = {""};

	if (strchr(name, '~'))
		return TOTP_OK;
	if (!place.file)
		return TOTP_ERR_NOMEM;
	if (find_user(name, &box, &fault) && reader_file_at(dir, name, &file, &fault) == TOTP_OK) {
		box.len = file.len;
		return take_box(import, &place, &box, why);
	}
	if (fault.text[0]) /* else the file was removed meanwhile */
		import_bad(import, &place, "%s", fault.text);
	return TOTP_OK;
}

static enum totp_err read_sealed(struct import *import, struct reason *why)
{
	struct sealed *sealed = (struct sealed *)import;
	const struct ctl *ctl = import->ctl;
	enum totp_err err = keyring_load(ctl->tool.policy.keyring, &sealed->keyring, why);

	for (int i = 0; i < ctl->word_count && err == TOTP_OK; i++) {
		const char *path = ctl->words[i];
		struct stat st;

		err = stat(path, &st) == 0 && S_ISDIR(st.st_mode)
			      ? reader_dir(import, path, read_sealed_entry, why)
			      : read_sealed_file(import, path, why);
	}
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
