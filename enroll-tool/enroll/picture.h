/* The QR code as a file: for a web page, a letter, a screen far away. */
#ifndef ENROLL_PICTURE_H
#define ENROLL_PICTURE_H

#include "otp/uri.h"
#include "common/outfile.h"

/*
 * Write the picture of a URI, with the border of four modules that the standard asks for,
 * as SVG or as PNG, to files that were made for it (either may be unwanted). Both hold the
 * secret. An exit code, after a sentence.
 */
MUST_CHECK int picture_save(const struct tool *tool, const struct otp_uri *uri,
			    const struct outfile *svg, const struct outfile *png);

#endif
