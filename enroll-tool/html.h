/* Names that anybody may have chosen, in a page of HTML. */
#ifndef HTML_H
#define HTML_H

#include "base/bytes.h"

/* Bytes that one byte of a name may become. */
#define HTML_BYTE_MAX 6

/* Put a name as text: '<' and the like as entities; what is no clean UTF-8 as printable ASCII. */
void html_name(struct buffer *out, const char *name);

/* The same amid other text, where a name that is written from right to left must not turn what
 * follows. */
void html_bdi(struct buffer *out, const char *name);

#endif
