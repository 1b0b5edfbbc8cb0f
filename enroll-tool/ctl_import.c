/*
 * totpctl import csv FILE|-: enrol the users of a list, all of them or none. Lines are
 * checked before the first record is written; from then on an interruption takes back
 * what was written.
 */
#include "totpctl.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "host/clock.h"
#include "login/enroll.h"
#include "rows.h"

#define IMPORT_LABEL "imported"

static volatile sig_atomic_t interrupted;

static void interrupt(int number)
{
	(void)number;
	interrupted = 1;
}

/* From here on an interruption is noticed between two records, and these are taken back. */
static void watch_signals(void)
{
	static const int numbers[] = {SIGINT, SIGTERM, SIGHUP};
	struct sigaction watch = {.sa_handler = interrupt, .sa_flags = SA_RESTART}, old;

	sigemptyset(&watch.sa_mask);
	for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++)
		if (sigaction(numbers[i], NULL, &old) == 0 && old.sa_handler != SIG_IGN)
			(void)sigaction(numbers[i], &watch, NULL);
}

/* What the store's callback knows. */
struct import {
	struct rows *rows;
	int64_t now;
};

static enum totp_err make_cred(const struct csv_row *csv, const struct row *row, int64_t now,
			       struct cred *ret_cred)
{
	struct token token = {.type = csv->hotp ? TOKEN_HOTP : TOKEN_TOTP,
			      .alg = csv->alg,
			      .digits = csv->digits,
			      .period = csv->period,
			      .created = now,
			      .label = IMPORT_LABEL,
			      .secret = csv->secret};
	enum totp_err err = enroll_begin(csv->user, row->bound, row->uid, now, ret_cred);

	if (err == TOTP_OK)
		err = enroll_add(ret_cred, &token);
	WIPE(token);
	return err;
}

static enum totp_err next_cred(void *context, size_t index, struct cred *ret_cred,
			       struct login_state *ret_state)
{
	struct import *import = context;
	struct csv_row csv;
	enum totp_err err;

	progress_show(&import->rows->progress, "importing", index + 1, import->rows->count);
	if (interrupted)
		return TOTP_ERR_SYSTEM;
	err = rows_decode(import->rows, index, &csv);
	if (err == TOTP_OK)
		err = make_cred(&csv, &import->rows->row[index], import->now, ret_cred);
	if (err == TOTP_OK) {
		state_init(ret_cred, ret_state);
		ret_state->tokens[0].moving = csv.counter;
	}
	csv_row_wipe(&csv);
	return err;
}

/* The list holds everybody's secrets: say so if others can read it. */
static void warn_if_readable(const struct ctl *ctl, const char *file, int fd)
{
	struct stat st;

	if (fstat(fd, &st) == 0 && S_ISREG(st.st_mode) && (st.st_mode & (S_IRWXG | S_IRWXO)))
		tool_refuse(&ctl->tool,
			    "warning: %s holds secrets and others can read it (mode %04o): remove "
			    "it when you are done",
			    file, (unsigned)st.st_mode & 07777);
}

static int read_rows(const struct ctl *ctl, struct rows *rows)
{
	const char *file = ctl->words[1];
	bool standard = strcmp(file, "-") == 0;
	OWN_FD int fd = standard ? dup(STDIN_FILENO) : open(file, O_RDONLY | O_CLOEXEC | O_NOCTTY);
	struct reason why = {""};

	rows->file = standard ? "standard input" : file;
	if (fd < 0)
		return tool_refuse(&ctl->tool, "%s: %s", rows->file, strerror(errno));
	warn_if_readable(ctl, rows->file, fd);
	if (rows_read(rows, fd, &why) != TOTP_OK)
		return tool_refuse(&ctl->tool, "%s: %s", rows->file, why.text);
	if (rows_check(rows, &why) != TOTP_OK)
		return tool_refuse(&ctl->tool, "%s: nothing is imported: %s", rows->file, why.text);
	return TOOL_DONE;
}

static int store_rows(const struct ctl *ctl, struct import *import)
{
	struct reason why = {""};
	enum totp_err err;

	watch_signals();
	err = store_create_many(ctl->tool.store, import->rows->count, next_cred, import, &why);
	progress_clear(&import->rows->progress);
	if (err == TOTP_OK && interrupted)
		tool_refuse(&ctl->tool, "interrupted too late: all records are in their place");
	if (err == TOTP_OK)
		return TOOL_DONE;
	return interrupted ? tool_refuse(&ctl->tool, "interrupted: nothing is imported")
			   : tool_refuse(&ctl->tool, "nothing is imported: %s", why.text);
}

static void log_rows(const struct ctl *ctl, const struct rows *rows)
{
	for (size_t i = 0; i < rows->count; i++) {
		struct csv_row csv;

		if (rows_decode(rows, i, &csv) == TOTP_OK)
			tool_log(&ctl->tool, csv.user, "imported", IMPORT_LABEL);
		csv_row_wipe(&csv);
	}
}

static const char *plural(size_t count)
{
	return count == 1 ? "" : "s";
}

/* Bad lines were named: is there something to import all the same? TOOL_DONE to go on. */
static int decide(const struct ctl *ctl, const struct rows *rows)
{
	size_t lines = rows->count + rows->left_out;

	if (rows->left_out == 0 || ctl->keep_going)
		return TOOL_DONE;
	return tool_refuse(&ctl->tool,
			   "nothing is imported: %zu of %zu user%s cannot be; correct the list, or "
			   "leave them out with --keep-going",
			   rows->left_out, lines, plural(lines));
}

static int report(const struct ctl *ctl, const struct rows *rows)
{
	printf("%zu user%s imported\n", rows->count, plural(rows->count));
	if (rows->left_out == 0)
		return TOOL_DONE;
	return tool_refuse(&ctl->tool, "%zu line%s left out", rows->left_out,
			   plural(rows->left_out));
}

int ctl_import(struct ctl *ctl)
{
	OWN_ROWS struct rows rows = {.progress = progress_begin()};
	struct import import = {.rows = &rows, .now = clock_now()};
	int code;

	if (strcmp(ctl->words[0], "csv") != 0)
		return tool_usage(&ctl->tool, "import: the format must be csv, not '%s'",
				  ctl->words[0]);
	code = tool_open(&ctl->tool, "import users");
	if (code != TOOL_DONE)
		return code;

	rows.store = ctl->tool.store;
	code = read_rows(ctl, &rows);
	if (code == TOOL_DONE)
		code = decide(ctl, &rows);
	if (code == TOOL_DONE)
		code = store_rows(ctl, &import);
	if (code != TOOL_DONE)
		return code;
	log_rows(ctl, &rows);
	return report(ctl, &rows);
}
