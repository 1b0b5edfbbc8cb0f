/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Asking totpd, for a program that may not open the store: one request, one response, in bounded
 * time. It uses no signals, threads or children, and changes nothing in the calling program.
 *
 * Another process could be at the other end if it could place a socket in run_dir. So root must
 * own directory and socket, and the process that listens must run as root (a service manager, or
 * totpd before it gave up its rights: the kernel remembers the process that called listen).
 */
#ifndef HOST_ASK_H
#define HOST_ASK_H

#include "login/wire.h"

#define ASK_WAIT_MS     5000
#define ASK_USE_MS      4000          /* of these: after that totpd uses up no code */
#define ASK_SOCKET      "socket"      /* in run_dir: for any user, about themselves */
#define ASK_ROOT_SOCKET "root.socket" /* in run_dir: for root, about any user */

/*
 * Send the request to the socket `name` in the policy's run_dir, and wait for the response, for
 * ASK_WAIT_MS in all. This fills in request->store with the store of the policy, and
 * request->deadline with ASK_USE_MS from now.
 *
 * TOTP_OK: there is a response, which may hold an error of its own. TOTP_ERR_NOT_FOUND: no process
 * is listening. TOTP_ERR_TIMEOUT. TOTP_ERR_UNSAFE: root does not own it. TOTP_ERR_PEER: no
 * answer, or a malformed one. TOTP_ERR_RANGE: as wire_put_request. TOTP_ERR_SYSTEM: errno. *why.
 * The caller wipes *ret_response; after an error it is wiped already.
 */
MUST_CHECK enum totp_err ask_totpd(const struct policy *policy, const char *name,
				   struct wire_request *request, struct wire_response *ret_response,
				   struct reason *why);

/* Is a process that may be asked listening? Connects and sends nothing. Errors as above. */
MUST_CHECK enum totp_err ask_connect(const char *run_dir, const char *name, struct reason *why);

#endif
