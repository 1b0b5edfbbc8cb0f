/* SPDX-License-Identifier: BSD-2-Clause */
#include "common/html.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/secret.h"
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

void html_fill(struct buffer *out, const char *template, html_part_fn *part, const void *context)
{
	const char *rest = template;

	for (const char *at; (at = strchr(rest, '@'));) {
		size_t len = strspn(at + 1, "ABCDEFGHIJKLMNOPQRSTUVWXYZ");
		bool is_word = len > 0 && at[1 + len] == '@';

		buffer_copy(out, rest, (size_t)(at - rest) + (is_word ? 0 : 1));
		if (is_word)
			part(out, context, (struct text){at + 1, len});
		rest = is_word ? at + len + 2 : at + 1;
	}
	html_put(out, rest);
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
