#include "common/tool.h"

#include <errno.h>
#include <fcntl.h>
#include <langinfo.h>
#include <locale.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/io.h"
#include "host/audit.h"
#include "host/conf.h"
#include "host/log.h"
#include "host/machine.h"

char *tool_harmless(char *text)
{
	if (!text_is_clean(text_of(text)))
		text_printable(text_of(text), text, strlen(text) + 1);
	return text;
}

/* The width of a window; where there is none, more than any text has. */
static size_t width_of(FILE *stream)
{
	struct winsize size = {0};

	return ioctl(fileno(stream), TIOCGWINSZ, &size) == 0 && size.ws_col ? size.ws_col
									    : SIZE_MAX;
}

/* How far a cursor goes for a word: UTF-8 has bytes that begin no character. */
static size_t columns(const char *word, size_t len)
{
	size_t count = 0;

	for (size_t i = 0; i < len; i++)
		count += ((unsigned char)word[i] & 0xc0) != 0x80;
	return count;
}

size_t tool_wrap(FILE *stream, const char *text, size_t column, size_t indent)
{
	size_t width = width_of(stream);

	while (*text) {
		size_t blanks = strspn(text, " "), len = strcspn(text + blanks, " \n");
		size_t wide = columns(text + blanks, len);

		if (blanks && column > indent && column + blanks + wide > width) {
			fprintf(stream, "\n%*s", (int)indent, "");
			column = indent;
		} else {
			fprintf(stream, "%*s", (int)blanks, "");
			column += blanks;
		}
		fwrite(text + blanks, 1, len, stream);
		column += wide;
		text += blanks + len;
		if (*text == '\n') {
			putc(*text++, stream);
			column = 0;
		}
	}
	return column;
}

void tool_print(FILE *stream, size_t column, const char *format, va_list args)
{
	OWN_TEXT char *text = NULL;

	if (vasprintf(&text, format, args) < 0)
		text = NULL;
	tool_wrap(stream, text ? tool_harmless(text) : err_name(TOTP_ERR_NOMEM), column, 0);
}

static void complain(const char *name, const char *format, va_list args)
	__attribute__((format(printf, 2, 0)));

static void complain(const char *name, const char *format, va_list args)
{
	fflush(stdout); /* so that the two come in order */
	fprintf(stderr, "%s: ", name);
	tool_print(stderr, strlen(name) + 2, format, args);
	fputc('\n', stderr);
}

bool tool_hold_streams(void)
{
	bool output_open = fcntl(STDOUT_FILENO, F_GETFD) >= 0;
	int fd;

	do
		fd = open("/dev/null", O_RDWR | O_CLOEXEC);
	while (fd >= 0 && fd <= STDERR_FILENO);
	fd_close(fd);
	return output_open && fd >= 0;
}

void tool_hide_memory(void)
{
	const struct rlimit none = {0, 0};

	(void)!prctl(PR_SET_DUMPABLE, 0);
	(void)!setrlimit(RLIMIT_CORE, &none);
}

int tool_refuse(const struct tool *tool, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	complain(tool->name, format, args);
	va_end(args);
	return TOOL_REFUSED;
}

int tool_usage(const struct tool *tool, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	complain(tool->name, format, args);
	va_end(args);
	fprintf(stderr, "Try '%s%s%s --help'.\n", tool->name, tool->subcommand ? " " : "",
		tool->subcommand ? tool->subcommand : "");
	return TOOL_USAGE;
}

bool tool_option(int argc, char **argv, int *index, const char *name, const char **ret_value)
{
	const char *word = argv[*index];
	size_t len = strlen(name);

	if (strncmp(word, name, len) != 0 || (word[len] != '\0' && word[len] != '='))
		return false;
	if (word[len] == '=')
		*ret_value = word + len + 1;
	else if (*index + 1 < argc)
		*ret_value = argv[++*index];
	else
		*ret_value = NULL;
	return true;
}

int tool_need_root(const struct tool *tool, const char *doing)
{
	if (geteuid() == 0)
		return TOOL_DONE;
	return tool_refuse(tool, "only root can %s: ask your administrator", doing);
}

static void print_complaint(void *context, const struct reason *complaint)
{
	tool_refuse(context, "%s", complaint->text);
}

int tool_load_policy(struct tool *tool)
{
	const char *path = tool->conf ? tool->conf : POLICY_FILE;
	enum totp_err err = conf_load(path, tool->conf, &tool->policy, print_complaint, tool);

	return err == TOTP_OK ? TOOL_DONE : TOOL_REFUSED;
}

static void warn_if_cloned(const struct tool *tool)
{
	static const uint8_t none[SHA256_LEN]; /* made where there was no machine id */
	uint8_t machine[SHA256_LEN];

	if (machine_hash(machine, NULL) != TOTP_OK ||
	    memcmp(none, store_machine(tool->store), sizeof(none)) == 0 ||
	    memcmp(machine, store_machine(tool->store), sizeof(machine)) == 0)
		return;
	tool_refuse(tool,
		    "warning: %s belongs to another machine; if it was moved here, or restored "
		    "from a backup: totpctl store accept; if this host is a clone, both accept "
		    "the same codes: make a new keyring and store here",
		    tool->policy.store_dir);
}

int tool_open_anywhere(struct tool *tool, const char *doing)
{
	struct store_config config;
	struct reason why = {""};
	int code = tool_need_root(tool, doing);

	if (code == TOOL_DONE)
		code = tool_load_policy(tool);
	if (code != TOOL_DONE)
		return code;

	config = conf_store(&tool->policy);
	if (store_open(&config, &tool->store, &why) != TOTP_OK)
		return tool_refuse(tool, "%s", why.text);
	return TOOL_DONE;
}

int tool_open(struct tool *tool, const char *doing)
{
	int code = tool_open_anywhere(tool, doing);

	if (code == TOOL_DONE)
		warn_if_cloned(tool);
	return code;
}

void tool_close(struct tool *tool)
{
	tool->store = store_close(tool->store);
}

int tool_account(const struct tool *tool, const char *name, struct account *ret_account)
{
	struct reason why = {""};

	if (account_find(name, ret_account, &why) != TOTP_OK)
		return tool_refuse(tool, "%s", why.text);
	if (ret_account->known)
		return TOOL_DONE;
	if (text_copy(text_of(name), ret_account->name, sizeof(ret_account->name)) != TOTP_OK ||
	    name[0] == '\0')
		return tool_refuse(tool, "user name: expected 1 to %d bytes", CRED_USER_MAX);
	return TOOL_DONE;
}

bool tool_utf8(void)
{
	locale_t locale = newlocale(LC_CTYPE_MASK, "", (locale_t)0);
	bool utf8;

	if (!locale)
		return false;
	utf8 = strcmp(nl_langinfo_l(CODESET, locale), "UTF-8") == 0;
	freelocale(locale);
	return utf8;
}

uint64_t tool_deadline(void)
{
	return io_monotonic_ns() + 10 * 1000000000ull;
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

/* Who logged in, whoever they have become since. False: nobody, as at boot, or it is not known. */
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

void tool_log_event(const struct log_event *event)
{
	struct log_event told = *event;
	char by[64], detail[512];
	const char *before = event->detail ? event->detail : "";
	uint32_t uid = 0;

	snprintf(by, sizeof(by), "uid:%u", (unsigned)getuid());
	told.source = by;
	if (login_uid(&uid)) {
		snprintf(detail, sizeof(detail), "%s%sloginuid %u", before, before[0] ? "; " : "",
			 (unsigned)uid);
		told.detail = detail;
	}
	log_send(LOG_NOTICE, &told);
	audit_load();
	audit_record(event);
}
