/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * totpctl doctor: Match blocks of sshd's configuration. Each one that changes how logins
 * are authenticated is judged with its settings over the common ones.
 */
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "doctor/sshd_settings.h"
#include "host/facts.h"

#define OVER_MAX 4096

struct block {
	struct doctor *doctor;
	const struct code_service *code_service;
	const struct sshd_settings *base;
	char file[512], criteria[256];
	unsigned number; /* of its Match line; 0: none yet */
	bool has_methods;
	char over[OVER_MAX];
	size_t len;
};

/* --- its criteria --- */

static bool is_listed(const char *list, bool group, struct text one)
{
	struct text rest = text_of(list), entry;
	bool is_group;

	while (policy_list_next(&rest, &entry, &is_group))
		if (is_group == group && entry.len == one.len &&
		    memcmp(entry.at, one.at, one.len) == 0)
			return true;
	return false;
}

static bool is_exempt_user(const struct policy *policy, struct text user)
{
	struct gate_facts facts = {0};
	struct account account = {0};
	struct reason why = {""};
	char name[CRED_USER_MAX + 1];

	return text_copy(user, name, sizeof(name)) == TOTP_OK &&
	       account_find(name, &account, &why) == TOTP_OK && account.known &&
	       facts_find(policy, &(struct facts_subject){&account, NULL, NULL}, &facts, &why) ==
		       TOTP_OK &&
	       facts.exempt && !facts.required;
}

/* Does each of the values of a criterion, by itself and without a pattern, need no code? */
static bool are_exempt(const struct policy *policy, const char *kind, struct text values)
{
	struct text one;
	bool exempt = false;

	while (text_field(&values, ',', &one)) {
		exempt = false;
		if (strcasecmp(kind, "user") == 0)
			exempt = is_exempt_user(policy, one);
		else if (strcasecmp(kind, "group") == 0)
			exempt = is_listed(policy->exempt, true, one);
		else if (strcasecmp(kind, "address") == 0)
			exempt = is_listed(policy->trusted_networks, false, one);
		if (!exempt)
			return false;
	}
	return exempt;
}

/* All criteria of a block must match, so one that matches exempt logins only is enough. */
static bool is_for_exempt(const struct block *block)
{
	struct text rest = text_of(block->criteria), word, value;

	while (text_field(&rest, ' ', &word)) {
		char kind[32];

		if (text_copy(word, kind, sizeof(kind)) != TOTP_OK ||
		    !text_field(&rest, ' ', &value))
			return false;
		if (are_exempt(&block->code_service->policy, kind, value))
			return true;
	}
	return false;
}

/* --- what it changes --- */

static void judge_block(struct block *block)
{
	const struct sshd_settings settings = {block->over, block->base->text};
	struct sshd_verdict verdict = sshd_judge(block->code_service, &settings);
	char where[900], repair[700];

	if (!block->has_methods)
		verdict.problems &= ~sshd_judge(block->code_service, block->base).problems;
	if (!block->len || !verdict.problems || is_for_exempt(block))
		return;
	snprintf(where, sizeof(where), "%s:%u: Match %s", block->file, block->number,
		 block->criteria);
	snprintf(repair, sizeof(repair),
		 "exempt these logins in the policy if they need no code, or change the block: "
		 "${EDITOR:-vi} +%u %s",
		 block->number, block->file);
	sshd_report(block->doctor, block->code_service, &verdict, where, repair);
}

static void begin_block(struct block *block, const struct sshd_line *line)
{
	judge_block(block);
	block->len = 0;
	block->over[0] = '\0';
	block->has_methods = false;
	block->number = line->match_number;
	if (!line->match_number ||
	    text_copy(text_of(line->match_file), block->file, sizeof(block->file)) != TOTP_OK ||
	    text_copy(line->match, block->criteria, sizeof(block->criteria)) != TOTP_OK ||
	    strcasecmp(block->criteria, "all") == 0) /* sshd -T has applied it */
		block->number = 0;
}

static bool is_of_authentication(const struct sshd_line *line)
{
	static const char *const keywords[] = {
		"AuthenticationMethods",        "PubkeyAuthentication",
		"KbdInteractiveAuthentication", "ChallengeResponseAuthentication",
		"PasswordAuthentication",       "GSSAPIAuthentication",
		"HostbasedAuthentication"};

	for (size_t i = 0; i < sizeof(keywords) / sizeof(keywords[0]); i++)
		if (sshd_line_is(line, keywords[i]))
			return true;
	return false;
}

/* In lower case, as sshd -T prints it. */
static void keep_setting(struct block *block, const struct sshd_line *line)
{
	size_t name = block->len;
	int made = snprintf(block->over + name, OVER_MAX - name, "%.*s %.*s\n",
			    (int)line->keyword.len, line->keyword.at, (int)line->value.len,
			    line->value.at);

	if (made < 0 || (size_t)made >= OVER_MAX - name) {
		block->over[name] = '\0';
		return;
	}
	for (size_t i = 0; i < line->keyword.len; i++)
		if (block->over[name + i] >= 'A' && block->over[name + i] <= 'Z')
			block->over[name + i] = (char)(block->over[name + i] + ('a' - 'A'));
	block->len += (size_t)made;
	block->has_methods |= sshd_line_is(line, "AuthenticationMethods");
}

static void read_match_line(void *context, const struct sshd_line *line)
{
	struct block *block = context;

	if (line->match_number != block->number || line->match_number == 0 ||
	    strcmp(line->match_file, block->file) != 0)
		begin_block(block, line);
	if (block->number && is_of_authentication(line))
		keep_setting(block, line);
}

void doctor_sshd_match(struct doctor *doctor, const struct code_service *code_service,
		       const struct sshd_settings *base)
{
	struct block *block = calloc(1, sizeof(*block));

	doctor->no_memory |= !block;
	if (!block)
		return;
	block->doctor = doctor;
	block->code_service = code_service;
	block->base = base;
	(void)sshd_config_each(SSHD_CONFIG, read_match_line, block);
	judge_block(block);
	free(block);
}
