/*
 * One request, one response: what a child of totpd does. It may wait for a lock or a name
 * service; whoever forked it sees to it that it ends.
 */
#ifndef SERVE_H
#define SERVE_H

#include "rights.h"

/* What all requests share. */
struct office {
	struct policy policy;
	bool closed;            /* the policy is in error: everything is refused */
	struct keyring keyring; /* read before the rights to do so were given up */
};

/*
 * Answer. *ret_lacks_key: a record is sealed by a key that came into the keyring later, or
 * that nobody has.
 */
void serve(const struct office *office, const struct peer *peer, const struct wire_request *request,
	   struct wire_response *ret_response, bool *ret_lacks_key);

#endif
