/* SPDX-License-Identifier: BSD-2-Clause */
/* totpctl doctor: the auth lines of one service. */
#include <glob.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "doctor/finding.h"
#include "doctor/sshd_settings.h"
#include "common/service.h"

/* One service's auth lines while they are checked. */
struct stack_check {
	struct doctor *doctor;
	const char *service;
	struct stack *stack;
	struct walk walk;
	struct code_service code_service;
};

static struct subject at(const struct stack_check *check, const struct stack_line *line,
			 const char *id)
{
	return (struct subject){check->doctor, id, check->service, line};
}

static const char by_hand[] =
	"no command is safe here: leave files that services share as they are, and write the "
	"service's own auth lines; see pam_totp(8), DISTRIBUTIONS WITHOUT COMMON-AUTH";

static const char by_factor[] =
	"add a line for a first factor, such as the password, unless the program checks one: "
	"pam_permit.so alone allows everybody who needs no code; see pam_totp(8), STACKS";

/* --- our lines --- */

static void keep_policy(struct stack_check *check, size_t index, const struct policy *policy)
{
	if (policy->if_publickey)
		return;
	if (policy->password == PASSWORD_COMBINED)
		check->stack->lines[index].role = ROLE_COMBINED;
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
		if (walk_may_be_factor(check->stack->lines[i].role))
			return true;
	return false;
}

/* Our line splits one answer, so a first factor below must use the rest of it. */
static void look_at_combined(const struct stack_check *check, size_t index)
{
	const struct stack_line *ours = &check->stack->lines[index];

	if (has_factor(check, 0, index))
		doctor_report(at(check, ours, "combined-late"),
			      "the password is checked with the code still attached, and is denied",
			      "move the line above the first factor",
			      "password=combined stands after the first factor");
	for (size_t i = index + 1; i < check->stack->count; i++) {
		const struct stack_line *line = &check->stack->lines[i];
		bool reads = false;

		for (int k = 0; k < line->argc; k++)
			reads |= strcmp(line->argv[k], "use_first_pass") == 0 ||
				 strcmp(line->argv[k], "try_first_pass") == 0;
		if (check->stack->lines[i].role != ROLE_FACTOR || reads)
			continue;
		doctor_report(at(check, line, "partner"),
			      "the password of the combined answer is dropped, and a program that "
			      "asks once cannot ask for another one",
			      "add use_first_pass",
			      "%s without use_first_pass, below password=combined", line->module);
	}
}

/* Of the sshd of the host, or of a second one, such as "sshd-internal". */
static bool is_of_sshd(const struct stack_check *check)
{
	return strcmp(check->service, check->doctor->sshd_service) == 0 ||
	       (strncmp(check->service, "sshd", 4) == 0 && strchr("-.", check->service[4]));
}

static void look_at_our_line(struct stack_check *check, size_t index)
{
	const struct stack_line *line = &check->stack->lines[index];
	struct policy policy;

	if (doctor_line_policy(at(check, line, NULL), &policy) != TOTP_OK)
		return;
	keep_policy(check, index, &policy);
	if (policy.if_publickey && !is_of_sshd(check))
		doctor_report(
			at(check, line, "key-elsewhere"),
			"only sshd reports that a key was used; in any other program the line "
			"denies the login",
			"remove the line, unless a second sshd uses the service by PAMServiceName",
			"if_publickey in a service that sshd does not use");
	if (policy.password == PASSWORD_COMBINED && !policy.if_publickey)
		look_at_combined(check, index);
	if (policy.password == PASSWORD_USE_FIRST_PASS && !has_factor(check, 0, index))
		doctor_report(at(check, line, "partner"),
			      "there is no answer that it could use, so all users who must give a "
			      "code are denied",
			      "write password=none",
			      "password=use_first_pass, but no line above asks a question");
}

/* --- the module's file --- */

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
	const char *elsewhere;
	char deny[512];
	glob_t found;

	find_modules(line->path, &found);
	elsewhere = found.gl_pathc ? found.gl_pathv[0] : NULL;
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
		doctor_repair(doctor_report(at(check, line, "module"),
					    "a module that cannot be loaded denies every login",
					    NULL, "%s is not %s%s", line->path,
					    elsewhere ? "where PAM looks, but at " : "installed",
					    elsewhere ? elsewhere : ""),
			      "%s, or remove the line",
			      elsewhere ? "install it beside pam_unix.so (meson: -Dmodule_dir=)"
					: "install pam_totp");
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
		doctor_repair(doctor_report(at(check, line, "missing-module"),
					    "a module that cannot be loaded denies every login "
					    "that reaches the line",
					    NULL, "%s is not installed", line->path),
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
			doctor_report(at(check, NULL, "crlf"),
				      "libpam reads the carriage return as part of the last word: "
				      "it finds no module of that name, and denies every login",
				      command ? command
					      : "write the file again with lines that end in LF",
				      "%s: its lines end in CR LF, as on Windows", seen);
			any = true;
		} else if (walk_is_misspelt(line) && !strchr(line->module, '\r')) {
			doctor_report(at(check, line, "misspelt"),
				      "libpam finds no module of that name, and denies every login "
				      "that reaches the line",
				      NULL, "the name of pam_totp.so is misspelled");
			any = true;
		}
	}
	check->doctor->repair = NULL;
	free(command);
	return any;
}

/* --- the ways through --- */

static void report_skips(const struct stack_check *check, const struct stack_line *line)
{
	struct finding *finding = doctor_report(
		at(check, line, "skipped"),
		"a user whom this line accepts logs in without a code, and nothing is logged", NULL,
		"this line of %.60s lets a login skip pam_totp.so",
		line->module[0] ? line->module : "an include");

	if (check->doctor->repair == by_hand && line->role == ROLE_PLAIN)
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
			doctor_report(at(check, line, orders[i].id), orders[i].why, NULL, "%s",
				      orders[i].what);
}

/* Does neither the stack nor, as far as its settings show, sshd ask for anything but the code? */
static bool lacks_factor(const struct stack_check *check)
{
	const struct sshd_settings settings = {NULL, check->doctor->sshd_settings};

	if (!check->code_service.key_needed)
		return false;
	return strcmp(check->service, check->doctor->sshd_service) != 0 ||
	       !check->doctor->sshd_answered ||
	       sshd_judge(&check->code_service, &settings).problems & SSHD_NO_FACTOR;
}

static void report_whole(const struct stack_check *check)
{
	const struct stack_line *ours = &check->stack->lines[check->code_service.line];

	if (check->walk.too_many)
		doctor_report(at(check, ours, "too-many"),
			      "some logins may skip pam_totp.so without being found", NULL,
			      "more ways through the stack than can be checked");
	else if (!check->walk.open)
		doctor_report(at(check, ours, "closed"), "nobody can log in",
			      "check the lines above and below",
			      "no login by this stack can succeed");
	else if (check->walk.stuck)
		doctor_report(at(check, ours, "permit"),
			      "users who need no code, since they are exempt or not enrolled, are "
			      "denied: no other line succeeds",
			      lacks_factor(check) ? by_factor : NULL,
			      "no line beside pam_totp.so succeeds, such as pam_permit.so");
	if (!check->walk.too_many && check->code_service.key_needed &&
	    strcmp(check->service, check->doctor->sshd_service) != 0)
		doctor_report(at(check, ours, "no-factor"),
			      "the code is the only factor, and strangers are asked for it",
			      by_factor, "no line of the stack is a first factor");
}

/* Is there something for a command to repair? A condition that skips our line may be meant. */
static bool is_repairable(const struct stack_check *check)
{
	bool any = check->walk.stuck;

	if (check->walk.too_many || !check->walk.open ||
	    (check->walk.stuck && lacks_factor(check))) /* pam_permit.so allows strangers */
		return false;
	for (size_t i = 0; i < check->stack->count; i++) {
		if (check->walk.marks[i] & MARK_SKIPS && check->stack->lines[i].role == ROLE_PLAIN)
			return false;
		any |= check->walk.marks[i] != 0;
	}
	return any;
}

static void report_ways(struct stack_check *check)
{
	char *command = NULL;

	if (walk_stack(check->stack, &check->walk) != TOTP_OK) {
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
			report_skips(check, &check->stack->lines[i]);
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
			doctor_report(at(check, line, "line"),
				      "libpam denies every login that reaches it",
				      "correct the line",
				      "an invalid line, or an include of a missing file");
	}
}

void doctor_stack(struct doctor *doctor, const char *service, struct stack *stack)
{
	static struct stack_check check; /* too large for the stack */
	bool misread = false;

	memset(&check, 0, sizeof(check));
	check.doctor = doctor;
	check.service = service;
	check.stack = stack;

	for (size_t i = 0; i < stack->count && !misread; i++)
		misread = walk_is_misspelt(&stack->lines[i]) ||
			  has_carriage_return(stack->lines[i].file);
	if (misread && look_at_spelling(&check))
		return;
	if (stack->refused)
		doctor_report((struct subject){doctor, "unreadable", service, NULL},
			      "libpam denies every login of the service",
			      "look for an include of a missing file, and for a last line that is "
			      "too long or ends in a backslash",
			      "/etc/pam.d/%s: libpam cannot read it", service);
	check_files(&check);
	for (size_t i = 0; i < stack->count; i++)
		stack->lines[i].role = walk_role(&stack->lines[i]);
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
		doctor_account(at(&check, &stack->lines[check.code_service.line], NULL),
			       &check.code_service.policy);
	if (check.code_service.has_code)
		doctor_keep(doctor, service, &check.code_service);
	walk_end(&check.walk);
}
