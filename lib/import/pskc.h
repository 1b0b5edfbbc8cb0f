/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * One key of a PSKC container (RFC 6030), the form in which hardware tokens are delivered. The
 * XML around it is the tool's; here its texts become a token.
 */
#ifndef IMPORT_PSKC_H
#define IMPORT_PSKC_H

#include "import/field.h"
#include "import/pskc_sealed.h"

/* The texts of an element, as they stand there; empty where there is none. */
struct pskc_texts {
	struct text algorithm;     /* Key/@Algorithm */
	struct text suite;         /* AlgorithmParameters/Suite */
	struct text length;        /* ResponseFormat/@Length */
	struct text encoding;      /* ResponseFormat/@Encoding */
	struct text check;         /* ResponseFormat/@CheckDigits */
	struct text secret;        /* Data/Secret/PlainValue */
	struct text counter;       /* Data/Counter/PlainValue */
	struct text time;          /* Data/Time/PlainValue */
	struct text interval;      /* Data/TimeInterval/PlainValue */
	struct text drift;         /* Data/TimeDrift/PlainValue */
	struct text serial;        /* DeviceInfo/SerialNo */
	struct text user;          /* Key/UserId, or DeviceInfo/UserId */
	struct pskc_cipher sealed; /* Data/Secret/EncryptedValue; then `secret` does not count */
	struct text mac;           /* Data/Secret/ValueMAC */
};

/*
 * Decode. keys: NULL if the secret is not encrypted. The algorithm may be spelled as in the drafts
 * of RFC 6030, and a number may be base64 of its bytes, as there. The user is the UID of a
 * distinguished name, or the whole text if it is none, and the token's label is the serial number,
 * if it can be one.
 * TOTP_ERR_FORMAT: a text that RFC 6030 does not allow; TOTP_ERR_RANGE: what it allows and we
 * do not; TOTP_ERR_UNSUPPORTED: another algorithm, suite or response than HOTP's and TOTP's.
 * TOTP_ERR_SEAL: see pskc_open. *why names the element and what was expected, never what it held;
 * *ret_token is wiped.
 */
MUST_CHECK enum totp_err pskc_decode(const struct pskc_texts *texts, const struct pskc_keys *keys,
				     struct imported *ret_token, struct reason *why);

#endif
