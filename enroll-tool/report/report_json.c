/* SPDX-License-Identifier: BSD-2-Clause */
/* The report for programs: one object. */
#include "common/json.h"
#include "report/report.h"
#include "common/ctl.h"

static void put_tally(struct json *json, const struct tally *tally)
{
	json_number(json, "people", tally->people);
	json_number(json, "enrolled", report_enrolled(tally));
	for (enum stage stage = 0; stage < STAGES; stage++)
		json_number(json, report_stages[stage].word, tally->of[stage]);
}

static void put_crews(struct json *json, const struct report *report)
{
	json_open(json, "groups", '[');
	for (size_t i = 0; i < report->people.crew_count; i++) {
		const struct crew *crew = &report->people.crews[i];

		json_open(json, NULL, '{');
		json_text(json, "group", crew->name);
		json_bool(json, "required", crew->required);
		json_bool(json, "exempt", crew->exempt);
		put_tally(json, &crew->tally);
		json_close(json, '}');
	}
	json_close(json, ']');
}

static void put_report(struct json *json, const struct report *report)
{
	const struct policy *policy = report->policy;
	char text[WHEN_MAX], day[11];

	json_text(json, "host", report->host);
	json_text(json, "time", when_iso(report->now, text));
	json_text(json, "enforce", service_enforce(policy, day));
	json_text(json, "enforce_overrides", report->overrides[0] ? report->overrides : NULL);
	text_to_date(policy->enroll_until, day);
	json_text(json, "enroll_until", policy->enroll_until ? day : NULL);
	json_bool(json, "partial", !report->people.names->complete);
	json_number(json, "records_without_account", report->strays);
	put_tally(json, &report->tally);
	put_crews(json, report);
	json_open(json, "names", '{');
	for (size_t stage = 0; stage < REPORT_NAMED; stage++) {
		json_open(json, report_stages[report_named[stage]].word, '[');
		for (size_t i = 0; i < report->people.count; i++) {
			const struct somebody *one = &report->people.list[i];

			if (one->counted && one->stage == report_named[stage])
				json_text(json, NULL, one->name);
		}
		json_close(json, ']');
	}
	json_close(json, '}');
}

int report_print_json(const struct report *report)
{
	struct json json;

	json_begin(&json, '{');
	put_report(&json, report);
	return tool_end_json(report->tool, &json);
}
