/*
 * Where a login comes from: what a throttle counts by, what is remembered, and what the log and
 * the message to the user show. In this order:
 *
 * 1. A literal address that the program hands over (PAM_RHOST), or that sshd knows where its
 *    PAM_RHOST is a name. Only an address tells one stranger from another. No name is
 *    ever looked up: the owner of an address chooses its name.
 * 2. Of a process that another user started (su, sudo, a screen locker): that user's uid. The
 *    kernel reports it, and nothing that the process passes is needed.
 * 3. Of a process that runs as root: its PAM service and, where no PAM_RHOST at all was handed
 *    over, the
 *    terminal that PAM_TTY names. The uid 0 would say nothing: login(1) on the console runs as
 *    root, and so do xrdp-sesman, saslauthd and other programs that call PAM for clients they do
 *    not tell apart. Each of them is a source of its own, in which all of its clients are one.
 *
 * PAM_TTY counts only where it names a terminal: "ssh", "ftp" and "cron" are words that programs
 * write there. A stranger chooses neither service nor terminal, but may choose a name: it is in
 * no source, or strangers could make themselves the owner's place, or any number of places. A
 * program that hands over a name serves a network, so what it says of a terminal is not believed.
 *
 * A place becomes known by a right code alone. Until then it shares a throttle with the others
 * of its class (record/state.h), and no client of the network is in the class of a terminal: so
 * what strangers guess keeps the owner from no console, not even at the first login there. It is
 * not known who uses a pseudo-terminal or a display (it may be a page in a browser), so these are
 * a class beside the consoles, and the number of a pseudo-terminal is not part of the source.
 */
#ifndef HOST_SOURCE_H
#define HOST_SOURCE_H

#include <sys/types.h>

#include "base/address.h"
#include "record/state.h"

#define SOURCE_TEXT_MAX 64

/* What the calling program says about a login. */
struct origin {
	uid_t real_uid;
	const char *service;        /* PAM_SERVICE, or NULL */
	const char *rhost;          /* PAM_RHOST, or NULL */
	const char *terminal;       /* PAM_TTY, or NULL */
	const char *ssh_connection; /* where it is sshd: SSH_CONNECTION, or NULL */
};

/*
 * The source, as above. IPv6 is its /64 (a zone after % is dropped); an IPv4 address in an IPv6
 * one is the IPv4 address. *ret_address is the whole address, ADDRESS_NONE where there is none.
 */
struct source source_of_login(const struct origin *caller, struct address *ret_address);

/* That of a local caller. */
struct source source_of_uid(uid_t uid);

/* The uid of a source of that kind. */
uid_t source_uid(const struct source *source);

/*
 * For logs and administrators, one word: "192.0.2.1", "2001:db8::/64", "uid:1000",
 * "service:xrdp-sesman", "service:login:tty1" or "unknown".
 */
void source_text(const struct source *source, char ret_text[SOURCE_TEXT_MAX]);

/*
 * For the person, after "from": an address likewise, "this host", "tty1 of this host", "a
 * client of xrdp-sesman" or "elsewhere".
 */
void source_place(const struct source *source, char ret_text[SOURCE_TEXT_MAX]);

/* For administrators, the places of a class: "the network" and the like… */
const char *source_class_text(enum source_class class);

/* …and for programs: "network", "console", "terminal" or "user". */
const char *source_class_name(enum source_class class);

#endif
