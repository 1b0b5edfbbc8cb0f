/* The report in a terminal: bars as wide as the window, of letters if it cannot show blocks. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "report/report.h"
#include "common/ctl.h"

#define WIDTH_MIN  40
#define WIDTH_MAX  160
#define TEAMS_MAX  20 /* as many as a person reads */
#define NAME_WIDTH 24
#define BAR_MIN    10

struct paper {
	unsigned width;
	bool utf8, colours;
};

/* How a stage is drawn: a block, a letter, a colour. */
static const struct ink {
	const char *block, *letter, *colour;
} inks[STAGES] = {
	[STAGE_IN_USE] = {"\u2588", "#", "\033[32m"},
	[STAGE_UNUSED] = {"\u2593", "+", "\033[36m"},
	[STAGE_PENDING] = {"\u2592", "?", "\033[94m"},
	[STAGE_REFUSED] = {"\u256c", "x", "\033[35m"},
	[STAGE_INVITED] = {"\u25a4", "i", "\033[33m"},
	[STAGE_MISSING] = {"\u2591", "!", "\033[31m"},
	[STAGE_FREE] = {"\u00b7", ".", "\033[2m"},
	[STAGE_EXEMPT] = {"-", "-", "\033[2m"},
};

static struct paper paper_of_stdout(void)
{
	const char *term = getenv("TERM"), *plain = getenv("NO_COLOR");
	struct winsize size = {0};
	struct paper paper = {.width = 80, .utf8 = tool_utf8()};

	paper.colours = isatty(STDOUT_FILENO) && term && *term && strcmp(term, "dumb") != 0 &&
			!(plain && *plain);
	if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col)
		paper.width = size.ws_col;
	if (paper.width < WIDTH_MIN)
		paper.width = WIDTH_MIN;
	if (paper.width > WIDTH_MAX)
		paper.width = WIDTH_MAX;
	return paper;
}

static void print_cells(const struct paper *paper, enum stage stage, unsigned count)
{
	const struct ink *ink = &inks[stage];

	if (count == 0)
		return;
	if (paper->colours)
		fputs(ink->colour, stdout);
	for (unsigned i = 0; i < count; i++)
		fputs(paper->utf8 ? ink->block : ink->letter, stdout);
	if (paper->colours)
		fputs("\033[0m", stdout);
}

static void print_bar(const struct paper *paper, const struct tally *tally, unsigned width)
{
	unsigned cells[STAGES];

	report_split(tally, width, cells);
	for (enum stage stage = 0; stage < STAGES; stage++)
		print_cells(paper, stage, cells[stage]);
}

/* "<1 %" if it is more than nothing. */
static void percent_text(size_t part, size_t whole, char text[8])
{
	unsigned percent = report_percent(part, whole);

	snprintf(text, 8, percent == 0 && part ? "<1 %%" : "%u %%", percent);
}

static void print_legend(const struct paper *paper, const struct tally *tally)
{
	char percent[8];

	for (enum stage stage = 0; stage < STAGES; stage++) {
		if (!tally->of[stage])
			continue;
		printf("  ");
		print_cells(paper, stage, 1);
		percent_text(tally->of[stage], tally->people, percent);
		printf(" %7zu  %5s  %s\n", tally->of[stage], percent, report_stage_text(stage));
	}
}

/* --- groups --- */

static const char *tag_of(const struct crew *crew)
{
	if (crew->required)
		return " (required)";
	return crew->exempt ? " (exempt)" : "";
}

#define SHOWN_MAX (CRED_USER_MAX + 16)

/* The printable name of a group, which strangers may have chosen. */
static void name_of(const struct crew *crew, char shown[SHOWN_MAX])
{
	char printable[CRED_USER_MAX + 1];

	if (!text_is_clean(text_of(crew->name)) ||
	    text_copy(text_of(crew->name), printable, sizeof(printable)) != TOTP_OK)
		text_printable(text_of(crew->name), printable, sizeof(printable));
	snprintf(shown, SHOWN_MAX, "%s%s", printable, tag_of(crew));
}

static bool begins_character(char c)
{
	return ((unsigned char)c & 0xc0) != 0x80;
}

static unsigned characters_in(const char *text)
{
	unsigned count = 0;

	for (; *text; text++)
		count += begins_character(*text);
	return count;
}

/* Cut or padded to a number of characters. */
static void print_padded(const char *text, unsigned width)
{
	unsigned count = characters_in(text), printed = 0;

	for (; *text; text++) {
		printed += begins_character(*text);
		if (printed > width)
			break;
		putchar(*text);
	}
	for (; count < width; count++)
		putchar(' ');
}

static unsigned name_width(const struct report *report)
{
	unsigned width = 5;

	for (size_t i = 0; i < report->team_count && i < TEAMS_MAX; i++) {
		char shown[SHOWN_MAX];

		name_of(report->teams[i].crew, shown);
		if (characters_in(shown) > width)
			width = characters_in(shown);
	}
	return width < NAME_WIDTH ? width : NAME_WIDTH;
}

static void print_team(const struct paper *paper, const struct team *team, unsigned name,
		       unsigned bar)
{
	char shown[SHOWN_MAX], percent[8];

	name_of(team->crew, shown);
	percent_text(report_enrolled(&team->tally), team->tally.people, percent);
	printf("  ");
	print_padded(shown, name);
	printf(" %7zu  %8s  ", team->tally.people, percent);
	print_bar(paper, &team->tally, bar);
	printf("\n");
}

static void print_teams(const struct paper *paper, const struct report *report)
{
	unsigned name = name_width(report), rest = name + 2 + 8 + 10 + 2;
	unsigned bar = paper->width > rest + BAR_MIN ? paper->width - rest : BAR_MIN;
	size_t shown = report->team_count < TEAMS_MAX ? report->team_count : TEAMS_MAX;

	if (shown == 0)
		return;
	printf("\n  %-*s %7s  %8s\n", (int)name, "Group", "people", "enrolled");
	for (size_t i = 0; i < shown; i++)
		print_team(paper, &report->teams[i], name, bar);
	if (shown < report->team_count)
		printf("  and %zu smaller ones: --json, --html\n", report->team_count - shown);
}

int report_print(const struct report *report)
{
	struct paper paper = paper_of_stdout();
	char when[CTL_TIME_MAX], sentence[REPORT_WHEN_MAX];

	report_when(report, sentence);
	printf("Enrollment on %s, %s\n%s\n", report->host, ctl_time(report->now, when), sentence);
	if (report->overrides[0])
		printf("That is the policy's file. The PAM lines of these services differ: %s\n",
		       report->overrides);
	printf("\n");
	if (report->tally.people == 0) {
		printf("There are no people here.\n");
		return TOOL_DONE;
	}
	print_bar(&paper, &report->tally, paper.width);
	printf("\n%zu of %zu people are enrolled.\n", report_enrolled(&report->tally),
	       report->tally.people);
	print_legend(&paper, &report->tally);
	print_teams(&paper, report);
	if (report->strays)
		printf("\nRecords without an account: %zu (totpctl list names them)\n",
		       report->strays);
	if (report->people.partial)
		printf("\nThe name service does not list all accounts: accounts without a record "
		       "are missing here.\n");
	return TOOL_DONE;
}
