/* SPDX-License-Identifier: BSD-2-Clause */
#include "base/certificate.h"

#include <limits.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509.h>

#define DAY INT64_C(86400)

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
	ASN1_TIME *epoch = ASN1_TIME_set(NULL, 0);
	int64_t first = INT64_MAX;
	X509 *certificate;

	ERR_set_mark();
	while (bio && epoch && (certificate = PEM_read_bio_X509(bio, NULL, no_password, NULL))) {
		int days = 0, seconds = 0;

		if (ASN1_TIME_diff(&days, &seconds, epoch, X509_get0_notAfter(certificate)) == 1 &&
		    days * DAY + seconds < first)
			first = days * DAY + seconds;
		X509_free(certificate);
	}
	ERR_pop_to_mark();
	ASN1_TIME_free(epoch);
	BIO_free(bio);
	if (first == INT64_MAX)
		return TOTP_ERR_FORMAT;
	*ret_end = first;
	return TOTP_OK;
}
