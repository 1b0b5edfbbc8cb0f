/*
 * The letter that gives a user the secret: one page of paper, as an HTML file that needs no other
 * file. A reader of it has the codes, so the caller wipes its text.
 */
#ifndef BATCH_LETTER_PAGE_H
#define BATCH_LETTER_PAGE_H

#include "otp/uri.h"
#include "common/svg.h"

#define LETTER_PAGE_MAX (SVG_MAX + 16384)

struct letter_page {
	const char *user; /* who logs in, as the name service has it */
	const struct otp_uri *uri;
	int64_t made;      /* seconds since 1970 UTC */
	const char *help;  /* what to do if something does not work, or "" */
	bool must_confirm; /* the enrollment waits for its first code */
};

/*
 * Write it. Names are whatever an account may be called: nothing in them is markup.
 * TOTP_ERR_UNSUPPORTED, TOTP_ERR_RANGE, TOTP_ERR_NOMEM: there is no picture; *why says so.
 * TOTP_ERR_FORMAT: issuer or account is none, as uri_write.
 */
MUST_CHECK enum totp_err letter_page_write(const struct letter_page *letter,
					   char ret_text[LETTER_PAGE_MAX], size_t *ret_len,
					   struct reason *why);

#endif
