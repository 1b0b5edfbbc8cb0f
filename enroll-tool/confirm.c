#include "confirm.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/io.h"
#include "host/clock.h"
#include "login/answer.h"
#include "otp/totp.h"

#define PROMPT       "Code from your phone: "
#define SEARCH       3600 /* seconds each side in which a wrong clock is looked for */
#define LINE_BYTES   128  /* of an answer; the rest of a longer one is dropped */
#define SENTENCE_MAX 256

static volatile sig_atomic_t interrupted;

static void note_signal(int signal)
{
	(void)signal;
	interrupted = 1;
}

/* One that the caller has us ignore (nohup) stays ignored. */
static void catch_signal(int signal)
{
	struct sigaction action = {.sa_handler = note_signal}, before;

	if (sigaction(signal, NULL, &before) == 0 && before.sa_handler != SIG_IGN)
		sigaction(signal, &action, NULL);
}

void confirm_hold_signals(sigset_t *ret_asking)
{
	static const int signals[] = {SIGINT, SIGTERM, SIGHUP};
	sigset_t held;

	sigemptyset(&held);
	for (size_t i = 0; i < sizeof(signals) / sizeof(signals[0]); i++)
		sigaddset(&held, signals[i]);
	sigprocmask(SIG_BLOCK, &held, ret_asking);
	for (size_t i = 0; i < sizeof(signals) / sizeof(signals[0]); i++)
		catch_signal(signals[i]);
}

static enum totp_err say(int fd, const char *text)
{
	return io_write(fd, text, strlen(text));
}

/* Read one byte; *ret_got is false at the end of input and after a signal. */
static enum totp_err read_byte(const sigset_t *asking, char *ret_byte, bool *ret_got)
{
	struct pollfd input = {.fd = STDIN_FILENO, .events = POLLIN};
	ssize_t n;

	for (;;) {
		n = ppoll(&input, 1, NULL, asking);
		if (n >= 0)
			n = read(STDIN_FILENO, ret_byte, 1);
		if (n >= 0 || interrupted)
			break;
		if (errno != EINTR && errno != EAGAIN)
			return TOTP_ERR_SYSTEM;
	}
	*ret_got = n == 1 && !interrupted;
	return TOTP_OK;
}

/*
 * Read one line, without its end. Byte by byte, so that nothing typed lies about in a
 * buffer of stdio's and nothing is read that is not ours.
 */
static enum totp_err read_line(const sigset_t *asking, char ret_line[LINE_BYTES], bool *ret_got)
{
	size_t len = 0;
	bool more = false;
	char byte = 0;
	enum totp_err err;

	*ret_got = false;
	while ((err = read_byte(asking, &byte, &more)) == TOTP_OK && more) {
		*ret_got = true;
		if (byte == '\n')
			break;
		if (len < LINE_BYTES - 1)
			ret_line[len++] = byte ? byte : '?';
	}
	if (len > 0 && ret_line[len - 1] == '\r')
		len--;
	ret_line[len] = '\0';
	*ret_got = *ret_got && !interrupted;
	explicit_bzero(&byte, sizeof(byte));
	return err;
}

/* What to try when the answer is not a code of this kind. */
static void hint_shape(const struct otp_uri *uri, const struct answer *answer,
		       char ret_hint[SENTENCE_MAX])
{
	if (answer->kind != ANSWER_CODE)
		snprintf(ret_hint, SENTENCE_MAX,
			 "A code is %u digits: type those that your phone shows now.\n",
			 uri->digits);
	else if (uri->digits == 6)
		snprintf(ret_hint, SENTENCE_MAX, "That was %u digits; a code here has 6.\n",
			 answer->digits);
	else
		snprintf(ret_hint, SENTENCE_MAX,
			 "That was %u digits, not %u. If your app shows no more, it ignores this "
			 "setting: leave out --digits.\n",
			 answer->digits, uri->digits);
}

static void hint_wrong(const struct otp_uri *uri, char ret_hint[SENTENCE_MAX])
{
	bool common = uri->alg == HMAC_SHA1 && uri->period == 30;

	snprintf(ret_hint, SENTENCE_MAX, "That code does not match. %s\n",
		 common ? "Wait for the next one of the entry just added."
			: "Wait for the next one. If none matches, your app ignores the algorithm "
			  "or the period.");
}

/* off: steps by which the code is too late; negative for too early. */
static void hint_clock(const struct otp_uri *uri, int64_t off, char ret_hint[SENTENCE_MAX])
{
	uint64_t seconds = (uint64_t)(off < 0 ? -off : off) * uri->period;
	uint64_t count = seconds < 60 ? seconds : (seconds + 30) / 60;

	snprintf(ret_hint, SENTENCE_MAX,
		 "Your phone's clock is about %llu %s%s %s this computer's.\n"
		 "Set both to network time, then try the next code.\n",
		 (unsigned long long)count, seconds < 60 ? "second" : "minute",
		 count == 1 ? "" : "s", off < 0 ? "behind" : "ahead of");
}

/*
 * Is the code right? If not, *ret_hint is a sentence on what to try.
 */
static enum totp_err check_code(const struct confirm *confirm, const struct code *code, int64_t now,
				struct step_match *ret_match, char ret_hint[SENTENCE_MAX])
{
	const struct otp_uri *uri = confirm->uri;
	struct totp_params params = {uri->alg, uri->digits};
	struct step_window window = {.reach = confirm->window};
	int64_t off = 0;
	bool other = false;
	enum totp_err err = totp_step_at(now, uri->period, &window.centre);

	if (err == TOTP_OK)
		err = totp_find_step(&params, &uri->secret, code, &window, ret_match);
	if (err != TOTP_OK || ret_match->found)
		return err;

	err = totp_find_offset(&params, &uri->secret, code, window.centre, SEARCH / uri->period,
			       &other, &off);
	if (other)
		hint_clock(uri, off, ret_hint);
	else
		hint_wrong(uri, ret_hint);
	return err;
}

static enum totp_err check_answer(const struct confirm *confirm, const char *line, int64_t now,
				  struct step_match *ret_match, char ret_hint[SENTENCE_MAX])
{
	OWN_ANSWER struct answer answer = {0};

	answer_parse(line, NULL, &answer);
	if (answer.kind == ANSWER_CODE && answer.digits == confirm->uri->digits)
		return check_code(confirm, &answer.code, now, ret_match, ret_hint);

	hint_shape(confirm->uri, &answer, ret_hint);
	return TOTP_OK;
}

/* Ask once. *ret_more is false when nobody answers any more. */
static enum totp_err ask(const struct confirm *confirm, struct step_match *ret_match,
			 bool *ret_more)
{
	char line[LINE_BYTES] = "", hint[SENTENCE_MAX] = "";
	enum totp_err err = say(confirm->fd, PROMPT);

	if (err == TOTP_OK)
		err = read_line(confirm->asking, line, ret_more);
	if (err == TOTP_OK && *ret_more)
		err = check_answer(confirm, line, clock_now(), ret_match, hint);
	if (err == TOTP_OK && !(*ret_more && isatty(STDIN_FILENO)))
		err = say(confirm->fd, "\n"); /* no terminal has ended the line */
	WIPE(line);
	return err == TOTP_OK ? say(confirm->fd, hint) : err;
}

enum totp_err confirm_ask(const struct confirm *confirm, bool *ret_confirmed, uint64_t *ret_step)
{
	struct step_match match = {0};
	bool more = true;

	for (unsigned i = 0; i < CONFIRM_TRIES && more && !match.found; i++) {
		enum totp_err err = ask(confirm, &match, &more);

		if (err != TOTP_OK)
			return err;
	}
	*ret_confirmed = match.found;
	*ret_step = match.step;
	return TOTP_OK;
}
