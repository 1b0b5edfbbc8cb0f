#include "enroll/request.h"

#include <string.h>
#include <unistd.h>

#include "common/nearest.h"
#include "otp/totp.h"
#include "otp/uri.h"

const char request_help[] =
	"Usage: totp-enroll [SUBCOMMAND] [OPTION...]\n"
	"Manage the codes from your phone that logins here ask for.\n"
	"\n"
	"  enroll            give your phone the secret: scan a picture, type a code back\n"
	"  status            your phones, recovery codes left, wrong codes\n"
	"  test              check a code without logging in; it is used up\n"
	"  add LABEL         another phone or token beside what you have\n"
	"  replace [LABEL]   a new phone instead of an old one, which works until then\n"
	"  rename LABEL NEW  call it something else\n"
	"  remove LABEL      its codes are denied from then on\n"
	"  recovery          new recovery codes; the old ones are no longer valid\n"
	"  delete            delete your enrollment, where no code is required\n"
	"\n"
	"Without a subcommand: enroll, or status if you are enrolled.\n"
	"To change anything you need a current code or a recovery code.\n"
	"\n"
	"  --json            status, for programs\n"
	"  --save FILE       write recovery codes to a new file instead of the screen\n"
	"  --help            after enroll, add and replace: more options\n"
	"  --version\n"
	"\n"
	"Exit status: 0 done, 1 refused or failed, 2 wrong usage. See totp-enroll(1).\n";

const char request_enroll_help[] =
	"Usage: totp-enroll [enroll | add LABEL | replace [LABEL]] [OPTION...]\n"
	"Give a phone, or a hardware token, the secret of its codes.\n"
	"\n"
	"  --label TEXT      what to call it in lists and logs (phone)\n"
	"  --save FILE       write recovery codes to a new file instead of the screen\n"
	"  --qr KIND         the picture: auto, ansi, utf8, ascii or none (auto)\n"
	"  --qr-invert       with utf8 or ascii: for dark text on a light window\n"
	"  --svg FILE, --png FILE         write the picture to a new file, too\n"
	"  --issuer TEXT, --account TEXT  what the phone shows\n"
	"  --algorithm NAME, --digits N, --period SECONDS\n"
	"                    many phone apps ignore these: better left alone\n"
	"  --secret -        read a token's secret, in base32, from standard input\n"
	"  --hotp            its codes count up; --counter N is the next one\n"
	"Only root:\n"
	"  --user NAME       the user to enroll\n"
	"  --force           replace what the user has\n"
	"  --no-confirm      store at once, without a code from the phone\n"
	"  --json            for scripts: one JSON object instead of the picture\n"
	"  --add LABEL, --remove LABEL    as the subcommands\n"
	"  --conf FILE       another policy than " POLICY_FILE "\n"
	"\n"
	"Exit status: 0 done, 1 refused or failed, 2 wrong usage. See totp-enroll(1).\n";

typedef int take_fn(struct tool *tool, struct request *request, const char *value);

static int take_user(struct tool *tool, struct request *request, const char *value)
{
	(void)tool;
	request->user = value;
	return TOOL_DONE;
}

static int take_conf(struct tool *tool, struct request *request, const char *value)
{
	(void)request;
	tool->conf = value;
	return TOOL_DONE;
}

static int take_name(const struct tool *tool, const char *what, size_t max, const char *value,
		     const char **ret_name)
{
	struct reason why = {""};

	if (uri_check_name(what, text_of(value), max, &why) != TOTP_OK)
		return tool_usage(tool, "%s", why.text);
	*ret_name = value;
	return TOOL_DONE;
}

static int take_issuer(struct tool *tool, struct request *request, const char *value)
{
	return take_name(tool, "--issuer", URI_ISSUER_MAX, value, &request->issuer);
}

static int take_account(struct tool *tool, struct request *request, const char *value)
{
	return take_name(tool, "--account", URI_ACCOUNT_MAX, value, &request->account);
}

static int take_token_name(const struct tool *tool, const char *option, const char *value,
			   const char **ret_name)
{
	if (!cred_label_is_good(text_of(value)))
		return tool_usage(tool,
				  "%s: expected 1 to %d printable ASCII characters without "
				  "quotes, backslashes and question marks",
				  option, CRED_LABEL_MAX);
	*ret_name = value;
	return TOOL_DONE;
}

static int take_label(struct tool *tool, struct request *request, const char *value)
{
	return take_token_name(tool, "--label", value, &request->label);
}

/* One thing at a time. */
static int take_what(const struct tool *tool, struct request *request, enum request_what what)
{
	if (request->what != REQUEST_NOTHING && request->what != what)
		return tool_usage(tool, "one thing at a time");
	request->what = what;
	return TOOL_DONE;
}

static int take_add(struct tool *tool, struct request *request, const char *value)
{
	if (take_what(tool, request, REQUEST_ADD) != TOOL_DONE)
		return TOOL_USAGE;
	return take_token_name(tool, "--add", value, &request->label);
}

static int take_remove(struct tool *tool, struct request *request, const char *value)
{
	if (take_what(tool, request, REQUEST_REMOVE) != TOOL_DONE)
		return TOOL_USAGE;
	return take_token_name(tool, "--remove", value, &request->label);
}

static int take_save(struct tool *tool, struct request *request, const char *value)
{
	(void)tool;
	request->save = value;
	return TOOL_DONE;
}

static int take_svg(struct tool *tool, struct request *request, const char *value)
{
	(void)tool;
	request->svg = value;
	return TOOL_DONE;
}

static int take_png(struct tool *tool, struct request *request, const char *value)
{
	(void)tool;
	request->png = value;
	return TOOL_DONE;
}

static int take_secret(struct tool *tool, struct request *request, const char *value)
{
	if (strcmp(value, "-") != 0)
		return tool_usage(tool, "--secret: expected -, and the secret on standard input: "
					"arguments are for everybody to see");
	request->secret = true;
	return TOOL_DONE;
}

static int take_counter(struct tool *tool, struct request *request, const char *value)
{
	if (text_number(text_of(value), 0, UINT32_MAX, &request->counter) != TOTP_OK)
		return tool_usage(tool, "--counter: expected a number from 0 to %u", UINT32_MAX);
	return TOOL_DONE;
}

static int take_algorithm(struct tool *tool, struct request *request, const char *value)
{
	if (uri_algorithm_of(text_of(value), &request->algorithm) != TOTP_OK)
		return tool_usage(tool, "--algorithm: expected SHA1, SHA256 or SHA512");
	return TOOL_DONE;
}

static int take_number(const struct tool *tool, const char *name, const char *value, uint32_t min,
		       uint32_t max, uint32_t *ret_number)
{
	uint64_t number = 0;

	if (text_number(text_of(value), min, max, &number) != TOTP_OK)
		return tool_usage(tool, "%s: expected a number from %u to %u", name, min, max);
	*ret_number = (uint32_t)number;
	return TOOL_DONE;
}

static int take_digits(struct tool *tool, struct request *request, const char *value)
{
	return take_number(tool, "--digits", value, CODE_DIGITS_MIN, CODE_DIGITS_MAX,
			   &request->digits);
}

static int take_period(struct tool *tool, struct request *request, const char *value)
{
	return take_number(tool, "--period", value, TOTP_PERIOD_MIN, TOTP_PERIOD_MAX,
			   &request->period);
}

static int take_qr(struct tool *tool, struct request *request, const char *value)
{
	if (!screen_qr_of(value, &request->screen.qr))
		return tool_usage(tool, "--qr: expected auto, ansi, utf8, ascii or none");
	return TOOL_DONE;
}

static const struct {
	const char *name;
	take_fn *take;
} options[] = {
	{"--user", take_user},       {"--conf", take_conf},       {"--issuer", take_issuer},
	{"--label", take_label},     {"--account", take_account}, {"--algorithm", take_algorithm},
	{"--qr", take_qr},           {"--digits", take_digits},   {"--period", take_period},
	{"--add", take_add},         {"--remove", take_remove},   {"--save", take_save},
	{"--svg", take_svg},         {"--png", take_png},         {"--secret", take_secret},
	{"--counter", take_counter},
};

/* Is it an option with a value? Then *ret_code says whether that was good. */
static bool parse_option(struct tool *tool, int argc, char **argv, int *index,
			 struct request *request, int *ret_code)
{
	const char *value = NULL;

	for (size_t i = 0; i < sizeof(options) / sizeof(options[0]); i++) {
		if (!tool_option(argc, argv, index, options[i].name, &value))
			continue;
		*ret_code = value ? options[i].take(tool, request, value)
				  : tool_usage(tool, "%s needs a value", options[i].name);
		return true;
	}
	return false;
}

static bool parse_flag(const char *word, struct request *request)
{
	if (strcmp(word, "--no-confirm") == 0)
		request->confirm = false;
	else if (strcmp(word, "--json") == 0)
		request->json = true;
	else if (strcmp(word, "--force") == 0)
		request->force = true;
	else if (strcmp(word, "--hotp") == 0)
		request->hotp = true;
	else if (strcmp(word, "--qr-invert") == 0)
		request->screen.invert = true;
	else if (strcmp(word, "--help") == 0)
		request->help = true;
	else if (strcmp(word, "--version") == 0)
		request->version = true;
	else
		return false;
	return true;
}

static int refuse_word(const struct tool *tool, const char *word)
{
	char shown[64];

	text_printable(text_of(word), shown, sizeof(shown));
	if (word[0] == '-')
		return tool_usage(tool, "there is no option \"%s\"", shown);
	return tool_usage(tool, "unexpected argument \"%s\"", shown);
}

/* --- subcommands --- */

#define WORDS_MAX 3

static const struct {
	const char *name;
	enum request_what what;
	int min, max; /* words after it */
	const char *expected;
} commands[] = {
	{"enroll", REQUEST_ENROLL, 0, 0, "no more words"},
	{"status", REQUEST_STATUS, 0, 0, "no more words"},
	{"test", REQUEST_TEST, 0, 0, "no more words: a code is asked for"},
	{"add", REQUEST_ADD, 1, 1, "a name for the new phone"},
	{"replace", REQUEST_REPLACE, 0, 1, "the name of the one to replace, or none"},
	{"rename", REQUEST_RENAME, 2, 2, "the name it has, and the new one"},
	{"remove", REQUEST_REMOVE, 1, 1, "the name of the one to remove"},
	{"recovery", REQUEST_RECOVERY, 0, 0, "no more words"},
	{"delete", REQUEST_DELETE, 0, 0, "no more words"},
};

#define COMMANDS (sizeof(commands) / sizeof(commands[0]))

/* Words of other programs for what subcommands do. */
static const struct {
	const char *word;
	const char *name;
} synonyms[] = {
	{"disable", "delete"}, {"list", "status"}, {"show", "status"},
	{"new", "replace"},    {"verify", "test"},
};

#define SYNONYMS (sizeof(synonyms) / sizeof(synonyms[0]))

/* Root may have forgotten --user before a name. */
static int refuse_command(const struct tool *tool, const char *typed)
{
	const char *words[COMMANDS + SYNONYMS], *meant;
	size_t count = 0;

	for (size_t i = 0; i < COMMANDS; i++)
		words[count++] = commands[i].name;
	for (size_t i = 0; i < SYNONYMS; i++)
		words[count++] = synonyms[i].word;
	meant = nearest_word(typed, words, count);
	for (size_t i = 0; meant && i < SYNONYMS; i++)
		if (strcmp(meant, synonyms[i].word) == 0)
			meant = synonyms[i].name;

	if (meant)
		return tool_usage(tool, "unknown subcommand '%s'; did you mean '%s'?", typed,
				  meant);
	if (geteuid() == 0)
		return tool_usage(tool, "unknown subcommand '%s'; to enroll a user: --user %s",
				  typed, typed);
	return tool_usage(tool, "unknown subcommand '%s'", typed);
}

static int take_words(struct tool *tool, char **words, int count, struct request *request)
{
	size_t i = 0;
	int code = TOOL_DONE;

	if (strcmp(words[0], "help") == 0) {
		request->help = true;
		words++;
		count--;
	}
	if (count == 0)
		return TOOL_DONE;
	while (i < COMMANDS && strcmp(words[0], commands[i].name) != 0)
		i++;
	if (i == COMMANDS)
		return refuse_command(tool, words[0]);
	tool->subcommand = commands[i].name;
	if (take_what(tool, request, commands[i].what) != TOOL_DONE)
		return TOOL_USAGE;
	if (request->help)
		return TOOL_DONE;
	if (count - 1 < commands[i].min || count - 1 > commands[i].max)
		return tool_usage(tool, "%s: expected %s", commands[i].name, commands[i].expected);
	request->named = count > 1;
	if (count > 1)
		code = take_token_name(tool, commands[i].name, words[1], &request->label);
	if (code == TOOL_DONE && count > 2)
		code = take_token_name(tool, commands[i].name, words[2], &request->new_label);
	return code;
}

static bool enrolls(const struct request *request)
{
	return request->what == REQUEST_NOTHING || request->what == REQUEST_ENROLL ||
	       request->what == REQUEST_ADD || request->what == REQUEST_REPLACE;
}

/* Options that exclude each other. */
static int check_together(const struct tool *tool, const struct request *request)
{
	if (request->add && request->force)
		return tool_usage(tool, "add and --force: one adds, the other replaces");
	if (!enrolls(request) &&
	    (request->force || request->secret || request->hotp || request->svg || request->png ||
	     !request->confirm || request->screen.invert || request->algorithm || request->digits ||
	     request->period || request->issuer || request->account))
		return tool_usage(tool, "an option is only for enroll, add and replace");
	if (request->json && request->what != REQUEST_STATUS && !enrolls(request))
		return tool_usage(tool, "--json goes with enroll and status");
	if (request->save && !enrolls(request) && request->what != REQUEST_RECOVERY)
		return tool_usage(tool, "--save goes with enroll and recovery");
	if (request->hotp && request->period)
		return tool_usage(tool, "--hotp and --period: a counter has no period");
	if (!request->hotp && request->counter)
		return tool_usage(tool, "--counter goes with --hotp");
	if ((request->add || request->what == REQUEST_REPLACE) && request->save)
		return tool_usage(tool, "--save: the recovery codes stay as they are");
	return TOOL_DONE;
}

static int read_words(struct tool *tool, int argc, char **argv, struct request *request,
		      char *words[WORDS_MAX], int *ret_count)
{
	for (int i = 1; i < argc; i++) {
		int code = TOOL_DONE;

		if (parse_flag(argv[i], request))
			continue;
		if (parse_option(tool, argc, argv, &i, request, &code)) {
			if (code != TOOL_DONE)
				return code;
			continue;
		}
		if (argv[i][0] == '-' || *ret_count == WORDS_MAX)
			return refuse_word(tool, argv[i]);
		words[(*ret_count)++] = argv[i];
	}
	return TOOL_DONE;
}

int request_parse(struct tool *tool, int argc, char **argv, struct request *ret_request)
{
	char *words[WORDS_MAX];
	int count = 0, code;

	*ret_request = (struct request){.label = "phone", .confirm = true};
	code = read_words(tool, argc, argv, ret_request, words, &count);
	if (code == TOOL_DONE && count)
		code = take_words(tool, words, count, ret_request);
	ret_request->add = ret_request->what == REQUEST_ADD;
	return code == TOOL_DONE ? check_together(tool, ret_request) : code;
}
