/* SPDX-License-Identifier: BSD-2-Clause */
#include "common/tool.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/io.h"
#include "common/term.h"
#include "host/audit.h"
#include "host/conf.h"
#include "host/stores.h"
#include "host/log.h"
#include "host/machine.h"

char *tool_harmless(char *text)
{
	if (!text_is_clean(text_of(text)))
		text_printable(text_of(text), text, strlen(text) + 1);
	return text;
}

void tool_print(FILE *stream, size_t column, const char *format, va_list args)
{
	OWN_TEXT char *text = NULL;

	if (vasprintf(&text, format, args) < 0)
		text = NULL;
	term_wrap(stream, text ? tool_harmless(text) : err_name(TOTP_ERR_NOMEM), column, 0);
}

bool tool_json;

static bool output_lost; /* an object could not be written */

void tool_begin_json(const struct tool *tool, struct json *json, const char *event)
{
	json_begin(json, '{');
	json_text(json, "event", event);
	json_text(json, "user", tool->user);
}

int tool_end_json(const struct tool *tool, struct json *json)
{
	return json_end(json) ? TOOL_DONE : tool_output_lost(tool);
}

static const struct {
	const char *event, *before;
	bool named, result; /* begins with the program's name; goes to standard output */
} sayings[] = {
	[SAY_ERROR] = {"error", "", true, false},
	[SAY_WARNING] = {"warning", "warning: ", true, false},
	[SAY_HINT] = {"error", "", false, true},
	[SAY_NOTE] = {"note", "", false, true},
	[SAY_ASIDE] = {"note", "", false, false},
	[SAY_DONE] = {"done", "", false, true},
	[SAY_ASK] = {"ask", "", false, true},
};

static void say_object(const struct tool *tool, enum tool_saying saying, const char *id,
		       const char *text)
{
	struct json json;

	tool_begin_json(tool, &json, sayings[saying].event);
	json_text(&json, "id", id);
	json_text(&json, "text", text);
	if (!json_end(&json))
		output_lost = true;
}

static void say_sentence(const struct tool *tool, enum tool_saying saying, char *text)
{
	FILE *stream = sayings[saying].result ? stdout : stderr;
	const char *before = sayings[saying].before;

	if (!sayings[saying].named) {
		fprintf(stream, "%s\n", text);
		return;
	}
	fflush(stdout); /* so that the two come in order */
	fprintf(stream, "%s: %s", tool->name, before);
	term_wrap(stream, tool_harmless(text), strlen(tool->name) + 2 + strlen(before), 0);
	fputc('\n', stream);
}

static __attribute__((format(printf, 4, 0))) void say(const struct tool *tool,
						      enum tool_saying saying, const char *id,
						      const char *format, va_list args)
{
	OWN_TEXT char *text = NULL;
	int len = vasprintf(&text, format, args);
	char none[] = "out of memory";

	if (len < 0)
		text = NULL;
	while (len > 0 && (text[len - 1] == '\n' || text[len - 1] == ' '))
		text[--len] = '\0';
	if (tool_json)
		say_object(tool, saying, id, text ? text : none);
	else
		say_sentence(tool, saying, text ? text : none);
}

int tool_say(const struct tool *tool, enum tool_saying saying, const char *id, const char *format,
	     ...)
{
	va_list args;

	va_start(args, format);
	say(tool, saying, id, format, args);
	va_end(args);
	return TOOL_REFUSED;
}

const char *tool_ask(const struct tool *tool, const char *id, const char *question)
{
	if (!tool_json)
		return question;
	tool_say(tool, SAY_ASK, id, "%s", question);
	return NULL;
}

int tool_begin(const struct tool *tool)
{
	const struct rlimit none = {0, 0};
	bool output_open = fcntl(STDOUT_FILENO, F_GETFD) >= 0;
	int fd;

	(void)signal(SIGPIPE, SIG_IGN);
	(void)signal(SIGXFSZ, SIG_IGN);
	(void)!prctl(PR_SET_DUMPABLE, 0);
	(void)!setrlimit(RLIMIT_CORE, &none);

	/* a file that got the number of a closed standard stream would be written to by mistake */
	do
		fd = open("/dev/null", O_RDWR | O_CLOEXEC);
	while (fd >= 0 && fd <= STDERR_FILENO);
	if (fd < 0 || !output_open)
		return tool_refuse(tool, "standard output is closed");
	fd_close(fd);
	return TOOL_DONE;
}

int tool_output_lost(const struct tool *tool)
{
	struct pollfd out = {.fd = STDOUT_FILENO};

	if (poll(&out, 1, 0) == 1 && (out.revents & POLLERR))
		return TOOL_REFUSED;
	tool_json = false; /* an object would be lost, too */
	return tool_refuse(tool, "cannot write to standard output");
}

int tool_end(struct tool *tool, int code)
{
	tool->store = store_close(tool->store);
	if (fflush(stdout) != 0 || ferror(stdout) || output_lost)
		return tool_output_lost(tool);
	return code;
}

int tool_refuse(const struct tool *tool, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	say(tool, SAY_ERROR, "failed", format, args);
	va_end(args);
	return TOOL_REFUSED;
}

int tool_result(const struct tool *tool, enum totp_err err, const struct reason *why)
{
	char word[ERR_WORD_MAX];

	if (err == TOTP_OK)
		return TOOL_DONE;
	return tool_say(tool, SAY_ERROR, err_word(err, word), "%s",
			why && why->text[0] ? why->text : err_name(err));
}

int tool_usage(const struct tool *tool, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	say(tool, SAY_ERROR, "usage", format, args);
	va_end(args);
	if (!tool_json)
		fprintf(stderr, "Try '%s%s%s --help'.\n", tool->line ? tool->line : tool->name,
			tool->subcommand ? " " : "", tool->subcommand ? tool->subcommand : "");
	return TOOL_USAGE;
}

int tool_need_root(const struct tool *tool, const char *doing)
{
	if (geteuid() == 0)
		return TOOL_DONE;
	return tool_say(tool, SAY_ERROR, "not_root", "only root can %s: ask your administrator",
			doing);
}

void tool_policy_mistake(void *context, const struct reason *complaint)
{
	tool_say(context, SAY_ERROR, "policy", "%s", complaint->text);
}

int tool_load_policy(struct tool *tool)
{
	const char *path = tool->conf ? tool->conf : POLICY_FILE;
	enum totp_err err = conf_load(path, tool->conf, &tool->policy, tool_policy_mistake, tool);

	return err == TOTP_OK ? TOOL_DONE : TOOL_REFUSED;
}

enum totp_err tool_open_store(struct tool *tool, const struct files_config *config,
			      struct reason *why)
{
	struct files_config here = *config;
	uint8_t machine[SHA256_LEN];

	if (machine_hash(machine, NULL) == TOTP_OK)
		here.machine = machine;
	return stores_open(&tool->policy, &here, tool_deadline(), &tool->store, why);
}

int tool_open_anywhere(struct tool *tool, const char *doing)
{
	struct reason why = {""};
	struct files_config config;
	int code = tool_need_root(tool, doing);

	if (code == TOOL_DONE)
		code = tool_load_policy(tool);
	if (code == TOOL_DONE && !policy_has_store(&tool->policy))
		code = tool_refuse(tool, "verifiers check this host's codes (store = verifier): "
					 "do that on a verifier, by totpctl and totp-enroll there");
	if (code != TOOL_DONE)
		return code;

	config = conf_files(&tool->policy);
	return tool_result(tool, tool_open_store(tool, &config, &why), &why);
}

int tool_find_store(struct tool *tool)
{
	struct files_config config = conf_files(&tool->policy);
	struct reason why = {""};
	enum totp_err err = tool_open_store(tool, &config, &why);

	return err == TOTP_ERR_NOT_FOUND ? TOOL_DONE : tool_result(tool, err, &why);
}

int tool_open(struct tool *tool, const char *doing)
{
	int code = tool_open_anywhere(tool, doing);
	struct reason why = {""};

	if (code == TOOL_DONE &&
	    store_check_place(tool->store, tool_deadline(), &why) == TOTP_ERR_OTHER_STORE)
		tool_say(tool, SAY_WARNING, "other_machine",
			 "%s. If it was moved here or restored from a backup: totpctl store "
			 "accept. If this host is a clone, both hosts accept the same codes: make "
			 "a new keyring and store here",
			 why.text);
	return code;
}

/* On a login host there are records of local_users alone. */
static int check_is_local(const struct tool *tool, const struct account *account)
{
	struct reason why = {""};
	bool local = false;

	if (tool->policy.store != STORE_AT_VERIFIER)
		return TOOL_DONE;
	if (account_is_listed(account, account->name, tool->policy.local_users, &local, &why) !=
	    TOTP_OK)
		return tool_refuse(tool, "%s", why.text);
	return local ? TOOL_DONE
		     : tool_refuse(tool,
				   "verifiers check the codes of %s (store = verifier): do that on "
				   "a verifier, or name the user in local_users",
				   account->name);
}

int tool_account(const struct tool *tool, const char *name, struct account *ret_account)
{
	struct reason why = {""};
	enum totp_err err = account_find(name, ret_account, &why);

	if (err != TOTP_OK)
		return tool_result(tool, err, &why);
	if (ret_account->known)
		return check_is_local(tool, ret_account);
	if (text_copy(text_of(name), ret_account->name, sizeof(ret_account->name)) != TOTP_OK ||
	    name[0] == '\0')
		return tool_refuse(tool, "user name: expected 1 to %d bytes", CRED_USER_MAX);
	return check_is_local(tool, ret_account);
}

uint64_t tool_deadline(void)
{
	return io_deadline(10000);
}

enum totp_err tool_enrolled(const struct tool *tool, const char *user, bool *ret_has,
			    struct reason *why)
{
	OWN_TXN struct store_txn txn = STORE_TXN_NONE;
	enum totp_err err = store_look(tool->store, user, tool_deadline(), &txn, why);

	if (err == TOTP_OK || err == TOTP_ERR_NOT_FOUND)
		*ret_has = err == TOTP_OK;
	return err == TOTP_ERR_NOT_FOUND ? TOTP_OK : err;
}

void tool_log(const struct tool *tool, const char *user, const char *what, const char *token)
{
	tool_log_detail(tool, user, what, token, NULL);
}

void tool_log_detail(const struct tool *tool, const char *user, const char *what, const char *token,
		     const char *detail)
{
	struct log_event event = {.user = user,
				  .service = tool->name,
				  .outcome = what,
				  .reason = "administrator",
				  .token = token,
				  .detail = detail};

	tool_log_event(&event);
}

/* The uid that logged in. False: none did, as at boot, or it is not known. */
static bool login_uid(uint32_t *ret_uid)
{
	OWN_FD int fd = open("/proc/self/loginuid", O_RDONLY | O_CLOEXEC);
	char text[16];
	size_t len = 0;
	uint64_t uid = 0;

	if (fd < 0 || io_read_all(fd, text, sizeof(text), &len) != TOTP_OK ||
	    text_number((struct text){text, len}, 0, UINT32_MAX - 1, &uid) != TOTP_OK)
		return false;
	*ret_uid = (uint32_t)uid;
	return true;
}

/* The uid that became root, as sudo or pkexec says: only root's own environment counts. */
static bool calling_uid(const char *variable, uint32_t *ret_uid)
{
	const char *value = getuid() == 0 ? getenv(variable) : NULL;
	uint64_t uid = 0;

	if (!value || text_number(text_of(value), 0, UINT32_MAX - 1, &uid) != TOTP_OK)
		return false;
	*ret_uid = (uint32_t)uid;
	return true;
}

/* Who did it: "loginuid 1000 (carol)", or "" if nothing is known. */
static void describe_person(char *ret_text, size_t cap)
{
	struct account account = {.known = false};
	const char *word;
	uint32_t uid = 0;

	ret_text[0] = '\0';
	if (login_uid(&uid))
		word = "loginuid";
	else if (calling_uid("SUDO_UID", &uid))
		word = "sudo";
	else if (calling_uid("PKEXEC_UID", &uid))
		word = "pkexec";
	else
		return;
	if (account_of_uid(uid, &account, NULL) == TOTP_OK && account.known)
		snprintf(ret_text, cap, "%s %u (%s)", word, (unsigned)uid, account.name);
	else
		snprintf(ret_text, cap, "%s %u", word, (unsigned)uid);
}

void tool_log_event(const struct log_event *event)
{
	struct log_event told = *event;
	char by[64], detail[512], person[ACCOUNT_NAME_MAX + 32];
	const char *before = event->detail ? event->detail : "";

	snprintf(by, sizeof(by), "uid:%u", (unsigned)getuid());
	told.source = by;
	describe_person(person, sizeof(person));
	if (person[0]) {
		snprintf(detail, sizeof(detail), "%s%s%s", before, before[0] ? "; " : "", person);
		told.detail = detail;
	}
	log_send(LOG_NOTICE, &told);
	audit_load();
	audit_record(event);
}
