/* The report as one page that needs no other file: no script, font or picture. */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/html.h"
#include "report/report.h"
#include "common/ctl.h"

#define BAR        1000 /* units that a bar is wide */
#define NAMES_MAX  2000 /* of users who are missing; --json has all */
#define FIXED_ROOM 32768
#define TEAM_ROOM  3072

static const char style[] =
	"</title>\n"
	"<style>\n"
	":root { color-scheme: light dark; --paper: #fff; --ink: #1b1f24; --soft: #667080;\n"
	"  --line: #e3e6ea; --in-use: #2c7a4b; --never: #8ac6a0; --refused: #7d4fa0;\n"
	"  --pending: #4a86c5; --invited: #e2ab2f; --missing: #c8452f; --free: #c5cad1; --exempt: "
	"#8d96a3 }\n"
	"@media (prefers-color-scheme: dark) { :root { --paper: #15181c; --ink: #e8eaed;\n"
	"  --soft: #9aa3af; --line: #2b3037; --in-use: #3d9e64; --never: #9fd6b3;\n"
	"  --refused: #a77cc9; --pending: #6ba2db; --invited: #e8b84a; --missing: #e0614b; --free: "
	"#4b525c;\n"
	"  --exempt: #707a87 } }\n"
	"* { box-sizing: border-box }\n"
	"body { max-width: 62rem; margin: 0 auto; padding: 2.5rem 1.5rem 4rem;\n"
	"  background: var(--paper); color: var(--ink); font: 16px/1.5 system-ui, \"Noto Sans\", "
	"\"DejaVu Sans\", Helvetica, Arial, sans-serif; font-variant-numeric: tabular-nums }\n"
	"h1 { font-size: 1.6rem; line-height: 1.25; margin: 0; overflow-wrap: anywhere }\n"
	"h2 { font-size: 1.1rem; margin: 3rem 0 .75rem }\n"
	"p { margin: .25rem 0; color: var(--soft) }\n"
	".share { display: flex; align-items: baseline; gap: .75rem; margin: 2rem 0 .75rem;\n"
	"  color: var(--ink) }\n"
	".share b { font-size: 3.5rem; line-height: 1; letter-spacing: -.02em }\n"
	"svg { display: block; width: 100%; border-radius: .25rem }\n"
	".whole { height: 2.75rem }\n"
	"td svg { height: 1rem }\n"
	"rect { stroke: var(--paper); stroke-width: 1.5; vector-effect: non-scaling-stroke }\n"
	"ul + p { margin-top: 1rem }\n"
	"ul { list-style: none; margin: 1rem 0 0; padding: 0; display: grid; gap: .35rem 2rem;\n"
	"  grid-template-columns: repeat(auto-fill, minmax(19rem, 1fr)) }\n"
	"li { display: flex; gap: .6rem; align-items: baseline }\n"
	"li b { min-width: 3.5rem; text-align: right }\n"
	"i { flex: none; width: .8rem; height: .8rem; border-radius: .2rem;\n"
	"  print-color-adjust: exact; -webkit-print-color-adjust: exact }\n"
	"table { width: 100%; border-collapse: collapse; font-size: .95rem }\n"
	"th { text-align: left; font-weight: 500; color: var(--soft); font-size: .85rem }\n"
	"th, td { padding: .45rem .75rem .45rem 0; border-bottom: 1px solid var(--line) }\n"
	"td:nth-child(1) { max-width: 16rem; overflow-wrap: anywhere }\n"
	"th:nth-child(2), th:nth-child(3), td:nth-child(2), td:nth-child(3) { text-align: right;\n"
	"  white-space: nowrap; width: 1% }\n"
	"td:last-child { width: 55%; padding-right: 0 }\n"
	"small { color: var(--soft); border: 1px solid var(--line); border-radius: .5rem;\n"
	"  padding: 0 .4rem; margin-left: .4rem }\n"
	"details { margin-top: .5rem; border-top: 1px solid var(--line); padding-top: .5rem }\n"
	"summary { cursor: pointer }\n"
	"details p { columns: 12rem; margin-top: .75rem; font-size: .9rem; color: var(--ink) }\n"
	"details bdi { display: block; overflow-wrap: anywhere }\n"
	"@media (max-width: 40rem) { tr { display: grid; grid-template-columns: 1fr auto auto }\n"
	"  th:nth-child(2), th:nth-child(3), td:nth-child(2), td:nth-child(3) { width: auto }\n"
	"  td:nth-child(-n+3) { border-bottom: 0; padding-bottom: 0 }\n"
	"  th:last-child { display: none }\n"
	"  td:last-child { grid-column: 1 / -1; width: auto } }\n"
	"@media print { body { padding: 0 } details { break-inside: avoid } }\n"
	"</style>\n"
	"</head>\n"
	"<body>\n";

static const char *const colours[STAGES] = {
	[STAGE_IN_USE] = "in-use",   [STAGE_UNUSED] = "never",    [STAGE_REFUSED] = "refused",
	[STAGE_PENDING] = "pending", [STAGE_INVITED] = "invited", [STAGE_MISSING] = "missing",
	[STAGE_FREE] = "free",       [STAGE_EXEMPT] = "exempt"};

static void put(struct buffer *out, const char *format, ...) PRINTF_LIKE(2);

static void put(struct buffer *out, const char *format, ...)
{
	char piece[512];
	va_list args;
	int len;

	va_start(args, format);
	len = vsnprintf(piece, sizeof(piece), format, args);
	va_end(args);
	if (len < 0 || (size_t)len >= sizeof(piece))
		out->bad = true;
	else
		buffer_copy(out, piece, (size_t)len);
}

/* One bar, with a text for readers who cannot see it. */
static void put_bar(struct buffer *out, const struct tally *tally, const char *class)
{
	unsigned cells[STAGES], at = 0;

	report_split(tally, BAR, cells);
	put(out,
	    "<svg class=\"%s\" viewBox=\"0 0 %d 10\" preserveAspectRatio=\"none\" role=\"img\">\n",
	    class, BAR);
	for (enum stage stage = 0; stage < STAGES; stage++) {
		if (cells[stage] == 0)
			continue;
		put(out,
		    "<rect x=\"%u\" width=\"%u\" height=\"10\" style=\"fill: "
		    "var(--%s)\"><title>%zu %s</title></rect>\n",
		    at, cells[stage], colours[stage], tally->of[stage], report_stage_text(stage));
		at += cells[stage];
	}
	html_put(out, "</svg>\n");
}

static void put_legend(struct buffer *out, const struct tally *tally)
{
	html_put(out, "<ul>\n");
	for (enum stage stage = 0; stage < STAGES; stage++)
		if (tally->of[stage])
			put(out, "<li><b>%zu</b><i style=\"background: var(--%s)\"></i>%s</li>\n",
			    tally->of[stage], colours[stage], report_stage_text(stage));
	html_put(out, "</ul>\n");
}

static void put_teams(struct buffer *out, const struct report *report)
{
	if (report->team_count == 0)
		return;
	html_put(out, "<h2>By "
		      "group</h2>\n<table>\n<tr><th>Group</th><th>People</th><th>Enrolled</"
		      "th><th></th></tr>\n");
	for (size_t i = 0; i < report->team_count; i++) {
		const struct team *team = &report->teams[i];

		html_put(out, "<tr><td>");
		html_bdi(out, team->crew->name);
		if (team->crew->required || team->crew->exempt)
			put(out, "<small>%s</small>", team->crew->required ? "required" : "exempt");
		put(out, "</td><td>%zu</td><td>%u %%</td><td>\n", team->tally.people,
		    report_percent(report_enrolled(&team->tally), team->tally.people));
		put_bar(out, &team->tally, "part");
		html_put(out, "</td></tr>\n");
	}
	html_put(out, "</table>\n");
}

static void put_names(struct buffer *out, const struct report *report, enum stage stage)
{
	size_t shown = 0;

	if (report->tally.of[stage] == 0)
		return;
	put(out, "<details><summary>%zu %s</summary>\n<p>\n", report->tally.of[stage],
	    report_stage_text(stage));
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
		put(out, "<p>and %zu more: totpctl report --json</p>\n",
		    report->tally.of[stage] - shown);
	html_put(out, "</details>\n");
}

static void put_summary(struct buffer *out, const struct report *report)
{
	char when[WHEN_MAX], sentence[REPORT_WHEN_MAX];

	html_put(out, "<h1>Enrollment on ");
	html_bdi(out, report->host);
	report_when(report, sentence);
	put(out, "</h1>\n<p>%s</p>\n<p>%s</p>\n", when_iso(report->now, when), sentence);
	if (report->overrides[0]) {
		html_put(out,
			 "<p>That is the policy's file. The PAM lines of these services differ: ");
		html_bdi(out, report->overrides);
		html_put(out, "</p>\n");
	}
	put(out,
	    "<div class=\"share\"><b>%u %%</b><span>%zu of %zu people are enrolled</span></div>\n",
	    report_percent(report_enrolled(&report->tally), report->tally.people),
	    report_enrolled(&report->tally), report->tally.people);
	put_bar(out, &report->tally, "whole");
	put_legend(out, &report->tally);
	if (report->strays)
		put(out, "<p>Records without an account: %zu (totpctl list names them)</p>\n",
		    report->strays);
	if (report->people.partial)
		html_put(out, "<p>The name service does not list all accounts: accounts without a "
			      "record are missing here.</p>\n");
}

static void put_page(struct buffer *out, const struct report *report)
{
	static const enum stage named[] = {STAGE_MISSING, STAGE_INVITED, STAGE_PENDING,
					   STAGE_UNUSED, STAGE_REFUSED};
	bool any = false;

	html_begin(out, "Enrollment on ");
	html_name(out, report->host);
	html_put(out, style);
	put_summary(out, report);
	put_teams(out, report);
	for (size_t i = 0; i < sizeof(named) / sizeof(named[0]); i++) {
		if (!any && report->tally.of[named[i]])
			html_put(out, "<h2>Who they are</h2>\n");
		any |= report->tally.of[named[i]] > 0;
		put_names(out, report, named[i]);
	}
	html_put(out, "</body>\n</html>\n");
}

static size_t room_for(const struct report *report)
{
	size_t room = FIXED_ROOM;

	for (size_t i = 0; i < report->people.count; i++)
		room += HTML_BYTE_MAX * strlen(report->people.list[i].name) + 16;
	for (size_t i = 0; i < report->team_count; i++)
		room += HTML_BYTE_MAX * strlen(report->teams[i].crew->name) + TEAM_ROOM;
	return room;
}

enum totp_err report_html(const struct report *report, char **ret_page, size_t *ret_len)
{
	size_t room = room_for(report);
	char *page = malloc(room);
	struct buffer out = buffer_of(page, page ? room : 0);

	if (page)
		put_page(&out, report);
	if (!page || buffer_end(&out) != TOTP_OK) {
		free(page);
		return TOTP_ERR_NOMEM;
	}
	*ret_page = page;
	*ret_len = out.len;
	return TOTP_OK;
}
