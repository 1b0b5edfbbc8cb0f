/*
 * totpctl temporary-code: a code for a user whose phone is lost, to be read out over the
 * telephone. It is printed once, after it is stored; the credential keeps its hash.
 */
#include "common/ctl.h"

#include <string.h>
#include <unistd.h>

#include "base/io.h"
#include "host/clock.h"
#include "common/json.h"
#include "login/enroll.h"
#include "record/recovery.h"
#include "common/interrupt.h"

#define SECONDS_MIN 60
#define SECONDS_MAX (30 * 86400)
#define TEXT_MAX    1600 /* of what is told: a name of escapes */

/* What is to be stored and told. */
struct new_bypass {
	struct cred made; /* nothing of it but the bypass counts */
	struct recovery_code code;
};

#define OWN_NEW_BYPASS OWN(new_bypass_wipe)

static void new_bypass_wipe(struct new_bypass *new)
{
	WIPE(*new);
}

static int read_numbers(const struct ctl *ctl, uint32_t *ret_seconds, uint64_t *ret_uses)
{
	if (text_duration(text_of(ctl->lasting ? ctl->lasting : "1h"), SECONDS_MIN, SECONDS_MAX,
			  ret_seconds) != TOTP_OK)
		return tool_usage(&ctl->tool, "--for: expected a duration of 1m to 30d, such as "
					      "2h");
	if (text_number(text_of(ctl->uses ? ctl->uses : "1"), 1, BYPASS_USES_MAX, ret_uses) !=
	    TOTP_OK)
		return tool_usage(&ctl->tool, "--uses: expected a number of 1 to %d",
				  BYPASS_USES_MAX);
	return TOOL_DONE;
}

/* --- storing it --- */

/* Would a login refuse it all the same? Then it is not given out. */
static enum totp_err check_use(const struct ctl *ctl, const struct cred *cred, struct reason *why)
{
	if (cred->disabled)
		reason_set(why, "is suspended, so every code is denied: totpctl resume first");
	else if (!ctl->account.known)
		reason_set(why, "there is no such account to log in to");
	else if (cred->uid_bound && ctl->account.uid != cred->uid)
		reason_set(why, "the record is another account's, so logins are refused: totpctl "
				"adopt first");
	else
		return TOTP_OK;
	return TOTP_ERR_FORBIDDEN;
}

static enum totp_err put_bypass(struct ctl *ctl, void *context, struct store_txn *txn,
				struct reason *why)
{
	const struct new_bypass *new = context;
	OWN_CRED struct cred cred = txn->cred;
	enum totp_err err = check_use(ctl, &cred, why);

	if (err != TOTP_OK)
		return err;
	cred.bypass = new->made.bypass;
	return enroll_commit(txn, &(struct enroll_change){.cred = &cred}, why);
}

/* --- telling it --- */

static int tell_json(const struct ctl *ctl, const struct new_bypass *new, const char *shown)
{
	struct json json;
	char until[WHEN_MAX];

	json_begin(&json);
	json_open(&json, NULL, '{');
	json_text(&json, "user", ctl->account.name);
	json_text(&json, "code", shown);
	json_number(&json, "uses", new->made.bypass.uses);
	json_text(&json, "until", when_iso(new->made.bypass.expires, until));
	json_close(&json, '}');
	return json_end(&ctl->tool, &json);
}

static int tell_text(const struct ctl *ctl, const struct new_bypass *new, const char *shown)
{
	unsigned uses = new->made.bypass.uses;
	char text[TEXT_MAX], until[WHEN_MAX], times[24] = "once";
	enum totp_err err;

	if (uses > 1)
		snprintf(times, sizeof(times), "%u times", uses);
	snprintf(text, sizeof(text),
		 "%s\n"
		 "lets %s in %s until %s, in place of a code.\n"
		 "It is shown this once. To take it back: totpctl temporary-code --revoke "
		 "%s\n",
		 shown, ctl->shown, times, when_iso(new->made.bypass.expires, until), ctl->shown);
	err = io_write(STDOUT_FILENO, text, strlen(text));
	WIPE(text);
	return err == TOTP_OK ? TOOL_DONE : TOOL_REFUSED;
}

static int tell(const struct ctl *ctl, const struct new_bypass *new)
{
	char shown[RECOVERY_SHOWN_MAX];
	int code;

	recovery_show(&new->code, shown);
	code = (ctl->json ? tell_json : tell_text)(ctl, new, shown);
	WIPE(shown);
	if (code == TOOL_DONE)
		return TOOL_DONE;
	return tool_refuse(&ctl->tool, "the code could not be shown: make another one, which takes "
				       "its place");
}

static void log_bypass(const struct ctl *ctl, const struct bypass *bypass)
{
	char detail[80], until[WHEN_MAX];

	snprintf(detail, sizeof(detail), "%u use%s until %s", (unsigned)bypass->uses,
		 bypass->uses == 1 ? "" : "s", when_iso(bypass->expires, until));
	tool_log_detail(&ctl->tool, ctl->account.name, "bypass-made", NULL, detail);
}

static int give(struct ctl *ctl, uint32_t seconds, unsigned uses)
{
	OWN_NEW_BYPASS struct new_bypass new = {0};
	enum totp_err err = bypass_make(&new.made, clock_now(), seconds, uses, &new.code);
	int code;

	if (err != TOTP_OK)
		return tool_refuse(&ctl->tool, "no code could be made: %s", err_name(err));
	interrupt_hold(); /* what is stored is reported */
	code = ctl_edit(ctl, store_read, put_bypass, &new);
	if (code != TOOL_DONE)
		return code;
	log_bypass(ctl, &new.made.bypass);
	return tell(ctl, &new);
}

/* --- taking it back --- */

static enum totp_err take_bypass(struct ctl *ctl, void *context, struct store_txn *txn,
				 struct reason *why)
{
	OWN_CRED struct cred cred = txn->cred;
	bool *had = context;

	(void)ctl;
	*had = cred.bypass.uses != 0;
	if (!*had)
		return TOTP_OK;
	cred.bypass = (struct bypass){.uses = 0};
	return enroll_commit(txn, &(struct enroll_change){.cred = &cred}, why);
}

static int take_back(struct ctl *ctl)
{
	bool had = false;
	int code = ctl_edit(ctl, store_read, take_bypass, &had);

	if (code != TOOL_DONE)
		return code;
	if (!had)
		return tool_refuse(&ctl->tool, "%s has no temporary code", ctl->shown);
	tool_log(&ctl->tool, ctl->account.name, "bypass-revoked", NULL);
	printf("The temporary code of %s is refused from now on.\n", ctl->shown);
	return TOOL_DONE;
}

/* --- */

/* Whoever asks wants to help somebody in: say what does. */
static int check_enrolled(const struct ctl *ctl)
{
	struct reason why = {""};
	bool has = false;
	enum totp_err err = store_has(ctl->tool.store, ctl->account.name, &has, &why);

	if (err != TOTP_OK && err != TOTP_ERR_RANGE)
		return ctl_refuse_record(ctl, err, &why);
	if (has || !ctl->account.known)
		return has ? TOOL_DONE : ctl_not_enrolled(ctl);
	return tool_refuse(&ctl->tool,
			   "%s is not enrolled, so there is nothing to stand in for: totp-enroll "
			   "--user %s enrols, totpctl invite %s lets enrol in the login",
			   ctl->shown, ctl->shown, ctl->shown);
}

int ctl_temporary_code(struct ctl *ctl)
{
	uint32_t seconds = 0;
	uint64_t uses = 0;
	int code = read_numbers(ctl, &seconds, &uses);

	if (code == TOOL_DONE && ctl->revoke && (ctl->lasting || ctl->uses || ctl->json))
		return tool_usage(&ctl->tool, "--revoke goes with no other option");
	if (code == TOOL_DONE)
		code = ctl_open_user(ctl, "make temporary codes");
	if (code == TOOL_DONE)
		code = check_enrolled(ctl);
	if (code != TOOL_DONE)
		return code;
	return ctl->revoke ? take_back(ctl) : give(ctl, seconds, (unsigned)uses);
}
