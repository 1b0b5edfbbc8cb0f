#include "confirm.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/io.h"
#include "host/clock.h"
#include "login/answer.h"
#include "otp/totp.h"
#include "typed.h"

#define SEARCH       3600 /* seconds each side in which a wrong clock is looked for */
#define SENTENCE_MAX 256

/* A code that was right, and where its token stands after it. */
struct confirmation {
	bool found;
	uint64_t moving;
};

static enum totp_err say(int fd, const char *text)
{
	return io_write(fd, text, strlen(text));
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

static enum totp_err check_counter(const struct confirm *confirm, const struct code *code,
				   struct confirmation *ret_right, char ret_hint[SENTENCE_MAX])
{
	const struct otp_uri *uri = confirm->uri;
	struct counter_match match = {0};
	enum totp_err err = hotp_find(uri->alg, &uri->secret, uri->digits, code, uri->counter,
				      confirm->hotp_window, &match);

	*ret_right = (struct confirmation){match.found, match.counter + 1};
	if (err == TOTP_OK && !match.found)
		snprintf(ret_hint, SENTENCE_MAX,
			 "That code does not match. Press the button and type the new one.\n");
	return err;
}

/*
 * Is the code right? If not, *ret_hint is a sentence on what to try.
 */
static enum totp_err check_code(const struct confirm *confirm, const struct code *code, int64_t now,
				struct confirmation *ret_right, char ret_hint[SENTENCE_MAX])
{
	const struct otp_uri *uri = confirm->uri;
	struct totp_params params = {uri->alg, uri->digits};
	struct step_window window = {.reach = confirm->window};
	struct step_match match = {0};
	int64_t off = 0;
	bool other = false;
	enum totp_err err = totp_step_at(now, uri->period, &window.centre);

	if (err == TOTP_OK)
		err = totp_find_step(&params, &uri->secret, code, &window, &match);
	*ret_right = (struct confirmation){match.found, match.step};
	if (err != TOTP_OK || match.found)
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
				  struct confirmation *ret_right, char ret_hint[SENTENCE_MAX])
{
	OWN_ANSWER struct answer answer = {0};

	answer_parse(line, NULL, &answer);
	if (answer.kind == ANSWER_CODE && answer.digits == confirm->uri->digits)
		return confirm->uri->hotp
			       ? check_counter(confirm, &answer.code, ret_right, ret_hint)
			       : check_code(confirm, &answer.code, now, ret_right, ret_hint);

	hint_shape(confirm->uri, &answer, ret_hint);
	return TOTP_OK;
}

/* Ask once. *ret_more is false when nobody answers any more. */
static enum totp_err ask(const struct confirm *confirm, struct confirmation *ret_right,
			 bool *ret_more)
{
	char line[TYPED_MAX] = "", hint[SENTENCE_MAX] = "";
	enum totp_err err = say(confirm->fd, confirm->uri->hotp ? "Code of the token: "
								: "Code from your phone: ");

	if (err == TOTP_OK)
		err = typed_line(confirm->asking, line, ret_more);
	if (err == TOTP_OK && *ret_more)
		err = check_answer(confirm, line, clock_now(), ret_right, hint);
	if (err == TOTP_OK && !(*ret_more && isatty(STDIN_FILENO)))
		err = say(confirm->fd, "\n"); /* no terminal has ended the line */
	WIPE(line);
	return err == TOTP_OK ? say(confirm->fd, hint) : err;
}

enum totp_err confirm_ask(const struct confirm *confirm, bool *ret_confirmed, uint64_t *ret_moving)
{
	struct confirmation right = {0};
	bool more = true;

	for (unsigned i = 0; i < CONFIRM_TRIES && more && !right.found; i++) {
		enum totp_err err = ask(confirm, &right, &more);

		if (err != TOTP_OK)
			return err;
	}
	*ret_confirmed = right.found;
	*ret_moving = right.moving;
	return TOTP_OK;
}
