/* totpctl doctor: which services there are, and what their stacks need beside an auth line. */
#include <dirent.h>
#include <stdlib.h>
#include <string.h>

#include "doctor.h"
#include "service.h"

static const char *const folders[] = {"/etc/pam.d", "/usr/lib/pam.d"};

#define FOLDERS (sizeof(folders) / sizeof(folders[0]))

void doctor_edit(struct finding *finding, const struct stack_line *line, const char *what)
{
	doctor_repair(finding, "%s: ${EDITOR:-vi} +%u %s", what, line->number, line->file);
}

void doctor_keep(struct doctor *doctor, const char *service, const struct patient *patient)
{
	struct patient *kept;

	if (!doctor_grow(doctor, &doctor->patients, doctor->patient_count, &doctor->patient_room,
			 sizeof(*kept)))
		return;
	kept = &doctor->patients[doctor->patient_count];
	*kept = *patient;
	kept->name = strdup(service);
	doctor->no_memory |= !kept->name;
	doctor->patient_count += kept->name != NULL;
}

/* --- lines of other types --- */

/* Auth and account alone are ours to answer; account is looked at with its auth line. */
static void look_at_other_types(struct doctor *doctor, const char *service)
{
	static const char *const types[] = {"password", "session"};

	for (size_t t = 0; t < sizeof(types) / sizeof(types[0]); t++) {
		OWN_STACK struct stack stack = {0};

		if (stack_read(NULL, service, types[t], &stack) != TOTP_OK)
			continue;
		for (size_t i = 0; i < stack.count; i++)
			if (service_is_ours(&stack.lines[i]))
				doctor_edit(doctor_find(doctor, "type", service,
							"the module has no such part, and the line "
							"fails",
							AT_LINE "pam_totp.so in a line of type %s",
							PLACE_OF(&stack.lines[i]), types[t]),
					    &stack.lines[i], "take the line out");
	}
}

static bool has_ours(const struct stack *stack)
{
	for (size_t i = 0; i < stack->count; i++)
		if (service_is_ours(&stack->lines[i]))
			return true;
	return false;
}

bool doctor_asks(const char *service)
{
	OWN_STACK struct stack stack = {0};

	return stack_read(NULL, service, "auth", &stack) == TOTP_OK && has_ours(&stack);
}

/* --- all services --- */

struct ward {
	char **names;
	struct stack *stacks;
	size_t count, room, stack_room;
};

static bool is_known(const struct ward *ward, const char *name)
{
	for (size_t i = 0; i < ward->count; i++)
		if (strcmp(ward->names[i], name) == 0)
			return true;
	return false;
}

/* What pam-auth-update, dpkg, rpm and editors leave beside a file: no program asks for it. */
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

static void add_name(struct doctor *doctor, struct ward *ward, const char *name)
{
	if (name[0] == '.' || is_copy(name) || is_known(ward, name) ||
	    !doctor_grow(doctor, &ward->names, ward->count, &ward->room, sizeof(*ward->names)) ||
	    !doctor_grow(doctor, &ward->stacks, ward->count, &ward->stack_room,
			 sizeof(*ward->stacks)))
		return;
	ward->names[ward->count] = strdup(name);
	if (!ward->names[ward->count]) {
		doctor->no_memory = true;
		return;
	}
	if (stack_read(NULL, name, "auth", &ward->stacks[ward->count]) != TOTP_OK)
		stack_end(&ward->stacks[ward->count]);
	ward->count++;
}

static void add_folder(struct doctor *doctor, struct ward *ward, const char *folder)
{
	struct dirent **entries = NULL;
	int count = scandir(folder, &entries, NULL, alphasort);

	for (int i = 0; i < count; i++) {
		add_name(doctor, ward, entries[i]->d_name);
		free(entries[i]);
	}
	free(entries);
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

/* A file that others include is a part, and no service; but "su" is one beside "su-l". */
static bool is_part(const struct ward *ward, const char *name)
{
	size_t len = strlen(name);

	for (size_t i = 0; i < ward->count; i++) {
		const char *other = ward->names[i];

		if (strcmp(other, name) != 0 &&
		    (strncmp(other, name, len) != 0 || other[len] != '-') &&
		    !ward->stacks[i].missing && doctor_includes(&ward->stacks[i], name) &&
		    strcmp(name, "other") != 0)
			return true;
	}
	return false;
}

static void look_at_all(struct doctor *doctor)
{
	static const char *const usual[] = {"sshd", "login", "su", "sudo"};
	struct ward ward = {0};
	bool any = false;

	for (size_t i = 0; i < FOLDERS; i++)
		add_folder(doctor, &ward, folders[i]);
	for (size_t i = 0; ward.count == 0 && i < 4; i++) /* pam.conf alone */
		add_name(doctor, &ward, usual[i]);
	for (size_t i = 0; i < ward.count; i++) {
		if (is_part(&ward, ward.names[i]))
			continue;
		look_at_other_types(doctor, ward.names[i]);
		if (!has_ours(&ward.stacks[i]))
			continue;
		any = true;
		doctor_stack(doctor, ward.names[i], &ward.stacks[i]);
	}
	for (size_t i = 0; i < ward.count; i++)
		if (ward.stacks[i].refused && strcmp(ward.names[i], "other") == 0)
			doctor_repair(doctor_find(doctor, "unreadable", NULL,
						  "libpam reads it for every service, and refuses "
						  "every login",
						  "/etc/pam.d/other: libpam cannot read it"),
				      "look for an include that is not there");
	if (!any)
		doctor_repair(doctor_find(doctor, "unused", NULL, "nobody is asked for a code",
					  "no service in /etc/pam.d has a line of pam_totp.so"),
			      "see pam_totp(8) for the lines of sshd, su and sudo");
	for (size_t i = 0; i < ward.count; i++) {
		free(ward.names[i]);
		stack_end(&ward.stacks[i]);
	}
	free(ward.names);
	free(ward.stacks);
}

/* Who would be locked out by the line that is not there yet. */
static void plan(struct doctor *doctor, const char *service)
{
	struct patient patient = {.policy = doctor->ctl->tool.policy, .planned = true};

	doctor_repair(doctor_find(doctor, "unused", service, "it asks nobody for a code",
				  "/etc/pam.d/%s has no auth line of pam_totp.so", service),
		      "see pam_totp(8) for the lines of sshd, su and sudo");
	doctor_keep(doctor, service, &patient);
	doctor_plan_programs(doctor, service);
}

static void look_at_one(struct doctor *doctor, const char *service)
{
	OWN_STACK struct stack stack = {0};

	look_at_other_types(doctor, service);
	if (stack_read(NULL, service, "auth", &stack) == TOTP_OK && has_ours(&stack))
		doctor_stack(doctor, service, &stack);
	else
		plan(doctor, service);
}

void doctor_stacks(struct doctor *doctor)
{
	if (doctor->ctl->service)
		look_at_one(doctor, doctor->ctl->service);
	else
		look_at_all(doctor);
	doctor_programs(doctor);
}
