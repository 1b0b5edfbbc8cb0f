/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * totpctl doctor: sshd's settings, as sshd itself has them after includes and defaults, and a
 * judgment of how logins are authenticated by them.
 */
#include "doctor/sshd_settings.h"

#include <pwd.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/program.h"

#define ANSWER_S 10
#define NOBODY   "-" /* a name that no account has */

/* --- asking sshd --- */

bool sshd_ask(const struct doctor *doctor, const char *config, const char *user, char *ret_text)
{
	/* sshd fails at a Match block whose criterion is missing here */
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
	static const char *const programs[] = {"/usr/sbin/sshd", "/usr/local/sbin/sshd",
					       "/sbin/sshd", "/usr/bin/sshd"};
	struct text service = {0};

	for (size_t i = 0; !doctor->sshd && i < sizeof(programs) / sizeof(programs[0]); i++)
		if (access(programs[i], X_OK) == 0)
			doctor->sshd = programs[i];
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

/* --- settings --- */

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

bool sshd_asks_questions(const struct sshd_settings *settings)
{
	return sshd_is_yes(settings, "kbdinteractiveauthentication") ||
	       sshd_is_yes(settings, "challengeresponseauthentication");
}

struct sshd_methods sshd_methods_of(struct text list, const struct code_service *code_service)
{
	struct sshd_methods methods = {0};
	struct text one;

	while (text_field(&list, ',', &one)) {
		if (text_is(one, "keyboard-interactive") ||
		    text_is(one, "keyboard-interactive:pam") ||
		    (text_is(one, "password") && !code_service->own_prompt))
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
		return true; /* the command may print one */
	while (entry && text_field(&files, ' ', &one)) {
		if (text_copy(one, name, sizeof(name)) != TOTP_OK)
			continue;
		if (strchr(name, '%')) /* a directory of keys by user: assume that there is one */
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

static void judge_list(const struct code_service *code_service, struct text list,
		       struct sshd_verdict *verdict)
{
	struct sshd_methods methods = sshd_methods_of(list, code_service);

	/* sshd gives the stack a password, but no line checks it */
	if ((methods.pam || methods.password) && !methods.key && code_service->key_needed)
		add_problem(verdict, SSHD_NO_FACTOR, list);
	if (!methods.pam)
		add_problem(verdict, methods.password ? SSHD_CANNOT_ASK : SSHD_NO_CODE, list);
}

/* "any": each method that is enabled, by itself. */
static void judge_any(const struct code_service *code_service, const struct sshd_settings *settings,
		      struct sshd_verdict *verdict)
{
	static const struct {
		const char *name, *method;
	} methods[] = {{"pubkeyauthentication", "publickey"},
		       {"hostbasedauthentication", "hostbased"},
		       {"gssapiauthentication", "gssapi-with-mic"}};

	for (size_t i = 0; i < sizeof(methods) / sizeof(methods[0]); i++)
		if (sshd_is_yes(settings, methods[i].name))
			judge_list(code_service, text_of(methods[i].method), verdict);
	if (sshd_asks_questions(settings))
		judge_list(code_service, text_of("keyboard-interactive"), verdict);
	if (code_service->key_needed && sshd_is_yes(settings, "passwordauthentication"))
		add_problem(verdict, SSHD_NO_FACTOR, text_of("password"));
}

struct sshd_verdict sshd_judge(const struct code_service *code_service,
			       const struct sshd_settings *settings)
{
	struct text lists = sshd_setting(settings, "authenticationmethods"), list;
	struct sshd_verdict verdict = {0};

	if (!sshd_is_yes(settings, "usepam"))
		add_problem(&verdict, SSHD_NO_PAM, text_of(""));
	if (!sshd_asks_questions(settings) && code_service->own_prompt)
		add_problem(&verdict, SSHD_NO_QUESTIONS, text_of(""));
	if (lists.len == 0 || text_is(lists, "any"))
		judge_any(code_service, settings, &verdict);
	while (lists.len && !text_is(lists, "any") && text_field(&lists, ' ', &list))
		if (list.len)
			judge_list(code_service, list, &verdict);
	return verdict;
}

void sshd_report(struct doctor *doctor, const struct code_service *code_service,
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
		 "it gives one answer to every question, so no code is asked for, and the login is "
		 "denied"},
		{"no-factor", "asks for no key, and no line of the stack is a first factor",
		 "the code is the only factor, and users who need no code log in without any"},
	};

	for (size_t i = 0; i < SSHD_PROBLEMS; i++) {
		struct text list = verdict->methods[i];
		int len = list.len < 200 ? (int)list.len : 200;

		if (verdict->problems & 1u << i)
			doctor_report(
				(struct subject){doctor, kinds[i].id, code_service->name, NULL},
				kinds[i].why, repair, "%s: %s%.*s%s%s", where,
				len ? "AuthenticationMethods: " : "", len, len ? list.at : "",
				len ? " " : "", kinds[i].what);
	}
}
