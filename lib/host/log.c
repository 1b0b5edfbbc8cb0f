/* SPDX-License-Identifier: BSD-2-Clause */
#include "host/log.h"

#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/own.h"
#include "base/text.h"

#define FIELD_MAX  96
#define DETAIL_MAX 300

#define WORDS       5   /* user to reason */
#define COMMAND_MAX 16  /* of PR_GET_NAME */
#define MORE_MAX    300 /* names of fields, and the fields that are not in the line */

#define SYSLOG      "/dev/log"
#define JOURNAL_LOG "/run/systemd/journal/dev-log" /* what SYSLOG leads to if it is journald's */
#define JOURNAL     "/run/systemd/journal/socket"

/* Make one field printable, without blanks and '=', so that it stays one word. */
static const char *word(const char *text, char kept[FIELD_MAX])
{
	if (!text || !text[0])
		return "-";
	text_printable(text_of(text), kept, FIELD_MAX);
	for (char *c = kept; *c; c++)
		if (*c == ' ' || *c == '=')
			*c = '?';
	return kept;
}

void log_format(const struct log_event *event, char ret_line[LOG_LINE_MAX])
{
	char user[FIELD_MAX], service[FIELD_MAX], source[FIELD_MAX], outcome[FIELD_MAX];
	char reason[FIELD_MAX], token[FIELD_MAX], detail[DETAIL_MAX];
	int len = snprintf(ret_line, LOG_LINE_MAX,
			   "pam_totp: user=%s service=%s source=%s outcome=%s reason=%s",
			   word(event->user, user), word(event->service, service),
			   word(event->source, source), word(event->outcome, outcome),
			   word(event->reason, reason));

	text_printable(text_of(event->token ? event->token : ""), token, sizeof(token));
	len += snprintf(ret_line + len, LOG_LINE_MAX - (size_t)len, " token=\"%s\"", token);
	if (!event->detail || !event->detail[0])
		return;
	text_printable(text_of(event->detail), detail, sizeof(detail));
	snprintf(ret_line + len, LOG_LINE_MAX - (size_t)len, " detail=\"%s\"", detail);
}

/* "user=alice service=sshd" and so on, as "PAM_TOTP_USER=alice\nPAM_TOTP_SERVICE=sshd\n". */
static size_t put_words(const char *line, char *fields)
{
	const char *from = strchr(line, ' ') + 1;
	char *to = fields;

	for (int i = 0; i < WORDS; i++) {
		to = stpcpy(to, "PAM_TOTP_");
		while (*from != '=')
			*to++ = (char)(*from++ - 'a' + 'A');
		while (*from != ' ')
			*to++ = *from++;
		from++;
		*to++ = '\n';
	}
	return (size_t)(to - fields);
}

static bool is_journald(void)
{
	char target[sizeof(JOURNAL_LOG)];

	return readlink(SYSLOG, target, sizeof(target)) == sizeof(target) - 1 &&
	       memcmp(target, JOURNAL_LOG, sizeof(target) - 1) == 0;
}

/* Send the line to journald, and its words as fields. False: it was not sent. */
static bool send_to_journal(int priority, const char *line)
{
	const struct sockaddr_un to = {.sun_family = AF_UNIX, .sun_path = JOURNAL};
	OWN_FD int fd = is_journald() ? socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0) : -1;
	char command[COMMAND_MAX] = "", fields[2 * LOG_LINE_MAX + MORE_MAX];
	size_t len;

	if (fd < 0)
		return false;
	(void)prctl(PR_GET_NAME, command);
	len = (size_t)snprintf(fields, sizeof(fields),
			       "MESSAGE=%s\nPRIORITY=%d\nSYSLOG_FACILITY=%d\n"
			       "SYSLOG_IDENTIFIER=%s\nSYSLOG_PID=%d\n",
			       line, priority, LOG_FAC(LOG_AUTHPRIV), command, (int)getpid());
	len += put_words(line, fields + len);
	return sendto(fd, fields, len, MSG_DONTWAIT | MSG_NOSIGNAL, (const struct sockaddr *)&to,
		      sizeof(to)) == (ssize_t)len;
}

void log_send(int priority, const struct log_event *event)
{
	char line[LOG_LINE_MAX];

	log_format(event, line);
	if (!send_to_journal(priority, line))
		syslog(LOG_AUTHPRIV | priority, "%s", line);
}
