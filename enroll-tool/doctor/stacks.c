/* SPDX-License-Identifier: BSD-2-Clause */
/* totpctl doctor: which services there are, and what their stacks need beside an auth line. */
#include <dirent.h>
#include <stdlib.h>
#include <string.h>

#include "common/service.h"
#include "doctor/finding.h"

/* --- lines of other types --- */

/* The module has parts for auth and account only; account is checked with its auth line. */
static void look_at_other_types(struct doctor *doctor, const char *service)
{
	static const char *const types[] = {"password", "session"};

	for (size_t t = 0; t < sizeof(types) / sizeof(types[0]); t++) {
		OWN_STACK struct stack stack = {0};

		if (stack_read(NULL, service, types[t], &stack) != TOTP_OK)
			continue;
		for (size_t i = 0; i < stack.count; i++)
			if (service_is_ours(&stack.lines[i]))
				doctor_report(
					(struct subject){doctor, "type", service, &stack.lines[i]},
					"the module has no part of this type, so the line fails",
					"remove the line", "pam_totp.so in a line of type %s",
					types[t]);
	}
}

/* --- reading all services --- */

/* A copy that pam-auth-update, dpkg, rpm or an editor leaves beside a file is no service. */
static bool is_copy(const char *name)
{
	static const char *const endings[] = {".pam-old", ".dpkg-old", ".dpkg-new", ".dpkg-dist",
					      ".rpmsave", ".rpmnew",   ".rpmorig",  "~"};
	size_t len = strlen(name);

	for (size_t i = 0; i < sizeof(endings) / sizeof(endings[0]); i++) {
		size_t end = strlen(endings[i]);

		if (len > end && strcmp(name + len - end, endings[i]) == 0)
			return true;
	}
	return false;
}

static void read_service(struct doctor *doctor, const char *name)
{
	struct services *services = &doctor->services;
	struct service *service;

	for (size_t i = 0; i < services->count; i++)
		if (strcmp(services->list[i].name, name) == 0)
			return;
	if (name[0] == '.' || is_copy(name) ||
	    !doctor_grow(doctor, &services->list, services->count, &services->room,
			 sizeof(*service)))
		return;
	service = &services->list[services->count];
	service->name = strdup(name);
	doctor->no_memory |= !service->name;
	if (!service->name)
		return;
	if (stack_read(NULL, name, "auth", &service->stack) != TOTP_OK)
		stack_end(&service->stack);
	services->count++;
}

static void read_services(struct doctor *doctor)
{
	static const char *const usual[] = {"sshd", "login", "su", "sudo"};

	for (size_t i = 0; stack_directories[i]; i++) {
		struct dirent **entries = NULL;
		int count = scandir(stack_directories[i], &entries, NULL, alphasort);

		for (int k = 0; k < count; k++) {
			read_service(doctor, entries[k]->d_name);
			free(entries[k]);
		}
		free(entries);
	}
	for (size_t i = 0; doctor->services.count == 0 && i < 4; i++) /* pam.conf alone */
		read_service(doctor, usual[i]);
}

/* A file that others include is a part and no service; but "su" is one although su-l has it. */
static bool is_part(const struct services *services, const char *name)
{
	for (size_t i = 0; i < services->count; i++) {
		const char *other = services->list[i].name;

		if (strcmp(other, name) != 0 && !doctor_is_variant(other, name) &&
		    !services->list[i].stack.missing &&
		    doctor_includes(&services->list[i].stack, name) && strcmp(name, "other") != 0)
			return true;
	}
	return false;
}

/* --- looking at them --- */

static void look_at_all(struct doctor *doctor)
{
	const struct services *services = &doctor->services;
	bool any = false;

	for (size_t i = 0; i < services->count; i++) {
		if (is_part(services, services->list[i].name))
			continue;
		look_at_other_types(doctor, services->list[i].name);
		doctor_radius_stack(doctor, services->list[i].name, &services->list[i].stack);
		if (!doctor_has_ours(&services->list[i].stack))
			continue;
		any = true;
		doctor_stack(doctor, services->list[i].name, &services->list[i].stack);
	}
	for (size_t i = 0; i < services->count; i++)
		if (services->list[i].stack.refused && strcmp(services->list[i].name, "other") == 0)
			doctor_report((struct subject){doctor, "unreadable", NULL, NULL},
				      "libpam reads it for every service, and denies every login",
				      "look for an include of a missing file",
				      "/etc/pam.d/other: libpam cannot read it");
	if (!any)
		doctor_report((struct subject){doctor, "unused", NULL, NULL},
			      "nobody is asked for a code",
			      "see pam_totp(8) for the lines of sshd, su and sudo",
			      "no service in /etc/pam.d has a line of pam_totp.so");
}

/* Of a service without a line: would one lock an administrator out? */
static void look_at_one(struct doctor *doctor, const char *service)
{
	struct code_service planned = {.policy = doctor->ctl->tool.policy, .planned = true};
	OWN_STACK struct stack stack = {0};

	look_at_other_types(doctor, service);
	if (stack_read(NULL, service, "auth", &stack) == TOTP_OK)
		doctor_radius_stack(doctor, service, &stack);
	if (doctor_has_ours(&stack)) {
		doctor_stack(doctor, service, &stack);
		return;
	}
	doctor_report((struct subject){doctor, "unused", service, NULL},
		      "it asks nobody for a code",
		      "see pam_totp(8) for the lines of sshd, su and sudo",
		      "/etc/pam.d/%s has no auth line of pam_totp.so", service);
	doctor_keep(doctor, service, &planned);
	doctor_plan_programs(doctor, service);
}

void doctor_stacks(struct doctor *doctor)
{
	struct services *services = &doctor->services;

	read_services(doctor);
	if (doctor->only_service)
		look_at_one(doctor, doctor->only_service);
	else
		look_at_all(doctor);
	doctor_programs(doctor);
	doctor_siblings(doctor);
	for (size_t i = 0; i < services->count; i++) {
		free(services->list[i].name);
		stack_end(&services->list[i].stack);
	}
	free(services->list);
	*services = (struct services){0};
}
