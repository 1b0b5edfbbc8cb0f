/*
 * totpctl doctor: programs that log people in by more than one PAM service. A line of ours in one
 * of them alone leaves the other ways in without a code.
 */
#include <fnmatch.h>
#include <stdlib.h>
#include <string.h>

#include "doctor/doctor.h"
#include "common/service.h"

/*
 * By program: its services, as patterns. Those are left out in which a program never goes through
 * the auth lines (cron, atd, systemd-user) or which are root's alone (runuser), and those of a
 * greeter, which is no person.
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

static bool is_of(const char *const patterns[7], const char *service)
{
	for (size_t i = 0; i < 7 && patterns[i]; i++)
		if (fnmatch(patterns[i], service, 0) == 0)
			return true;
	return false;
}

/* Can somebody log in by it, and may a first factor be asked for? */
static bool is_open(struct doctor *doctor, const struct stack *stack, bool *ret_asks)
{
	OWN_WALK struct walk routes = {0};
	enum line_role *roles = calloc(stack->count + 1, sizeof(*roles));

	for (size_t i = 0; roles && i < stack->count; i++)
		roles[i] = walk_role(&stack->lines[i]);
	if (!roles || walk_stack(stack, roles, &routes) != TOTP_OK)
		doctor->no_memory = true;
	free(roles);
	*ret_asks = routes.factor || routes.unknown;
	return !stack->refused && (routes.open || routes.too_many);
}

/* The first line of ours, to be written in another service. */
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

static void tell(struct doctor *doctor, size_t without, size_t with)
{
	const struct services *services = &doctor->services;
	const char *service = services->names[without];
	char *line = line_of(&services->stacks[with]), *command = NULL;
	struct finding *finding;
	bool asks = false;

	doctor->no_memory |= !line;
	if (!line || !line[0] || !is_open(doctor, &services->stacks[without], &asks)) {
		free(line);
		return;
	}
	finding = doctor_find(
		doctor, "sibling", service,
		"the same program logs people in by both services; this one asks for no code",
		"%s: no auth line of pam_totp.so, but the service %s has one",
		services->stacks[without].own, services->names[with]);
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
		doctor_repair(finding, "if nobody needs that login, which asks for nothing at all, "
				       "make its auth lines this one: auth requisite pam_deny.so");
	free(command);
	free(line);
}

static bool is_wanted(const struct doctor *doctor, const char *service)
{
	return !doctor->ctl->service || strcmp(doctor->ctl->service, service) == 0;
}

void doctor_siblings(struct doctor *doctor)
{
	const struct services *services = &doctor->services;

	for (size_t p = 0; p < COUNT_OF(programs); p++) {
		size_t with = services->count;

		for (size_t i = 0; i < services->count; i++)
			if (is_of(programs[p], services->names[i]) &&
			    doctor_has_ours(&services->stacks[i]))
				with = i;
		for (size_t i = 0; with < services->count && i < services->count; i++)
			if (is_of(programs[p], services->names[i]) &&
			    is_wanted(doctor, services->names[i]) && services->stacks[i].own &&
			    !doctor_has_ours(&services->stacks[i]))
				tell(doctor, i, with);
	}
}
