/* SPDX-License-Identifier: BSD-2-Clause */
#include "store/etcd/meta.h"

#include <stdio.h>
#include <string.h>

size_t etcd_meta_encode(const struct etcd_meta *meta, char ret_text[ETCD_META_MAX])
{
	char id[2 * CRED_ID_LEN + 1];

	text_to_hex(meta->id, sizeof(meta->id), id);
	return (size_t)snprintf(ret_text, ETCD_META_MAX,
				"pam_totp store %u\nid %s\ncluster %llu\nkey %08x\nsince %lld\n"
				"epoch %u\n",
				(unsigned)meta->version, id, (unsigned long long)meta->cluster,
				(unsigned)meta->key_id, (long long)meta->since,
				(unsigned)meta->epoch);
}

/* What follows the word at the beginning of the next line, or nothing. */
static struct text value_of(struct text *rest, const char *word)
{
	struct text line = {"", 0};
	size_t len = strlen(word);

	if (!text_line(rest, &line) || line.len < len || memcmp(line.at, word, len) != 0)
		return (struct text){"", 0};
	return (struct text){line.at + len, line.len - len};
}

static bool number_of(struct text text, uint64_t max, uint64_t *ret_number)
{
	return text_number(text, 0, max, ret_number) == TOTP_OK;
}

enum totp_err etcd_meta_decode(struct text text, struct etcd_meta *ret_meta)
{
	struct etcd_meta meta = {.version = 0};
	struct text rest = text;
	uint64_t version = 0, since = 0, epoch = 0;
	uint8_t key[4];
	char again[ETCD_META_MAX];

	if (number_of(value_of(&rest, "pam_totp store "), UINT32_MAX, &version) &&
	    version > record_version_newest)
		return TOTP_ERR_UNSUPPORTED;
	meta.version = (uint8_t)version;
	if (version < RECORD_VERSION_FIRST ||
	    text_hex(value_of(&rest, "id "), meta.id, sizeof(meta.id)) != TOTP_OK ||
	    !number_of(value_of(&rest, "cluster "), UINT64_MAX, &meta.cluster) ||
	    text_hex(value_of(&rest, "key "), key, sizeof(key)) != TOTP_OK ||
	    !number_of(value_of(&rest, "since "), INT64_MAX, &since) ||
	    !number_of(value_of(&rest, "epoch "), UINT32_MAX, &epoch))
		return TOTP_ERR_FORMAT;

	for (size_t i = 0; i < sizeof(key); i++)
		meta.key_id = meta.key_id << 8 | key[i];
	meta.since = (int64_t)since;
	meta.epoch = (uint32_t)epoch;
	if (etcd_meta_encode(&meta, again) != text.len || memcmp(again, text.at, text.len) != 0)
		return TOTP_ERR_FORMAT;
	*ret_meta = meta;
	return TOTP_OK;
}
