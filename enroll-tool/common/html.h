/* A page of HTML, with names in it that anybody may have chosen. */
#ifndef COMMON_HTML_H
#define COMMON_HTML_H

#include "base/bytes.h"

/* Bytes that one byte of a name may become. */
#define HTML_BYTE_MAX 6

/* Put what is HTML already. */
void html_put(struct buffer *out, const char *html);

/* Begin a page that loads nothing, up to and with the start of its title. */
void html_begin(struct buffer *out, const char *title);

/* Put a name as text: '<' and the like as entities; what is no clean UTF-8 as printable ASCII. */
void html_name(struct buffer *out, const char *name);

/* The same amid other text, where a name that is written from right to left must not turn what
 * follows. */
void html_bdi(struct buffer *out, const char *name);

#endif
