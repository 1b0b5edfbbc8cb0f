/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * totpctl export FILE|- [USER...]: credentials with their states, sealed under a passphrase, for
 * another host. Each record is locked only while it is read, so each is consistent, but they are
 * read at different moments.
 */
#include "common/ctl.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/array.h"
#include "base/io.h"
#include "common/enrolled.h"
#include "base/arena.h"
#include "host/clock.h"
#include "common/outfile.h"
#include "common/passphrase.h"
#include "common/progress.h"
#include "import/export_file.h"
#include "import/pwseal.h"

struct export
{
	struct ctl *ctl;
	struct arena heap;
	struct piece *pieces; /* one for each user */
	size_t count, room, total;
	size_t left_out;
	int code; /* of reading them */
	struct progress progress;
};

static void export_end(struct export *export)
{
	arena_wipe(&export->heap);
	free(export->pieces);
}

/* --- reading --- */

static enum totp_err add_piece(struct export *export, const struct store_txn *txn)
{
	uint8_t bytes[EXPORT_FILE_MAX];
	size_t len = 0;
	enum totp_err err = export_file_encode(&txn->cred, &txn->state, bytes, &len);
	void *copy = err == TOTP_OK ? arena_copy(&export->heap, bytes, len) : NULL;

	WIPE(bytes);
	if (err != TOTP_OK)
		return err;
	if (!copy ||
	    !array_room(&export->pieces, export->count, &export->room, sizeof(*export->pieces)))
		return TOTP_ERR_NOMEM;
	export->pieces[export->count++] = (struct piece){copy, len};
	export->total += len;
	return TOTP_OK;
}

/* A damaged record is reported and left out, so that the others can be exported. */
static void export_record(void *context, const struct store_row *row)
{
	struct export *export = context;
	enum totp_err err = row->err;
	const char *sentence = row->why->text;

	progress_show(&export->progress, "reading", row->number, row->total);
	if (export->code != TOOL_DONE)
		return;
	/* as a login does: an interrupted write may have stored a later step */
	if (err == TOTP_OK && row->txn->torn)
		state_raise(&row->txn->state, &row->txn->cred, clock_now(), 0);
	if (err == TOTP_OK)
		err = add_piece(export, row->txn);
	else if (err == TOTP_ERR_NOT_FOUND)
		sentence = "is not enrolled";
	if (err == TOTP_OK)
		return;
	progress_clear(&export->progress);
	tool_refuse(&export->ctl->tool, "%s: %s", row->user,
		    sentence[0] ? sentence : err_name(err));
	export->left_out++;
	if (err == TOTP_ERR_NOMEM)
		export->code = TOOL_REFUSED;
}

static int add_all(struct export *export)
{
	const struct tool *tool = &export->ctl->tool;
	struct reason why = {""};
	enum totp_err err = store_each_credential(tool->store, export_record, export, &why);

	progress_clear(&export->progress);
	return export->code == TOOL_DONE ? tool_result(tool, err, &why) : export->code;
}

static int add_users(struct export *export, char **users, size_t count)
{
	struct store *store = export->ctl->tool.store;

	for (size_t i = 0; i < count && export->code == TOOL_DONE; i++) {
		OWN_TXN struct store_txn txn = STORE_TXN_NONE;
		struct reason why = {""};
		struct store_row row = {.user = users[i],
					.txn = &txn,
					.why = &why,
					.number = i + 1,
					.total = count};

		row.err = store_read(store, users[i], tool_deadline(), &txn, &why);
		export_record(export, &row);
	}
	progress_clear(&export->progress);
	return export->code;
}

/* The users that the command names, as the name service spells them, each once. */
static int add_named(struct export *export)
{
	struct ctl *ctl = export->ctl;
	size_t count = (size_t)ctl->word_count - 1;
	OWN_ENROLLED struct enrolled named = {0};

	for (size_t i = 0; i < count; i++) {
		int code = tool_account(&ctl->tool, ctl->words[i + 1], &ctl->account);
		bool seen = false;

		if (code != TOOL_DONE)
			return code;
		for (size_t k = 0; k < named.count; k++)
			seen |= strcmp(named.users[k], ctl->account.name) == 0;
		if (!seen)
			enrolled_add(&named, ctl->account.name);
	}
	if (named.no_memory)
		return tool_result(&ctl->tool, TOTP_ERR_NOMEM, NULL);
	return add_users(export, named.users, named.count);
}

/* --- sealing and writing --- */

static int seal_and_write(const struct export *export, const struct secret *phrase,
			  const struct outfile *file)
{
	const struct tool *tool = &export->ctl->tool;
	size_t len = EXPORT_FILE_HEAD_LEN + export->total;
	uint8_t *box = malloc(len + PWSEAL_OVERHEAD);
	enum totp_err err = box ? TOTP_OK : TOTP_ERR_NOMEM;
	int code = TOOL_DONE;

	if (box) {
		const struct export_file_head head = {.made = clock_now(),
						      .count = (uint32_t) export->count};
		struct buffer out = buffer_of(box + PWSEAL_HEADER_LEN, len);

		export_file_put_head(&out, &head);
		for (size_t i = 0; i < export->count; i++)
			buffer_copy(&out, export->pieces[i].at, export->pieces[i].len);
		err = pwseal_close(phrase, PWSEAL_EXPORT, PWSEAL_COST, box, len);
	}
	if (err != TOTP_OK)
		code = tool_refuse(tool, "cannot seal the export: %s", err_name(err));
	else if (file->path)
		code = outfile_write(tool, file, box, len + PWSEAL_OVERHEAD);
	else if (io_write(STDOUT_FILENO, box, len + PWSEAL_OVERHEAD) != TOTP_OK)
		code = tool_refuse(tool, "standard output: %s", strerror(errno));
	if (err != TOTP_OK && box)
		explicit_bzero(box, len + PWSEAL_OVERHEAD);
	free(box);
	return code;
}

static int export_users(struct ctl *ctl)
{
	OWN(export_end) struct export export = {.ctl = ctl, .progress = progress_begin()};
	OWN_OUTFILE struct outfile file = OUTFILE_NONE;
	char detail[64];
	OWN_SECRET struct secret phrase = {0};
	int code = tool_open(&ctl->tool, "export records");

	/* standard output, or a file that is made before the passphrase is asked for */
	if (code == TOOL_DONE && strcmp(ctl->words[0], "-") != 0)
		code = outfile_create(&ctl->tool, ctl->words[0], &file);
	else if (code == TOOL_DONE && isatty(STDOUT_FILENO))
		code = tool_refuse(&ctl->tool, "standard output is a terminal: name a file");
	if (code == TOOL_DONE)
		code = passphrase_new(&ctl->tool, &phrase);
	if (code == TOOL_DONE)
		code = ctl->word_count > 1 ? add_named(&export) : add_all(&export);
	if (code == TOOL_DONE)
		code = seal_and_write(&export, &phrase, &file);
	if (code == TOOL_DONE)
		code = outfile_sync(&ctl->tool, &file);
	if (code != TOOL_DONE)
		return code;
	outfile_keep(&file);
	fprintf(strcmp(ctl->words[0], "-") == 0 ? stderr : stdout, "%zu user%s exported\n",
		export.count, export.count == 1 ? "" : "s");
	snprintf(detail, sizeof(detail), "%zu records", export.count);
	tool_log_detail(&ctl->tool, NULL, "exported", NULL, detail);
	return export.left_out ? tool_refuse(&ctl->tool, "%zu left out", export.left_out)
			       : TOOL_DONE;
}

const struct command ctl_export = {
	.name = "export",
	.arguments = "FILE|- [USER...]",
	.help = "write all users, or some, to a file for another host",
	.more = "Writes credentials, and which codes were used, encrypted with a passphrase. Only\n"
		"the owner can read the new file. To read it: totpctl import exported\n",
	.options = passphrase_rows,
	.run = export_users,
};
