/* totpctl's command line: the table of subcommands, and the way to the one that is meant. */
#include "common/ctl.h"

#include <ctype.h>
#include <limits.h>
#include <stddef.h>
#include <string.h>

#include "batch/batch_users.h"
#include "common/nearest.h"

enum option_bit {
	OPTION_KEEP_GOING = 1 << 0,
	OPTION_JSON = 1 << 1,
	OPTION_SAVE = 1 << 2,
	OPTION_SERVICE = 1 << 3,
	OPTION_FROM = 1 << 4,
	OPTION_FIX = 1 << 5,
	OPTION_FOR = 1 << 6,
	OPTION_USES = 1 << 7,
	OPTION_REVOKE = 1 << 8,
	OPTION_BATCH = 1 << 9,
	OPTION_LETTERS = 1 << 10,
	OPTION_MUST_CONFIRM = 1 << 11,
	OPTION_DRY_RUN = 1 << 12,
	OPTION_REPLACE = 1 << 13,
	OPTION_HOMES = 1 << 14,
	OPTION_PASSPHRASE = 1 << 15,
	OPTION_KEYRING = 1 << 16,
	OPTION_USERS = 1 << 17,
	OPTION_HTML = 1 << 18,
	OPTION_YES = 1 << 19,
	OPTIONS_IMPORT = OPTION_KEEP_GOING | OPTION_DRY_RUN | OPTION_REPLACE | OPTION_JSON,
};

/* Options of single subcommands. One with a value has `what`, one without is a flag. */
static const struct option {
	const char *name;
	const char *what;
	enum option_bit bit;
	size_t offset; /* in struct ctl */
} options[] = {
	{"--keep-going", NULL, OPTION_KEEP_GOING, offsetof(struct ctl, keep_going)},
	{"--json", NULL, OPTION_JSON, offsetof(struct ctl, json)},
	{"--fix", NULL, OPTION_FIX, offsetof(struct ctl, fix)},
	{"--save", "which file", OPTION_SAVE, offsetof(struct ctl, save)},
	{"--service", "which service", OPTION_SERVICE, offsetof(struct ctl, service)},
	{"--from", "which address", OPTION_FROM, offsetof(struct ctl, from)},
	{"--for", "how long", OPTION_FOR, offsetof(struct ctl, lasting)},
	{"--uses", "how many", OPTION_USES, offsetof(struct ctl, uses)},
	{"--batch", "which file", OPTION_BATCH, offsetof(struct ctl, batch)},
	{"--letters", "into which directory", OPTION_LETTERS, offsetof(struct ctl, letters)},
	{"--must-confirm", NULL, OPTION_MUST_CONFIRM, offsetof(struct ctl, must_confirm)},
	{"--revoke", NULL, OPTION_REVOKE, offsetof(struct ctl, revoke)},
	{"--dry-run", NULL, OPTION_DRY_RUN, offsetof(struct ctl, dry_run)},
	{"--replace", NULL, OPTION_REPLACE, offsetof(struct ctl, replace)},
	{"--homes", NULL, OPTION_HOMES, offsetof(struct ctl, homes)},
	{"--passphrase-file", "which file", OPTION_PASSPHRASE, offsetof(struct ctl, phrase)},
	{"--keyring", "which file", OPTION_KEYRING, offsetof(struct ctl, keyring)},
	{"--users", "which file", OPTION_USERS, offsetof(struct ctl, users)},
	{"--html", "which file", OPTION_HTML, offsetof(struct ctl, html)},
	{"--yes", NULL, OPTION_YES, offsetof(struct ctl, yes)},
};

#define OPTIONS (sizeof(options) / sizeof(options[0]))

#define IMPORT_HELP \
	"  --dry-run       tell what would happen to each user, and change nothing\n" \
	"  --json          with --dry-run: print an array of objects, one for each user\n" \
	"  --replace       replace the records of users who are enrolled\n" \
	"  --keep-going    where some cannot be imported, import the others\n"

/*
 * A family, such as "key", is a row without `run`; its members, "key list" and so on, are rows
 * of their own, which its help lists in the place of the main one.
 */
struct command {
	const char *group; /* a heading of --help, at the first of each group */
	const char *name;
	const char *arguments;
	const char *help; /* one line */
	const char *more; /* what its own --help says beside that */
	int min, max;     /* arguments it takes */
	unsigned options; /* of enum option_bit */
	int (*run)(struct ctl *ctl);
};

static const struct command commands[] = {
	{"This host", "init", "", "make keyring and store",
	 "Makes what is missing of the two and changes nothing that is there. A store\n"
	 "whose keyring is lost is refused: restore the keyring.\n"
	 "\n"
	 "  --keyring FILE  copy this keyring instead of making one; to hosts of equal\n"
	 "                  trust sealed credentials can then be brought\n",
	 0, 0, OPTION_KEYRING, ctl_init},
	{NULL, "check", "[FILE]", "read the policy and name every fault",
	 "Reads FILE, or the policy in use if none is named. Owner and mode of FILE do not\n"
	 "matter, so that a configuration manager can check a copy before it installs it:\n"
	 "  validate: totpctl check %s\n",
	 0, 1, 0, ctl_check},
	{NULL, "doctor", "", "look for what lets people past, or keeps them out",
	 "Looks at the PAM stacks, sshd, keyring, store and records, clock and disk. Each\n"
	 "finding says what it is, why it matters and how it is repaired; exit 1 if any is\n"
	 "left.\n"
	 "\n"
	 "  --service NAME  of /etc/pam.d look at this service alone\n"
	 "  --fix           repair what needs no choice: permissions, leftovers\n"
	 "  --json          print an array of objects, one for each finding\n",
	 0, 0, OPTION_SERVICE | OPTION_FIX | OPTION_JSON, ctl_doctor},
	{NULL, "upgrade", "", "write records in the newest version that there is",
	 "A new totpctl goes on writing what the one before it reads, until you say this.\n"
	 "First have the new version run everywhere: restart totpd. Afterwards an older\n"
	 "version refuses the store. May be interrupted, and run again.\n",
	 0, 0, 0, ctl_upgrade},
	{NULL, "key", "SUBCOMMAND", "the keys that seal what is stored", "", 0, 0, 0, NULL},
	{NULL, "key list", "", "which there are, and how much each has sealed",
	 "The first seals what is stored from now on, the others only open. A key that is\n"
	 "missing has sealed something, and is not in the keyring.\n"
	 "\n"
	 "  --json  print an array of objects, one for each key\n",
	 0, 0, OPTION_JSON, ctl_key_list},
	{NULL, "key rotate", "", "make a new key, and seal everything again with it",
	 "Adds a new key, has totpd read the keyring again, makes the key the first, seals\n"
	 "all records again, and drops the old key when nothing needs it. Logins go on\n"
	 "meanwhile. Interrupted at any point, everything still opens, and the next run\n"
	 "goes on.\n",
	 0, 0, 0, ctl_key_rotate},
	{NULL, "key backup", "FILE", "copy them to a new file, under a passphrase",
	 "The file is for root alone. Keep it, and the passphrase, somewhere else: without\n"
	 "the keys nobody here can log in with a code, and no backup of the store opens.\n"
	 "\n"
	 "  --passphrase-file FILE  do not ask, read the passphrase: one line, in a file\n",
	 1, 1, OPTION_PASSPHRASE, ctl_key_backup},
	{NULL, "key restore", "FILE", "bring back those of a copy that are missing",
	 "Where there is no keyring it becomes what it was. Else keys that are missing are\n"
	 "added, which open only; none is taken away.\n"
	 "\n"
	 "  --passphrase-file FILE  do not ask, read the passphrase\n",
	 1, 1, OPTION_PASSPHRASE, ctl_key_restore},
	{NULL, "key seal", "", "seal them to this host, so that they lie open in /run alone",
	 "Writes a systemd encrypted credential, which this host's TPM or host key opens,\n"
	 "and says how to have it unsealed at each boot. Nothing else is changed.\n",
	 0, 0, 0, ctl_key_seal},
	{NULL, "store", "SUBCOMMAND", "where the records lie", "", 0, 0, 0, NULL},
	{NULL, "store accept", "", "it was moved here, or restored from a backup",
	 "No code from before now is accepted any more, temporary codes end, and what\n"
	 "cannot be known of recovery codes and counters is printed. If the machine that\n"
	 "the store comes from still runs, remove store and keyring there first.\n",
	 0, 0, 0, ctl_store_accept},
	{"Users", "list", "", "who is enrolled, and who cannot log in",
	 "  --json  print an array of objects, one for each user\n", 0, 0, OPTION_JSON, ctl_list},
	{NULL, "report", "", "how many have enrolled, and who is missing, by group",
	 "As wide as the window. People are the accounts that the name service lists,\n"
	 "without those of programs, and whoever has a record or is named by the policy.\n"
	 "\n"
	 "  --html FILE  write a page for browsers; '-' is standard output\n"
	 "  --json       print an object, with the names of those who are missing\n",
	 0, 0, OPTION_HTML | OPTION_JSON, ctl_report},
	{NULL, "show", "USER", "tokens, failed tries and waits; never a secret", "", 1, 1, 0,
	 ctl_show},
	{NULL, "test", "USER", "what would happen at a login, and why",
	 "Asks for a code, and says what a login would make of it. Nothing is changed: the\n"
	 "code is not used up, a wrong one is not counted. Without an answer no code is\n"
	 "looked at.\n"
	 "\n"
	 "  --service NAME  go by the lines of /etc/pam.d/NAME, such as sshd\n"
	 "  --from ADDRESS  where the login comes from (this host)\n",
	 1, 1, OPTION_SERVICE | OPTION_FROM, ctl_test},
	{NULL, "enroll", "USER...", "many at once, with a letter for each",
	 "A letter is one page to print: picture, key and what to do with them. Who has no\n"
	 "account, or is enrolled, is named, and nobody is enrolled unless all can be.\n"
	 "\n"
	 "  --letters DIRECTORY  where the letters go: new, or empty and of mode 0700\n"
	 "  --batch FILE         the users, one a line, instead; '-' is standard input\n"
	 "  --must-confirm       a record counts from its first right code on\n"
	 "  --keep-going         enrol the others; exit 1 if any was left out\n"
	 "  --json               print an array of objects, one for each user\n",
	 0, BATCH_USERS_MAX,
	 OPTION_LETTERS | OPTION_BATCH | OPTION_MUST_CONFIRM | OPTION_KEEP_GOING | OPTION_JSON,
	 ctl_enroll},
	{NULL, "import", "SUBCOMMAND", "bring users over from a list or another system",
	 "What is brought over stays as it was. A user who is enrolled here is kept. What\n"
	 "cannot be carried over is told, and the exit status is 1 then.\n"
	 "\n" IMPORT_HELP,
	 0, 0, 0, NULL},
	{NULL, "import google", "PATH...|--homes", "what google-authenticator keeps",
	 "PATH is a file .google_authenticator, which is its owner's, or a file or folder\n"
	 "of files that are named after their users. Scratch codes and used codes come\n"
	 "over, a learned clock skew does not.\n"
	 "\n"
	 "  --homes [PATH]  read .google_authenticator, or PATH, in every user's "
	 "home\n" IMPORT_HELP,
	 0, INT_MAX, OPTIONS_IMPORT | OPTION_HOMES, ctl_import_google},
	{NULL, "import oath", "FILE|-", "users.oath, the file of pam_oath",
	 "Each line is a token; what was used last stays used. A password (PIN) before the\n"
	 "code is not carried over.\n"
	 "\n" IMPORT_HELP,
	 1, 1, OPTIONS_IMPORT, ctl_import_oath},
	{NULL, "import totp-cgi", "DIRECTORY [STATE]", "what totp-cgi keeps: USER.totp, USER.json",
	 "STATE is the directory with USER.json, if that is another one than DIRECTORY.\n"
	 "Secrets that are encrypted under a PIN cannot be read; PINs are not migrated.\n"
	 "\n" IMPORT_HELP,
	 1, 2, OPTIONS_IMPORT, ctl_import_totpcgi},
	{NULL, "import otpauth", "FILE|-", "otpauth:// URIs, one a line",
	 "The account of a URI is the user, or the part before its '@'. Several lines are\n"
	 "several tokens; a counter is the next one.\n"
	 "\n" IMPORT_HELP,
	 1, 1, OPTIONS_IMPORT, ctl_import_otpauth},
	{NULL, "import pskc", "FILE|-", "a PSKC container of tokens (RFC 6030)",
	 "Keys in plain text. The user is the container's UserId, or the one that --users\n"
	 "has for the serial number. Several tokens of a user are several tokens.\n"
	 "\n"
	 "  --users FILE    whose tokens they are: one serial,user a line\n" IMPORT_HELP,
	 1, 1, OPTIONS_IMPORT | OPTION_USERS, ctl_import_pskc},
	{NULL, "import exported", "FILE|-", "what totpctl export wrote",
	 "Steps, counters and codes that were used stay so. Afterwards the hosts know\n"
	 "nothing of each other: delete the users on one of them (totpctl delete).\n"
	 "\n"
	 "  --passphrase-file FILE  do not ask, read the passphrase\n" IMPORT_HELP,
	 1, 1, OPTIONS_IMPORT | OPTION_PASSPHRASE, ctl_import_exported},
	{NULL, "import sealed", "PATH...", "record files of a host with the same key",
	 "Files as they lie in the store's users/, or a folder of them, from a host whose\n"
	 "keyring shares a key with this one. What was used there is not known here. A\n"
	 "record that is here already stays as it is, so this may be run again and again.\n"
	 "\n" IMPORT_HELP,
	 1, INT_MAX, OPTIONS_IMPORT, ctl_import_sealed},
	{NULL, "import csv", "FILE|-", "enrol the users of a list",
	 "One user a line: user,base32[,algorithm,digits,period]; without the last three\n"
	 "SHA1, 6 and 30. A counter-based token has hotp:COUNTER for its period. Empty\n"
	 "lines and those that begin with '#' are passed over; '-' is standard input.\n"
	 "\n" IMPORT_HELP,
	 1, 1, OPTIONS_IMPORT, ctl_import_csv},
	{NULL, "export", "FILE|- [USER...]", "everybody, or some, for another host",
	 "Credentials with all that was used, sealed under a passphrase, into a new file\n"
	 "for its owner alone. To bring them in: totpctl import exported\n"
	 "\n"
	 "  --passphrase-file FILE  do not ask, read the passphrase: one line, in a file\n"
	 "                          that others cannot read\n",
	 1, INT_MAX, OPTION_PASSPHRASE, ctl_export},
	{NULL, "recovery", "USER", "make new recovery codes; the old ones become void",
	 "They are shown once, on a page that can be printed.\n"
	 "\n"
	 "  --save FILE  write them to this new file instead, for its owner alone\n",
	 1, 1, OPTION_SAVE, ctl_recovery},
	{NULL, "temporary-code", "USER", "print a code for a user who lost the phone",
	 "The code has the shape of a recovery code, can be read out over the telephone,\n"
	 "and is printed once. A new code replaces the one before.\n"
	 "\n"
	 "  --for TIME  how long the code is valid, such as 30m (1h)\n"
	 "  --uses N    for how many logins (1)\n"
	 "  --json      print an object with code, uses and until\n"
	 "  --revoke    make the user's temporary code invalid instead\n",
	 1, 1, OPTION_FOR | OPTION_USES | OPTION_JSON | OPTION_REVOKE, ctl_temporary_code},
	{NULL, "resync", "USER LABEL", "a hardware token whose codes are refused: find it again",
	 "Asks for two codes that the token shows one after the other. A counter-based\n"
	 "token is found up to 1000 presses ahead, the clock of another up to two days\n"
	 "off.\n",
	 2, 2, 0, ctl_resync},
	{NULL, "unlock", "USER...", "forget failed tries, so that users need not wait",
	 "Used codes stay used. No address of the users is remembered any more.\n", 1, INT_MAX, 0,
	 ctl_unlock},
	{NULL, "forget", "USER...", "ask for a code again from every address",
	 "Ends what 'remember' in pam_totp.conf(5) spares the user, such as after a theft.\n"
	 "Tokens and recovery codes stay as they are.\n",
	 1, INT_MAX, 0, ctl_forget},
	{NULL, "invite", "[USER...]", "let users enroll in a login after enroll_until, once",
	 "An invitation is valid for one enrollment and for a time. Without USER it lists\n"
	 "the invitations.\n"
	 "\n"
	 "  --for TIME  how long it is valid, such as 12h (3d)\n"
	 "  --json      print the list as an array of objects\n",
	 0, INT_MAX, OPTION_FOR | OPTION_JSON, ctl_invite},
	{NULL, "uninvite", "USER", "take an invitation back", "", 1, 1, 0, ctl_uninvite},
	{NULL, "suspend", "USER...", "deny every code of users, and keep their enrollment",
	 "Recovery codes and temporary codes are denied too, and so is a login from a\n"
	 "remembered address. Logins that the policy asks for no code are not affected.\n",
	 1, INT_MAX, 0, ctl_suspend},
	{NULL, "resume", "USER...", "accept the codes of suspended users again", "", 1, INT_MAX, 0,
	 ctl_resume},
	{NULL, "delete", "USER...", "delete enrollments: tokens and recovery codes",
	 "The policy decides what the user meets at the next login: see 'enforce' and\n"
	 "'exempt' in pam_totp.conf(5). To enroll a new phone: totp-enroll --user USER\n"
	 "\n"
	 "  --yes  do not ask for confirmation\n",
	 1, INT_MAX, OPTION_YES, ctl_delete},
	{"Repairs, where a log line names them", "repair", "USER",
	 "make a lost or damaged login state anew",
	 "What was used before is not known any more, so codes of now and a little later\n"
	 "are refused, and recovery codes and counter-based tokens become void.\n",
	 1, 1, 0, ctl_repair},
	{NULL, "repair-clock", "USER", "the host's clock was ahead: accept codes again",
	 "For a token whose last code is one of the future. First set the clock right.\n", 1, 1, 0,
	 ctl_repair_clock},
	{NULL, "adopt", "USER", "the account has a new uid: let it keep its tokens",
	 "Make sure that it is the same person: whoever has the account can then log in\n"
	 "with the tokens that are enrolled.\n",
	 1, 1, 0, ctl_adopt},
};

#define COMMANDS (sizeof(commands) / sizeof(commands[0]))

static bool is_member(const struct command *command, const char *family)
{
	size_t len = strlen(family);

	return strncmp(command->name, family, len) == 0 && command->name[len] == ' ';
}

/*
 * The lines of a help: name and arguments to the left, what it does to the right. Where there
 * is no room, what may be left out on a command line is left out here, too.
 */
static void print_line(const struct command *command, int width)
{
	char left[48];
	char *more;

	snprintf(left, sizeof(left), "%s%s%s", command->name, command->arguments[0] ? " " : "",
		 command->arguments);
	if ((int)strlen(left) > width && (more = strstr(left, " [")))
		*more = '\0';
	printf("  %-*s %s\n", width, left, command->help);
}

static int print_help(void)
{
	printf("Usage: totpctl [--conf FILE] SUBCOMMAND [ARGUMENTS]\n"
	       "Look after the one-time codes of this host's users.\n");
	for (size_t i = 0; i < COMMANDS; i++) {
		if (commands[i].group)
			printf("\n%s:\n", commands[i].group);
		if (!strchr(commands[i].name, ' '))
			print_line(&commands[i], 19);
	}
	printf("\nOptions:\n"
	       "  --conf FILE        the policy to use instead of %s\n"
	       "  --help, --version\n"
	       "\nFor more about a subcommand: totpctl help SUBCOMMAND, and totpctl(8).\n"
	       "Exit status: 0 done, 1 refused or failed, 2 wrong usage.\n",
	       POLICY_FILE);
	return TOOL_DONE;
}

static void print_members(const struct command *family)
{
	int width = 18;

	for (size_t i = 0; i < COMMANDS; i++) {
		int len = (int)(strlen(commands[i].name) + 2 + strlen(commands[i].arguments));

		if (is_member(&commands[i], family->name) && len > width)
			width = len;
	}
	printf("\n");
	for (size_t i = 0; i < COMMANDS; i++)
		if (is_member(&commands[i], family->name))
			print_line(&commands[i], width);
}

static int print_command_help(const struct command *command)
{
	printf("Usage: totpctl [--conf FILE] %s%s%s\n\n%c%s.\n%s%s", command->name,
	       command->arguments[0] ? " " : "", command->arguments,
	       toupper((unsigned char)command->help[0]), command->help + 1,
	       command->more[0] ? "\n" : "", command->more);
	if (!command->run)
		print_members(command);
	return TOOL_DONE;
}

static const struct command *row_of(const char *name)
{
	for (size_t i = 0; i < COMMANDS; i++)
		if (strcmp(name, commands[i].name) == 0)
			return &commands[i];
	return NULL;
}

/* Find the row that the first words name, two of a family's member, and pass over them. */
static const struct command *command_find(struct ctl *ctl)
{
	const struct command *found = NULL;
	char both[32];
	int used = 2;

	if (ctl->word_count >= used) {
		snprintf(both, sizeof(both), "%s %s", ctl->words[0], ctl->words[1]);
		found = row_of(both);
	}
	if (!found) {
		used = 1;
		found = row_of(ctl->words[0]);
	}
	ctl->words += used;
	ctl->word_count -= used;
	return found;
}

/* What the options say beside their values. */
struct asked {
	bool help;
	bool version;
	unsigned options; /* of enum option_bit */
};

/* Read the value of an option at argv[*index], if it is this one. */
static bool read_value(struct ctl *ctl, const struct option *option, int argc, char **argv,
		       int *index, int *ret_code)
{
	void *at = (char *)ctl + option->offset;
	const char **value = at;

	if (!option->what) {
		if (strcmp(argv[*index], option->name) != 0)
			return false;
		*(bool *)at = true;
		return true;
	}
	if (!tool_option(argc, argv, index, option->name, value))
		return false;
	if (!*value || !(*value)[0])
		*ret_code = tool_usage(&ctl->tool, "%s: %s?", option->name, option->what);
	return true;
}

/* Read one option at argv[*index]; TOOL_DONE to go on. */
static int read_option(struct ctl *ctl, int argc, char **argv, int *index, struct asked *asked)
{
	const char *word = argv[*index];
	int code = TOOL_DONE;

	for (size_t i = 0; i < OPTIONS; i++) {
		if (!read_value(ctl, &options[i], argc, argv, index, &code))
			continue;
		asked->options |= options[i].bit;
		return code;
	}

	if (tool_option(argc, argv, index, "--conf", &ctl->tool.conf))
		return ctl->tool.conf && ctl->tool.conf[0]
			       ? TOOL_DONE
			       : tool_usage(&ctl->tool, "--conf: which file?");
	if (strcmp(word, "--help") == 0 || strcmp(word, "-h") == 0)
		asked->help = true;
	else if (strcmp(word, "--version") == 0)
		asked->version = true;
	else
		return tool_usage(&ctl->tool, "there is no option '%s'", word);
	return TOOL_DONE;
}

/* Part options from words; these are gathered at the start of argv. */
static int read_words(struct ctl *ctl, int argc, char **argv, struct asked *asked)
{
	bool only_words = false;
	int code = TOOL_DONE;

	ctl->words = argv;
	for (int i = 1; i < argc && code == TOOL_DONE; i++) {
		if (!only_words && strcmp(argv[i], "--") == 0)
			only_words = true;
		else if (!only_words && argv[i][0] == '-' && argv[i][1])
			code = read_option(ctl, argc, argv, &i, asked);
		else
			ctl->words[ctl->word_count++] = argv[i];
	}
	return code;
}

/* Words of other programs for what subcommands do. */
static const struct {
	const char *word;
	const char *name;
} synonyms[] = {
	{"disable", "suspend"},       {"lock", "suspend"},  {"enable", "resume"},
	{"revoke", "delete"},         {"remove", "delete"}, {"reset", "unlock"},
	{"bypass", "temporary-code"}, {"add", "enroll"},    {"users", "list"},
	{"status", "show"},           {"verify", "test"},
};

#define SYNONYMS (sizeof(synonyms) / sizeof(synonyms[0]))

/* family: NULL, or the one whose members are looked at. */
static int refuse_subcommand(const struct ctl *ctl, const struct command *family, const char *typed)
{
	const char *words[COMMANDS + SYNONYMS], *meant;
	const char *before = family ? family->name : "", *colon = family ? ": " : "";
	size_t count = 0;

	for (size_t i = 0; i < COMMANDS; i++)
		if (family ? is_member(&commands[i], family->name) : !strchr(commands[i].name, ' '))
			words[count++] = commands[i].name + (family ? strlen(family->name) + 1 : 0);
	for (size_t i = 0; i < SYNONYMS && !family; i++)
		words[count++] = synonyms[i].word;

	meant = nearest_word(typed, words, count);
	if (!meant)
		return tool_usage(&ctl->tool, "%s%sunknown subcommand '%s'", before, colon, typed);
	for (size_t i = 0; i < SYNONYMS && !family; i++)
		if (strcmp(meant, synonyms[i].word) == 0)
			meant = synonyms[i].name;
	return tool_usage(&ctl->tool, "%s%sunknown subcommand '%s'; did you mean '%s'?", before,
			  colon, typed, meant);
}

static int run_command(struct ctl *ctl, const struct command *command, unsigned asked)
{
	ctl->tool.subcommand = command->name;
	if (!command->run && ctl->word_count)
		return refuse_subcommand(ctl, command, ctl->words[0]);
	if (!command->run)
		return tool_usage(&ctl->tool, "%s: which subcommand?", command->name);
	for (size_t i = 0; i < OPTIONS; i++)
		if (asked & ~command->options & options[i].bit)
			return tool_usage(&ctl->tool, "%s: there is no option '%s'", command->name,
					  options[i].name);
	if (ctl->word_count < command->min || ctl->word_count > command->max)
		return tool_usage(&ctl->tool, "%s: expected %s", command->name,
				  command->max ? command->arguments : "no arguments");

	return command->run(ctl);
}

static int run(struct ctl *ctl, int argc, char **argv)
{
	const struct command *command;
	struct asked asked = {0};
	const char *name;
	int code = read_words(ctl, argc, argv, &asked);

	if (code != TOOL_DONE)
		return code;
	if (asked.version) {
		printf("totpctl (pam_totp) " VERSION "\n");
		return TOOL_DONE;
	}
	if (ctl->word_count && strcmp(ctl->words[0], "help") == 0) {
		asked.help = true;
		ctl->words++;
		ctl->word_count--;
	}
	if (ctl->word_count == 0)
		return asked.help ? print_help() : tool_usage(&ctl->tool, "which subcommand?");

	name = ctl->words[0];
	command = command_find(ctl);
	if (!command)
		return refuse_subcommand(ctl, NULL, name);
	return asked.help ? print_command_help(command) : run_command(ctl, command, asked.options);
}

int main(int argc, char **argv)
{
	struct ctl ctl = {.tool = {.name = "totpctl"}};
	int code = tool_begin(&ctl.tool);

	return code == TOOL_DONE ? tool_end(&ctl.tool, run(&ctl, argc, argv)) : code;
}
