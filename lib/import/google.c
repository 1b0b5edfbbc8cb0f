#include "import/google.h"

#include "otp/totp.h"

#define PERIOD_DEFAULT 30
#define PERIOD_MAX     60 /* that the peer takes */
#define WINDOW_MAX     100
#define TOTPCGI_SEALED "aes256+hmac256$"
#define TOTPCGI_UNIT   10 /* seconds: its window is so many of these to each side */
#define DIGITS_DEFAULT 6

void google_wipe(struct google *google)
{
	explicit_bzero(google, sizeof(*google));
}

static enum totp_err bad(struct reason *why, const char *sentence)
{
	reason_set(why, "%s", sentence);
	return TOTP_ERR_FORMAT;
}

/* --- the secret --- */

/* The value of a base32 symbol, with the digits that the peer takes for letters; -1: none. */
static int symbol_value(char c)
{
	if (c >= 'a' && c <= 'z')
		return c - 'a';
	if (c >= 'A' && c <= 'Z')
		return c - 'A';
	if (c >= '2' && c <= '7')
		return c - '2' + 26;
	return c == '0' ? 'O' - 'A' : c == '1' ? 'L' - 'A' : c == '8' ? 'B' - 'A' : -1;
}

/*
 * Decodes base32 as google-authenticator does: bits at the end that fill no whole byte are
 * dropped, zero or not, so that secrets which people made up are imported unchanged. totp-cgi
 * takes padding.
 */
static enum totp_err decode_base32(struct text line, enum google_kind kind,
				   struct secret *ret_secret)
{
	uint32_t pending = 0;
	unsigned bits = 0;

	ret_secret->len = 0;
	for (size_t i = 0; i < line.len; i++) {
		int value = symbol_value(line.at[i]);

		if (line.at[i] == ' ' || line.at[i] == '\t' || line.at[i] == '-' ||
		    (kind == GOOGLE_TOTPCGI && line.at[i] == '='))
			continue;
		if (value < 0)
			return TOTP_ERR_FORMAT;
		pending = (pending << 5 | (uint32_t)value) & 0xfff;
		bits += 5;
		if (bits < 8)
			continue;
		if (ret_secret->len == SECRET_MAX)
			return TOTP_ERR_RANGE;
		bits -= 8;
		ret_secret->data[ret_secret->len++] = (uint8_t)(pending >> bits);
	}
	return ret_secret->len >= SECRET_IMPORT_MIN ? TOTP_OK : TOTP_ERR_RANGE;
}

static bool begins_with(struct text text, const char *start)
{
	size_t len = strlen(start);

	return text.len >= len && memcmp(text.at, start, len) == 0;
}

static enum totp_err decode_secret(struct text line, enum google_kind kind, struct google *google,
				   struct reason *why)
{
	enum totp_err err;

	google->sealed = kind == GOOGLE_TOTPCGI && begins_with(line, TOTPCGI_SEALED);
	if (google->sealed)
		return TOTP_OK;
	err = decode_base32(line, kind, &google->secret);
	if (err == TOTP_ERR_FORMAT)
		reason_set(why, "secret: not base32 (A to Z and 2 to 7)");
	if (err == TOTP_ERR_RANGE)
		reason_set(why, "secret: expected %d to %d bytes in base32", SECRET_IMPORT_MIN,
			   SECRET_MAX);
	return err;
}

/* --- options: the first line of a name counts --- */

/* The peer ends a line at either of the two, and so passes over empty ones. */
static bool next_line(struct text *rest, struct text *ret_line)
{
	size_t len = 0;

	if (rest->len == 0)
		return false;
	while (len < rest->len && rest->at[len] != '\r' && rest->at[len] != '\n')
		len++;
	*ret_line = (struct text){rest->at, len};
	while (len < rest->len && (rest->at[len] == '\r' || rest->at[len] == '\n'))
		len++;
	*rest = (struct text){rest->at + len, rest->len - len};
	return true;
}

static bool is_blank(char c)
{
	return c == ' ' || c == '\t';
}

/* Find the option's line and its value; false: there is none. */
static bool find_option(struct text text, const char *name, struct text *ret_value)
{
	size_t len = strlen(name);
	struct text line;

	while (next_line(&text, &line)) {
		struct text rest = {line.at + 2, line.len - 2};

		if (!begins_with(line, "\" ") || !begins_with(rest, name))
			continue;
		rest = (struct text){rest.at + len, rest.len - len};
		if (rest.len && !is_blank(rest.at[0]))
			continue;
		*ret_value = text_trim(rest);
		return true;
	}
	return false;
}

/* Take the next word off *rest; false when there is none. */
static bool next_word(struct text *rest, struct text *ret_word)
{
	size_t len = 0;

	*rest = text_trim(*rest);
	while (len < rest->len && !is_blank(rest->at[len]))
		len++;
	*ret_word = (struct text){rest->at, len};
	*rest = (struct text){rest->at + len, rest->len - len};
	return len > 0;
}

static enum totp_err option_number(struct text text, const char *name, uint64_t min, uint64_t max,
				   uint64_t *number, struct reason *why)
{
	struct text value, word;

	if (!find_option(text, name, &value))
		return TOTP_OK;
	/* what follows the number is passed over, as the peer does */
	if (next_word(&value, &word) && text_number(word, min, max, number) == TOTP_OK)
		return TOTP_OK;
	reason_set(why, "%s: expected a number from %u to %u", name, (unsigned)min, (unsigned)max);
	return TOTP_ERR_FORMAT;
}

static enum totp_err decode_period(struct text text, struct google *google, struct reason *why)
{
	uint64_t period = PERIOD_DEFAULT;
	enum totp_err err = option_number(text, "STEP_SIZE", 1, PERIOD_MAX, &period, why);

	if (err == TOTP_OK && period < TOTP_PERIOD_MIN) {
		reason_set(why, "STEP_SIZE: expected %d seconds or more", TOTP_PERIOD_MIN);
		return TOTP_ERR_RANGE;
	}
	google->period = (uint16_t)period;
	return err;
}

/* Steps that were used, and may not be again: the latest is what counts. */
static enum totp_err decode_used(struct text text, struct google *google, struct reason *why)
{
	struct text value, word;
	uint64_t step;

	if (!find_option(text, "DISALLOW_REUSE", &value))
		return TOTP_OK;
	while (next_word(&value, &word)) {
		if (text_number(word, 0, INT32_MAX, &step) != TOTP_OK)
			return bad(why, "DISALLOW_REUSE: expected numbers of steps");
		if (step > google->last_step)
			google->last_step = step;
	}
	return TOTP_OK;
}

/* What a fork of google-authenticator writes. */
static enum totp_err decode_fork(struct text text, struct google *google, struct reason *why)
{
	uint64_t digits = google->digits;
	struct text value;

	if (option_number(text, "DIGITS", CODE_DIGITS_MIN, CODE_DIGITS_MAX, &digits, why) !=
	    TOTP_OK)
		return TOTP_ERR_FORMAT;
	google->digits = (uint8_t)digits;
	if (!find_option(text, "ALGORITHM", &value) || text_is(value, "sha1"))
		return TOTP_OK;
	google->alg = text_is(value, "sha256") ? HMAC_SHA256 : HMAC_SHA512;
	return text_is(value, "sha256") || text_is(value, "sha512")
		       ? TOTP_OK
		       : bad(why, "ALGORITHM: expected sha1, sha256 or sha512");
}

static bool is_skewed(struct text text)
{
	struct text value;

	return find_option(text, "TIME_SKEW", &value) && !text_is(value, "0");
}

/* The peer looks for this one anywhere in the file. */
static bool says_totp(struct text text)
{
	return memmem(text.at, text.len, "\" TOTP_AUTH", 11) != NULL;
}

static enum totp_err decode_type(struct text text, enum google_kind kind, struct google *google,
				 struct reason *why)
{
	uint64_t counter = 0;
	struct text value;

	if (option_number(text, "HOTP_COUNTER", 0, UINT32_MAX, &counter, why) != TOTP_OK)
		return TOTP_ERR_FORMAT;
	google->counter = counter;
	google->hotp = kind == GOOGLE_TOTPCGI ? find_option(text, "HOTP_COUNTER", &value)
					      : counter > 0;
	if (google->hotp)
		return TOTP_OK;
	google->period = PERIOD_DEFAULT;
	if (kind == GOOGLE_TOTPCGI)
		return TOTP_OK;
	if (!says_totp(text))
		return bad(why, "neither TOTP_AUTH nor HOTP_COUNTER: google-authenticator accepts "
				"no code of it");
	return decode_period(text, google, why);
}

static enum totp_err decode_window(struct text text, enum google_kind kind, struct google *google,
				   struct reason *why)
{
	uint64_t window = 0;
	enum totp_err err = option_number(text, "WINDOW_SIZE", kind == GOOGLE_TOTPCGI ? 0 : 1,
					  WINDOW_MAX, &window, why);

	google->window = (uint32_t)window;
	if (kind == GOOGLE_TOTPCGI && !google->hotp)
		google->window = (uint32_t)(2 * (window * TOTPCGI_UNIT / PERIOD_DEFAULT) + 1);
	return err;
}

/* --- scratch codes --- */

static bool is_scratch(struct text line, enum google_kind kind)
{
	if (line.len != CODE_DIGITS_MAX || (kind == GOOGLE_AUTHENTICATOR && line.at[0] == '0'))
		return false;
	for (size_t i = 0; i < line.len; i++)
		if (line.at[i] < '0' || line.at[i] > '9')
			return false;
	return true;
}

static void add_code(struct google *google, struct text line)
{
	struct code *code = &google->codes[google->code_count];

	if (google->code_count == RECOVERY_MAX) {
		google->codes_left_out++;
		return;
	}
	memcpy(code->text, line.at, CODE_DIGITS_MAX);
	google->code_count++;
}

/* google-authenticator stops at the first line that is neither an option nor a code. */
static void decode_codes(struct text text, enum google_kind kind, struct google *google)
{
	struct text line;

	next_line(&text, &line); /* the secret */
	while (next_line(&text, &line)) {
		if (kind == GOOGLE_TOTPCGI)
			line = text_trim(line);
		if (is_scratch(line, kind))
			add_code(google, line);
		else if (kind == GOOGLE_AUTHENTICATOR && !begins_with(line, "\""))
			return;
	}
}

/* --- all of it --- */

/* What google-authenticator has beside that. */
static enum totp_err decode_more(struct text text, struct google *google, struct reason *why)
{
	enum totp_err err = decode_fork(text, google, why);

	if (err != TOTP_OK || google->hotp)
		return err;
	google->skewed = is_skewed(text);
	return decode_used(text, google, why);
}

static enum totp_err decode(struct text text, enum google_kind kind, struct google *google,
			    struct reason *why)
{
	struct text rest = text, line = {"", 0};
	enum totp_err err;

	if (text.len == 0 || text.len > GOOGLE_FILE_MAX || memchr(text.at, '\0', text.len))
		return bad(why, "expected 1 to 65536 bytes of text");
	google->alg = HMAC_SHA1;
	google->digits = DIGITS_DEFAULT;
	next_line(&rest, &line);
	err = decode_secret(text_trim(line), kind, google, why);
	if (err == TOTP_OK)
		err = decode_type(text, kind, google, why);
	if (err == TOTP_OK)
		err = decode_window(text, kind, google, why);
	if (err == TOTP_OK && kind == GOOGLE_AUTHENTICATOR)
		err = decode_more(text, google, why);
	if (err == TOTP_OK && !google->sealed)
		decode_codes(text, kind, google);
	return err;
}

enum totp_err google_decode(struct text text, enum google_kind kind, struct google *ret_google,
			    struct reason *why)
{
	enum totp_err err;

	*ret_google = (struct google){0};
	err = decode(text, kind, ret_google, why);
	if (err != TOTP_OK)
		google_wipe(ret_google);
	return err;
}
