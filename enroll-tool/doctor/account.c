/*
 * totpctl doctor: the account line of an enrolment inside the login. The auth line lets
 * somebody on who must enrol; without its partner in account, or past it, they are in.
 */
#include <stdlib.h>
#include <string.h>

#include "doctor/doctor.h"
#include "common/service.h"

struct account_bed {
	struct doctor *doctor;
	const char *service;
	const struct stack_line *auth; /* the line that lets on, and its policy */
	const struct policy *policy;
	struct stack stack; /* the account lines */
};

static void tell_missing(const struct account_bed *bed)
{
	doctor_edit(doctor_find(bed->doctor, "enroll-missing", bed->service,
				"whoever must give a code and is not enrolled gets in without one",
				AT_LINE "enroll_in_account, and no account line with it",
				PLACE_OF(bed->auth)),
		    bed->auth,
		    "take the argument out, or write above pam_unix in account: account requisite "
		    "pam_totp.so enroll_in_account");
}

static void tell_other_policy(const struct account_bed *bed, const struct stack_line *line)
{
	doctor_edit(doctor_find(bed->doctor, "enroll-policy", bed->service,
				"whom the one lets on the other may refuse, or put into another "
				"store",
				AT_LINE "another policy than that of the auth line",
				PLACE_OF(line)),
		    line, "name the same conf= in both lines");
}

static bool is_same_policy(const struct policy *a, const struct policy *b)
{
	return a->enroll_login == b->enroll_login && a->enroll_until == b->enroll_until &&
	       strcmp(a->store_dir, b->store_dir) == 0 && strcmp(a->keyring, b->keyring) == 0;
}

/* Does a line of ours do its part? */
static void look_at_line(const struct account_bed *bed, const struct stack_line *line)
{
	struct policy policy;

	if (doctor_line_policy(bed->doctor, bed->service, line, &policy) != TOTP_OK)
		return;
	if (!policy.enroll_in_account) {
		doctor_edit(doctor_find(bed->doctor, "enroll-argument", bed->service,
					"it refuses everybody who must enrol",
					AT_LINE "pam_totp.so in account without enroll_in_account",
					PLACE_OF(line)),
			    line, "add enroll_in_account");
	} else if (!is_same_policy(&policy, bed->policy)) {
		tell_other_policy(bed, line);
	}
}

static void tell_marks(const struct account_bed *bed, const struct stack_line *line, unsigned marks)
{
	if (marks & MARK_SKIPS)
		doctor_edit(doctor_find(bed->doctor, "enroll-skipped", bed->service,
					"who must enrol gets in without, by what this line answers "
					"(pam_unix: the password has expired)",
					AT_LINE "by this line of %s an account stage ends before "
						"pam_totp.so",
					PLACE_OF(line),
					line->module[0] ? line->module : "an include"),
			    line, "move the line of pam_totp.so above this one");
	if (marks & MARK_OVERRULED)
		doctor_edit(doctor_find(bed->doctor, "enroll-overruled", bed->service,
					"who gives the enrolment up, or for whom it fails, gets in",
					AT_LINE "the login goes on when pam_totp.so has refused",
					PLACE_OF(line)),
			    line, "write requisite for its control");
}

static void look_at_ways(const struct account_bed *bed)
{
	OWN_WALK struct walk routes = {0};
	size_t count = bed->stack.count;
	enum line_role *roles = calloc(count + 1, sizeof(*roles));

	for (size_t i = 0; roles && i < count; i++)
		roles[i] = walk_account_role(&bed->stack.lines[i]);
	if (!roles || walk_stack(&bed->stack, roles, &routes) != TOTP_OK)
		bed->doctor->no_memory = true;
	else if (routes.too_many)
		doctor_edit(doctor_find(bed->doctor, "too-many", bed->service,
					"nothing can be said of who gets past pam_totp.so",
					AT_LINE "more ways through the account lines than can be "
						"looked at",
					PLACE_OF(bed->auth)),
			    bed->auth, "make the stack simpler");
	else
		for (size_t i = 0; i < count; i++)
			tell_marks(bed, &bed->stack.lines[i], routes.marks[i]);
	free(roles);
}

void doctor_account(struct doctor *doctor, const char *service, const struct stack_line *auth,
		    const struct policy *policy)
{
	struct account_bed bed = {doctor, service, auth, policy, {0}};
	bool found = false;

	if (stack_read(NULL, service, "account", &bed.stack) == TOTP_OK)
		for (size_t i = 0; i < bed.stack.count; i++)
			if (service_is_ours(&bed.stack.lines[i])) {
				found = true;
				look_at_line(&bed, &bed.stack.lines[i]);
			}
	if (found)
		look_at_ways(&bed);
	else
		tell_missing(&bed);
	stack_end(&bed.stack);
}
