/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Where a login comes from: the throttle counts by it, `remember` remembers it, and the log and
 * the message to the user show it. The first of these that there is:
 *
 * 1. An address that the program passes as PAM_RHOST, or that sshd knows if its PAM_RHOST is a
 *    name. Only an address distinguishes one stranger from another. Names are never looked up,
 *    because the owner of an address chooses its name.
 * 2. For a process that another user started (su, sudo, a screen locker): that user's uid. The
 *    kernel reports it, whatever the process passes.
 * 3. For a process that runs as root: its PAM service and, if it passes no PAM_RHOST at all, the
 *    terminal that PAM_TTY names. The uid 0 alone would not be enough: login(1) on the console
 *    runs as root, and so do xrdp-sesman, saslauthd and other programs that call PAM for clients
 *    they do not distinguish. Each of these programs is one source, with all of its clients.
 *
 * PAM_TTY counts only if it names a terminal: programs also write words such as "ssh", "ftp" and
 * "cron" there. Strangers choose neither service nor terminal, but they may choose a name. So no
 * name is part of a source: otherwise strangers could look like the user's own source, or like any
 * number of sources. A program that passes a name serves a network, and its PAM_TTY is ignored.
 *
 * A source becomes known only by a correct code. Until then it shares a throttle with the others
 * of its class (record/state.h). No client of the network is in the class of a terminal, so the
 * guesses of strangers lock nobody out of a console, not even at the first login there. A
 * pseudo-terminal or a display may belong to anybody (for example to a page in a browser): these
 * are a class beside the consoles, and the number of a pseudo-terminal is not part of the source.
 */
#ifndef HOST_SOURCE_H
#define HOST_SOURCE_H

#include <sys/types.h>

#include "base/address.h"
#include "record/state.h"

#define SOURCE_TEXT_MAX 64

/* What the calling program reports about a login. */
struct origin {
	uid_t real_uid;
	const char *service;        /* PAM_SERVICE, or NULL */
	const char *rhost;          /* PAM_RHOST, or NULL */
	const char *terminal;       /* PAM_TTY, or NULL */
	const char *ssh_connection; /* for sshd: SSH_CONNECTION, or NULL */
};

/*
 * The source, as above. An IPv6 address counts as its /64, without a zone after %; an IPv4 address
 * inside an IPv6 address counts as IPv4. *ret_address is the whole address, or ADDRESS_NONE.
 */
struct source source_of_login(const struct origin *caller, struct address *ret_address);

/* The source of a local user. */
struct source source_of_uid(uid_t uid);

/*
 * What a source of another host is here: an address stays what it is, and a local caller becomes
 * one of that host, in the same class. TOTP_ERR_CRYPTO.
 */
MUST_CHECK enum totp_err source_on_host(const struct source *source, const char *host,
					struct source *ret_source);

/* The uid of a SOURCE_UID. */
uid_t source_uid(const struct source *source);

/*
 * For logs and administrators, one word: "192.0.2.1", "2001:db8::/64", "uid:1000",
 * "service:xrdp-sesman", "service:login:tty1", "host:web01" or "unknown".
 */
void source_text(const struct source *source, char ret_text[SOURCE_TEXT_MAX]);

/*
 * For the user, after "from": an address as above, "this host", "tty1 of this host", "a client of
 * xrdp-sesman" or "elsewhere".
 */
void source_place(const struct source *source, char ret_text[SOURCE_TEXT_MAX]);

/* A class, for administrators: "the network" and the like… */
const char *source_class_text(enum source_class class);

/* …and for programs: "network", "console", "terminal" or "user". */
const char *source_class_name(enum source_class class);

#endif
