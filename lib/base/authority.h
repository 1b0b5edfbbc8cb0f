/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A certificate authority of a site's own, for the hosts of one fleet: X.509 version 3, ECDSA on
 * P-256 with SHA-256, PEM. Everything that TLS 1.3 in OpenSSL, haproxy and Go reads. It revokes
 * nothing: the verifiers have lists of the hosts that they answer.
 */
#ifndef BASE_AUTHORITY_H
#define BASE_AUTHORITY_H

#include "base/crypto.h"
#include "base/own.h"

#define PEM_MAX       4096
#define CERT_NAME_MAX 64 /* bytes of a common name (RFC 5280, ub-common-name) */

/* Certificates, keys or both, as text. */
struct pem {
	size_t len;
	char text[PEM_MAX];
};

void pem_wipe(struct pem *pem);

#define OWN_PEM OWN(pem_wipe)

/* What a certificate is for: extended key usage, RFC 5280 section 4.2.1.12. */
enum cert_use { CERT_SERVER = 1, CERT_CLIENT = 2 };

struct cert_wish {
	const char *name;         /* common name */
	const char *const *names; /* alternative names: DNS names and IP addresses */
	size_t name_count;
	unsigned uses;       /* of enum cert_use */
	int64_t from, until; /* seconds since 1970 UTC */
};

struct authority; /* its certificate and its key */

struct authority *authority_free(struct authority *authority);
void authority_scope_end(struct authority **authority);

#define OWN_AUTHORITY OWN(authority_scope_end)

/*
 * Make the key and the certificate of a new authority, which signs certificates of hosts and of no
 * other authority. TOTP_ERR_CRYPTO: libcrypto failed.
 */
MUST_CHECK enum totp_err authority_make(const char *name, int64_t from, int64_t until,
					struct pem *ret_key, struct pem *ret_certificate);

/*
 * Read an authority. TOTP_ERR_FORMAT: one of the texts is none of the kind. TOTP_ERR_UNSUPPORTED:
 * the certificate is not one of an authority. TOTP_ERR_SEAL: the key is another one's.
 */
MUST_CHECK enum totp_err authority_read(struct piece certificate, struct piece key,
					struct authority **ret_authority);

/* When it ends: authority_issue and authority_renew make no certificate that ends later. */
int64_t authority_end(const struct authority *authority);

/* Make a new key, and a certificate for it. TOTP_ERR_CRYPTO: libcrypto failed. */
MUST_CHECK enum totp_err authority_issue(const struct authority *authority,
					 const struct cert_wish *wish, struct pem *ret_key,
					 struct pem *ret_certificate);

/*
 * Make a certificate like the first one in `old`, for the same key, with other dates; what follows
 * it in `old` stays. The authority's own certificate is renewed in the same way, and may then end
 * later. TOTP_ERR_FORMAT: there is no certificate. TOTP_ERR_SEAL: another authority signed it.
 * TOTP_ERR_RANGE: the new text is longer than PEM_MAX. TOTP_ERR_CRYPTO.
 */
MUST_CHECK enum totp_err authority_renew(const struct authority *authority, struct piece old,
					 int64_t from, int64_t until, struct pem *ret_certificate);

#endif
