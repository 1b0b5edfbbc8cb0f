#include "enroll/screen.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "base/io.h"
#include "host/qr.h"
#include "common/tool.h"

#define QUIET_FULL   4  /* modules; what the standard asks for */
#define QUIET_NARROW 2  /* what phones still read */
#define TEXT_MIN     24 /* columns that text beside a picture needs */
#define TEXT_MAX     72 /* columns that are still easy to read */
#define TEXT_BYTES   256
#define TEXT_LINES   40
#define GAP          "  "

/* What standard output is. */
struct screen {
	bool terminal;
	bool sized; /* a terminal that tells its size: what does not fit is not drawn */
	unsigned columns, rows;
	bool utf8;
	bool colours;
};

struct drawing {
	enum qr_style style;
	unsigned quiet; /* 0: nothing is drawn */
	bool invert;
	bool dark; /* for a dark window, which is a guess */
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

static struct screen screen_of_stdout(void)
{
	const char *term = getenv("TERM"), *plain = getenv("NO_COLOR");
	struct winsize size = {0};
	struct screen screen = {.columns = 80, .rows = 24, .utf8 = tool_utf8()};

	screen.terminal = isatty(STDOUT_FILENO);
	screen.colours = screen.terminal && term && *term && strcmp(term, "dumb") != 0 &&
			 !(plain && *plain);
	if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) != 0 || size.ws_col == 0 || size.ws_row == 0)
		return screen;
	screen.sized = true;
	screen.columns = size.ws_col;
	screen.rows = size.ws_row;
	return screen;
}

/* One row is left for the question below the picture. */
static bool fits(const struct screen *screen, enum qr_style style, unsigned quiet)
{
	return !screen->sized || (qr_columns(&qr, style, quiet) <= screen->columns &&
				  qr_rows(&qr, style, quiet) < screen->rows);
}

/*
 * The style to draw in, and the one to fall back to. A locale without UTF-8 says what the
 * host was told, not what the terminal can do: most can show half blocks all the same, and
 * at 24 rows nothing else fits.
 */
static void choose_styles(const struct screen *screen, enum screen_qr wanted,
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
	ret_styles[1] = screen->colours ? QR_ANSI : screen->utf8 ? QR_UTF8 : QR_ASCII;
	ret_styles[0] = screen->utf8 ? ret_styles[1] : QR_ASCII;
}

/* The first of the styles that fits, with its full border or a narrow one. */
static struct drawing choose_drawing(const struct screen *screen, const struct screen_wish *wish,
				     struct reason *ret_note)
{
	enum qr_style styles[2];

	choose_styles(screen, wish->qr, styles);
	for (unsigned i = 0; i < 2; i++)
		for (unsigned quiet = QUIET_FULL; quiet >= QUIET_NARROW; quiet -= QUIET_NARROW)
			if (fits(screen, styles[i], quiet))
				return (struct drawing){styles[i], quiet, wish->invert,
							wish->qr == SCREEN_QR_AUTO &&
								styles[i] != QR_ANSI &&
								!wish->invert};

	reason_set(ret_note,
		   "the QR code needs a window of %u columns and %u rows; this one has %u by %u. "
		   "Enlarge it and run again, or type the secret.",
		   qr_columns(&qr, styles[1], QUIET_FULL), qr_rows(&qr, styles[1], QUIET_FULL) + 1,
		   screen->columns, screen->rows);
	return (struct drawing){.quiet = 0};
}

/* Columns of the character that begins here; whatever is not ASCII may be a wide one. */
static unsigned width_at(const char *at)
{
	unsigned char c = (unsigned char)*at;

	if (c < 0x80)
		return 1;
	return c >= 0xc0 ? 2 : 0;
}

/* Bytes of text that fit in `width` columns, ending before a blank if there is one. */
static size_t break_line(const char *text, unsigned width)
{
	size_t len = 0, blank = 0;

	for (unsigned used = 0; text[len]; len++) {
		used += width_at(text + len);
		if (used > width)
			return blank ? blank : len;
		if (text[len + 1] == ' ')
			blank = len + 1;
	}
	return len;
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

/* Add "Issuer   debian"; what the terminal cannot show becomes '?'. */
static void add_name(struct column *column, const struct screen *screen, const char *what,
		     const char *name)
{
	char line[URI_ACCOUNT_MAX + 16];
	size_t len = (size_t)snprintf(line, sizeof(line), "%-9s", what);

	if (*name == '\0')
		return;
	for (; *name && len < sizeof(line) - 1; name++)
		if (screen->utf8 || width_at(name) == 1)
			line[len++] = *name;
		else if (width_at(name) == 2)
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

/* What one must choose in the app when the secret is typed, and what the app may ignore. */
static void add_settings(struct column *column, const struct otp_uri *uri)
{
	char line[TEXT_BYTES];

	if (uri->alg == HMAC_SHA1 && uri->digits == 6 && uri->period == 30)
		return;
	snprintf(line, sizeof(line), "%s, %u digits, a new code every %u seconds",
		 uri_algorithm_name(uri->alg), uri->digits, uri->period);
	add_text(column, "");
	add_text(column, line);
}

static void add_hints(struct column *column, const struct screen *screen,
		      const struct drawing *drawing)
{
	bool narrow = drawing->quiet == QUIET_NARROW;
	bool guessed = !screen->utf8 && drawing->quiet && drawing->style != QR_ASCII;

	if (!narrow && !guessed && !drawing->dark)
		return;
	add_text(column, "");
	if (narrow)
		add_text(column, "The picture has a narrow border to fit this window. If it does "
				 "not scan, enlarge the window and run again.");
	if (guessed)
		add_text(column, "If the picture looks scrambled, type the secret.");
	if (drawing->dark)
		add_text(column, "On a light window it needs --qr-invert.");
}

static void fill_column(struct column *column, const struct screen *screen,
			const struct drawing *drawing, const struct otp_uri *uri)
{
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
	add_name(column, screen, "Account", uri->account);
	add_name(column, screen, "Issuer", uri->issuer);
	add_settings(column, uri);
	add_hints(column, screen, drawing);
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

/* Write the picture, with the column beside it unless that is NULL. */
static enum totp_err write_picture(const struct drawing *drawing, const struct column *column)
{
	unsigned rows = qr_rows(&qr, drawing->style, drawing->quiet);
	unsigned first = column && column->count + 2 <= rows ? 2 : 0;
	char row[QR_ROW_MAX + sizeof(GAP) + TEXT_BYTES + 1];
	enum totp_err err = TOTP_OK;

	for (unsigned y = 0; y < rows && err == TOTP_OK; y++) {
		char *end = row;

		qr_row(&qr, drawing->style, drawing->quiet, drawing->invert, y, row);
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
static enum totp_err write_all(const struct screen *screen, const struct drawing *drawing,
			       const struct otp_uri *uri)
{
	unsigned taken = qr_columns(&qr, drawing->style, drawing->quiet) + (unsigned)strlen(GAP);
	unsigned rows = qr_rows(&qr, drawing->style, drawing->quiet);
	struct column column = {.count = 0};
	enum totp_err err = TOTP_OK;
	bool beside = drawing->quiet && screen->columns >= taken + TEXT_MIN;

	if (beside) {
		column.width = least(screen->columns - taken, TEXT_MAX);
		fill_column(&column, screen, drawing, uri);
		beside = column.count <= rows;
	}
	if (!beside) {
		column.width =
			least(screen->columns > TEXT_MIN ? screen->columns : TEXT_MIN, TEXT_MAX);
		fill_column(&column, screen, drawing, uri);
		err = write_column(&column);
	}
	if (err == TOTP_OK && drawing->quiet)
		err = write_picture(drawing, beside ? &column : NULL);
	WIPE(column);
	return err;
}

/* Make the picture. Without one, *ret_note says why, and the secret can still be typed. */
static bool encode_picture(const struct otp_uri *uri, struct reason *ret_note)
{
	char text[URI_TEXT_MAX];
	bool encoded = uri_write(uri, text) == TOTP_OK && qr_encode(text, &qr, ret_note) == TOTP_OK;

	WIPE(text);
	return encoded;
}

enum totp_err screen_show(const struct otp_uri *uri, const struct screen_wish *wish,
			  struct reason *ret_note)
{
	struct screen screen = screen_of_stdout();
	struct drawing drawing = {.quiet = 0};
	enum totp_err err;

	ret_note->text[0] = '\0';
	if (wish->qr != SCREEN_QR_NONE && encode_picture(uri, ret_note))
		drawing = choose_drawing(&screen, wish, ret_note);
	err = write_all(&screen, &drawing, uri);
	qr_wipe(&qr);
	return err;
}
