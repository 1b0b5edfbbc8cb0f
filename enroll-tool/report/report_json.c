/* The report for programs: one object. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/json.h"
#include "report/report.h"
#include "common/ctl.h"

#define FIXED_ROOM 4096
#define TEAM_ROOM  512 /* beside its name */

/* Six characters for each byte of a name, quotes and comma. */
static size_t room_for(const struct report *report)
{
	size_t room = FIXED_ROOM;

	for (size_t i = 0; i < report->people.count; i++)
		room += report->people.list[i].counted ? 6 * strlen(report->people.list[i].name) + 8
						       : 0;
	for (size_t i = 0; i < report->team_count; i++)
		room += 6 * strlen(report->teams[i].crew->name) + TEAM_ROOM;
	return room;
}

static void put_tally(struct json *json, const struct tally *tally)
{
	json_number(json, "people", tally->people);
	json_number(json, "enrolled", report_enrolled(tally));
	for (enum stage stage = 0; stage < STAGES; stage++)
		json_number(json, report_stage_word(stage), tally->of[stage]);
}

static void put_teams(struct json *json, const struct report *report)
{
	json_open(json, "groups", '[');
	for (size_t i = 0; i < report->team_count; i++) {
		const struct team *team = &report->teams[i];

		json_open(json, NULL, '{');
		json_text(json, "group", team->crew->name);
		json_bool(json, "required", team->crew->required);
		json_bool(json, "exempt", team->crew->exempt);
		put_tally(json, &team->tally);
		json_close(json, '}');
	}
	json_close(json, ']');
}

/* The names of users in stages that need a reminder. */
static void put_names(struct json *json, const struct report *report, enum stage stage)
{
	json_open(json, report_stage_word(stage), '[');
	for (size_t i = 0; i < report->people.count; i++) {
		const struct somebody *one = &report->people.list[i];

		if (one->counted && one->stage == stage)
			json_text(json, NULL, one->name);
	}
	json_close(json, ']');
}

static void put_report(struct json *json, const struct report *report)
{
	static const enum stage named[] = {STAGE_MISSING, STAGE_INVITED, STAGE_PENDING,
					   STAGE_UNUSED, STAGE_REFUSED};
	const struct policy *policy = report->policy;
	char text[CTL_TIME_MAX], day[11];

	json_open(json, NULL, '{');
	json_text(json, "host", report->host);
	json_text(json, "time", ctl_time(report->now, text));
	json_text(json, "enforce", service_enforce(policy, day));
	json_text(json, "enforce_overrides", report->overrides[0] ? report->overrides : NULL);
	text_to_date(policy->enroll_until, day);
	json_text(json, "enroll_until", policy->enroll_until ? day : NULL);
	json_bool(json, "partial", report->people.partial);
	json_number(json, "records_without_account", report->strays);
	put_tally(json, &report->tally);
	put_teams(json, report);
	json_open(json, "names", '{');
	for (size_t i = 0; i < sizeof(named) / sizeof(named[0]); i++)
		put_names(json, report, named[i]);
	json_close(json, '}');
	json_close(json, '}');
}

int report_print_json(const struct tool *tool, const struct report *report)
{
	size_t room = room_for(report);
	OWN_TEXT char *text = malloc(room);
	struct json json = json_of(text, text ? room : 0);

	if (text)
		put_report(&json, report);
	if (!text || json_end(&json) != TOTP_OK)
		return tool_refuse(tool, "%s", err_name(TOTP_ERR_NOMEM));
	fwrite(json.out.data, 1, json.out.len, stdout);
	return TOOL_DONE;
}
