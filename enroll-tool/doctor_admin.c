/*
 * totpctl doctor: administrators who could not log in, or not become root. They are root, and
 * the members of the groups that sudo is usually given to.
 */
#include <grp.h>
#include <shadow.h>
#include <stdlib.h>
#include <string.h>

#include "doctor.h"
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

/* Why this account cannot give a code, and what to do: one who has a record that is disabled
 * is as stuck as one who has none. NULL: it can, or there is no telling. */
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
	*ret_repair = "totpctl enable";
	return store_read_cred(store, account->name, &txn, &why) == TOTP_OK && txn.cred.disabled
		       ? "is disabled"
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

/* Whatever fails, store, keyring, clock or phones, who is exempt is not asked. */
static void look_at_console(struct doctor *doctor)
{
	for (size_t i = 0; i < doctor->patient_count; i++) {
		const struct patient *patient = &doctor->patients[i];

		if (strcmp(patient->name, "login") != 0 || patient->planned ||
		    patient->policy.exempt[0])
			continue;
		doctor_repair(
			doctor_find(doctor, "way-back", patient->name,
				    "when the store, the keyring or the clock fails, nobody gets "
				    "in to repair it",
				    "the console asks everybody for a code, and nobody is exempt"),
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
