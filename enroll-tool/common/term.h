/* SPDX-License-Identifier: BSD-2-Clause */
/* The terminal: its size, whether it shows color, and how wide a text is on it. */
#ifndef COMMON_TERM_H
#define COMMON_TERM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

struct term {
	bool is_terminal;
	bool sized; /* it reports its size; if not, it is taken as 80 by 24 */
	unsigned columns, rows;
	bool utf8;  /* the user's locale has all characters */
	bool color; /* a terminal with color, and NO_COLOR is not set */
};

struct term term_of(FILE *stream);

/* Columns that a text in UTF-8 takes, whatever the locale. */
size_t term_width(const char *text);

/*
 * How many bytes of a text fit in `columns`, without a part of a character. *ret_width, which may
 * be NULL: the columns that they take.
 */
size_t term_fit(const char *text, size_t columns, size_t *ret_width);

/* Print a text, and blanks up to this width. */
void term_column(FILE *stream, const char *text, unsigned width);

/*
 * Print a text that begins in `column` of a line. A terminal would break lines inside of words:
 * they are broken before words instead, and continue after `indent` blanks. Returns the column
 * after the text.
 */
size_t term_wrap(FILE *stream, const char *text, size_t column, size_t indent);

#endif
