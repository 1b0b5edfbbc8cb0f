/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * totpctl doctor: the account line of an enrollment in the login. The auth line passes users who
 * must enroll on to the account line; if that is missing or skipped, they log in without a code.
 */
#include <stdlib.h>
#include <string.h>

#include "doctor/finding.h"
#include "common/service.h"

static struct subject with_id(struct subject line, const char *id)
{
	line.id = id;
	return line;
}

/* Does a line of ours do what the auth line expects? */
static void check_our_line(struct subject line, const struct policy *auth)
{
	struct policy policy;

	if (doctor_line_policy(line, &policy) != TOTP_OK)
		return;
	if (!policy.enroll_in_account) {
		doctor_report(with_id(line, "enroll-argument"),
			      "it denies all users who must enroll", "add enroll_in_account",
			      "pam_totp.so in account without enroll_in_account");
	} else if (policy.enroll_login != auth->enroll_login ||
		   policy.enroll_until != auth->enroll_until ||
		   strcmp(policy.store_dir, auth->store_dir) != 0 ||
		   strcmp(policy.keyring, auth->keyring) != 0) {
		doctor_report(with_id(line, "enroll-policy"),
			      "the account line may deny users whom the auth line passes on, or "
			      "store them elsewhere",
			      "name the same conf= in both lines",
			      "another policy than that of the auth line");
	}
}

static void tell_marks(struct subject line, unsigned marks)
{
	if (marks & MARK_SKIPS)
		doctor_report(with_id(line, "enroll-skipped"),
			      "users who must enroll log in without a code if this line ends the "
			      "stage (pam_unix: an expired password)",
			      "move the line of pam_totp.so above this one",
			      "this line of %s can end the account stage before pam_totp.so",
			      line.line->module[0] ? line.line->module : "an include");
	if (marks & MARK_OVERRULED)
		doctor_report(
			with_id(line, "enroll-overruled"),
			"a user who cancels the enrollment, or whose enrollment fails, logs in",
			"write requisite as its control",
			"the login goes on after pam_totp.so has denied it");
}

static void walk_account(struct subject auth, struct stack *stack)
{
	OWN_WALK struct walk walk = {0};

	for (size_t i = 0; i < stack->count; i++)
		stack->lines[i].role = walk_account_role(&stack->lines[i]);
	if (walk_stack(stack, &walk) != TOTP_OK)
		auth.doctor->no_memory = true;
	else if (walk.too_many)
		doctor_report(with_id(auth, "too-many"),
			      "some logins may skip pam_totp.so without being found",
			      "make the stack simpler",
			      "more ways through the account lines than can be checked");
	else
		for (size_t i = 0; i < stack->count; i++)
			tell_marks(
				(struct subject){auth.doctor, NULL, auth.service, &stack->lines[i]},
				walk.marks[i]);
}

void doctor_account(struct subject auth, const struct policy *policy)
{
	OWN_STACK struct stack stack = {0};
	struct subject ours = auth;
	bool found = false;

	if (stack_read(NULL, auth.service, "account", &stack) != TOTP_OK)
		stack_end(&stack);
	for (size_t i = 0; i < stack.count; i++) {
		ours.line = &stack.lines[i];
		if (service_is_ours(ours.line)) {
			found = true;
			check_our_line(ours, policy);
		}
	}
	if (found)
		walk_account(auth, &stack);
	else
		doctor_report(with_id(auth, "enroll-missing"),
			      "users who must give a code and are not enrolled log in without one",
			      "remove the argument, or write above pam_unix in account: account "
			      "requisite pam_totp.so enroll_in_account",
			      "enroll_in_account, but no account line with it");
}
