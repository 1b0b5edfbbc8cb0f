#include <string.h>

#include "host/clock.h"
#include "host/facts.h"
#include "host/source.h"
#include "common/json.h"
#include "login/change.h"
#include "login/gate.h"
#include "otp/uri.h"
#include "enroll/self.h"
#include "enroll/self_time.h"
#include "common/service.h"

#define JSON_MAX 8192

/* --- for people --- */

static void print_token(const struct wire_shown *token, int width)
{
	char added[SELF_TIME_MAX], used[SELF_TIME_MAX];

	printf("  %-*s  added %.10s, last used %s%s\n", width, token->label,
	       self_when(token->created, added), self_when(token->last_used, used),
	       token->type == TOKEN_HOTP ? " (by a counter)" : "");
}

static void print_tokens(const struct wire_status *status)
{
	int width = 0;

	for (size_t i = 0; i < status->token_count; i++)
		if ((int)strlen(status->tokens[i].label) > width)
			width = (int)strlen(status->tokens[i].label);
	for (size_t i = 0; i < status->token_count; i++)
		print_token(&status->tokens[i], width);
}

static void print_failures(const struct self *self)
{
	const struct outcome *outcome = &self->told.outcome;
	char place[SOURCE_TEXT_MAX], text[SELF_TIME_MAX];

	if (outcome->failures) {
		source_place(&outcome->failure_source, place);
		printf("%u wrong code%s since your last login, %son %s\nfrom %s.\n",
		       (unsigned)outcome->failures, outcome->failures == 1 ? "" : "s",
		       outcome->failures == 1 ? "" : "the last ",
		       self_when(outcome->last_failure, text), place);
	}
	if (self->status.wait_seconds)
		printf("Too many of them from here: wait %s.\n",
		       self->status.wait_seconds == UINT32_MAX
			       ? "for your administrator to unlock you"
			       : self_duration(self->status.wait_seconds, text));
}

/* totpd and this program go by the policy's file. */
static void print_overrides(const struct self *self)
{
	char overrides[SERVICE_OVERRIDES_MAX];

	service_overrides(self->tool, overrides);
	if (overrides[0])
		printf("That is the policy's file. The PAM lines of these services differ:\n%s\n",
		       overrides);
}

/* Whom the policy's file names; false: it cannot be looked up. */
static bool find_facts(const struct self *self, struct gate_facts *ret_facts)
{
	const struct address nowhere = {.family = ADDRESS_NONE};

	return facts_find(&self->tool->policy, &self->account, self->account.name, &nowhere,
			  ret_facts, &(struct reason){""}) == TOTP_OK;
}

static bool required_later(const struct self *self, char ret_date[11])
{
	const struct policy *policy = &self->tool->policy;
	struct gate_facts facts;

	if (!gate_days_left(policy, clock_now()) || !find_facts(self, &facts) ||
	    !gate_requires(policy, &facts, policy->enforce_from))
		return false;
	text_to_date(policy->enforce_from, ret_date);
	return true;
}

/* As a login decides, and by the same function. */
static void print_need(const struct self *self)
{
	enum gate_reason reason = GATE_REASON_ENROLLED;
	struct gate_facts facts;
	char date[11];

	if (find_facts(self, &facts)) {
		facts.enrolled = true;
		facts.pending = self->told.pending;
		(void)gate(&self->tool->policy, &facts, clock_now(), &reason);
	}
	if (reason == GATE_REASON_NOT_CONFIRMED && required_later(self, date))
		printf("From %s on a login as %s here needs a code of\n", date, self->account.name);
	else if (reason == GATE_REASON_NOT_CONFIRMED || reason == GATE_REASON_EXEMPT)
		printf("A login as %s here needs no code%s. You have\n", self->account.name,
		       reason == GATE_REASON_EXEMPT ? "" : " yet");
	else
		printf("A login as %s here needs a code of\n", self->account.name);
}

/* What totpd would do, by the function that it decides by. */
static void print_commands(const struct self *self)
{
	static const struct {
		enum change_kind kind;
		const char *name;
	} changes[] = {{CHANGE_ADD, "add"},           {CHANGE_REPLACE, "replace"},
		       {CHANGE_RENAME, "rename"},     {CHANGE_REMOVE, "remove"},
		       {CHANGE_RECOVERY, "recovery"}, {CHANGE_DISABLE, "delete"}};
	uint8_t tokens = self->status.token_count;

	if (self->told.disabled)
		return;
	printf("\nYou can test");
	for (size_t i = 0; i < sizeof(changes) / sizeof(changes[0]); i++)
		if (change_is_allowed(&self->tool->policy, changes[i].kind, self->told.required) &&
		    !(changes[i].kind == CHANGE_ADD && tokens == CRED_TOKENS_MAX) &&
		    !(changes[i].kind == CHANGE_REMOVE && tokens < 2))
			printf(", %s", changes[i].name);
	printf(": see totp-enroll --help\n");
}

static void print_record(const struct self *self)
{
	const struct wire_status *status = &self->status;

	if (self->told.disabled)
		printf("Your administrator has switched off what you have: every code is "
		       "refused.\n");
	else if (self->told.pending)
		printf("What you have waits for its first code: see totp-enroll test\n");
	print_need(self);
	print_tokens(status);
	print_overrides(self);
	if (status->recovery_count)
		printf("%u of %u recovery codes left.%s\n", status->recovery_left,
		       status->recovery_count,
		       status->recovery_left <= 2 ? " For new ones: totp-enroll recovery" : "");
	else
		printf("You have no recovery codes. For some: totp-enroll recovery\n");
	print_failures(self);
	print_commands(self);
}

bool self_login_enrolls(const struct self *self)
{
	const struct policy *policy = &self->tool->policy;

	return policy->enroll_login && (self->told.invited || !gate_is_closed(policy, clock_now()));
}

static void print_absence(const struct self *self)
{
	char date[11];

	if (self->told.required)
		printf("A login as %s here needs a code, and you have no phone enrolled.\n",
		       self->account.name);
	else if (required_later(self, date))
		printf("From %s on a login as %s here needs a code, and you have no phone "
		       "enrolled.\n",
		       date, self->account.name);
	else
		printf("You have no phone enrolled here, and need none.\n");
	print_overrides(self);
	if (self->told.may_enroll)
		printf("To enrol one: totp-enroll enroll\n");
	else if (self_login_enrolls(self))
		printf("To set one up, log in anew, by ssh or at the console.\n");
	else
		printf("Only your administrator can enroll one: ask for an invitation.\n%s%s",
		       self->tool->policy.help, self->tool->policy.help[0] ? "\n" : "");
}

/* --- for programs --- */

static void put_token(struct json *json, const struct wire_shown *token)
{
	json_open(json, NULL, '{');
	json_text(json, "label", token->label);
	json_text(json, "type", token->type == TOKEN_HOTP ? "hotp" : "totp");
	json_text(json, "algorithm", uri_algorithm_name(token->alg));
	json_number(json, "digits", token->digits);
	json_number(json, "period", token->period);
	json_number(json, "added", (uint64_t)token->created);
	json_number(json, "last_used", (uint64_t)token->last_used);
	json_close(json, '}');
}

static int print_json(const struct self *self)
{
	const struct wire_status *status = &self->status;
	char line[JSON_MAX], source[SOURCE_TEXT_MAX];
	struct json json = json_of(line, sizeof(line));

	source_text(&self->told.outcome.failure_source, source);
	json_open(&json, NULL, '{');
	json_text(&json, "user", self->account.name);
	json_bool(&json, "enrolled", self->enrolled);
	json_bool(&json, "disabled", self->told.disabled);
	json_bool(&json, "pending", self->told.pending);
	json_bool(&json, "required", self->told.required);
	json_bool(&json, "may_enroll", self->told.may_enroll);
	json_open(&json, "tokens", '[');
	for (size_t i = 0; i < status->token_count; i++)
		put_token(&json, &status->tokens[i]);
	json_close(&json, ']');
	json_number(&json, "recovery_codes", status->recovery_count);
	json_number(&json, "recovery_codes_left", status->recovery_left);
	json_number(&json, "failures", self->told.outcome.failures);
	json_number(&json, "last_failure", (uint64_t)self->told.outcome.last_failure);
	json_text(&json, "last_failure_source", self->told.outcome.failures ? source : NULL);
	json_number(&json, "wait_seconds", status->wait_seconds);
	json_close(&json, '}');
	if (json_end(&json) != TOTP_OK)
		return tool_refuse(self->tool, "cannot write all of it");
	fwrite(line, 1, json.out.len, stdout);
	return TOOL_DONE;
}

int self_status(struct self *self)
{
	if (self->request->json)
		return print_json(self);
	if (self->enrolled)
		print_record(self);
	else
		print_absence(self);
	return TOOL_DONE;
}
