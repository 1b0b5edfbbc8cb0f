/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * totpctl doctor: is everything as it must be, so that logins are asked for a code and the right
 * code is accepted?
 */
#include <stdlib.h>
#include <string.h>

#include "common/json.h"
#include "common/term.h"
#include "doctor/finding.h"
#include "host/conf.h"
#include "host/log.h"

/* --- printing --- */

/* A finding and its repair may contain names that strangers chose. */
static void print_finding(const struct finding *finding, size_t number)
{
	size_t column = (size_t)printf("%zu. ", number);

	if (finding->services) {
		column = term_wrap(stdout, tool_harmless(finding->services), column, 3);
		column += (size_t)printf(": ");
	}
	term_wrap(stdout, tool_harmless(finding->what), column, 3);
	printf("\n   Why:    ");
	term_wrap(stdout, finding->why, 11, 11);
	printf("\n");
	if (finding->repaired)
		printf("   Repaired.\n");
	else if (finding->repair) /* on one line, so that the command can be copied */
		printf("   Repair: %s\n", tool_harmless(finding->repair));
}

static void print_findings(const struct doctor *doctor)
{
	size_t repaired = 0;

	for (size_t i = 0; i < doctor->count; i++) {
		if (i)
			printf("\n");
		print_finding(&doctor->findings[i], i + 1);
		repaired += doctor->findings[i].repaired;
	}
	if (doctor->count == 0)
		printf("Nothing was found.\n");
	else
		printf("\n%zu found, %zu repaired\n", doctor->count, repaired);
}

static void put_finding(struct json *json, const struct finding *finding)
{
	struct text rest = text_of(finding->services ? finding->services : ""), one;
	char name[256];

	json_open(json, NULL, '{');
	json_text(json, "id", finding->id);
	json_open(json, "services", '['); /* "sshd, su" as an array */
	while (text_field(&rest, ',', &one))
		if (text_copy(text_trim(one), name, sizeof(name)) == TOTP_OK)
			json_text(json, NULL, name);
	json_close(json, ']');
	json_text(json, "what", finding->what);
	json_text(json, "why", finding->why);
	json_text(json, "repair", finding->repair);
	json_text(json, "severity", finding_severity(finding));
	json_bool(json, "repaired", finding->repaired);
	json_close(json, '}');
}

/* An array of objects, one for each finding. */
static int print_array(const struct doctor *doctor)
{
	struct json json;

	json_begin(&json, '[');
	for (size_t i = 0; i < doctor->count; i++)
		put_finding(&json, &doctor->findings[i]);
	return tool_end_json(&doctor->ctl->tool, &json);
}

/* --- for a monitoring system --- */

enum nagios { NAGIOS_OK, NAGIOS_WARNING, NAGIOS_CRITICAL, NAGIOS_UNKNOWN };

/* One line and an exit status, as the guidelines for plugins of Nagios want them. */
static int print_status(const struct doctor *doctor)
{
	static const char *const words[] = {"OK", "WARNING", "CRITICAL"};
	enum nagios status = NAGIOS_OK;
	const struct finding *worst = NULL;
	size_t critical = 0, warnings = 0;

	for (size_t i = 0; i < doctor->count; i++) {
		const struct finding *finding = &doctor->findings[i];

		if (finding->repaired)
			continue;
		critical += !finding->minor;
		warnings += finding->minor;
		if (!worst || (worst->minor && !finding->minor))
			worst = finding;
	}
	if (worst)
		status = worst->minor ? NAGIOS_WARNING : NAGIOS_CRITICAL;
	printf("TOTP %s: ", words[status]);
	if (worst) {
		/* '|' begins the numbers */
		for (char *c = tool_harmless(worst->what); *c; c++)
			if (*c == '|')
				*c = '?';
		printf("%s%s", worst->what, critical + warnings > 1 ? ", and more" : "");
	} else {
		printf("nothing was found");
	}
	printf(" | critical=%zu warning=%zu\n", critical, warnings);
	return (int)status;
}

/* --- checking --- */

/* While a group of a list does not exist, every user who is looked up in it is denied. */
static void look_at_lists(struct doctor *doctor)
{
	const struct policy *policy = &doctor->ctl->tool.policy;
	const char *const lists[] = {policy->required_for, policy->exempt};
	struct reason why = {""};

	for (size_t i = 0; i < sizeof(lists) / sizeof(lists[0]); i++)
		if (account_groups_exist(lists[i], &why) != TOTP_OK)
			doctor_report((struct subject){doctor, "group", NULL, NULL},
				      "every user who is looked up in it is denied",
				      "make the group, or remove it from the policy", "%s",
				      why.text);
}

static void doctor_end(struct doctor *doctor)
{
	for (size_t i = 0; i < doctor->count; i++) {
		free(doctor->findings[i].what);
		free(doctor->findings[i].repair);
		free(doctor->findings[i].services);
	}
	for (size_t i = 0; i < doctor->code_service_count; i++)
		free(doctor->code_services[i].name);
	free(doctor->findings);
	free(doctor->code_services);
	free(doctor->sshd_settings);
	free(doctor->spare.repair);
	free(doctor->spare.services);
}

static void run_parts(struct doctor *doctor)
{
	static const struct permissions rule = {
		.forbidden = MODE_WRITE,
		.why = "users who can write the policy could change who is asked, so it is not "
		       "accepted"};
	struct tool *tool = &doctor->ctl->tool;
	const char *path = tool->conf ? tool->conf : POLICY_FILE;
	bool good;

	doctor_modes(doctor, path, &rule);
	good = conf_load(path, tool->conf, &tool->policy, doctor_report_policy,
			 &(struct subject){doctor, NULL, NULL, NULL}) == TOTP_OK;
	doctor_ask_sshd(doctor);
	doctor_stacks(doctor);
	doctor_sshd(doctor);
	doctor_clock(doctor);
	if (!good)
		return;
	look_at_lists(doctor);
	doctor_store(doctor);
	doctor_fleet(doctor);
	doctor_verifier(doctor);
	doctor_totpd(doctor);
	doctor_radius(doctor);
	doctor_host(doctor);
	doctor_administrators(doctor);
}

void doctor_count(struct ctl *ctl, size_t *ret_critical, size_t *ret_warnings)
{
	struct doctor doctor = {.ctl = ctl};

	run_parts(&doctor);
	for (size_t i = 0; i < doctor.count; i++)
		++*(doctor.findings[i].minor ? ret_warnings : ret_critical);
	doctor_end(&doctor);
}

static struct {
	const char *service;
	bool fix, json, nagios;
} options;

static const struct option_row option_rows[] = {
	{"service", "NAME", "of /etc/pam.d look at this service only", .text = &options.service},
	{"fix", NULL, "repair what needs no decision: permissions, leftovers",
	 .flag = &options.fix},
	{"json", NULL, "print an array of objects, one for each finding", .flag = &options.json},
	{"nagios", NULL, "print one line; exit 0 OK, 1 WARNING, 2 CRITICAL, 3 UNKNOWN",
	 .flag = &options.nagios},
	{0},
};

static int conclude(const struct doctor *doctor)
{
	struct log_event event = {
		.service = doctor->ctl->tool.name, .outcome = "repaired", .reason = "doctor"};
	int code = TOOL_DONE;

	for (size_t i = 0; i < doctor->count; i++) {
		event.detail = doctor->findings[i].what;
		if (doctor->findings[i].repaired)
			tool_log_event(&event);
	}
	if (options.nagios && doctor->no_memory) {
		printf("TOTP UNKNOWN: %s\n", err_name(TOTP_ERR_NOMEM));
		return NAGIOS_UNKNOWN;
	}
	if (options.nagios)
		return print_status(doctor);
	if (doctor->no_memory)
		return tool_refuse(&doctor->ctl->tool, "%s", err_name(TOTP_ERR_NOMEM));
	if (options.json)
		code = print_array(doctor);
	else
		print_findings(doctor);
	for (size_t i = 0; i < doctor->count; i++)
		if (!doctor->findings[i].repaired)
			code = TOOL_REFUSED;
	return code;
}

static int doctor_run(struct ctl *ctl)
{
	struct doctor doctor = {.ctl = ctl, .fix = options.fix, .only_service = options.service};
	int code;

	if (options.nagios && options.json)
		return tool_usage(&ctl->tool, "--nagios and --json cannot be used together");
	code = tool_need_root(&ctl->tool, "check all that a login needs");
	if (code != TOOL_DONE && options.nagios) {
		printf("TOTP UNKNOWN: doctor was not run as root\n");
		return NAGIOS_UNKNOWN;
	}
	if (code != TOOL_DONE)
		return code;
	run_parts(&doctor);
	code = conclude(&doctor);
	doctor_end(&doctor);
	return code;
}

const struct command ctl_doctor = {
	.name = "doctor",
	.help = "look for what skips the code, or locks users out",
	.more = "Looks at the PAM stacks, sshd, keyring, store and records, clock and disk. Each\n"
		"finding says what it is, why it matters and how it is repaired; exit 1 if any\n"
		"is left.\n",
	.options = option_rows,
	.run = doctor_run,
};
