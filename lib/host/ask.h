/*
 * Asking totpd, for a program that may not open the store: one question, one answer, in
 * bounded time. No signal, no thread, no child; nothing of the program is changed.
 *
 * Who else could be at the other end: whoever got a socket into run_dir. So folder and
 * socket must be root's, and so must be who listens (a service manager, or totpd before it
 * gave up its rights: the kernel remembers who called listen).
 */
#ifndef HOST_ASK_H
#define HOST_ASK_H

#include "login/wire.h"

#define ASK_WAIT_MS     5000
#define ASK_USE_MS      4000          /* of them: later on totpd begins to use up nothing */
#define ASK_SOCKET      "socket"      /* in run_dir: anybody, about themselves */
#define ASK_ROOT_SOCKET "root.socket" /* in run_dir: root, about anybody */

/*
 * Send the request to the socket `name` of the policy's run_dir, and wait for the response,
 * ASK_WAIT_MS in all. request->store and deadline are filled in here: the store that the policy
 * means, and ASK_USE_MS from now.
 *
 * TOTP_ERR_NOT_FOUND: nobody listens there. TOTP_ERR_TIMEOUT. TOTP_ERR_UNSAFE: not root's.
 * TOTP_ERR_PEER: no answer, or none that can be read. TOTP_ERR_RANGE: as wire_put_request.
 * TOTP_ERR_SYSTEM: errno. TOTP_OK: there is a response, which may hold an error of its own.
 * *why says so; *ret_response is the caller's to wipe, and wiped on an error.
 */
MUST_CHECK enum totp_err ask_totpd(const struct policy *policy, const char *name,
				   struct wire_request *request, struct wire_response *ret_response,
				   struct reason *why);

/* Does somebody listen there who may be asked? Connects, and says nothing. Errors as above. */
MUST_CHECK enum totp_err ask_knock(const char *run_dir, const char *name, struct reason *why);

#endif
