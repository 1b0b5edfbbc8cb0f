/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A new secret on the screen: the picture to scan and the text to type, laid out so that both and
 * the question that follows fit one window. Everything is written by write(2) from buffers that
 * are wiped, because the secret is in it.
 */
#ifndef ENROLL_SCREEN_H
#define ENROLL_SCREEN_H

#include <stdbool.h>

#include "otp/uri.h"

enum screen_qr {
	SCREEN_QR_AUTO = 0,
	SCREEN_QR_ANSI,
	SCREEN_QR_UTF8,
	SCREEN_QR_ASCII,
	SCREEN_QR_NONE
};

struct screen_wish {
	enum screen_qr qr;
	bool invert; /* QR_UTF8 and QR_ASCII: for dark text on a light window */
};

/* "auto", "ansi", "utf8", "ascii" or "none". False: another word. */
bool screen_qr_of(const char *word, enum screen_qr *ret_qr);

/*
 * Show picture and secret on standard output, leaving the cursor on an empty line for a
 * question. Where no picture can be shown, or none fits the window, *ret_note says why and
 * what would help, and the secret alone is shown; it is empty otherwise.
 *
 * TOTP_ERR_SYSTEM: not all of it could be written; errno. Others: as uri_write.
 */
MUST_CHECK enum totp_err screen_show(const struct otp_uri *uri, const struct screen_wish *wish,
				     struct reason *ret_note);

#endif
