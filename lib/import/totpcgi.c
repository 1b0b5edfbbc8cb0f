/* SPDX-License-Identifier: BSD-2-Clause */
#include "import/totpcgi.h"

#include <stdio.h>
#include <string.h>

#define CODE_MAX 99999999

/* --- JSON, as far as it goes here --- */

static void skip_blanks(struct text *in)
{
	while (in->len && strchr(" \t\r\n", in->at[0]) && in->at[0])
		*in = (struct text){in->at + 1, in->len - 1};
}

/* Take this character, with blanks before it, off *in. */
static bool take_char(struct text *in, char c)
{
	skip_blanks(in);
	if (in->len == 0 || in->at[0] != c)
		return false;
	*in = (struct text){in->at + 1, in->len - 1};
	return true;
}

/* A string without escapes. */
static bool take_string(struct text *in, struct text *ret_string)
{
	const char *end;

	if (!take_char(in, '"'))
		return false;
	end = memchr(in->at, '"', in->len);
	if (!end || memchr(in->at, '\\', (size_t)(end - in->at)))
		return false;
	*ret_string = (struct text){in->at, (size_t)(end - in->at)};
	*in = (struct text){end + 1, in->len - ret_string->len - 1};
	return true;
}

/* A whole number; a fraction, as Python writes it of a time, is cut off. */
static bool take_integer(struct text *in, int64_t *ret_number)
{
	bool negative = take_char(in, '-');
	uint64_t number = 0;
	size_t len = 0;

	if (!negative)
		skip_blanks(in);
	while (len < in->len && in->at[len] >= '0' && in->at[len] <= '9')
		len++;
	if (text_number((struct text){in->at, len}, 0, INT64_MAX, &number) != TOTP_OK)
		return false;
	if (len < in->len && in->at[len] == '.')
		for (len++; len < in->len && in->at[len] >= '0' && in->at[len] <= '9';)
			len++;
	*in = (struct text){in->at + len, in->len - len};
	*ret_number = negative ? -(int64_t)number : (int64_t)number;
	return true;
}

/* --- the members --- */

enum member { FAILURES, SUCCESSES, USED, COUNTER, MEMBERS };

static const char *const member_names[MEMBERS] = {"fail_timestamps", "success_timestamps",
						  "used_scratch_tokens", "counter"};

/* A string, or a number as older versions wrote it. */
static bool take_code(struct text *in, uint64_t *ret_code)
{
	struct text string = {"", 0};
	int64_t number = -1;

	if (take_string(in, &string))
		return string.len == CODE_DIGITS_MAX &&
		       text_number(string, 0, CODE_MAX, ret_code) == TOTP_OK;
	if (!take_integer(in, &number) || number < 0 || number > CODE_MAX)
		return false;
	*ret_code = (uint64_t)number;
	return true;
}

static enum totp_err add_used(struct text *in, struct totpcgi_state *state)
{
	char digits[CODE_DIGITS_MAX + 16];
	uint64_t code = 0;

	if (state->used_count == TOTPCGI_USED_MAX)
		return TOTP_ERR_RANGE;
	if (!take_code(in, &code))
		return TOTP_ERR_FORMAT;
	snprintf(digits, sizeof(digits), "%08u", (unsigned)code);
	memcpy(state->used[state->used_count++].text, digits, CODE_DIGITS_MAX);
	return TOTP_OK;
}

/* One element of an array; times of failures say nothing. */
static enum totp_err take_element(struct text *in, enum member member, struct totpcgi_state *state)
{
	int64_t when = 0;

	if (member == USED)
		return add_used(in, state);
	if (!take_integer(in, &when))
		return TOTP_ERR_FORMAT;
	if (member == FAILURES)
		return TOTP_OK;
	if (when > state->last_success)
		state->last_success = when;
	return when < 0 ? TOTP_ERR_RANGE : TOTP_OK;
}

static enum totp_err take_value(struct text *in, enum member member, struct totpcgi_state *state)
{
	enum totp_err err;

	if (member == COUNTER) {
		if (!take_integer(in, &state->counter))
			return TOTP_ERR_FORMAT;
		return state->counter >= -1 && state->counter <= UINT32_MAX ? TOTP_OK
									    : TOTP_ERR_RANGE;
	}
	if (!take_char(in, '['))
		return TOTP_ERR_FORMAT;
	if (take_char(in, ']'))
		return TOTP_OK;
	do {
		err = take_element(in, member, state);
		if (err != TOTP_OK)
			return err;
	} while (take_char(in, ','));
	return take_char(in, ']') ? TOTP_OK : TOTP_ERR_FORMAT;
}

static enum totp_err take_member(struct text *in, struct totpcgi_state *state, unsigned *seen)
{
	struct text name = {"", 0};
	bool good = take_string(in, &name) && take_char(in, ':');

	for (enum member i = 0; good && i < MEMBERS; i++) {
		if (!text_is(name, member_names[i]) || (*seen >> i & 1))
			continue;
		*seen |= 1u << i;
		return take_value(in, i, state);
	}
	return TOTP_ERR_FORMAT;
}

static enum totp_err take_object(struct text in, struct totpcgi_state *state)
{
	enum totp_err err = take_char(&in, '{') ? TOTP_OK : TOTP_ERR_FORMAT;
	unsigned seen = 0;

	if (err != TOTP_OK)
		return err;
	do {
		err = take_member(&in, state, &seen);
		if (err != TOTP_OK)
			return err;
	} while (take_char(&in, ','));
	if (!take_char(&in, '}'))
		return TOTP_ERR_FORMAT;
	skip_blanks(&in);
	seen |= 1u << COUNTER; /* the only one that may be missing */
	return in.len == 0 && seen == (1u << MEMBERS) - 1 ? TOTP_OK : TOTP_ERR_FORMAT;
}

enum totp_err totpcgi_decode(struct text text, struct totpcgi_state *ret_state, struct reason *why)
{
	enum totp_err err;

	*ret_state = (struct totpcgi_state){.counter = -1};
	err = text.len > TOTPCGI_STATE_MAX ? TOTP_ERR_RANGE : take_object(text, ret_state);
	if (err == TOTP_OK)
		return err;
	explicit_bzero(ret_state, sizeof(*ret_state));
	reason_set(why, "not the state of a user as totp-cgi writes it");
	return err;
}
