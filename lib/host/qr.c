/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Pictures of a secret. libqrencode is loaded by name when a picture is shown, so that a program
 * that uses the module does not load it. The modules of the picture that libqrencode returns are
 * wiped; what it keeps in memory of its own cannot be wiped.
 */
#include "host/qr.h"

#include <errno.h>
#include <qrencode.h>
#include <string.h>

#include "base/bytes.h"
#include "host/library.h"

#define LIBRARY "libqrencode.so.4"

/* Colours by number in the 256-colour cube, which themes leave alone: 16 black, 231 white. */
#define ANSI_ON_LIGHT "\033[38;5;16;48;5;231m"
#define ANSI_ON_DARK  "\033[38;5;231;48;5;16m"
#define ANSI_RESET    "\033[0m"

#define HALF_UPPER "\xe2\x96\x80" /* U+2580 */
#define HALF_LOWER "\xe2\x96\x84" /* U+2584 */
#define FULL_BLOCK "\xe2\x96\x88" /* U+2588 */

struct qrencode {
	void *library;
	QRcode *(*encode)(const char *text, int version, QRecLevel level);
	void (*free)(QRcode *code);
};

static enum totp_err qrencode_open(struct qrencode *ret_lib, struct reason *why)
{
	ret_lib->library = dlopen(LIBRARY, RTLD_NOW | RTLD_LOCAL);
	if (ret_lib->library &&
	    library_find(ret_lib->library, "QRcode_encodeString8bit", &ret_lib->encode,
			 sizeof(ret_lib->encode)) &&
	    library_find(ret_lib->library, "QRcode_free", &ret_lib->free, sizeof(ret_lib->free)))
		return TOTP_OK;

	if (ret_lib->library)
		dlclose(ret_lib->library);
	return reason_err(why, TOTP_ERR_UNSUPPORTED,
			  "no QR code can be drawn: %s is not installed (Debian: libqrencode4)",
			  LIBRARY);
}

void qr_wipe(struct qr *qr)
{
	explicit_bzero(qr, sizeof(*qr));
}

/* Copy the modules: the lowest bit of each byte says whether it is dark. */
static enum totp_err take_modules(const QRcode *code, struct qr *ret_qr)
{
	size_t count = (size_t)code->width * (size_t)code->width;

	if (code->width < 1 || code->width > QR_SIDE_MAX)
		return TOTP_ERR_RANGE;

	for (size_t i = 0; i < count; i++)
		ret_qr->dark[i] = code->data[i] & 1;
	ret_qr->side = (unsigned)code->width;
	explicit_bzero(code->data, count);
	return TOTP_OK;
}

enum totp_err qr_encode(const char *text, struct qr *ret_qr, struct reason *why)
{
	struct qrencode lib = {.library = NULL};
	QRcode *code;
	enum totp_err err = qrencode_open(&lib, why);

	if (err != TOTP_OK)
		return err;

	code = lib.encode(text, 0, QR_ECLEVEL_L);
	if (code) {
		err = take_modules(code, ret_qr);
		lib.free(code);
	} else {
		err = errno == ENOMEM ? TOTP_ERR_NOMEM : TOTP_ERR_RANGE;
		reason_set(why, "no QR code can be drawn: %s",
			   err == TOTP_ERR_NOMEM ? "no memory" : "the text is empty or too long");
	}
	dlclose(lib.library);
	return err;
}

unsigned qr_columns(const struct qr *qr, enum qr_style style, unsigned quiet)
{
	unsigned side = qr->side + 2 * quiet;

	return style == QR_ASCII ? 2 * side : side;
}

unsigned qr_rows(const struct qr *qr, enum qr_style style, unsigned quiet)
{
	unsigned side = qr->side + 2 * quiet;

	return style == QR_ASCII ? side : (side + 1) / 2;
}

/* The border is light: there y or x wraps round to a number larger than any side. */
static bool is_dark_at(const struct qr *qr, unsigned quiet, unsigned row, unsigned column)
{
	unsigned y = row - quiet, x = column - quiet;

	return y < qr->side && x < qr->side && qr->dark[(size_t)y * qr->side + x];
}

static void put_text(struct buffer *out, const char *text)
{
	buffer_copy(out, text, strlen(text));
}

/*
 * The upper module is the background, the lower one a lower half block where it differs:
 * fonts leave a gap above the upper half block, and scanners fail on a light line through dark
 * modules.
 */
static void draw_ansi(const struct qr *qr, unsigned quiet, unsigned row, struct buffer *out)
{
	bool background = false;

	put_text(out, ANSI_RESET ANSI_ON_LIGHT);
	for (unsigned column = 0; column < qr->side + 2 * quiet; column++) {
		bool upper = is_dark_at(qr, quiet, 2 * row, column);
		bool lower = is_dark_at(qr, quiet, 2 * row + 1, column);

		if (upper != background)
			put_text(out, upper ? ANSI_ON_DARK : ANSI_ON_LIGHT);
		background = upper;
		put_text(out, upper == lower ? " " : HALF_LOWER);
	}
	put_text(out, ANSI_RESET);
}

/* Blocks are drawn for light modules, or, with invert, for dark ones. */
static void draw_blocks(const struct qr *qr, const struct qr_drawing *drawing, unsigned row,
			struct buffer *out)
{
	static const char *const blocks[2][2] = {{" ", HALF_LOWER}, {HALF_UPPER, FULL_BLOCK}};
	unsigned quiet = drawing->quiet;

	for (unsigned column = 0; column < qr->side + 2 * quiet; column++) {
		bool upper = is_dark_at(qr, quiet, 2 * row, column) == drawing->invert;
		bool lower = is_dark_at(qr, quiet, 2 * row + 1, column) == drawing->invert;

		put_text(out, blocks[upper][lower]);
	}
}

void qr_row(const struct qr *qr, const struct qr_drawing *drawing, unsigned row,
	    char ret_row[QR_ROW_MAX])
{
	struct buffer out = buffer_of(ret_row, QR_ROW_MAX - 1);
	unsigned quiet = drawing->quiet;

	switch (drawing->style) {
	case QR_ANSI:
		draw_ansi(qr, quiet, row, &out);
		break;
	case QR_UTF8:
		draw_blocks(qr, drawing, row, &out);
		break;
	case QR_ASCII:
		for (unsigned column = 0; column < qr->side + 2 * quiet; column++)
			put_text(&out, is_dark_at(qr, quiet, row, column) == drawing->invert
					       ? "##"
					       : "  ");
		break;
	}
	ret_row[out.len] = '\0';
}
