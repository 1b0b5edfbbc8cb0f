/* SPDX-License-Identifier: BSD-2-Clause */
#include "login/policy.h"

#include <stdio.h>

#include "otp/totp.h"
#include "otp/uri.h"
#include "login/policy_option.h"
#include "record/cred.h"

#ifndef STORE_DIR_PATH
#define STORE_DIR_PATH "/var/lib/pam_totp"
#endif
#ifndef KEYRING_PATH
#define KEYRING_PATH "/etc/pam_totp/keyring"
#endif
#ifndef RUN_DIR_PATH
#define RUN_DIR_PATH "/run/pam_totp"
#endif

/* Texts and lists must fit their arrays, of which a TEXT has POLICY_TEXT_MAX. */
static const struct policy_option options[] = {
	OPTION(enforce, IN_BOTH, KIND_ENFORCE, 0, 0, "required"),
	OPTION(required_for, IN_BOTH, KIND_LIST, 0, POLICY_LIST_MAX, ""),
	OPTION(exempt, IN_BOTH, KIND_LIST, 0, POLICY_LIST_MAX, ""),
	OPTION(trusted_networks, IN_BOTH, KIND_NETWORKS, 0, 0, ""),
	OPTION(remember, IN_BOTH, KIND_SECONDS, 0, 30 * 86400, "0"),
	OPTION(password, IN_BOTH, KIND_PASSWORD, 0, 0, "none"),
	OPTION(if_publickey, IN_ARGS, KIND_METHODS, 0, 0, "no"),
	OPTION(enroll_in_account, IN_ARGS, KIND_FLAG, 0, 0, "no"),
	{{"enroll", true, false, "tool"}, KIND_ENROLL, 0, 0, 0},
	OPTION(enroll_until, IN_FILE, KIND_DATE, 0, 0, ""),
	OPTION(enroll_qr, IN_FILE, KIND_QR, 0, 0, "utf8"),
	OPTION(prompt, IN_BOTH, KIND_TEXT, 0, 0, "\"Verification code: \""),
	OPTION(help, IN_FILE, KIND_TEXT, 0, 0, ""),
	OPTION(echo, IN_BOTH, KIND_FLAG, 0, 0, "no"),
	OPTION(debug, IN_ARGS, KIND_FLAG, 0, 0, "no"),
	OPTION(window, IN_FILE, KIND_NUMBER, 0, TOTP_WINDOW_MAX / 2, "1"),
	OPTION(hotp_window, IN_FILE, KIND_NUMBER, 0, 100, "10"),
	OPTION(attempts, IN_FILE, KIND_NUMBER, 1, 100, "5"),
	OPTION(attempts_refill, IN_FILE, KIND_SECONDS, 1, 7 * 86400, "5m"),
	OPTION(attempts_total, IN_FILE, KIND_NUMBER, 1, 10000, "100"),
	OPTION(attempts_total_refill, IN_FILE, KIND_SECONDS, 0, 366 * 86400, "6h"),
	OPTION(fail_delay, IN_FILE, KIND_SECONDS, 0, 60, "2s"),
	OPTION(issuer, IN_FILE, KIND_TEXT, 0, 0, "%h"),
	OPTION(account, IN_FILE, KIND_TEXT, 0, 0, "%u"),
	OPTION(algorithm, IN_FILE, KIND_ALGORITHM, 0, 0, "SHA1"),
	OPTION(digits, IN_FILE, KIND_NUMBER, CODE_DIGITS_MIN, CODE_DIGITS_MAX, "6"),
	OPTION(period, IN_FILE, KIND_SECONDS, TOTP_PERIOD_MIN, TOTP_PERIOD_MAX, "30"),
	OPTION(recovery_codes, IN_FILE, KIND_NUMBER, 0, RECOVERY_MAX, "10"),
	OPTION(store, IN_FILE, KIND_STORE, 0, 0, "files"),
	OPTION(local_users, IN_FILE, KIND_LIST, 0, POLICY_SHORT_LIST, ""),
	OPTION(store_dir, IN_FILE, KIND_PATH, 0, 0, STORE_DIR_PATH),
	OPTION(keyring, IN_FILE, KIND_PATH, 0, 0, KEYRING_PATH),
	OPTION(readonly_login, IN_FILE, KIND_FLAG, 0, 0, "no"),
	OPTION(run_dir, IN_FILE, KIND_PATH, 0, 0, RUN_DIR_PATH),
};

#define OPTIONS (sizeof(options) / sizeof(options[0]))

/* Names that people bring along from other modules, and what to write instead. */
static const struct {
	const char *theirs;
	const char *ours;
} foreign[] = {
	{"nullok", "write enforce=optional"},
	{"secret", "secrets lie in store_dir, a key of the policy file"},
	{"user", "records belong to root or the service account"},
	{"usersfile", "records lie in store_dir, a key of the policy file"},
	{"authtok_prompt", "write prompt="},
	{"echo_verification_code", "write echo"},
	{"allowed_perm", "the modes of records are fixed"},
	{"no_strict_owner", "the owners of records are fixed"},
	{"no_increment_hotp", "a failure never moves a counter here"},
	{"noskewadj", "no clock offset is ever learned here"},
	{"alwaysok", "there is no such thing here"},
	{"grace_period", "write remember="},
	{"forward_pass", "write password=combined"},
	{"try_first_pass", "write password=try_first_pass"},
	{"use_first_pass", "write password=use_first_pass"},
	{"allow_readonly", "write readonly_login = yes in the policy file"},
};

/* NULL past the last. */
static const struct policy_option *option_at(size_t index)
{
	return index < OPTIONS ? &options[index] : policy_more_at(index - OPTIONS);
}

const struct policy_key *policy_key_at(size_t index)
{
	const struct policy_option *option = option_at(index);

	return option ? &option->key : NULL;
}

/* An entry of a list without its '@'. */
static struct text name_in(struct text entry, bool *ret_group)
{
	entry = text_trim(entry);
	*ret_group = entry.len && entry.at[0] == '@';
	return *ret_group ? (struct text){entry.at + 1, entry.len - 1} : entry;
}

bool policy_list_next(struct text *rest, struct text *ret_name, bool *ret_group)
{
	struct text entry;

	while (text_field(rest, ',', &entry)) {
		*ret_name = name_in(entry, ret_group);
		if (ret_name->len)
			return true;
	}
	return false;
}

bool policy_list_has(const char *list, struct text wanted)
{
	struct text rest = text_of(list), name;
	bool group = false;

	while (policy_list_next(&rest, &name, &group))
		if (!group && name.len == wanted.len && memcmp(name.at, wanted.at, wanted.len) == 0)
			return true;
	return false;
}

bool policy_list_has_groups(const char *list)
{
	struct text rest = text_of(list), name;
	bool group = false;

	while (policy_list_next(&rest, &name, &group))
		if (group)
			return true;
	return false;
}

/*
 * A list that can be walked, without an empty entry. A group may have a blank in its name ("domain
 * users"); two users without a comma between them must not pass for one that nobody has.
 */
static bool list_is_good(struct text list)
{
	struct text entry;

	if (list.len && list.at[list.len - 1] == ',')
		return false;
	while (text_field(&list, ',', &entry)) {
		bool group;

		entry = name_in(entry, &group);
		if (!entry.len || !text_is_clean(entry) || entry.at[0] == '@' ||
		    text_trim(entry).len != entry.len ||
		    (!group && memchr(entry.at, ' ', entry.len)))
			return false;
	}
	return true;
}

enum totp_err policy_expand(const char *pattern, const struct policy_names *names, char *ret_text,
			    size_t cap)
{
	size_t len = 0;

	for (; *pattern; pattern++) {
		char literal[2] = {*pattern, '\0'};
		const char *part = literal;

		if (*pattern == '%') {
			pattern++;
			part = *pattern == 'u'   ? names->user
			       : *pattern == 'h' ? names->host
			       : *pattern == 'f' ? names->full_host
			       : *pattern == '%' ? "%"
						 : NULL;
			if (!part)
				return TOTP_ERR_FORMAT;
		}
		if (strlen(part) >= cap - len)
			return TOTP_ERR_RANGE;
		len = (size_t)(stpcpy(ret_text + len, part) - ret_text);
	}
	ret_text[len] = '\0';
	return TOTP_OK;
}

/* Set a member to the index of the word that the value is; a reason lists them all. */
static enum totp_err set_word(struct text value, const char *const *words, unsigned *index,
			      struct reason *why)
{
	char list[120] = "";
	size_t len = 0;

	for (unsigned i = 0; words[i]; i++) {
		const char *before = i == 0 ? "" : words[i + 1] ? ", " : " or ";

		if (text_is(value, words[i])) {
			*index = i;
			return TOTP_OK;
		}
		len += (size_t)snprintf(list + len, sizeof(list) - len, "%s%s", before, words[i]);
	}
	return reason_err(why, TOTP_ERR_FORMAT, "expected %s", list);
}

static enum totp_err set_flag(struct text value, bool *flag, struct reason *why)
{
	static const char *const words[] = {"yes", "no", NULL};
	unsigned index = 1;
	enum totp_err err = set_word(value, words, &index, why);

	*flag = index == 0;
	return err;
}

static enum totp_err set_text(const struct policy_option *option, struct text value, char *text,
			      struct reason *why)
{
	static const struct policy_names names = {"u", "h", "f"};
	bool is_pattern = option->at != AT(prompt) && option->at != AT(help);
	char pattern[POLICY_TEXT_MAX], expanded[2 * POLICY_TEXT_MAX];

	if (text_copy(value, pattern, sizeof(pattern)) != TOTP_OK || !text_is_clean(value) ||
	    (is_pattern && (!pattern[0] || strchr(pattern, ':') ||
			    policy_expand(pattern, &names, expanded, sizeof(expanded)) != TOTP_OK)))
		return reason_err(
			why, TOTP_ERR_FORMAT, "expected %s%d bytes of text%s",
			is_pattern ? "1 to " : "at most ", POLICY_TEXT_MAX - 1,
			is_pattern ? " without a colon, in which %u, %h, %f and %% are replaced"
				   : "");
	return text_copy(value, text, POLICY_TEXT_MAX);
}

static enum totp_err set_list(const struct policy_option *option, struct text value, char *list,
			      struct reason *why)
{
	if (value.len >= option->max)
		return reason_err(why, TOTP_ERR_RANGE, "longer than %u bytes: use a @group",
				  option->max - 1);
	if (!list_is_good(value))
		return reason_err(why, TOTP_ERR_FORMAT,
				  "expected users and @groups, separated by commas");
	return text_copy(value, list, option->max);
}

static enum totp_err set_networks(struct text value, char *list, struct reason *why)
{
	struct text rest = value, entry;
	struct network network;

	if (value.len >= POLICY_NETWORKS_MAX)
		return reason_err(why, TOTP_ERR_RANGE, "longer than %d bytes",
				  POLICY_NETWORKS_MAX - 1);
	if (value.len && value.at[value.len - 1] == ',')
		return reason_err(why, TOTP_ERR_FORMAT,
				  "expected another network after the last comma");
	while (text_field(&rest, ',', &entry)) {
		enum totp_err err = network_read(text_trim(entry), &network, why);

		if (err != TOTP_OK)
			return err;
	}
	return text_copy(value, list, POLICY_NETWORKS_MAX);
}

bool policy_networks_have(const char *list, const struct address *address)
{
	struct text rest = text_of(list), entry;
	struct network network;

	while (text_field(&rest, ',', &entry))
		if (network_read(text_trim(entry), &network, NULL) == TOTP_OK &&
		    network_has(&network, address))
			return true;
	return false;
}

static enum totp_err set_enforce(struct text value, struct policy *policy, struct reason *why)
{
	policy->enforce_from = 0;
	if (text_is(value, "required")) {
		policy->enforce = ENFORCE_REQUIRED;
		return TOTP_OK;
	}
	if (text_is(value, "optional")) {
		policy->enforce = ENFORCE_OPTIONAL;
		return TOTP_OK;
	}
	if (text_date(value, &policy->enforce_from) == TOTP_OK) {
		policy->enforce = ENFORCE_FROM;
		return TOTP_OK;
	}
	return reason_err(why, TOTP_ERR_FORMAT,
			  "expected required, optional or a date such as 2027-01-31");
}

static enum totp_err set_enroll(struct text value, struct policy *policy, struct reason *why)
{
	struct text rest = value, entry;

	policy->enroll_tool = policy->enroll_login = false;
	while (text_field(&rest, ',', &entry)) {
		if (text_is(text_trim(entry), "tool"))
			policy->enroll_tool = true;
		else if (text_is(text_trim(entry), "login"))
			policy->enroll_login = true;
		else
			return reason_err(why, TOTP_ERR_FORMAT,
					  "expected tool, login, both with a comma, or nothing");
	}
	return TOTP_OK;
}

unsigned policy_ssh_method(struct text name)
{
	static const struct {
		const char *name;
		enum ssh_method method;
	} methods[] = {
		{"publickey", SSH_PUBLICKEY},
		{"gssapi-with-mic", SSH_GSSAPI},
		{"gssapi-keyex", SSH_GSSAPI},
		{"hostbased", SSH_HOSTBASED},
	};

	for (size_t i = 0; i < sizeof(methods) / sizeof(methods[0]); i++)
		if (text_is(name, methods[i].name))
			return methods[i].method;
	return 0;
}

/* "yes" is what proves the person: a host's key proves the host. */
static enum totp_err set_methods(struct text value, unsigned *methods, struct reason *why)
{
	struct text rest = value, entry;

	*methods = text_is(value, "yes") ? SSH_PUBLICKEY | SSH_GSSAPI : 0;
	if (text_is(value, "yes") || text_is(value, "no"))
		return TOTP_OK;
	for (bool good = value.len && value.at[value.len - 1] != ','; good;) {
		unsigned method;

		if (!text_field(&rest, ',', &entry))
			return TOTP_OK;
		method = policy_ssh_method(text_trim(entry));
		good = method != 0;
		*methods |= method;
	}
	*methods = 0;
	return reason_err(why, TOTP_ERR_FORMAT,
			  "expected publickey, gssapi-with-mic, gssapi-keyex or hostbased, "
			  "separated by commas");
}

static const char *const password_words[] = {[PASSWORD_NONE] = "none",
					     [PASSWORD_TRY_FIRST_PASS] = "try_first_pass",
					     [PASSWORD_USE_FIRST_PASS] = "use_first_pass",
					     [PASSWORD_COMBINED] = "combined",
					     NULL};
static const char *const qr_words[] = {
	[ENROLL_QR_UTF8] = "utf8", [ENROLL_QR_ASCII] = "ascii", [ENROLL_QR_NONE] = "none", NULL};
static const char *const store_words[] = {[STORE_IN_FILES] = "files",
					  [STORE_IN_ETCD] = "etcd",
					  [STORE_AT_VERIFIER] = "verifier",
					  NULL};

static enum totp_err set_option(const struct policy_option *option, struct text value,
				struct policy *policy, struct reason *why)
{
	void *at = (char *)policy + option->at;
	uint64_t number = 0;

	switch (option->kind) {
	case KIND_FLAG:
		return set_flag(value, at, why);
	case KIND_NUMBER:
		if (text_number(value, option->min, option->max, &number) == TOTP_OK) {
			*(uint32_t *)at = (uint32_t)number;
			return TOTP_OK;
		}
		return reason_err(why, TOTP_ERR_FORMAT, "expected a number from %u to %u",
				  option->min, option->max);
	case KIND_SECONDS:
		if (text_duration(value, option->min, option->max, at) == TOTP_OK)
			return TOTP_OK;
		return reason_err(why, TOTP_ERR_FORMAT,
				  "expected %u to %u seconds, such as 30, 30s, 5m, 6h or 1d",
				  option->min, option->max);
	case KIND_TEXT:
		return set_text(option, value, at, why);
	case KIND_LIST:
		return set_list(option, value, at, why);
	case KIND_NETWORKS:
		return set_networks(value, at, why);
	case KIND_PASSWORD:
		return set_word(value, password_words, at, why);
	case KIND_PATH:
		if (value.len > 1 && value.at[0] == '/' && text_is_clean(value) &&
		    text_copy(value, at, POLICY_PATH_MAX) == TOTP_OK)
			return TOTP_OK;
		return reason_err(why, TOTP_ERR_FORMAT,
				  "expected an absolute path of at most %d bytes",
				  POLICY_PATH_MAX - 1);
	case KIND_ENFORCE:
		return set_enforce(value, policy, why);
	case KIND_ENROLL:
		return set_enroll(value, policy, why);
	case KIND_METHODS:
		return set_methods(value, at, why);
	case KIND_DATE:
		*(int64_t *)at = 0;
		if (value.len == 0 || text_date(value, at) == TOTP_OK)
			return TOTP_OK;
		return reason_err(why, TOTP_ERR_FORMAT,
				  "expected a date such as 2027-01-31, or nothing");
	case KIND_QR:
		return set_word(value, qr_words, at, why);
	case KIND_STORE:
		return set_word(value, store_words, at, why);
	case KIND_ENDPOINTS:
	case KIND_VERIFIERS:
	case KIND_HOSTS:
		return policy_more_set(option->kind, value, at, why);
	case KIND_ALGORITHM:
		if (uri_algorithm_of(value, &policy->algorithm) == TOTP_OK)
			return TOTP_OK;
		return reason_err(why, TOTP_ERR_FORMAT, "expected SHA1, SHA256 or SHA512");
	}
	return TOTP_ERR_ARGUMENT;
}

/* The value of `"like this"`, in which blanks at the ends stay, or of bare words. */
static struct text unquote(struct text value)
{
	if (value.len >= 2 && value.at[0] == '"' && value.at[value.len - 1] == '"') {
		value.at++;
		value.len -= 2;
	}
	return value;
}

void policy_default(struct policy *policy)
{
	const struct policy_option *option;

	*policy = (struct policy){0};
	for (size_t i = 0; (option = option_at(i)); i++) {
		struct text value = unquote(text_of(option->key.fallback));

		/* a unit test shows that every default is in range */
		if (set_option(option, value, policy, NULL) != TOTP_OK)
			return;
	}
}

/* One reading: what complaints go to, and which keys were given in this place. */
struct reading {
	struct policy *policy;
	enum policy_where where;
	policy_complain_fn *complain;
	void *context;
	bool seen[OPTIONS + POLICY_MORE];
	bool failed;
};

/*
 * Complain: "file:12: key: sentence". Text that does not look like the name of a key is not
 * repeated: with a mistaken conf= it can be a line of a keyring or of a list of secrets.
 */
static void report_mistake(struct reading *reading, const char *place, struct text key,
			   const char *sentence)
{
	struct reason complaint;
	bool is_key = key.len && key.len <= 24;

	for (size_t i = 0; is_key && i < key.len; i++)
		is_key = ((key.at[i] | 32) >= 'a' && (key.at[i] | 32) <= 'z') || key.at[i] == '_';
	if (is_key)
		reason_set(&complaint, "%s: %.*s: %.100s", place, (int)key.len, key.at, sentence);
	else
		reason_set(&complaint, "%s: %.100s", place, sentence);
	reading->failed = true;
	reading->complain(reading->context, &complaint);
}

static void report_unknown(struct reading *reading, const char *place, struct text key)
{
	char sentence[120] = "no such key: pam_totp.conf(5) lists all keys";

	for (size_t i = 0; i < sizeof(foreign) / sizeof(foreign[0]); i++)
		if (text_is(key, foreign[i].theirs))
			snprintf(sentence, sizeof(sentence), "an option of another module: %s",
				 foreign[i].ours);
	report_mistake(reading, place, key, sentence);
}

static void read_pair(struct reading *reading, const char *place, struct text key,
		      struct text value)
{
	const struct policy_option *option;
	struct reason why = {""};
	size_t i = 0;

	while ((option = option_at(i)) && !text_is(key, option->key.name))
		i++;
	if (!option) {
		if (reading->where != IN_FILE || !policy_list_has(policy_more_skipped, key))
			report_unknown(reading, place, key);
		return;
	}
	if (reading->where == IN_FILE ? !option->key.in_file : !option->key.in_args) {
		report_mistake(reading, place, key,
			       reading->where == IN_FILE
				       ? "belongs on the PAM line, not in the file"
				       : "belongs in the policy file, not on the PAM "
					 "line");
		return;
	}
	if (reading->seen[i])
		report_mistake(reading, place, key, "given twice");
	reading->seen[i] = true;
	if (set_option(option, unquote(value), reading->policy, &why) != TOTP_OK)
		report_mistake(reading, place, key, why.text);
}

/* Take the key off a line: what stands before '='. */
static bool split_pair(struct text *line, struct text *ret_key)
{
	const char *equals = line->len ? memchr(line->at, '=', line->len) : NULL;

	if (!equals)
		return false;
	*ret_key = text_trim((struct text){line->at, (size_t)(equals - line->at)});
	line->len -= (size_t)(equals - line->at) + 1;
	line->at = equals + 1;
	*line = text_trim(*line);
	return true;
}

bool policy_next_line(struct text *rest, struct policy_line *line)
{
	while (text_line(rest, &line->value)) {
		line->number++;
		line->value = text_trim(line->value);
		if (line->value.len == 0 || line->value.at[0] == '#')
			continue;
		line->is_pair = split_pair(&line->value, &line->key);
		return true;
	}
	return false;
}

enum totp_err policy_parse(struct policy *policy, struct text text, const char *name,
			   policy_complain_fn *complain, void *context)
{
	struct reading reading = {policy, IN_FILE, complain, context, {false}, false};
	struct policy_line line = {.number = 0};
	char place[128];

	while (policy_next_line(&text, &line)) {
		snprintf(place, sizeof(place), "%.100s:%u", name, line.number);
		if (line.is_pair)
			read_pair(&reading, place, line.key, line.value);
		else
			report_mistake(&reading, place, line.value, "expected key = value");
	}
	return reading.failed ? TOTP_ERR_FORMAT : TOTP_OK;
}

enum totp_err policy_parse_args(struct policy *policy, int argc, const char **argv,
				policy_complain_fn *complain, void *context)
{
	static const char flags[] = "debug,echo,if_publickey,enroll_in_account";
	struct reading reading = {policy, IN_ARGS, complain, context, {false}, false};

	for (int i = 0; i < argc; i++) {
		struct text value = text_of(argv[i]), key;

		if (strncmp(argv[i], "conf=", 5) == 0)
			continue;
		if (policy_list_has(flags, value))
			read_pair(&reading, "PAM line", value, text_of("yes"));
		else if (split_pair(&value, &key))
			/* blanks count here: PAM has taken the brackets off [prompt=Code: ] */
			read_pair(&reading, "PAM line", key, text_of(strchr(argv[i], '=') + 1));
		else
			report_unknown(&reading, "PAM line", value);
	}
	return reading.failed ? TOTP_ERR_FORMAT : TOTP_OK;
}

enum totp_err policy_conf_of_args(int argc, const char **argv, const char **ret_path,
				  policy_complain_fn *complain, void *context)
{
	struct reading reading = {.complain = complain, .context = context};

	*ret_path = NULL;
	for (int i = 0; i < argc; i++) {
		if (strncmp(argv[i], "conf=", 5) != 0)
			continue;
		if (*ret_path || argv[i][5] != '/')
			report_mistake(&reading, "PAM line", text_of("conf"),
				       *ret_path ? "given twice" : "expected an absolute path");
		*ret_path = argv[i] + 5;
	}
	return reading.failed ? TOTP_ERR_FORMAT : TOTP_OK;
}
