/* SPDX-License-Identifier: BSD-2-Clause */
/* totpctl report: how far the enrollment of a host is. */
#include "common/ctl.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "common/enrolled.h"
#include "host/clock.h"
#include "host/machine.h"
#include "login/gate.h"
#include "common/progress.h"
#include "report/report.h"

#define CREW_MIN 2 /* people; a group of one is usually that person's own */

/* --- stages --- */

/* Has the record allowed a login, can it, or does it deny all? */
static enum stage stage_of_record(const struct store_row *row, const struct somebody *one)
{
	const struct store_txn *txn = row->txn;

	if (row->err != TOTP_OK || txn->cred.disabled ||
	    (txn->cred.uid_bound && txn->cred.uid != one->uid))
		return STAGE_REFUSED;
	if (state_is_pending(&txn->state, &txn->cred))
		return STAGE_PENDING;
	return txn->state.last_success ? STAGE_IN_USE : STAGE_UNUSED;
}

/* Where the rows of a walk go. */
struct placing {
	struct report *report;
	struct progress progress;
};

static void place_row(void *context, const struct store_row *row)
{
	struct placing *placing = context;
	struct report *report = placing->report;
	struct somebody *one;

	progress_show(&placing->progress, "reading records", row->number, row->total);
	if (report->code != TOOL_DONE)
		return;
	one = accounts_find(report->tool, &report->people, row->user, &report->code);
	if (one)
		one->stage = stage_of_record(row, one);
	else
		report->strays++;
}

static void place_enrolled(struct report *report)
{
	struct placing placing = {report, progress_begin()};
	struct reason why = {""};
	enum totp_err err = store_each_credential(report->tool->store, place_row, &placing, &why);

	progress_clear(&placing.progress);
	if (report->code == TOOL_DONE)
		report->code = tool_result(report->tool, err, &why);
}

static void place_invited(void *context, const char *user)
{
	struct report *report = context;
	struct invite invite;
	struct somebody *one;

	if (report->code != TOOL_DONE ||
	    store_invite_get(report->tool->store, user, tool_deadline(), &invite, NULL) != TOTP_OK)
		return;
	one = accounts_find(report->tool, &report->people, user, &report->code);
	if (one && one->stage == STAGE_FREE && invite_holds(&invite, one->uid, report->now))
		one->stage = STAGE_INVITED;
}

/* Accounts with neither record nor invitation: must they give a code on the date? */
static void place_others(struct report *report)
{
	const struct policy *policy = report->policy;
	int64_t then = gate_days_left(policy, report->now) ? policy->enforce_from : report->now;

	for (size_t i = 0; i < report->people.count; i++) {
		struct somebody *one = &report->people.list[i];
		const struct gate_facts facts = {
			.known = true, .required = one->required, .exempt = one->exempt};

		if (one->stage != STAGE_FREE)
			continue;
		if (gate_requires(policy, &facts, then))
			one->stage = STAGE_MISSING;
		else if (one->exempt)
			one->stage = STAGE_EXEMPT;
	}
}

/* --- counting --- */

static void count(struct tally *tally, const struct somebody *one)
{
	if (!one->counted)
		return;
	tally->people++;
	tally->of[one->stage]++;
}

static int compare_crews(const void *a, const void *b)
{
	const struct crew *left = a, *right = b;

	if (left->tally.people != right->tally.people)
		return left->tally.people > right->tally.people ? -1 : 1;
	return strcmp(left->name, right->name);
}

/* Keep the groups to show: of several people, or named in the policy. */
static void count_crews(struct accounts *people)
{
	size_t kept = 0;

	for (size_t i = 0; i < people->crew_count; i++) {
		struct crew crew = people->crews[i];

		for (size_t m = 0; m < crew.count; m++)
			count(&crew.tally, &people->list[crew.members[m]]);
		if (crew.tally.people >= CREW_MIN || crew.required || crew.exempt) {
			people->crews[kept++] = crew;
			continue;
		}
		free(crew.name);
		free(crew.members);
	}
	people->crew_count = kept;
	if (kept)
		qsort(people->crews, kept, sizeof(*people->crews), compare_crews);
}

int report_collect(struct report *report)
{
	struct reason why = {""};

	report->code = accounts_load(report->tool, &report->people);
	if (report->code == TOOL_DONE)
		place_enrolled(report);
	if (report->code == TOOL_DONE &&
	    store_each(report->tool->store, STORE_INVITE, place_invited, report, &why) != TOTP_OK)
		report->code = tool_refuse(report->tool, "%s", why.text);
	if (report->code != TOOL_DONE)
		return report->code;
	place_others(report);
	for (size_t i = 0; i < report->people.count; i++)
		count(&report->tally, &report->people.list[i]);
	count_crews(&report->people);
	return TOOL_DONE;
}

/* --- the page --- */

static struct {
	const char *html;
	bool json;
} options;

static const struct option_row option_rows[] = {
	{"html", "FILE", "write a page for browsers; '-' is standard output",
	 .text = &options.html},
	{"json", NULL, "print an object, with the names of users who are not enrolled",
	 .flag = &options.json},
	{0},
};

/* On standard output, or in place of a file, which only its owner can read. */
static int write_page(const struct report *report)
{
	const struct file_new file = {AT_FDCWD,        options.html,    S_IRUSR | S_IWUSR,
				      FILE_SAME_OWNER, FILE_SAME_GROUP, FILE_DURABLE};
	OWN_TEXT char *page = NULL;
	size_t len = 0;

	if (report_html(report, &page, &len) != TOTP_OK)
		return tool_refuse(report->tool, "%s", err_name(TOTP_ERR_NOMEM));
	if (strcmp(options.html, "-") == 0)
		fwrite(page, 1, len, stdout);
	else if (file_replace(&file, page, len) != TOTP_OK)
		return tool_refuse(report->tool, "%s: cannot write: %s", options.html,
				   strerror(errno));
	return TOOL_DONE;
}

static int report_run(struct ctl *ctl)
{
	struct report report = {
		.tool = &ctl->tool, .policy = &ctl->tool.policy, .now = clock_now()};
	char host[MACHINE_NAME_MAX], full[MACHINE_NAME_MAX];
	int code;

	if (options.json && options.html)
		return tool_usage(&ctl->tool, "report: --json or --html, not both");
	code = tool_open(&ctl->tool, "see who is enrolled");
	if (code != TOOL_DONE)
		return code;
	machine_names(host, full);
	report.host = full;
	service_overrides(&ctl->tool, report.overrides);
	code = report_collect(&report);
	if (code == TOOL_DONE)
		code = options.html   ? write_page(&report)
		       : options.json ? report_print_json(&report)
				      : report_print(&report);
	accounts_end(&report.people);
	return code;
}

const struct command ctl_report = {
	.name = "report",
	.help = "how many users have enrolled or are missing, by group",
	.more = "As wide as the window. Users are the accounts that the name service lists,\n"
		"without those of programs, and all who are enrolled or named in the policy.\n",
	.options = option_rows,
	.run = report_run,
};
