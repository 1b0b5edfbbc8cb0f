/* SPDX-License-Identifier: BSD-2-Clause */
#include "tls.h"

#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

#include "base/io.h"
#include "base/own.h"
#include "host/verifier.h"

#define FILES 3
#define PATH  (POLICY_PATH_MAX + 16)

struct tls_identity {
	SSL_CTX *context;
	char dir[POLICY_PATH_MAX];     /* where it is from… */
	struct io_stamp stamps[FILES]; /* …and what the files were like before they were read */
};

struct tls {
	int fd;
	SSL *ssl;
	const char *name; /* of the verifier, for sentences */
};

/* Has the other end said that it does not accept our certificate? Then this says why. */
static const char *rejection(void)
{
	unsigned long error = ERR_peek_last_error();

	if (ERR_GET_LIB(error) != ERR_LIB_SSL)
		return NULL;
	switch (ERR_GET_REASON(error) - SSL_AD_REASON_OFFSET) {
	case SSL_AD_CERTIFICATE_EXPIRED:
		return "it has expired";
	case SSL_AD_CERTIFICATE_REVOKED:
		return "it was revoked";
	case SSL_AD_UNKNOWN_CA:
		return "it is of a CA that the verifier does not know";
	case SSL_AD_BAD_CERTIFICATE:
	case SSL_AD_UNSUPPORTED_CERTIFICATE:
	case SSL_AD_CERTIFICATE_UNKNOWN:
	case SSL_AD_CERTIFICATE_REQUIRED:
		return "it is not one for clients that the verifier accepts";
	default:
		return NULL;
	}
}

/* What libssl reports about the last call, and an empty queue. */
static const char *last_error(void)
{
	const char *text = ERR_reason_error_string(ERR_peek_last_error());

	ERR_clear_error();
	return text ? text : "no reason given";
}

/* --- who we are --- */

struct tls_identity *tls_forget(struct tls_identity *identity)
{
	if (identity)
		SSL_CTX_free(identity->context); /* wipes the key */
	free(identity);
	return NULL;
}

static void take_stamps(const char *dir, struct io_stamp ret_stamps[FILES])
{
	static const char *const names[FILES] = {TLS_CA, TLS_CERTIFICATE, TLS_KEY};
	char path[PATH];

	for (size_t i = 0; i < FILES; i++) {
		snprintf(path, sizeof(path), "%s/%s", dir, names[i]);
		ret_stamps[i] = io_stamp_of(path);
	}
}

static bool is_current(const struct tls_identity *identity, const char *dir)
{
	struct io_stamp stamps[FILES];

	if (!identity || strcmp(identity->dir, dir) != 0)
		return false;
	take_stamps(dir, stamps);
	for (size_t i = 0; i < FILES; i++)
		if (!io_stamp_equal(&stamps[i], &identity->stamps[i]))
			return false;
	return true;
}

static enum totp_err path_in(const char *dir, const char *name, char path[PATH], struct reason *why)
{
	struct stat st;

	snprintf(path, PATH, "%s/%s", dir, name);
	if (stat(path, &st) != 0) {
		/* not its NOT_FOUND, which would mean that the user is missing */
		(void)reason_errno(why, "%.120s", path);
		return TOTP_ERR_SYSTEM;
	}
	if (strcmp(name, TLS_KEY) == 0 && (st.st_mode & S_IRWXO) != 0)
		return reason_err(why, TOTP_ERR_UNSAFE,
				  "%.80s: every user can read the key: run chmod o= on it, and "
				  "make a new one",
				  path);
	return TOTP_OK;
}

static enum totp_err load(SSL_CTX *context, const char *dir, struct reason *why)
{
	char ca[PATH], certificate[PATH], key[PATH];
	const char *wrong = NULL;
	enum totp_err err = path_in(dir, TLS_CA, ca, why);

	if (err == TOTP_OK)
		err = path_in(dir, TLS_CERTIFICATE, certificate, why);
	if (err == TOTP_OK)
		err = path_in(dir, TLS_KEY, key, why);
	if (err != TOTP_OK)
		return err;
	if (SSL_CTX_load_verify_locations(context, ca, NULL) != 1)
		wrong = ca;
	else if (SSL_CTX_use_certificate_chain_file(context, certificate) != 1)
		wrong = certificate;
	else if (SSL_CTX_use_PrivateKey_file(context, key, SSL_FILETYPE_PEM) != 1 ||
		 SSL_CTX_check_private_key(context) != 1)
		wrong = key;
	if (!wrong)
		return TOTP_OK;
	return reason_err(why, TOTP_ERR_FORMAT, "%.100s: %.60s", wrong, last_error());
}

enum totp_err tls_identify(const char *dir, struct tls_identity **identity, struct reason *why)
{
	OWN_TLS_IDENTITY struct tls_identity *fresh = NULL;
	enum totp_err err;

	if (is_current(*identity, dir))
		return TOTP_OK;
	*identity = tls_forget(*identity);
	fresh = calloc(1, sizeof(*fresh));
	if (fresh)
		fresh->context = SSL_CTX_new(TLS_client_method());
	if (!fresh || !fresh->context)
		return reason_err(why, TOTP_ERR_NOMEM, "no memory for TLS");
	SSL_CTX_set_verify(fresh->context, SSL_VERIFY_PEER, NULL);
	SSL_CTX_set_session_cache_mode(fresh->context, SSL_SESS_CACHE_OFF);
	/* answers hold recovery codes, and libssl keeps its buffers for the next one */
	SSL_CTX_set_options(fresh->context, SSL_OP_CLEANSE_PLAINTEXT);
	if (SSL_CTX_set_min_proto_version(fresh->context, TLS1_3_VERSION) != 1)
		return reason_err(why, TOTP_ERR_CRYPTO, "libssl has no TLS 1.3");
	snprintf(fresh->dir, sizeof(fresh->dir), "%s", dir);
	take_stamps(dir, fresh->stamps);
	err = load(fresh->context, dir, why);
	if (err != TOTP_OK)
		return err;
	*identity = fresh;
	fresh = NULL;
	return TOTP_OK;
}

/* --- a connection --- */

/* After a call of libssl that did not succeed: TOTP_OK if it is to be made again. */
static enum totp_err wait_again(const struct tls *tls, int result, uint64_t deadline,
				struct reason *why)
{
	const char *rejected;
	long refused;

	switch (SSL_get_error(tls->ssl, result)) {
	case SSL_ERROR_WANT_READ:
		return verifier_wait(tls->fd, POLLIN, deadline, tls->name, why);
	case SSL_ERROR_WANT_WRITE:
		return verifier_wait(tls->fd, POLLOUT, deadline, tls->name, why);
	case SSL_ERROR_ZERO_RETURN:
		return reason_err(why, TOTP_ERR_PEER, "%.100s: closed the connection", tls->name);
	default:
		break;
	}
	rejected = rejection();
	if (rejected) {
		ERR_clear_error();
		return reason_err(why, TOTP_ERR_PEER, "%.60s rejects this host's certificate: %s",
				  tls->name, rejected);
	}
	refused = SSL_get_verify_result(tls->ssl);
	if (refused != X509_V_OK)
		return reason_err(why, TOTP_ERR_PEER, "%.80s: its certificate: %.80s", tls->name,
				  X509_verify_cert_error_string(refused));
	return reason_err(why, TOTP_ERR_PEER, "%.80s: TLS: %.80s", tls->name, last_error());
}

/* The certificate must have the name, or the address, by which the policy calls the verifier. */
static bool expect_name(SSL *ssl, const struct policy_verifier *verifier)
{
	struct policy_verifier one = *verifier; /* libssl's macro takes no constant text */

	if (verifier->is_address)
		return X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(ssl), verifier->host) == 1;
	return SSL_set1_host(ssl, one.host) == 1 && SSL_set_tlsext_host_name(ssl, one.host) == 1;
}

enum totp_err tls_connect(const struct tls_identity *identity,
			  const struct policy_verifier *verifier, uint64_t deadline,
			  struct tls **ret_tls, struct reason *why)
{
	OWN_TLS struct tls *tls = calloc(1, sizeof(*tls));
	enum totp_err err;
	int result;

	if (!tls)
		return reason_err(why, TOTP_ERR_NOMEM, "no memory for TLS");
	tls->fd = -1;
	tls->name = verifier->host;
	tls->ssl = SSL_new(identity->context);
	if (!tls->ssl || !expect_name(tls->ssl, verifier))
		return reason_err(why, TOTP_ERR_NOMEM, "no memory for TLS");
	err = verifier_connect(verifier, deadline, &tls->fd, why);
	if (err != TOTP_OK)
		return err;
	if (SSL_set_fd(tls->ssl, tls->fd) != 1)
		return reason_err(why, TOTP_ERR_NOMEM, "no memory for TLS");
	while ((result = SSL_connect(tls->ssl)) != 1) {
		err = wait_again(tls, result, deadline, why);
		if (err != TOTP_OK)
			return err;
	}
	*ret_tls = tls;
	tls = NULL;
	return TOTP_OK;
}

enum totp_err tls_send(struct tls *tls, const uint8_t *data, size_t len, uint64_t deadline,
		       struct reason *why)
{
	size_t written = 0;

	/* without SSL_MODE_ENABLE_PARTIAL_WRITE it writes all or is called again */
	while (SSL_write_ex(tls->ssl, data, len, &written) != 1) {
		enum totp_err err = wait_again(tls, 0, deadline, why);

		if (err != TOTP_OK)
			return err;
	}
	return TOTP_OK;
}

enum totp_err tls_receive(struct tls *tls, uint8_t *ret_data, size_t len, uint64_t deadline,
			  struct reason *why)
{
	for (size_t got = 0, some = 0; got < len; got += some) {
		some = 0;
		if (SSL_read_ex(tls->ssl, ret_data + got, len - got, &some) != 1) {
			enum totp_err err = wait_again(tls, 0, deadline, why);

			if (err != TOTP_OK)
				return err;
		}
	}
	return TOTP_OK;
}

struct tls *tls_close(struct tls *tls)
{
	if (tls) {
		SSL_free(tls->ssl);
		fd_close(tls->fd);
	}
	free(tls);
	return NULL;
}
