/*
 * One request, one response: what a child of totpd does. It may wait for a lock or a name
 * service; whoever forked it sees to it that it ends.
 */
#ifndef SERVE_H
#define SERVE_H

#include "ledger.h"
#include "rights.h"

/* What all requests share, but for the note. */
struct office {
	struct policy policy;
	bool closed;            /* the policy is in error: everything is refused */
	struct keyring keyring; /* read before the rights to do so were given up */
	struct ledger ledger;
	struct ledger_page *note; /* what is logged of the request; others than root's */
};

/*
 * Answer a request that came by the connection fd. Nothing is used up or stored for a client that
 * has closed it, or whose deadline has passed.
 *
 * True: a record is sealed by a key that came into the keyring later, or that nobody has.
 */
bool serve(const struct office *office, const struct peer *peer, int fd,
	   const struct wire_request *request, struct wire_response *ret_response);

#endif
