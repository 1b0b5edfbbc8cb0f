/* SPDX-License-Identifier: BSD-2-Clause */
/* The report as one page, from report.html.in: it needs no script, font or picture. */
#include <stdlib.h>
#include <string.h>

#include "common/html.h"
#include "report/report.h"
#include "common/ctl.h"

#define BAR        1000 /* units that a bar is wide */
#define NAMES_MAX  2000 /* of users who are missing; --json has all */
#define FIXED_ROOM 32768
#define CREW_ROOM  3072

/* One bar, with a text for readers who cannot see it. */
static void put_bar(struct buffer *out, const struct tally *tally, const char *class)
{
	unsigned cells[STAGES], at = 0;

	report_split(tally, BAR, cells);
	html_print(out,
		   "<svg class=\"%s\" viewBox=\"0 0 %d 10\" preserveAspectRatio=\"none\" "
		   "role=\"img\">\n",
		   class, BAR);
	for (enum stage stage = 0; stage < STAGES; stage++) {
		if (cells[stage] == 0)
			continue;
		html_print(out,
			   "<rect x=\"%u\" width=\"%u\" height=\"10\" style=\"fill: "
			   "var(--%s)\"><title>%zu %s</title></rect>\n",
			   at, cells[stage], report_stages[stage].css, tally->of[stage],
			   report_stages[stage].text);
		at += cells[stage];
	}
	html_put(out, "</svg>\n");
}

static void put_groups(struct buffer *out, const struct report *report)
{
	if (report->people.crew_count == 0)
		return;
	html_put(out, "<h2>By "
		      "group</h2>\n<table>\n<tr><th>Group</th><th>People</th><th>Enrolled</"
		      "th><th></th></tr>\n");
	for (size_t i = 0; i < report->people.crew_count; i++) {
		const struct crew *crew = &report->people.crews[i];

		html_put(out, "<tr><td>");
		html_bdi(out, crew->name);
		if (crew->required || crew->exempt)
			html_print(out, "<small>%s</small>",
				   crew->required ? "required" : "exempt");
		html_print(out, "</td><td>%zu</td><td>%u %%</td><td>\n", crew->tally.people,
			   report_percent(report_enrolled(&crew->tally), crew->tally.people));
		put_bar(out, &crew->tally, "part");
		html_put(out, "</td></tr>\n");
	}
	html_put(out, "</table>\n");
}

static void put_people(struct buffer *out, const struct report *report, enum stage stage)
{
	size_t shown = 0;

	if (report->tally.of[stage] == 0)
		return;
	html_print(out, "<details><summary>%zu %s</summary>\n<p>\n", report->tally.of[stage],
		   report_stages[stage].text);
	for (size_t i = 0; i < report->people.count && shown < NAMES_MAX; i++) {
		const struct somebody *one = &report->people.list[i];

		if (!one->counted || one->stage != stage)
			continue;
		html_bdi(out, one->name);
		html_put(out, "\n");
		shown++;
	}
	html_put(out, "</p>\n");
	if (shown < report->tally.of[stage])
		html_print(out, "<p>and %zu more: totpctl report --json</p>\n",
			   report->tally.of[stage] - shown);
	html_put(out, "</details>\n");
}

static void put_notes(struct buffer *out, const struct report *report)
{
	if (report->strays)
		html_print(out,
			   "<p>Records without an account: %zu (totpctl list names them)</p>\n",
			   report->strays);
	if (!report->people.names->complete)
		html_put(out, "<p>The name service does not list all accounts: accounts without a "
			      "record are missing here.</p>\n");
}

static void put_unfinished(struct buffer *out, const struct report *report)
{
	bool any = false;

	for (size_t i = 0; i < REPORT_NAMED; i++) {
		if (!any && report->tally.of[report_named[i]])
			html_put(out, "<h2>Who they are</h2>\n");
		any |= report->tally.of[report_named[i]] > 0;
		put_people(out, report, report_named[i]);
	}
}

/* What stands for a word of the template. */
static void put_part(struct buffer *out, const void *context, struct text word)
{
	const struct report *report = context;
	size_t enrolled = report_enrolled(&report->tally), people = report->tally.people;
	char when[WHEN_MAX], sentence[REPORT_WHEN_MAX];

	if (text_is(word, "HOST")) {
		html_name(out, report->host);
	} else if (text_is(word, "TIME")) {
		html_put(out, when_iso(report->now, when));
	} else if (text_is(word, "WHEN")) {
		report_when(report, sentence);
		html_put(out, sentence);
	} else if (text_is(word, "OVERRIDES") && report->overrides[0]) {
		html_put(out,
			 "<p>That is the policy's file. The PAM lines of these services differ: ");
		html_bdi(out, report->overrides);
		html_put(out, "</p>\n");
	} else if (text_is(word, "PERCENT")) {
		html_print(out, "%u", report_percent(enrolled, people));
	} else if (text_is(word, "ENROLLED")) {
		html_print(out, "%zu", enrolled);
	} else if (text_is(word, "PEOPLE")) {
		html_print(out, "%zu", people);
	} else if (text_is(word, "BAR")) {
		put_bar(out, &report->tally, "whole");
	} else if (text_is(word, "LEGEND")) {
		for (enum stage stage = 0; stage < STAGES; stage++)
			if (report->tally.of[stage])
				html_print(out,
					   "<li><b>%zu</b><i style=\"background: "
					   "var(--%s)\"></i>%s</li>\n",
					   report->tally.of[stage], report_stages[stage].css,
					   report_stages[stage].text);
	} else if (text_is(word, "NOTES")) {
		put_notes(out, report);
	} else if (text_is(word, "GROUPS")) {
		put_groups(out, report);
	} else if (text_is(word, "NAMES")) {
		put_unfinished(out, report);
	}
}

enum totp_err report_html(const struct report *report, char **ret_page, size_t *ret_len)
{
	size_t room = FIXED_ROOM + strlen(report_template);
	struct buffer out;
	char *page;

	for (size_t i = 0; i < report->people.count; i++)
		room += HTML_BYTE_MAX * strlen(report->people.list[i].name) + 16;
	for (size_t i = 0; i < report->people.crew_count; i++)
		room += HTML_BYTE_MAX * strlen(report->people.crews[i].name) + CREW_ROOM;
	page = malloc(room);
	out = buffer_of(page, page ? room : 0);
	if (page)
		html_fill(&out, report_template, put_part, report);
	if (!page || buffer_end(&out) != TOTP_OK) {
		free(page);
		return TOTP_ERR_NOMEM;
	}
	*ret_page = page;
	*ret_len = out.len;
	return TOTP_OK;
}
