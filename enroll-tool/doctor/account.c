/*
 * totpctl doctor: the account line of an enrollment in the login. The auth line passes users who
 * must enroll on to the account line; if that is missing or skipped, they log in without a code.
 */
#include <stdlib.h>
#include <string.h>

#include "doctor/finding.h"
#include "common/service.h"

struct account_check {
	struct doctor *doctor;
	const char *service;
	const struct stack_line *auth; /* the line that passes users on, and its policy */
	const struct policy *policy;
	struct stack stack; /* the account lines */
};

static void tell_missing(const struct account_check *check)
{
	doctor_report(
		check->doctor,
		&(struct report){
			.id = "enroll-missing",
			.service = check->service,
			.line = check->auth,
			.why = "users who must give a code and are not enrolled log in without one",
			.repair = "remove the argument, or write above pam_unix in account: "
				  "account requisite pam_totp.so enroll_in_account"},
		"enroll_in_account, but no account line with it");
}

/* Does a line of ours do what the auth line expects? */
static void check_our_line(const struct account_check *check, const struct stack_line *line)
{
	const struct policy *auth = check->policy;
	struct policy policy;

	if (doctor_line_policy(check->doctor, check->service, line, &policy) != TOTP_OK)
		return;
	if (!policy.enroll_in_account) {
		doctor_report(check->doctor,
			      &(struct report){.id = "enroll-argument",
					       .service = check->service,
					       .line = line,
					       .why = "it denies all users who must enroll",
					       .repair = "add enroll_in_account"},
			      "pam_totp.so in account without enroll_in_account");
	} else if (policy.enroll_login != auth->enroll_login ||
		   policy.enroll_until != auth->enroll_until ||
		   strcmp(policy.store_dir, auth->store_dir) != 0 ||
		   strcmp(policy.keyring, auth->keyring) != 0) {
		doctor_report(
			check->doctor,
			&(struct report){.id = "enroll-policy",
					 .service = check->service,
					 .line = line,
					 .why = "the account line may deny users whom the auth "
						"line passes on, or store them elsewhere",
					 .repair = "name the same conf= in both lines"},
			"another policy than that of the auth line");
	}
}

static void tell_marks(const struct account_check *check, const struct stack_line *line,
		       unsigned marks)
{
	if (marks & MARK_SKIPS)
		doctor_report(check->doctor,
			      &(struct report){
				      .id = "enroll-skipped",
				      .service = check->service,
				      .line = line,
				      .why = "users who must enroll log in without a code if this "
					     "line ends the stage (pam_unix: an expired password)",
				      .repair = "move the line of pam_totp.so above this one"},
			      "this line of %s can end the account stage before pam_totp.so",
			      line->module[0] ? line->module : "an include");
	if (marks & MARK_OVERRULED)
		doctor_report(check->doctor,
			      &(struct report){
				      .id = "enroll-overruled",
				      .service = check->service,
				      .line = line,
				      .why = "a user whose enrollment is given up or fails logs in",
				      .repair = "write requisite as its control"},
			      "the login goes on after pam_totp.so has denied it");
}

static void walk_account(const struct account_check *check)
{
	OWN_WALK struct walk walk = {0};
	size_t count = check->stack.count;
	enum line_role *roles = calloc(count + 1, sizeof(*roles));

	for (size_t i = 0; roles && i < count; i++)
		roles[i] = walk_account_role(&check->stack.lines[i]);
	if (!roles || walk_stack(&check->stack, roles, &walk) != TOTP_OK)
		check->doctor->no_memory = true;
	else if (walk.too_many)
		doctor_report(check->doctor,
			      &(struct report){
				      .id = "too-many",
				      .service = check->service,
				      .line = check->auth,
				      .why = "some logins may skip pam_totp.so without being found",
				      .repair = "make the stack simpler"},
			      "more ways through the account lines than can be checked");
	else
		for (size_t i = 0; i < count; i++)
			tell_marks(check, &check->stack.lines[i], walk.marks[i]);
	free(roles);
}

void doctor_account(struct doctor *doctor, const char *service, const struct stack_line *auth,
		    const struct policy *policy)
{
	struct account_check check = {doctor, service, auth, policy, {0}};
	bool found = false;

	if (stack_read(NULL, service, "account", &check.stack) == TOTP_OK)
		for (size_t i = 0; i < check.stack.count; i++)
			if (service_is_ours(&check.stack.lines[i])) {
				found = true;
				check_our_line(&check, &check.stack.lines[i]);
			}
	if (found)
		walk_account(&check);
	else
		tell_missing(&check);
	stack_end(&check.stack);
}
