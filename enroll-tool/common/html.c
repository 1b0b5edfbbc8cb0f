#include "common/html.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/secret.h"
#include "base/text.h"
#include "record/cred.h"

void html_put(struct buffer *out, const char *html)
{
	buffer_copy(out, html, strlen(html));
}

void html_print(struct buffer *out, const char *format, ...)
{
	char piece[512];
	va_list args;
	int len;

	va_start(args, format);
	len = vsnprintf(piece, sizeof(piece), format, args);
	va_end(args);
	if (len < 0 || (size_t)len >= sizeof(piece))
		out->bad = true;
	else
		buffer_copy(out, piece, (size_t)len);
	WIPE(piece);
}

void html_begin(struct buffer *out, const char *title)
{
	html_put(out, "<!DOCTYPE html>\n"
		      "<html lang=\"en\">\n"
		      "<head>\n"
		      "<meta charset=\"utf-8\">\n"
		      "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; "
		      "style-src 'unsafe-inline'\">\n"
		      "<meta name=\"viewport\" content=\"width=device-width\">\n"
		      "<title>");
	html_put(out, title);
}

void html_name(struct buffer *out, const char *name)
{
	static const struct {
		char byte;
		const char *entity;
	} special[] = {
		{'&', "&amp;"}, {'<', "&lt;"}, {'>', "&gt;"}, {'"', "&quot;"}, {'\'', "&#39;"}};
	char printable[CRED_USER_MAX + 1];

	if (!text_is_clean(text_of(name))) {
		text_printable(text_of(name), printable, sizeof(printable));
		name = printable;
	}
	for (; *name; name++) {
		const char *entity = NULL;

		for (size_t i = 0; i < sizeof(special) / sizeof(special[0]); i++)
			if (*name == special[i].byte)
				entity = special[i].entity;
		buffer_copy(out, entity ? entity : name, entity ? strlen(entity) : 1);
	}
}

void html_bdi(struct buffer *out, const char *name)
{
	html_put(out, "<bdi>");
	html_name(out, name);
	html_put(out, "</bdi>");
}
