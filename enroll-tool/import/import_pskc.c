/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * totpctl import pskc FILE|-: PSKC containers (RFC 6030) with plain keys, as makers of hardware
 * tokens deliver them. A document with a document type is not accepted, so there are no entities
 * and nothing is fetched. Memory of libxml2 is wiped when it is freed.
 */
#include "import/import.h"

#include <libxml/parser.h>
#include <libxml/tree.h>
#include <limits.h>
#include <malloc.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "import/pskc.h"

#define PSKC_FILE_MAX   (16u << 20) /* in memory it takes thirty times as much */
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

/* --- the document --- */

#define OWN_DOC OWN(doc_end)

static void doc_end(xmlDoc **doc)
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

static bool is_element(const xmlNode *node, const char *name)
{
	return node->type == XML_ELEMENT_NODE && strcmp((const char *)node->name, name) == 0;
}

static const xmlNode *child(const xmlNode *node, const char *name)
{
	for (const xmlNode *at = node ? node->children : NULL; at; at = at->next)
		if (is_element(at, name))
			return at;
	return NULL;
}

/* The text of an element, which libxml2 joins into one piece. */
static struct text content(const xmlNode *node)
{
	const xmlNode *text = node ? node->children : NULL;

	if (!text || text->type != XML_TEXT_NODE || text->next || !text->content)
		return (struct text){"", 0};
	return text_of((const char *)text->content);
}

static struct text attribute(const xmlNode *node, const char *name)
{
	for (const xmlAttr *at = node ? node->properties : NULL; at; at = at->next)
		if (strcmp((const char *)at->name, name) == 0 && at->children &&
		    at->children->content)
			return text_of((const char *)at->children->content);
	return (struct text){"", 0};
}

/* --- a key --- */

static struct text plain(const xmlNode *data, const char *name)
{
	return content(child(child(data, name), "PlainValue"));
}

/* Common to all keys of a package, and looked up once, since there may be many of both. */
struct device {
	struct text serial, user;
	bool dated;
};

static struct pskc_texts texts_of(const struct device *device, const xmlNode *key)
{
	const xmlNode *parameters = child(key, "AlgorithmParameters"), *data = child(key, "Data");
	const xmlNode *response = child(parameters, "ResponseFormat"), *user = child(key, "UserId");

	return (struct pskc_texts){
		.algorithm = attribute(key, "Algorithm"),
		.suite = content(child(parameters, "Suite")),
		.length = attribute(response, "Length"),
		.encoding = attribute(response, "Encoding"),
		.check = attribute(response, "CheckDigits"),
		.secret = plain(data, "Secret"),
		.counter = plain(data, "Counter"),
		.time = plain(data, "Time"),
		.interval = plain(data, "TimeInterval"),
		.drift = plain(data, "TimeDrift"),
		.serial = device->serial,
		.user = user ? content(user) : device->user,
	};
}

/* --- the user of a token --- */

/* A line of --users. */
struct owner {
	struct text serial, user;
	uint32_t line;
	bool used;
};

struct pskc_import {
	struct import import; /* first: the reader gets a pointer to it */
	struct place place;   /* of --users */
	struct owner *owners;
	size_t count;
};

static enum totp_err read_owners(struct pskc_import *pskc, struct reason *why)
{
	struct import *import = &pskc->import;
	struct import_text file = {0};
	struct text rest, line;
	enum totp_err err = import_file(import, import_pskc_users, IMPORT_FILE_MAX, &file, why);

	if (err != TOTP_OK)
		return err;
	pskc->place = file.place;
	pskc->owners = calloc(file.len / 2 + 1, sizeof(*pskc->owners));
	if (!pskc->owners)
		return TOTP_ERR_NOMEM;
	rest = (struct text){file.at, file.len};
	while (text_line(&rest, &line)) {
		struct owner *owner = &pskc->owners[pskc->count];

		pskc->place.line++;
		line = text_trim(line);
		if (line.len == 0 || line.at[0] == '#')
			continue;
		*owner = (struct owner){.line = pskc->place.line};
		text_field(&line, ',', &owner->serial);
		owner->serial = text_trim(owner->serial);
		owner->user = text_trim(line);
		if (owner->serial.len > 0 && owner->user.len > 0 && !memchr(line.at, ',', line.len))
			pskc->count++;
		else
			import_tell(import, IMPORT_BAD, &pskc->place, "expected serial,user");
	}
	return TOTP_OK;
}

/* The user of a serial number by --users; empty: none. */
static struct text owner_of(struct pskc_import *pskc, struct text serial)
{
	for (size_t i = 0; i < pskc->count; i++) {
		struct owner *owner = &pskc->owners[i];

		if (owner->serial.len != serial.len ||
		    memcmp(owner->serial.at, serial.at, serial.len) != 0)
			continue;
		owner->used = true;
		return owner->user;
	}
	return (struct text){"", 0};
}

/* --- all of it --- */

static enum totp_err read_key(struct import *import, const struct place *place,
			      const struct device *device, const xmlNode *key, struct reason *why)
{
	const struct pskc_texts texts = texts_of(device, key);
	const xmlNode *policy = child(key, "Policy");
	OWN_IMPORTED struct imported token;
	struct reason fault = {""};
	struct text user = owner_of((struct pskc_import *)import, text_trim(texts.serial));

	if (child(child(child(key, "Data"), "Secret"), "EncryptedValue"))
		reason_set(&fault, "the secret is encrypted");
	else if (pskc_decode(&texts, &token, &fault) == TOTP_OK && user.len > 0 &&
		 text_copy(user, token.user, sizeof(token.user)) != TOTP_OK)
		token.user[0] = '\0';
	if (!fault.text[0] && user.len == 0 && token.user[0] == '\0')
		reason_set(&fault, "no user: --users FILE names the users of serial numbers");
	if (fault.text[0]) {
		import_tell(import, IMPORT_BAD, place, "%s", fault.text);
		return TOTP_OK;
	}
	if (child(policy, "PINPolicy"))
		import_tell(import, IMPORT_LOST, place, "the PIN that the token's policy asks for");
	if (child(policy, "StartDate") || child(policy, "ExpiryDate") || device->dated)
		import_tell(import, IMPORT_WARNING, place,
			    "the dates from which and to which the token may be used are not "
			    "carried over");
	return import_token(import, place, &token, why);
}

static enum totp_err read_package(struct import *import, const struct place *file,
				  const xmlNode *package, struct reason *why)
{
	const xmlNode *info = child(package, "DeviceInfo");
	const struct device device = {.serial = content(child(info, "SerialNo")),
				      .user = content(child(info, "UserId")),
				      .dated = child(info, "StartDate") ||
					       child(info, "ExpiryDate")};
	enum totp_err err = TOTP_OK;

	for (const xmlNode *key = package->children; key && err == TOTP_OK; key = key->next) {
		struct place place = {file->file, (uint32_t)xmlGetLineNo(key)};

		if (is_element(key, "Key"))
			err = read_key(import, &place, &device, key, why);
	}
	return err;
}

static enum totp_err read_container(struct import *import, const struct place *place,
				    const xmlDoc *doc, struct reason *why)
{
	const xmlNode *root = xmlDocGetRootElement(doc);
	enum totp_err err = TOTP_OK;

	if (!root || !is_element(root, "KeyContainer"))
		return reason_err(why, TOTP_ERR_FORMAT, "%.200s: not a PSKC container",
				  place->file);
	for (const xmlNode *at = root->children; at && err == TOTP_OK; at = at->next)
		if (is_element(at, "KeyPackage"))
			err = read_package(import, place, at, why);
	return err;
}

static enum totp_err read_pskc(struct import *import, struct reason *why)
{
	struct pskc_import *pskc = (struct pskc_import *)import;
	struct import_text file = {0};
	const struct sigaction action = {.sa_handler = stop_parsing};
	OWN_DOC xmlDoc *doc = NULL;
	enum totp_err err = import_pskc_users ? read_owners(pskc, why) : TOTP_OK;

	if (err == TOTP_OK)
		err = import_file(import, import->ctl->words[0], PSKC_FILE_MAX, &file, why);
	if (err != TOTP_OK)
		return err;
	snprintf(too_slow, sizeof(too_slow),
		 "%s: nothing is imported: %.200s: takes too long to be read as XML\n",
		 import->ctl->tool.name, file.place.file);
	if (sigaction(SIGALRM, &action, NULL) == 0)
		alarm(PARSE_S + PARSE_S_PER_MIB * (unsigned)(file.len >> 20));
	doc = parse((struct text){file.at, file.len});
	alarm(0);
	if (!doc)
		return reason_err(why, TOTP_ERR_FORMAT, "%.200s: not XML, or with a document type",
				  file.place.file);
	err = read_container(import, &file.place, doc, why);
	for (size_t i = 0; i < pskc->count && err == TOTP_OK; i++) {
		pskc->place.line = pskc->owners[i].line;
		if (!pskc->owners[i].used)
			import_tell(import, IMPORT_BAD, &pskc->place,
				    "there is no token with that serial number");
	}
	return err;
}

int import_pskc(struct ctl *ctl)
{
	struct pskc_import pskc = {.import = {.gather = true}};
	int code;

	xmlMemSetup(wipe_free, malloc, wipe_realloc, strdup);
	code = import_run(ctl, &pskc.import, read_pskc);
	free(pskc.owners);
	xmlCleanupParser();
	return code;
}
