/*
 * Pictures of a secret. libqrencode is opened by name when a picture is wanted, so that no
 * program that merely loads us loads it too. We cannot wipe what libqrencode keeps on its own
 * heap while it runs; the modules that it returns are wiped.
 */
#include "host/qr.h"

#include <dlfcn.h>
#include <errno.h>
#include <qrencode.h>
#include <string.h>

#include "base/bytes.h"
#include "base/secret.h"

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

#define OWN_QRENCODE OWN(qrencode_close)

static void qrencode_close(struct qrencode *lib)
{
	if (lib->library)
		dlclose(lib->library);
	lib->library = NULL;
}

/* Copies, because ISO C knows no cast from an object's address to a function's. */
static bool find_function(void *library, const char *name, void *ret_function, size_t size)
{
	void *address = dlsym(library, name);

	memcpy(ret_function, &address, size);
	return address != NULL;
}

static enum totp_err qrencode_open(struct qrencode *ret_lib, struct reason *why)
{
	ret_lib->library = dlopen(LIBRARY, RTLD_NOW | RTLD_LOCAL);
	if (ret_lib->library &&
	    find_function(ret_lib->library, "QRcode_encodeString8bit", &ret_lib->encode,
			  sizeof(ret_lib->encode)) &&
	    find_function(ret_lib->library, "QRcode_free", &ret_lib->free, sizeof(ret_lib->free)))
		return TOTP_OK;

	reason_set(why, "no QR code can be drawn: %s is not installed (Debian: libqrencode4)",
		   LIBRARY);
	return TOTP_ERR_UNSUPPORTED;
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
	OWN_QRENCODE struct qrencode lib = {0};
	QRcode *code;
	enum totp_err err = qrencode_open(&lib, why);

	if (err != TOTP_OK)
		return err;

	code = lib.encode(text, 0, QR_ECLEVEL_L);
	if (!code) {
		err = errno == ENOMEM ? TOTP_ERR_NOMEM : TOTP_ERR_RANGE;
		reason_set(why, "no QR code can be drawn: %s",
			   err == TOTP_ERR_NOMEM ? "no memory" : "the text is empty or too long");
		return err;
	}
	err = take_modules(code, ret_qr);
	lib.free(code);
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

/* Light all around: in the border, y or x wraps round to a number larger than any side. */
static bool is_dark(const struct qr *qr, unsigned quiet, unsigned row, unsigned column)
{
	unsigned y = row - quiet, x = column - quiet;

	return y < qr->side && x < qr->side && qr->dark[(size_t)y * qr->side + x];
}

static void put(struct buffer *out, const char *text)
{
	buffer_copy(out, text, strlen(text));
}

static const char *half_block(bool upper, bool lower)
{
	if (upper && lower)
		return FULL_BLOCK;
	if (upper)
		return HALF_UPPER;
	return lower ? HALF_LOWER : " ";
}

/*
 * The upper module is the background, the lower one a lower half block where it differs:
 * fonts leave a gap above the upper half block, and scanners fail on a light line through dark
 * modules.
 */
static void draw_ansi(const struct qr *qr, unsigned quiet, unsigned row, struct buffer *out)
{
	bool background = false;

	put(out, ANSI_RESET ANSI_ON_LIGHT);
	for (unsigned column = 0; column < qr->side + 2 * quiet; column++) {
		bool upper = is_dark(qr, quiet, 2 * row, column);
		bool lower = is_dark(qr, quiet, 2 * row + 1, column);

		if (upper != background)
			put(out, upper ? ANSI_ON_DARK : ANSI_ON_LIGHT);
		background = upper;
		put(out, upper == lower ? " " : HALF_LOWER);
	}
	put(out, ANSI_RESET);
}

/* ink: what is drawn, dark modules or light ones. */
static void draw_blocks(const struct qr *qr, unsigned quiet, bool ink, unsigned row,
			struct buffer *out)
{
	for (unsigned column = 0; column < qr->side + 2 * quiet; column++)
		put(out, half_block(is_dark(qr, quiet, 2 * row, column) == ink,
				    is_dark(qr, quiet, 2 * row + 1, column) == ink));
}

static void draw_ascii(const struct qr *qr, unsigned quiet, bool ink, unsigned row,
		       struct buffer *out)
{
	for (unsigned column = 0; column < qr->side + 2 * quiet; column++)
		put(out, is_dark(qr, quiet, row, column) == ink ? "##" : "  ");
}

void qr_row(const struct qr *qr, enum qr_style style, unsigned quiet, bool invert, unsigned row,
	    char ret_row[QR_ROW_MAX])
{
	struct buffer out = buffer_of(ret_row, QR_ROW_MAX - 1);

	switch (style) {
	case QR_ANSI:
		draw_ansi(qr, quiet, row, &out);
		break;
	case QR_UTF8:
		draw_blocks(qr, quiet, invert, row, &out);
		break;
	case QR_ASCII:
		draw_ascii(qr, quiet, invert, row, &out);
		break;
	}
	ret_row[out.len] = '\0';
}
