/* Parts of an HTML page, with names in it that strangers may have chosen. */
#ifndef COMMON_HTML_H
#define COMMON_HTML_H

#include "base/bytes.h"

/* One byte of a name becomes at most as many bytes. */
#define HTML_BYTE_MAX 6

/* Put text that is HTML already. */
void html_put(struct buffer *out, const char *html);

/* The same, formatted: at most 511 bytes, of which no copy is left behind. */
void html_print(struct buffer *out, const char *format, ...) PRINTF_LIKE(2);

/* Begin a page that loads nothing, up to and with the start of its title. */
void html_begin(struct buffer *out, const char *title);

/* Put a name as text: '<' and the like as entities, or printable ASCII if it is not clean UTF-8. */
void html_name(struct buffer *out, const char *name);

/* The same inside other text, whose direction a name written from right to left must not change. */
void html_bdi(struct buffer *out, const char *name);

#endif
