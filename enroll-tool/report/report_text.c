/* SPDX-License-Identifier: BSD-2-Clause */
/* The report in a terminal: bars as wide as the window, of letters if it cannot show blocks. */
#include <stdio.h>
#include <string.h>

#include "report/report.h"
#include "common/ctl.h"
#include "common/term.h"

#define WIDTH_MIN  40
#define WIDTH_MAX  160
#define CREWS_MAX  20 /* as many as a person reads */
#define NAME_WIDTH 24
#define BAR_MIN    10

static void print_cells(const struct term *term, enum stage stage, unsigned count)
{
	const struct stage_kind *kind = &report_stages[stage];

	if (count == 0)
		return;
	if (term->color)
		fputs(kind->color, stdout);
	for (unsigned i = 0; i < count; i++)
		fputs(term->utf8 ? kind->block : kind->letter, stdout);
	if (term->color)
		fputs("\033[0m", stdout);
}

static void print_bar(const struct term *term, const struct tally *tally, unsigned width)
{
	unsigned cells[STAGES];

	report_split(tally, width, cells);
	for (enum stage stage = 0; stage < STAGES; stage++)
		print_cells(term, stage, cells[stage]);
}

/* "<1 %" if it is more than nothing. */
static void percent_text(size_t part, size_t whole, char text[8])
{
	unsigned percent = report_percent(part, whole);

	snprintf(text, 8, percent == 0 && part ? "<1 %%" : "%u %%", percent);
}

static void print_legend(const struct term *term, const struct tally *tally)
{
	char percent[8];

	for (enum stage stage = 0; stage < STAGES; stage++) {
		if (!tally->of[stage])
			continue;
		printf("  ");
		print_cells(term, stage, 1);
		percent_text(tally->of[stage], tally->people, percent);
		printf(" %7zu  %5s  %s\n", tally->of[stage], percent, report_stages[stage].text);
	}
}

/* --- groups --- */

#define SHOWN_MAX (CRED_USER_MAX + 16)

/* The printable name of a group: strangers may have chosen it. */
static void crew_label(const struct crew *crew, char shown[SHOWN_MAX])
{
	char printable[CRED_USER_MAX + 1];

	text_show(text_of(crew->name), printable, sizeof(printable));
	snprintf(shown, SHOWN_MAX, "%s%s", printable,
		 crew->required ? " (required)"
		 : crew->exempt ? " (exempt)"
				: "");
}

static unsigned name_width(const struct report *report)
{
	unsigned width = 5;

	for (size_t i = 0; i < report->people.crew_count && i < CREWS_MAX; i++) {
		char shown[SHOWN_MAX];

		crew_label(&report->people.crews[i], shown);
		if (term_width(shown) > width)
			width = (unsigned)term_width(shown);
	}
	return width < NAME_WIDTH ? width : NAME_WIDTH;
}

static void print_crew(const struct term *term, const struct crew *crew, unsigned name,
		       unsigned bar)
{
	char shown[SHOWN_MAX], percent[8];
	size_t len, width = 0;

	crew_label(crew, shown);
	percent_text(report_enrolled(&crew->tally), crew->tally.people, percent);
	len = term_fit(shown, name, &width);
	printf("  %.*s%*s %7zu  %8s  ", (int)len, shown, (int)(name - width), "",
	       crew->tally.people, percent);
	print_bar(term, &crew->tally, bar);
	printf("\n");
}

static void print_crews(const struct term *term, const struct report *report)
{
	unsigned name = name_width(report), rest = name + 2 + 8 + 10 + 2;
	unsigned bar = term->columns > rest + BAR_MIN ? term->columns - rest : BAR_MIN;
	size_t shown = report->people.crew_count < CREWS_MAX ? report->people.crew_count
							     : CREWS_MAX;

	if (shown == 0)
		return;
	printf("\n  %-*s %7s  %8s\n", (int)name, "Group", "people", "enrolled");
	for (size_t i = 0; i < shown; i++)
		print_crew(term, &report->people.crews[i], name, bar);
	if (shown < report->people.crew_count)
		printf("  and %zu smaller ones: --json, --html\n",
		       report->people.crew_count - shown);
}

int report_print(const struct report *report)
{
	struct term term = term_of(stdout);
	char when[WHEN_MAX], sentence[REPORT_WHEN_MAX];

	if (term.columns < WIDTH_MIN)
		term.columns = WIDTH_MIN;
	if (term.columns > WIDTH_MAX)
		term.columns = WIDTH_MAX;
	report_when(report, sentence);
	printf("Enrollment on %s, %s\n%s\n", report->host, when_iso(report->now, when), sentence);
	if (report->overrides[0])
		printf("That is the policy's file. The PAM lines of these services differ: %s\n",
		       report->overrides);
	printf("\n");
	if (report->tally.people == 0) {
		printf("There are no people here.\n");
		return TOOL_DONE;
	}
	print_bar(&term, &report->tally, term.columns);
	printf("\n%zu of %zu people are enrolled.\n", report_enrolled(&report->tally),
	       report->tally.people);
	print_legend(&term, &report->tally);
	print_crews(&term, report);
	if (report->strays)
		printf("\nRecords without an account: %zu (totpctl list names them)\n",
		       report->strays);
	if (!report->people.names->complete)
		printf("\nThe name service does not list all accounts: accounts without a record "
		       "are missing here.\n");
	return TOOL_DONE;
}
