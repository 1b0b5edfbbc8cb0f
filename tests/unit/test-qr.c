/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * libqrencode makes the picture; our code draws it. So each drawing is read back here, half block
 * by half block, and must show the same modules. The end-to-end tests show that a camera can read
 * them.
 */
#include "unit.h"

#include <stdlib.h>

#include "host/qr.h"

#define QUIET_MAX 4
#define CELLS_MAX (QR_SIDE_MAX + 2 * QUIET_MAX + 1)

static struct qr qr;                     /* too large for the stack */
static bool drawn[CELLS_MAX][CELLS_MAX]; /* the modules as a reader sees them; true: dark */

static void encode(const char *text)
{
	struct reason why = {""};

	assert_ok(qr_encode(text, &qr, &why));
}

static void encode_bytes(size_t len)
{
	char *text = malloc(len + 1);

	assert_non_null(text);
	memset(text, 'a', len);
	text[len] = '\0';
	encode(text);
	free(text);
}

struct colours {
	bool ink_is_dark;
	bool background_is_dark;
};

/* Take a color sequence off the row; false if there is none. */
static bool take_colours(const char **at, struct colours *colours)
{
	static const struct {
		const char *text;
		struct colours colours;
	} known[] = {{"\033[38;5;16;48;5;231m", {true, false}},
		     {"\033[38;5;231;48;5;16m", {false, true}},
		     {"\033[0m", {false, false}}};

	for (size_t i = 0; i < COUNT(known); i++) {
		if (strncmp(*at, known[i].text, strlen(known[i].text)) != 0)
			continue;
		*colours = known[i].colours;
		*at += strlen(known[i].text);
		return true;
	}
	return false;
}

/* Take a half block or a blank off the row: which half is dark? */
static void take_block(const char **at, bool *ret_upper, bool *ret_lower)
{
	const char *glyphs[] = {" ", "▀", "▄", "█"};

	for (size_t i = 0; i < 4; i++) {
		size_t len = strlen(glyphs[i]);

		if (strncmp(*at, glyphs[i], len) != 0)
			continue;
		*ret_upper = i & 1;
		*ret_lower = i & 2;
		*at += len;
		return;
	}
	fail_msg("not a half block: %s", *at);
}

static unsigned read_blocks(const char *row, unsigned y, bool ansi, bool ink_is_dark)
{
	struct colours colours = {ink_is_dark, !ink_is_dark};
	bool upper = false, lower = false;
	unsigned x = 0;

	while (*row) {
		if (ansi && take_colours(&row, &colours))
			continue;
		take_block(&row, &upper, &lower);
		drawn[2 * y][x] = upper ? colours.ink_is_dark : colours.background_is_dark;
		drawn[2 * y + 1][x++] = lower ? colours.ink_is_dark : colours.background_is_dark;
	}
	return x;
}

static unsigned read_ascii(const char *row, unsigned y, bool ink_is_dark)
{
	size_t len = strlen(row);

	for (size_t x = 0; x < len; x += 2) {
		assert_int_equal(row[x], row[x + 1]);
		assert_true(row[x] == '#' || row[x] == ' ');
		drawn[y][x / 2] = (row[x] == '#') == ink_is_dark;
	}
	return (unsigned)len;
}

/* Draw, read back, and compare with the modules and a light border. */
static void check_drawing(enum qr_style style, unsigned quiet, bool invert)
{
	unsigned side = qr.side + 2 * quiet, columns;
	char row[QR_ROW_MAX];

	memset(drawn, 1, sizeof(drawn));
	for (unsigned y = 0; y < qr_rows(&qr, style, quiet); y++) {
		qr_row(&qr, &(struct qr_drawing){style, quiet, invert}, y, row);
		columns = style == QR_ASCII ? read_ascii(row, y, invert)
					    : read_blocks(row, y, style == QR_ANSI,
							  style == QR_ANSI || invert);
		assert_int_equal(qr_columns(&qr, style, quiet), columns);
	}
	for (unsigned y = 0; y < side; y++)
		for (unsigned x = 0; x < side; x++) {
			unsigned v = y - quiet, u = x - quiet;
			bool inside = v < qr.side && u < qr.side;

			assert_int_equal(inside && qr.dark[v * qr.side + u], drawn[y][x]);
		}
}

static void every_style_shows_the_same_modules(void **unused)
{
	encode("otpauth://totp/host:alice?secret=GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ&issuer=host");
	for (int style = QR_ANSI; style <= QR_ASCII; style++)
		for (unsigned quiet = 0; quiet <= QUIET_MAX; quiet += 2) {
			check_drawing((enum qr_style)style, quiet, false);
			check_drawing((enum qr_style)style, quiet, true);
		}
}

static void the_half_row_past_an_odd_side_is_light(void **unused)
{
	char row[QR_ROW_MAX];

	encode("x");
	assert_int_equal(1, qr.side % 2);
	qr_row(&qr, &(struct qr_drawing){QR_UTF8, 0, true}, qr_rows(&qr, QR_UTF8, 0) - 1, row);
	assert_null(strstr(row, "▄"));
	assert_null(strstr(row, "█"));
}

/* ISO 18004 table 7: bytes at level L, and the size of each version. */
static void the_lowest_version_that_fits_is_taken(void **unused)
{
	static const struct {
		size_t bytes;
		unsigned version;
	} rows[] = {{17, 1}, {18, 2}, {78, 4}, {79, 5}, {106, 5}, {107, 6}, {134, 6}, {2953, 40}};

	for (size_t i = 0; i < COUNT(rows); i++) {
		encode_bytes(rows[i].bytes);
		assert_int_equal(17 + 4 * rows[i].version, qr.side);
	}
}

static void version_five_leaves_a_row_for_the_prompt(void **unused)
{
	encode_bytes(106);
	assert_int_equal(45, qr_columns(&qr, QR_ANSI, 4));
	assert_int_equal(23, qr_rows(&qr, QR_ANSI, 4));
	assert_int_equal(90, qr_columns(&qr, QR_ASCII, 4));
	assert_int_equal(45, qr_rows(&qr, QR_ASCII, 4));
}

static void the_largest_picture_fits_its_rows(void **unused)
{
	encode_bytes(2953);
	for (int style = QR_ANSI; style <= QR_ASCII; style++)
		check_drawing((enum qr_style)style, QUIET_MAX, false);
}

/* A checkered picture: colors and block change at every module. */
static void the_picture_with_the_most_changes_fits_its_rows(void **unused)
{
	char row[QR_ROW_MAX];

	qr.side = QR_SIDE_MAX;
	for (size_t i = 0; i < sizeof(qr.dark); i++)
		qr.dark[i] = i % 2 == 0;
	check_drawing(QR_ANSI, QUIET_MAX, false);
	qr_row(&qr, &(struct qr_drawing){QR_ANSI, 8, false}, 6, row);
	assert_in_range(strlen(row), 22 * QR_SIDE_MAX, QR_ROW_MAX - 1);
}

static void a_row_resets_the_colors(void **unused)
{
	const char *end = "\033[0m";
	char row[QR_ROW_MAX];

	encode("x");
	for (unsigned y = 0; y < qr_rows(&qr, QR_ANSI, 4); y++) {
		qr_row(&qr, &(struct qr_drawing){QR_ANSI, 4, false}, y, row);
		assert_string_equal(end, row + strlen(row) - strlen(end));
	}
	qr_row(&qr, &(struct qr_drawing){QR_UTF8, 4, false}, 4, row);
	assert_null(strchr(row, '\033'));
}

static void a_text_that_cannot_be_encoded_leaves_the_picture_unchanged(void **unused)
{
	struct reason why = {""};
	char long_text[3000];

	memset(long_text, 'a', sizeof(long_text));
	long_text[sizeof(long_text) - 1] = '\0';
	qr_wipe(&qr);
	assert_refused(RANGE, qr_encode(long_text, &qr, &why));
	assert_refused(RANGE, qr_encode("", &qr, &why));
	assert_string_equal("no QR code can be drawn: the text is empty or too long", why.text);
	assert_int_equal(0, qr.side);
}

static void wiping_leaves_no_module(void **unused)
{
	encode("secret");
	qr_wipe(&qr);
	assert_wiped(qr);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_style_shows_the_same_modules),
		cmocka_unit_test(the_half_row_past_an_odd_side_is_light),
		cmocka_unit_test(the_lowest_version_that_fits_is_taken),
		cmocka_unit_test(version_five_leaves_a_row_for_the_prompt),
		cmocka_unit_test(the_largest_picture_fits_its_rows),
		cmocka_unit_test(the_picture_with_the_most_changes_fits_its_rows),
		cmocka_unit_test(a_row_resets_the_colors),
		cmocka_unit_test(a_text_that_cannot_be_encoded_leaves_the_picture_unchanged),
		cmocka_unit_test(wiping_leaves_no_module),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
