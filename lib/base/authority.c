/* SPDX-License-Identifier: BSD-2-Clause */
#include "base/authority.h"

#include <limits.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/address.h"
#include "base/certificate.h"
#include "base/secret.h"

#define SERIAL_LEN 20 /* bytes, RFC 5280 section 4.1.2.2 */

struct authority {
	X509 *certificate;
	EVP_PKEY *key;
	int64_t end;
};

static void key_scope_end(EVP_PKEY **key)
{
	EVP_PKEY_free(*key); /* wipes it */
}

static void certificate_scope_end(X509 **certificate)
{
	X509_free(*certificate);
}

static void bio_scope_end(BIO **bio)
{
	BIO_free(*bio); /* a buffer in memory is wiped */
}

#define OWN_KEY         OWN(key_scope_end)
#define OWN_CERTIFICATE OWN(certificate_scope_end)
#define OWN_BIO         OWN(bio_scope_end)

struct authority *authority_free(struct authority *authority)
{
	if (authority) {
		X509_free(authority->certificate);
		EVP_PKEY_free(authority->key);
	}
	free(authority);
	return NULL;
}

void authority_scope_end(struct authority **authority)
{
	*authority = authority_free(*authority);
}

void pem_wipe(struct pem *pem)
{
	WIPE(*pem);
}

/* --- text --- */

/* The password of an encrypted text, for which OpenSSL would ask at the terminal. */
#define NO_PASSWORD \
	NULL, (char[]) \
	{ \
		"" \
	}

static BIO *reader_of(struct piece text)
{
	return text.len <= INT_MAX ? BIO_new_mem_buf(text.at, (int)text.len) : NULL;
}

static enum totp_err take_text(BIO *bio, struct pem *ret_pem)
{
	char *text = NULL;
	long len = BIO_get_mem_data(bio, &text);

	if (len <= 0)
		return TOTP_ERR_CRYPTO;
	if (len > PEM_MAX)
		return TOTP_ERR_RANGE;
	memcpy(ret_pem->text, text, (size_t)len);
	ret_pem->len = (size_t)len;
	return TOTP_OK;
}

static enum totp_err write_key(EVP_PKEY *key, struct pem *ret_pem)
{
	OWN_BIO BIO *bio = BIO_new(BIO_s_mem());

	if (!bio || PEM_write_bio_PKCS8PrivateKey(bio, key, NULL, NULL, 0, NULL, NULL) != 1)
		return TOTP_ERR_CRYPTO;
	return take_text(bio, ret_pem);
}

static enum totp_err write_certificate(X509 *certificate, struct piece rest, struct pem *ret_pem)
{
	OWN_BIO BIO *bio = BIO_new(BIO_s_mem());
	size_t written = 0;

	if (!bio || PEM_write_bio_X509(bio, certificate) != 1 ||
	    (rest.len && BIO_write_ex(bio, rest.at, rest.len, &written) != 1))
		return TOTP_ERR_CRYPTO;
	return take_text(bio, ret_pem);
}

/* --- a certificate --- */

/* Random, so that two certificates of an authority do not have the same one. */
static bool set_serial(X509 *certificate)
{
	uint8_t bytes[SERIAL_LEN];
	BIGNUM *number;
	bool ok;

	if (crypto_random(bytes, sizeof(bytes)) != TOTP_OK)
		return false;
	bytes[0] = (bytes[0] & 0x3f) | 0x40; /* positive, and never shorter */
	number = BN_bin2bn(bytes, sizeof(bytes), NULL);
	ok = number && BN_to_ASN1_INTEGER(number, X509_get_serialNumber(certificate));
	BN_free(number);
	return ok;
}

/* By a text: where a time_t of ours has 64 bits, one of libcrypto's may have 32, as on i386. */
static bool set_date(ASN1_TIME *date, int64_t when)
{
	time_t seconds = (time_t)when;
	char text[sizeof("YYYYMMDDHHMMSSZ")];
	struct tm utc;

	return gmtime_r(&seconds, &utc) &&
	       strftime(text, sizeof(text), "%Y%m%d%H%M%SZ", &utc) == sizeof(text) - 1 &&
	       ASN1_TIME_set_string_X509(date, text) == 1;
}

static bool set_dates(X509 *certificate, int64_t from, int64_t until)
{
	return set_date(X509_getm_notBefore(certificate), from) &&
	       set_date(X509_getm_notAfter(certificate), until);
}

static bool add(X509V3_CTX *context, X509 *certificate, int nid, const char *value)
{
	X509_EXTENSION *extension = X509V3_EXT_conf_nid(NULL, context, nid, value);
	bool ok = extension && X509_add_ext(certificate, extension, -1) == 1;

	X509_EXTENSION_free(extension);
	return ok;
}

static GENERAL_NAME *general_name(const char *text)
{
	struct address address;
	bool is_address = address_read(text_of(text), &address);

	return a2i_GENERAL_NAME(NULL, NULL, NULL, is_address ? GEN_IPADD : GEN_DNS, text, 0);
}

static bool add_names(X509 *certificate, const struct cert_wish *wish)
{
	GENERAL_NAMES *names = GENERAL_NAMES_new();
	bool ok = names;

	for (size_t i = 0; i < wish->name_count && ok; i++) {
		GENERAL_NAME *name = general_name(wish->names[i]);

		ok = name && sk_GENERAL_NAME_push(names, name) > 0;
		if (!ok)
			GENERAL_NAME_free(name);
	}
	ok = ok && (wish->name_count == 0 || X509_add1_ext_i2d(certificate, NID_subject_alt_name,
							       names, 0, X509V3_ADD_DEFAULT) == 1);
	GENERAL_NAMES_free(names);
	return ok;
}

/* What it may be used for. issuer: the authority's certificate, or this one. */
static bool add_extensions(X509 *certificate, X509 *issuer, unsigned uses)
{
	static const char *const extended[] = {
		[CERT_SERVER] = "serverAuth",
		[CERT_CLIENT] = "clientAuth",
		[CERT_SERVER | CERT_CLIENT] = "serverAuth,clientAuth"};
	bool is_authority = issuer == certificate;
	X509V3_CTX context;

	X509V3_set_ctx(&context, issuer, certificate, NULL, NULL, 0);
	return add(&context, certificate, NID_basic_constraints,
		   is_authority ? "critical,CA:TRUE,pathlen:0" : "critical,CA:FALSE") &&
	       add(&context, certificate, NID_key_usage,
		   is_authority ? "critical,keyCertSign,cRLSign" : "critical,digitalSignature") &&
	       (is_authority || add(&context, certificate, NID_ext_key_usage, extended[uses])) &&
	       add(&context, certificate, NID_subject_key_identifier, "hash") &&
	       (is_authority || add(&context, certificate, NID_authority_key_identifier, "keyid"));
}

/* authority: NULL makes one that signs itself. */
static enum totp_err make(const struct authority *authority, const struct cert_wish *wish,
			  struct pem *ret_key, struct pem *ret_certificate)
{
	OWN_KEY EVP_PKEY *key = EVP_EC_gen("P-256");
	OWN_CERTIFICATE X509 *certificate = X509_new();
	X509 *issuer = authority ? authority->certificate : certificate;
	X509_NAME *name = certificate ? X509_get_subject_name(certificate) : NULL;
	enum totp_err err;

	if (!key || !certificate || X509_set_version(certificate, X509_VERSION_3) != 1 ||
	    !set_serial(certificate) || !set_dates(certificate, wish->from, wish->until) ||
	    X509_NAME_add_entry_by_NID(name, NID_commonName, MBSTRING_UTF8,
				       (const unsigned char *)wish->name, -1, -1, 0) != 1 ||
	    X509_set_issuer_name(certificate, X509_get_subject_name(issuer)) != 1 ||
	    X509_set_pubkey(certificate, key) != 1 || !add_names(certificate, wish) ||
	    !add_extensions(certificate, issuer, wish->uses) ||
	    X509_sign(certificate, authority ? authority->key : key, EVP_sha256()) == 0)
		return TOTP_ERR_CRYPTO;
	err = write_key(key, ret_key);
	return err == TOTP_OK
		       ? write_certificate(certificate, (struct piece){NULL, 0}, ret_certificate)
		       : err;
}

/* --- the authority --- */

enum totp_err authority_make(const char *name, int64_t from, int64_t until, struct pem *ret_key,
			     struct pem *ret_certificate)
{
	const struct cert_wish wish = {.name = name, .from = from, .until = until};
	enum totp_err err;

	ERR_set_mark();
	err = make(NULL, &wish, ret_key, ret_certificate);
	ERR_pop_to_mark();
	return err;
}

static enum totp_err read_authority(struct piece certificate, struct piece key,
				    struct authority *authority)
{
	OWN_BIO BIO *certificate_text = reader_of(certificate);
	OWN_BIO BIO *key_text = reader_of(key);

	if (certificate_text)
		authority->certificate = PEM_read_bio_X509(certificate_text, NULL, NO_PASSWORD);
	if (key_text)
		authority->key = PEM_read_bio_PrivateKey(key_text, NULL, NO_PASSWORD);
	if (!authority->certificate || !authority->key)
		return TOTP_ERR_FORMAT;
	if (X509_check_ca(authority->certificate) != 1)
		return TOTP_ERR_UNSUPPORTED;
	return X509_check_private_key(authority->certificate, authority->key) == 1 ? TOTP_OK
										   : TOTP_ERR_SEAL;
}

enum totp_err authority_read(struct piece certificate, struct piece key,
			     struct authority **ret_authority)
{
	OWN_AUTHORITY struct authority *authority = calloc(1, sizeof(*authority));
	enum totp_err err;

	if (!authority)
		return TOTP_ERR_NOMEM;
	ERR_set_mark();
	err = read_authority(certificate, key, authority);
	if (err == TOTP_OK)
		err = certificate_end(certificate, &authority->end);
	ERR_pop_to_mark();
	if (err != TOTP_OK)
		return err;
	*ret_authority = authority;
	authority = NULL;
	return TOTP_OK;
}

int64_t authority_end(const struct authority *authority)
{
	return authority->end;
}

enum totp_err authority_issue(const struct authority *authority, const struct cert_wish *wish,
			      struct pem *ret_key, struct pem *ret_certificate)
{
	struct cert_wish within = *wish;
	enum totp_err err;

	if (within.until > authority->end)
		within.until = authority->end;
	ERR_set_mark();
	err = make(authority, &within, ret_key, ret_certificate);
	ERR_pop_to_mark();
	return err;
}

static enum totp_err renew(const struct authority *authority, struct piece old, int64_t from,
			   int64_t until, struct pem *ret_certificate)
{
	OWN_BIO BIO *text = reader_of(old);
	OWN_CERTIFICATE X509 *certificate = text ? PEM_read_bio_X509(text, NULL, NO_PASSWORD)
						 : NULL;
	bool is_authority;
	struct piece rest = {NULL, 0};
	long left;

	if (!certificate)
		return TOTP_ERR_FORMAT;
	if (X509_verify(certificate, authority->key) != 1)
		return TOTP_ERR_SEAL;
	left = BIO_pending(text);
	rest = (struct piece){(const char *)old.at + (old.len - (size_t)left), (size_t)left};
	is_authority = X509_cmp(certificate, authority->certificate) == 0;
	if (!is_authority && until > authority->end)
		until = authority->end;
	if (!set_serial(certificate) || !set_dates(certificate, from, until) ||
	    X509_sign(certificate, authority->key, EVP_sha256()) == 0)
		return TOTP_ERR_CRYPTO;
	return write_certificate(certificate, rest, ret_certificate);
}

enum totp_err authority_renew(const struct authority *authority, struct piece old, int64_t from,
			      int64_t until, struct pem *ret_certificate)
{
	enum totp_err err;

	ERR_set_mark();
	err = renew(authority, old, from, until, ret_certificate);
	ERR_pop_to_mark();
	return err;
}
