/* Where a login comes from. Literal addresses only: no name is ever looked up. */
#ifndef HOST_SOURCE_H
#define HOST_SOURCE_H

#include <sys/types.h>

#include "base/address.h"
#include "record/state.h"

#define SOURCE_TEXT_MAX 64

/*
 * rhost: PAM_RHOST, or NULL. ssh_connection: sshd's variable of that name in the PAM
 * environment, or NULL; used where rhost is a name. real_uid: the caller's.
 *
 * A literal address gives itself: IPv6 its /64 (a zone after % is dropped), a mapped
 * IPv4 the IPv4. No rhost gives the uid. A name without SSH_CONNECTION is unknown.
 * *ret_address is the whole address, ADDRESS_NONE where there is none.
 */
struct source source_of_login(const char *rhost, const char *ssh_connection, uid_t real_uid,
			      struct address *ret_address);

/* That of a local caller. */
struct source source_of_uid(uid_t uid);

/* The uid of a source of that kind. */
uid_t source_uid(const struct source *source);

/* For logs and administrators: "192.0.2.1", "2001:db8::/64", "uid:1000" or "unknown". */
void source_text(const struct source *source, char ret_text[SOURCE_TEXT_MAX]);

/* For the person, after "from": an address likewise, "this host" or "elsewhere". */
void source_place(const struct source *source, char ret_text[SOURCE_TEXT_MAX]);

#endif
