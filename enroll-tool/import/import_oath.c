/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * totpctl import oath FILE|-: the users of pam_oath. Each line is a token. It has the code that was
 * used last and the local time of its use; the step of the code is searched around that time.
 */
#include "import/import.h"

#include <time.h>

#include "otp/totp.h"
#include "import/oath.h"

#define SEARCH_SECONDS 3600 /* to each side: a wide window, and an hour that comes twice a year */

/* The latest step around `centre` that has the code last used; 0: none has. */
static enum totp_err find_last(const struct imported *oath, uint64_t centre, uint64_t *ret_step)
{
	const struct hotp hotp = token_hotp(&oath->token);
	uint64_t reach = SEARCH_SECONDS / oath->token.period;
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
			       const struct imported *oath, uint64_t *ret_step)
{
	struct tm tm = oath->when;
	time_t when = -1;
	uint64_t centre = 0;
	enum totp_err err;

	tm.tm_isdst = -1;
	if (tm.tm_mday)
		when = mktime(&tm);
	err = totp_step_at(when >= 0 ? when : import->now, oath->token.period, &centre);
	if (err == TOTP_OK)
		err = find_last(oath, centre, ret_step);
	if (err != TOTP_OK || *ret_step)
		return err;
	*ret_step = centre + import->ctl->tool.policy.window;
	import_tell(import, IMPORT_WARNING, place,
		    "the step of the code used last is not found; it counts as that of %s",
		    when >= 0 ? "the time beside it" : "now");
	return TOTP_OK;
}

static enum totp_err read_oath(struct import *import, const struct place *place, struct text line,
			       struct reason *fault, struct reason *why)
{
	OWN_IMPORTED struct imported oath;
	enum totp_err err = TOTP_OK;

	if (oath_decode(line, &oath, fault) != TOTP_OK)
		return TOTP_OK;
	if (oath.prefixed)
		import_tell(import, IMPORT_LOST, place, "the password before the code (PIN)");
	if (oath.token.type == TOKEN_TOTP && oath.used)
		err = last_step(import, place, &oath, &oath.moving);
	return err == TOTP_OK ? import_token(import, place, &oath, why) : err;
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
	.shared = import_option_rows,
	.run = import_oath,
};
