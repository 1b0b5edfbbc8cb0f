/* totpctl doctor: the PAM stacks. */
#include <dirent.h>
#include <glob.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "doctor.h"
#include "service.h"

static const char *const folders[] = {"/etc/pam.d", "/usr/lib/pam.d"};

#define FOLDERS (sizeof(folders) / sizeof(folders[0]))

/* One service's auth lines, as they are looked at. */
struct bed {
	struct doctor *doctor;
	const char *service;
	const struct stack *stack;
	enum line_role *roles;
	struct routes routes;
	struct patient patient;
	const struct stack_line *line; /* whose policy is read */
};

#define AT_LINE        "%s:%u: "
#define PLACE_OF(line) (line)->file, (line)->number

static void open_editor(struct finding *finding, const struct stack_line *line, const char *what)
{
	doctor_repair(finding, "%s: ${EDITOR:-vi} +%u %s", what, line->number, line->file);
}

/* --- our lines --- */

static void tell_policy(void *context, const struct reason *complaint)
{
	const struct bed *bed = context;
	bool of_line = strncmp(complaint->text, "PAM line", 8) == 0;
	struct finding *finding;

	if (of_line)
		finding = doctor_find(bed->doctor, "argument", bed->service,
				      "a mistake in a line refuses every login that comes to it",
				      AT_LINE "%s", PLACE_OF(bed->line), complaint->text);
	else
		finding = doctor_find(bed->doctor, "policy", bed->service,
				      "a policy with a mistake refuses every login, so none of it "
				      "counts",
				      "%s", complaint->text);
	if (of_line)
		open_editor(finding, bed->line, "mend the argument");
	else
		doctor_repair(finding, "mend the file, then: totpctl check");
}

static void keep_policy(struct bed *bed, size_t index, const struct policy *policy)
{
	if (policy->if_publickey)
		return;
	if (policy->password == PASSWORD_COMBINED)
		bed->roles[index] = ROLE_COMBINED;
	bed->patient.own_prompt |= policy->password != PASSWORD_COMBINED &&
				   policy->password != PASSWORD_USE_FIRST_PASS;
	if (bed->patient.has_code)
		return;
	bed->patient.policy = *policy;
	bed->patient.has_code = true;
	bed->patient.line = index;
}

static bool reads_first_pass(const struct stack_line *line)
{
	for (int i = 0; i < line->argc; i++)
		if (strcmp(line->argv[i], "use_first_pass") == 0 ||
		    strcmp(line->argv[i], "try_first_pass") == 0)
			return true;
	return false;
}

static bool has_factor(const struct bed *bed, size_t from, size_t to)
{
	for (size_t i = from; i < to; i++)
		if (bed->roles[i] == ROLE_FACTOR || bed->roles[i] == ROLE_OTHER)
			return true;
	return false;
}

/* One answer is split by our line, so a first factor behind it must take what is left. */
static void look_at_combined(const struct bed *bed, size_t index)
{
	const struct stack_line *ours = &bed->stack->lines[index];

	if (has_factor(bed, 0, index))
		open_editor(
			doctor_find(bed->doctor, "combined-late", bed->service,
				    "the password is checked with the code still behind it, and "
				    "is refused",
				    AT_LINE "password=combined stands after the first factor",
				    PLACE_OF(ours)),
			ours, "move the line above the first factor");
	for (size_t i = index + 1; i < bed->stack->count; i++) {
		const struct stack_line *line = &bed->stack->lines[i];

		if (bed->roles[i] != ROLE_FACTOR || reads_first_pass(line))
			continue;
		open_editor(
			doctor_find(bed->doctor, "partner", bed->service,
				    "the password of the combined answer is thrown away, and the "
				    "program that has one answer cannot give another",
				    AT_LINE "%s without use_first_pass, behind password=combined",
				    PLACE_OF(line), line->module),
			line, "add use_first_pass");
	}
}

static void look_at_our_line(struct bed *bed, size_t index)
{
	const struct stack_line *line = &bed->stack->lines[index];
	const char *conf = bed->doctor->ctl->tool.conf;
	struct policy policy;

	bed->line = line;
	if (service_policy(line, conf, tell_policy, bed, &policy) != TOTP_OK)
		return;
	keep_policy(bed, index, &policy);
	if (policy.if_publickey && strcmp(bed->service, "sshd") != 0)
		open_editor(
			doctor_find(bed->doctor, "key-elsewhere", bed->service,
				    "only sshd says whether a key was shown; elsewhere the line "
				    "refuses",
				    AT_LINE "if_publickey in another service than sshd",
				    PLACE_OF(line)),
			line, "take the line out");
	if (policy.password == PASSWORD_COMBINED && !policy.if_publickey)
		look_at_combined(bed, index);
	if (policy.password == PASSWORD_USE_FIRST_PASS && !has_factor(bed, 0, index))
		open_editor(
			doctor_find(bed->doctor, "partner", bed->service,
				    "there is no answer that it could take, so everybody who is "
				    "asked is refused",
				    AT_LINE "password=use_first_pass, and no line above asks",
				    PLACE_OF(line)),
			line, "write password=none");
}

/* --- the module's file --- */

static void look_at_module_file(const struct bed *bed, const struct stack_line *line)
{
	static const char *const patterns[] = {"/lib/security/",       "/lib/*/security/",
					       "/lib64/security/",     "/usr/lib/security/",
					       "/usr/lib/*/security/", "/usr/lib64/security/"};
	glob_t found = {0};
	char pattern[256];
	int flags = 0;

	for (size_t i = 0; i < sizeof(patterns) / sizeof(patterns[0]); i++) {
		snprintf(pattern, sizeof(pattern), "%s%s", line->path[0] == '/' ? "" : patterns[i],
			 line->path);
		if (glob(pattern, flags, NULL, &found) == 0)
			flags = GLOB_APPEND;
	}
	for (size_t i = 0; i < found.gl_pathc; i++)
		doctor_modes(bed->doctor, found.gl_pathv[i], 0, S_IWGRP | S_IWOTH, 0,
			     "whoever can write the module is every program that loads it");
	if (found.gl_pathc == 0)
		doctor_repair(doctor_find(bed->doctor, "module", bed->service,
					  "a module that cannot be loaded refuses every login",
					  AT_LINE "%s is not installed", PLACE_OF(line),
					  line->path),
			      "install pam_totp, or take the line out");
	globfree(&found);
}

/* --- the ways through --- */

static bool is_sufficient(const struct stack_line *line)
{
	return line->actions[PAM_SUCCESS] == STACK_DONE &&
	       line->actions[PAM_NEW_AUTHTOK_REQD] == STACK_DONE &&
	       line->actions[PAM_AUTH_ERR] == STACK_IGNORE;
}

static void tell_skips(const struct bed *bed, const struct stack_line *line, enum line_role role)
{
	struct finding *finding = doctor_find(
		bed->doctor, "skipped", bed->service,
		"whom this line lets go on gets in without a code, and nothing is logged",
		AT_LINE "by this line of %s a login goes past pam_totp.so", PLACE_OF(line),
		line->module[0] ? line->module : "an include");

	if (role == ROLE_FACTOR && is_sufficient(line))
		doctor_repair(finding, "sed -i '%us/sufficient/requisite/' %s", line->number,
			      line->file);
	else if (role == ROLE_PLAIN)
		open_editor(
			finding, line,
			"let it not go past pam_totp.so; whom not to ask is said, and logged, by "
			"exempt and trusted_networks in the policy");
	else
		open_editor(finding, line,
			    "write requisite, or a jump that ends before pam_totp.so");
}

static void tell_order(const struct bed *bed, const struct stack_line *line, unsigned marks)
{
	if (marks & MARK_OVERRULED)
		open_editor(doctor_find(bed->doctor, "overruled", bed->service,
					"a wrong code, or none, lets people in",
					AT_LINE "the login goes on when pam_totp.so has refused",
					PLACE_OF(line)),
			    line, "write required for its control");
	if (marks & MARK_EARLY)
		open_editor(
			doctor_find(
				bed->doctor, "early", bed->service,
				"strangers are asked for codes: they learn who is enrolled, and "
				"their guesses use up the tries of the owner",
				AT_LINE "pam_totp.so stands before the first factor",
				PLACE_OF(line)),
			line, "move it below the first factor");
	if (marks & MARK_UNPROVEN)
		open_editor(
			doctor_find(
				bed->doctor, "unproven", bed->service,
				"strangers are asked for codes: they learn who is enrolled, and "
				"their guesses use up the tries of the owner",
				AT_LINE "a code is asked for after a wrong password, too",
				PLACE_OF(line)),
			line, "write requisite for the first factor, above this line");
	if (marks & MARK_ALONE)
		open_editor(doctor_find(bed->doctor, "alone", bed->service,
					"the code is then the only factor",
					AT_LINE
					"a login succeeds by pam_totp.so when no first factor "
					"has said yes",
					PLACE_OF(line)),
			    line, "write requisite for the first factor, above this line");
}

static void tell_whole(const struct bed *bed)
{
	const struct stack_line *ours = &bed->stack->lines[bed->patient.line];

	if (bed->routes.too_many) {
		open_editor(doctor_find(bed->doctor, "too-many", bed->service,
					"nothing can be said of who gets past pam_totp.so",
					AT_LINE "more ways through the stack than can be looked at",
					PLACE_OF(ours)),
			    ours, "make the stack simpler");
		return;
	}
	if (!bed->routes.open)
		open_editor(doctor_find(bed->doctor, "closed", bed->service, "nobody can log in",
					AT_LINE "no login by this stack succeeds", PLACE_OF(ours)),
			    ours, "look at the lines around it");
	else if (bed->routes.stuck)
		doctor_repair(
			doctor_find(bed->doctor, "permit", bed->service,
				    "whom the policy does not ask, exempt or not enrolled, is "
				    "refused: nothing else says yes",
				    AT_LINE "pam_totp.so stands alone, without pam_permit.so",
				    PLACE_OF(ours)),
			"echo 'auth required pam_permit.so' >>/etc/pam.d/%s", bed->service);
	if (bed->patient.key_needed && strcmp(bed->service, "sshd") != 0)
		open_editor(
			doctor_find(bed->doctor, "no-factor", bed->service,
				    "the code is the only factor, and strangers are asked for it",
				    AT_LINE "no line of the stack is a first factor",
				    PLACE_OF(ours)),
			ours, "write above it: auth requisite pam_unix.so");
}

static void look_at_ways(struct bed *bed)
{
	if (routes_walk(bed->stack, bed->roles, &bed->routes) != TOTP_OK) {
		bed->doctor->no_memory = true;
		return;
	}
	bed->patient.key_needed = !bed->routes.factor && !bed->routes.unknown;
	tell_whole(bed);
	for (size_t i = 0; i < bed->stack->count && !bed->routes.too_many; i++) {
		if (bed->routes.marks[i] & MARK_SKIPS)
			tell_skips(bed, &bed->stack->lines[i], bed->roles[i]);
		tell_order(bed, &bed->stack->lines[i], bed->routes.marks[i]);
	}
}

/* --- one service --- */

static void look_at_files(const struct bed *bed)
{
	for (size_t i = 0; i < bed->stack->count; i++) {
		const struct stack_line *line = &bed->stack->lines[i];

		if (i == 0 || strcmp(line->file, line[-1].file) != 0)
			doctor_modes(bed->doctor, line->file, 0, S_IWGRP | S_IWOTH, 0,
				     "whoever can write it takes the code out of the logins");
		if (line->kind == STACK_MUST_FAIL)
			open_editor(doctor_find(bed->doctor, "line", bed->service,
						"libpam refuses whoever comes to it",
						AT_LINE
						"a line in error, or an include that is not "
						"there",
						PLACE_OF(line)),
				    line, "mend it");
	}
}

/* Only auth is ours to answer. */
static void look_at_other_types(struct doctor *doctor, const char *service)
{
	static const char *const types[] = {"account", "password", "session"};

	for (size_t t = 0; t < sizeof(types) / sizeof(types[0]); t++) {
		OWN_STACK struct stack stack = {0};

		if (stack_read(NULL, service, types[t], &stack) != TOTP_OK)
			continue;
		for (size_t i = 0; i < stack.count; i++)
			if (service_is_ours(&stack.lines[i]))
				open_editor(
					doctor_find(doctor, "type", service,
						    "the module has an auth part alone, and the "
						    "line fails",
						    AT_LINE "pam_totp.so in a line of type %s",
						    PLACE_OF(&stack.lines[i]), types[t]),
					&stack.lines[i], "take the line out");
	}
}

static void keep_patient(struct bed *bed)
{
	struct doctor *doctor = bed->doctor;

	if (!bed->patient.has_code || !doctor_grow(doctor, &doctor->patients, doctor->patient_count,
						   &doctor->patient_room, sizeof(bed->patient)))
		return;
	bed->patient.name = strdup(bed->service);
	doctor->no_memory |= !bed->patient.name;
	if (bed->patient.name)
		doctor->patients[doctor->patient_count++] = bed->patient;
}

static void look_at(struct doctor *doctor, const char *service, const struct stack *stack)
{
	struct bed bed = {.doctor = doctor, .service = service, .stack = stack};

	if (stack->refused)
		doctor_repair(doctor_find(doctor, "unreadable", service,
					  "libpam refuses every login of the service",
					  "/etc/pam.d/%s: libpam cannot read it", service),
			      "look for a line that is too long, or ends in a backslash");
	bed.roles = calloc(stack->count + 1, sizeof(*bed.roles));
	doctor->no_memory |= !bed.roles;
	if (!bed.roles)
		return;
	look_at_files(&bed);
	for (size_t i = 0; i < stack->count; i++)
		bed.roles[i] = routes_role(&stack->lines[i]);
	for (size_t i = 0; i < stack->count; i++) {
		if (!service_is_ours(&stack->lines[i]))
			continue;
		look_at_our_line(&bed, i);
		look_at_module_file(&bed, &stack->lines[i]);
	}
	look_at_ways(&bed);
	keep_patient(&bed);
	routes_end(&bed.routes);
	free(bed.roles);
}

static bool has_ours(const struct stack *stack)
{
	for (size_t i = 0; i < stack->count; i++)
		if (service_is_ours(&stack->lines[i]))
			return true;
	return false;
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

static void add_name(struct doctor *doctor, struct ward *ward, const char *name)
{
	if (name[0] == '.' || is_known(ward, name) ||
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

static bool includes(const struct stack *stack, const char *name)
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
		    !ward->stacks[i].missing && includes(&ward->stacks[i], name) &&
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
		look_at(doctor, ward.names[i], &ward.stacks[i]);
	}
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

static void look_at_one(struct doctor *doctor, const char *service)
{
	OWN_STACK struct stack stack = {0};

	look_at_other_types(doctor, service);
	if (stack_read(NULL, service, "auth", &stack) == TOTP_OK && has_ours(&stack))
		look_at(doctor, service, &stack);
	else
		doctor_repair(doctor_find(doctor, "unused", service, "it asks nobody for a code",
					  "/etc/pam.d/%s has no auth line of pam_totp.so", service),
			      "see pam_totp(8) for the lines of sshd, su and sudo");
}

void doctor_stacks(struct doctor *doctor)
{
	if (doctor->ctl->service)
		look_at_one(doctor, doctor->ctl->service);
	else
		look_at_all(doctor);
}
