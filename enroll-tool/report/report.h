/* How far a host's people have come, and how it is shown: to people, programs and browsers. */
#ifndef REPORT_REPORT_H
#define REPORT_REPORT_H

#include "base/bytes.h"
#include "report/accounts.h"
#include "common/service.h"

struct tally {
	size_t people;
	size_t of[STAGES];
};

/* A group of people; those of a single person's own are left out. */
struct team {
	const struct crew *crew;
	struct tally tally;
};

struct report {
	const struct policy *policy;
	char overrides[SERVICE_OVERRIDES_MAX]; /* of the policy's file, by PAM lines */
	const char *host;
	int64_t now;
	struct accounts people;
	struct tally tally;
	struct team *teams; /* the largest first */
	size_t team_count;
	size_t strays; /* records without an account */
};

#define OWN_REPORT OWN(report_end)

void report_end(struct report *report);

/* How many must give a code and can: one that is not confirmed is not among them. */
size_t report_enrolled(const struct tally *tally);

/* A whole percentage, rounded down: 100 only if it is all of them; 0 of none. */
unsigned report_percent(size_t part, size_t whole);

/* A stable word for programs, such as "in_use", and what people read. */
const char *report_stage_word(enum stage stage);
const char *report_stage_text(enum stage stage);

#define REPORT_WHEN_MAX 200

/* From when on who must give a code, and until when they can enrol in a login: a sentence. */
void report_when(const struct report *report, char ret_text[REPORT_WHEN_MAX]);

/*
 * Part `width` cells among the stages in proportion, so that they add up; who is there at all
 * has a cell where there are enough of them. Nobody: all cells are 0.
 */
void report_split(const struct tally *tally, unsigned width, unsigned ret_cells[STAGES]);

/* Each prints all of it. An exit code, after a sentence. */
MUST_CHECK int report_print(const struct report *report);
MUST_CHECK int report_print_json(const struct tool *tool, const struct report *report);

/* The page, which is the caller's to free. TOTP_ERR_NOMEM. */
MUST_CHECK enum totp_err report_html(const struct report *report, char **ret_page, size_t *ret_len);

#endif
