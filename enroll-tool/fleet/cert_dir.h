/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The directory of a fleet's certificates: authorities at its top, and below it what each host
 * gets, in directories that are copied as they are.
 *
 *	ca.crt, ca.key             the authority of verifiers and login hosts
 *	etcd-ca.crt, etcd-ca.key   the authority of etcd: a login host gets no certificate of it
 *	NAME/fleet/                ca.crt, and verifier.pem or host.crt and host.key
 *	NAME/etcd/                 ca.crt, verifier.crt, verifier.key
 *	NAME/etcd-member/          ca.crt, member.crt, member.key
 *
 * It belongs to the user who made it, and nobody else may write to it. No file is replaced but a
 * certificate by a renewed one, and the copy of an authority's certificate.
 */
#ifndef FLEET_CERT_DIR_H
#define FLEET_CERT_DIR_H

#include "base/authority.h"
#include "common/tool.h"

struct cert_kind {
	const char *name;
	const char *place;              /* directory below NAME; NULL: the top, for an authority */
	const char *certificate;        /* files in it… */
	const char *key;                /* …which may be one: the certificate, then the key */
	const struct cert_kind *signer; /* NULL: of an authority */
	unsigned uses;                  /* of enum cert_use */
};

enum { CERT_CA, CERT_ETCD_CA, CERT_VERIFIER, CERT_HOST, CERT_MEMBER, CERT_ETCD_CLIENT, CERT_KINDS };

extern const struct cert_kind cert_kinds[CERT_KINDS];

struct cert_dir {
	const struct tool *tool;
	const char *path;
};

/* The host that a certificate is made for. */
struct cert_host {
	const char *name;
	const char *const *names; /* alternative names, or NULL */
	size_t name_count;
};

/* A certificate that there is. */
struct cert_entry {
	const struct cert_kind *kind;
	const char *name; /* of the host; of an authority: "" */
	int64_t end;      /* seconds since 1970 UTC */
};

/* Each function returns an exit code, after a sentence that names the file. */

/* Open the directory `path`, or make it if `make`; its parent must exist. */
MUST_CHECK int cert_dir_open(const struct tool *tool, const char *path, bool make,
			     struct cert_dir *ret_dir);

/* Make an authority and print where it is. subject: its common name. It replaces nothing. */
MUST_CHECK int cert_dir_make_authority(const struct cert_dir *dir, const struct cert_kind *kind,
				       const char *subject);

/* Is a file of this authority there? */
bool cert_dir_has(const struct cert_dir *dir, const struct cert_kind *authority);

MUST_CHECK int cert_dir_authority(const struct cert_dir *dir, const struct cert_kind *kind,
				  struct authority **ret_authority);

/* Make a key and a certificate and print where they are. It replaces nothing. */
MUST_CHECK int cert_dir_issue(const struct cert_dir *dir, const struct authority *authority,
			      const struct cert_kind *kind, const struct cert_host *host);

typedef int cert_each_fn(const struct cert_dir *dir, const struct cert_entry *entry, void *context);

/*
 * Call `one` for each certificate: those of the authorities, then those of all hosts by name. It
 * continues after one that cannot be read, or for which `one` fails.
 */
MUST_CHECK int cert_dir_each(const struct cert_dir *dir, cert_each_fn *one, void *context);

/* The same for the certificates of one host. */
MUST_CHECK int cert_dir_each_of(const struct cert_dir *dir, const char *name, cert_each_fn *one,
				void *context);

/* Renew a certificate for the same key and print where it is. */
MUST_CHECK int cert_dir_renew(const struct cert_dir *dir, const struct cert_entry *entry);

#endif
