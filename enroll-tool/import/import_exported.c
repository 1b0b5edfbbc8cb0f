/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * totpctl import exported FILE|-: an export of totpctl export, from this host or another one. The
 * keyrings may differ. Used steps, counters and codes stay used.
 */
#include "import/import.h"

#include "login/enroll.h"
#include "common/passphrase.h"
#include "import/export_file.h"
#include "import/pwseal.h"

/* Open the box in place, in memory that import.c wipes. */
static enum totp_err open_box(struct import *import, const struct import_text *text,
			      struct bytes *ret_plain, struct reason *why)
{
	const struct place *place = &text->place;
	OWN_SECRET struct secret phrase = {0};
	uint8_t *box = (uint8_t *)text->at;
	enum totp_err err;

	if (passphrase_old(&import->ctl->tool, &phrase) != TOOL_DONE)
		return reason_err(why, TOTP_ERR_SYSTEM, "no passphrase was given for %.120s",
				  place->file);
	err = pwseal_open(&phrase, PWSEAL_EXPORT, box, text->len, box + PWSEAL_HEADER_LEN);
	if (err == TOTP_ERR_SEAL)
		reason_set(why, "%.120s: another passphrase, or the file was changed", place->file);
	else if (err == TOTP_ERR_CRYPTO)
		reason_set(why, "%.120s: cannot be opened: no memory for scrypt", place->file);
	else if (err != TOTP_OK)
		reason_set(why, "%.120s: not an export that this version reads", place->file);
	if (err == TOTP_OK)
		*ret_plain = bytes_of(box + PWSEAL_HEADER_LEN, text->len - PWSEAL_OVERHEAD);
	return err;
}

/* The record here gets an id and keys of its own. */
static enum totp_err take_credential(struct import *import, const struct place *place,
				     struct bytes *plain, struct reason *why)
{
	OWN_DRAFT struct draft there, here;
	enum totp_err err = export_file_decode(plain, &there.cred, &there.state);

	if (err != TOTP_OK)
		return err;
	here = there;
	err = enroll_renew(&here.cred, &there.cred, &there.state, &here.state);
	if (err == TOTP_OK)
		(void)enroll_forget(&here.state); /* addresses that the other host knows */
	return err == TOTP_OK ? import_add(import, place, &here, why) : err;
}

static enum totp_err take_all(struct import *import, const struct place *place, struct bytes *plain,
			      struct reason *why)
{
	size_t total = plain->left;
	struct export_file_head head = {0};
	enum totp_err err = export_file_get_head(plain, &head);

	for (uint32_t i = 0; i < head.count && err == TOTP_OK; i++) {
		err = take_credential(import, place, plain, why);
		progress_show(&import->progress, "checking ", total - plain->left, total);
	}
	return err == TOTP_OK ? bytes_end(plain) : err;
}

static enum totp_err read_exported(struct import *import, struct reason *why)
{
	struct import_text text = {0};
	struct bytes plain = {0};
	enum totp_err err = import_file(import, import->ctl->words[0],
					PWSEAL_PLAIN_MAX + PWSEAL_OVERHEAD, &text, why);

	if (err == TOTP_OK)
		err = open_box(import, &text, &plain, why);
	if (err != TOTP_OK)
		return err;
	err = take_all(import, &text.place, &plain, why);
	if (err != TOTP_OK && !why->text[0])
		reason_set(why, "%.120s: not an export that this version reads: %s",
			   text.place.file, err_name(err));
	return err;
}

static int import_exported(struct ctl *ctl)
{
	struct import import = {0};

	return import_run(ctl, &import, read_exported);
}

const struct command ctl_import_exported = {
	.name = "import exported",
	.arguments = "FILE|-",
	.help = "import a file that totpctl export wrote",
	.more = "Used codes stay used. Afterwards the hosts know nothing of each other: delete\n"
		"the users on one of them (totpctl delete).\n",
	.options = passphrase_rows,
	.shared = import_option_rows,
	.run = import_exported,
};
