/* SPDX-License-Identifier: BSD-2-Clause */
/* totpctl log: what pam_totp has decided, and what the tools have changed, from the host's log. */
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "common/ctl.h"
#include "host/clock.h"
#include "log/event.h"

#define WEEKS_MAX 5200

static bool check_since(const struct option_row *row, const char *value, struct reason *why);

static struct {
	bool json;
	const char *since;
} options;

static const struct option_row option_rows[] = {
	{"since", "TIME", "begin 12h ago, or at 2026-05-01, or at \"2026-05-01 14:30\"",
	 .text = &options.since, .check = check_since},
	{"json", NULL, "print an array of objects, one for each line", .flag = &options.json},
	{0},
};

/* Seconds since 1970 of a duration ago, or of a local date with or without a time. */
static bool since_of(const char *value, int64_t now, int64_t *ret_since)
{
	struct tm tm = {.tm_isdst = -1};
	uint32_t seconds = 0;
	const char *rest;

	if (text_duration(text_of(value), 1, WEEKS_MAX * 7 * 86400u, &seconds) == TOTP_OK) {
		*ret_since = now - seconds;
		return true;
	}
	rest = strptime(value, "%Y-%m-%d", &tm);
	if (rest && *rest)
		rest = strptime(rest, " %H:%M", &tm);
	if (!rest || *rest)
		return false;
	*ret_since = mktime(&tm);
	return *ret_since >= 0;
}

static bool check_since(const struct option_row *row, const char *value, struct reason *why)
{
	int64_t since;

	(void)row;
	if (since_of(value, clock_now(), &since))
		return true;
	reason_set(why, "expected a duration such as 12h, or a date such as 2026-05-01");
	return false;
}

struct printed {
	const struct ctl *ctl;
	struct json json;
	size_t count;
};

static bool is_wanted(const struct ctl *ctl, const struct event *event)
{
	for (int i = 0; i < ctl->word_count; i++)
		if (text_is(event->user, ctl->words[i]))
			return true;
	return ctl->word_count == 0;
}

static void put_text(struct json *json, const char *name, struct text text)
{
	char copy[LOG_LINE_MAX];

	if (text.len == 0 || text_copy(text, copy, sizeof(copy)) != TOTP_OK)
		json_text(json, name, NULL);
	else
		json_text(json, name, copy);
}

static void put_event(struct json *json, const struct event *event)
{
	char when[WHEN_MAX];

	json_open(json, NULL, '{');
	json_text(json, "time", when_iso(event->when, when));
	put_text(json, "user", event->user);
	put_text(json, "service", event->service);
	put_text(json, "source", event->source);
	put_text(json, "outcome", event->outcome);
	put_text(json, "reason", event->reason);
	put_text(json, "token", event->token);
	put_text(json, "detail", event->detail);
	json_bool(json, "sure", event->sure);
	if (event->uid_known)
		json_number(json, "uid", event->uid);
	else
		json_text(json, "uid", NULL);
	json_text(json, "program", event->program);
	json_close(json, '}');
}

/* Print one member of a file's line, which anybody may have written, in a column. */
static void print_column(struct text text, int width)
{
	char shown[LOG_LINE_MAX];

	text_printable(text.len ? text : text_of("-"), shown, sizeof(shown));
	printf("  %-*s", width, shown);
}

static void print_event(void *context, const struct event *event)
{
	struct printed *printed = context;
	char when[WHEN_MAX], shown[LOG_LINE_MAX];

	if (!is_wanted(printed->ctl, event))
		return;
	printed->count++;
	if (options.json) {
		put_event(&printed->json, event);
		return;
	}
	if (printed->count == 1)
		printf("%-25s    %-12s  %-10s  %-16s  %-8s  %-14s  %s\n", "TIME", "USER", "SERVICE",
		       "SOURCE", "OUTCOME", "REASON", "TOKEN");
	printf("%-25s %c", when_iso(event->when, when), event->sure ? ' ' : '?');
	print_column(event->user, 12);
	print_column(event->service, 10);
	print_column(event->source, 16);
	print_column(event->outcome, 8);
	print_column(event->reason, 14);
	print_column(event->token, 0);
	printf("\n");
	if (event->detail.len) {
		text_printable(event->detail, shown, sizeof(shown));
		printf("%29s %s\n", "", shown);
	}
}

/* What the reader must know to judge the lines. */
static void print_notes(const struct ctl *ctl, const struct event_reader *reader, bool from_journal)
{
	if (reader->read && !from_journal)
		tool_say(&ctl->tool, SAY_ASIDE, "not_sure",
			 "These lines are from %s. Any local user can write such lines.",
			 reader->file);
	if (reader->forged)
		tool_say(&ctl->tool, SAY_ASIDE, "left_out",
			 "Left out: %zu line%s that processes of ordinary users wrote.",
			 reader->forged, reader->forged == 1 ? "" : "s");
}

static int print_log(struct ctl *ctl)
{
	struct printed printed = {.ctl = ctl};
	struct event_reader reader = {.now = clock_now(), .each = print_event, .context = &printed};
	int code = tool_need_root(&ctl->tool, "read the log");
	bool from_journal;

	if (code != TOOL_DONE)
		return code;
	if (options.since)
		(void)since_of(options.since, reader.now, &reader.since);
	if (options.json)
		json_begin(&printed.json, '[');
	from_journal = events_of_journal(&reader);
	reason_set(&reader.looked, "%s", from_journal ? "the journal" : "");
	from_journal = from_journal && reader.read;
	if (!from_journal)
		events_of_files(&reader);
	if (options.json)
		code = tool_end_json(&ctl->tool, &printed.json);
	print_notes(ctl, &reader, from_journal);
	if (!options.json && printed.count == 0)
		printf("The log has no line of pam_totp%s%s. Looked in: %s\n",
		       ctl->word_count ? " about these users" : "",
		       options.since ? " since then" : "", reader.looked.text);
	return code;
}

const struct command ctl_log = {
	.name = "log",
	.arguments = "[USER...]",
	.help = "what happened: logins and changes, newest last",
	.more = "Reads the journal, or the file that syslog writes. A ? marks lines that a local\n"
		"user may have forged.\n",
	.options = option_rows,
	.run = print_log,
};
