/* SPDX-License-Identifier: BSD-2-Clause */
/* Counting, which all forms of the report share. */
#include "report/report.h"

#include <stdio.h>

#include "login/gate.h"

size_t report_enrolled(const struct tally *tally)
{
	return tally->of[STAGE_IN_USE] + tally->of[STAGE_UNUSED];
}

unsigned report_percent(size_t part, size_t whole)
{
	return whole ? (unsigned)(100 * (uint64_t)part / whole) : 0;
}

const struct stage_kind report_stages[STAGES] = {
	[STAGE_IN_USE] = {"in_use", "enrolled, and log in with codes", "in-use", "\u2588", "#",
			  "\033[32m"},
	[STAGE_UNUSED] = {"never_logged_in", "enrolled, but never logged in yet", "never", "\u2593",
			  "+", "\033[36m"},
	[STAGE_PENDING] = {"not_confirmed", "not confirmed by a first code yet", "pending",
			   "\u2592", "?", "\033[94m"},
	[STAGE_REFUSED] = {"refused", "enrolled, but denied: see totpctl list", "refused", "\u256c",
			   "x", "\033[35m"},
	[STAGE_INVITED] = {"invited", "not enrolled, but invited", "invited", "\u25a4", "i",
			   "\033[33m"},
	[STAGE_MISSING] = {"missing", "required, but not enrolled", "missing", "\u2591", "!",
			   "\033[31m"},
	[STAGE_FREE] = {"not_required", "not required, and not enrolled", "free", "\u00b7", ".",
			"\033[2m"},
	[STAGE_EXEMPT] = {"exempt", "exempt, and not enrolled", "exempt", "-", "-", "\033[2m"},
};

const enum stage report_named[REPORT_NAMED] = {STAGE_MISSING, STAGE_INVITED, STAGE_PENDING,
					       STAGE_UNUSED, STAGE_REFUSED};

/* "from 2027-02-01 on, in 69 days" */
static int put_required(const struct report *report, char *text, size_t cap)
{
	const struct policy *policy = report->policy;
	unsigned days = gate_days_left(policy, report->now);
	char day[11];

	if (policy->enforce == ENFORCE_OPTIONAL)
		return snprintf(text, cap, "%s",
				policy->required_for[0]
					? "Codes are required of users in required_for"
					: "Codes are required of nobody");
	if (!days)
		return snprintf(text, cap, "Codes are required");
	text_to_date(policy->enforce_from, day);
	return snprintf(text, cap, "Codes are required from %s on, in %u day%s", day, days,
			days == 1 ? "" : "s");
}

void report_when(const struct report *report, char ret_text[REPORT_WHEN_MAX])
{
	const struct policy *policy = report->policy;
	int len = put_required(report, ret_text, REPORT_WHEN_MAX);
	size_t cap = REPORT_WHEN_MAX - (size_t)len;
	char day[11];

	text_to_date(policy->enroll_until, day);
	if (!policy->enroll_login)
		snprintf(ret_text + len, cap, ".");
	else if (gate_is_closed(policy, report->now))
		snprintf(ret_text + len, cap,
			 "; after %s only invited users can enroll in a login.", day);
	else
		snprintf(ret_text + len, cap, "; users can enroll in a login%s%s.",
			 policy->enroll_until ? " until " : "", policy->enroll_until ? day : "");
}

/* The stage with the most people per cell, which can best spare or use one. */
static enum stage thickest(const struct tally *tally, const unsigned cells[STAGES], bool spare)
{
	enum stage best = STAGE_IN_USE;
	double most = -1;

	for (enum stage stage = 0; stage < STAGES; stage++) {
		double share = (double)tally->of[stage] / (cells[stage] + 1);

		if (spare) /* the least there is for a cell, of those that have more than one */
			share = cells[stage] > 1 ? (double)cells[stage] / (double)tally->of[stage]
						 : -1;
		if (share > most) {
			most = share;
			best = stage;
		}
	}
	return best;
}

void report_split(const struct tally *tally, unsigned width, unsigned ret_cells[STAGES])
{
	unsigned used = 0, there = 0;

	for (enum stage stage = 0; stage < STAGES; stage++) {
		ret_cells[stage] = 0;
		there += tally->of[stage] > 0;
	}
	if (tally->people == 0)
		return;
	for (enum stage stage = 0; stage < STAGES; stage++) {
		ret_cells[stage] = (unsigned)((uint64_t)tally->of[stage] * width / tally->people);
		if (ret_cells[stage] == 0 && tally->of[stage] && there <= width)
			ret_cells[stage] = 1;
		used += ret_cells[stage];
	}
	for (; used < width; used++)
		ret_cells[thickest(tally, ret_cells, false)]++;
	for (; used > width; used--)
		ret_cells[thickest(tally, ret_cells, true)]--;
}
