/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * QR codes. libqrencode makes them, and is loaded only when a picture is shown; here they are drawn
 * as text. The picture holds a secret: the caller wipes the drawing.
 */
#ifndef HOST_QR_H
#define HOST_QR_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "base/own.h"

#define QR_SIDE_MAX 177 /* modules of version 40 */

struct qr {
	unsigned side;                           /* modules a side, without a border */
	uint8_t dark[QR_SIDE_MAX * QR_SIDE_MAX]; /* row by row; 1 is dark */
};

#define OWN_QR OWN(qr_wipe)

enum qr_style {
	QR_ANSI,  /* half blocks with both colours set: right on any theme */
	QR_UTF8,  /* half blocks in the terminal's colour: right on a dark theme */
	QR_ASCII, /* two characters a module: right on a dark theme */
};

void qr_wipe(struct qr *qr);

/*
 * Encode text (bytes, error correction level L, the lowest version that fits).
 * TOTP_ERR_UNSUPPORTED: libqrencode is not installed; *why names it. TOTP_ERR_RANGE: too
 * long for a QR code. TOTP_ERR_NOMEM.
 */
MUST_CHECK enum totp_err qr_encode(const char *text, struct qr *ret_qr, struct reason *why);

/* Columns and rows of the drawing with a border of `quiet` light modules. */
unsigned qr_columns(const struct qr *qr, enum qr_style style, unsigned quiet);
unsigned qr_rows(const struct qr *qr, enum qr_style style, unsigned quiet);

/* Bytes that one row of any drawing may take, with its NUL: in colour, a module takes 19
 * for its colours and 3 for its block. `quiet` is at most 8. */
#define QR_ROW_MAX (22 * (QR_SIDE_MAX + 16) + 64)

struct qr_drawing {
	enum qr_style style;
	unsigned quiet; /* width of the light border, at most 8 modules */
	bool invert;    /* for a light theme; not for QR_ANSI */
};

/* Draw one row, without a line end. After it, the terminal has its own colours again. */
void qr_row(const struct qr *qr, const struct qr_drawing *drawing, unsigned row,
	    char ret_row[QR_ROW_MAX]);

#endif
