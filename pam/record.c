/* SPDX-License-Identifier: BSD-2-Clause */
#include "pam/record.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "host/ask.h"
#include "host/clock.h"
#include "host/conf.h"
#include "login/enroll.h"
#include "login/invitation.h"

static struct attempt attempt_in(const struct login *login)
{
	return (struct attempt){.user = login->account.name,
				.uid = login->account.uid,
				.source = login->source,
				.now = clock_now(),
				.policy = &login->policy,
				.tells = !login->silent};
}

/* --- in this process --- */

static enum totp_err open_own_store(const struct login *login, struct store **ret_store,
				    struct reason *why)
{
	struct files_config config = conf_files(&login->policy);

	return files_open_for_logins(&config, ret_store, why);
}

static enum totp_err look_here(struct login *login, const char *name, struct reason *why)
{
	OWN_STORE struct store *store = NULL;
	OWN_TXN struct store_txn txn = STORE_TXN_NONE;
	struct attempt who = attempt_in(login);
	struct gate_facts *facts = &login->facts;
	struct look look;
	enum totp_err err = open_own_store(login, &store, why);

	if (err != TOTP_OK)
		return err;
	err = store_look(store, name, store_deadline(store), &txn, why);
	facts->enrolled = err == TOTP_OK;
	/* a name that is too long for a record has none */
	if (err == TOTP_ERR_NOT_FOUND || err == TOTP_ERR_RANGE)
		err = TOTP_OK;
	/* before the prompt the record is read only if that can spare the question */
	if (err == TOTP_OK && login->account.known && facts->enrolled &&
	    (login->policy.remember || gate_wants_record(&login->policy, facts, who.now))) {
		err = attempt_look(store, &who, &txn, &look, why);
		login->remembered = look.remembered;
		facts->pending = look.pending;
	}
	if (err == TOTP_OK)
		err = invitation_find(store, &who, ENROLL_IN_LOGIN, facts, why);
	return err;
}

static enum totp_err try_here(const struct login *login, const struct answer *answer,
			      struct outcome *ret_outcome, struct reason *why)
{
	OWN_STORE struct store *store = NULL;
	struct attempt who = attempt_in(login);
	enum totp_err err = open_own_store(login, &store, why);

	/* a missing store does not prove the user absent */
	if (err != TOTP_OK)
		return err == TOTP_ERR_NOT_FOUND ? TOTP_ERR_SYSTEM : err;
	who.answer = answer;
	return attempt(store, &who, ret_outcome, why);
}

static enum totp_err enroll_here(const struct login *login, const struct record_first *first,
				 struct recovery_code codes[RECOVERY_MAX], uint8_t *count,
				 struct reason *why)
{
	OWN_STORE struct store *store = NULL;
	struct enroll_first made = {.user = login->account.name,
				    .uid = login->account.uid,
				    .now = clock_now(),
				    .moving = first->moving,
				    .recovery_codes = login->policy.recovery_codes,
				    .in_login = true,
				    .token = {.type = TOKEN_TOTP,
					      .alg = first->uri->alg,
					      .digits = (uint8_t)first->uri->digits,
					      .period = (uint16_t)first->uri->period,
					      .secret = first->uri->secret}};
	const struct attempt who = attempt_in(login);
	enum totp_err err = open_own_store(login, &store, why);

	made.token.created = made.now;
	strncpy(made.token.label, first->label, sizeof(made.token.label) - 1);
	if (err == TOTP_OK)
		err = login->facts.invited ? invitation_check(store, &who, why) : TOTP_OK;
	else if (err == TOTP_ERR_NOT_FOUND)
		err = TOTP_ERR_SYSTEM;
	if (err == TOTP_OK)
		err = enroll_store(store, &made, codes, count, why);
	WIPE(made.token);
	return err;
}

/* --- by totpd --- */

static const char *socket_of(const struct login *login)
{
	return login->caller == CALLER_USER ? ASK_SOCKET : ASK_ROOT_SOCKET;
}

/* Who asks, about whom. False: the name is too long for a record. */
static bool fill(const struct login *login, const char *user, struct wire_request *request)
{
	strncpy(request->service, login->service ? login->service : "", WIRE_SERVICE_MAX);
	if (login->caller != CALLER_USER)
		request->source = login->source;
	return text_copy(text_of(user), request->user, sizeof(request->user)) == TOTP_OK;
}

/*
 * The error in the response. totpd reports little to clients that are not root, and logs the rest
 * itself.
 */
static enum totp_err error_in(struct login *login, const struct wire_response *response,
			      struct reason *why)
{
	login->logged = login->caller == CALLER_USER && response->err != TOTP_ERR_NOT_FOUND;
	*why = response->why;
	if (response->err != TOTP_OK && why->text[0] == '\0')
		reason_set(why, "totpd: %s; its log says why", err_name(response->err));
	return response->err;
}

/*
 * Ask after totpd was chosen: that no process is listening any more does not prove a user absent.
 */
static enum totp_err ask_chosen(struct login *login, struct wire_request *request,
				struct wire_response *ret_response, struct reason *why)
{
	enum totp_err err;

	if (!fill(login, login->account.name, request)) {
		reason_set(why, "the user name is too long for a record");
		return TOTP_ERR_RANGE;
	}
	err = ask_totpd(&login->policy, socket_of(login), request, ret_response, why);
	if (err == TOTP_ERR_NOT_FOUND)
		return TOTP_ERR_PEER;
	return err == TOTP_OK ? error_in(login, ret_response, why) : err;
}
/*
 * What totpd says about this store and, in *reterr and login->facts, about the user. In a process
 * that runs as root, a failure to answer counts as if totpd were not running, since such a
 * process can check codes itself. Not in a set-uid program, whose caller may have caused the
 * failure.
 */
static enum totpd_store look_there(struct login *login, const char *name, enum totp_err *reterr,
				   struct reason *why)
{
	struct wire_request request = {.op = WIRE_LOOK};
	OWN_WIRE_RESPONSE struct wire_response response = {.enrolled = false};
	const struct policy *policy = &login->policy;
	bool named = fill(login, name, &request);

	request.by_invitation =
		invitation_is_needed(policy, &login->facts, ENROLL_IN_LOGIN, clock_now());
	/*
	 * If a code is asked for whatever the record says, the record is looked at once, with the
	 * answer: a look costs totpd as much as a check. The response then also shows which store
	 * totpd serves; if a PAM line has a policy of its own, totpd is asked first.
	 */
	login->unlooked = !login->enrolling && !login->conf_named && login->caller != CALLER_ROOT &&
			  policy->password == PASSWORD_NONE && policy->remember == 0 &&
			  !policy->enroll_in_account &&
			  gate_requires(policy, &login->facts, clock_now());
	if (login->unlooked || !named) /* too long for a record: there is none */
		*reterr = ask_connect(login->policy.run_dir, socket_of(login), why);
	else
		*reterr = ask_totpd(&login->policy, socket_of(login), &request, &response, why);
	if (*reterr == TOTP_ERR_NOT_FOUND || (*reterr != TOTP_OK && login->caller == CALLER_ROOT))
		return TOTPD_ABSENT;
	if (*reterr == TOTP_OK)
		*reterr = error_in(login, &response, why);
	if (*reterr == TOTP_ERR_OTHER_STORE)
		return TOTPD_OTHER_STORE;
	if (*reterr == TOTP_OK)
		login->logged = false; /* there is nothing to tell */
	login->facts.enrolled = response.enrolled;
	login->facts.invited = response.invited;
	login->facts.pending = response.pending;
	login->remembered =
		attempt_remembers(&login->policy, response.status.last_success, clock_now());
	return TOTPD_SERVES;
}

static enum totp_err try_there(struct login *login, const struct answer *answer,
			       struct outcome *ret_outcome, struct reason *why)
{
	OWN_WIRE_REQUEST struct wire_request request = {
		.op = WIRE_CHECK, .tells = !login->silent, .answer = *answer};
	OWN_WIRE_RESPONSE struct wire_response response;
	struct ruling shape;
	enum totp_err err;

	if (judge_shape(answer, &shape)) {
		ret_outcome->reason = shape.reason;
		return TOTP_OK;
	}
	err = ask_chosen(login, &request, &response, why);
	if (err == TOTP_OK)
		*ret_outcome = response.outcome;
	return err;
}

static enum totp_err enroll_there(struct login *login, const struct record_first *first,
				  struct recovery_code codes[RECOVERY_MAX], uint8_t *count,
				  struct reason *why)
{
	OWN_WIRE_RESPONSE struct wire_response response;
	OWN_WIRE_REQUEST struct wire_request request = {
		.op = WIRE_ENROLL_IN_LOGIN,
		.by_invitation = login->facts.invited,
		.recovery_codes = (uint8_t)login->policy.recovery_codes,
		.token = {.type = TOKEN_TOTP,
			  .alg = first->uri->alg,
			  .digits = (uint8_t)first->uri->digits,
			  .period = (uint16_t)first->uri->period,
			  .secret = first->uri->secret,
			  .typed = *first->typed}};
	enum totp_err err;

	strncpy(request.token.label, first->label, sizeof(request.token.label) - 1);
	err = ask_chosen(login, &request, &response, why);
	if (err == TOTP_OK) {
		memcpy(codes, response.codes, sizeof(response.codes));
		*count = response.code_count;
	}
	return err;
}

/* --- which of the two --- */

/* Neither can look: report why not in this process, and what totpd says. */
static enum totp_err deny(const struct login *login, enum totp_err there,
			  const struct reason *there_why, struct reason *why)
{
	OWN_STORE struct store *store = NULL;
	struct reason here_why = {""};
	enum totp_err here;

	*why = *there_why;
	if (login->caller == CALLER_USER || login->policy.store != STORE_IN_FILES)
		return there == TOTP_ERR_NOT_FOUND ? TOTP_ERR_PEER : there;
	here = open_own_store(login, &store, &here_why);
	if (here == TOTP_OK) /* it has come in the meantime */
		return TOTP_ERR_STALE;
	*why = here_why;
	if (here == TOTP_ERR_SYSTEM) /* here, but perhaps not elsewhere */
		reason_set(why, "%.120s; %.120s", here_why.text, there_why->text);
	return here == TOTP_ERR_NOT_FOUND ? TOTP_ERR_SYSTEM : here;
}

enum totp_err record_look(struct login *login, const char *typed, struct reason *why)
{
	struct files_config config = conf_files(&login->policy);
	const char *name = login->account.known ? login->account.name : typed;
	enum totpd_store totpd = TOTPD_ABSENT;
	enum totp_err there = TOTP_OK;
	struct reason there_why = {""};
	enum totp_err err = conf_choose_store(&login->policy, &login->account, why);

	if (err != TOTP_OK)
		return err;
	login->caller = place_caller();
	/* what is not in files, totpd alone reaches */
	if (login->caller != CALLER_USER && login->policy.store == STORE_IN_FILES)
		login->reach = files_reach(&config);
	if (place_asks_totpd(login->caller, login->reach))
		totpd = look_there(login, name, &there, &there_why);
	login->place = place_of(login->caller, login->reach, totpd);
	login->unlooked = login->unlooked && totpd == TOTPD_SERVES;
	if (login->place == PLACE_DENY)
		return deny(login, there, &there_why, why);
	if (login->place == PLACE_HERE)
		return look_here(login, name, why);
	*why = there_why;
	/* of a user who is not there an error says nothing */
	return there == TOTP_ERR_NOT_FOUND ? TOTP_ERR_PEER : there;
}

enum totp_err record_try(struct login *login, const struct answer *answer,
			 struct outcome *ret_outcome, struct reason *why)
{
	struct reason there_why = {""};
	enum totp_err err, there;

	*ret_outcome = (struct outcome){.verdict = VERDICT_DENY};
	if (login->place == PLACE_HERE) {
		err = try_here(login, answer, ret_outcome, why);
		/*
		 * some limits do not show in access(2), such as an AppArmor profile that allows a
		 * state to be read but not written; nothing was judged then, so totpd can be asked
		 */
		if (login->caller != CALLER_ROOT || err != TOTP_ERR_SYSTEM ||
		    (errno != EACCES && errno != EPERM && errno != EROFS))
			return err;
		there = try_there(login, answer, ret_outcome, &there_why);
		return there == TOTP_ERR_PEER || there == TOTP_ERR_OTHER_STORE ? err : there;
	}
	err = try_there(login, answer, ret_outcome, why);
	if (err != TOTP_ERR_OTHER_STORE)
		return err;
	login->place = place_of(login->caller, login->reach, TOTPD_OTHER_STORE);
	return login->place == PLACE_HERE ? try_here(login, answer, ret_outcome, why) : err;
}

enum totp_err record_enroll(struct login *login, const struct record_first *first,
			    struct recovery_code ret_codes[RECOVERY_MAX], uint8_t *ret_count,
			    struct reason *why)
{
	enum totp_err err = login->place == PLACE_HERE
				    ? enroll_here(login, first, ret_codes, ret_count, why)
				    : enroll_there(login, first, ret_codes, ret_count, why);

	/* an invitation that no longer holds is no error of the host */
	return err == TOTP_ERR_FORBIDDEN ? TOTP_ERR_NOT_FOUND : err;
}
