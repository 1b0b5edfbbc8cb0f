/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * totpctl doctor: administrators who could not log in, or not become root. They are root, and
 * the members of the groups that sudo is usually given to.
 */
#include <grp.h>
#include <pwd.h>
#include <shadow.h>
#include <stdlib.h>
#include <string.h>

#include "doctor/finding.h"
#include "host/clock.h"
#include "host/facts.h"

static const char *const groups[] = {"sudo", "wheel", "admin"};

/* Without an entry in shadow, the password may be in a directory service. */
bool doctor_has_password(const char *user)
{
	const struct spwd *entry = getspnam(user);

	return !entry || !entry->sp_pwdp || !strchr("!*", entry->sp_pwdp[0]) ||
	       entry->sp_pwdp[0] == '\0';
}

bool doctor_has_shell(const struct passwd *entry)
{
	const char *slash = strrchr(entry->pw_shell, '/');
	const char *name = slash ? slash + 1 : entry->pw_shell;

	return strcmp(name, "nologin") != 0 && strcmp(name, "false") != 0;
}

/* Does this service ask this user for a code? */
static bool meets(const struct doctor *doctor, const struct code_service *code_service,
		  const struct account *account)
{
	if (account->uid != 0)
		return true;
	if (strncmp(code_service->name, "sudo", 4) == 0)
		return false;
	if (strcmp(code_service->name, doctor->sshd_service) == 0)
		return doctor->root_by_ssh;
	return doctor_has_password(account->name);
}

/* When must this user give a code? 0: now; INT64_MAX: never. */
static int64_t required_from(const struct policy *policy, const struct account *account,
			     struct reason *why)
{
	struct gate_facts facts = {0};

	if (facts_find(policy, &(struct facts_subject){account, NULL, NULL}, &facts, why) !=
	    TOTP_OK)
		return INT64_MAX; /* a missing group: reported already */
	if (gate_requires(policy, &facts, clock_now()))
		return 0;
	return !facts.exempt && policy->enforce == ENFORCE_FROM ? policy->enforce_from : INT64_MAX;
}

static bool is_of_this_store(const struct doctor *doctor, const struct policy *policy)
{
	return strcmp(policy->store_dir, doctor->ctl->tool.policy.store_dir) == 0;
}

/* Is there a service in which this user can enroll? Not sudo: it shows no messages. */
static bool may_enroll(const struct doctor *doctor, const struct account *account)
{
	const struct gate_facts facts = {.known = true};

	for (size_t i = 0; i < doctor->code_service_count; i++) {
		const struct code_service *code_service = &doctor->code_services[i];

		if (strncmp(code_service->name, "sudo", 4) != 0 &&
		    meets(doctor, code_service, account) &&
		    is_of_this_store(doctor, &code_service->policy) &&
		    gate_may_enroll(&code_service->policy, &facts, ENROLL_IN_LOGIN, clock_now()))
			return true;
	}
	return false;
}

/* Why this account cannot give a code, and the command that repairs it. NULL: it can, or the
 * record cannot be read. */
static const char *hindrance(const struct doctor *doctor, const struct account *account,
			     const char **ret_repair)
{
	OWN_TXN struct store_txn txn = STORE_TXN_NONE;
	struct store *store = doctor->ctl->tool.store;
	struct reason why = {""};
	bool has = true;

	if (tool_enrolled(&doctor->ctl->tool, account->name, &has, &why) != TOTP_OK)
		return NULL;
	*ret_repair = "totp-enroll --user";
	if (!has)
		return may_enroll(doctor, account) ? NULL : "is not enrolled";
	*ret_repair = "totpctl resume";
	return store_read_cred(store, account->name, tool_deadline(), &txn, &why) == TOTP_OK &&
			       txn.cred.disabled
		       ? "is suspended"
		       : NULL;
}

/* Always false, so that all of them are looked at. */
static bool look_at_administrator(void *context, const char *name)
{
	struct doctor *doctor = context;
	struct account account = {.known = false};
	const char *hindered = NULL, *repair = NULL;
	struct reason why = {""};

	if (account_find(name, &account, &why) == TOTP_OK && account.known)
		hindered = hindrance(doctor, &account, &repair);
	for (size_t i = 0; hindered && i < doctor->code_service_count; i++) {
		const struct code_service *code_service = &doctor->code_services[i];
		int64_t from = required_from(&code_service->policy, &account, &why);
		char date[11];

		/* a line can name another store */
		if (from == INT64_MAX || !meets(doctor, code_service, &account) ||
		    !is_of_this_store(doctor, &code_service->policy))
			continue;
		text_to_date(from, date);
		doctor_repair(doctor_report((struct subject){doctor, "administrator",
							     code_service->name, NULL},
					    "an administrator who cannot give a code is locked out",
					    NULL, "administrator %s must give a code%s%s, but %s",
					    account.name, from ? " from " : "", from ? date : "",
					    hindered),
			      "%s %s", repair, account.name);
	}
	return false;
}

/* --- the way back in --- */

/* Can this account log in at the console without a code? */
static bool is_way_back(void *context, const char *name)
{
	const struct policy *policy = context;
	const struct passwd *entry = getpwnam(name);
	struct account account = {.known = false};
	struct gate_facts facts = {0};
	struct reason why = {""};

	if (!entry || !doctor_has_shell(entry))
		return false;
	return account_find(name, &account, &why) == TOTP_OK && account.known &&
	       doctor_has_password(account.name) &&
	       facts_find(policy, &(struct facts_subject){&account, NULL, NULL}, &facts, &why) ==
		       TOTP_OK &&
	       facts.exempt && !gate_requires(policy, &facts, clock_now());
}

static bool has_way_back(struct policy *policy)
{
	struct text rest = text_of(policy->exempt), entry;
	char name[CRED_USER_MAX + 1];
	bool group;

	while (policy_list_next(&rest, &entry, &group))
		if (text_copy(entry, name, sizeof(name)) == TOTP_OK &&
		    (group ? doctor_any_member(name, is_way_back, policy)
			   : is_way_back(policy, name)))
			return true;
	return false;
}

/* An exempt user needs no code, even if the store, the keyring, the clock or a phone fails. */
static void look_at_console(struct doctor *doctor)
{
	for (size_t i = 0; i < doctor->code_service_count; i++) {
		struct code_service *code_service = &doctor->code_services[i];
		const char *exempt = code_service->policy.exempt;

		if (strcmp(code_service->name, "login") != 0 || code_service->planned ||
		    has_way_back(&code_service->policy))
			continue;
		doctor_report((struct subject){doctor, "way-back", code_service->name, NULL},
			      "if the store, the keyring or the clock fails, nobody can log in to "
			      "repair it",
			      "name one account with a long password in exempt, or remove the line "
			      "from the console's stack",
			      "the console asks all users for a code, and %s%s",
			      exempt[0] ? "no account with a password is exempt by "
					: "nobody is exempt",
			      exempt);
	}
}

bool doctor_any_member(const char *name, doctor_member_fn *is, void *context)
{
	const struct group *group = getgrnam(name);
	gid_t gid = group ? group->gr_gid : 0;
	bool found = false;

	for (char **member = group ? group->gr_mem : NULL; member && *member; member++)
		if (is(context, *member))
			return true;
	setpwent();
	for (const struct passwd *entry; group && !found && (entry = getpwent());)
		if (entry->pw_gid == gid) {
			OWN_TEXT char *user = strdup(entry->pw_name);

			found = user && is(context, user);
		}
	endpwent();
	return found;
}

bool doctor_any_admin(doctor_member_fn *is, void *context)
{
	if (is(context, "root"))
		return true;
	for (size_t i = 0; i < sizeof(groups) / sizeof(groups[0]); i++) {
		const struct group *group = getgrnam(groups[i]);

		for (char **member = group ? group->gr_mem : NULL; member && *member; member++)
			if (is(context, *member))
				return true;
	}
	return false;
}

void doctor_administrators(struct doctor *doctor)
{
	look_at_console(doctor);
	if (doctor->ctl->tool.store)
		(void)doctor_any_admin(look_at_administrator, doctor);
}
