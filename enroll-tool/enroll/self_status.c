/* SPDX-License-Identifier: BSD-2-Clause */
#include <string.h>

#include "host/clock.h"
#include "host/facts.h"
#include "host/source.h"
#include "common/json.h"
#include "common/term.h"
#include "login/change.h"
#include "login/gate.h"
#include "otp/uri.h"
#include "enroll/self.h"
#include "common/when.h"
#include "common/service.h"

/* --- for people --- */

static void print_devices(const struct wire_status *status)
{
	char added[WHEN_MAX], used[WHEN_MAX];
	size_t width = 0;

	for (size_t i = 0; i < status->token_count; i++)
		if (term_width(status->tokens[i].label) > width)
			width = term_width(status->tokens[i].label);
	for (size_t i = 0; i < status->token_count; i++) {
		const struct wire_shown *token = &status->tokens[i];

		printf("  %s%*s  added %.10s, last used %s%s\n", token->label,
		       (int)(width - term_width(token->label)), "",
		       when_text(token->created, added), when_text(token->last_used, used),
		       token->type == TOKEN_HOTP ? " (by a counter)" : "");
	}
}

static void print_wrong_codes(const struct self *self)
{
	const struct outcome *outcome = &self->response.outcome;
	char place[SOURCE_TEXT_MAX], text[WHEN_MAX];

	if (outcome->failures) {
		source_place(&outcome->failure_source, place);
		printf("%u wrong code%s since your last login, %son %s\nfrom %s.\n",
		       (unsigned)outcome->failures, outcome->failures == 1 ? "" : "s",
		       outcome->failures == 1 ? "" : "the last ",
		       when_text(outcome->last_failure, text), place);
	}
	if (self->status.wait_seconds)
		printf("Too many of them from here: wait %s.\n",
		       self->status.wait_seconds == UINT32_MAX
			       ? "for your administrator to unlock you"
			       : when_duration(self->status.wait_seconds, text));
}

/* totpd and this program use the policy's file, which the arguments of a PAM line override. */
static void print_overrides(const struct self *self)
{
	char overrides[SERVICE_OVERRIDES_MAX];

	service_overrides(self->tool, overrides);
	if (overrides[0])
		printf("The policy's file says so. The PAM lines of these services differ:\n%s\n",
		       overrides);
}

/* The gate's facts about the user; false: they cannot be looked up. */
static bool find_own_facts(const struct self *self, struct gate_facts *ret_facts)
{
	const struct facts_subject subject = {&self->account, NULL, NULL};

	return facts_find(&self->tool->policy, &subject, ret_facts, &(struct reason){""}) ==
	       TOTP_OK;
}

static bool required_later(const struct self *self, char ret_date[11])
{
	const struct policy *policy = &self->tool->policy;
	struct gate_facts facts;

	if (!gate_days_left(policy, clock_now()) || !find_own_facts(self, &facts) ||
	    !gate_requires(policy, &facts, policy->enforce_from))
		return false;
	text_to_date(policy->enforce_from, ret_date);
	return true;
}

/* Why a login asks the user for a code or does not, by the function that decides it there. */
static enum gate_reason reason_of(const struct self *self)
{
	enum gate_reason reason = GATE_REASON_NONE;
	struct gate_facts facts;

	if (find_own_facts(self, &facts)) {
		facts.enrolled = self->enrolled;
		facts.pending = self->response.pending;
		(void)gate(&self->tool->policy, &facts, clock_now(), &reason);
	}
	return reason;
}

static void print_need(const struct self *self)
{
	enum gate_reason reason = reason_of(self);
	char date[11];

	if (reason == GATE_REASON_NOT_CONFIRMED && required_later(self, date))
		printf("From %s on a login as %s here needs a code of\n", date, self->account.name);
	else if (reason == GATE_REASON_NOT_CONFIRMED || reason == GATE_REASON_EXEMPT)
		printf("A login as %s here needs no code%s. You have\n", self->account.name,
		       reason == GATE_REASON_EXEMPT ? "" : " yet");
	else
		printf("A login as %s here needs a code of\n", self->account.name);
}

static const struct {
	enum change_kind kind;
	const char *name;
} changes[] = {{CHANGE_ADD, "add"},           {CHANGE_REPLACE, "replace"},
	       {CHANGE_RENAME, "rename"},     {CHANGE_REMOVE, "remove"},
	       {CHANGE_RECOVERY, "recovery"}, {CHANGE_DISABLE, "delete"}};

#define CHANGES (sizeof(changes) / sizeof(changes[0]))

/* Would totpd allow it? By the function that decides there. */
static bool may_change(const struct self *self, enum change_kind kind)
{
	uint8_t tokens = self->status.token_count;

	return self->enrolled && !self->response.disabled &&
	       change_is_allowed(&self->tool->policy, kind, self->response.required) &&
	       !(kind == CHANGE_ADD && tokens == CRED_TOKENS_MAX) &&
	       !(kind == CHANGE_REMOVE && tokens < 2);
}

static void print_commands(const struct self *self)
{
	if (self->response.disabled)
		return;
	printf("\nSubcommands that you can use: test");
	for (size_t i = 0; i < CHANGES; i++)
		if (may_change(self, changes[i].kind))
			printf(", %s", changes[i].name);
	printf(" (see totp-enroll --help)\n");
}

static void print_record(const struct self *self)
{
	const struct wire_status *status = &self->status;

	if (self->response.disabled)
		printf("Your administrator has suspended your enrollment: every code is denied.\n");
	else if (self->response.pending)
		printf("Your phone is not confirmed yet. To confirm it, type one code from it:\n"
		       "totp-enroll test\n");
	print_need(self);
	print_devices(status);
	print_overrides(self);
	if (status->recovery_count)
		printf("%u of %u recovery codes left.%s\n", status->recovery_left,
		       status->recovery_count,
		       status->recovery_left <= 2 ? " To get new ones: totp-enroll recovery" : "");
	else
		printf("You have no recovery codes. To get some: totp-enroll recovery\n");
	print_wrong_codes(self);
	print_commands(self);
}

bool self_login_enrolls(const struct self *self)
{
	const struct policy *policy = &self->tool->policy;

	return policy->enroll_login &&
	       (self->response.invited || !gate_is_closed(policy, clock_now()));
}

static void print_absence(const struct self *self)
{
	char date[11];

	if (self->response.required)
		printf("A login as %s here needs a code, and you have no phone enrolled.\n",
		       self->account.name);
	else if (required_later(self, date))
		printf("From %s on a login as %s here needs a code, and you have no phone "
		       "enrolled.\n",
		       date, self->account.name);
	else
		printf("You have no phone enrolled here, and need none.\n");
	print_overrides(self);
	if (self->response.may_enroll)
		printf("To enroll one: totp-enroll enroll\n");
	else if (self_login_enrolls(self))
		printf("To enroll one, log in again, by ssh or at the console.\n");
	else
		printf("Only your administrator can enroll one: ask for an invitation.\n%s%s",
		       self->tool->policy.help, self->tool->policy.help[0] ? "\n" : "");
}

/* --- for programs --- */

static void put_tokens(struct json *json, const struct wire_status *status)
{
	json_open(json, "tokens", '[');
	for (size_t i = 0; i < status->token_count; i++) {
		const struct wire_shown *token = &status->tokens[i];

		json_open(json, NULL, '{');
		json_text(json, "label", token->label);
		json_text(json, "type", token->type == TOKEN_HOTP ? "hotp" : "totp");
		json_text(json, "algorithm", crypto_alg_name(token->alg));
		json_number(json, "digits", token->digits);
		json_number(json, "period", token->period);
		json_number(json, "added", (uint64_t)token->created);
		json_number(json, "last_used", (uint64_t)token->last_used);
		json_close(json, '}');
	}
	json_close(json, ']');
}

static int print_status_json(const struct self *self)
{
	const struct wire_status *status = &self->status;
	char source[SOURCE_TEXT_MAX], date[11];
	struct json json;

	source_text(&self->response.outcome.failure_source, source);
	tool_begin_json(self->tool, &json, "status");
	json_bool(&json, "enrolled", self->enrolled);
	json_bool(&json, "disabled", self->response.disabled);
	json_bool(&json, "pending", self->response.pending);
	json_bool(&json, "required", self->response.required);
	json_text(&json, "required_from", required_later(self, date) ? date : NULL);
	json_bool(&json, "exempt", reason_of(self) == GATE_REASON_EXEMPT);
	json_bool(&json, "may_enroll", self->response.may_enroll);
	json_bool(&json, "login_enrolls", self_login_enrolls(self));
	json_open(&json, "may", '[');
	for (size_t i = 0; i < CHANGES; i++)
		if (may_change(self, changes[i].kind))
			json_text(&json, NULL, changes[i].name);
	json_close(&json, ']');
	json_text(&json, "help", self->tool->policy.help[0] ? self->tool->policy.help : NULL);
	json_number(&json, "since", (uint64_t)status->created);
	json_number(&json, "last_login", (uint64_t)status->last_success);
	put_tokens(&json, status);
	json_number(&json, "recovery_codes", status->recovery_count);
	json_number(&json, "recovery_codes_left", status->recovery_left);
	json_number(&json, "failures", self->response.outcome.failures);
	json_number(&json, "last_failure", (uint64_t)self->response.outcome.last_failure);
	json_text(&json, "last_failure_source", self->response.outcome.failures ? source : NULL);
	json_number(&json, "wait_seconds", status->wait_seconds);
	return tool_end_json(self->tool, &json);
}

int self_status(struct self *self)
{
	if (self->request->json)
		return print_status_json(self);
	if (self->enrolled)
		print_record(self);
	else
		print_absence(self);
	return TOOL_DONE;
}
