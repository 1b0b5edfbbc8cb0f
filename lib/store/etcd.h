/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The etcd engine: one store for many hosts, in a cluster of etcd v3. What follows is of this
 * engine alone: opening and making a store, and its status. All else is in store/store.h.
 *
 * The keys, of which a realm has its own:
 *
 *   totp/1/REALM/meta         the store: see store/etcd/meta.h
 *   totp/1/REALM/c/HH/NAME    a sealed credential
 *   totp/1/REALM/s/HH/NAME    its login state: nonce (16), a slot up to its last byte that is not
 *                             0, the slot's MAC (32)
 *   totp/1/REALM/i/HH/NAME    a sealed invitation
 *   totp/1/REALM/work         while a program changes the keys: a random value
 *
 * NAME is that of store_name; HH is the first byte of SHA-256(NAME): a million names in one range
 * would take minutes to list.
 *
 * A program that has the key of a member or of a verifier cannot read a secret without the keyring,
 * but it can put an older state back: nothing here defends against that.
 */
#ifndef STORE_ETCD_H
#define STORE_ETCD_H

#include "store/etcd/client.h"
#include "store/keyring.h"
#include "store/store.h"

#define ETCD_REALM_MAX 64

struct etcd_store_config {
	struct etcd_config cluster;
	const char *realm;          /* 1 to ETCD_REALM_MAX of a-z, 0-9, '-' and '.' */
	const char *keyring;        /* absolute path */
	const struct keyring *keys; /* that keyring, read before; NULL: read it when needed */
};

/*
 * Make an empty store, whose records the first key of the keyring seals. TOTP_ERR_EXISTS: the realm
 * has one (nothing is changed). Others as etcd_open.
 */
MUST_CHECK enum totp_err etcd_setup(const struct etcd_store_config *config, uint64_t deadline,
				    struct reason *why);

/*
 * Open the store of a realm. The connection belongs to this process: open it after a fork, and keep
 * it, since a new one costs several times as much as a login.
 *
 * TOTP_ERR_NOT_FOUND: the realm has none. TOTP_ERR_PEER: the cluster does not compare, so that
 * nothing could be trusted. TOTP_ERR_UNSUPPORTED: a newer format. TOTP_ERR_FORMAT, TOTP_ERR_RANGE:
 * the configuration. TOTP_ERR_TIMEOUT, TOTP_ERR_SYSTEM. *why says what to do. A store that was
 * restored from a backup is opened, but rejects everything until store_accept_place.
 */
MUST_CHECK enum totp_err etcd_open(const struct etcd_store_config *config, uint64_t deadline,
				   struct store **ret_store, struct reason *why);

struct etcd_status {
	uint64_t cluster;     /* the cluster's id… */
	uint64_t own_cluster; /* …and the one that the store belongs to */
	uint64_t member;      /* the member that answered */
	uint64_t revision;
	uint32_t key_id; /* of the key that seals */
	uint32_t epoch;  /* how often a restored backup was accepted */
};

/* Errors as store_check_place, but a store in another cluster is none. */
MUST_CHECK enum totp_err etcd_status(struct store *store, uint64_t deadline,
				     struct etcd_status *ret_status, struct reason *why);

/* --- the cluster, as an administrator sees it --- */

#define ETCD_WORD_MAX 32

/* What one member of the configuration says of itself. */
struct etcd_member {
	char url[ETCD_URL_MAX];
	enum totp_err err; /* what came of asking it… */
	struct reason why; /* …in a sentence; the rest is zeros then */
	uint64_t id;
	uint64_t leader; /* the id of the leader that it follows; 0: none */
	char version[ETCD_WORD_MAX];
	uint64_t size;           /* bytes of its database… */
	uint64_t quota;          /* …which ends all writes at so many; 0: it did not say */
	int64_t date;            /* by its clock: seconds since 1970 UTC; 0: it did not say… */
	uint64_t dated;          /* …at this time of CLOCK_MONOTONIC, ns */
	int64_t certificate_end; /* seconds since 1970 UTC; 0: unknown */
};

struct etcd_health {
	size_t member_count;
	struct etcd_member members[ETCD_MEMBERS_MAX];
	size_t cluster_count;      /* how many members the cluster says it has; 0: none said so */
	char unlisted[128];        /* those of them whose answers are not above: "m1, m2" */
	char alarm[ETCD_WORD_MAX]; /* "NOSPACE", "CORRUPT"; "": none is on */
	int64_t certificate_end;   /* our own, … */
	int64_t ca_end;            /* …and the CA's: seconds since 1970 UTC; 0: cannot be read */
};

/*
 * Ask each member of the configuration about itself and the cluster. A member that does not answer
 * is no error here. Errors as etcd_open.
 */
MUST_CHECK enum totp_err etcd_look_at_health(const struct etcd_config *config, uint64_t deadline,
					     struct etcd_health *ret_health, struct reason *why);

/*
 * What the library of this engine exports, as pam_totp_etcd. Programs load it only for such a store
 * (host/stores.h), so that other hosts need neither it nor libcurl.
 */
struct etcd_library {
	const char *version; /* a program of another version must not use it */
	__typeof__(etcd_setup) *setup;
	__typeof__(etcd_open) *open;
	__typeof__(etcd_status) *status;
	__typeof__(etcd_look_at_health) *look_at_health;
};

extern const struct etcd_library pam_totp_etcd;

#endif
