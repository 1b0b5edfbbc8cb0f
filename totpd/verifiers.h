/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Asking the verifiers of the policy, one after the other, until one answers.
 *
 * A verifier that cannot be connected to, or does not send its hello in time, has been sent
 * nothing, so the next one is asked. Once a request was sent, its outcome is unknown until the
 * response is there: a code may be used up. So no other verifier is asked then, except for what
 * changes nothing.
 *
 * A verifier that failed is asked last for a while, and so is one that answers that it cannot work,
 * such as one that does not reach etcd.
 */
#ifndef VERIFIERS_H
#define VERIFIERS_H

#include "login/policy.h"
#include "login/relay.h"
#include "tls.h"

#define VERIFIERS_TRY_NS   700000000ull   /* at most, until the hello of one that is not the last */
#define VERIFIERS_PAUSE_NS 10000000000ull /* for so long one that failed is asked last */

struct verifiers {
	/* shared by all children, for each: CLOCK_MONOTONIC, ns; 0: it works */
	uint64_t *failed_until;
	struct tls_identity *identity; /* of this child, or NULL */
};

/*
 * Send the request, whose nonce and wait_ms are filled in here, and receive the response.
 *
 * TOTP_ERR_PEER: no verifier could be asked, or one gave a malformed answer. TOTP_ERR_TIMEOUT:
 * the outcome is unknown. Others as tls_identify. After an error *ret_response is wiped, but
 * ret_response->why names the verifiers.
 */
MUST_CHECK enum totp_err verifiers_ask(struct verifiers *verifiers, const struct policy *policy,
				       struct relay_request *relay, uint64_t deadline,
				       struct wire_response *ret_response);

#endif
