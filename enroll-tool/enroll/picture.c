/* SPDX-License-Identifier: BSD-2-Clause */
#include "enroll/picture.h"

#include <png.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "host/qr.h"

#define QUIET 4
#define SCALE 8 /* pixels of a module in a PNG */

static int save_svg(const struct tool *tool, const struct qr *qr, const struct outfile *file)
{
	static char text[SVG_MAX]; /* large; wiped below */
	struct buffer out = buffer_of(text, sizeof(text));
	int code;

	svg_put(&out, qr);
	code = outfile_write(tool, file, text, out.len);
	explicit_bzero(text, out.len);
	return code;
}

static int save_png(const struct tool *tool, const struct qr *qr, const struct outfile *file)
{
	unsigned side = (qr->side + 2 * QUIET) * SCALE;
	png_image image = {.version = PNG_IMAGE_VERSION,
			   .width = side,
			   .height = side,
			   .format = PNG_FORMAT_GRAY};
	png_alloc_size_t size = PNG_IMAGE_PNG_SIZE_MAX(image);
	uint8_t *pixels = calloc(side, side), *bytes = calloc(1, size);
	int code;

	if (pixels && bytes) {
		memset(pixels, 255, (size_t)side * side);
		for (unsigned y = 0; y < qr->side * SCALE; y++)
			for (unsigned x = 0; x < qr->side * SCALE; x++)
				if (qr->dark[y / SCALE * qr->side + x / SCALE])
					pixels[(y + QUIET * SCALE) * side + x + QUIET * SCALE] = 0;
		code = png_image_write_to_memory(&image, bytes, &size, 0, pixels, 0, NULL)
			       ? outfile_write(tool, file, bytes, size)
			       : tool_refuse(tool, "%s: %s", file->path, image.message);
		explicit_bzero(pixels, (size_t)side * side);
		explicit_bzero(bytes, size);
	} else {
		code = tool_refuse(tool, "%s", err_name(TOTP_ERR_NOMEM));
	}
	free(pixels);
	free(bytes);
	return code;
}

enum totp_err picture_svg(const char *uri, char ret_svg[SVG_MAX], struct reason *why)
{
	static struct qr qr; /* large; wiped below */
	struct buffer out = buffer_of(ret_svg, SVG_MAX - 1);
	enum totp_err err = qr_encode(uri, &qr, why);

	if (err == TOTP_OK)
		svg_put(&out, &qr);
	ret_svg[out.len] = '\0';
	qr_wipe(&qr);
	return err;
}

int picture_save(const struct tool *tool, const struct otp_uri *uri, const struct outfile *svg,
		 const struct outfile *png)
{
	static struct qr qr; /* large; wiped below */
	char text[URI_TEXT_MAX];
	struct reason why = {""};
	int code = TOOL_DONE;
	enum totp_err err;

	if (!svg->path && !png->path)
		return TOOL_DONE;
	err = uri_write(uri, text);
	if (err == TOTP_OK)
		err = qr_encode(text, &qr, &why);
	WIPE(text);
	if (err != TOTP_OK)
		return tool_refuse(tool, "no picture: %s", why.text[0] ? why.text : err_name(err));
	if (svg->path)
		code = save_svg(tool, &qr, svg);
	if (code == TOOL_DONE && png->path)
		code = save_png(tool, &qr, png);
	qr_wipe(&qr);
	if (code == TOOL_DONE)
		code = outfile_sync(tool, svg);
	return code == TOOL_DONE ? outfile_sync(tool, png) : code;
}
