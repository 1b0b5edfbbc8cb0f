#include "request.h"

#include <string.h>

#include "otp/totp.h"
#include "otp/uri.h"

const char request_help[] =
	"Usage: totp-enroll --user NAME [OPTION...]\n"
	"Give a user's phone the secret for the codes that are asked at login.\n"
	"\n"
	"  --user NAME        whom to enrol\n"
	"  --label TEXT       what to call this phone in lists and logs (phone)\n"
	"  --force            replace what the user has\n"
	"  --add LABEL        add another phone or token to what the user has\n"
	"  --remove LABEL     take one away\n"
	"  --no-confirm       store at once, without a code from the phone\n"
	"  --save FILE        write the recovery codes to a new file instead of the screen\n"
	"  --json             for scripts: one JSON object instead of the picture\n"
	"  --conf FILE        another policy than " POLICY_FILE "\n"
	"\n"
	"The picture:\n"
	"  --qr KIND          auto, ansi, utf8, ascii or none (auto)\n"
	"  --qr-invert        with utf8 or ascii: for dark text on a light window\n"
	"  --svg FILE         write it to a new file, too\n"
	"  --png FILE\n"
	"What the phone shows (by default as the policy says):\n"
	"  --issuer TEXT      where the code is for\n"
	"  --account TEXT     who it is for\n"
	"What many phone apps ignore, so better left alone:\n"
	"  --algorithm NAME   SHA1, SHA256 or SHA512\n"
	"  --digits N         6, 7 or 8\n"
	"  --period SECONDS   15 to 300\n"
	"For hardware tokens:\n"
	"  --secret -         read the token's secret, in base32, from standard input\n"
	"  --hotp             codes go by a counter, not by the clock\n"
	"  --counter N        its next value (0)\n"
	"\n"
	"Exit status: 0 done, 1 refused or failed, 2 wrong usage. See totp-enroll(8).\n";

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

static int take_add(struct tool *tool, struct request *request, const char *value)
{
	request->add = true;
	return take_token_name(tool, "--add", value, &request->label);
}

static int take_remove(struct tool *tool, struct request *request, const char *value)
{
	return take_token_name(tool, "--remove", value, &request->remove);
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
	return tool_usage(tool, "\"%s\" is out of place: to enrol somebody say --user %s", shown,
			  shown);
}

/* Options that say different things. */
static int check_together(const struct tool *tool, const struct request *request)
{
	if (request->add && request->force)
		return tool_usage(tool, "--add and --force: one adds, the other replaces");
	if (request->remove &&
	    (request->add || request->force || request->secret || request->hotp || request->json ||
	     request->save || request->svg || request->png))
		return tool_usage(tool, "--remove goes with --user and --conf alone");
	if (request->hotp && request->period)
		return tool_usage(tool, "--hotp and --period: a counter has no period");
	if (!request->hotp && request->counter)
		return tool_usage(tool, "--counter goes with --hotp");
	if (request->add && request->save)
		return tool_usage(tool, "--add and --save: the recovery codes stay as they are");
	return TOOL_DONE;
}

int request_parse(struct tool *tool, int argc, char **argv, struct request *ret_request)
{
	*ret_request = (struct request){.label = "phone", .confirm = true};
	for (int i = 1; i < argc; i++) {
		int code = TOOL_DONE;

		if (parse_flag(argv[i], ret_request))
			continue;
		if (!parse_option(tool, argc, argv, &i, ret_request, &code))
			return refuse_word(tool, argv[i]);
		if (code != TOOL_DONE)
			return code;
	}
	return check_together(tool, ret_request);
}
