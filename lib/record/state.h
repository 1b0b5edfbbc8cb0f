/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The login state: what logins change about a credential. Two slots of one 4 KiB block
 * each are written in turn, so that a write that is cut short leaves the other one; each
 * is authenticated by the credential's state key. The bytes are specified in
 * pam_totp-record(5).
 */
#ifndef RECORD_STATE_H
#define RECORD_STATE_H

#include "base/bytes.h"
#include "record/cred.h"

#define STATE_SLOT_LEN  4096
#define STATE_FILE_LEN  (2 * STATE_SLOT_LEN)
#define STATE_KNOWN_MAX 8
/* The counter of a HOTP token that must not be used until it is enrolled again. */
#define COUNTER_DISABLED UINT64_MAX

/* Where a login comes from, as far as a throttle cares. */
enum source_kind {
	SOURCE_UNKNOWN = 0,
	SOURCE_IPV4 = 1, /* bytes 0 to 3 */
	SOURCE_IPV6 = 2, /* bytes 0 to 7: the /64 */
	SOURCE_UID = 3,  /* bytes 0 to 3, big-endian: the real uid of a local caller;
			  * of a root process: see SOURCE_CALLER_AT */
	SOURCE_HOST = 4, /* on a verifier, a local caller of another host: byte 0: enum
			  * source_class; bytes 1 to 3: of a hash of the host and the caller; in the
			  * caller field: the first label of the host's name, cut */
};

/*
 * The caller field of a process that runs as root and passes no address: the terminal, a NUL, and
 * the PAM service, cut to these bytes. Without a terminal, the login is not known to come from
 * this host.
 */
#define SOURCE_CALLER_AT  4
#define SOURCE_CALLER_LEN 12
#define SOURCE_PTS        "pts" /* the terminal of every pseudo-terminal: its number says nothing */

/*
 * Unknown sources share a throttle with those of their class only, so that strangers who guess
 * over the network lock no one out of a terminal of this host.
 */
enum source_class {
	SOURCE_NETWORK = 0, /* addresses, and root's services without address and terminal */
	SOURCE_CONSOLE,     /* tty1, ttyS0 and the like */
	SOURCE_PSEUDO,      /* pseudo-terminals and displays, whose users may be remote */
	SOURCE_USER,        /* other users' processes: su, sudo, screen lockers */
	SOURCE_CLASSES
};

struct source {
	uint8_t kind;      /* enum source_kind */
	uint8_t bytes[16]; /* zeros where the kind uses fewer */
};

/* A leaky bucket: how many failures it holds, and since when one may drain. */
struct leak {
	uint32_t used;
	int64_t since; /* seconds since 1970 UTC; 0 while nothing is used */
};

struct throttle {
	struct leak burst; /* the short bucket: `attempts` */
	struct leak total; /* the long bucket: `attempts_total` */
};

struct known_source {
	struct source source; /* never SOURCE_UNKNOWN */
	int64_t last_success;
	struct throttle throttle;
};

struct token_state {
	uint8_t id;        /* as in the credential */
	uint64_t moving;   /* TOTP: the last accepted step; HOTP: the next counter */
	int64_t last_used; /* seconds since 1970 UTC; 0 for never */
	bool unread;       /* self-service made it, and the owner has not seen the notice */
};

/*
 * What self-service did, of which the owner sees a notice at the next login. Version 1 keeps
 * none.
 */
enum notice_kind { NOTICE_ADDED, NOTICE_REPLACED, NOTICE_RECOVERY, NOTICE_KINDS };

struct notice {
	uint8_t count;        /* how often, 255 for more; 0: never, and all else is 0 */
	int64_t last;         /* the last time, seconds since 1970 UTC… */
	struct source source; /* …and where that came from */
};

struct login_state {
	uint64_t sequence; /* of the slot this came from; the next write has one more */
	uint8_t cred_id[CRED_ID_LEN];
	uint8_t token_count;
	struct token_state tokens[CRED_TOKENS_MAX]; /* in the credential's order */
	uint32_t spent;                             /* bit i: recovery code i was used */
	uint8_t bypass_used;                        /* how often the bypass was used */
	bool one_class;                             /* version 1: shared[0] is of all classes */
	struct throttle shared[SOURCE_CLASSES];     /* of the sources that are not known */
	uint8_t known_count;
	struct known_source known[STATE_KNOWN_MAX];
	uint32_t failures; /* since the last success */
	int64_t last_failure;
	struct source last_failure_source;
	int64_t last_success;
	struct notice notices[NOTICE_KINDS];
};

/* Does the credential still wait for the first correct code? See `must_confirm`. */
bool state_is_pending(const struct login_state *state, const struct cred *cred);

/*
 * A source and the notices as bytes, as pam_totp-record(5) and totpd-protocol(5) have them. The
 * caller checks the kinds of sources.
 */
void code_source(const struct codec *codec, struct source *source);
void code_notices(const struct codec *codec, struct notice notices[NOTICE_KINDS]);

bool source_equal(const struct source *a, const struct source *b);
enum source_class source_class(const struct source *source);

/* A state for a credential in which nothing has happened yet: sequence 1, all else 0. */
void state_init(const struct cred *cred, struct login_state *ret_state);

/*
 * No code of now's step or before, nor of `ahead` steps after it, is accepted any more:
 * raises the last step of each TOTP token to that; none is lowered. now: seconds since
 * 1970 UTC; before 1970 nothing is changed.
 */
void state_raise(struct login_state *state, const struct cred *cred, int64_t now, uint64_t ahead);

/*
 * Take what another state of the same credential knows: whichever is the later one, no code
 * that either has seen used is accepted, no recovery code, and no use of a bypass. Throttles,
 * known sources and failures are the later one's. Both have the credential's tokens, as
 * state_decode gives them.
 */
void state_merge(struct login_state *state, const struct login_state *other);

/*
 * Encode a slot, authenticated for the credential's user under its state key.
 * TOTP_ERR_RANGE: a count too large, or not this credential's state. TOTP_ERR_CRYPTO.
 */
MUST_CHECK enum totp_err state_encode(const struct login_state *state, const struct cred *cred,
				      uint8_t ret_slot[STATE_SLOT_LEN]);

/*
 * Decode a slot. TOTP_ERR_SEAL: the MAC does not match (nothing else is looked at then).
 * TOTP_ERR_FORMAT, TOTP_ERR_RANGE, TOTP_ERR_UNSUPPORTED: authentic, but not such a state
 * or another credential's. *ret_state is zeros on failure.
 */
MUST_CHECK enum totp_err state_decode(const uint8_t slot[STATE_SLOT_LEN], const struct cred *cred,
				      struct login_state *ret_state);

/*
 * Choose between the slots of a state file: the valid one with the higher sequence that
 * stands where its sequence belongs (slot = sequence & 1).
 *
 * file, len: as read; another length than STATE_FILE_LEN is TOTP_ERR_FORMAT. *ret_torn
 * says that the other slot is damaged: the write that damaged it may have been of a later
 * state, so the caller raises the steps to now. TOTP_ERR_SEAL: no slot is valid.
 */
MUST_CHECK enum totp_err state_choose(const uint8_t *file, size_t len, const struct cred *cred,
				      struct login_state *ret_state, bool *ret_torn);

/*
 * A whole new file: `state` in its slot, and the same with a sequence one lower in the
 * other, so that both are valid from the start. state->sequence is 1 or more.
 */
MUST_CHECK enum totp_err state_encode_file(const struct login_state *state, const struct cred *cred,
					   uint8_t ret_file[STATE_FILE_LEN]);

#endif
