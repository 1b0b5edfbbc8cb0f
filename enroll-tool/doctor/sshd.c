/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * totpctl doctor: the settings of sshd and what they mean for logins with a code: repairs, the time
 * for an enrollment, exempt accounts of programs, and the PAM service.
 */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "doctor/sshd_settings.h"
#include "host/facts.h"

#define GRACE_MIN     300 /* seconds: to install an app, scan, and type a code back */
#define MEMBERS_ASKED 16  /* members of an exempt group with which sshd is run */
#define GOOD_GRACE    "LoginGraceTime 10m\n"
#define GOOD_STARTUPS "MaxStartups 100:30:300\n"
#define GOOD_PENALTY  "PerSourcePenalties authfail:5 min:15\n" /* the default of OpenSSH */

/* --- the repair --- */

static bool is_good(const void *context, const struct sshd_settings *settings)
{
	return sshd_judge(context, settings).problems == 0;
}

struct lockout {
	const struct code_service *code_service;
	const struct sshd_settings *settings;
	char name[64]; /* of an administrator that other methods would lock out */
};

static bool is_locked_out(void *context, const char *name)
{
	struct lockout *lockout = context;
	bool has_key = sshd_has_key(lockout->settings, name);
	bool is_root = strcmp(name, "root") == 0, locked;

	if (is_root && text_is(sshd_setting(lockout->settings, "permitrootlogin"), "no"))
		return false;
	if (lockout->code_service->key_needed)
		locked = !has_key && doctor_has_password(name);
	else
		locked = has_key && !doctor_has_password(name);
	/* with prohibit-password root cannot answer questions */
	locked |= is_root && has_key && !sshd_is_yes(lockout->settings, "permitrootlogin");
	if (locked)
		snprintf(lockout->name, sizeof(lockout->name), "%s", name);
	return locked;
}

struct any_line {
	char file[256];
	unsigned number; /* 0: there is none */
};

/* sshd does not start if one line has a list of methods and another one has "any". */
static void find_any(void *context, const struct sshd_line *line)
{
	struct any_line *any = context;

	if (any->number == 0 && sshd_line_is(line, "AuthenticationMethods") &&
	    text_is(line->value, "any") &&
	    text_copy(text_of(line->file), any->file, sizeof(any->file)) == TOTP_OK)
		any->number = line->number;
}

/* What to do if no command has the effect, or it would lock an administrator out. */
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
		made = asprintf(
			&advice,
			"remove this line, then run totpctl doctor again: ${EDITOR:-vi} +%u %s",
			any.number, any.file);
	else
		made = asprintf(&advice, "see STACKS in pam_totp(8) for the settings of sshd, and "
					 "keep a root shell open");
	return made < 0 ? NULL : advice;
}

/* One repair for all problems: sshd may not accept one setting without another. */
static char *repair_of(struct doctor *doctor, const struct code_service *code_service,
		       const struct sshd_settings *settings, unsigned problems)
{
	bool methods = problems & (SSHD_NO_CODE | SSHD_CANNOT_ASK | SSHD_NO_FACTOR);
	struct lockout lockout = {.code_service = code_service, .settings = settings};
	char lines[256], *repair = NULL;

	if (methods)
		(void)doctor_any_admin(is_locked_out, &lockout);
	snprintf(lines, sizeof(lines), "%s%s%s%s", problems & SSHD_NO_PAM ? "UsePAM yes\n" : "",
		 code_service->own_prompt && !sshd_asks_questions(settings)
			 ? "KbdInteractiveAuthentication yes\n"
			 : "",
		 !code_service->own_prompt && !sshd_is_yes(settings, "passwordauthentication")
			 ? "PasswordAuthentication yes\n"
			 : "",
		 !methods ? ""
		 : code_service->key_needed
			 ? "AuthenticationMethods publickey,keyboard-interactive:pam\n"
		 : code_service->own_prompt ? "AuthenticationMethods keyboard-interactive:pam\n"
					    : "AuthenticationMethods password\n");
	if (!lockout.name[0])
		repair = sshd_repair_first(doctor, lines, is_good, code_service);
	return repair ? repair : advice_of(lockout.name);
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

static void look_at_grace(struct doctor *doctor, const struct code_service *code_service,
			  const struct sshd_settings *settings)
{
	struct text grace = sshd_setting(settings, "logingracetime");
	OWN_TEXT char *repair = NULL;

	if (!code_service->policy.enroll_in_account || !code_service->policy.enroll_login ||
	    is_long_enough(NULL, settings))
		return;
	repair = sshd_repair_first(doctor, GOOD_GRACE GOOD_STARTUPS, is_long_enough, NULL);
	doctor_report((struct subject){doctor, "login-grace", code_service->name, NULL},
		      "sshd closes the connection of a user who takes longer to enroll, and "
		      "nothing is stored",
		      repair ? repair : "set LoginGraceTime 10m in sshd_config",
		      "sshd_config: LoginGraceTime is %.*s seconds, and users enroll in the login",
		      (int)grace.len, grace.at);
}

/* --- penalties, since OpenSSH 9.8 --- */

/* The seconds of "name:seconds" in PerSourcePenalties; 0: there is none. */
static uint64_t penalty(const struct sshd_settings *settings, const char *name)
{
	struct text list = sshd_setting(settings, "persourcepenalties"), item, key;
	uint64_t seconds = 0;

	while (text_field(&list, ' ', &item))
		if (text_field(&item, ':', &key) && text_is(key, name) &&
		    text_number(item, 0, UINT32_MAX, &seconds) != TOTP_OK)
			return 0;
	return seconds;
}

/* sshd refuses an address once the sum of its penalties reaches "min". */
static bool allows_a_mistake(const void *context, const struct sshd_settings *settings)
{
	uint64_t seconds = penalty(settings, "authfail");

	(void)context;
	return seconds == 0 || seconds < penalty(settings, "min");
}

static void look_at_penalties(struct doctor *doctor, const struct code_service *code_service,
			      const struct sshd_settings *settings)
{
	OWN_TEXT char *repair = NULL;

	if (allows_a_mistake(NULL, settings))
		return;
	repair = sshd_repair_first(doctor, GOOD_PENALTY, allows_a_mistake, NULL);
	doctor_report((struct subject){doctor, "sshd-penalty", code_service->name, NULL},
		      "after one wrong code sshd refuses every connection from that address",
		      repair ? repair : "set PerSourcePenalties authfail:5 min:15 in sshd_config",
		      "sshd_config: PerSourcePenalties has authfail:%" PRIu64 " and min:%" PRIu64,
		      penalty(settings, "authfail"), penalty(settings, "min"));
}

/* --- exempt accounts that a program uses --- */

/* Lists of methods with which an account that only has a key can log in; other ways stay. */
static bool find_program_methods(const struct code_service *code_service,
				 const struct sshd_settings *settings, char *ret_value, size_t cap)
{
	struct text lists = sshd_setting(settings, "authenticationmethods"), list;
	size_t len = (size_t)snprintf(ret_value, cap, "publickey");
	bool wanted = false;

	while (text_field(&lists, ' ', &list)) {
		struct sshd_methods methods = sshd_methods_of(list, code_service);

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

struct exempt {
	struct doctor *doctor;
	const struct code_service *code_service;
	const struct sshd_settings *settings;
	const char *group; /* NULL: the user is exempt by name */
	unsigned asked;    /* members with which sshd was run */
};

static void report_program(const struct exempt *exempt, const char *user, const char *methods)
{
	OWN_TEXT char *block = NULL, *repair = NULL;
	struct doctor *doctor = exempt->doctor;
	const char *group = exempt->group;

	if (asprintf(&block, "Match %s %s\n\tAuthenticationMethods %s\n", group ? "Group" : "User",
		     group ? group : user, methods) < 0) {
		doctor->no_memory = true;
		return;
	}
	repair = sshd_repair_last(doctor, block, user, has_methods, methods);
	doctor_report((struct subject){doctor, "sshd-program", exempt->code_service->name, NULL},
		      "a program (ssh -o BatchMode=yes, rsync, ansible) never offers "
		      "keyboard-interactive, so sshd denies it",
		      repair ? repair : "see sshd, accounts of programs, in pam_totp(8)",
		      "sshd_config: %s is exempt%s%s and has a key, and AuthenticationMethods "
		      "demands more than the key",
		      user, group ? " by @" : "", group ? group : "");
}

/* True: there is a finding, or there were too many members to ask sshd about. */
static bool look_at_exempt_user(void *context, const char *user)
{
	struct exempt *exempt = context;
	OWN_TEXT char *text = malloc(SSHD_SETTINGS_MAX);
	const struct sshd_settings settings = {NULL, text};
	char methods[512];

	if (!text || !doctor_is_plain(user) || exempt->asked == MEMBERS_ASKED ||
	    (exempt->group && !sshd_has_key(exempt->settings, user)))
		return exempt->asked == MEMBERS_ASKED;
	exempt->asked++;
	if (!sshd_ask(exempt->doctor, NULL, user, text) || !sshd_has_key(&settings, user) ||
	    !find_program_methods(exempt->code_service, &settings, methods, sizeof(methods)) ||
	    (strcmp(user, "root") == 0 &&
	     text_is(sshd_setting(&settings, "permitrootlogin"), "no")))
		return false;
	report_program(exempt, user, methods);
	return true;
}

static void look_at_exempt(struct doctor *doctor, const struct code_service *code_service,
			   const struct sshd_settings *settings)
{
	struct text rest = text_of(code_service->policy.exempt), entry;
	char name[CRED_USER_MAX + 1];
	bool group;

	while (policy_list_next(&rest, &entry, &group)) {
		struct exempt exempt = {doctor, code_service, settings, NULL, 0};

		if (text_copy(entry, name, sizeof(name)) != TOTP_OK || !doctor_is_plain(name))
			continue;
		exempt.group = group ? name : NULL;
		if (group)
			(void)doctor_any_member(name, look_at_exempt_user, &exempt);
		else
			(void)look_at_exempt_user(&exempt, name);
	}
}

/* --- all of it --- */

static const struct code_service *find_code_service(const struct doctor *doctor,
						    const char *service)
{
	for (size_t i = 0; i < doctor->code_service_count; i++)
		if (strcmp(doctor->code_services[i].name, service) == 0 &&
		    !doctor->code_services[i].planned)
			return &doctor->code_services[i];
	return NULL;
}

/* The line is in the service that sshd uses by default, but sshd uses another one. */
static void look_at_service(struct doctor *doctor)
{
	const char *service = doctor->sshd_service;
	OWN_STACK struct stack stack = {0};

	if (strcmp(service, "sshd") == 0 || !find_code_service(doctor, "sshd") ||
	    (stack_read(NULL, service, "auth", &stack) == TOTP_OK && doctor_has_ours(&stack)))
		return;
	doctor_repair(
		doctor_report((struct subject){doctor, "sshd-service", service, NULL},
			      "sshd runs the stack of that service, which asks for no code", NULL,
			      "sshd_config: PAMServiceName is %s, and /etc/pam.d/%s has no auth "
			      "line of pam_totp.so",
			      service, service),
		"write the auth and account lines of /etc/pam.d/sshd into /etc/pam.d/%s", service);
}

void doctor_sshd(struct doctor *doctor)
{
	const struct code_service *code_service = find_code_service(doctor, doctor->sshd_service);
	const struct sshd_settings settings = {NULL, doctor->sshd_settings};
	struct sshd_verdict verdict;

	if (!doctor->sshd_settings)
		return;
	if (doctor->sshd_answered)
		look_at_service(doctor);
	if (!code_service)
		return;
	if (!doctor->sshd_answered) {
		doctor_repair(
			doctor_report((struct subject){doctor, "sshd", code_service->name, NULL},
				      "its settings could not be checked", NULL,
				      "%s -T failed: %.*s", doctor->sshd,
				      (int)strcspn(settings.text, "\r\n"), settings.text),
			"%s -t", doctor->sshd);
		return;
	}
	verdict = sshd_judge(code_service, &settings);
	if (verdict.problems) {
		OWN_TEXT char *repair =
			repair_of(doctor, code_service, &settings, verdict.problems);

		doctor->no_memory |= !repair;
		if (repair)
			sshd_report(doctor, code_service, &verdict, "sshd_config", repair);
	}
	look_at_grace(doctor, code_service, &settings);
	look_at_penalties(doctor, code_service, &settings);
	look_at_exempt(doctor, code_service, &settings);
	doctor_sshd_match(doctor, code_service, &settings);
	doctor->root_by_ssh = sshd_is_yes(&settings, "permitrootlogin");
}
