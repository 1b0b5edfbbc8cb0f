/* SPDX-License-Identifier: BSD-2-Clause */
/* Parts of an HTML page, with names in it that strangers may have chosen. */
#ifndef COMMON_HTML_H
#define COMMON_HTML_H

#include "base/bytes.h"
#include "base/text.h"

/* One byte of a name becomes at most as many bytes. */
#define HTML_BYTE_MAX 6

/* Put text that is HTML already. */
void html_put(struct buffer *out, const char *html);

/* The same, formatted: at most 511 bytes, of which no copy is left behind. */
void html_print(struct buffer *out, const char *format, ...) PRINTF_LIKE(2);

/* Puts what stands for a word of a template. */
typedef void html_part_fn(struct buffer *out, const void *context, struct text word);

/* Put a template, with a part for each @WORD@ of it; CSS has lower-case words after an @. */
void html_fill(struct buffer *out, const char *template, html_part_fn *part, const void *context);

/* Put a name as text: '<' and the like as entities, or printable ASCII if it is not clean UTF-8. */
void html_name(struct buffer *out, const char *name);

/* The same inside other text, whose direction a name written from right to left must not change. */
void html_bdi(struct buffer *out, const char *name);

#endif
