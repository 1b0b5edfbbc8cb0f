/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The events of systemd's journal. Its fields that begin with "_" come from journald and not from
 * the sender. Of these the uid is the kernel's word. The program is read from /proc a moment later:
 * a user who writes a line and then becomes su in the same process can forge it.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/program.h"
#include "host/account.h"
#include "log/event.h"

#define JOURNALCTL "/usr/bin/journalctl"
#define FIELD_MAX  4096 /* of a field's name and text that is looked at */

/* One entry, as far as it was read. */
struct entry {
	struct event event;
	char message[LOG_LINE_MAX];
	char program[FIELD_MAX];
};

struct journal {
	struct event_reader *reader;
	struct entry entry;
	bool service_known; /* the account of totpd… */
	uint32_t service;   /* …and its uid */
};

/* A program that begins with root's rights, as su and sudo do. */
static bool is_set_uid(const char *program)
{
	struct stat st;

	return program[0] == '/' && stat(program, &st) == 0 && S_ISREG(st.st_mode) &&
	       st.st_uid == 0 && (st.st_mode & S_ISUID);
}

static void end_entry(struct journal *journal)
{
	struct event_reader *reader = journal->reader;
	struct event *event = &journal->entry.event;

	if (event_parse(text_of(journal->entry.message), event)) {
		event->program = journal->entry.program[0] ? journal->entry.program : NULL;
		event->sure = event->uid_known &&
			      (event->uid == 0 ||
			       (journal->service_known && event->uid == journal->service));
		if (event->sure || is_set_uid(journal->entry.program)) {
			reader->each(reader->context, event);
			reader->read++;
		} else {
			reader->forged++;
		}
	}
	journal->entry = (struct entry){.message = ""};
}

static void take_field(struct journal *journal, struct text field)
{
	struct entry *entry = &journal->entry;
	struct text name, value = field;
	uint64_t number;

	if (!text_field(&value, '=', &name))
		return;
	if (text_is(name, "MESSAGE")) {
		if (text_copy(value, entry->message, sizeof(entry->message)) != TOTP_OK)
			entry->message[0] = '\0'; /* longer than one of ours */
	} else if (text_is(name, "_EXE")) {
		if (text_copy(value, entry->program, sizeof(entry->program)) != TOTP_OK)
			entry->program[0] = '\0';
	} else if (text_is(name, "_UID")) {
		entry->event.uid_known = text_number(value, 0, UINT32_MAX, &number) == TOTP_OK;
		entry->event.uid = entry->event.uid_known ? (uint32_t)number : 0;
	} else if (text_is(name, "__REALTIME_TIMESTAMP")) {
		if (text_number(value, 0, INT64_MAX, &number) == TOTP_OK)
			entry->event.when = (int64_t)(number / 1000000);
	}
}

/* A field that is not one line of text: 64 bits of length, little-endian, the bytes, a line end. */
static bool skip_bytes(FILE *output)
{
	uint8_t bytes[8];
	uint64_t len = 0;

	if (fread(bytes, sizeof(bytes), 1, output) != 1)
		return false;
	for (size_t i = sizeof(bytes); i-- > 0;)
		len = len << 8 | bytes[i];
	for (uint64_t i = 0; i <= len; i++)
		if (fgetc(output) == EOF)
			return false;
	return true;
}

/* The export format of the journal: a line for each field, an empty one after each entry. */
static void read_entries(struct journal *journal, FILE *output)
{
	OWN_TEXT char *line = NULL;
	size_t room = 0;
	ssize_t len;

	while ((len = getline(&line, &room, output)) > 0) {
		struct text field = {line, (size_t)len - (line[len - 1] == '\n')};

		if (field.len == 0)
			end_entry(journal);
		else if (memchr(field.at, '=', field.len))
			take_field(journal, field);
		else if (!skip_bytes(output))
			return;
	}
}

bool events_of_journal(struct event_reader *reader)
{
	char since[40];
	const char *const argv[] = {JOURNALCTL,
				    "--quiet",
				    "--no-pager",
				    "--output=export",
				    "--output-fields=MESSAGE,_UID,_EXE",
				    since,
				    "SYSLOG_FACILITY=10", /* authpriv */
				    NULL};
	const struct program program = {.argv = argv};
	struct journal journal = {.reader = reader};
	struct account service = {.known = false};
	struct program_output output;

	if (access("/run/log/journal", F_OK) != 0 && access("/var/log/journal", F_OK) != 0)
		return false;
	if (account_find(SERVICE_ACCOUNT, &service, NULL) == TOTP_OK && service.known) {
		journal.service_known = true;
		journal.service = service.uid;
	}
	snprintf(since, sizeof(since), "--since=@%" PRId64, reader->since);
	if (!program_open(&program, &output))
		return false;
	read_entries(&journal, output.stream);
	return program_close(&output) == 0;
}
