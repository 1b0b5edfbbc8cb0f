/*
 * totpctl doctor: administrators who could not log in, or not become root. They are root, and
 * the members of the groups that sudo is usually given to.
 */
#include <grp.h>
#include <pwd.h>
#include <shadow.h>
#include <stdlib.h>
#include <string.h>

#include "doctor/doctor.h"
#include "host/clock.h"
#include "host/facts.h"

static const char *const groups[] = {"sudo", "wheel", "admin"};

/* Where there is no shadow entry, a password may be elsewhere. */
bool doctor_has_password(const char *user)
{
	const struct spwd *entry = getspnam(user);

	return !entry || !entry->sp_pwdp || !strchr("!*", entry->sp_pwdp[0]) ||
	       entry->sp_pwdp[0] == '\0';
}

/* Is this service one in which this user is asked? */
static bool meets(const struct doctor *doctor, const struct patient *patient,
		  const struct account *account)
{
	if (account->uid != 0)
		return true;
	if (strncmp(patient->name, "sudo", 4) == 0)
		return false;
	if (strcmp(patient->name, doctor->sshd_service) == 0)
		return doctor->root_by_ssh;
	return doctor_has_password(account->name);
}

/* When must this user give a code? 0: now; INT64_MAX: never. */
static int64_t required_from(const struct policy *policy, const struct account *account,
			     struct reason *why)
{
	struct gate_facts facts = {0};
	const struct address nowhere = {.family = ADDRESS_NONE};

	if (facts_find(policy, account, account->name, &nowhere, &facts, why) != TOTP_OK)
		return INT64_MAX; /* a group that is not there: told already */
	if (gate_requires(policy, &facts, clock_now()))
		return 0;
	return !facts.exempt && policy->enforce == ENFORCE_FROM ? policy->enforce_from : INT64_MAX;
}

static bool is_of_this_store(const struct doctor *doctor, const struct policy *policy)
{
	return strcmp(policy->store_dir, doctor->ctl->tool.policy.store_dir) == 0;
}

/* Is there a service that leads them through an enrolment? Not sudo: it shows nothing. */
static bool may_enroll(const struct doctor *doctor, const struct account *account)
{
	const struct gate_facts facts = {.known = true};

	for (size_t i = 0; i < doctor->patient_count; i++) {
		const struct patient *patient = &doctor->patients[i];

		if (strncmp(patient->name, "sudo", 4) != 0 && meets(doctor, patient, account) &&
		    is_of_this_store(doctor, &patient->policy) &&
		    gate_may_enroll(&patient->policy, &facts, ENROLL_IN_LOGIN, clock_now()))
			return true;
	}
	return false;
}

/* Why this account cannot give a code, and what to do: one whose credential is
 * suspended is as stuck as one who has none. NULL: it can, or there is no telling. */
static const char *hindrance(const struct doctor *doctor, const struct account *account,
			     const char **ret_repair)
{
	OWN_TXN struct store_txn txn = STORE_TXN_NONE;
	struct store *store = doctor->ctl->tool.store;
	struct reason why = {""};
	bool has = true;

	if (store_has(store, account->name, &has, &why) != TOTP_OK)
		return NULL;
	*ret_repair = "totp-enroll --user";
	if (!has)
		return may_enroll(doctor, account) ? NULL : "is not enrolled";
	*ret_repair = "totpctl resume";
	return store_read_cred(store, account->name, &txn, &why) == TOTP_OK && txn.cred.disabled
		       ? "is suspended"
		       : NULL;
}

static void look_at_administrator(struct doctor *doctor, const char *name, void *context)
{
	struct account account = {.known = false};
	const char *hindered, *repair = NULL;
	struct reason why = {""};

	(void)context;
	if (account_find(name, &account, &why) != TOTP_OK || !account.known)
		return;
	hindered = hindrance(doctor, &account, &repair);
	if (!hindered)
		return;
	for (size_t i = 0; i < doctor->patient_count; i++) {
		const struct patient *patient = &doctor->patients[i];
		int64_t from = required_from(&patient->policy, &account, &why);
		char day[11];

		/* a line may go by another store */
		if (from == INT64_MAX || !meets(doctor, patient, &account) ||
		    !is_of_this_store(doctor, &patient->policy))
			continue;
		text_to_date(from, day);
		doctor_repair(
			doctor_find(doctor, "administrator", patient->name,
				    "who cannot give a code is refused, and who repairs the host "
				    "may be locked out",
				    "%s must give a code%s%s, and %s", account.name,
				    from ? " from " : "", from ? day : "", hindered),
			"%s %s", repair, account.name);
	}
}

/* --- the way back in --- */

/* Can this account log in at the console without a code? */
static bool is_way_back(const struct policy *policy, const char *name)
{
	const struct address nowhere = {.family = ADDRESS_NONE};
	const struct passwd *entry = getpwnam(name);
	struct account account = {.known = false};
	struct gate_facts facts = {0};
	struct reason why = {""};

	if (!entry || strstr(entry->pw_shell, "nologin") || strstr(entry->pw_shell, "/false"))
		return false;
	return account_find(name, &account, &why) == TOTP_OK && account.known &&
	       doctor_has_password(account.name) &&
	       facts_find(policy, &account, name, &nowhere, &facts, &why) == TOTP_OK &&
	       facts.exempt && !gate_requires(policy, &facts, clock_now());
}

static bool has_way_back_in_group(const struct policy *policy, const char *name)
{
	const struct group *group = getgrnam(name);
	gid_t gid = group ? group->gr_gid : 0;
	bool found = false;

	for (char **member = group ? group->gr_mem : NULL; member && *member; member++)
		if (is_way_back(policy, *member))
			return true;
	setpwent();
	for (const struct passwd *entry; group && !found && (entry = getpwent());)
		if (entry->pw_gid == gid) {
			OWN_TEXT char *user = strdup(entry->pw_name);

			found = user && is_way_back(policy, user);
		}
	endpwent();
	return found;
}

static bool has_way_back(const struct policy *policy)
{
	struct text rest = text_of(policy->exempt), entry;
	char name[CRED_USER_MAX + 1];
	bool group;

	while (policy_list_next(&rest, &entry, &group))
		if (text_copy(entry, name, sizeof(name)) == TOTP_OK &&
		    (group ? has_way_back_in_group(policy, name) : is_way_back(policy, name)))
			return true;
	return false;
}

/* An exempt user is not asked, whatever fails: store, keyring, clock or phones. */
static void look_at_console(struct doctor *doctor)
{
	for (size_t i = 0; i < doctor->patient_count; i++) {
		const struct patient *patient = &doctor->patients[i];
		const char *exempt = patient->policy.exempt;

		if (strcmp(patient->name, "login") != 0 || patient->planned ||
		    has_way_back(&patient->policy))
			continue;
		doctor_repair(
			doctor_find(doctor, "way-back", patient->name,
				    "when the store, the keyring or the clock fails, nobody can "
				    "log in to repair it",
				    "the console asks everybody for a code, and %s%s",
				    exempt[0] ? "no account with a password is exempt by "
					      : "nobody is exempt",
				    exempt),
			"name one account with a long password in exempt, or take the line out of "
			"the console's stack");
	}
}

void doctor_each_admin(struct doctor *doctor, doctor_admin_fn *each, void *context)
{
	each(doctor, "root", context);
	for (size_t i = 0; i < sizeof(groups) / sizeof(groups[0]); i++) {
		const struct group *group = getgrnam(groups[i]);

		for (char **member = group ? group->gr_mem : NULL; member && *member; member++)
			each(doctor, *member, context);
	}
}

void doctor_administrators(struct doctor *doctor)
{
	look_at_console(doctor);
	if (doctor->ctl->tool.store)
		doctor_each_admin(doctor, look_at_administrator, NULL);
}
