/* SPDX-License-Identifier: BSD-2-Clause */
#include "common/svg.h"

#include "common/html.h"

#define QUIET 4
#define SCALE 8 /* pixels of a module, where the page around it sets no size */

/* One row: a run of dark modules is one stroke of the path. */
static void put_row(struct buffer *out, const struct qr *qr, unsigned y)
{
	const uint8_t *dark = &qr->dark[y * qr->side];

	for (unsigned x = 0; x < qr->side; x++) {
		unsigned run = 0;

		while (x + run < qr->side && dark[x + run])
			run++;
		if (run)
			html_print(out, "M%u %uh%uv1H%uz", x + QUIET, y + QUIET, run, x + QUIET);
		x += run;
	}
	html_put(out, "\n");
}

void svg_put(struct buffer *out, const struct qr *qr)
{
	unsigned side = qr->side + 2 * QUIET;

	html_print(out,
		   "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 %u %u\" width=\"%u\" "
		   "height=\"%u\" shape-rendering=\"crispEdges\">\n"
		   "<rect width=\"100%%\" height=\"100%%\" fill=\"#fff\"/>\n"
		   "<path fill=\"#000\" d=\"",
		   side, side, side * SCALE, side * SCALE);
	for (unsigned y = 0; y < qr->side; y++)
		put_row(out, qr, y);
	html_put(out, "\"/>\n</svg>\n");
}
