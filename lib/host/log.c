/* SPDX-License-Identifier: BSD-2-Clause */
#include "host/log.h"

#include <stdio.h>

#include "base/text.h"

#define FIELD_MAX  96
#define DETAIL_MAX 300

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

void log_send(int priority, const struct log_event *event)
{
	char line[LOG_LINE_MAX];

	log_format(event, line);
	syslog(LOG_AUTHPRIV | priority, "%s", line);
}
