/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * totpctl key backup FILE and key restore FILE: a copy of the keyring under a passphrase, to
 * be kept elsewhere. A restore only adds keys that are missing and removes none, so an old copy
 * loses nothing that was sealed later.
 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "base/io.h"
#include "keys/keys.h"
#include "common/outfile.h"
#include "common/passphrase.h"
#include "import/pwseal.h"

#define BOX_MAX (KEYRING_BYTES_MAX + PWSEAL_OVERHEAD)

/* --- backup --- */

static int seal(const struct tool *tool, const struct keyring_text *text,
		const struct secret *phrase, const struct outfile *file)
{
	uint8_t box[BOX_MAX];
	enum totp_err err;
	int code;

	memcpy(box + PWSEAL_HEADER_LEN, text->text, text->len);
	err = pwseal_close(phrase, PWSEAL_KEYRING, PWSEAL_COST, box, text->len);
	if (err != TOTP_OK) {
		WIPE(box);
		return tool_refuse(tool, "the copy cannot be sealed: %s", err_name(err));
	}
	code = outfile_write(tool, file, box, text->len + PWSEAL_OVERHEAD);
	return code == TOOL_DONE ? outfile_sync(tool, file) : code;
}

static int backup_keys(struct ctl *ctl)
{
	const struct tool *tool = &ctl->tool;
	OWN_KEYRING_TEXT struct keyring_text text = {.len = 0};
	OWN_KEYRING struct keyring keyring = {.count = 0};
	OWN_OUTFILE struct outfile file = OUTFILE_NONE;
	OWN_SECRET struct secret phrase = {.len = 0};
	int code = tool_need_root(tool, "copy keys");

	if (code == TOOL_DONE)
		code = tool_load_policy(&ctl->tool);
	if (code == TOOL_DONE)
		code = keys_load(tool, &text, &keyring);
	if (code == TOOL_DONE)
		code = outfile_create(tool, ctl->words[0], &file);
	if (code == TOOL_DONE)
		code = passphrase_new(tool, &phrase);
	if (code == TOOL_DONE)
		code = seal(tool, &text, &phrase, &file);
	if (code != TOOL_DONE)
		return code;
	outfile_keep(&file);
	keys_log(tool, "key-copied", keyring.keys[0].id);
	printf("Copied: %zu key%s; the active key is %08x.\n"
	       "Keep the file and its passphrase apart, and not on this host.\n",
	       keyring.count, keyring.count == 1 ? "" : "s", (unsigned)keyring.keys[0].id);
	return TOOL_DONE;
}

const struct command ctl_key_backup = {
	.name = "key backup",
	.arguments = "FILE",
	.help = "copy the keys to a new file, encrypted with a passphrase",
	.more = "Only root can read the file. Keep it, and the passphrase, somewhere else: if\n"
		"the keys are lost, no code works here, and no backup of the store is of use.\n",
	.options = passphrase_rows,
	.run = backup_keys,
};

/* --- restore --- */

struct restore {
	struct ctl *ctl;
	struct keyring_text copy_text;
	struct keyring_text text; /* of the keyring here, as it was and as it becomes */
	struct keyring copy, here;
	bool is_here; /* there is a keyring */
	size_t added;
};

static void restore_end(struct restore *restore)
{
	WIPE(*restore);
}

static int refuse_copy(const struct ctl *ctl, enum totp_err err)
{
	const struct tool *tool = &ctl->tool;
	const char *path = ctl->words[0];

	if (err == TOTP_ERR_SYSTEM)
		return tool_refuse(tool, "%s: %s", path, strerror(errno));
	if (err == TOTP_ERR_SEAL)
		return tool_refuse(tool, "%s: another passphrase, or the file was changed", path);
	if (err == TOTP_ERR_CRYPTO)
		return tool_refuse(tool, "%s: cannot be opened: %s", path, err_name(err));
	return tool_refuse(tool, "%s: not a copy made by 'totpctl key backup' (%s)", path,
			   err_name(err));
}

static int read_copy(struct restore *restore)
{
	static uint8_t box[BOX_MAX];
	const struct ctl *ctl = restore->ctl;
	OWN_FD int fd = open(ctl->words[0], O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
	OWN_SECRET struct secret phrase = {.len = 0};
	struct keyring_text *text = &restore->copy_text;
	struct reason why = {""};
	size_t len = 0;
	enum totp_err err = fd < 0 ? TOTP_ERR_SYSTEM : io_read_all(fd, box, BOX_MAX, &len);
	int code;

	if (err == TOTP_OK && len < PWSEAL_OVERHEAD)
		err = TOTP_ERR_FORMAT;
	if (err != TOTP_OK)
		return refuse_copy(ctl, err);
	code = passphrase_old(&ctl->tool, &phrase);
	if (code != TOOL_DONE)
		return code;
	text->len = len - PWSEAL_OVERHEAD;
	err = pwseal_open(&phrase, PWSEAL_KEYRING, box, len, (uint8_t *)text->text);
	if (err != TOTP_OK)
		return refuse_copy(ctl, err);
	err = keyring_parse(keyring_text_of(text), "the copy", &restore->copy, &why);
	return tool_result(&ctl->tool, err, &why);
}

static int find_here(struct restore *restore)
{
	const struct tool *tool = &restore->ctl->tool;
	struct reason why = {""};
	enum totp_err err =
		keyring_text_load(tool->policy.keyring, &restore->text, &restore->here, &why);

	if (err == TOTP_ERR_NOT_FOUND)
		return TOOL_DONE;
	if (err == TOTP_ERR_FORMAT)
		return tool_refuse(tool, "%s; move it away first, then restore", why.text);
	restore->is_here = err == TOTP_OK;
	return tool_result(tool, err, &why);
}

/* Add the keys of the copy that are missing here, as old keys. */
static int merge(struct restore *restore)
{
	const struct tool *tool = &restore->ctl->tool;

	for (size_t i = 0; i < restore->copy.count; i++) {
		const struct host_key *key = &restore->copy.keys[i];
		const struct host_key *same = keyring_find(&restore->here, key->id);

		if (same && !secret_equal(same->key, key->key, sizeof(key->key)))
			return tool_refuse(
				tool,
				"key %08x is another one here than in the copy: nothing is changed",
				(unsigned)key->id);
		if (same)
			continue;
		if (keyring_text_add(&restore->text, key) != TOTP_OK)
			return tool_refuse(tool, "%s: there is no room for key %08x",
					   tool->policy.keyring, (unsigned)key->id);
		restore->added++;
	}
	return TOOL_DONE;
}

static int put_new(struct restore *restore)
{
	const struct tool *tool = &restore->ctl->tool;
	struct reason why = {""};
	int code = keys_make_directory(tool);

	if (code == TOOL_DONE && sealed_is_in_run(tool))
		code = sealed_put(tool, &restore->copy_text);
	if (code != TOOL_DONE)
		return code;
	restore->added = restore->copy.count;
	return tool_result(
		tool,
		keyring_put_new(tool->policy.keyring, keyring_text_of(&restore->copy_text), &why),
		&why);
}

static int put(struct restore *restore)
{
	const struct tool *tool = &restore->ctl->tool;
	int code = restore->is_here ? merge(restore) : put_new(restore);

	if (code == TOOL_DONE && restore->is_here && restore->added)
		code = keys_save(tool, &restore->text);
	for (size_t i = 0; i < restore->copy.count && code == TOOL_DONE; i++)
		if (!keyring_find(&restore->here, restore->copy.keys[i].id))
			keys_log(tool, "key-restored", restore->copy.keys[i].id);
	return code;
}

/* Can all stored records be opened now? */
static int look(const struct restore *restore)
{
	const struct tool *tool = &restore->ctl->tool;
	OWN_KEYRING struct keyring keyring = {.count = 0};
	struct key_uses uses = {.count = 0};
	struct reason why = {""};
	int code = tool_result(tool, keyring_load(tool->policy.keyring, &keyring, &why), &why);

	if (code == TOOL_DONE)
		code = key_uses_find(tool, &keyring, &uses);
	for (size_t i = keyring.count; i < uses.count && code == TOOL_DONE; i++)
		tool_refuse(tool, "key %08x, which has sealed %zu more, is in neither",
			    (unsigned)uses.use[i].id, uses.use[i].records + uses.use[i].invites);
	return code == TOOL_DONE && uses.count > keyring.count ? TOOL_REFUSED : code;
}

static void print_restored(const struct restore *restore)
{
	const char *path = restore->ctl->tool.policy.keyring;

	if (restore->added == 0)
		printf("%s has all %zu key%s of the copy: nothing is changed.\n", path,
		       restore->copy.count, restore->copy.count == 1 ? "" : "s");
	else if (restore->is_here)
		printf("Restored: %zu old key%s; the active key stays.\n", restore->added,
		       restore->added == 1 ? "" : "s");
	else
		printf("Restored: %zu key%s; the active key is %08x.\n", restore->added,
		       restore->added == 1 ? "" : "s", (unsigned)restore->copy.keys[0].id);
}

static int restore_keys(struct ctl *ctl)
{
	OWN(restore_end) struct restore restore = {.ctl = ctl};
	struct tool *tool = &ctl->tool;
	struct reason why = {""};
	int code = tool_need_root(tool, "restore keys");

	if (code == TOOL_DONE)
		code = tool_load_policy(tool);
	if (code == TOOL_DONE)
		code = read_copy(&restore);
	/* on a new host the keyring may come before the store */
	if (code == TOOL_DONE)
		code = tool_find_store(tool);
	if (code == TOOL_DONE && tool->store)
		code = tool_result(tool, store_claim_keys(tool->store, &why), &why);
	if (code == TOOL_DONE)
		code = find_here(&restore);
	if (code == TOOL_DONE)
		code = put(&restore);
	if (code != TOOL_DONE)
		return code;
	print_restored(&restore);
	if (restore.added)
		keys_renew_totpd(tool);
	return tool->store ? look(&restore) : TOOL_DONE;
}

const struct command ctl_key_restore = {
	.name = "key restore",
	.arguments = "FILE",
	.help = "add the keys of a copy that are missing here",
	.more = "If there is no keyring, the copy becomes the keyring. Otherwise keys that are\n"
		"missing are added as old keys, which only decrypt. No key is removed.\n",
	.options = passphrase_rows,
	.run = restore_keys,
};
