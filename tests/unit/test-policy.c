/* SPDX-License-Identifier: BSD-2-Clause */
#include "unit.h"

#include <stdio.h>
#include <stdlib.h>

/* what the module is linked with, beside what everything else is */
#define policy_more_at      skip_at
#define policy_more_set     skip_set
#define policy_more_skipped skip_names
const struct policy_option *skip_at(size_t index);
enum totp_err skip_set(enum policy_kind kind, struct text value, char *member, struct reason *why);
extern const char skip_names[];
#include "../../lib/login/policy_skip.c"

/* The complaints of one reading. */
struct complaints {
	size_t count;
	struct reason all[8];
};

static void complain(void *context, const struct reason *complaint)
{
	struct complaints *told = context;

	if (told->count < COUNT(told->all))
		told->all[told->count] = *complaint;
	told->count++;
}

static void assert_told(const struct complaints *told, size_t index, const char *words)
{
	assert_true(index < told->count);
	if (!strstr(told->all[index].text, words))
		fail_msg("expected \"%s\" in \"%s\"", words, told->all[index].text);
}

static enum totp_err parse_text(struct policy *policy, struct text text, struct complaints *told)
{
	*told = (struct complaints){0};
	policy_default(policy);
	return policy_parse(policy, text, "/etc/p.conf", complain, told);
}

static enum totp_err parse(struct policy *policy, const char *text, struct complaints *told)
{
	return parse_text(policy, text_of(text), told);
}

static enum totp_err parse_args(struct policy *policy, const char *arg, struct complaints *told)
{
	*told = (struct complaints){0};
	policy_default(policy);
	return policy_parse_args(policy, 1, &arg, complain, told);
}

static void the_defaults_are_those_of_the_manual(void **unused)
{
	struct policy p;

	memset(&p, 0xff, sizeof(p));
	policy_default(&p);
	assert_int_equal(ENFORCE_REQUIRED, p.enforce);
	assert_int_equal(0, p.enforce_from);
	assert_string_equal("", p.required_for);
	assert_string_equal("", p.exempt);
	assert_string_equal("Verification code: ", p.prompt);
	assert_false(p.echo);
	assert_false(p.debug);
	assert_int_equal(1, p.window);
	assert_int_equal(5, p.attempts);
	assert_int_equal(300, p.attempts_refill);
	assert_int_equal(100, p.attempts_total);
	assert_int_equal(21600, p.attempts_total_refill);
	assert_int_equal(2, p.fail_delay);
	assert_string_equal("%h", p.issuer);
	assert_string_equal("%u", p.account);
	assert_int_equal(HMAC_SHA1, p.algorithm);
	assert_int_equal(6, p.digits);
	assert_int_equal(30, p.period);
	assert_int_equal('/', p.store_dir[0]);
	assert_int_equal('/', p.keyring[0]);
	assert_int_equal('/', p.run_dir[0]);
}

static void every_default_can_be_written_and_means_itself(void **unused)
{
	const struct policy_key *key;
	static struct policy defaults, read; /* too large for the stack */
	size_t rows = 0;

	policy_default(&defaults);
	for (; (key = policy_key_at(rows)); rows++) {
		struct complaints told;
		char line[512];

		snprintf(line, sizeof(line), "%s=%s", key->name, key->fallback);
		if ((key->in_file ? parse(&read, line, &told) : parse_args(&read, line, &told)) !=
		    TOTP_OK)
			fail_msg("%s", told.all[0].text);
		assert_memory_equal(&defaults, &read, sizeof(read));
		assert_true(key->in_file || key->in_args);
	}
	assert_true(rows >= 20);
	assert_null(policy_key_at(rows));
	assert_null(policy_key_at((size_t)-1));
}

static void no_setting_is_listed_twice(void **unused)
{
	const struct policy_key *one, *two;

	for (size_t i = 0; (one = policy_key_at(i)); i++)
		for (size_t j = 0; j < i && (two = policy_key_at(j)); j++)
			assert_string_not_equal(one->name, two->name);
}

/* The value that a numeric setting has in a policy. */
static uint32_t number_of(const struct policy *p, const char *key)
{
	const struct {
		const char *key;
		uint32_t value;
	} all[] = {
		{"window", p->window},
		{"attempts", p->attempts},
		{"attempts_refill", p->attempts_refill},
		{"attempts_total", p->attempts_total},
		{"attempts_total_refill", p->attempts_total_refill},
		{"fail_delay", p->fail_delay},
		{"digits", p->digits},
		{"period", p->period},
	};

	for (size_t i = 0; i < COUNT(all); i++)
		if (strcmp(all[i].key, key) == 0)
			return all[i].value;
	fail_msg("no such number: %s", key);
	return 0;
}

static void numbers_have_their_ranges(void **unused)
{
	static const struct {
		const char *key;
		uint32_t min, max;
	} rows[] = {
		{"window", 0, 10},
		{"attempts", 1, 100},
		{"attempts_refill", 1, 604800},
		{"attempts_total", 1, 10000},
		{"attempts_total_refill", 0, 31622400},
		{"fail_delay", 0, 60},
		{"digits", 6, 8},
		{"period", 15, 300},
	};

	for (size_t i = 0; i < COUNT(rows); i++) {
		struct policy p;
		struct complaints told;
		char line[128], range[64];

		snprintf(line, sizeof(line), "%s = %u", rows[i].key, rows[i].min);
		assert_ok(parse(&p, line, &told));
		assert_int_equal(rows[i].min, number_of(&p, rows[i].key));
		snprintf(line, sizeof(line), "%s = %u", rows[i].key, rows[i].max);
		assert_ok(parse(&p, line, &told));
		assert_int_equal(rows[i].max, number_of(&p, rows[i].key));

		snprintf(range, sizeof(range), "%u to %u", rows[i].min, rows[i].max);
		snprintf(line, sizeof(line), "%s = %u", rows[i].key, rows[i].max + 1);
		assert_refused(FORMAT, parse(&p, line, &told));
		assert_told(&told, 0, range);
		snprintf(line, sizeof(line), "%s = %d", rows[i].key, (int)rows[i].min - 1);
		assert_refused(FORMAT, parse(&p, line, &told));
		assert_told(&told, 0, rows[i].key);
	}
}

static void every_numeric_setting_rejects_what_is_not_a_number(void **unused)
{
	static const char *const keys[] = {"window",
					   "attempts",
					   "attempts_refill",
					   "attempts_total",
					   "attempts_total_refill",
					   "fail_delay",
					   "digits",
					   "period"};
	static const char *const values[] = {
		"",    "x",    "six", "6.0", "0x6",        "+6",  "6 ,",
		"6 6", "\"\"", "-0",  "6_",  "4294967302", "1e1", "18446744073709551622",
		"6ss", "6w",   "m",   "6 m"};

	for (size_t i = 0; i < COUNT(keys); i++) {
		for (size_t j = 0; j < COUNT(values); j++) {
			struct policy p;
			struct complaints told;
			char line[128];

			snprintf(line, sizeof(line), "%s = %s", keys[i], values[j]);
			if (parse(&p, line, &told) != TOTP_ERR_FORMAT)
				fail_msg("accepted: %s", line);
			assert_int_equal(1, told.count);
			assert_told(&told, 0, "/etc/p.conf:1: ");
			assert_told(&told, 0, keys[i]);
			assert_told(&told, 0, "expected ");
		}
	}
}

static void durations_have_units(void **unused)
{
	static const struct {
		const char *value;
		uint32_t seconds;
	} rows[] = {{"90", 90},    {"90s", 90},    {"5m", 300},
		    {"6h", 21600}, {"7d", 604800}, {"007", 7}};
	struct policy p;
	struct complaints told;

	for (size_t i = 0; i < COUNT(rows); i++) {
		char line[64];

		snprintf(line, sizeof(line), "attempts_refill = %s", rows[i].value);
		assert_ok(parse(&p, line, &told));
		assert_int_equal(rows[i].seconds, p.attempts_refill);
	}
	assert_refused(FORMAT, parse(&p, "attempts = 5m", &told)); /* not a duration */
	assert_refused(FORMAT, parse(&p, "digits = 6s", &told));
	assert_refused(FORMAT, parse(&p, "attempts_refill = 8d", &told));
	assert_refused(FORMAT, parse(&p, "attempts_refill = 99999999d", &told));
}

static void flags_are_yes_or_no(void **unused)
{
	static const char *const others[] = {"", "YES", "true", "1", "on", "y", "yes no"};
	struct policy p;
	struct complaints told;

	assert_ok(parse(&p, "echo = yes", &told));
	assert_true(p.echo);
	assert_ok(parse(&p, "echo = no", &told));
	assert_false(p.echo);
	for (size_t i = 0; i < COUNT(others); i++) {
		char line[64];

		snprintf(line, sizeof(line), "echo = %s", others[i]);
		assert_refused(FORMAT, parse(&p, line, &told));
		assert_told(&told, 0, "expected yes or no");
		assert_false(p.echo);
	}
}

static void enforcement_is_a_word_or_a_date(void **unused)
{
	static const char *const others[] = {
		"",           "Required",   "yes",         "2027-02-30",
		"2027-1-31",  "31.01.2027", "2027-01-31x", "1969-12-31",
		"2027-00-01", "required,",  "none"};
	struct policy p;
	struct complaints told;

	assert_ok(parse(&p, "enforce = optional", &told));
	assert_int_equal(ENFORCE_OPTIONAL, p.enforce);
	assert_ok(parse(&p, "enforce = required", &told));
	assert_int_equal(ENFORCE_REQUIRED, p.enforce);
	assert_ok(parse(&p, "enforce = 2027-01-31", &told));
	assert_int_equal(ENFORCE_FROM, p.enforce);
	assert_int_equal(1801353600, p.enforce_from);
	for (size_t i = 0; i < COUNT(others); i++) {
		char line[64];

		snprintf(line, sizeof(line), "enforce = %s", others[i]);
		if (parse(&p, line, &told) != TOTP_ERR_FORMAT)
			fail_msg("accepted: %s", line);
		assert_told(&told, 0, "required, optional or a date");
		assert_int_equal(ENFORCE_REQUIRED, p.enforce); /* never less than the default */
	}
}

static void accounts_enroll_where_and_until_when_the_policy_says(void **unused)
{
	struct policy p;
	struct complaints told;

	assert_ok(parse(&p, "", &told));
	assert_true(p.enroll_tool && !p.enroll_login && p.enroll_until == 0);
	assert_int_equal(ENROLL_QR_UTF8, p.enroll_qr);
	assert_ok(parse(&p, "enroll = login , tool\nenroll_until = 2027-01-31\nenroll_qr = ascii",
			&told));
	assert_true(p.enroll_tool && p.enroll_login);
	assert_int_equal(1801353600, p.enroll_until);
	assert_int_equal(ENROLL_QR_ASCII, p.enroll_qr);
	assert_ok(parse(&p, "enroll =", &told));
	assert_false(p.enroll_tool || p.enroll_login);
	assert_refused(FORMAT, parse(&p, "enroll = login,shell", &told));
	assert_told(&told, 0, "expected tool, login");
	assert_refused(FORMAT, parse(&p, "enroll_until = soon", &told));
	assert_refused(FORMAT, parse(&p, "enroll_qr = png", &told));
	assert_refused(FORMAT, parse(&p, "enroll_in_account = yes", &told));
}

static void algorithms_are_three(void **unused)
{
	struct policy p;
	struct complaints told;

	assert_ok(parse(&p, "algorithm = SHA256", &told));
	assert_int_equal(HMAC_SHA256, p.algorithm);
	assert_ok(parse(&p, "algorithm = sha512", &told));
	assert_int_equal(HMAC_SHA512, p.algorithm);
	assert_refused(FORMAT, parse(&p, "algorithm = MD5", &told));
	assert_told(&told, 0, "expected SHA1, SHA256 or SHA512");
	assert_refused(FORMAT, parse(&p, "algorithm = ", &told));
	assert_refused(FORMAT, parse(&p, "algorithm = SHA-1", &told));
}

static void paths_are_absolute_and_fit(void **unused)
{
	static const char *const keys[] = {"store_dir", "keyring", "run_dir"};
	static const char *const bad[] = {"",      "/",      "relative", "./x", "~/x",
					  "/a\tb", "/a\x01", "/\xff",    "\"\""};

	for (size_t i = 0; i < COUNT(keys); i++) {
		struct policy p;
		struct complaints told;
		char line[512], path[POLICY_PATH_MAX + 1];

		memset(path, 'x', sizeof(path));
		path[0] = '/';
		path[POLICY_PATH_MAX] = '\0';
		snprintf(line, sizeof(line), "%s = %s", keys[i], path);
		assert_refused(FORMAT, parse(&p, line, &told));
		assert_told(&told, 0, "absolute path of at most 255 bytes");
		path[POLICY_PATH_MAX - 1] = '\0';
		snprintf(line, sizeof(line), "%s = %s", keys[i], path);
		assert_ok(parse(&p, line, &told));
		assert_string_equal(path, i == 0 ? p.store_dir : i == 1 ? p.keyring : p.run_dir);

		for (size_t j = 0; j < COUNT(bad); j++) {
			snprintf(line, sizeof(line), "%s = %s", keys[i], bad[j]);
			if (parse(&p, line, &told) != TOTP_ERR_FORMAT)
				fail_msg("accepted: %s", line);
		}
	}
}

static void the_help_is_a_line_of_text_and_there_is_none_by_default(void **unused)
{
	struct policy p;
	struct complaints told;

	assert_ok(parse(&p, "", &told));
	assert_string_equal("", p.help);
	assert_ok(parse(&p, "help = Call the help desk: 555-0100, 100 % of the time", &told));
	assert_string_equal("Call the help desk: 555-0100, 100 % of the time", p.help);
	assert_refused(FORMAT, parse(&p, "help = \x1b[31mred", &told));
	assert_told(&told, 0, "at most 127 bytes");
}

static void a_prompt_is_up_to_127_bytes_of_clean_text(void **unused)
{
	struct policy p;
	struct complaints told;
	char line[256] = "prompt = ";

	assert_ok(parse(&p, "prompt = \"\"", &told));
	assert_string_equal("", p.prompt);
	assert_ok(parse(&p,
			"prompt = C\xc3\xb3"
			"digo: %d",
			&told));
	assert_string_equal("C\xc3\xb3"
			    "digo: %d",
			    p.prompt);
	memset(line + 9, 'x', 127);
	assert_ok(parse(&p, line, &told));
	assert_int_equal(127, strlen(p.prompt));
	line[9 + 127] = 'x';
	assert_refused(FORMAT, parse(&p, line, &told));
	assert_told(&told, 0, "at most 127 bytes");
	assert_refused(FORMAT, parse(&p, "prompt = \x1b[31mred", &told));
	assert_refused(FORMAT, parse(&p, "prompt = \xff", &told));
}

static void issuer_and_account_are_templates(void **unused)
{
	static const char *const keys[] = {"issuer", "account"};
	static const struct {
		const char *value;
		enum totp_err err;
	} rows[] = {
		{"%h", TOTP_OK},           {"Example Corp (%f)", TOTP_OK}, {"%u@%h", TOTP_OK},
		{"100%%", TOTP_OK},        {"J\xc3\xbcrgen", TOTP_OK},     {"", TOTP_ERR_FORMAT},
		{"\"\"", TOTP_ERR_FORMAT}, {"%", TOTP_ERR_FORMAT},         {"%s", TOTP_ERR_FORMAT},
		{"a:b", TOTP_ERR_FORMAT},  {"%n%n", TOTP_ERR_FORMAT},      {"x%", TOTP_ERR_FORMAT},
		{"\xc3", TOTP_ERR_FORMAT},
	};

	for (size_t i = 0; i < 2 * COUNT(rows); i++) {
		struct policy p;
		struct complaints told;
		char line[128];

		snprintf(line, sizeof(line), "%s = %s", keys[i & 1], rows[i / 2].value);
		if (parse(&p, line, &told) != rows[i / 2].err)
			fail_msg("%s", line);
		if (rows[i / 2].err == TOTP_OK)
			assert_string_equal(rows[i / 2].value, i & 1 ? p.account : p.issuer);
		else
			assert_told(&told, 0, "%u, %h, %f and %%");
	}
}

static void a_template_is_filled_in_or_rejected(void **unused)
{
	static const struct {
		const char *template, *text;
	} rows[] = {
		{"%u", "alice"},     {"%u@%h", "alice@web1"}, {"%f", "web1.example.org"},
		{"100%%u", "100%u"}, {"plain", "plain"},      {"", ""},
	};
	char text[64];

	for (size_t i = 0; i < COUNT(rows); i++) {
		assert_ok(policy_expand(rows[i].template,
					&(struct policy_names){"alice", "web1", "web1.example.org"},
					text, sizeof(text)));
		assert_string_equal(rows[i].text, text);
	}
	assert_ok(
		policy_expand("%u", &(struct policy_names){"%u%h", "h", "f"}, text, sizeof(text)));
	assert_string_equal("%u%h", text); /* once, not again and again */
	assert_refused(FORMAT, policy_expand("%x", &(struct policy_names){"u", "h", "f"}, text,
					     sizeof(text)));
	assert_refused(FORMAT, policy_expand("%", &(struct policy_names){"u", "h", "f"}, text,
					     sizeof(text)));
	assert_ok(policy_expand("%u", &(struct policy_names){"12345", "h", "f"}, text, 6));
	assert_refused(RANGE,
		       policy_expand("%u", &(struct policy_names){"123456", "h", "f"}, text, 6));
	assert_refused(RANGE,
		       policy_expand("%u%u", &(struct policy_names){"123", "h", "f"}, text, 6));
}

static void lists_have_no_empty_entry_and_no_blank_in_a_user(void **unused)
{
	static const char *const good[] = {"",
					   "alice",
					   "alice,bob",
					   "@wheel",
					   "alice, @wheel ,bob",
					   "\"alice, bob\"",
					   "J\xc3\xbcrgen",
					   "svc-web.1,_x$",
					   "alice@corp.example",
					   "@domain users,@staff@corp.example"};
	static const char *const bad[] = {
		",",   "alice,", ",alice",       "alice,,bob", "alice, ,bob", "@",    "alice,@",
		"@@x", "a b",    "alice @wheel", "x\x01",      "a\tb",        "\xff", "@ x"};
	static const char *const keys[] = {"required_for", "exempt"};
	struct policy p;
	struct complaints told;
	char line[128];

	for (size_t i = 0; i < 2 * COUNT(good); i++) {
		snprintf(line, sizeof(line), "%s = %s", keys[i & 1], good[i / 2]);
		if (parse(&p, line, &told) != TOTP_OK)
			fail_msg("refused: %s", line);
	}
	for (size_t i = 0; i < 2 * COUNT(bad); i++) {
		snprintf(line, sizeof(line), "%s = %s", keys[i & 1], bad[i / 2]);
		if (parse(&p, line, &told) != TOTP_ERR_FORMAT)
			fail_msg("accepted: %s", line);
		assert_told(&told, 0, "separated by commas");
		assert_string_equal("", i & 1 ? p.exempt : p.required_for);
	}
}

static void a_list_has_at_most_2047_bytes(void **unused)
{
	static char line[POLICY_LIST_MAX + 32] = "exempt=";
	struct policy p;
	struct complaints told;

	memset(line + 7, 'x', POLICY_LIST_MAX - 1);
	assert_ok(parse(&p, line, &told));
	assert_int_equal(POLICY_LIST_MAX - 1, strlen(p.exempt));
	line[7 + POLICY_LIST_MAX - 1] = 'x';
	assert_refused(FORMAT, parse(&p, line, &told));
	assert_told(&told, 0, "use a @group");
}

static void a_list_is_walked_entry_by_entry(void **unused)
{
	struct text rest = text_of("alice , @wheel,@a,bob"), name;
	bool group = true;

	assert_true(policy_list_next(&rest, &name, &group));
	assert_true(text_is(name, "alice") && !group);
	assert_true(policy_list_next(&rest, &name, &group));
	assert_true(text_is(name, "wheel") && group);
	assert_true(policy_list_next(&rest, &name, &group));
	assert_true(text_is(name, "a") && group);
	assert_true(policy_list_next(&rest, &name, &group));
	assert_true(text_is(name, "bob") && !group);
	assert_false(policy_list_next(&rest, &name, &group));
}

static void a_user_is_in_a_list_by_the_whole_name_only(void **unused)
{
	static const char list[] = "alice, bob,@carol";

	assert_true(policy_list_has(list, text_of("alice")));
	assert_true(policy_list_has(list, text_of("bob")));
	assert_false(policy_list_has(list, text_of("carol")));
	assert_false(policy_list_has(list, text_of("@carol")));
	assert_false(policy_list_has(list, text_of("ali")));
	assert_false(policy_list_has(list, text_of("alice,")));
	assert_false(policy_list_has(list, text_of("Alice")));
	assert_false(policy_list_has(list, text_of("")));
	assert_false(policy_list_has("", text_of("alice")));
	assert_false(policy_list_has("", text_of("")));
	assert_true(policy_list_has_groups(list));
	assert_false(policy_list_has_groups("alice,bob"));
	assert_false(policy_list_has_groups(""));
}

static void lines_may_be_written_as_people_write_them(void **unused)
{
	static const char *const texts[] = {
		"window=3",           "window = 3\n",
		"\twindow\t=\t3\t\n", "window = 3\r\n",
		"  window=3",         "# a comment\n\n   \n  # another\nwindow = 3\n",
		"window = \"3\"\n",   "window = 3\r\n# end\r\n",
		"\n\n\nwindow = 3",
	};

	for (size_t i = 0; i < COUNT(texts); i++) {
		struct policy p;
		struct complaints told;

		if (parse(&p, texts[i], &told) != TOTP_OK)
			fail_msg("%s: %s", texts[i], told.all[0].text);
		assert_int_equal(3, p.window);
	}
}

static void quotes_keep_blanks_at_the_ends(void **unused)
{
	static const struct {
		const char *value, *prompt;
	} rows[] = {
		{"\" Code: \"", " Code: "}, {"Code:  ", "Code:"}, {"\"", "\""},
		{"\"a\" b", "\"a\" b"},     {"\"\"\"", "\""},     {"a=b", "a=b"},
		{"x # y", "x # y"},
	};

	for (size_t i = 0; i < COUNT(rows); i++) {
		struct policy p;
		struct complaints told;
		char line[128];

		snprintf(line, sizeof(line), "prompt = %s", rows[i].value);
		assert_ok(parse(&p, line, &told));
		assert_string_equal(rows[i].prompt, p.prompt);
	}
}

static void a_line_that_is_not_a_pair_is_rejected(void **unused)
{
	static const struct {
		const char *line, *words;
	} rows[] = {
		{"window", "window: expected key = value"},
		{"= 3", "1: no such key"},
		{"window 3", "1: expected key = value"},
		{"Window = 3", "Window: no such key"},
		{"windows = 3", "windows: no such key: pam_totp.conf(5)"},
		{"[login]", "1: expected key = value"},
		{"win dow = 3", "1: no such key"},
		{"\xef\xbb\xbfwindow = 3", "1: no such key"},
		{"wi\x1bndow = 3", "1: no such key"},
		{"conf = /etc/x", "conf: no such key"},
		{"abcdefghijklmnopqrstuvwx = 3", "abcdefghijklmnopqrstuvwx: no such key"},
		{"abcdefghijklmnopqrstuvwxy = 3", "1: no such key"}, /* it may be a secret */
		{"window == 3", "window: expected a number"},
	};

	for (size_t i = 0; i < COUNT(rows); i++) {
		struct policy p;
		struct complaints told;

		assert_refused(FORMAT, parse(&p, rows[i].line, &told));
		assert_told(&told, 0, "/etc/p.conf:1: ");
		assert_told(&told, 0, rows[i].words);
	}
}

static void a_line_of_another_file_is_not_repeated(void **unused)
{
	static const char *const lines[] = {
		"0156ef6c HU93panbKTGtygogoHw7kcBpanbKTGtygogoHw7kcBx= 2026-01-31",
		"alice,GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ",
		"GEZDGNBVGYXTQOJQGEZDGNBVGYXTQOJQ = 1",
		"GEZDGNBVGYXTQOJQGEZDGNBVGYXTQOJQ",
	};

	for (size_t i = 0; i < COUNT(lines); i++) {
		struct policy p;
		struct complaints told;

		assert_refused(FORMAT, parse(&p, lines[i], &told));
		assert_null(strstr(told.all[0].text, "HU93"));
		assert_null(strstr(told.all[0].text, "GEZ"));
	}
}

static void a_setting_given_twice_is_rejected(void **unused)
{
	struct policy p;
	struct complaints told;

	assert_refused(FORMAT, parse(&p, "window = 1\n\nwindow = 1\n", &told));
	assert_int_equal(1, told.count);
	assert_string_equal("/etc/p.conf:3: window: given twice", told.all[0].text);
}

static void all_mistakes_are_reported_with_their_lines(void **unused)
{
	struct policy p;
	struct complaints told;

	assert_refused(FORMAT, parse(&p,
				     "windw = 1\n# fine\nattempts = 0\nperiod = 30\nnullok\n"
				     "period = 60\r\ndebug = yes\n",
				     &told));
	assert_int_equal(5, told.count);
	assert_told(&told, 0, "/etc/p.conf:1: windw: no such key");
	assert_told(&told, 1, "/etc/p.conf:3: attempts: expected a number from 1 to 100");
	assert_told(&told, 2, "/etc/p.conf:5: nullok: expected key = value");
	assert_told(&told, 3, "/etc/p.conf:6: period: given twice");
	assert_told(&told, 4, "/etc/p.conf:7: debug: belongs on the PAM line");
}

static void the_line_is_reported_however_long_the_name_of_the_file(void **unused)
{
	struct policy p;
	struct complaints told = {0};
	char name[POLICY_PATH_MAX];

	memset(name, 'x', sizeof(name));
	name[0] = '/';
	name[sizeof(name) - 1] = '\0';
	policy_default(&p);
	assert_refused(FORMAT,
		       policy_parse(&p, text_of("\n\nwindow = 99\n"), name, complain, &told));
	assert_told(&told, 0, ":3: window: expected a number from 0 to 10");
}

static void an_option_of_another_module_is_rejected_and_ours_is_named(void **unused)
{
	static const struct {
		const char *line, *words;
	} rows[] = {
		{"nullok", "nullok: an option of another module: write enforce=optional"},
		{"secret=/var/x/${USER}", "store_dir"},
		{"user=root", "service account"},
		{"usersfile=/etc/users.oath", "store_dir"},
		{"authtok_prompt=Code: ", "prompt="},
		{"echo_verification_code", "write echo"},
		{"allowed_perm=0600", "modes"},
		{"no_strict_owner", "owners"},
		{"no_increment_hotp", "counter"},
		{"noskewadj", "learned"},
		{"alwaysok", "no such thing"},
		{"grace_period=60", "write remember="},
		{"forward_pass", "write password=combined"},
		{"try_first_pass", "write password=try_first_pass"},
		{"use_first_pass", "write password=use_first_pass"},
		{"allow_readonly", "readonly_login = yes"},
	};

	for (size_t i = 0; i < COUNT(rows); i++) {
		struct policy p;
		struct complaints told;

		assert_refused(FORMAT, parse_args(&p, rows[i].line, &told));
		assert_int_equal(1, told.count);
		assert_told(&told, 0, "PAM line: ");
		assert_told(&told, 0, "an option of another module");
		assert_told(&told, 0, rows[i].words);
	}
}

static void an_option_of_another_module_in_the_file_is_reported_too(void **unused)
{
	struct policy p;
	struct complaints told;

	assert_refused(FORMAT, parse(&p, "nullok = yes\n", &told));
	assert_told(&told, 0, "write enforce=optional");
}

static void each_setting_is_valid_in_its_places_only(void **unused)
{
	const struct policy_key *key;

	for (size_t i = 0; (key = policy_key_at(i)); i++) {
		struct policy p;
		struct complaints told;
		char line[512];
		const char *fallback = key->fallback;

		snprintf(line, sizeof(line), "%s=%s", key->name, fallback);
		assert_int_equal(key->in_file, parse(&p, line, &told) == TOTP_OK);
		if (!key->in_file)
			assert_told(&told, 0, "belongs on the PAM line, not in the file");
		assert_int_equal(key->in_args, parse_args(&p, line, &told) == TOTP_OK);
		if (!key->in_args)
			assert_told(&told, 0, "belongs in the policy file, not on the PAM line");
	}
}

static void the_pam_line_overrides_the_file(void **unused)
{
	static const char *argv[] = {
		"debug",         "echo",       "enforce=optional", "exempt=backup,@svc",
		"prompt=Code: ", "conf=/etc/x"};
	struct policy p;
	struct complaints told;

	assert_ok(parse(&p, "enforce = required\necho = no\nexempt = root\nwindow = 4\n", &told));
	assert_ok(policy_parse_args(&p, COUNT(argv), argv, complain, &told));
	assert_true(p.debug);
	assert_true(p.echo);
	assert_int_equal(ENFORCE_OPTIONAL, p.enforce);
	assert_string_equal("backup,@svc", p.exempt);
	assert_string_equal("Code: ", p.prompt); /* the blank is kept */
	assert_int_equal(4, p.window);
}

static void all_mistakes_of_the_pam_line_are_reported(void **unused)
{
	static const char *argv[] = {"debug", "debug", "window=3", "Debug",
				     "=",     "",      "conf=/x",  "echo=maybe"};
	struct policy p;
	struct complaints told = {0};

	policy_default(&p);
	assert_refused(FORMAT, policy_parse_args(&p, COUNT(argv), argv, complain, &told));
	assert_int_equal(6, told.count);
	assert_told(&told, 0, "PAM line: debug: given twice");
	assert_told(&told, 1, "PAM line: window: belongs in the policy file");
	assert_told(&told, 2, "PAM line: Debug: no such key");
	assert_told(&told, 3, "PAM line: no such key");
	assert_told(&told, 4, "PAM line: no such key");
	assert_told(&told, 5, "PAM line: echo: expected yes or no");
}

static void conf_names_an_absolute_path_once(void **unused)
{
	static const struct {
		const char *argv[3];
		int argc;
		enum totp_err err;
		const char *path;
	} rows[] = {
		{{0}, 0, TOTP_OK, NULL},
		{{"debug", "configured=/x"}, 2, TOTP_OK, NULL},
		{{"debug", "conf=/etc/x.conf"}, 2, TOTP_OK, "/etc/x.conf"},
		{{"conf=x"}, 1, TOTP_ERR_FORMAT, NULL},
		{{"conf="}, 1, TOTP_ERR_FORMAT, NULL},
		{{"conf=/a", "conf=/a"}, 2, TOTP_ERR_FORMAT, NULL},
	};

	for (size_t i = 0; i < COUNT(rows); i++) {
		struct complaints told = {0};
		const char *argv[3] = {rows[i].argv[0], rows[i].argv[1], rows[i].argv[2]};
		const char *path = NULL;

		assert_int_equal(rows[i].err,
				 policy_conf_of_args(rows[i].argc, argv, &path, complain, &told));
		assert_int_equal(rows[i].err != TOTP_OK, told.count);
		if (rows[i].path)
			assert_string_equal(rows[i].path, path);
		else
			assert_int_equal(rows[i].err == TOTP_OK, path == NULL);
	}
}

static void a_nul_byte_is_rejected_everywhere(void **unused)
{
	static const struct {
		struct text text;
	} rows[] = {
#define TEXT(literal) \
	{ \
		{ \
			(literal), sizeof(literal) - 1 \
		} \
	}
		TEXT("window = 3\0"),       TEXT("win\0dow = 3"),         TEXT("\0"),
		TEXT("prompt = a\0b"),      TEXT("exempt = a\0b"),        TEXT("store_dir = /a\0b"),
		TEXT("issuer = a\0b"),      TEXT("enforce = optional\0"), TEXT("echo = yes\0"),
		TEXT("algorithm = SHA1\0"), TEXT("window = 3\n\0"),
	};

	for (size_t i = 0; i < COUNT(rows); i++) {
		struct policy p;
		struct complaints told;

		assert_refused(FORMAT, parse_text(&p, rows[i].text, &told));
		assert_int_equal(1, told.count);
	}
}

static void sixty_four_kilobytes_are_read_to_the_end(void **unused)
{
	char *text = malloc(POLICY_BYTES_MAX);
	struct policy p;
	struct complaints told;

	memset(text, '#', POLICY_BYTES_MAX);
	memcpy(text + POLICY_BYTES_MAX - 11, "\nwindow = 3", 11);
	assert_ok(parse_text(&p, (struct text){text, POLICY_BYTES_MAX}, &told));
	assert_int_equal(3, p.window);

	memset(text, '\n', POLICY_BYTES_MAX);
	memcpy(text + POLICY_BYTES_MAX - 11, "\nwindow = x", 11);
	assert_refused(FORMAT, parse_text(&p, (struct text){text, POLICY_BYTES_MAX}, &told));
	assert_told(&told, 0, "/etc/p.conf:65527: window");

	memset(text, 'x', POLICY_BYTES_MAX); /* one line, not all of which is reported */
	assert_refused(FORMAT, parse_text(&p, (struct text){text, POLICY_BYTES_MAX}, &told));
	assert_int_equal(1, told.count);
	memset(text, '=', POLICY_BYTES_MAX);
	assert_refused(FORMAT, parse_text(&p, (struct text){text, POLICY_BYTES_MAX}, &told));
	free(text);
}

static void an_empty_file_leaves_the_defaults(void **unused)
{
	static struct policy defaults, p;
	struct complaints told;

	policy_default(&defaults);
	assert_ok(parse(&p, "", &told));
	assert_memory_equal(&defaults, &p, sizeof(p));
}

static void networks_are_read_and_mistakes_reported(void **unused)
{
	static const char *const wrong[] = {"10.0.0.1/8",           "office",
					    "10.0.0.0/8,",          ",10.0.0.0/8",
					    "10.0.0.0/8 192.0.2.1", "10.0.0.0/8,,::1"};
	struct address office, other;
	struct complaints told;
	struct policy p;
	char line[80];

	policy_default(&p);
	assert_string_equal("", p.trusted_networks);
	assert_true(address_read(text_of("192.0.2.9"), &office));
	assert_true(address_read(text_of("203.0.113.9"), &other));
	assert_false(policy_networks_have(p.trusted_networks, &office));
	assert_ok(parse(&p, "trusted_networks = 10.0.0.0/8, 192.0.2.0/24 ,2001:db8::/32", &told));
	assert_true(policy_networks_have(p.trusted_networks, &office));
	assert_false(policy_networks_have(p.trusted_networks, &other));
	for (size_t i = 0; i < COUNT(wrong); i++) {
		snprintf(line, sizeof(line), "trusted_networks = %s", wrong[i]);
		assert_refused(FORMAT, parse(&p, line, &told));
	}
}

/* KEY = so many of the same entry, separated by commas, and the last one to make len bytes. */
static enum totp_err parse_list(const char *key, const char *entry, size_t len,
				struct complaints *told)
{
	char line[POLICY_NETWORKS_MAX + 80];
	size_t begin = (size_t)snprintf(line, sizeof(line), "%s = ", key);
	struct policy p;

	for (size_t at = 0; at < len; at++)
		line[begin + at] = entry[at % strlen(entry)];
	if (line[begin + len - 1] == ',')
		line[begin + len - 1] = ' '; /* which is cut off: one less */
	line[begin + len] = '\0';
	return parse(&p, line, told);
}

static void a_list_that_is_too_long_is_rejected_as_a_whole(void **unused)
{
	struct complaints told;

	assert_ok(parse_list("trusted_networks", "::1,", POLICY_NETWORKS_MAX - 1, &told));
	assert_refused(FORMAT,
		       parse_list("trusted_networks", "::1,", POLICY_NETWORKS_MAX + 3, &told));
	assert_told(&told, 0, "longer than 767 bytes");
	assert_ok(parse_list("hosts", "web", POLICY_HOST_MAX, &told));
	assert_refused(FORMAT, parse_list("hosts", "web", POLICY_HOST_MAX + 1, &told));
	assert_ok(parse_list("hosts", "web,", POLICY_SHORT_LIST - 1, &told));
	assert_refused(FORMAT, parse_list("hosts", "web,", POLICY_SHORT_LIST + 3, &told));
	assert_told(&told, 0, "longer than 511 bytes: use *.example.org");
}

static void where_the_code_comes_from_is_one_of_four_words(void **unused)
{
	static const char *const words[] = {"none", "try_first_pass", "use_first_pass", "combined"};
	struct complaints told;
	struct policy p;
	char line[80];

	policy_default(&p);
	assert_int_equal(PASSWORD_NONE, p.password);
	for (int i = 3; i >= 0; i--) {
		snprintf(line, sizeof(line), "password = %s", words[i]);
		assert_ok(parse(&p, line, &told));
		assert_int_equal(i, p.password);
	}
	assert_refused(FORMAT, parse(&p, "password = yes", &told));
	assert_refused(FORMAT, parse(&p, "if_publickey = yes", &told)); /* the PAM line's */
}

/* --- login hosts and verifiers --- */

static void a_store_is_in_one_of_three_places(void **unused)
{
	static const char *const words[] = {"files", "etcd", "verifier"};
	struct complaints told;
	struct policy p;

	for (unsigned i = 0; i < 3; i++) {
		char line[32];

		snprintf(line, sizeof(line), "store = %s", words[i]);
		assert_ok(parse(&p, line, &told));
		assert_int_equal(i, p.store);
		assert_int_equal(i != STORE_AT_VERIFIER, policy_has_store(&p));
	}
	assert_refused(FORMAT, parse(&p, "store = verifiers", &told));
	assert_ok(parse(&p, "store = verifier\nlocal_users = root", &told));
	assert_true(policy_has_store(&p));
}

static void verifiers_have_an_address_or_a_name_and_a_port(void **unused)
{
	static const char good[] =
		"verifiers = 192.0.2.1:7443, [2001:db8::1]:1, v3.example.org:65535";
	static const struct {
		const char *host;
		uint16_t port;
		bool is_address;
	} expected[] = {{"192.0.2.1", 7443, true},
			{"2001:db8::1", 1, true},
			{"v3.example.org", 65535, false}};
	static const char *const bad[] = {
		"192.0.2.1",      "192.0.2.1:",
		"192.0.2.1:0",    "192.0.2.1:65536",
		":7443",          "2001:db8::1:7443",
		"[2001:db8::1]",  "V3:7443",
		"*.x:7443",       "a b:7443",
		"a:7443,",        "a:7443,,b:7443",
		"https://a:7443", "[]:7443",
		"a:+1",           "a:1,a:2,a:3,a:4,a:5,a:6,a:7,a:8,a:9,a:10",
	};
	struct complaints told;
	struct policy_verifier one;
	struct policy p;
	struct text rest;

	assert_ok(parse(&p, good, &told));
	rest = text_of(p.verifiers);
	for (size_t i = 0; i < sizeof(expected) / sizeof(expected[0]); i++) {
		assert_ok(policy_verifier_next(&rest, &one));
		assert_string_equal(expected[i].host, one.host);
		assert_int_equal(expected[i].port, one.port);
		assert_int_equal(expected[i].is_address, one.is_address);
	}
	assert_refused(NOT_FOUND, policy_verifier_next(&rest, &one));
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		char line[128];

		snprintf(line, sizeof(line), "verifiers = %s", bad[i]);
		if (parse(&p, line, &told) == TOTP_OK)
			fail_msg("%s", line);
	}
}

static void hosts_are_listed_by_name_or_by_domain(void **unused)
{
	static const char list[] = "web01, *.example.org";
	static const char *const bad[] = {"Web01",        "web 01", "*web",         "web*",
					  "*.",           "a/b",    "192.0.2.0/24", "*.example.orG",
					  "*.Example.org"};
	struct complaints told;
	struct policy p;

	assert_true(policy_hosts_have(list, "web01"));
	assert_true(policy_hosts_have(list, "a.example.org"));
	assert_true(policy_hosts_have(list, "a.b.example.org"));
	assert_false(policy_hosts_have(list, "example.org"));
	assert_false(policy_hosts_have(list, "aexample.org"));
	assert_false(policy_hosts_have(list, "web0"));
	assert_false(policy_hosts_have(list, "web011"));
	assert_false(policy_hosts_have(list, ""));
	assert_false(policy_hosts_have("", "web01"));
	assert_true(policy_hosts_have("*", "web01"));
	assert_ok(
		parse(&p, "hosts = web01, *.example.org\nhosts_self=*\nhosts_enroll=a_b-c", &told));
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		char line[64];

		snprintf(line, sizeof(line), "hosts = %s", bad[i]);
		if (parse(&p, line, &told) == TOTP_OK)
			fail_msg("%s", line);
	}
}

static void the_module_passes_over_the_keys_that_only_others_know(void **unused)
{
	size_t count = 0;
	struct reason why;

	while (policy_key_at(count))
		count++;
	assert_true(count > POLICY_MORE);
	for (size_t i = 0; i < count; i++) {
		const char *name = policy_key_at(i)->name;

		if (policy_list_has(skip_names, text_of(name)) != (i >= count - POLICY_MORE))
			fail_msg("%s", name);
	}
	assert_null(skip_at(0));
	assert_refused(ARGUMENT, skip_set(KIND_HOSTS, text_of("*"), why.text, &why));
}

static void members_of_a_cluster_are_reached_by_https(void **unused)
{
	struct complaints told;
	struct policy p;

	assert_ok(parse(&p, "etcd_endpoints = https://a:2379, https://[::1]:2379", &told));
	assert_refused(FORMAT, parse(&p, "etcd_endpoints = http://a:2379", &told));
	assert_refused(FORMAT, parse(&p, "etcd_endpoints = https://a:2379,", &told));
	assert_refused(FORMAT, parse(&p, "etcd_endpoints =", &told));
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(networks_are_read_and_mistakes_reported),
		cmocka_unit_test(a_list_that_is_too_long_is_rejected_as_a_whole),
		cmocka_unit_test(where_the_code_comes_from_is_one_of_four_words),
		cmocka_unit_test(the_defaults_are_those_of_the_manual),
		cmocka_unit_test(every_default_can_be_written_and_means_itself),
		cmocka_unit_test(no_setting_is_listed_twice),
		cmocka_unit_test(numbers_have_their_ranges),
		cmocka_unit_test(every_numeric_setting_rejects_what_is_not_a_number),
		cmocka_unit_test(durations_have_units),
		cmocka_unit_test(flags_are_yes_or_no),
		cmocka_unit_test(enforcement_is_a_word_or_a_date),
		cmocka_unit_test(accounts_enroll_where_and_until_when_the_policy_says),
		cmocka_unit_test(algorithms_are_three),
		cmocka_unit_test(paths_are_absolute_and_fit),
		cmocka_unit_test(the_help_is_a_line_of_text_and_there_is_none_by_default),
		cmocka_unit_test(a_prompt_is_up_to_127_bytes_of_clean_text),
		cmocka_unit_test(issuer_and_account_are_templates),
		cmocka_unit_test(a_template_is_filled_in_or_rejected),
		cmocka_unit_test(lists_have_no_empty_entry_and_no_blank_in_a_user),
		cmocka_unit_test(a_list_has_at_most_2047_bytes),
		cmocka_unit_test(a_list_is_walked_entry_by_entry),
		cmocka_unit_test(a_user_is_in_a_list_by_the_whole_name_only),
		cmocka_unit_test(lines_may_be_written_as_people_write_them),
		cmocka_unit_test(quotes_keep_blanks_at_the_ends),
		cmocka_unit_test(a_line_that_is_not_a_pair_is_rejected),
		cmocka_unit_test(a_line_of_another_file_is_not_repeated),
		cmocka_unit_test(a_setting_given_twice_is_rejected),
		cmocka_unit_test(all_mistakes_are_reported_with_their_lines),
		cmocka_unit_test(the_line_is_reported_however_long_the_name_of_the_file),
		cmocka_unit_test(an_option_of_another_module_is_rejected_and_ours_is_named),
		cmocka_unit_test(an_option_of_another_module_in_the_file_is_reported_too),
		cmocka_unit_test(each_setting_is_valid_in_its_places_only),
		cmocka_unit_test(the_pam_line_overrides_the_file),
		cmocka_unit_test(all_mistakes_of_the_pam_line_are_reported),
		cmocka_unit_test(conf_names_an_absolute_path_once),
		cmocka_unit_test(a_nul_byte_is_rejected_everywhere),
		cmocka_unit_test(sixty_four_kilobytes_are_read_to_the_end),
		cmocka_unit_test(an_empty_file_leaves_the_defaults),
		cmocka_unit_test(a_store_is_in_one_of_three_places),
		cmocka_unit_test(verifiers_have_an_address_or_a_name_and_a_port),
		cmocka_unit_test(hosts_are_listed_by_name_or_by_domain),
		cmocka_unit_test(the_module_passes_over_the_keys_that_only_others_know),
		cmocka_unit_test(members_of_a_cluster_are_reached_by_https),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
