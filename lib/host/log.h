/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The log: one line for each decision, to syslog (authpriv), which people read and programs can
 * parse. No function here takes a code, a secret or a password.
 */
#ifndef HOST_LOG_H
#define HOST_LOG_H

#include <syslog.h>

#include "base/err.h"

#define LOG_LINE_MAX 1024

/*
 * One decision. A member that is NULL is written as "-"; each is made printable, and shortened if
 * it is too long. `user` is NULL for a name that the name service does not know, because people
 * type passwords there by mistake.
 */
struct log_event {
	const char *user;
	const char *service;
	const char *source;
	const char *outcome; /* allow, deny, wait, skip, error; from tools: what was done */
	const char *reason;  /* one word, stable */
	const char *token;   /* label */
	const char *detail;  /* a sentence; NULL: it is left out */
};

/* Format the line: pam_totp: user=alice service=sshd source=192.0.2.1 outcome=allow
 * reason=code token="phone" detail="…". */
void log_format(const struct log_event *event, char ret_line[LOG_LINE_MAX]);

/*
 * Format and send, to syslog(3); where that is systemd's journald, by its own protocol, which takes
 * the words of the line as fields too: PAM_TOTP_USER, _SERVICE, _SOURCE, _OUTCOME and _REASON.
 * priority: LOG_INFO, LOG_NOTICE, …
 */
void log_send(int priority, const struct log_event *event);

#endif
