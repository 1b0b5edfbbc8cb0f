/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Lines of pam_totp's log, as they are read again. Ordinary users can write to the log, too: the
 * journal knows which process wrote a line, a file does not. So every event says whether it is
 * sure to come from pam_totp.
 */
#ifndef LOG_EVENT_H
#define LOG_EVENT_H

#include "base/text.h"
#include "host/log.h"

/* Its members are text within the line; empty where the line has "-" or nothing. */
struct event {
	int64_t when; /* seconds since 1970 UTC */
	struct text user, service, source, outcome, reason, token, detail;
	bool sure;           /* root or totpd wrote it */
	bool uid_known;      /* from the journal: of the process that wrote it… */
	uint32_t uid;        /* …its uid… */
	const char *program; /* …and its program; NULL: not known */
};

/* Read the message "pam_totp: user=…" as log_format writes it. False: it is something else. */
bool event_parse(struct text message, struct event *ret_event);

/*
 * Read a line of a file that a syslog daemon writes: a time, a host, a tag, and the message.
 * Times without a year are of the last twelve months before now. False as event_parse.
 */
bool event_parse_line(struct text line, int64_t now, struct event *ret_event);

#define EVENT_FILE_MAX 256

/* Where events come from, and where they go. */
struct event_reader {
	int64_t since; /* earlier ones are left out; 0: all are wanted */
	int64_t now;
	void (*each)(void *context, const struct event *event);
	void *context;
	size_t read;               /* given to each */
	size_t forged;             /* left out, because a process of an ordinary user wrote them */
	struct reason looked;      /* where: "the journal, /var/log/auth.log" */
	char file[EVENT_FILE_MAX]; /* the file that had events; "": none */
};

/* Those of the journal. False: there is none, or journalctl cannot read it. */
bool events_of_journal(struct event_reader *reader);

/* Those of the files that the syslog daemon writes authpriv to, each with its last rotation. */
void events_of_files(struct event_reader *reader);

#endif
