/* SPDX-License-Identifier: BSD-2-Clause */
#include "import/xml.h"

#include <libxml/parser.h>
#include <libxml/tree.h>
#include <limits.h>
#include <malloc.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define PARSE_S         5
#define PARSE_S_PER_MIB 3

/* --- memory that held secrets --- */

static void wipe_free(void *at)
{
	if (at)
		explicit_bzero(at, malloc_usable_size(at));
	free(at);
}

static void *wipe_realloc(void *at, size_t len)
{
	void *more = malloc(len);
	size_t had = at ? malloc_usable_size(at) : 0;

	if (!more)
		return NULL;
	if (had)
		memcpy(more, at, had < len ? had : len);
	wipe_free(at);
	return more;
}

void xml_begin(void)
{
	xmlMemSetup(wipe_free, malloc, wipe_realloc, strdup);
}

void xml_end(void)
{
	xmlCleanupParser();
}

/* --- the document --- */

void xml_free(xmlDoc **doc)
{
	if (*doc)
		xmlFreeDoc(*doc);
}

static void refuse_doctype(void *context, const xmlChar *name, const xmlChar *external,
			   const xmlChar *system)
{
	xmlParserCtxt *parser = context;

	(void)name;
	(void)external;
	(void)system;
	parser->wellFormed = 0;
	xmlStopParser(parser);
}

/*
 * libxml2 takes time that grows with the square of the number of attributes of an element. A
 * container that takes so long is not worth waiting for; nothing is stored yet.
 */
static char too_slow[512];

static void stop_parsing(int unused)
{
	(void)unused;
	(void)!write(STDERR_FILENO, too_slow, strlen(too_slow));
	_exit(TOOL_REFUSED);
}

static xmlDoc *parse(struct text text)
{
	const int options = XML_PARSE_NONET | XML_PARSE_NOERROR | XML_PARSE_NOWARNING |
			    XML_PARSE_NOCDATA | XML_PARSE_BIG_LINES;
	xmlParserCtxt *parser = xmlNewParserCtxt();
	xmlDoc *doc = NULL;

	if (!parser || text.len > INT_MAX)
		return NULL;
	parser->sax->internalSubset = refuse_doctype;
	doc = xmlCtxtReadMemory(parser, text.at, (int)text.len, NULL, NULL, options);
	xmlFreeParserCtxt(parser);
	return doc;
}

xmlDoc *xml_parse(const struct import *import, const struct import_text *file)
{
	const struct sigaction action = {.sa_handler = stop_parsing};
	xmlDoc *doc;

	snprintf(too_slow, sizeof(too_slow),
		 "%s: nothing is imported: %.200s: takes too long to be read as XML\n",
		 import->ctl->tool.name, file->place.file);
	if (sigaction(SIGALRM, &action, NULL) == 0)
		alarm(PARSE_S + PARSE_S_PER_MIB * (unsigned)(file->len >> 20));
	doc = parse((struct text){file->at, file->len});
	alarm(0);
	return doc;
}

/* --- its elements --- */

bool xml_is(const xmlNode *node, const char *name)
{
	return node->type == XML_ELEMENT_NODE && strcmp((const char *)node->name, name) == 0;
}

const xmlNode *xml_child(const xmlNode *node, const char *name)
{
	for (const xmlNode *at = node ? node->children : NULL; at; at = at->next)
		if (xml_is(at, name))
			return at;
	return NULL;
}

/* The text of an element, which libxml2 joins into one piece. */
struct text xml_content(const xmlNode *node)
{
	const xmlNode *text = node ? node->children : NULL;

	if (!text || text->type != XML_TEXT_NODE || text->next || !text->content)
		return (struct text){"", 0};
	return text_of((const char *)text->content);
}

struct text xml_attribute(const xmlNode *node, const char *name)
{
	for (const xmlAttr *at = node ? node->properties : NULL; at; at = at->next)
		if (strcmp((const char *)at->name, name) == 0 && at->children &&
		    at->children->content)
			return text_of((const char *)at->children->content);
	return (struct text){"", 0};
}

const xmlNode *xml_either(const xmlNode *node, const char *name, const char *other)
{
	const xmlNode *found = xml_child(node, name);

	return found ? found : xml_child(node, other);
}

static bool in_namespace_of(const xmlNode *node, const xmlNode *other)
{
	const xmlNs *a = node->ns, *b = other->ns;

	return a == b || (a && b && xmlStrEqual(a->href, b->href));
}

const xmlNode *xml_unknown(const xmlNode *node, const char *const names[], const xmlNode **child)
{
	for (; *child; *child = (*child)->next) {
		const xmlNode *at = *child;
		size_t i = 0;

		if (at->type != XML_ELEMENT_NODE || !in_namespace_of(at, node))
			continue;
		while (names[i] && !xml_is(at, names[i]))
			i++;
		if (names[i])
			continue;
		*child = at->next;
		return at;
	}
	return NULL;
}
