/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * XML through libxml2. A document with a document type is not accepted, so there are no entities
 * and nothing is fetched. Memory of libxml2 is wiped when it is freed. Names are compared without
 * their namespaces, which differ between the versions of a format.
 */
#ifndef IMPORT_XML_H
#define IMPORT_XML_H

#include "import/import.h"

/* of <libxml/tree.h> */
typedef struct _xmlDoc xmlDoc;
typedef struct _xmlNode xmlNode;

/* Before the first use of libxml2, and after the last one. */
void xml_begin(void);
void xml_end(void);

#define OWN_XML OWN(xml_free)
void xml_free(xmlDoc **doc);

/*
 * Parse a file. NULL: not XML, or with a document type. It may take some seconds for each MiB; then
 * the program ends with a sentence.
 */
xmlDoc *xml_parse(const struct import *import, const struct import_text *file);

/* Is it an element of this name? */
bool xml_is(const xmlNode *node, const char *name);

/* The first child element of that name, or of one of two; NULL: none, or node is NULL. */
const xmlNode *xml_child(const xmlNode *node, const char *name);
const xmlNode *xml_either(const xmlNode *node, const char *name, const char *other);

/* The text of an element or an attribute; empty: none, or node is NULL. */
struct text xml_content(const xmlNode *node);
struct text xml_attribute(const xmlNode *node, const char *name);

/*
 * The next child element that is in the namespace of its parent and has none of the names, of which
 * the last one is NULL; NULL: no more. *child: where to continue, at first node->children.
 */
const xmlNode *xml_unknown(const xmlNode *node, const char *const names[], const xmlNode **child);

#endif
