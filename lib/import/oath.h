/*
 * One line of users.oath, the file of pam_oath:
 * TYPE USER PASSWORD HEXKEY [COUNTER [LASTOTP [TIMESTAMP]]], with any blanks between.
 */
#ifndef IMPORT_OATH_H
#define IMPORT_OATH_H

#include "otp/hotp.h"
#include "record/cred.h"

/* A local time, without a zone: that of the host that wrote the file. */
struct oath_time {
	uint16_t year; /* 1970 or later */
	uint8_t month, day, hour, minute, second;
};

struct oath {
	char user[CRED_USER_MAX + 1];
	bool hotp;
	uint8_t digits;
	uint16_t period;       /* seconds; 0 for HOTP */
	uint64_t counter;      /* HOTP: the next one */
	bool prefixed;         /* a password of the peer's own stands before the code */
	bool used;             /* there is a code that was used last… */
	struct code last;      /* …and this is it… */
	struct oath_time when; /* …at this time; year 0: it is not said */
	struct secret secret;  /* SECRET_IMPORT_MIN bytes or more */
};

#define OWN_OATH OWN(oath_wipe)

/* Overwrite all of it with zeros. */
void oath_wipe(struct oath *oath);

/*
 * Is this line a user's? Its first word is then HOTP, or begins with "HOTP/"; all others are
 * comments.
 */
bool oath_is_row(struct text line);

/*
 * Decode a user's line, without its end. TOTP_ERR_FORMAT, TOTP_ERR_RANGE: *why says which
 * field and what was expected, never what it held; *ret_oath is wiped.
 */
MUST_CHECK enum totp_err oath_decode(struct text line, struct oath *ret_oath, struct reason *why);

#endif
