/* SPDX-License-Identifier: BSD-2-Clause */
#include "enroll/screen.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/io.h"
#include "host/qr.h"
#include "common/term.h"

#define QUIET_FULL   4  /* modules; what the standard asks for */
#define QUIET_NARROW 2  /* what phones still read */
#define TEXT_MIN     24 /* columns that text beside a picture needs */
#define TEXT_MAX     72 /* columns that are still easy to read */
#define TEXT_BYTES   256
#define TEXT_LINES   40
#define GAP          "  "

struct drawing {
	enum qr_style style;
	unsigned quiet; /* 0: nothing is drawn */
	bool invert;
	bool dark; /* it is drawn for a dark window, which is a guess */
};

/* Lines of text of at most `width` columns. */
struct column {
	unsigned width;
	unsigned count;
	char line[TEXT_LINES][TEXT_BYTES];
};

static struct qr qr; /* wiped after use; too large for the stack */

bool screen_qr_of(const char *word, enum screen_qr *ret_qr)
{
	static const char *const names[] = {[SCREEN_QR_AUTO] = "auto",
					    [SCREEN_QR_ANSI] = "ansi",
					    [SCREEN_QR_UTF8] = "utf8",
					    [SCREEN_QR_ASCII] = "ascii",
					    [SCREEN_QR_NONE] = "none"};

	for (unsigned i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		if (strcmp(word, names[i]) != 0)
			continue;
		*ret_qr = (enum screen_qr)i;
		return true;
	}
	return false;
}

/*
 * The style to draw in, and the one to fall back to. A locale without UTF-8 says what the
 * host knows, not what the terminal can do: most can show half blocks all the same, and
 * at 24 rows nothing else fits.
 */
static void choose_styles(const struct term *term, enum screen_qr wanted,
			  enum qr_style ret_styles[2])
{
	switch (wanted) {
	case SCREEN_QR_ANSI:
		ret_styles[0] = ret_styles[1] = QR_ANSI;
		return;
	case SCREEN_QR_UTF8:
		ret_styles[0] = ret_styles[1] = QR_UTF8;
		return;
	case SCREEN_QR_ASCII:
		ret_styles[0] = ret_styles[1] = QR_ASCII;
		return;
	case SCREEN_QR_AUTO:
	case SCREEN_QR_NONE:
		break;
	}
	ret_styles[1] = term->color ? QR_ANSI : term->utf8 ? QR_UTF8 : QR_ASCII;
	ret_styles[0] = term->utf8 ? ret_styles[1] : QR_ASCII;
}

/* The first of the styles that fits, with its full border or a narrow one. */
static struct drawing choose_drawing(const struct term *term, const struct screen_wish *wish,
				     struct reason *ret_note)
{
	enum qr_style styles[2];

	choose_styles(term, wish->qr, styles);
	for (unsigned i = 0; i < 2; i++)
		for (unsigned quiet = QUIET_FULL; quiet >= QUIET_NARROW; quiet -= QUIET_NARROW)
			/* one row is left for the question below the picture */
			if (!term->sized || (qr_columns(&qr, styles[i], quiet) <= term->columns &&
					     qr_rows(&qr, styles[i], quiet) < term->rows))
				return (struct drawing){styles[i], quiet, wish->invert,
							wish->qr == SCREEN_QR_AUTO &&
								styles[i] != QR_ANSI &&
								!wish->invert};

	reason_set(ret_note,
		   "the QR code needs a window of %u columns and %u rows; this one has %u by %u. "
		   "Enlarge it and run again, or type the secret.",
		   qr_columns(&qr, styles[1], QUIET_FULL), qr_rows(&qr, styles[1], QUIET_FULL) + 1,
		   term->columns, term->rows);
	return (struct drawing){.quiet = 0};
}

/* Bytes of text that fit in `width` columns, ending before a blank if there is one. */
static size_t break_line(const char *text, unsigned width)
{
	size_t len = term_fit(text, width, NULL), blank = len;

	if (text[len] == '\0' || text[len] == ' ')
		return len;
	while (blank > 0 && text[blank] != ' ')
		blank--;
	if (blank)
		return blank;
	return len ? len : 1; /* a window that is narrower than a character */
}

/* Add text, broken into lines. An empty text is an empty line. */
static void add_text(struct column *column, const char *text)
{
	do {
		size_t len = break_line(text, column->width);

		if (column->count == TEXT_LINES)
			return;
		snprintf(column->line[column->count++], TEXT_BYTES, "%.*s", (int)len, text);
		text += len;
		text += strspn(text, " ");
	} while (*text);
}

/* Add "Issuer   debian"; a character that the terminal cannot show becomes '?'. */
static void add_shown_name(struct column *column, const struct term *term, const char *what,
			   const char *name)
{
	char line[URI_ACCOUNT_MAX + 16];
	size_t len = (size_t)snprintf(line, sizeof(line), "%-9s", what);

	if (*name == '\0')
		return;
	for (; *name && len < sizeof(line) - 1; name++)
		if (term->utf8 || (unsigned char)*name < 0x80)
			line[len++] = *name;
		else if ((unsigned char)*name >= 0xc0)
			line[len++] = '?';
	line[len] = '\0';
	add_text(column, line);
}

/* Add the secret in groups of four, four groups a line. */
static void add_secret(struct column *column, const struct secret *secret)
{
	char text[BASE32_TEXT_MAX], line[32];

	base32_encode(secret, text);
	for (size_t at = 0, len = strlen(text); at < len; at += 16) {
		char *end = stpcpy(line, "   ");

		for (size_t i = at; i < at + 16 && i < len; i++) {
			if (i % 4 == 0)
				*end++ = ' ';
			*end++ = text[i];
		}
		*end = '\0';
		add_text(column, line);
	}
	WIPE(text);
	WIPE(line);
}

static void add_hints(struct column *column, const struct term *term, const struct drawing *drawing)
{
	bool narrow = drawing->quiet == QUIET_NARROW;
	bool guessed = !term->utf8 && drawing->quiet && drawing->style != QR_ASCII;

	if (!narrow && !guessed && !drawing->dark)
		return;
	add_text(column, "");
	if (narrow)
		add_text(column, "The picture has a narrow border to fit this window. If it does "
				 "not scan, enlarge the window and run again.");
	if (guessed)
		add_text(column, "If the picture looks scrambled, type the secret.");
	if (drawing->dark)
		add_text(column, "On a light window use --qr-invert.");
}

static void fill_column(struct column *column, const struct term *term,
			const struct drawing *drawing, const struct otp_uri *uri)
{
	char settings[TEXT_BYTES];

	column->count = 0;
	if (drawing->quiet) {
		add_text(column, "Scan this with the authenticator app on your phone.");
		add_text(column, "");
		add_text(column, "Cannot scan? Type this secret:");
	} else {
		add_text(column, "Open the authenticator app on your phone, choose to enter a key "
				 "by hand, and type this secret:");
	}
	add_secret(column, &uri->secret);
	add_text(column, "");
	add_shown_name(column, term, "Account", uri->account);
	add_shown_name(column, term, "Issuer", uri->issuer);
	if (uri->alg != HMAC_SHA1 || uri->digits != 6 || uri->period != 30) {
		/* to be chosen in the app when the secret is typed */
		snprintf(settings, sizeof(settings), "%s, %u digits, a new code every %u seconds",
			 crypto_alg_name(uri->alg), uri->digits, uri->period);
		add_text(column, "");
		add_text(column, settings);
	}
	add_hints(column, term, drawing);
}

static enum totp_err write_column(const struct column *column)
{
	char line[TEXT_BYTES + 1];
	enum totp_err err = TOTP_OK;

	for (unsigned i = 0; i < column->count && err == TOTP_OK; i++) {
		int len = snprintf(line, sizeof(line), "%s\n", column->line[i]);

		err = io_write(STDOUT_FILENO, line, (size_t)len);
	}
	WIPE(line);
	return err == TOTP_OK ? io_write(STDOUT_FILENO, "\n", 1) : err;
}

/* Write the picture, with the column beside it if there is one. */
static enum totp_err write_picture(const struct drawing *drawing, const struct column *column)
{
	unsigned rows = qr_rows(&qr, drawing->style, drawing->quiet);
	unsigned first = column && column->count + 2 <= rows ? 2 : 0;
	char row[QR_ROW_MAX + sizeof(GAP) + TEXT_BYTES + 1];
	const struct qr_drawing picture = {drawing->style, drawing->quiet, drawing->invert};
	enum totp_err err = TOTP_OK;

	for (unsigned y = 0; y < rows && err == TOTP_OK; y++) {
		char *end = row;

		qr_row(&qr, &picture, y, row);
		end += strlen(row);
		if (column && y >= first && y - first < column->count)
			end = stpcpy(stpcpy(end, GAP), column->line[y - first]);
		*end++ = '\n';
		err = io_write(STDOUT_FILENO, row, (size_t)(end - row));
	}
	WIPE(row);
	return err;
}

static unsigned least(unsigned a, unsigned b)
{
	return a < b ? a : b;
}

/*
 * Text beside the picture if there is room, else above it: the picture and the question
 * are then what the window shows.
 */
static enum totp_err write_all(const struct term *term, const struct drawing *drawing,
			       const struct otp_uri *uri)
{
	unsigned taken = qr_columns(&qr, drawing->style, drawing->quiet) + (unsigned)strlen(GAP);
	unsigned rows = qr_rows(&qr, drawing->style, drawing->quiet);
	struct column column = {.count = 0};
	enum totp_err err = TOTP_OK;
	bool beside = drawing->quiet && term->columns >= taken + TEXT_MIN;

	if (beside) {
		column.width = least(term->columns - taken, TEXT_MAX);
		fill_column(&column, term, drawing, uri);
		beside = column.count <= rows;
	}
	if (!beside) {
		column.width = least(term->columns > TEXT_MIN ? term->columns : TEXT_MIN, TEXT_MAX);
		fill_column(&column, term, drawing, uri);
		err = write_column(&column);
	}
	if (err == TOTP_OK && drawing->quiet)
		err = write_picture(drawing, beside ? &column : NULL);
	WIPE(column);
	return err;
}

enum totp_err screen_show(const struct otp_uri *uri, const struct screen_wish *wish,
			  struct reason *ret_note)
{
	struct term term = term_of(stdout);
	struct drawing drawing = {.quiet = 0};
	char text[URI_TEXT_MAX];
	enum totp_err err;

	ret_note->text[0] = '\0';
	if (wish->qr != SCREEN_QR_NONE && uri_write(uri, text) == TOTP_OK &&
	    qr_encode(text, &qr, ret_note) == TOTP_OK)
		drawing = choose_drawing(&term, wish, ret_note);
	WIPE(text);
	err = write_all(&term, &drawing, uri);
	qr_wipe(&qr);
	return err;
}
