/* The QR code as SVG: a file of its own, or a part of a page. The picture holds a secret. */
#ifndef COMMON_SVG_H
#define COMMON_SVG_H

#include "base/bytes.h"
#include "host/qr.h"

/* No picture is longer: every other module of the largest one is dark. */
#define SVG_MAX (QR_SIDE_MAX * (QR_SIDE_MAX / 2 + 1) * 19 + 512)

/* Put the picture, with the border of four modules that the standard asks for, black on
 * white whatever lies behind it. */
void svg_put(struct buffer *out, const struct qr *qr);

#endif
