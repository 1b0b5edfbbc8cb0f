/* SPDX-License-Identifier: BSD-2-Clause */
#include "base/certificate.h"

#include <limits.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <time.h>

/* OpenSSL would ask for the password of an encrypted text at the terminal. */
static int no_password(char *text, int size, int writing, void *context)
{
	(void)text;
	(void)size;
	(void)writing;
	(void)context;
	return -1;
}

enum totp_err certificate_end(struct piece pem, int64_t *ret_end)
{
	BIO *bio = pem.len <= INT_MAX ? BIO_new_mem_buf(pem.at, (int)pem.len) : NULL;
	int64_t first = INT64_MAX;
	X509 *certificate;

	ERR_set_mark();
	while (bio && (certificate = PEM_read_bio_X509(bio, NULL, no_password, NULL))) {
		struct tm utc;
		int64_t end = INT64_MAX;

		if (ASN1_TIME_to_tm(X509_get0_notAfter(certificate), &utc) == 1)
			end = timegm(&utc);
		if (end < first)
			first = end;
		X509_free(certificate);
	}
	ERR_pop_to_mark();
	BIO_free(bio);
	if (first == INT64_MAX)
		return TOTP_ERR_FORMAT;
	*ret_end = first;
	return TOTP_OK;
}
