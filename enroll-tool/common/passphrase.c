#include "common/passphrase.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/io.h"
#include "import/pwseal.h"
#include "common/prompt.h"

#define FILE_MAX (SECRET_MAX + 2) /* a passphrase and the end of its line */

static int refuse_length(const struct tool *tool, size_t min)
{
	return tool_refuse(tool, "passphrase: expected %zu to %d bytes", min, SECRET_MAX);
}

/* Ask once; `line` is the caller's to wipe. */
static int ask(const struct tool *tool, int tty, const char *question, char line[PROMPT_MAX])
{
	bool got = false;
	enum totp_err err = io_write(tty, question, strlen(question));
	sigset_t asking;

	prompt_hold_signals(&asking);
	if (err == TOTP_OK)
		err = prompt_secret_from(tty, &asking, line, &got);
	if (err != TOTP_OK)
		tool_refuse(tool, "passphrase: %s", strerror(errno));
	else if (!got)
		tool_refuse(tool, "no passphrase: nothing is done");
	prompt_release_signals(&asking);
	return got ? TOOL_DONE : TOOL_REFUSED;
}

static int ask_at(const struct tool *tool, int tty, size_t min, struct secret *ret_phrase)
{
	char line[PROMPT_MAX] = "", again[PROMPT_MAX] = "";
	char question[64] = "Passphrase: ";
	bool twice = min > 1;
	int code;

	if (twice)
		snprintf(question, sizeof(question),
			 "New passphrase, %zu characters or more: ", min);
	code = ask(tool, tty, question, line);
	if (code == TOOL_DONE && (strlen(line) < min || strlen(line) > SECRET_MAX))
		code = refuse_length(tool, min);
	if (code == TOOL_DONE && twice)
		code = ask(tool, tty, "The same again: ", again);
	if (code == TOOL_DONE && twice && strcmp(line, again) != 0)
		code = tool_refuse(tool, "the two differ: nothing is done");
	if (code == TOOL_DONE && secret_set(ret_phrase, line, strlen(line)) != TOTP_OK)
		code = refuse_length(tool, min);
	WIPE(line);
	WIPE(again);
	return code;
}

static int ask_terminal(const struct tool *tool, size_t min, struct secret *ret_phrase)
{
	OWN_FD int tty = open("/dev/tty", O_RDWR | O_CLOEXEC | O_NOCTTY);

	if (tty < 0)
		return tool_refuse(tool, "there is no terminal to ask for a passphrase: "
					 "--passphrase-file FILE names a file that has it");
	return ask_at(tool, tty, min, ret_phrase);
}

static int refuse_file(const struct tool *tool, const char *file)
{
	const char *sentence = strerror(errno);
	char shown[256];

	text_printable(text_of(file), shown, sizeof(shown));
	return tool_refuse(tool, "%s: %s", shown, sentence);
}

/* A pipe is as good as a file: <(pass show backup). */
static int check_file(const struct tool *tool, const char *file, int fd)
{
	struct stat st;
	char shown[256];

	if (fstat(fd, &st) != 0)
		return refuse_file(tool, file);
	if (!S_ISREG(st.st_mode) || !(st.st_mode & (S_IRWXG | S_IRWXO)))
		return TOOL_DONE;
	text_printable(text_of(file), shown, sizeof(shown));
	return tool_refuse(tool, "%s: others can read it (mode %04o), expected 0600", shown,
			   (unsigned)st.st_mode & 07777);
}

static int take_line(const struct tool *tool, struct text text, size_t min,
		     struct secret *ret_phrase)
{
	struct text line = {"", 0};

	text_line(&text, &line);
	if (text.len > 0)
		return tool_refuse(tool, "passphrase: expected one line");
	if (line.len < min || secret_set(ret_phrase, line.at, line.len) != TOTP_OK)
		return refuse_length(tool, min);
	return TOOL_DONE;
}

static int read_file(const struct tool *tool, const char *file, size_t min,
		     struct secret *ret_phrase)
{
	OWN_FD int fd = open(file, O_RDONLY | O_CLOEXEC | O_NOCTTY);
	char bytes[FILE_MAX];
	size_t len = 0;
	enum totp_err err;
	int code = fd < 0 ? refuse_file(tool, file) : check_file(tool, file, fd);

	if (code != TOOL_DONE)
		return code;
	err = io_read_all(fd, bytes, sizeof(bytes), &len);
	if (err == TOTP_OK)
		code = take_line(tool, (struct text){bytes, len}, min, ret_phrase);
	else
		code = err == TOTP_ERR_RANGE ? refuse_length(tool, min) : refuse_file(tool, file);
	WIPE(bytes);
	return code;
}

static int get(const struct tool *tool, const char *file, size_t min, struct secret *ret_phrase)
{
	return file ? read_file(tool, file, min, ret_phrase) : ask_terminal(tool, min, ret_phrase);
}

int passphrase_new(const struct tool *tool, const char *file, struct secret *ret_phrase)
{
	return get(tool, file, PWSEAL_PHRASE_MIN, ret_phrase);
}

int passphrase_old(const struct tool *tool, const char *file, struct secret *ret_phrase)
{
	return get(tool, file, 1, ret_phrase);
}
