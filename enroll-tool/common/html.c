#include "common/html.h"

#include <string.h>

#include "base/text.h"
#include "record/cred.h"

void html_put(struct buffer *out, const char *html)
{
	buffer_copy(out, html, strlen(html));
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

static const char *entity_of(char c)
{
	switch (c) {
	case '&':
		return "&amp;";
	case '<':
		return "&lt;";
	case '>':
		return "&gt;";
	case '"':
		return "&quot;";
	case '\'':
		return "&#39;";
	default:
		return NULL;
	}
}

void html_name(struct buffer *out, const char *name)
{
	char printable[CRED_USER_MAX + 1];

	if (!text_is_clean(text_of(name))) {
		text_printable(text_of(name), printable, sizeof(printable));
		name = printable;
	}
	for (; *name; name++) {
		const char *entity = entity_of(*name);

		if (entity)
			html_put(out, entity);
		else
			buffer_copy(out, name, 1);
	}
}

void html_bdi(struct buffer *out, const char *name)
{
	html_put(out, "<bdi>");
	html_name(out, name);
	html_put(out, "</bdi>");
}
