/* SPDX-License-Identifier: BSD-2-Clause */
/* The input is a policy file, and then the arguments of a PAM line, each ended by a line feed. */
#include "fuzz.h"

#include "login/policy.h"
#include "otp/totp.h"

#define ARGS_MAX 32

static void complain(void *context, const struct reason *complaint)
{
	unsigned *complaints = context;

	REQUIRE(complaint->text[0]);
	REQUIRE(strlen(complaint->text) < sizeof(complaint->text));
	++*complaints;
}

static void list_is_sound(const char *list)
{
	struct text rest = text_of(list), name;
	bool group = false;

	REQUIRE(strlen(list) < POLICY_LIST_MAX);
	while (policy_list_next(&rest, &name, &group)) {
		char user[POLICY_LIST_MAX];

		REQUIRE(name.len > 0 && text_is_clean(name));
		REQUIRE(text_copy(name, user, sizeof(user)) == TOTP_OK);
		REQUIRE(group ? policy_list_has_groups(list)
			      : policy_list_has(list, text_of(user)));
	}
}

static void template_is_sound(const char *template)
{
	char text[2 * POLICY_TEXT_MAX];

	REQUIRE(template[0] && strlen(template) < POLICY_TEXT_MAX);
	REQUIRE(policy_expand(template, &(struct policy_names){"u", "h", "f"}, text,
			      sizeof(text)) == TOTP_OK);
}

static void path_is_sound(const char *path)
{
	REQUIRE(path[0] == '/' && strlen(path) < POLICY_PATH_MAX);
}

static void policy_is_sound(const struct policy *policy)
{
	REQUIRE(policy->enforce == ENFORCE_FROM ? policy->enforce_from >= 0
						: policy->enforce_from == 0);
	list_is_sound(policy->required_for);
	list_is_sound(policy->exempt);
	REQUIRE(strlen(policy->prompt) < POLICY_TEXT_MAX && text_is_clean(text_of(policy->prompt)));
	REQUIRE(policy->window <= TOTP_WINDOW_MAX);
	REQUIRE(policy->attempts > 0 && policy->attempts_refill > 0 && policy->attempts_total > 0);
	REQUIRE(crypto_mac_len(policy->algorithm) > 0);
	REQUIRE(policy->digits >= CODE_DIGITS_MIN && policy->digits <= CODE_DIGITS_MAX);
	REQUIRE(policy->period >= TOTP_PERIOD_MIN && policy->period <= TOTP_PERIOD_MAX);
	template_is_sound(policy->issuer);
	template_is_sound(policy->account);
	path_is_sound(policy->store_dir);
	path_is_sound(policy->keyring);
	path_is_sound(policy->run_dir);
}

static void parse_args(struct text input, struct policy *policy)
{
	static char words[1 << 16];
	const char *argv[ARGS_MAX], *path = NULL;
	unsigned complaints = 0;
	size_t used = 0;
	int argc = 0;
	struct text word;

	while (argc < ARGS_MAX && text_line(&input, &word)) {
		if (text_copy(word, words + used, sizeof(words) - used) != TOTP_OK)
			continue;
		argv[argc++] = words + used;
		used += word.len + 1;
	}
	REQUIRE((policy_conf_of_args(argc, argv, &path, complain, &complaints) == TOTP_OK) ==
		(complaints == 0));
	REQUIRE(complaints > 0 || !path || path[0] == '/');
	complaints = 0;
	if (policy_parse_args(policy, argc, argv, complain, &complaints) == TOTP_OK)
		policy_is_sound(policy);
	else
		REQUIRE(complaints > 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct policy policy;
	unsigned complaints = 0;

	policy_default(&policy);
	policy_is_sound(&policy);
	parse_args(fuzz_text(data, size), &policy);

	policy_default(&policy);
	if (policy_parse(&policy, fuzz_text(data, size), "policy", complain, &complaints) ==
	    TOTP_OK) {
		REQUIRE(complaints == 0);
		policy_is_sound(&policy);
	} else {
		REQUIRE(complaints > 0);
	}
	return 0;
}
