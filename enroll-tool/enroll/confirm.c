#include "enroll/confirm.h"

#include <string.h>
#include <unistd.h>

#include "base/io.h"
#include "host/clock.h"
#include "login/confirm.h"
#include "common/prompt.h"

static enum totp_err say(int fd, const char *text)
{
	return io_write(fd, text, strlen(text));
}

/* Ask once. *ret_more is false when nobody answers any more. */
static enum totp_err ask(const struct confirm *confirm, struct answer *ret_typed,
			 struct confirmation *ret_right, bool *ret_more)
{
	const struct confirm_window window = {confirm->window, confirm->hotp_window};
	char line[PROMPT_MAX] = "";
	enum totp_err err = say(confirm->fd, confirm->question);

	*ret_right = (struct confirmation){0};
	if (err == TOTP_OK)
		err = prompt_line(confirm->asking, line, ret_more);
	if (err == TOTP_OK && *ret_more)
		err = confirm_typed(confirm->uri, &window, line, clock_now(), ret_right);
	if (err == TOTP_OK && !(*ret_more && isatty(STDIN_FILENO)))
		err = say(confirm->fd, "\n"); /* no terminal has ended the line */
	answer_parse(line, NULL, ret_typed);
	WIPE(line);
	return err == TOTP_OK ? say(confirm->fd, ret_right->hint) : err;
}

enum totp_err confirm_ask(const struct confirm *confirm, struct answer *ret_typed,
			  bool *ret_confirmed, uint64_t *ret_moving)
{
	struct confirmation right = {0};
	bool more = true;

	for (unsigned i = 0; i < CONFIRM_TRIES && more && !right.right; i++) {
		enum totp_err err = ask(confirm, ret_typed, &right, &more);

		if (err != TOTP_OK)
			return err;
	}
	*ret_confirmed = right.right;
	*ret_moving = right.moving;
	return TOTP_OK;
}
