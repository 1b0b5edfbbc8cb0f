/* SPDX-License-Identifier: BSD-2-Clause */
/* The QR code as a file. */
#ifndef ENROLL_PICTURE_H
#define ENROLL_PICTURE_H

#include "otp/uri.h"
#include "common/outfile.h"
#include "common/svg.h"

/*
 * Write the picture of a URI, with the border of four modules that the standard requires, to the
 * files that were asked for. They hold the secret. An exit code, after a sentence.
 */
MUST_CHECK int picture_save(const struct tool *tool, const struct otp_uri *uri,
			    const struct outfile *svg, const struct outfile *png);

/* The picture of a URI as text. The caller wipes it. Errors as qr_encode; ret_svg is then "". */
MUST_CHECK enum totp_err picture_svg(const char *uri, char ret_svg[SVG_MAX], struct reason *why);

#endif
