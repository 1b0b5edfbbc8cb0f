/*
 * totpctl doctor: sshd's settings, as sshd itself has them after includes and defaults
 * (sshd -T), and what each Match block changes in them.
 */
#include <pwd.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "doctor/sshd.h"
#include "host/facts.h"
#include "common/program.h"

#define ANSWER_S      10
#define GRACE_MIN     300 /* seconds: to install an app, scan, and type a code back */
#define NOBODY        "-" /* a name that no account has */
#define GOOD_GRACE    "LoginGraceTime 10m\n"
#define GOOD_STARTUPS "MaxStartups 100:30:300\n"

/* --- asking sshd --- */

static const char *find_sshd(void)
{
	static const char *const programs[] = {"/usr/sbin/sshd", "/usr/local/sbin/sshd",
					       "/sbin/sshd", "/usr/bin/sshd"};

	for (size_t i = 0; i < sizeof(programs) / sizeof(programs[0]); i++)
		if (access(programs[i], X_OK) == 0)
			return programs[i];
	return NULL;
}

bool sshd_ask(const struct doctor *doctor, const char *config, const char *user, char *ret_text)
{
	/* without all of these sshd fails at a Match block that goes by the one it lacks */
	static const char rest[] =
		"host=host.invalid,addr=192.0.2.1,laddr=192.0.2.2,lport=1,rdomain=";
	char connection[512];
	const char *const argv[] = {doctor->sshd,         "-T",   "-C", connection,
				    config ? "-f" : NULL, config, NULL};
	const struct program program = {.argv = argv, .errors = true, .seconds = ANSWER_S};
	size_t len = 0;

	return snprintf(connection, sizeof(connection), "user=%s,%s", user ? user : NOBODY, rest) <
		       (int)sizeof(connection) &&
	       program_run(&program, ret_text, SSHD_SETTINGS_MAX, &len) == 0;
}

void doctor_ask_sshd(struct doctor *doctor)
{
	struct text service = {0};

	doctor->sshd = find_sshd();
	doctor->sshd_settings = doctor->sshd ? calloc(1, SSHD_SETTINGS_MAX) : NULL;
	doctor->no_memory |= doctor->sshd && !doctor->sshd_settings;
	if (doctor->sshd_settings)
		doctor->sshd_answered = sshd_ask(doctor, NULL, NULL, doctor->sshd_settings);
	if (doctor->sshd_answered) /* an older OpenSSH has no such setting */
		service = sshd_setting(&(struct sshd_settings){NULL, doctor->sshd_settings},
				       "pamservicename");
	if (service.len == 0 ||
	    text_copy(service, doctor->sshd_service, sizeof(doctor->sshd_service)) != TOTP_OK)
		strcpy(doctor->sshd_service, "sshd");
}

/* --- what it says --- */

static struct text find_setting(const char *text, const char *name)
{
	struct text rest = text_of(text ? text : ""), line, word;

	while (text_line(&rest, &line))
		if (text_field(&line, ' ', &word) && text_is(word, name))
			return line;
	return text_of("");
}

struct text sshd_setting(const struct sshd_settings *settings, const char *name)
{
	struct text value = find_setting(settings->over, name);

	return value.len ? value : find_setting(settings->text, name);
}

bool sshd_is_yes(const struct sshd_settings *settings, const char *name)
{
	return text_is(sshd_setting(settings, name), "yes");
}

/* The same setting, under the name that it had before OpenSSH 8.7. */
static bool asks_questions(const struct sshd_settings *settings)
{
	return sshd_is_yes(settings, "kbdinteractiveauthentication") ||
	       sshd_is_yes(settings, "challengeresponseauthentication");
}

struct methods {
	bool pam;      /* an answer reaches the PAM stack in a way that a code can be in it */
	bool password; /* one does in which it cannot: the stack refuses */
	bool key;      /* sshd has checked a key, a host or a ticket */
};

static struct methods methods_of(struct text list, const struct patient *patient)
{
	struct methods methods = {0};
	struct text one;

	while (text_field(&list, ',', &one)) {
		if (text_is(one, "keyboard-interactive") ||
		    text_is(one, "keyboard-interactive:pam") ||
		    (text_is(one, "password") && !patient->own_prompt))
			methods.pam = true;
		else if (text_is(one, "password"))
			methods.password = true;
		else if (!text_is(one, "none"))
			methods.key = true;
	}
	return methods;
}

bool sshd_has_key(const struct sshd_settings *settings, const char *user)
{
	struct text files = sshd_setting(settings, "authorizedkeysfile"), one;
	struct text command = sshd_setting(settings, "authorizedkeyscommand");
	const struct passwd *entry = getpwnam(user);
	char name[256], path[512];

	if (command.len && !text_is(command, "none"))
		return true; /* it may know one */
	while (entry && text_field(&files, ' ', &one)) {
		if (text_copy(one, name, sizeof(name)) != TOTP_OK)
			continue;
		if (strchr(name, '%')) /* a directory of keys by user: taken for granted */
			return true;
		if (snprintf(path, sizeof(path), "%s%s%s", name[0] == '/' ? "" : entry->pw_dir,
			     name[0] == '/' ? "" : "/", name) < (int)sizeof(path) &&
		    access(path, F_OK) == 0)
			return true;
	}
	return false;
}

/* --- judging --- */

static void add_problem(struct sshd_verdict *verdict, enum sshd_problem problem, struct text list)
{
	for (size_t i = 0; i < SSHD_PROBLEMS; i++)
		if (problem == 1u << i && !(verdict->problems & problem))
			verdict->methods[i] = list;
	verdict->problems |= problem;
}

static void judge_list(const struct patient *patient, struct text list,
		       struct sshd_verdict *verdict)
{
	struct methods methods = methods_of(list, patient);

	/* sshd hands a password to the stack, which looks at none */
	if ((methods.pam || methods.password) && !methods.key && patient->key_needed)
		add_problem(verdict, SSHD_NO_FACTOR, list);
	if (!methods.pam)
		add_problem(verdict, methods.password ? SSHD_CANNOT_ASK : SSHD_NO_CODE, list);
}

/* "any": each method that is switched on, by itself. */
static void judge_any(const struct patient *patient, const struct sshd_settings *settings,
		      struct sshd_verdict *verdict)
{
	static const struct {
		const char *name, *method;
	} methods[] = {{"pubkeyauthentication", "publickey"},
		       {"hostbasedauthentication", "hostbased"},
		       {"gssapiauthentication", "gssapi-with-mic"}};

	for (size_t i = 0; i < sizeof(methods) / sizeof(methods[0]); i++)
		if (sshd_is_yes(settings, methods[i].name))
			judge_list(patient, text_of(methods[i].method), verdict);
	if (asks_questions(settings))
		judge_list(patient, text_of("keyboard-interactive"), verdict);
	if (patient->key_needed && sshd_is_yes(settings, "passwordauthentication"))
		add_problem(verdict, SSHD_NO_FACTOR, text_of("password"));
}

struct sshd_verdict sshd_judge(const struct patient *patient, const struct sshd_settings *settings)
{
	struct text lists = sshd_setting(settings, "authenticationmethods"), list;
	struct sshd_verdict verdict = {0};

	if (!sshd_is_yes(settings, "usepam"))
		add_problem(&verdict, SSHD_NO_PAM, text_of(""));
	if (!asks_questions(settings) && patient->own_prompt)
		add_problem(&verdict, SSHD_NO_QUESTIONS, text_of(""));
	if (lists.len == 0 || text_is(lists, "any"))
		judge_any(patient, settings, &verdict);
	while (lists.len && !text_is(lists, "any") && text_field(&lists, ' ', &list))
		if (list.len)
			judge_list(patient, list, &verdict);
	return verdict;
}

void sshd_report(struct doctor *doctor, const struct patient *patient,
		 const struct sshd_verdict *verdict, const char *where, const char *repair)
{
	static const struct {
		const char *id, *what, *why;
	} kinds[SSHD_PROBLEMS] = {
		{"sshd-pam", "UsePAM is not yes",
		 "sshd does not run the stack, and asks for no code"},
		{"sshd-questions", "KbdInteractiveAuthentication is not yes",
		 "sshd cannot ask for a code, so it denies everybody who must give one"},
		{"sshd-methods", "is enough", "such a login is allowed, and asked for no code"},
		{"sshd-password", "cannot ask for a code",
		 "it gives one answer to every question, so the code is never asked for, and the "
		 "login is denied"},
		{"no-factor", "asks for no key, and no line of the stack is a first factor",
		 "the code is the only factor, and users who are not asked log in with nothing"},
	};

	for (size_t i = 0; i < SSHD_PROBLEMS; i++) {
		struct text list = verdict->methods[i];
		int len = list.len < 200 ? (int)list.len : 200;

		if (verdict->problems & 1u << i)
			doctor_repair(doctor_find(doctor, kinds[i].id, patient->name, kinds[i].why,
						  "%s: %s%.*s%s%s", where,
						  len ? "AuthenticationMethods: " : "", len,
						  len ? list.at : "", len ? " " : "",
						  kinds[i].what),
				      "%s", repair);
	}
}

/* --- the repair --- */

static const char *good_methods(const struct patient *patient)
{
	if (patient->key_needed)
		return "AuthenticationMethods publickey,keyboard-interactive:pam\n";
	return patient->own_prompt ? "AuthenticationMethods keyboard-interactive:pam\n"
				   : "AuthenticationMethods password\n";
}

static bool is_good(const void *context, const struct sshd_settings *settings)
{
	return sshd_judge(context, settings).problems == 0;
}

struct lockout {
	const struct patient *patient;
	const struct sshd_settings *settings;
	char name[64]; /* of an administrator whom other methods would lock out */
};

static void find_lockout(struct doctor *doctor, const char *name, void *context)
{
	struct lockout *lockout = context;
	bool has_key = sshd_has_key(lockout->settings, name);
	bool is_root = strcmp(name, "root") == 0, locked;

	(void)doctor;
	if (is_root && text_is(sshd_setting(lockout->settings, "permitrootlogin"), "no"))
		return;
	if (lockout->patient->key_needed)
		locked = !has_key && doctor_has_password(name);
	else
		locked = has_key && !doctor_has_password(name);
	/* with prohibit-password root may answer no question at all */
	locked |= is_root && has_key && !sshd_is_yes(lockout->settings, "permitrootlogin");
	if (locked && !lockout->name[0])
		snprintf(lockout->name, sizeof(lockout->name), "%s", name);
}

struct any_line {
	char file[256];
	unsigned number; /* 0: there is none */
};

/* Beside a list of methods sshd refuses to start with "any" on another line. */
static void find_any(void *context, const struct sshd_line *line)
{
	struct any_line *any = context;

	if (any->number == 0 && sshd_line_is(line, "AuthenticationMethods") &&
	    text_is(line->value, "any") &&
	    text_copy(text_of(line->file), any->file, sizeof(any->file)) == TOTP_OK)
		any->number = line->number;
}

/* What to do where no command has the effect, or it would lock somebody out. */
static char *advice_of(const char *locked_out)
{
	struct any_line any = {.number = 0};
	char *advice = NULL;
	int made;

	(void)sshd_config_each(SSHD_CONFIG, find_any, &any);
	if (locked_out[0])
		made = asprintf(&advice,
				"choose settings of STACKS in pam_totp(8) with which %s can still "
				"log in, and keep a root shell open",
				locked_out);
	else if (any.number)
		made = asprintf(&advice,
				"remove this line, then run totpctl doctor again: "
				"${EDITOR:-vi} +%u %s",
				any.number, any.file);
	else
		made = asprintf(&advice, "see STACKS in pam_totp(8) for the settings of sshd, and "
					 "keep a root shell open");
	return made < 0 ? NULL : advice;
}

/* One repair for all that is wrong: one setting may be refused without the other. */
static char *repair_of(struct doctor *doctor, const struct patient *patient,
		       const struct sshd_settings *settings, unsigned problems)
{
	bool methods = problems & (SSHD_NO_CODE | SSHD_CANNOT_ASK | SSHD_NO_FACTOR);
	struct lockout lockout = {.patient = patient, .settings = settings};
	char lines[256], *repair = NULL;

	if (methods)
		doctor_each_admin(doctor, find_lockout, &lockout);
	snprintf(lines, sizeof(lines), "%s%s%s%s", problems & SSHD_NO_PAM ? "UsePAM yes\n" : "",
		 patient->own_prompt && !asks_questions(settings)
			 ? "KbdInteractiveAuthentication yes\n"
			 : "",
		 !patient->own_prompt && !sshd_is_yes(settings, "passwordauthentication")
			 ? "PasswordAuthentication yes\n"
			 : "",
		 methods ? good_methods(patient) : "");
	if (!lockout.name[0])
		repair = sshd_repair_first(doctor, lines, is_good, patient);
	return repair ? repair : advice_of(lockout.name);
}

static void look_at_settings(struct doctor *doctor, const struct patient *patient,
			     const struct sshd_settings *settings)
{
	struct sshd_verdict verdict = sshd_judge(patient, settings);
	OWN_TEXT char *repair =
		verdict.problems ? repair_of(doctor, patient, settings, verdict.problems) : NULL;

	doctor->no_memory |= verdict.problems && !repair;
	if (repair)
		sshd_report(doctor, patient, &verdict, "sshd_config", repair);
}

/* --- the time for an enrollment in the login --- */

static bool is_long_enough(const void *context, const struct sshd_settings *settings)
{
	uint64_t seconds = 0;

	(void)context;
	return text_number(sshd_setting(settings, "logingracetime"), 0, UINT32_MAX, &seconds) !=
		       TOTP_OK ||
	       seconds == 0 || seconds >= GRACE_MIN;
}

static void look_at_grace(struct doctor *doctor, const struct patient *patient,
			  const struct sshd_settings *settings)
{
	struct text grace = sshd_setting(settings, "logingracetime");
	OWN_TEXT char *repair = NULL;

	if (!patient->policy.enroll_in_account || !patient->policy.enroll_login ||
	    is_long_enough(NULL, settings))
		return;
	repair = sshd_repair_first(doctor, GOOD_GRACE GOOD_STARTUPS, is_long_enough, NULL);
	doctor_repair(doctor_find(doctor, "login-grace", patient->name,
				  "sshd closes the connection of somebody who takes longer to "
				  "enroll, and nothing is stored",
				  "sshd_config: LoginGraceTime is %.*s seconds, and people enroll "
				  "in the login",
				  (int)grace.len, grace.at),
		      "%s", repair ? repair : "set LoginGraceTime 10m in sshd_config");
}

/* --- exempt accounts that a program uses --- */

/* The lists of methods with which an account that only has a key logs in, and others as before. */
static bool find_program_methods(const struct patient *patient,
				 const struct sshd_settings *settings, char *ret_value, size_t cap)
{
	struct text lists = sshd_setting(settings, "authenticationmethods"), list;
	size_t len = (size_t)snprintf(ret_value, cap, "publickey");
	bool wanted = false;

	while (text_field(&lists, ' ', &list)) {
		struct methods methods = methods_of(list, patient);

		if (list.len == 0 || text_is(list, "any") || (methods.key && !methods.pam))
			return false;
		wanted |= methods.key;
		if (!methods.key && len < cap)
			len += (size_t)snprintf(ret_value + len, cap - len, " %.*s", (int)list.len,
						list.at);
	}
	return wanted && len < cap;
}

static bool has_methods(const void *context, const struct sshd_settings *settings)
{
	return text_is(sshd_setting(settings, "authenticationmethods"), context);
}

static void look_at_exempt_user(struct doctor *doctor, const struct patient *patient,
				const char *user)
{
	OWN_TEXT char *text = malloc(SSHD_SETTINGS_MAX), *block = NULL, *repair = NULL;
	const struct sshd_settings settings = {NULL, text};
	char methods[512];

	if (!text || !doctor_is_plain(user) || !sshd_ask(doctor, NULL, user, text) ||
	    !sshd_has_key(&settings, user) ||
	    !find_program_methods(patient, &settings, methods, sizeof(methods)) ||
	    (strcmp(user, "root") == 0 &&
	     text_is(sshd_setting(&settings, "permitrootlogin"), "no")))
		return;
	if (asprintf(&block, "Match User %s\n\tAuthenticationMethods %s\n", user, methods) < 0) {
		doctor->no_memory = true;
		return;
	}
	repair = sshd_repair_last(doctor, block, user, has_methods, methods);
	doctor_repair(
		doctor_find(doctor, "sshd-program", patient->name,
			    "a program (ssh -o BatchMode=yes, rsync, ansible) never offers "
			    "keyboard-interactive, so sshd denies it",
			    "sshd_config: %s is exempt and has a key, and AuthenticationMethods "
			    "demands more than the key",
			    user),
		"%s", repair ? repair : "see sshd, accounts of programs, in pam_totp(8)");
}

static void look_at_exempt(struct doctor *doctor, const struct patient *patient)
{
	struct text rest = text_of(patient->policy.exempt), name;
	char user[CRED_USER_MAX + 1];
	bool group;

	while (policy_list_next(&rest, &name, &group))
		if (!group && text_copy(name, user, sizeof(user)) == TOTP_OK)
			look_at_exempt_user(doctor, patient, user);
}

/* --- all of it --- */

static const struct patient *find_patient(const struct doctor *doctor, const char *service)
{
	for (size_t i = 0; i < doctor->patient_count; i++)
		if (strcmp(doctor->patients[i].name, service) == 0 && !doctor->patients[i].planned)
			return &doctor->patients[i];
	return NULL;
}

/* The line stands in the service that sshd uses by default, and sshd uses another one. */
static void look_at_service(struct doctor *doctor)
{
	const char *service = doctor->sshd_service;

	if (strcmp(service, "sshd") == 0 || !find_patient(doctor, "sshd") || doctor_asks(service))
		return;
	doctor_repair(doctor_find(doctor, "sshd-service", service,
				  "sshd runs the stack of that service, and asks for no code",
				  "sshd_config: PAMServiceName is %s, and /etc/pam.d/%s has no "
				  "auth line of pam_totp.so",
				  service, service),
		      "write the auth and account lines of /etc/pam.d/sshd into /etc/pam.d/%s",
		      service);
}

void doctor_sshd(struct doctor *doctor)
{
	const struct patient *patient = find_patient(doctor, doctor->sshd_service);
	const struct sshd_settings settings = {NULL, doctor->sshd_settings};

	if (!doctor->sshd_settings)
		return;
	if (doctor->sshd_answered)
		look_at_service(doctor);
	if (!patient)
		return;
	if (!doctor->sshd_answered) {
		doctor_repair(
			doctor_find(doctor, "sshd", patient->name,
				    "nothing can be said of whether its settings ask for a code",
				    "%s -T failed: %.*s", doctor->sshd,
				    (int)strcspn(settings.text, "\r\n"), settings.text),
			"%s -t", doctor->sshd);
		return;
	}
	look_at_settings(doctor, patient, &settings);
	look_at_grace(doctor, patient, &settings);
	look_at_exempt(doctor, patient);
	doctor_sshd_match(doctor, patient, &settings);
	doctor->root_by_ssh = sshd_is_yes(&settings, "permitrootlogin");
}
