#include "pam/record.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "host/ask.h"
#include "host/clock.h"
#include "host/conf.h"
#include "login/invitation.h"

static struct attempt attempt_of(const struct login *login)
{
	return (struct attempt){.user = login->account.name,
				.uid = login->account.uid,
				.source = login->source,
				.now = clock_now()};
}

/* --- in this process --- */

/* Read the record before the prompt, where that can spare the question. */
static enum totp_err look_at_record(struct login *login, struct reason *why)
{
	struct attempt who = attempt_of(login);
	struct look look;
	enum totp_err err;

	if (!login->account.known || !login->facts.enrolled ||
	    (!login->policy.remember && !gate_wants_record(&login->policy, &login->facts, who.now)))
		return TOTP_OK;
	err = attempt_look(login->store, &login->policy, &who, &look, why);
	login->remembered = look.remembered;
	login->facts.pending = look.pending;
	return err;
}

enum totp_err record_look_here(struct login *login, const char *typed, struct reason *why)
{
	struct store_config config = conf_store(&login->policy);
	const char *name = login->account.known ? login->account.name : typed;
	enum totp_err err = store_open(&config, &login->store, why);

	if (err != TOTP_OK)
		return err;
	err = store_has(login->store, name, &login->facts.enrolled, why);
	if (err == TOTP_ERR_RANGE) /* a name that is too long for a record has none */
		err = TOTP_OK;
	if (err == TOTP_OK)
		err = look_at_record(login, why);
	if (err == TOTP_OK)
		err = invitation_find(login->store, &login->policy, ENROLL_IN_LOGIN, name,
				      login->account.uid, clock_now(), &login->facts, why);
	return err;
}

/* --- by totpd --- */

static const char *door(void)
{
	return geteuid() == 0 ? ASK_ROOT_SOCKET : ASK_SOCKET;
}

/* TOTP_ERR_NOT_FOUND: nobody listens. */
static enum totp_err ask(const struct login *login, struct wire_request *request,
			 struct wire_response *response, struct reason *why)
{
	strncpy(request->service, login->service ? login->service : "", WIRE_SERVICE_MAX);
	if (geteuid() == 0)
		request->source = login->source;
	return ask_totpd(&login->policy, door(), request, response, why);
}

/* Nobody listens: totpd, where it has to be asked, is missing, which is no absence of a user. */
static enum totp_err missing(enum totp_err err)
{
	return err == TOTP_ERR_NOT_FOUND ? TOTP_ERR_PEER : err;
}

/* What the response says went wrong. To others than root totpd tells little, and logs itself. */
static enum totp_err error_in(struct login *login, const struct wire_response *response,
			      struct reason *why)
{
	login->logged = geteuid() != 0 && response->err != TOTP_ERR_NOT_FOUND;
	*why = response->why;
	if (response->err != TOTP_OK && why->text[0] == '\0')
		reason_set(why, "totpd: %s; its log says why", err_name(response->err));
	return response->err;
}

/*
 * Is there a code to be asked for whatever the record says? Then the record is looked at once,
 * with the answer: a look costs totpd as much as a check.
 */
static bool is_asked_anyway(const struct login *login)
{
	const struct policy *policy = &login->policy;

	return policy->password == PASSWORD_NONE && policy->remember == 0 &&
	       !policy->enroll_in_account && gate_requires(policy, &login->facts, clock_now());
}

static enum totp_err look_there(struct login *login, const char *typed, struct reason *why)
{
	OWN_WIRE_REQUEST struct wire_request request = {.op = WIRE_LOOK};
	OWN_WIRE_RESPONSE struct wire_response response;
	const char *name = login->account.known ? login->account.name : typed;
	enum totp_err err;

	login->unlooked = is_asked_anyway(login);
	if (login->unlooked)
		return ask_knock(login->policy.run_dir, door(), why);
	if (text_copy(text_of(name), request.user, sizeof(request.user)) != TOTP_OK)
		return TOTP_OK; /* too long for a record */
	request.by_invitation =
		invitation_is_needed(&login->policy, &login->facts, ENROLL_IN_LOGIN, clock_now());
	err = ask(login, &request, &response, why);
	if (err == TOTP_OK)
		err = missing(error_in(login, &response, why));
	if (err == TOTP_OK) {
		login->logged = false; /* there is nothing to tell */
		login->facts.enrolled = response.enrolled;
		login->facts.invited = response.invited;
		login->remembered = attempt_remembers(&login->policy, response.status.last_success,
						      clock_now());
		login->facts.pending = response.pending;
	}
	return err;
}

static enum totp_err try_there(struct login *login, const struct answer *answer,
			       struct outcome *ret_outcome, struct reason *why)
{
	OWN_WIRE_REQUEST struct wire_request request = {.op = WIRE_CHECK, .answer = *answer};
	OWN_WIRE_RESPONSE struct wire_response response;
	enum totp_err err =
		text_copy(text_of(login->account.name), request.user, sizeof(request.user));

	if (err == TOTP_OK)
		err = missing(ask(login, &request, &response, why));
	if (err == TOTP_OK)
		err = error_in(login, &response, why);
	if (err == TOTP_OK)
		*ret_outcome = response.outcome;
	return err;
}

/* --- which of the two --- */

static bool is_set_uid(void)
{
	uid_t real = 0, effective = 0, saved = 0;

	return getresuid(&real, &effective, &saved) != 0 || real != 0 || saved != 0;
}

enum totp_err record_look(struct login *login, const char *typed, struct reason *why)
{
	enum totp_err err;

	if (geteuid() == 0 && !is_set_uid()) {
		err = record_look_here(login, typed, why);
		/* root without the right to pass over permissions */
		login->by_totpd = err == TOTP_ERR_SYSTEM && (errno == EACCES || errno == EPERM);
		return login->by_totpd ? missing(look_there(login, typed, why)) : err;
	}
	err = look_there(login, typed, why);
	login->by_totpd = err != TOTP_ERR_NOT_FOUND || geteuid() != 0;
	login->unlooked = login->unlooked && login->by_totpd;
	return login->by_totpd ? missing(err) : record_look_here(login, typed, why);
}

enum totp_err record_try(struct login *login, const struct answer *answer,
			 struct outcome *ret_outcome, struct reason *why)
{
	struct attempt who = attempt_of(login);
	struct ruling shape;

	*ret_outcome = (struct outcome){.verdict = VERDICT_DENY};
	if (!login->by_totpd)
		return attempt(login->store, &login->policy, &who, answer, ret_outcome, why);
	if (judge_shape(answer, &shape)) {
		ret_outcome->reason = shape.reason;
		return TOTP_OK;
	}
	return try_there(login, answer, ret_outcome, why);
}
