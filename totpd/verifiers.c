/* SPDX-License-Identifier: BSD-2-Clause */
#include "verifiers.h"

#include <stdio.h>
#include <string.h>

#include "base/io.h"
#include "tls.h"

#define ANSWER_NS 1000000000ull /* of the whole time, for the answer of the last verifier */
#define HURRY_NS  300000000ull  /* a try that has less proves nothing: any user can ask late */

/* One request, and the verifiers that are left. */
struct asking {
	const struct tls_identity *identity;
	struct relay_request *relay;
	uint64_t deadline;
	size_t left;
	struct wire_response *response;
};

static bool changes_nothing(enum wire_op op)
{
	return op == WIRE_LOOK || op == WIRE_STATUS;
}

/*
 * Does the answer say that the verifier cannot work, and not what it thinks of the user? One that
 * has lost its way to etcd, for example, still greets and answers.
 */
static bool is_unable(enum totp_err err)
{
	switch (err) {
	case TOTP_ERR_SYSTEM:
	case TOTP_ERR_NOMEM:
	case TOTP_ERR_CRYPTO:
	case TOTP_ERR_FORMAT: /* its policy has a mistake */
	case TOTP_ERR_TIMEOUT:
	case TOTP_ERR_UNSUPPORTED:
	case TOTP_ERR_PEER:
	case TOTP_ERR_OTHER_STORE:
		return true;
	case TOTP_OK:
	case TOTP_ERR_ARGUMENT:
	case TOTP_ERR_RANGE:
	case TOTP_ERR_UNSAFE:
	case TOTP_ERR_SEAL:
	case TOTP_ERR_NOT_FOUND:
	case TOTP_ERR_EXISTS:
	case TOTP_ERR_STALE:
	case TOTP_ERR_UNCERTAIN:
	case TOTP_ERR_FORBIDDEN:
	case TOTP_ERR_COUNT_:
		break;
	}
	return false;
}

/* Until when one verifier has time for its hello: each one that follows needs some, too. */
static uint64_t end_of_try(const struct asking *asking)
{
	uint64_t now = io_monotonic_ns(), share = 0;

	if (asking->deadline > now + ANSWER_NS)
		share = (asking->deadline - now - ANSWER_NS) / (asking->left + 1);
	return now + (share < VERIFIERS_TRY_NS || !asking->left ? share : VERIFIERS_TRY_NS);
}

static enum totp_err receive_hello(struct tls *tls, struct asking *asking, uint64_t deadline,
				   struct reason *why)
{
	uint8_t hello[RELAY_HELLO_LEN];
	enum totp_err err = tls_receive(tls, hello, sizeof(hello), deadline, why);

	if (err != TOTP_OK)
		return err;
	err = relay_get_hello(hello, sizeof(hello), asking->relay->nonce);
	if (err == TOTP_OK)
		return TOTP_OK;
	return reason_err(why, TOTP_ERR_PEER, "%s",
			  err == TOTP_ERR_UNSUPPORTED ? "the verifier has another version"
						      : "no verifier answers there");
}

/* From here on the outcome is unknown until the whole response is there. */
static enum totp_err exchange(struct tls *tls, struct asking *asking, struct reason *why)
{
	OWN_RELAY_RESPONSE struct relay_response answer = {.nonce = {0}};
	uint8_t request[RELAY_REQUEST_LEN], response[RELAY_RESPONSE_LEN];
	uint64_t now = io_monotonic_ns();
	uint64_t left_ms = now < asking->deadline ? (asking->deadline - now) / 1000000 : 0;
	enum totp_err err;

	asking->relay->wait_ms = (uint16_t)(left_ms < UINT16_MAX ? left_ms : UINT16_MAX);
	err = relay_put_request(asking->relay, request);
	if (err != TOTP_OK)
		return reason_err(why, err, "the request is invalid");
	err = tls_send(tls, request, sizeof(request), asking->deadline, why);
	WIPE(request);
	if (err == TOTP_OK)
		err = tls_receive(tls, response, sizeof(response), asking->deadline, why);
	if (err != TOTP_OK)
		return TOTP_ERR_TIMEOUT; /* whatever it was: unknown */
	err = relay_get_response(response, sizeof(response), &answer);
	WIPE(response);
	if (err == TOTP_OK && memcmp(answer.nonce, asking->relay->nonce, RELAY_NONCE_LEN) == 0 &&
	    answer.response.op == asking->relay->request.op) {
		*asking->response = answer.response;
		return TOTP_OK;
	}
	return reason_err(why, TOTP_ERR_PEER, "a malformed answer");
}

/* end: of the time for its hello. *ret_sent: the request was, so that an error means unknown. */
static enum totp_err ask_one(struct asking *asking, const struct policy_verifier *verifier,
			     uint64_t end, bool *ret_sent, struct reason *why)
{
	OWN_TLS struct tls *tls = NULL;
	enum totp_err err = tls_connect(asking->identity, verifier, end, &tls, why);

	*ret_sent = false;
	if (err == TOTP_OK)
		err = receive_hello(tls, asking, end, why);
	if (err != TOTP_OK)
		return err;
	*ret_sent = true;
	return exchange(tls, asking, why);
}

/* The verifiers in the policy's order; those that failed lately come last. */
static size_t sort(const struct verifiers *verifiers, const struct policy *policy,
		   struct policy_verifier ret_sorted[POLICY_VERIFIERS_MAX],
		   size_t ret_index[POLICY_VERIFIERS_MAX])
{
	uint64_t now = io_monotonic_ns();
	size_t count = 0;

	for (unsigned pass = 0; pass < 2; pass++) {
		struct text rest = text_of(policy->verifiers);
		struct policy_verifier one;

		for (size_t i = 0;
		     i < POLICY_VERIFIERS_MAX && policy_verifier_next(&rest, &one) == TOTP_OK;
		     i++) {
			if ((verifiers->failed_until[i] > now) != (pass == 1))
				continue;
			ret_index[count] = i;
			ret_sorted[count++] = one;
		}
	}
	return count;
}

/* Add why one verifier did not answer to the sentence about all of them. */
static void add_reason(struct reason *all, const struct reason *one)
{
	size_t len = strlen(all->text);

	snprintf(all->text + len, sizeof(all->text) - len, "%s%s", len ? "; " : "", one->text);
}

enum totp_err verifiers_ask(struct verifiers *verifiers, const struct policy *policy,
			    struct relay_request *relay, uint64_t deadline,
			    struct wire_response *ret_response)
{
	struct policy_verifier sorted[POLICY_VERIFIERS_MAX];
	size_t index[POLICY_VERIFIERS_MAX];
	struct asking asking = {.relay = relay, .deadline = deadline, .response = ret_response};
	size_t count = sort(verifiers, policy, sorted, index);
	struct reason *why = &ret_response->why, all = {""};
	enum totp_err err;

	wire_response_wipe(ret_response);
	err = tls_identify(policy->fleet_dir, &verifiers->identity, why);
	if (err != TOTP_OK)
		return err;
	asking.identity = verifiers->identity;
	for (size_t i = 0; i < count; i++) {
		struct reason one = {""};
		bool sent = false, unable, hurried;
		uint64_t end;

		if (io_monotonic_ns() + ANSWER_NS >= deadline) { /* it has not failed */
			reason_set(&one, "%.100s: no time is left to ask it", sorted[i].host);
			add_reason(&all, &one);
			break;
		}
		asking.left = count - i - 1;
		end = end_of_try(&asking);
		hurried = end < io_monotonic_ns() + HURRY_NS;
		err = ask_one(&asking, &sorted[i], end, &sent, &one);
		unable = err == TOTP_OK && is_unable(ret_response->err);
		if (err == TOTP_OK && !unable)
			verifiers->failed_until[index[i]] = 0;
		else if (err != TOTP_ERR_TIMEOUT || sent || !hurried)
			verifiers->failed_until[index[i]] = io_monotonic_ns() + VERIFIERS_PAUSE_NS;
		if (err == TOTP_OK &&
		    !(unable && asking.left && changes_nothing(relay->request.op)))
			return TOTP_OK;
		if (unable) {
			reason_set(&one, "%.100s: %.100s", sorted[i].host, ret_response->why.text);
			wire_response_wipe(ret_response);
		}
		add_reason(&all, &one);
		if (sent && !changes_nothing(relay->request.op))
			return reason_err(why, TOTP_ERR_TIMEOUT,
					  "%.100s: no answer to the request: the code may be used "
					  "up",
					  sorted[i].host);
	}
	*why = all;
	if (count == 0)
		reason_set(why, "the policy has no verifiers: set verifiers in pam_totp.conf(5)");
	return TOTP_ERR_PEER;
}
