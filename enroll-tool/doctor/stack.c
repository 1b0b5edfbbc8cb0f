/* totpctl doctor: the auth lines of one service. */
#include <glob.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "doctor/finding.h"
#include "common/service.h"

/* One service's auth lines while they are checked. */
struct stack_check {
	struct doctor *doctor;
	const char *service;
	const struct stack *stack;
	enum line_role *roles;
	struct walk walk;
	struct code_service code_service;
};

/* Report what is wrong with the stack as a whole: one command repairs all of it, or none does. */
static struct finding *report_at(const struct stack_check *check, const char *id,
				 const struct stack_line *line, const char *why, const char *what)
{
	struct finding *finding = doctor_report(
		check->doctor,
		&(struct report){.id = id, .service = check->service, .line = line, .why = why},
		"%s", what);

	doctor_repair(finding, "%s", check->doctor->repair);
	return finding;
}

static const char by_hand[] =
	"no command is safe here: leave files that services share as they are, and write the "
	"service's own auth lines; see pam_totp(8), DISTRIBUTIONS WITHOUT COMMON-AUTH";

/* --- our lines --- */

static void keep_policy(struct stack_check *check, size_t index, const struct policy *policy)
{
	if (policy->if_publickey)
		return;
	if (policy->password == PASSWORD_COMBINED)
		check->roles[index] = ROLE_COMBINED;
	check->code_service.own_prompt |= policy->password != PASSWORD_COMBINED &&
					  policy->password != PASSWORD_USE_FIRST_PASS;
	if (check->code_service.has_code)
		return;
	check->code_service.policy = *policy;
	check->code_service.has_code = true;
	check->code_service.line = index;
}

static bool has_factor(const struct stack_check *check, size_t from, size_t to)
{
	for (size_t i = from; i < to; i++)
		if (walk_may_be_factor(check->roles[i]))
			return true;
	return false;
}

/* Our line splits one answer, so a first factor below must use the rest of it. */
static void look_at_combined(const struct stack_check *check, size_t index)
{
	const struct stack_line *ours = &check->stack->lines[index];

	if (has_factor(check, 0, index))
		doctor_report(check->doctor,
			      &(struct report){.id = "combined-late",
					       .service = check->service,
					       .line = ours,
					       .why = "the password is checked with the code still "
						      "attached, and is denied",
					       .repair = "move the line above the first factor"},
			      "password=combined stands after the first factor");
	for (size_t i = index + 1; i < check->stack->count; i++) {
		const struct stack_line *line = &check->stack->lines[i];
		bool reads = false;

		for (int k = 0; k < line->argc; k++)
			reads |= strcmp(line->argv[k], "use_first_pass") == 0 ||
				 strcmp(line->argv[k], "try_first_pass") == 0;
		if (check->roles[i] != ROLE_FACTOR || reads)
			continue;
		doctor_report(check->doctor,
			      &(struct report){
				      .id = "partner",
				      .service = check->service,
				      .line = line,
				      .why = "the password of the combined answer is dropped, and "
					     "a program that asks once cannot ask for another one",
				      .repair = "add use_first_pass"},
			      "%s without use_first_pass, below password=combined", line->module);
	}
}

static void look_at_our_line(struct stack_check *check, size_t index)
{
	const struct stack_line *line = &check->stack->lines[index];
	struct policy policy;

	if (doctor_line_policy(check->doctor, check->service, line, &policy) != TOTP_OK)
		return;
	keep_policy(check, index, &policy);
	if (policy.if_publickey && !doctor_is_sshds(check->doctor, check->service))
		doctor_report(check->doctor,
			      &(struct report){.id = "key-elsewhere",
					       .service = check->service,
					       .line = line,
					       .why = "only sshd reports that a key was used; in "
						      "any other program the line denies the login",
					       .repair = "remove the line, unless a second sshd "
							 "uses the service by PAMServiceName"},
			      "if_publickey in a service that sshd does not use");
	if (policy.password == PASSWORD_COMBINED && !policy.if_publickey)
		look_at_combined(check, index);
	if (policy.password == PASSWORD_USE_FIRST_PASS && !has_factor(check, 0, index))
		doctor_report(check->doctor,
			      &(struct report){.id = "partner",
					       .service = check->service,
					       .line = line,
					       .why = "there is no answer that it could use, so "
						      "all users who must give a code are denied",
					       .repair = "write password=none"},
			      "password=use_first_pass, but no line above asks a question");
}

/* --- the module's file --- */

static void report_missing_module(const struct stack_check *check, const struct stack_line *line,
				  const char *elsewhere)
{
	const struct report report = {.id = "module",
				      .service = check->service,
				      .line = line,
				      .why = "a module that cannot be loaded denies every login"};

	if (elsewhere)
		doctor_repair(
			doctor_report(check->doctor, &report,
				      "%s is not where PAM looks, but at %s", line->path,
				      elsewhere),
			"install it beside pam_unix.so (meson: -Dmodule_dir=), or remove the line");
	else
		doctor_repair(
			doctor_report(check->doctor, &report, "%s is not installed", line->path),
			"install pam_totp, or remove the line");
}

static const char *const module_directories[] = {"/lib/security/",       "/lib/*/security/",
						 "/lib64/security/",     "/usr/lib/security/",
						 "/usr/lib/*/security/", "/usr/lib64/security/"};

/* The files that a line may mean. The caller calls globfree. */
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

static void look_at_module_file(const struct stack_check *check, const struct stack_line *line)
{
	bool is_path = line->path[0] == '/', loads = false;
	char deny[512];
	glob_t found;

	find_modules(line->path, &found);
	for (size_t i = 0; i < found.gl_pathc; i++) {
		doctor_modes(check->doctor, found.gl_pathv[i],
			     &(struct permissions){.forbidden = MODE_WRITE,
						   .why = "users who can write the module control "
							  "every program that loads it"});
		/* PAM looks in its modules' directory; a build may have installed ours elsewhere */
		loads |= is_path ||
			 (snprintf(deny, sizeof(deny), "%.*s/pam_deny.so",
				   (int)(strrchr(found.gl_pathv[i], '/') - found.gl_pathv[i]),
				   found.gl_pathv[i]) < (int)sizeof(deny) &&
			  access(deny, F_OK) == 0);
	}
	if (!loads)
		report_missing_module(check, line, found.gl_pathc ? found.gl_pathv[0] : NULL);
	globfree(&found);
}

/* Another module that is missing, if libpam then denies the login; and if PAM's own are found. */
static void look_at_other_module(const struct stack_check *check, const struct stack_line *line)
{
	int action = line->actions[PAM_MODULE_UNKNOWN];
	glob_t found, known;

	if (line->kind != STACK_MODULE || (action != STACK_BAD && action != STACK_DIE))
		return;
	find_modules(line->path, &found);
	find_modules("pam_deny.so", &known);
	if (found.gl_pathc == 0 && known.gl_pathc > 0)
		doctor_repair(doctor_report(check->doctor,
					    &(struct report){
						    .id = "missing-module",
						    .service = check->service,
						    .line = line,
						    .why = "a module that cannot be loaded denies "
							   "every login that reaches the line"},
					    "%s is not installed", line->path),
			      "install the package that has the module, or correct the line");
	globfree(&found);
	globfree(&known);
}

/* --- lines that libpam does not read as they are meant --- */

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

static void report_carriage_returns(const struct stack_check *check, const char *path)
{
	struct finding *finding = doctor_report(
		check->doctor,
		&(struct report){
			.id = "crlf",
			.service = check->service,
			.why = "libpam reads the carriage return as part of the last word: it "
			       "finds no module of that name, and denies every login"},
		"%s: its lines end in CR LF, as on Windows", path);

	doctor_repair(finding, "%s",
		      check->doctor->repair != by_hand
			      ? check->doctor->repair
			      : "write the file again with lines that end in LF");
}

/* True: there is a finding, and until it is repaired nothing else of the stack can be judged. */
static bool look_at_spelling(struct stack_check *check)
{
	const struct stack *stack = check->stack;
	char *command = doctor_command(check->doctor, check->service, NULL);
	const char *seen = "";
	bool any = false;

	check->doctor->repair = command ? command : by_hand;
	for (size_t i = 0; i < stack->count; i++) {
		const struct stack_line *line = &stack->lines[i];

		if (strcmp(line->file, seen) != 0 && has_carriage_return(line->file)) {
			seen = line->file;
			report_carriage_returns(check, seen);
			any = true;
		} else if (walk_is_misspelt(line) && !strchr(line->module, '\r')) {
			report_at(check, "misspelt", line,
				  "libpam finds no module of that name, and denies every login "
				  "that reaches the line",
				  "the name of pam_totp.so is misspelled");
			any = true;
		}
	}
	check->doctor->repair = NULL;
	free(command);
	return any;
}

/* --- the ways through --- */

static void report_skips(const struct stack_check *check, const struct stack_line *line,
			 enum line_role role)
{
	struct finding *finding;
	char what[120];

	snprintf(what, sizeof(what), "this line of %.60s lets a login skip pam_totp.so",
		 line->module[0] ? line->module : "an include");
	finding = report_at(
		check, "skipped", line,
		"a user whom this line accepts logs in without a code, and nothing is logged",
		what);
	if (check->doctor->repair == by_hand && role == ROLE_PLAIN)
		doctor_repair(
			finding,
			"change the line so that it does not skip pam_totp.so; name users who need "
			"no code in exempt or trusted_networks of the policy, which is logged");
}

static void report_order(const struct stack_check *check, const struct stack_line *line,
			 unsigned marks)
{
	static const struct {
		unsigned mark;
		const char *id, *why, *what;
	} orders[] = {
		{MARK_OVERRULED, "overruled", "users can log in with a wrong code, or with none",
		 "the login goes on after pam_totp.so has denied it"},
		{MARK_EARLY, "early",
		 "strangers are asked for codes: they learn which users are enrolled, and their "
		 "guesses use up the attempts of the user",
		 "pam_totp.so stands before the first factor"},
		{MARK_UNPROVEN, "unproven",
		 "strangers are asked for codes: they learn which users are enrolled, and their "
		 "guesses use up the attempts of the user",
		 "it asks for a code after a wrong password, too"},
		{MARK_ALONE, "alone", "the code is then the only factor",
		 "a login succeeds by pam_totp.so alone, although no first factor has succeeded"},
		{MARK_TWICE, "twice",
		 "each code is accepted once, so users have to wait for a second code at each "
		 "login",
		 "a line above has asked for a code, and this one asks again"},
	};

	for (size_t i = 0; i < sizeof(orders) / sizeof(orders[0]); i++)
		if (marks & orders[i].mark)
			report_at(check, orders[i].id, line, orders[i].why, orders[i].what);
}

static void report_whole(const struct stack_check *check)
{
	const struct stack_line *ours = &check->stack->lines[check->code_service.line];

	if (check->walk.too_many)
		report_at(check, "too-many", ours,
			  "some logins may skip pam_totp.so without being found",
			  "more ways through the stack than can be checked");
	else if (!check->walk.open)
		doctor_report(check->doctor,
			      &(struct report){.id = "closed",
					       .service = check->service,
					       .line = ours,
					       .why = "nobody can log in",
					       .repair = "check the lines above and below"},
			      "no login by this stack can succeed");
	else if (check->walk.stuck)
		report_at(check, "permit", ours,
			  "users who need no code, since they are exempt or not enrolled, are "
			  "denied: no other line succeeds",
			  "no line beside pam_totp.so succeeds, such as pam_permit.so");
	if (!check->walk.too_many && check->code_service.key_needed &&
	    strcmp(check->service, check->doctor->sshd_service) != 0)
		report_at(check, "no-factor", ours,
			  "the code is the only factor, and strangers are asked for it",
			  "no line of the stack is a first factor");
}

/* Is there something for a command to repair? A condition that skips our line may be meant. */
static bool is_repairable(const struct stack_check *check)
{
	bool any = check->walk.stuck;

	if (check->walk.too_many || !check->walk.open)
		return false;
	for (size_t i = 0; i < check->stack->count; i++) {
		if (check->walk.marks[i] & MARK_SKIPS && check->roles[i] == ROLE_PLAIN)
			return false;
		any |= check->walk.marks[i] != 0;
	}
	return any;
}

static void report_ways(struct stack_check *check)
{
	char *command = NULL;

	if (walk_stack(check->stack, check->roles, &check->walk) != TOTP_OK) {
		check->doctor->no_memory = true;
		return;
	}
	check->code_service.key_needed = !check->walk.factor && !check->walk.unknown;
	if (is_repairable(check)) {
		/* a variant of a service, as su-l is of su, is repaired in the file of the lines */
		const char *file = check->stack->lines[check->code_service.line].file;
		const char *slash = strrchr(file, '/');

		command = doctor_command(check->doctor, check->service, NULL);
		if (!command && slash && doctor_is_variant(check->service, slash + 1))
			command = doctor_command(check->doctor, slash + 1, NULL);
	}
	check->doctor->repair = command ? command : by_hand;
	report_whole(check);
	for (size_t i = 0; i < check->stack->count && !check->walk.too_many; i++) {
		if (check->walk.marks[i] & MARK_SKIPS)
			report_skips(check, &check->stack->lines[i], check->roles[i]);
		report_order(check, &check->stack->lines[i], check->walk.marks[i]);
	}
	check->doctor->repair = NULL;
	free(command);
}

/* --- one service --- */

static void check_files(const struct stack_check *check)
{
	for (size_t i = 0; i < check->stack->count; i++) {
		const struct stack_line *line = &check->stack->lines[i];

		if (i == 0 || strcmp(line->file, line[-1].file) != 0)
			doctor_modes(check->doctor, line->file,
				     &(struct permissions){.forbidden = MODE_WRITE,
							   .why = "users who can write it can "
								  "remove the code from logins"});
		if (line->kind == STACK_MUST_FAIL)
			doctor_report(
				check->doctor,
				&(struct report){.id = "line",
						 .service = check->service,
						 .line = line,
						 .why = "libpam denies every login that reaches it",
						 .repair = "correct the line"},
				"an invalid line, or an include of a missing file");
	}
}

void doctor_stack(struct doctor *doctor, const char *service, const struct stack *stack)
{
	struct stack_check check = {.doctor = doctor, .service = service, .stack = stack};
	bool misread = false;

	for (size_t i = 0; i < stack->count && !misread; i++)
		misread = walk_is_misspelt(&stack->lines[i]) ||
			  has_carriage_return(stack->lines[i].file);
	if (misread && look_at_spelling(&check))
		return;
	if (stack->refused)
		doctor_report(
			doctor,
			&(struct report){
				.id = "unreadable",
				.service = service,
				.why = "libpam denies every login of the service",
				.repair = "look for an include of a missing file, and for a last "
					  "line that is too long or ends in a backslash"},
			"/etc/pam.d/%s: libpam cannot read it", service);
	check.roles = calloc(stack->count + 1, sizeof(*check.roles));
	doctor->no_memory |= !check.roles;
	if (!check.roles)
		return;
	check_files(&check);
	for (size_t i = 0; i < stack->count; i++)
		check.roles[i] = walk_role(&stack->lines[i]);
	for (size_t i = 0; i < stack->count; i++) {
		if (!service_is_ours(&stack->lines[i])) {
			look_at_other_module(&check, &stack->lines[i]);
			continue;
		}
		look_at_our_line(&check, i);
		look_at_module_file(&check, &stack->lines[i]);
	}
	report_ways(&check);
	if (check.code_service.has_code && check.code_service.policy.enroll_in_account)
		doctor_account(doctor, service, &stack->lines[check.code_service.line],
			       &check.code_service.policy);
	if (check.code_service.has_code)
		doctor_keep(doctor, service, &check.code_service);
	walk_end(&check.walk);
	free(check.roles);
}
