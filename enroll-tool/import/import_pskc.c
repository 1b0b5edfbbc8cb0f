/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * totpctl import pskc FILE|-: PSKC containers (RFC 6030), as makers of hardware tokens deliver
 * them, with plain or encrypted keys; also those of its drafts, which have other names for many
 * elements.
 */
#include "import/owners.h"
#include "import/xml.h"

#include <libxml/tree.h>
#include <string.h>

#include "common/passphrase.h"
#include "import/pskc.h"

#define PSKC_FILE_MAX (16u << 20) /* in memory it takes thirty times as much */

struct pskc_import {
	struct import import; /* first: the reader gets a pointer to it */
	struct owners owners;
	const xmlNode *root; /* the container */
	struct pskc_keys keys;
	bool opened;     /* the keys are known */
	bool draft_seal; /* encrypted in a way that only drafts have */
};

/* --- encryption --- */

static struct pskc_cipher cipher_of(const xmlNode *node)
{
	return (struct pskc_cipher){
		.method = xml_attribute(xml_child(node, "EncryptionMethod"), "Algorithm"),
		.value = xml_content(xml_child(xml_child(node, "CipherData"), "CipherValue")),
	};
}

static struct pskc_method method_of(const xmlNode *root)
{
	const xmlNode *derived = xml_child(xml_child(root, "EncryptionKey"), "DerivedKey");
	const xmlNode *derivation = xml_child(derived, "KeyDerivationMethod");
	const xmlNode *params = xml_child(derivation, "PBKDF2-params");
	const xmlNode *mac = xml_child(root, "MACMethod");

	return (struct pskc_method){
		.derivation = xml_attribute(derivation, "Algorithm"),
		.salt = xml_content(xml_child(xml_child(params, "Salt"), "Specified")),
		.iterations = xml_content(xml_child(params, "IterationCount")),
		.key_length = xml_content(xml_child(params, "KeyLength")),
		.prf = xml_attribute(xml_child(params, "PRF"), "Algorithm"),
		.mac = mac ? xml_attribute(mac, "Algorithm")
			   : xml_content(xml_child(root, "MACAlgorithm")),
		.mac_key = cipher_of(xml_child(mac, "MACKey")),
	};
}

/* Ask for the passphrase, or the key, at the first secret that needs it. */
static enum totp_err open_container(struct pskc_import *pskc, const struct place *place,
				    struct reason *why)
{
	const struct pskc_method method = method_of(pskc->root);
	struct import *import = &pskc->import;
	OWN_SECRET struct secret phrase = {0};
	struct reason fault = {""};
	enum totp_err err;

	if (pskc->opened)
		return TOTP_OK;
	if (xml_child(xml_child(pskc->root, "EncryptionKey"), "X509Data"))
		return reason_err(why, TOTP_ERR_UNSUPPORTED,
				  "%.200s: encrypted for a certificate: ask the vendor for a "
				  "container with a passphrase or a key",
				  place->file);
	progress_clear(&import->progress);
	if (!method.derivation.len)
		fprintf(stderr, "%s: encrypted under a key: type it in hexadecimal.\n",
			place->file);
	if (passphrase_old(&import->ctl->tool, &phrase) != TOOL_DONE)
		return reason_err(why, TOTP_ERR_SYSTEM, "no passphrase or key was given for %.120s",
				  place->file);
	err = pskc_keys_of(&method, &phrase, &pskc->keys, &fault);
	pskc->opened = err == TOTP_OK;
	if (err == TOTP_ERR_SEAL)
		reason_set(why, "%.120s: another passphrase or key, or the file was changed",
			   place->file);
	else if (err != TOTP_OK)
		reason_set(why, "%.120s: %s", place->file,
			   fault.text[0] ? fault.text : err_name(err));
	return err;
}

/* --- a key --- */

/* A part of the data; drafts have <Data Name="COUNTER"> for <Data><Counter>. */
static const xmlNode *part_of(const xmlNode *key, const char *name, const char *draft_name)
{
	const xmlNode *part = xml_child(xml_child(key, "Data"), name);

	for (const xmlNode *at = part ? NULL : key->children; at; at = at->next)
		if (xml_is(at, "Data") && text_is(xml_attribute(at, "Name"), draft_name))
			return at;
	return part;
}

static struct text plain(const xmlNode *part)
{
	return xml_content(xml_either(part, "PlainValue", "Value"));
}

static struct text either_attribute(const xmlNode *node, const char *name, const char *other)
{
	struct text found = xml_attribute(node, name);

	return found.len ? found : xml_attribute(node, other);
}

/* Common to all keys of a package, and looked up once, since there may be many of both. */
struct device {
	struct text serial, user;
	bool dated;
};

struct pskc_key {
	struct place place;
	const struct device *device;
	const xmlNode *node;
};

static struct pskc_texts texts_of(const struct device *device, const xmlNode *key)
{
	const xmlNode *parameters = xml_either(key, "AlgorithmParameters", "Usage");
	const xmlNode *response = xml_child(parameters, "ResponseFormat");
	const xmlNode *secret = part_of(key, "Secret", "SECRET"), *user = xml_child(key, "UserId");

	return (struct pskc_texts){
		.algorithm = either_attribute(key, "Algorithm", "KeyAlgorithm"),
		.suite = xml_content(xml_child(parameters, "Suite")),
		.length = either_attribute(response, "Length", "length"),
		.encoding = either_attribute(response, "Encoding", "Format"),
		.check = either_attribute(response, "CheckDigits", "CheckDigit"),
		.secret = plain(secret),
		.counter = plain(part_of(key, "Counter", "COUNTER")),
		.time = plain(part_of(key, "Time", "TIME")),
		.interval = plain(part_of(key, "TimeInterval", "TIME_INTERVAL")),
		.drift = plain(part_of(key, "TimeDrift", "TIME_DRIFT")),
		.serial = device->serial,
		.user = user ? xml_content(user) : device->user,
		.sealed = cipher_of(xml_child(secret, "EncryptedValue")),
		.mac = xml_content(xml_child(secret, "ValueMAC")),
	};
}

/* Other data than the secret may be encrypted by RFC 6030, but no program is known to do it. */
static bool has_sealed_numbers(const xmlNode *key)
{
	static const char *const names[] = {"Counter", "Time", "TimeInterval", "TimeDrift"};

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (xml_child(xml_child(xml_child(key, "Data"), names[i]), "EncryptedValue"))
			return true;
	return false;
}

static enum totp_err decode_key(struct pskc_import *pskc, const struct pskc_key *key,
				struct imported *ret_token, struct reason *fault,
				struct reason *why)
{
	const struct pskc_texts texts = texts_of(key->device, key->node);
	const struct place *place = &key->place;
	bool sealed = xml_child(part_of(key->node, "Secret", "SECRET"), "EncryptedValue");
	enum totp_err err;

	*ret_token = (struct imported){.moving = 0};
	if (pskc->draft_seal || has_sealed_numbers(key->node)) {
		reason_set(fault, "encrypted in another way than AES-CBC of the secret");
		return TOTP_OK;
	}
	err = sealed ? open_container(pskc, place, why) : TOTP_OK;
	if (err != TOTP_OK)
		return err;
	err = pskc_decode(&texts, sealed ? &pskc->keys : NULL, ret_token, fault);
	if (err == TOTP_ERR_SEAL)
		return reason_err(why, err,
				  "%.120s:%u: another passphrase or key, or the file was changed: "
				  "%s",
				  place->file, (unsigned)place->line, fault->text);
	return TOTP_OK;
}

static void tell_policy(struct import *import, const struct pskc_key *key)
{
	const xmlNode *policy = xml_child(key->node, "Policy");
	const struct place *place = &key->place;

	if (xml_child(policy, "PINPolicy"))
		import_tell(import, IMPORT_LOST, place, "the PIN that the token's policy asks for");
	if (xml_either(policy, "StartDate", "ExpiryDate") ||
	    xml_either(key->node, "StartDate", "ExpiryDate") || key->device->dated)
		import_tell(import, IMPORT_WARNING, place,
			    "the dates from which and to which the token may be used are not "
			    "imported");
}

/* Report each child element that means nothing here. */
static void tell_unknown(struct import *import, enum import_note note, const struct place *file,
			 const xmlNode *node, const char *const names[])
{
	const xmlNode *child = node->children, *at;

	while ((at = xml_unknown(node, names, &child))) {
		const struct place place = {file->file, (uint32_t)xmlGetLineNo(at)};

		import_tell(import, note, &place, "an element %.64s, which is not known in %.64s",
			    (const char *)at->name, (const char *)node->name);
	}
}

static enum totp_err read_key(struct pskc_import *pskc, const struct pskc_key *key,
			      struct reason *why)
{
	static const char *const known[] = {
		"Issuer",    "AlgorithmParameters", "Usage",       "KeyProfileId", "KeyReference",
		"Data",      "FriendlyName",        "AccessRules", "UserId",       "Policy",
		"StartDate", "ExpiryDate",          "Extensions",  "Logo",         NULL};
	static const char *const known_data[] = {
		"Secret", "Counter",     "Time",     "TimeInterval",   "TimeDrift",  "PlainValue",
		"Value",  "ValueDigest", "ValueMAC", "EncryptedValue", "Extensions", NULL};
	static const char *const known_policy[] = {"StartDate", "ExpiryDate", "PINPolicy",
						   "KeyUsage", NULL};
	struct import *import = &pskc->import;
	const struct place *place = &key->place;
	struct text user = owners_find(&pskc->owners, field_xml_trim(key->device->serial));
	OWN_IMPORTED struct imported token;
	struct reason fault = {""};
	enum totp_err err = decode_key(pskc, key, &token, &fault, why);

	if (err != TOTP_OK)
		return err;
	if (!fault.text[0] && user.len)
		(void)!field_user(user, token.user, &fault);
	if (!fault.text[0] && token.user[0] == '\0')
		reason_set(&fault, "no user: --users FILE names the users of serial numbers");
	if (fault.text[0]) {
		import_tell(import, IMPORT_BAD, place, "%s", fault.text);
		return TOTP_OK;
	}
	tell_policy(import, key);
	tell_unknown(import, IMPORT_LOST, place, key->node, known);
	for (const xmlNode *at = key->node->children; at; at = at->next)
		if (xml_is(at, "Data") || xml_is(at, "Policy"))
			tell_unknown(import, IMPORT_LOST, place, at,
				     xml_is(at, "Data") ? known_data : known_policy);
	return import_token(import, place, &token, why);
}

/* --- all of it --- */

static enum totp_err read_package(struct pskc_import *pskc, const struct place *file,
				  const xmlNode *package, struct reason *why)
{
	static const char *const known[] = {"DeviceInfo", "DeviceId",   "CryptoModuleInfo",
					    "Key",        "Extensions", NULL};
	const xmlNode *info = xml_either(package, "DeviceInfo", "DeviceId");
	const struct device device = {.serial = xml_content(xml_child(info, "SerialNo")),
				      .user = xml_content(xml_child(info, "UserId")),
				      .dated = xml_either(info, "StartDate", "ExpiryDate") ||
					       xml_child(info, "Expiry")};
	enum totp_err err = TOTP_OK;

	tell_unknown(&pskc->import, IMPORT_BAD, file, package, known);
	for (const xmlNode *at = package->children; at && err == TOTP_OK; at = at->next) {
		const struct pskc_key key = {{file->file, (uint32_t)xmlGetLineNo(at)}, &device, at};

		if (xml_is(at, "Key"))
			err = read_key(pskc, &key, why);
	}
	if (!xml_child(package, "Key"))
		import_tell(&pskc->import, IMPORT_BAD,
			    &(struct place){file->file, (uint32_t)xmlGetLineNo(package)},
			    "there is no Key in it");
	return err;
}

static enum totp_err read_container(struct pskc_import *pskc, const struct place *place,
				    struct reason *why)
{
	static const char *const known[] = {
		"EncryptionKey", "MACMethod",    "KeyPackage",       "Signature",    "Extensions",
		"Device",        "MACAlgorithm", "EncryptionMethod", "DigestMethod", NULL};
	const xmlNode *root = pskc->root, *method = xml_child(root, "EncryptionMethod");
	const struct text method_name = either_attribute(method, "Algorithm", "algorithm");
	enum totp_err err = TOTP_OK;

	if (!root || !xml_is(root, "KeyContainer"))
		return reason_err(why, TOTP_ERR_FORMAT, "%.200s: not a PSKC container",
				  place->file);
	pskc->draft_seal = method_name.len && !text_is(method_name, "NONE");
	tell_unknown(&pskc->import, IMPORT_BAD, place, root, known);
	if (!xml_either(root, "KeyPackage", "Device"))
		import_tell(&pskc->import, IMPORT_BAD, place, "there is no KeyPackage in it");
	for (const xmlNode *at = root->children; at && err == TOTP_OK; at = at->next)
		if (xml_is(at, "KeyPackage") || xml_is(at, "Device"))
			err = read_package(pskc, place, at, why);
	return err;
}

static enum totp_err read_pskc(struct import *import, struct reason *why)
{
	struct pskc_import *pskc = (struct pskc_import *)import;
	struct import_text file = {0};
	OWN_XML xmlDoc *doc = NULL;
	enum totp_err err = owners_read(import, &pskc->owners, why);

	if (err == TOTP_OK)
		err = import_file(import, import->ctl->words[0], PSKC_FILE_MAX, &file, why);
	if (err != TOTP_OK)
		return err;
	doc = xml_parse(import, &file);
	if (!doc)
		return reason_err(why, TOTP_ERR_FORMAT, "%.200s: not XML, or with a document type",
				  file.place.file);
	pskc->root = xmlDocGetRootElement(doc);
	err = read_container(pskc, &file.place, why);
	if (err == TOTP_OK)
		owners_tell_unused(import, &pskc->owners);
	return err;
}

int import_pskc(struct ctl *ctl)
{
	struct pskc_import pskc = {.import = {.gather = true}};
	int code;

	xml_begin();
	code = import_run(ctl, &pskc.import, read_pskc);
	pskc_keys_wipe(&pskc.keys);
	owners_end(&pskc.owners);
	xml_end();
	return code;
}
