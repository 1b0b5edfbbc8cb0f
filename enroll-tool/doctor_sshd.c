/*
 * totpctl doctor: sshd's settings, as sshd itself has them after includes and defaults
 * (sshd -T; what a Match block would change is not looked at).
 */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "doctor.h"
#include "program.h"

#define SETTINGS_MAX 65536
#define ANSWER_S     10

static const char *const programs[] = {"/usr/sbin/sshd", "/usr/local/sbin/sshd", "/sbin/sshd"};

static const char *find_sshd(void)
{
	for (size_t i = 0; i < sizeof(programs) / sizeof(programs[0]); i++)
		if (access(programs[i], X_OK) == 0)
			return programs[i];
	return NULL;
}

/* Run sshd -T. False: it failed; text is then what it said, if anything. */
static bool ask_sshd(const char *path, char *text, size_t cap)
{
	const char *const argv[] = {path, "-T", NULL};
	const struct program program = {.argv = argv, .errors = true, .seconds = ANSWER_S};
	size_t len = 0;

	return program_run(&program, text, cap, &len) == 0;
}

/* --- what it says --- */

struct settings {
	const char *text;
};

/* The value of a setting, in lower case as sshd prints its name; empty if it is not there. */
static struct text setting(const struct settings *settings, const char *name)
{
	struct text rest = text_of(settings->text), line, word;

	while (text_line(&rest, &line))
		if (text_field(&line, ' ', &word) && text_is(word, name))
			return line;
	return text_of("");
}

static bool is_yes(const struct settings *settings, const char *name)
{
	return text_is(setting(settings, name), "yes");
}

/* The same setting, under the name that it had before OpenSSH 8.7. */
static bool asks_questions(const struct settings *settings)
{
	return is_yes(settings, "kbdinteractiveauthentication") ||
	       is_yes(settings, "challengeresponseauthentication");
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

/* --- findings --- */

#define CONFIG   "/etc/ssh/sshd_config"
#define SNIPPETS CONFIG ".d"

/* The first value of a setting counts, so it goes before all others. */
static void repair_setting(struct finding *finding, const char *setting)
{
	if (access(SNIPPETS, F_OK) == 0)
		doctor_repair(finding,
			      "echo '%s' >>" SNIPPETS "/00-pam_totp.conf && sshd -t && systemctl "
			      "reload ssh",
			      setting);
	else
		doctor_repair(finding,
			      "sed -i '1i %s' " CONFIG " && sshd -t && systemctl reload ssh",
			      setting);
}

static const char *good_methods(const struct patient *patient)
{
	if (patient->key_needed)
		return "AuthenticationMethods publickey,keyboard-interactive:pam";
	return patient->own_prompt ? "AuthenticationMethods keyboard-interactive:pam"
				   : "AuthenticationMethods password";
}

static void look_at_list(struct doctor *doctor, const struct patient *patient, struct text list)
{
	struct methods methods = methods_of(list, patient);
	int len = list.len < 200 ? (int)list.len : 200;

	if (methods.pam && !methods.key && patient->key_needed)
		repair_setting(
			doctor_find(doctor, "no-factor", "sshd",
				    "the code is the only factor, and whoever is not asked gets "
				    "in with nothing",
				    "sshd_config: AuthenticationMethods: %.*s asks for no key, "
				    "and no line of the stack is a first factor",
				    len, list.at),
			good_methods(patient));
	if (methods.pam)
		return;
	if (!methods.password)
		repair_setting(doctor_find(doctor, "sshd-methods", "sshd",
					   "who has that is let in, and no code is asked for",
					   "sshd_config: AuthenticationMethods: %.*s is enough",
					   len, list.at),
			       good_methods(patient));
	else
		repair_setting(
			doctor_find(doctor, "sshd-password", "sshd",
				    "it gives one answer to every question, so the code is "
				    "never asked for, and the login is refused",
				    "sshd_config: AuthenticationMethods: %.*s cannot ask for "
				    "a code",
				    len, list.at),
			good_methods(patient));
}

/* "any": each method that is switched on, by itself. */
static void look_at_any(struct doctor *doctor, const struct patient *patient,
			const struct settings *settings)
{
	static const struct {
		const char *name, *method;
	} methods[] = {{"pubkeyauthentication", "publickey"},
		       {"hostbasedauthentication", "hostbased"},
		       {"gssapiauthentication", "gssapi-with-mic"}};

	for (size_t i = 0; i < sizeof(methods) / sizeof(methods[0]); i++)
		if (is_yes(settings, methods[i].name))
			look_at_list(doctor, patient, text_of(methods[i].method));
	if (asks_questions(settings))
		look_at_list(doctor, patient, text_of("keyboard-interactive"));
}

static void look_at_methods(struct doctor *doctor, const struct patient *patient,
			    const struct settings *settings)
{
	struct text lists = setting(settings, "authenticationmethods"), list;

	if (lists.len == 0 || text_is(lists, "any")) {
		look_at_any(doctor, patient, settings);
		return;
	}
	while (text_field(&lists, ' ', &list))
		if (list.len)
			look_at_list(doctor, patient, list);
}

static void look_at_settings(struct doctor *doctor, const struct patient *patient,
			     const struct settings *settings)
{
	if (!is_yes(settings, "usepam"))
		repair_setting(
			doctor_find(doctor, "sshd-pam", "sshd",
				    "the stack is not gone through, and no code is asked for",
				    "sshd_config: UsePAM is not yes"),
			"UsePAM yes");
	if (!asks_questions(settings) && patient->own_prompt)
		repair_setting(
			doctor_find(doctor, "sshd-questions", "sshd",
				    "sshd cannot ask for a code, so nobody who must give one "
				    "gets in",
				    "sshd_config: KbdInteractiveAuthentication is not yes"),
			"KbdInteractiveAuthentication yes");
	look_at_methods(doctor, patient, settings);
	doctor->root_by_ssh = is_yes(settings, "permitrootlogin");
}

void doctor_sshd(struct doctor *doctor)
{
	const char *program = find_sshd();
	const struct patient *patient = NULL;
	OWN_TEXT char *text = NULL;

	for (size_t i = 0; i < doctor->patient_count; i++)
		if (strcmp(doctor->patients[i].name, "sshd") == 0 && !doctor->patients[i].planned)
			patient = &doctor->patients[i];
	if (!program || !patient)
		return;
	text = malloc(SETTINGS_MAX);
	doctor->no_memory |= !text;
	if (!text)
		return;
	if (ask_sshd(program, text, SETTINGS_MAX)) {
		look_at_settings(doctor, patient, &(struct settings){text});
		return;
	}
	doctor_repair(doctor_find(doctor, "sshd", "sshd",
				  "whether its settings ask for a code cannot be said",
				  "%s -T failed: %.*s", program, (int)strcspn(text, "\r\n"), text),
		      "%s -t", program);
}
