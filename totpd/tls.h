/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A connection to a verifier: TLS 1.3, with certificates at both ends. Only totpd has this; no
 * program that logs people in loads a TLS library because of us.
 *
 * The other end must have a certificate that the CA of fleet_dir signed, that is made for servers,
 * and that has the name or address by which the policy calls it. Other CAs of the system do not
 * count. Every call returns by its deadline, except that a name of a verifier may have to be looked
 * up: the child's alarm ends that.
 */
#ifndef TLS_H
#define TLS_H

#include "login/policy.h"

#define TLS_CA          "ca.crt" /* in fleet_dir */
#define TLS_CERTIFICATE "host.crt"
#define TLS_KEY         "host.key"

struct tls_identity;
struct tls;

/*
 * Read certificate, key and CA from the directory, unless *identity is what these files hold
 * already. *identity: NULL, or of an earlier call. Free with tls_forget. TOTP_ERR_FORMAT,
 * TOTP_ERR_UNSAFE (others can read the key), TOTP_ERR_SYSTEM; *why names the file.
 */
MUST_CHECK enum totp_err tls_identify(const char *dir, struct tls_identity **identity,
				      struct reason *why);
struct tls_identity *tls_forget(struct tls_identity *identity);

/*
 * Connect. Nothing has been sent when this fails. TOTP_ERR_TIMEOUT. TOTP_ERR_SYSTEM: no connection.
 * TOTP_ERR_PEER: the other end is none that we trust, or does not trust us. *why.
 */
MUST_CHECK enum totp_err tls_connect(const struct tls_identity *identity,
				     const struct policy_verifier *verifier, uint64_t deadline,
				     struct tls **ret_tls, struct reason *why);

/* Send all of it. After an error the other end may have it. */
MUST_CHECK enum totp_err tls_send(struct tls *tls, const uint8_t *data, size_t len,
				  uint64_t deadline, struct reason *why);

/* Receive exactly len bytes. TOTP_ERR_TIMEOUT, TOTP_ERR_PEER: fewer came. */
MUST_CHECK enum totp_err tls_receive(struct tls *tls, uint8_t *ret_data, size_t len,
				     uint64_t deadline, struct reason *why);

struct tls *tls_close(struct tls *tls);

static inline void tls_identity_drop(struct tls_identity **identity)
{
	*identity = tls_forget(*identity);
}

static inline void tls_drop(struct tls **tls)
{
	*tls = tls_close(*tls);
}

#define OWN_TLS_IDENTITY OWN(tls_identity_drop)
#define OWN_TLS          OWN(tls_drop)

#endif
