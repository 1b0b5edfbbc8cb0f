/* SPDX-License-Identifier: BSD-2-Clause */
/* A QR code as SVG: a file, or a part of a page. The picture holds a secret. */
#ifndef COMMON_SVG_H
#define COMMON_SVG_H

#include "base/bytes.h"
#include "host/qr.h"

/* Bytes of the longest picture: every other module of the largest QR code is dark. */
#define SVG_MAX (QR_SIDE_MAX * (QR_SIDE_MAX / 2 + 1) * 19 + 512)

/* Put the picture, black on white, with the border of four modules that the standard requires. */
void svg_put(struct buffer *out, const struct qr *qr);

#endif
