#include "html.h"

#include <string.h>

#include "base/text.h"
#include "record/cred.h"

static void put(struct buffer *out, const char *text)
{
	buffer_copy(out, text, strlen(text));
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
			put(out, entity);
		else
			buffer_copy(out, name, 1);
	}
}

void html_bdi(struct buffer *out, const char *name)
{
	put(out, "<bdi>");
	html_name(out, name);
	put(out, "</bdi>");
}
