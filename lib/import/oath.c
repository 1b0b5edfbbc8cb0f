#include "import/oath.h"

#include "otp/totp.h"

void oath_wipe(struct oath *oath)
{
	explicit_bzero(oath, sizeof(*oath));
}

/* Take the next word off *rest; an empty one when there is none. */
static struct text next_word(struct text *rest)
{
	struct text word;
	size_t len = 0;

	*rest = text_trim(*rest);
	while (len < rest->len && rest->at[len] != ' ' && rest->at[len] != '\t')
		len++;
	word = (struct text){rest->at, len};
	*rest = (struct text){rest->at + len, rest->len - len};
	return word;
}

bool oath_is_row(struct text line)
{
	struct text word = next_word(&line);

	return text_is(word, "HOTP") || (word.len > 5 && memcmp(word.at, "HOTP/", 5) == 0);
}

/* "HOTP", then "/E" or "/T" with a period, then "/" and the number of digits. */
static enum totp_err decode_type(struct text *rest, struct oath *oath, struct reason *why)
{
	struct text word = next_word(rest), part;
	uint64_t number = 0;
	bool good;

	text_field(&word, '/', &part);
	oath->hotp = true;
	oath->digits = CODE_DIGITS_MIN;
	good = text_field(&word, '/', &part);
	if (!good || text_is(part, "E")) {
		good = true;
	} else {
		oath->hotp = false;
		good = part.len > 1 && part.at[0] == 'T' &&
		       text_number((struct text){part.at + 1, part.len - 1}, TOTP_PERIOD_MIN,
				   TOTP_PERIOD_MAX, &number) == TOTP_OK;
		oath->period = (uint16_t)number;
	}
	if (good && text_field(&word, '/', &part)) {
		good = text_number(part, CODE_DIGITS_MIN, CODE_DIGITS_MAX, &number) == TOTP_OK;
		oath->digits = (uint8_t)number;
	}
	if (good && word.len == 0)
		return TOTP_OK;
	reason_set(why, "type: expected HOTP, HOTP/E or HOTP/T30, and /6, /7 or /8");
	return TOTP_ERR_FORMAT;
}

static enum totp_err decode_user(struct text *rest, struct oath *oath, struct reason *why)
{
	struct text word = next_word(rest);

	if (word.len && text_is_clean(word) &&
	    text_copy(word, oath->user, sizeof(oath->user)) == TOTP_OK)
		return TOTP_OK;
	reason_set(why, "user: expected a name of 1 to %d bytes", CRED_USER_MAX);
	return TOTP_ERR_FORMAT;
}

static enum totp_err decode_password(struct text *rest, struct oath *oath, struct reason *why)
{
	struct text word = next_word(rest);

	oath->prefixed = !text_is(word, "-") && !text_is(word, "+");
	if (word.len)
		return TOTP_OK;
	reason_set(why, "password: expected -, + or a password");
	return TOTP_ERR_FORMAT;
}

static enum totp_err decode_key(struct text *rest, struct oath *oath, struct reason *why)
{
	struct text word = next_word(rest);
	size_t len = word.len / 2;

	if (word.len == 0 || word.len % 2 || len > SECRET_MAX ||
	    text_hex(word, oath->secret.data, len) != TOTP_OK) {
		reason_set(why, "key: expected an even number of hexadecimal digits");
		return TOTP_ERR_FORMAT;
	}
	oath->secret.len = len;
	if (len >= SECRET_IMPORT_MIN)
		return TOTP_OK;
	reason_set(why, "key: expected %d to %d bytes", SECRET_IMPORT_MIN, SECRET_MAX);
	return TOTP_ERR_RANGE;
}

static enum totp_err decode_counter(struct text *rest, struct oath *oath, struct reason *why)
{
	struct text word = next_word(rest);

	if (word.len == 0 || text_number(word, 0, UINT32_MAX, &oath->counter) == TOTP_OK)
		return TOTP_OK;
	reason_set(why, "counter: expected a number from 0 to %u", UINT32_MAX);
	return TOTP_ERR_FORMAT;
}

/*
 * The counter is that of the code that was used last, if there is one, else the next. For a
 * time-based token it says nothing. The peer does not look at the digits of the type, so those
 * of a code that it took count.
 */
static enum totp_err decode_last(struct text *rest, struct oath *oath, struct reason *why)
{
	struct text word = next_word(rest);

	oath->used = word.len > 0 && !text_is(word, "-");
	oath->counter = oath->hotp ? oath->counter + oath->used : 0;
	if (!oath->used)
		return TOTP_OK;
	if (word.len >= CODE_DIGITS_MIN &&
	    text_copy(word, oath->last.text, sizeof(oath->last.text)) == TOTP_OK &&
	    strspn(oath->last.text, "0123456789") == word.len) {
		oath->digits = (uint8_t)word.len;
		return TOTP_OK;
	}
	reason_set(why, "last code: expected %d to %d digits", CODE_DIGITS_MIN, CODE_DIGITS_MAX);
	return TOTP_ERR_FORMAT;
}

static bool read_part(struct text *text, size_t len, char end, uint64_t min, uint64_t max,
		      uint64_t *ret_number)
{
	if (text->len <= len || text->at[len] != end ||
	    text_number((struct text){text->at, len}, min, max, ret_number) != TOTP_OK)
		return false;
	*text = (struct text){text->at + len + 1, text->len - len - 1};
	return true;
}

/* YYYY-MM-DDThh:mm:ssL, with a letter L for "local". */
static enum totp_err decode_time(struct text *rest, struct oath *oath, struct reason *why)
{
	static const struct {
		size_t len;
		char end;
		uint64_t min, max;
	} parts[6] = {{4, '-', 1970, 9999}, {2, '-', 1, 12}, {2, 'T', 1, 31},
		      {2, ':', 0, 23},      {2, ':', 0, 59}, {2, 'L', 0, 60}};
	struct text word = next_word(rest);
	uint64_t numbers[6] = {0};
	bool good = true;

	if (word.len == 0)
		return TOTP_OK;
	for (size_t i = 0; i < 6 && good; i++)
		good = read_part(&word, parts[i].len, parts[i].end, parts[i].min, parts[i].max,
				 &numbers[i]);
	if (!good || word.len) {
		reason_set(why, "time: expected YYYY-MM-DDThh:mm:ssL");
		return TOTP_ERR_FORMAT;
	}
	oath->when = (struct oath_time){(uint16_t)numbers[0], (uint8_t)numbers[1],
					(uint8_t)numbers[2],  (uint8_t)numbers[3],
					(uint8_t)numbers[4],  (uint8_t)numbers[5]};
	return TOTP_OK;
}

static enum totp_err decode_end(struct text *rest, struct oath *oath, struct reason *why)
{
	(void)oath;
	if (text_trim(*rest).len == 0)
		return TOTP_OK;
	reason_set(why, "more than seven fields");
	return TOTP_ERR_FORMAT;
}

enum totp_err oath_decode(struct text line, struct oath *ret_oath, struct reason *why)
{
	static enum totp_err (*const decoders[])(struct text *, struct oath *, struct reason *) = {
		decode_type,    decode_user, decode_password, decode_key,
		decode_counter, decode_last, decode_time,     decode_end};
	enum totp_err err = TOTP_OK;

	*ret_oath = (struct oath){0};
	for (size_t i = 0; i < sizeof(decoders) / sizeof(decoders[0]) && err == TOTP_OK; i++)
		err = decoders[i](&line, ret_oath, why);
	if (err != TOTP_OK)
		oath_wipe(ret_oath);
	return err;
}
