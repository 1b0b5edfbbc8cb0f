/* totpctl doctor: the stack of one service. */
#include <glob.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "doctor/doctor.h"
#include "common/service.h"

/* One service's auth lines, as they are looked at. */
struct bed {
	struct doctor *doctor;
	const char *service;
	const struct stack *stack;
	enum line_role *roles;
	struct walk routes;
	struct patient patient;
};

/*
 * What is found in the whole stack: one command repairs all of it, or there is none that would
 * harm nobody.
 */
static void tell(const struct bed *bed, const char *id, const struct stack_line *line,
		 const char *why, const char *what)
{
	doctor_repair(
		doctor_find(bed->doctor, id, bed->service, why, AT_LINE "%s", PLACE_OF(line), what),
		"%s", bed->doctor->repair);
}

static const char by_hand[] =
	"no command is safe here: leave files that services share as they are, and write the "
	"service's own auth lines; see pam_totp(8), DISTRIBUTIONS WITHOUT COMMON-AUTH";

/* Variants of a service, as su-l is one of su, are repaired where the lines stand. */
static char *command_for(const struct bed *bed, const struct stack_line *ours)
{
	char *command = doctor_command(bed->doctor, bed->service, NULL);
	const char *slash = strrchr(ours->file, '/');

	if (!command && slash && doctor_is_variant(bed->service, slash + 1))
		command = doctor_command(bed->doctor, slash + 1, NULL);
	return command;
}

/* --- our lines --- */

/* Whose policy is read. */
struct reading {
	struct doctor *doctor;
	const char *service;
	const struct stack_line *line;
};

static void tell_policy(void *context, const struct reason *complaint)
{
	const struct reading *reading = context;
	bool of_line = strncmp(complaint->text, "PAM line", 8) == 0;
	struct finding *finding;

	if (of_line)
		finding = doctor_find(reading->doctor, "argument", reading->service,
				      "a mistake in a line refuses every login that comes to it",
				      AT_LINE "%s", PLACE_OF(reading->line), complaint->text);
	else
		finding = doctor_find(reading->doctor, "policy", reading->service,
				      "a policy with a mistake refuses every login, so none of it "
				      "counts",
				      "%s", complaint->text);
	if (of_line)
		doctor_edit(finding, reading->line, "mend the argument");
	else
		doctor_repair(finding, "mend the file, then: totpctl check");
}

enum totp_err doctor_line_policy(struct doctor *doctor, const char *service,
				 const struct stack_line *line, struct policy *ret_policy)
{
	struct reading reading = {doctor, service, line};

	return service_policy(line, doctor->ctl->tool.conf, tell_policy, &reading, ret_policy);
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
		doctor_edit(
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
		doctor_edit(
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
	struct policy policy;

	if (doctor_line_policy(bed->doctor, bed->service, line, &policy) != TOTP_OK)
		return;
	keep_policy(bed, index, &policy);
	if (policy.if_publickey && strcmp(bed->service, bed->doctor->sshd_service) != 0)
		doctor_edit(
			doctor_find(bed->doctor, "key-elsewhere", bed->service,
				    "only sshd says whether a key was shown; elsewhere the line "
				    "refuses",
				    AT_LINE "if_publickey in another service than sshd",
				    PLACE_OF(line)),
			line, "take the line out");
	if (policy.password == PASSWORD_COMBINED && !policy.if_publickey)
		look_at_combined(bed, index);
	if (policy.password == PASSWORD_USE_FIRST_PASS && !has_factor(bed, 0, index))
		doctor_edit(
			doctor_find(bed->doctor, "partner", bed->service,
				    "there is no answer that it could take, so everybody who is "
				    "asked is refused",
				    AT_LINE "password=use_first_pass, and no line above asks",
				    PLACE_OF(line)),
			line, "write password=none");
}

/* --- the module's file --- */

/* PAM looks where its own modules are; a build can have put ours into another folder. */
static bool is_beside_pams(const char *path)
{
	int folder = (int)(strrchr(path, '/') - path);
	char deny[512];

	return snprintf(deny, sizeof(deny), "%.*s/pam_deny.so", folder, path) < (int)sizeof(deny) &&
	       access(deny, F_OK) == 0;
}

static void tell_of_missing_module(const struct bed *bed, const struct stack_line *line,
				   const char *elsewhere)
{
	static const char why[] = "a module that cannot be loaded refuses every login";

	if (elsewhere)
		doctor_repair(doctor_find(bed->doctor, "module", bed->service, why,
					  AT_LINE "%s is not where PAM looks, but at %s",
					  PLACE_OF(line), line->path, elsewhere),
			      "install it beside pam_unix.so (meson: -Dmodule_dir=), or take "
			      "the line out");
	else
		doctor_repair(doctor_find(bed->doctor, "module", bed->service, why,
					  AT_LINE "%s is not installed", PLACE_OF(line),
					  line->path),
			      "install pam_totp, or take the line out");
}

static const char *const module_directories[] = {"/lib/security/",       "/lib/*/security/",
						 "/lib64/security/",     "/usr/lib/security/",
						 "/usr/lib/*/security/", "/usr/lib64/security/"};

/* The files that a line may mean; the caller's to globfree. */
static void find_modules(const char *path, glob_t *ret_found)
{
	bool is_path = path[0] == '/';
	char pattern[256];
	int flags = 0;

	*ret_found = (glob_t){0};
	for (size_t i = 0; i < sizeof(module_directories) / sizeof(module_directories[0]); i++) {
		snprintf(pattern, sizeof(pattern), "%s%s", is_path ? "" : module_directories[i],
			 path);
		if (glob(pattern, flags, NULL, ret_found) == 0)
			flags = GLOB_APPEND;
	}
}

static void look_at_module_file(const struct bed *bed, const struct stack_line *line)
{
	bool is_path = line->path[0] == '/', loads = false;
	glob_t found;

	find_modules(line->path, &found);
	for (size_t i = 0; i < found.gl_pathc; i++) {
		doctor_modes(bed->doctor, found.gl_pathv[i], 0, S_IWGRP | S_IWOTH, 0,
			     "whoever can write the module is every program that loads it");
		loads |= is_path || is_beside_pams(found.gl_pathv[i]);
	}
	if (!loads)
		tell_of_missing_module(bed, line, found.gl_pathc ? found.gl_pathv[0] : NULL);
	globfree(&found);
}

/* Other modules, where libpam fails the login if there is none; and where PAM's own are found. */
static void look_at_other_module(const struct bed *bed, const struct stack_line *line)
{
	int action = line->actions[PAM_MODULE_UNKNOWN];
	glob_t found, known;

	if (line->kind != STACK_MODULE || (action != STACK_BAD && action != STACK_DIE))
		return;
	find_modules(line->path, &found);
	find_modules("pam_deny.so", &known);
	if (found.gl_pathc == 0 && known.gl_pathc > 0)
		doctor_repair(doctor_find(bed->doctor, "missing-module", bed->service,
					  "a module that cannot be loaded refuses every login that "
					  "comes to the line",
					  AT_LINE "%s is not installed", PLACE_OF(line),
					  line->path),
			      "install the package that has it, or what belongs in its place");
	globfree(&found);
	globfree(&known);
}

/* --- lines that libpam reads otherwise than they are meant --- */

static bool has_carriage_return(const char *path)
{
	FILE *file = fopen(path, "re");
	char text[512];
	size_t len;
	bool has = false;

	while (file && !has && (len = fread(text, 1, sizeof(text), file)))
		has = memchr(text, '\r', len);
	if (file)
		fclose(file);
	return has;
}

static void tell_of_carriage_returns(const struct bed *bed, const char *path)
{
	struct finding *finding = doctor_find(
		bed->doctor, "crlf", bed->service,
		"libpam takes the carriage return for a part of the last word: it finds no module "
		"of that name, and refuses every login",
		"%s: its lines end in CR LF, as those of Windows do", path);

	if (bed->doctor->repair != by_hand)
		doctor_repair(finding, "%s", bed->doctor->repair);
	else
		doctor_repair(finding, "write the file again, with lines that end in LF alone");
}

/* True: something was told, and what else the stack has cannot be said before it is repaired. */
static bool look_at_spelling(struct bed *bed)
{
	const struct stack *stack = bed->stack;
	char *command = doctor_command(bed->doctor, bed->service, NULL);
	const char *told = "";
	bool any = false;

	bed->doctor->repair = command ? command : by_hand;
	for (size_t i = 0; i < stack->count; i++) {
		const struct stack_line *line = &stack->lines[i];

		if (strcmp(line->file, told) != 0 && has_carriage_return(line->file)) {
			told = line->file;
			tell_of_carriage_returns(bed, told);
			any = true;
		} else if (walk_is_misspelt(line) && !strchr(line->module, '\r')) {
			tell(bed, "misspelt", line,
			     "libpam finds no module of that name, and refuses every login that "
			     "comes to the line",
			     "pam_totp.so is meant, and another name is written");
			any = true;
		}
	}
	bed->doctor->repair = NULL;
	free(command);
	return any;
}

static bool may_be_misread(const struct stack *stack)
{
	for (size_t i = 0; i < stack->count; i++)
		if (walk_is_misspelt(&stack->lines[i]) || has_carriage_return(stack->lines[i].file))
			return true;
	return false;
}

/* --- the ways through --- */

static void tell_skips(const struct bed *bed, const struct stack_line *line, enum line_role role)
{
	static const char why[] =
		"whom this line lets go on gets in without a code, and nothing is logged";
	char what[120];

	snprintf(what, sizeof(what), "by this line of %.60s a login goes past pam_totp.so",
		 line->module[0] ? line->module : "an include");
	if (bed->doctor->repair != by_hand || role != ROLE_PLAIN) {
		tell(bed, "skipped", line, why, what);
		return;
	}
	doctor_repair(doctor_find(bed->doctor, "skipped", bed->service, why, AT_LINE "%s",
				  PLACE_OF(line), what),
		      "let it not go past pam_totp.so; whom not to ask is said, and logged, by "
		      "exempt and trusted_networks in the policy");
}

static void tell_order(const struct bed *bed, const struct stack_line *line, unsigned marks)
{
	static const struct {
		unsigned mark;
		const char *id, *why, *what;
	} orders[] = {
		{MARK_OVERRULED, "overruled", "a wrong code, or none, lets people in",
		 "the login goes on when pam_totp.so has refused"},
		{MARK_EARLY, "early",
		 "strangers are asked for codes: they learn who is enrolled, and their guesses use "
		 "up the tries of the owner",
		 "pam_totp.so stands before the first factor"},
		{MARK_UNPROVEN, "unproven",
		 "strangers are asked for codes: they learn who is enrolled, and their guesses use "
		 "up the tries of the owner",
		 "a code is asked for after a wrong password, too"},
		{MARK_ALONE, "alone", "the code is then the only factor",
		 "a login succeeds by pam_totp.so when no first factor has said yes"},
		{MARK_TWICE, "twice",
		 "each code is good once, so people have to wait for another one at each login",
		 "a line above has asked for a code, and this one asks again"},
	};

	for (size_t i = 0; i < sizeof(orders) / sizeof(orders[0]); i++)
		if (marks & orders[i].mark)
			tell(bed, orders[i].id, line, orders[i].why, orders[i].what);
}

static void tell_whole(const struct bed *bed)
{
	const struct stack_line *ours = &bed->stack->lines[bed->patient.line];

	if (bed->routes.too_many)
		tell(bed, "too-many", ours, "nothing can be said of who gets past pam_totp.so",
		     "more ways through the stack than can be looked at");
	else if (!bed->routes.open)
		doctor_edit(doctor_find(bed->doctor, "closed", bed->service, "nobody can log in",
					AT_LINE "no login by this stack succeeds", PLACE_OF(ours)),
			    ours, "look at the lines around it");
	else if (bed->routes.stuck)
		tell(bed, "permit", ours,
		     "whom the policy does not ask, exempt or not enrolled, is refused: nothing "
		     "else says yes",
		     "no line beside pam_totp.so says yes, such as pam_permit.so");
	if (!bed->routes.too_many && bed->patient.key_needed &&
	    strcmp(bed->service, bed->doctor->sshd_service) != 0)
		tell(bed, "no-factor", ours,
		     "the code is the only factor, and strangers are asked for it",
		     "no line of the stack is a first factor");
}

/* Is there something for a command to repair? Whom a condition lets past was meant to pass. */
static bool is_repairable(const struct bed *bed)
{
	bool any = bed->routes.stuck;

	if (bed->routes.too_many || !bed->routes.open)
		return false;
	for (size_t i = 0; i < bed->stack->count; i++) {
		if (bed->routes.marks[i] & MARK_SKIPS && bed->roles[i] == ROLE_PLAIN)
			return false;
		any |= bed->routes.marks[i] != 0;
	}
	return any;
}

static void look_at_ways(struct bed *bed)
{
	char *command = NULL;

	if (walk_stack(bed->stack, bed->roles, &bed->routes) != TOTP_OK) {
		bed->doctor->no_memory = true;
		return;
	}
	bed->patient.key_needed = !bed->routes.factor && !bed->routes.unknown;
	if (is_repairable(bed))
		command = command_for(bed, &bed->stack->lines[bed->patient.line]);
	bed->doctor->repair = command ? command : by_hand;
	tell_whole(bed);
	for (size_t i = 0; i < bed->stack->count && !bed->routes.too_many; i++) {
		if (bed->routes.marks[i] & MARK_SKIPS)
			tell_skips(bed, &bed->stack->lines[i], bed->roles[i]);
		tell_order(bed, &bed->stack->lines[i], bed->routes.marks[i]);
	}
	bed->doctor->repair = NULL;
	free(command);
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
			doctor_edit(doctor_find(bed->doctor, "line", bed->service,
						"libpam refuses whoever comes to it",
						AT_LINE
						"a line in error, or an include that is not "
						"there",
						PLACE_OF(line)),
				    line, "mend it");
	}
}

void doctor_stack(struct doctor *doctor, const char *service, const struct stack *stack)
{
	struct bed bed = {.doctor = doctor, .service = service, .stack = stack};

	if (may_be_misread(stack) && look_at_spelling(&bed))
		return;
	if (stack->refused)
		doctor_repair(doctor_find(doctor, "unreadable", service,
					  "libpam refuses every login of the service",
					  "/etc/pam.d/%s: libpam cannot read it", service),
			      "look for an include that is not there, and a last line that is too "
			      "long or "
			      "ends in a backslash");
	bed.roles = calloc(stack->count + 1, sizeof(*bed.roles));
	doctor->no_memory |= !bed.roles;
	if (!bed.roles)
		return;
	look_at_files(&bed);
	for (size_t i = 0; i < stack->count; i++)
		bed.roles[i] = walk_role(&stack->lines[i]);
	for (size_t i = 0; i < stack->count; i++) {
		if (!service_is_ours(&stack->lines[i])) {
			look_at_other_module(&bed, &stack->lines[i]);
			continue;
		}
		look_at_our_line(&bed, i);
		look_at_module_file(&bed, &stack->lines[i]);
	}
	look_at_ways(&bed);
	if (bed.patient.has_code && bed.patient.policy.enroll_in_account)
		doctor_account(doctor, service, &stack->lines[bed.patient.line],
			       &bed.patient.policy);
	if (bed.patient.has_code)
		doctor_keep(doctor, service, &bed.patient);
	walk_end(&bed.routes);
	free(bed.roles);
}
