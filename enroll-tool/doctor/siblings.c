/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * totpctl doctor: programs that log people in by more than one PAM service. If
 * only one of them has a line of ours, users log in by the others without a code.
 */
#include <fnmatch.h>
#include <stdlib.h>
#include <string.h>

#include "doctor/finding.h"
#include "common/service.h"

/*
 * By program: its services, as patterns. Not listed are services that never run the auth lines
 * (cron, atd, systemd-user), that only root uses (runuser), or that run a greeter.
 */
static const char *const programs[][7] = {
	{"sudo", "sudo-i"},
	{"su", "su-l"},
	{"gdm-password", "gdm-fingerprint", "gdm-smartcard*", "gdm-pin", "gdm-autologin",
	 "gdm-switchable-auth"},
	{"sddm", "sddm-autologin"},
	{"lightdm", "lightdm-autologin"},
	{"lxdm", "lxdm-autologin"},
	{"xdm", "xdm-np"},
	{"kde", "kde-fingerprint", "kde-smartcard", "kde-np"},
	{"vncserver*"},
	{"vmtoolsd", "vmware-authd"},
};

#define COUNT_OF(array) (sizeof(array) / sizeof((array)[0]))

static bool is_service_of(const char *const patterns[7], const char *service)
{
	for (size_t i = 0; i < 7 && patterns[i]; i++)
		if (fnmatch(patterns[i], service, 0) == 0)
			return true;
	return false;
}

/* Can a user log in by it, and may it ask for a first factor? */
static bool is_open(struct doctor *doctor, struct stack *stack, bool *ret_asks)
{
	OWN_WALK struct walk walk = {0};

	for (size_t i = 0; i < stack->count; i++)
		stack->lines[i].role = walk_role(&stack->lines[i]);
	if (walk_stack(stack, &walk) != TOTP_OK)
		doctor->no_memory = true;
	*ret_asks = walk.factor || walk.unknown;
	return !stack->refused && (walk.open || walk.too_many);
}

/* The first line of ours, as text for another service. */
static char *line_of(const struct stack *stack)
{
	char *text = NULL;
	size_t len = 0;
	FILE *out = open_memstream(&text, &len);

	for (size_t i = 0; out && i < stack->count; i++) {
		const struct stack_line *line = &stack->lines[i];

		if (!service_is_ours(line) || walk_role(line) != ROLE_CODE)
			continue;
		fprintf(out, "auth required %s", line->path);
		for (int k = 0; k < line->argc; k++)
			fprintf(out, strchr(line->argv[k], ' ') ? " [%s]" : " %s", line->argv[k]);
		break;
	}
	if (out)
		fclose(out);
	return text;
}

static void report_sibling(struct doctor *doctor, size_t without, size_t with)
{
	const struct services *services = &doctor->services;
	const char *service = services->list[without].name;
	char *line = line_of(&services->list[with].stack), *command = NULL;
	struct finding *finding;
	bool asks = false;

	doctor->no_memory |= !line;
	if (!line || !line[0] || !is_open(doctor, &services->list[without].stack, &asks)) {
		free(line);
		return;
	}
	finding = doctor_report(
		(struct subject){doctor, "sibling", service, NULL},
		"the same program logs people in by both services; this one asks for no code", NULL,
		"%s: no auth line of pam_totp.so, but the service %s has one",
		services->list[without].stack.own, services->list[with].name);
	if (asks)
		command = doctor_command(doctor, service, line);
	if (command)
		doctor_repair(finding, "%s", command);
	else if (asks)
		doctor_repair(finding,
			      "write \"%s\" below its first factor; see pam_totp(8), DISTRIBUTIONS "
			      "WITHOUT COMMON-AUTH",
			      line);
	else
		doctor_repair(finding, "this login asks for nothing at all; if nobody needs it, "
				       "replace its auth lines by: auth requisite pam_deny.so");
	free(command);
	free(line);
}

void doctor_siblings(struct doctor *doctor)
{
	const struct services *services = &doctor->services;
	const char *wanted = doctor->only_service;

	for (size_t p = 0; p < COUNT_OF(programs); p++) {
		size_t with = services->count;

		for (size_t i = 0; i < services->count; i++)
			if (is_service_of(programs[p], services->list[i].name) &&
			    doctor_has_ours(&services->list[i].stack))
				with = i;
		for (size_t i = 0; with < services->count && i < services->count; i++)
			if (is_service_of(programs[p], services->list[i].name) &&
			    (!wanted || strcmp(wanted, services->list[i].name) == 0) &&
			    services->list[i].stack.own &&
			    !doctor_has_ours(&services->list[i].stack))
				report_sibling(doctor, i, with);
	}
}
