/* SPDX-License-Identifier: BSD-2-Clause */
/* Connections to verifiers, before any TLS. */
#ifndef HOST_VERIFIER_H
#define HOST_VERIFIER_H

#include "login/policy.h"

/*
 * Connect: *ret_fd does not block. A name is looked up first, in the time that the name service
 * takes. TOTP_ERR_TIMEOUT; TOTP_ERR_SYSTEM: no connection. *why names the verifier.
 */
MUST_CHECK enum totp_err verifier_connect(const struct policy_verifier *verifier, uint64_t deadline,
					  int *ret_fd, struct reason *why);

/* Wait for one of the events of poll(2). name: of the verifier, for *why. Errors as above. */
MUST_CHECK enum totp_err verifier_wait(int fd, short events, uint64_t deadline, const char *name,
				       struct reason *why);

#endif
