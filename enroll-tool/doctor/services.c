/* SPDX-License-Identifier: BSD-2-Clause */
/* totpctl doctor: services, and the policies of their lines. */
#include <stdlib.h>
#include <string.h>

#include "common/service.h"
#include "doctor/finding.h"

void doctor_keep(struct doctor *doctor, const char *service,
		 const struct code_service *code_service)
{
	struct code_service *kept;

	if (!doctor_grow(doctor, &doctor->code_services, doctor->code_service_count,
			 &doctor->code_service_room, sizeof(*kept)))
		return;
	kept = &doctor->code_services[doctor->code_service_count];
	*kept = *code_service;
	kept->name = strdup(service);
	doctor->no_memory |= !kept->name;
	doctor->code_service_count += kept->name != NULL;
}

bool doctor_has_ours(const struct stack *stack)
{
	for (size_t i = 0; i < stack->count; i++)
		if (service_is_ours(&stack->lines[i]) || walk_is_misspelt(&stack->lines[i]))
			return true;
	return false;
}

bool doctor_includes(const struct stack *stack, const char *name)
{
	for (size_t i = 0; i < stack->count; i++) {
		const char *slash = strrchr(stack->lines[i].file, '/');

		if (slash && strcmp(slash + 1, name) == 0)
			return true;
	}
	return false;
}

bool doctor_is_variant(const char *other, const char *name)
{
	size_t len = strlen(name);

	return strncmp(other, name, len) == 0 && other[len] == '-';
}

/* --- policies of lines --- */

static void report_line(void *context, const struct reason *complaint)
{
	const struct subject *line = context;

	doctor_report((struct subject){line->doctor, "argument", line->service, line->line},
		      "a mistake in a line denies every login that comes to it",
		      "correct the argument", "%s", complaint->text);
}

void doctor_report_policy(void *context, const struct reason *complaint)
{
	const struct subject *subject = context;

	doctor_report((struct subject){subject->doctor, "policy", subject->service, NULL},
		      "a policy with a mistake denies every login, so none of it is used",
		      "correct the file, then: totpctl check", "%s", complaint->text);
}

enum totp_err doctor_line_policy(struct subject line, struct policy *ret_policy)
{
	const struct service_complain complain = {report_line, doctor_report_policy, &line};

	return service_policy(line.line, line.doctor->ctl->tool.conf, &complain, ret_policy);
}

bool doctor_quiet_policy(const struct doctor *doctor, const struct stack_line *line,
			 struct policy *ret_policy)
{
	return service_policy(line, doctor->ctl->tool.conf, NULL, ret_policy) == TOTP_OK;
}
