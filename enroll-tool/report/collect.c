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

#define TEAM_MIN 2 /* people; a group of one is usually that person's own */

/* --- stages --- */

/* Has the record allowed a login, can it, or does it deny all? */
static enum stage stage_of_record(struct store *store, const struct somebody *one)
{
	OWN_TXN struct store_txn txn = STORE_TXN_NONE;
	enum totp_err err = store_read(store, one->name, &txn, NULL);

	if (err == TOTP_ERR_NOT_FOUND) /* deleted meanwhile */
		return STAGE_FREE;
	if (err != TOTP_OK || txn.cred.disabled || (txn.cred.uid_bound && txn.cred.uid != one->uid))
		return STAGE_REFUSED;
	if (state_is_pending(&txn.state, &txn.cred))
		return STAGE_PENDING;
	return txn.state.last_success ? STAGE_IN_USE : STAGE_UNUSED;
}

static int place_enrolled(struct ctl *ctl, struct report *report)
{
	OWN(enrolled_end) struct enrolled enrolled = {0};
	struct progress progress = progress_begin();
	int code = enrolled_list(&ctl->tool, &enrolled);

	for (size_t i = 0; i < enrolled.count && code == TOOL_DONE; i++) {
		struct somebody *one =
			accounts_find(&ctl->tool, &report->people, enrolled.users[i], &code);

		if (one)
			one->stage = stage_of_record(ctl->tool.store, one);
		else
			report->strays++;
		progress_show(&progress, "reading records", i, enrolled.count);
	}
	progress_clear(&progress);
	return code;
}

struct inviting {
	struct ctl *ctl;
	struct report *report;
	int code;
};

static void place_invited(void *context, const char *user)
{
	struct inviting *inviting = context;
	struct invite invite;
	struct somebody *one;

	if (inviting->code != TOOL_DONE ||
	    store_invite_get(inviting->ctl->tool.store, user, &invite, NULL) != TOTP_OK)
		return;
	one = accounts_find(&inviting->ctl->tool, &inviting->report->people, user, &inviting->code);
	if (one && one->stage == STAGE_FREE &&
	    invite_holds(&invite, one->uid, inviting->report->now))
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

static int compare_teams(const void *a, const void *b)
{
	const struct team *left = a, *right = b;

	if (left->tally.people != right->tally.people)
		return left->tally.people > right->tally.people ? -1 : 1;
	return strcmp(left->crew->name, right->crew->name);
}

static bool count_teams(struct report *report)
{
	const struct accounts *people = &report->people;

	report->teams = calloc(people->crew_count + 1, sizeof(*report->teams));
	for (size_t i = 0; report->teams && i < people->crew_count; i++) {
		const struct crew *crew = &people->crews[i];
		struct team *team = &report->teams[report->team_count];

		*team = (struct team){.crew = crew};
		for (size_t m = 0; m < crew->count; m++)
			count(&team->tally, &people->list[crew->members[m]]);
		report->team_count += team->tally.people >= TEAM_MIN || crew->required ||
				      crew->exempt;
	}
	if (report->team_count)
		qsort(report->teams, report->team_count, sizeof(*report->teams), compare_teams);
	return report->teams != NULL;
}

static int collect_report(struct ctl *ctl, struct report *report)
{
	struct inviting inviting = {ctl, report, TOOL_DONE};
	struct reason why = {""};
	int code = accounts_load(&ctl->tool, &report->people);

	if (code == TOOL_DONE)
		code = place_enrolled(ctl, report);
	if (code == TOOL_DONE &&
	    store_each(ctl->tool.store, STORE_INVITE, place_invited, &inviting, &why) != TOTP_OK)
		code = tool_refuse(&ctl->tool, "%s", why.text);
	if (code == TOOL_DONE)
		code = inviting.code;
	if (code != TOOL_DONE)
		return code;
	place_others(report);
	for (size_t i = 0; i < report->people.count; i++)
		count(&report->tally, &report->people.list[i]);
	return count_teams(report) ? TOOL_DONE
				   : tool_refuse(&ctl->tool, "%s", err_name(TOTP_ERR_NOMEM));
}

/* --- the page --- */

/* Replace the file by a complete one, which only its owner can read. */
static int replace_file(const struct tool *tool, const char *path, const char *page, size_t len)
{
	const struct file_new file = {
		AT_FDCWD, path, S_IRUSR | S_IWUSR, FILE_SAME_OWNER, FILE_SAME_GROUP, FILE_DURABLE};

	if (file_replace(&file, page, len) == TOTP_OK)
		return TOOL_DONE;
	return tool_refuse(tool, "%s: cannot write: %s", path, strerror(errno));
}

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

static int write_page(const struct ctl *ctl, const struct report *report)
{
	OWN_TEXT char *page = NULL;
	size_t len = 0;

	if (report_html(report, &page, &len) != TOTP_OK)
		return tool_refuse(&ctl->tool, "%s", err_name(TOTP_ERR_NOMEM));
	if (strcmp(options.html, "-") == 0) {
		fwrite(page, 1, len, stdout);
		return TOOL_DONE;
	}
	return replace_file(&ctl->tool, options.html, page, len);
}

static int report_run(struct ctl *ctl)
{
	OWN_REPORT struct report report = {.policy = &ctl->tool.policy, .now = clock_now()};
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
	code = collect_report(ctl, &report);
	if (code != TOOL_DONE)
		return code;
	if (options.html)
		return write_page(ctl, &report);
	return options.json ? report_print_json(&ctl->tool, &report) : report_print(&report);
}

const struct command ctl_report = {
	.name = "report",
	.help = "how many users have enrolled, and those missing, by group",
	.more = "As wide as the window. Users are the accounts that the name service lists,\n"
		"without those of programs, and all who are enrolled or named in the policy.\n",
	.options = option_rows,
	.run = report_run,
};
