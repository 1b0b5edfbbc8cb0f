/* SPDX-License-Identifier: BSD-2-Clause */
/* totpctl key list: the keys of this host, and how much each has sealed. */
#include <string.h>

#include "common/json.h"
#include "keys/keys.h"

static struct {
	bool json;
} options;

static const struct option_row option_rows[] = {
	{"json", NULL, "print an array of objects, one for each key", .flag = &options.json}, {0}};

struct listing {
	struct keyring keyring;
	struct keyring_text text;
	struct keyring_rotation rotation;
	bool rotating;
	struct key_uses uses;
};

static void listing_end(struct listing *listing)
{
	keyring_wipe(&listing->keyring);
	keyring_text_wipe(&listing->text);
}

/* One word. */
static const char *state_of(const struct listing *listing, uint32_t id)
{
	if (!keyring_find(&listing->keyring, id))
		return "missing";
	if (listing->rotating && id == listing->rotation.to && !listing->rotation.promoted)
		return "coming";
	if (listing->rotating && id == listing->rotation.from && listing->rotation.promoted)
		return "going";
	return id == listing->keyring.keys[0].id ? "seals" : "opens";
}

/* --- for people --- */

/* The keys, and what they call for. */
static void print_lines(const struct listing *listing)
{
	printf("%-8s  %-10s  %-7s  %8s  %11s\n", "KEY", "MADE", "STATE", "RECORDS", "INVITATIONS");
	for (size_t i = 0; i < listing->uses.count; i++) {
		const struct key_use *use = &listing->uses.use[i];
		const struct host_key *key = keyring_find(&listing->keyring, use->id);
		char day[11] = "-";

		if (key)
			text_to_date(key->created, day);
		printf("%08x  %-10s  %-7s  %8zu  %11zu\n", (unsigned)use->id, day,
		       state_of(listing, use->id), use->records, use->invites);
	}
	if (listing->rotating)
		printf("\nA rotation is not finished: totpctl key rotate continues it.\n");
	if (listing->uses.count > listing->keyring.count)
		printf("\nRecords sealed by a missing key cannot be opened: restore the key from a "
		       "copy\nof the keyring (totpctl key restore FILE).\n");
}

/* --- for programs --- */

static int print_json(const struct tool *tool, const struct listing *listing)
{
	struct json json;

	json_begin(&json, '[');
	for (size_t i = 0; i < listing->uses.count; i++) {
		const struct key_use *use = &listing->uses.use[i];
		const struct host_key *key = keyring_find(&listing->keyring, use->id);
		char id[9], day[11];

		if (key)
			text_to_date(key->created, day);
		snprintf(id, sizeof(id), "%08x", (unsigned)use->id);
		json_open(&json, NULL, '{');
		json_text(&json, "id", id);
		json_text(&json, "made", key ? day : NULL);
		json_text(&json, "state", state_of(listing, use->id));
		json_number(&json, "records", use->records);
		json_number(&json, "invitations", use->invites);
		json_close(&json, '}');
	}
	return tool_end_json(tool, &json);
}

static int list_keys(struct ctl *ctl)
{
	OWN(listing_end) struct listing listing = {.rotating = false};
	int code = tool_open(&ctl->tool, "list keys");

	if (code == TOOL_DONE)
		code = keys_load(&ctl->tool, &listing.text, &listing.keyring);
	if (code == TOOL_DONE)
		code = key_uses_find(&ctl->tool, &listing.keyring, &listing.uses);
	if (code != TOOL_DONE)
		return code;
	listing.rotating = keyring_rotation_of(&listing.text, &listing.rotation);
	if (options.json)
		code = print_json(&ctl->tool, &listing);
	else
		print_lines(&listing);
	if (listing.uses.unknown == 0)
		return code;
	return tool_refuse(&ctl->tool, "%zu more cannot be read: %s", listing.uses.unknown,
			   listing.uses.why.text);
}

const struct command ctl_key_list = {
	.name = "key list",
	.help = "list the keys, and how much each has encrypted",
	.more = "The active key encrypts what is stored from now on; old keys only decrypt. A\n"
		"missing key has encrypted something, and is not in the keyring.\n",
	.options = option_rows,
	.run = list_keys,
};
