/* SPDX-License-Identifier: BSD-2-Clause */
#include "log/event.h"

#include <string.h>
#include <time.h>

#define PREFIX    "pam_totp: "
#define SHOWN_MAX 64    /* of a time in a file: longer than each has */
#define AHEAD_MAX 86400 /* the clock of a host that sends its log here */

/* Take `word` off the beginning of *rest. */
static bool take(struct text *rest, const char *word)
{
	size_t len = strlen(word);

	if (rest->len < len || memcmp(rest->at, word, len) != 0)
		return false;
	*rest = (struct text){rest->at + len, rest->len - len};
	return true;
}

/* "name=value" without blanks; "-" is no value. */
static bool take_word(struct text *rest, const char *name, struct text *ret_value)
{
	if (!take(rest, name) || !take(rest, "=") || !text_field(rest, ' ', ret_value))
		return false;
	if (text_is(*ret_value, "-"))
		ret_value->len = 0;
	return memchr(ret_value->at, '"', ret_value->len) == NULL;
}

/* name="value" */
static bool take_quoted(struct text *rest, const char *name, struct text *ret_value)
{
	const char *end;

	if (!take(rest, name) || !take(rest, "=\""))
		return false;
	end = memchr(rest->at, '"', rest->len);
	if (!end)
		return false;
	*ret_value = (struct text){rest->at, (size_t)(end - rest->at)};
	*rest = (struct text){end + 1, rest->len - ret_value->len - 1};
	return true;
}

bool event_parse(struct text message, struct event *ret_event)
{
	struct event event = *ret_event;
	struct text rest = message;

	event.detail = text_of("");
	if (!take(&rest, PREFIX) || !take_word(&rest, "user", &event.user) ||
	    !take_word(&rest, "service", &event.service) ||
	    !take_word(&rest, "source", &event.source) ||
	    !take_word(&rest, "outcome", &event.outcome) ||
	    !take_word(&rest, "reason", &event.reason) ||
	    !take_quoted(&rest, "token", &event.token))
		return false;
	if (rest.len && (!take(&rest, " ") || !take_quoted(&rest, "detail", &event.detail)))
		return false;
	if (rest.len)
		return false;
	*ret_event = event;
	return true;
}

/* "2026-11-29T23:40:37.123456+01:00"; *ret_rest is what follows. */
static bool parse_iso_time(const char *shown, const char **ret_rest, int64_t *ret_when)
{
	struct tm tm = {.tm_isdst = 0};
	const char *rest = strptime(shown, "%Y-%m-%dT%H:%M:%S", &tm);
	struct tm zone = {.tm_isdst = 0};
	int64_t when;

	if (!rest)
		return false;
	when = timegm(&tm);
	if (*rest == '.')
		rest += 1 + strspn(rest + 1, "0123456789");
	rest = strptime(rest, "%z", &zone);
	if (!rest)
		return false;
	*ret_rest = rest;
	*ret_when = when - zone.tm_gmtoff;
	return true;
}

/* "Nov 29 23:40:37", local time, of the last twelve months. */
static bool parse_short_time(const char *shown, int64_t now, const char **ret_rest,
			     int64_t *ret_when)
{
	time_t until = (time_t)(now + AHEAD_MAX);
	struct tm latest, tm = {.tm_isdst = -1};
	const char *rest = strptime(shown, "%b %d %H:%M:%S", &tm);

	if (!rest || !localtime_r(&until, &latest))
		return false;
	for (int back = 0; back < 2; back++) {
		struct tm local = tm;

		local.tm_year = latest.tm_year - back;
		*ret_when = mktime(&local);
		if (*ret_when <= until)
			break;
	}
	*ret_rest = rest;
	return true;
}

bool event_parse_line(struct text line, int64_t now, struct event *ret_event)
{
	char shown[SHOWN_MAX];
	const char *rest = NULL, *tag;
	struct text head = {line.at, line.len < sizeof(shown) ? line.len : sizeof(shown) - 1};
	struct event event = *ret_event;

	if (text_copy(head, shown, sizeof(shown)) != TOTP_OK ||
	    (!parse_iso_time(shown, &rest, &event.when) &&
	     !parse_short_time(shown, now, &rest, &event.when)) ||
	    *rest != ' ')
		return false;
	line = (struct text){line.at + (rest - shown), line.len - (size_t)(rest - shown)};
	/* the first ": " ends the tag: a message may quote one of our lines */
	tag = memmem(line.at, line.len, ": ", 2);
	if (!tag)
		return false;
	line = (struct text){tag + 2, line.len - (size_t)(tag + 2 - line.at)};
	if (!event_parse(line, &event))
		return false;
	*ret_event = event;
	return true;
}
