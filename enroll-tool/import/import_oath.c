/*
 * totpctl import oath FILE|-: the users of pam_oath. Each line is a token. It has the code that was
 * used last and the local time of its use; the step of the code is searched around that time.
 */
#include "import/reader.h"

#include <time.h>

#include "otp/totp.h"
#include "import/oath.h"

#define SEARCH_SECONDS 3600 /* to each side: a wide window, and an hour that comes twice a year */

static bool unix_time_of(const struct oath_time *when, int64_t *ret_time)
{
	struct tm tm = {.tm_year = when->year - 1900,
			.tm_mon = when->month - 1,
			.tm_mday = when->day,
			.tm_hour = when->hour,
			.tm_min = when->minute,
			.tm_sec = when->second,
			.tm_isdst = -1};
	time_t time = when->year ? mktime(&tm) : -1;

	*ret_time = time;
	return time >= 0;
}

/* The latest step around `centre` that has the code last used; 0: none has. */
static enum totp_err find_last(const struct oath *oath, uint64_t centre, uint64_t *ret_step)
{
	const struct hotp hotp = {HMAC_SHA1, oath->digits, &oath->secret};
	uint64_t reach = SEARCH_SECONDS / oath->period;
	uint64_t first = centre > reach ? centre - reach : 0;
	bool same = false;

	*ret_step = 0;
	for (uint64_t step = centre + reach; step >= first && step > 0; step--) {
		enum totp_err err = hotp_matches(&hotp, &oath->last, step, &same);

		if (err != TOTP_OK)
			return err;
		if (!same)
			continue;
		*ret_step = step;
		break;
	}
	return TOTP_OK;
}

/* The last step used. If it is not found, a step shortly after the time of its use. */
static enum totp_err last_step(struct import *import, const struct place *place,
			       const struct oath *oath, uint64_t *ret_step)
{
	int64_t when = import->now;
	bool told = unix_time_of(&oath->when, &when);
	uint64_t centre = 0;
	enum totp_err err = totp_step_at(told ? when : import->now, oath->period, &centre);

	if (err == TOTP_OK)
		err = find_last(oath, centre, ret_step);
	if (err != TOTP_OK || *ret_step)
		return err;
	*ret_step = centre + import->ctl->tool.policy.window;
	import_warn(import, place,
		    "the step of the code used last is not found; it counts as that of %s",
		    told ? "the time beside it" : "now");
	return TOTP_OK;
}

static enum totp_err read_user(struct import *import, const struct place *place,
			       const struct oath *oath, struct reason *why)
{
	OWN_NEW_TOKEN struct new_token draft;
	struct token token = {.type = oath->hotp ? TOKEN_HOTP : TOKEN_TOTP,
			      .alg = HMAC_SHA1,
			      .digits = oath->digits,
			      .period = oath->period,
			      .created = import->now,
			      .secret = oath->secret};
	uint64_t moving = oath->counter;
	enum totp_err err = TOTP_OK;

	if (oath->prefixed)
		import_lost(import, place, "the password before the code (PIN)");
	if (!oath->hotp && oath->used)
		err = last_step(import, place, oath, &moving);
	if (err == TOTP_OK)
		err = new_token_make(text_of(oath->user), &token, moving, &draft, why);
	WIPE(token);
	return err == TOTP_OK ? import_add(import, place, &draft, why) : err;
}

static enum totp_err read_oath(struct import *import, const struct place *place, struct text line,
			       struct reason *why)
{
	OWN_OATH struct oath oath;
	struct reason fault = {""};

	if (!oath_is_row(line))
		return TOTP_OK;
	if (oath_decode(line, &oath, &fault) == TOTP_OK)
		return read_user(import, place, &oath, why);
	import_bad(import, place, "%s", fault.text);
	return TOTP_OK;
}

static int import_oath(struct ctl *ctl)
{
	return reader_run(ctl, true, read_oath);
}

const struct command ctl_import_oath = {
	.name = "import oath",
	.arguments = "FILE|-",
	.help = "import users.oath, the file of pam_oath",
	.more = "Each line is a token; the codes that were used stay used. A password (PIN) that\n"
		"is typed before the code is not imported.\n",
	.min = 1,
	.max = 1,
	.shared = import_option_rows,
	.run = import_oath,
};
