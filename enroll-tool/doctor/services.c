/* totpctl doctor: services, the policies of their lines, and commands that repair their stacks. */
#include <stdlib.h>
#include <string.h>

#include "doctor/finding.h"
#include "doctor/trial.h"
#include "common/service.h"

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

bool doctor_is_sshds(const struct doctor *doctor, const char *service)
{
	return strcmp(service, doctor->sshd_service) == 0 ||
	       (strncmp(service, "sshd", 4) == 0 && strchr("-.", service[4]));
}

bool doctor_asks(const char *service)
{
	OWN_STACK struct stack stack = {0};

	return stack_read(NULL, service, "auth", &stack) == TOTP_OK && doctor_has_ours(&stack);
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

/* The line whose policy is read. */
struct reading {
	struct doctor *doctor;
	const char *service;
	const struct stack_line *line;
};

static void report_line(void *context, const struct reason *complaint)
{
	const struct reading *reading = context;

	doctor_report(
		reading->doctor,
		&(struct report){.id = "argument",
				 .service = reading->service,
				 .line = reading->line,
				 .why = "a mistake in a line denies every login that comes to it",
				 .repair = "correct the argument"},
		"%s", complaint->text);
}

void doctor_report_policy(struct doctor *doctor, const char *service,
			  const struct reason *complaint)
{
	doctor_report(
		doctor,
		&(struct report){
			.id = "policy",
			.service = service,
			.why = "a policy with a mistake denies every login, so none of it is used",
			.repair = "correct the file, then: totpctl check"},
		"%s", complaint->text);
}

static void report_file(void *context, const struct reason *complaint)
{
	const struct reading *reading = context;

	doctor_report_policy(reading->doctor, reading->service, complaint);
}

enum totp_err doctor_line_policy(struct doctor *doctor, const char *service,
				 const struct stack_line *line, struct policy *ret_policy)
{
	struct reading reading = {doctor, service, line};
	const struct service_complain complain = {report_line, report_file, &reading};

	return service_policy(line, doctor->ctl->tool.conf, &complain, ret_policy);
}

static void ignore_complaint(void *context, const struct reason *complaint)
{
	(void)context;
	(void)complaint; /* doctor_line_policy reports it */
}

bool doctor_quiet_policy(const struct doctor *doctor, const struct stack_line *line,
			 struct policy *ret_policy)
{
	static const struct service_complain ignore = {ignore_complaint, ignore_complaint, NULL};

	return service_policy(line, doctor->ctl->tool.conf, &ignore, ret_policy) == TOTP_OK;
}

enum line_role doctor_role(void *context, const struct stack_line *line)
{
	enum line_role role = walk_role(line);
	struct policy policy;

	if (role == ROLE_CODE && doctor_quiet_policy(context, line, &policy) &&
	    policy.password == PASSWORD_COMBINED)
		return ROLE_COMBINED;
	return role;
}

/* A file that other services read is not edited, unless they are variants of this service. */
char *doctor_command(struct doctor *doctor, const char *service, const char *add)
{
	const struct services *services = &doctor->services;
	const char **sharers = calloc(services->count + 1, sizeof(*sharers));
	struct repair repair = {.open = stack_open,
				.role = doctor_role,
				.role_context = doctor,
				.service = service,
				.sharers = sharers,
				.add = add};
	char *command = NULL;
	bool shared = !sharers;

	for (size_t i = 0; sharers && i < services->count; i++) {
		const char *other = services->list[i].name;

		if (strcmp(other, service) == 0 || services->list[i].stack.missing ||
		    !doctor_includes(&services->list[i].stack, service))
			continue;
		shared |= !doctor_is_variant(other, service);
		sharers[repair.sharer_count++] = other;
	}
	doctor->no_memory |= !sharers;
	if (!shared && repair_find(&repair, &command) != TOTP_OK)
		doctor->no_memory = true;
	free(sharers);
	return command;
}
