#include "login/policy.h"

#include <stdio.h>

#include "otp/totp.h"
#include "otp/uri.h"
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

enum kind {
	KIND_FLAG,
	KIND_NUMBER,
	KIND_SECONDS,
	KIND_TEXT,
	KIND_LIST,
	KIND_NETWORKS,
	KIND_PATH,
	KIND_ENFORCE,
	KIND_ALGORITHM,
	KIND_PASSWORD,
	KIND_ENROLL,
	KIND_METHODS,
	KIND_DATE,
	KIND_QR
};

enum where { IN_FILE = 1, IN_ARGS = 2, IN_BOTH = 3 };

struct option {
	struct policy_key key;
	enum kind kind;
	size_t at;    /* offset in struct policy */
	uint32_t min; /* numbers and seconds */
	uint32_t max; /* of a list: its room, NUL included */
};

#define AT(member) offsetof(struct policy, member)
#define OPTION(name, where, kind, min, max, fallback) \
	{ \
		{#name, ((where)&IN_FILE) != 0, ((where)&IN_ARGS) != 0, fallback}, kind, AT(name), \
			min, max \
	}

/* Texts and lists must fit their arrays, of which a TEXT has POLICY_TEXT_MAX. */
static const struct option options[] = {
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
	OPTION(may_check, IN_FILE, KIND_LIST, 0, POLICY_SHORT_LIST, ""),
	OPTION(issuer, IN_FILE, KIND_TEXT, 0, 0, "%h"),
	OPTION(account, IN_FILE, KIND_TEXT, 0, 0, "%u"),
	OPTION(algorithm, IN_FILE, KIND_ALGORITHM, 0, 0, "SHA1"),
	OPTION(digits, IN_FILE, KIND_NUMBER, CODE_DIGITS_MIN, CODE_DIGITS_MAX, "6"),
	OPTION(period, IN_FILE, KIND_SECONDS, TOTP_PERIOD_MIN, TOTP_PERIOD_MAX, "30"),
	OPTION(recovery_codes, IN_FILE, KIND_NUMBER, 0, RECOVERY_MAX, "10"),
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

const struct policy_key *policy_key_at(size_t index)
{
	return index < OPTIONS ? &options[index].key : NULL;
}

bool policy_list_next(struct text *rest, struct text *ret_name, bool *ret_group)
{
	struct text entry;

	while (text_field(rest, ',', &entry)) {
		entry = text_trim(entry);
		*ret_group = entry.len && entry.at[0] == '@';
		if (*ret_group) {
			entry.at++;
			entry.len--;
		}
		*ret_name = entry;
		if (entry.len)
			return true;
	}
	return false;
}

bool policy_list_has_user(const char *list, const char *user)
{
	struct text rest = text_of(list), name;
	bool group = false;

	while (policy_list_next(&rest, &name, &group))
		if (!group && text_is(name, user))
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

/* A group may have a blank in its name ("domain users"); two users without a comma between
 * them must not pass for one that nobody has. */
static bool entry_is_good(struct text entry)
{
	bool group = entry.len && entry.at[0] == '@';

	if (group) {
		entry.at++;
		entry.len--;
	}
	return entry.len && text_is_clean(entry) && entry.at[0] != '@' &&
	       text_trim(entry).len == entry.len && (group || !memchr(entry.at, ' ', entry.len));
}

/* A list that can be walked: no empty entry. */
static bool list_is_good(struct text list)
{
	struct text entry;

	if (list.len && list.at[list.len - 1] == ',')
		return false;
	while (text_field(&list, ',', &entry))
		if (!entry_is_good(text_trim(entry)))
			return false;
	return true;
}

enum totp_err policy_expand(const char *pattern, const char *user, const char *host,
			    const char *full_host, char *ret_text, size_t cap)
{
	size_t len = 0;

	for (; *pattern; pattern++) {
		char literal[2] = {*pattern, '\0'};
		const char *part = literal;

		if (*pattern == '%') {
			pattern++;
			part = *pattern == 'u'   ? user
			       : *pattern == 'h' ? host
			       : *pattern == 'f' ? full_host
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

static bool pattern_is_good(struct text text)
{
	char pattern[POLICY_TEXT_MAX], out[2 * POLICY_TEXT_MAX];

	return text_copy(text, pattern, sizeof(pattern)) == TOTP_OK && pattern[0] &&
	       !strchr(pattern, ':') &&
	       policy_expand(pattern, "u", "h", "f", out, sizeof(out)) == TOTP_OK;
}

static enum totp_err set_flag(struct text value, bool *flag, struct reason *why)
{
	if (!text_is(value, "yes") && !text_is(value, "no")) {
		reason_set(why, "expected yes or no");
		return TOTP_ERR_FORMAT;
	}
	*flag = text_is(value, "yes");
	return TOTP_OK;
}

static enum totp_err set_number(const struct option *option, struct text value, uint32_t *number,
				struct reason *why)
{
	uint64_t read = 0;
	enum totp_err err = text_number(value, option->min, option->max, &read);

	if (err == TOTP_OK)
		*number = (uint32_t)read;
	else
		reason_set(why, "expected a number from %u to %u", option->min, option->max);
	return err;
}

static enum totp_err set_seconds(const struct option *option, struct text value, uint32_t *seconds,
				 struct reason *why)
{
	enum totp_err err = text_duration(value, option->min, option->max, seconds);

	if (err != TOTP_OK)
		reason_set(why, "expected %u to %u seconds, such as 30, 30s, 5m, 6h or 1d",
			   option->min, option->max);
	return err;
}

static enum totp_err set_text(const struct option *option, struct text value, char *text,
			      struct reason *why)
{
	bool is_pattern = option->at != AT(prompt) && option->at != AT(help);

	if (value.len >= POLICY_TEXT_MAX || !text_is_clean(value) ||
	    (is_pattern && !pattern_is_good(value))) {
		reason_set(why, "expected %s%d bytes of text%s", is_pattern ? "1 to " : "at most ",
			   POLICY_TEXT_MAX - 1,
			   is_pattern ? " without a colon, in which %u, %h, %f and %% are replaced"
				      : "");
		return TOTP_ERR_FORMAT;
	}
	return text_copy(value, text, POLICY_TEXT_MAX);
}

static enum totp_err set_list(const struct option *option, struct text value, char *list,
			      struct reason *why)
{
	if (value.len >= option->max) {
		reason_set(why, "longer than %u bytes: use a @group", option->max - 1);
		return TOTP_ERR_RANGE;
	}
	if (!list_is_good(value)) {
		reason_set(why, "expected users and @groups, separated by commas");
		return TOTP_ERR_FORMAT;
	}
	return text_copy(value, list, option->max);
}

static enum totp_err set_networks(struct text value, char *list, struct reason *why)
{
	struct text rest = value, entry;
	struct network network;

	if (value.len >= POLICY_NETWORKS_MAX) {
		reason_set(why, "longer than %d bytes", POLICY_NETWORKS_MAX - 1);
		return TOTP_ERR_RANGE;
	}
	if (value.len && value.at[value.len - 1] == ',') {
		reason_set(why, "expected another network after the last comma");
		return TOTP_ERR_FORMAT;
	}
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

static enum totp_err set_password(struct text value, enum password_mode *mode, struct reason *why)
{
	static const char *const words[] = {
		[PASSWORD_NONE] = "none",
		[PASSWORD_TRY_FIRST_PASS] = "try_first_pass",
		[PASSWORD_USE_FIRST_PASS] = "use_first_pass",
		[PASSWORD_COMBINED] = "combined",
	};

	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
		if (!text_is(value, words[i]))
			continue;
		*mode = (enum password_mode)i;
		return TOTP_OK;
	}
	reason_set(why, "expected none, try_first_pass, use_first_pass or combined");
	return TOTP_ERR_FORMAT;
}

static enum totp_err set_path(struct text value, char *path, struct reason *why)
{
	if (value.len < 2 || value.at[0] != '/' || value.len >= POLICY_PATH_MAX ||
	    !text_is_clean(value)) {
		reason_set(why, "expected an absolute path of at most %d bytes",
			   POLICY_PATH_MAX - 1);
		return TOTP_ERR_FORMAT;
	}
	return text_copy(value, path, POLICY_PATH_MAX);
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
	reason_set(why, "expected required, optional or a day such as 2027-01-31");
	return TOTP_ERR_FORMAT;
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
		else {
			reason_set(why, "expected tool, login, both with a comma, or nothing");
			return TOTP_ERR_FORMAT;
		}
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
	reason_set(why, "expected publickey, gssapi-with-mic, gssapi-keyex or hostbased, "
			"separated by commas");
	return TOTP_ERR_FORMAT;
}

static enum totp_err set_date(struct text value, int64_t *date, struct reason *why)
{
	*date = 0;
	if (value.len == 0 || text_date(value, date) == TOTP_OK)
		return TOTP_OK;
	reason_set(why, "expected a day such as 2027-01-31, or nothing");
	return TOTP_ERR_FORMAT;
}

static enum totp_err set_qr(struct text value, enum enroll_qr *qr, struct reason *why)
{
	static const char *const words[] = {"utf8", "ascii", "none"};

	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
		if (!text_is(value, words[i]))
			continue;
		*qr = (enum enroll_qr)i;
		return TOTP_OK;
	}
	reason_set(why, "expected utf8, ascii or none");
	return TOTP_ERR_FORMAT;
}

static enum totp_err set_option(const struct option *option, struct text value,
				struct policy *policy, struct reason *why)
{
	void *at = (char *)policy + option->at;

	switch (option->kind) {
	case KIND_FLAG:
		return set_flag(value, at, why);
	case KIND_NUMBER:
		return set_number(option, value, at, why);
	case KIND_SECONDS:
		return set_seconds(option, value, at, why);
	case KIND_TEXT:
		return set_text(option, value, at, why);
	case KIND_LIST:
		return set_list(option, value, at, why);
	case KIND_NETWORKS:
		return set_networks(value, at, why);
	case KIND_PASSWORD:
		return set_password(value, at, why);
	case KIND_PATH:
		return set_path(value, at, why);
	case KIND_ENFORCE:
		return set_enforce(value, policy, why);
	case KIND_ENROLL:
		return set_enroll(value, policy, why);
	case KIND_METHODS:
		return set_methods(value, at, why);
	case KIND_DATE:
		return set_date(value, at, why);
	case KIND_QR:
		return set_qr(value, at, why);
	case KIND_ALGORITHM:
		if (uri_algorithm_of(value, &policy->algorithm) == TOTP_OK)
			return TOTP_OK;
		reason_set(why, "expected SHA1, SHA256 or SHA512");
		return TOTP_ERR_FORMAT;
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
	*policy = (struct policy){0};
	for (size_t i = 0; i < OPTIONS; i++) {
		struct text value = unquote(text_of(options[i].key.fallback));

		/* a unit test shows that every default is in range */
		if (set_option(&options[i], value, policy, NULL) != TOTP_OK)
			return;
	}
}

/* One reading: what complaints go to, and which keys were given in this place. */
struct reading {
	struct policy *policy;
	enum where where;
	policy_complain_fn *complain;
	void *context;
	bool seen[OPTIONS];
	bool failed;
};

/* Does it look like the name of a key? What does not is not repeated: with a mistaken
 * conf= it can be a line of a keyring or of a list of secrets. */
static bool is_key_like(struct text key)
{
	for (size_t i = 0; i < key.len; i++)
		if (!((key.at[i] | 32) >= 'a' && (key.at[i] | 32) <= 'z') && key.at[i] != '_')
			return false;
	return key.len && key.len <= 24;
}

/* Complain: "file:12: key: sentence". */
static void complain(struct reading *reading, const char *place, struct text key,
		     const char *sentence)
{
	struct reason complaint;

	if (is_key_like(key))
		reason_set(&complaint, "%s: %.*s: %.100s", place, (int)key.len, key.at, sentence);
	else
		reason_set(&complaint, "%s: %.100s", place, sentence);
	reading->failed = true;
	reading->complain(reading->context, &complaint);
}

static const char *hint_of(struct text key)
{
	for (size_t i = 0; i < sizeof(foreign) / sizeof(foreign[0]); i++)
		if (text_is(key, foreign[i].theirs))
			return foreign[i].ours;
	return NULL;
}

static void complain_unknown(struct reading *reading, const char *place, struct text key)
{
	const char *hint = hint_of(key);
	char sentence[120];

	snprintf(sentence, sizeof(sentence), "an option of another module: %s", hint ? hint : "");
	complain(reading, place, key,
		 hint ? sentence : "no such key: see pam_totp.conf(5) for those there are");
}

static void read_pair(struct reading *reading, const char *place, struct text key,
		      struct text value)
{
	struct reason why = {""};
	size_t i = 0;

	while (i < OPTIONS && !text_is(key, options[i].key.name))
		i++;
	if (i == OPTIONS) {
		complain_unknown(reading, place, key);
		return;
	}
	if (reading->where == IN_FILE ? !options[i].key.in_file : !options[i].key.in_args) {
		complain(reading, place, key,
			 reading->where == IN_FILE ? "belongs on the PAM line, not in the file"
						   : "belongs in the policy file, not on the PAM "
						     "line");
		return;
	}
	if (reading->seen[i])
		complain(reading, place, key, "given twice");
	reading->seen[i] = true;
	if (set_option(&options[i], unquote(value), reading->policy, &why) != TOTP_OK)
		complain(reading, place, key, why.text);
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

enum totp_err policy_parse(struct policy *policy, struct text text, const char *name,
			   policy_complain_fn *complain_to, void *context)
{
	struct reading reading = {policy, IN_FILE, complain_to, context, {false}, false};
	struct text line, key;
	char place[128];

	for (unsigned number = 1; text_line(&text, &line); number++) {
		snprintf(place, sizeof(place), "%.100s:%u", name, number);
		line = text_trim(line);
		if (line.len == 0 || line.at[0] == '#')
			continue;
		if (split_pair(&line, &key))
			read_pair(&reading, place, key, line);
		else
			complain(&reading, place, line, "expected key = value");
	}
	return reading.failed ? TOTP_ERR_FORMAT : TOTP_OK;
}

enum totp_err policy_parse_args(struct policy *policy, int argc, const char **argv,
				policy_complain_fn *complain_to, void *context)
{
	struct reading reading = {policy, IN_ARGS, complain_to, context, {false}, false};

	for (int i = 0; i < argc; i++) {
		struct text value = text_of(argv[i]), key;

		if (strncmp(argv[i], "conf=", 5) == 0)
			continue;
		if (text_is(value, "debug") || text_is(value, "echo") ||
		    text_is(value, "if_publickey") || text_is(value, "enroll_in_account"))
			read_pair(&reading, "PAM line", value, text_of("yes"));
		else if (split_pair(&value, &key))
			/* blanks count here: PAM has taken the brackets off [prompt=Code: ] */
			read_pair(&reading, "PAM line", key, text_of(strchr(argv[i], '=') + 1));
		else
			complain_unknown(&reading, "PAM line", value);
	}
	return reading.failed ? TOTP_ERR_FORMAT : TOTP_OK;
}

enum totp_err policy_conf_of_args(int argc, const char **argv, const char **ret_path,
				  bool *ret_named, policy_complain_fn *complain_to, void *context)
{
	struct reading reading = {.complain = complain_to, .context = context};

	*ret_path = POLICY_FILE;
	*ret_named = false;
	for (int i = 0; i < argc; i++) {
		if (strncmp(argv[i], "conf=", 5) != 0)
			continue;
		if (*ret_named)
			complain(&reading, "PAM line", text_of("conf"), "given twice");
		if (argv[i][5] != '/')
			complain(&reading, "PAM line", text_of("conf"),
				 "expected an absolute path");
		*ret_path = argv[i] + 5;
		*ret_named = true;
	}
	return reading.failed ? TOTP_ERR_FORMAT : TOTP_OK;
}
