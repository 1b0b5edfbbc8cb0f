/* SPDX-License-Identifier: BSD-2-Clause */
/* The enrollment of a host as text, JSON and HTML. */
#ifndef REPORT_REPORT_H
#define REPORT_REPORT_H

#include "base/bytes.h"
#include "report/accounts.h"
#include "common/service.h"

struct report {
	const struct tool *tool;
	const struct policy *policy;
	char overrides[SERVICE_OVERRIDES_MAX]; /* of the policy's file, by PAM lines */
	const char *host;
	int64_t now;
	struct accounts people; /* of the groups those to show, the largest first */
	struct tally tally;
	size_t strays; /* records without an account */
	int code;      /* an exit code, after a message; TOOL_DONE to continue */
};

/*
 * Fill a report of which tool, policy and now are set: the accounts, which accounts_end frees in
 * any case, and the tallies. An exit code, after a message.
 */
MUST_CHECK int report_collect(struct report *report);

/* How many are enrolled; unconfirmed enrollments do not count. */
size_t report_enrolled(const struct tally *tally);

/* A whole percentage, rounded down: 100 only if it is all of them; 0 of none. */
unsigned report_percent(size_t part, size_t whole);

/* How a stage is named and drawn. */
struct stage_kind {
	const char *word, *text;            /* a stable word for programs, a text for people */
	const char *css;                    /* its color in the page */
	const char *block, *letter, *color; /* in a terminal: with UTF-8, and without it */
};

extern const struct stage_kind report_stages[STAGES];

/* The stages whose users are named. */
#define REPORT_NAMED 5
extern const enum stage report_named[REPORT_NAMED];

#define REPORT_WHEN_MAX 200

/* A sentence: from when on codes are required, and until when users can enroll in a login. */
void report_when(const struct report *report, char ret_text[REPORT_WHEN_MAX]);

/*
 * Divide `width` cells among the stages in proportion to their people. Each stage with people gets
 * a cell if there are enough. Without people all cells are 0.
 */
void report_split(const struct tally *tally, unsigned width, unsigned ret_cells[STAGES]);

/* Print the whole report. An exit code, after a message. */
MUST_CHECK int report_print(const struct report *report);
MUST_CHECK int report_print_json(const struct report *report);

/* report.html.in: the page, with words such as @HOST@ where its parts go. */
extern const char report_template[];

/* The page, which the caller frees. TOTP_ERR_NOMEM. */
MUST_CHECK enum totp_err report_html(const struct report *report, char **ret_page, size_t *ret_len);

#endif
