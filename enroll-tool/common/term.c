/* SPDX-License-Identifier: BSD-2-Clause */
#include "common/term.h"

#include <langinfo.h>
#include <limits.h>
#include <locale.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>
#include <wchar.h>

/* Looked at once: each look reads files of the locale, and a term_of comes with every message. */
static bool locale_is_utf8(void)
{
	static enum { UNKNOWN = 0, OTHER, UTF8 } found;
	locale_t locale;

	if (found == UNKNOWN) {
		locale = newlocale(LC_CTYPE_MASK, "", (locale_t)0);
		found = locale && strcmp(nl_langinfo_l(CODESET, locale), "UTF-8") == 0 ? UTF8
										       : OTHER;
		if (locale)
			freelocale(locale);
	}
	return found == UTF8;
}

struct term term_of(FILE *stream)
{
	const char *term = getenv("TERM"), *plain = getenv("NO_COLOR");
	struct winsize size = {0};
	struct term found = {.columns = 80, .rows = 24, .utf8 = locale_is_utf8()};

	found.is_terminal = isatty(fileno(stream)) == 1;
	found.color = found.is_terminal && term && *term && strcmp(term, "dumb") != 0 &&
		      !(plain && *plain);
	if (ioctl(fileno(stream), TIOCGWINSZ, &size) != 0 || size.ws_col == 0)
		return found;
	found.columns = size.ws_col;
	found.sized = size.ws_row != 0;
	if (found.sized)
		found.rows = size.ws_row;
	return found;
}

/* The columns of the character at `at`, and its bytes; those of no character are one each. */
static size_t width_at(const char *at, size_t *ret_len)
{
	static locale_t utf8; /* names and sentences are in UTF-8, whatever the user's locale */
	locale_t before;
	mbstate_t state = {0};
	wchar_t wide = 0;
	int width = 1;

	*ret_len = 1;
	if ((unsigned char)*at < 0x80)
		return 1;
	if (!utf8)
		utf8 = newlocale(LC_CTYPE_MASK, "C.UTF-8", (locale_t)0);
	if (!utf8)
		return ((unsigned char)*at & 0xc0) != 0x80;
	before = uselocale(utf8);
	*ret_len = mbrtowc(&wide, at, strlen(at), &state);
	if (*ret_len == 0 || *ret_len > MB_LEN_MAX)
		*ret_len = 1;
	else
		width = wcwidth(wide);
	uselocale(before);
	return width < 0 ? 1 : (size_t)width;
}

size_t term_fit(const char *text, size_t columns, size_t *ret_width)
{
	size_t used = 0, width = 0, bytes = 0;

	while (text[used]) {
		size_t more = width_at(text + used, &bytes);

		if (width + more > columns)
			break;
		width += more;
		used += bytes;
	}
	if (ret_width)
		*ret_width = width;
	return used;
}

size_t term_width(const char *text)
{
	size_t width = 0;

	(void)term_fit(text, SIZE_MAX, &width);
	return width;
}

void term_column(FILE *stream, const char *text, unsigned width)
{
	size_t taken = term_width(text);

	fprintf(stream, "%s%*s", text, taken < width ? (int)(width - taken) : 0, "");
}

size_t term_wrap(FILE *stream, const char *text, size_t column, size_t indent)
{
	struct term term = term_of(stream);
	size_t columns = term.sized ? term.columns : SIZE_MAX;

	while (*text) {
		size_t blanks = strspn(text, " "), len = strcspn(text + blanks, " \n");
		size_t width = 0, bytes = 0;

		for (size_t i = 0; i < len; i += bytes)
			width += width_at(text + blanks + i, &bytes);
		if (blanks && column > indent && column + blanks + width > columns) {
			fprintf(stream, "\n%*s", (int)indent, "");
			column = indent;
		} else {
			fprintf(stream, "%*s", (int)blanks, "");
			column += blanks;
		}
		fwrite(text + blanks, 1, len, stream);
		column += width;
		text += blanks + len;
		if (*text == '\n') {
			putc(*text++, stream);
			column = 0;
		}
	}
	return column;
}
