#include "keys.h"

/* --- who needs which key --- */

/* The row of a key; a missing one gets a new row. NULL: there are too many. */
static struct key_use *use_of(struct key_uses *uses, uint32_t id)
{
	for (size_t i = 0; i < uses->count; i++)
		if (uses->use[i].id == id)
			return &uses->use[i];
	if (uses->count == KEY_USES_MAX)
		return NULL;
	uses->use[uses->count] = (struct key_use){.id = id};
	return &uses->use[uses->count++];
}

static void count_use(void *context, enum store_kind kind, const char *user, enum totp_err err,
		      uint32_t key_id, const struct reason *why)
{
	struct key_uses *uses = context;
	struct key_use *use = err == TOTP_OK ? use_of(uses, key_id) : NULL;

	if (err == TOTP_ERR_FORMAT) /* nothing opens it */
		return;
	if (!use) {
		uses->unknown++;
		uses->why = *why;
		if (err == TOTP_OK)
			reason_set(&uses->why, "%.100s: too many keys are missing", user);
		return;
	}
	if (kind == STORE_RECORD)
		use->records++;
	else
		use->invites++;
}

int key_uses_find(const struct tool *tool, const struct keyring *keyring, struct key_uses *ret_uses)
{
	struct reason why = {""};

	for (size_t i = 0; i < keyring->count; i++)
		(void)use_of(ret_uses, keyring->keys[i].id);
	if (store_each_key(tool->store, count_use, ret_uses, &why) != TOTP_OK)
		return tool_refuse(tool, "%s", why.text);
	return TOOL_DONE;
}

/* --- the keyring --- */

int keys_load(const struct tool *tool, struct keyring_text *ret_text, struct keyring *ret_keyring)
{
	const char *path = tool->policy.keyring;
	struct reason why = {""};
	enum totp_err err = keyring_text_load(path, ret_text, &why);

	if (err == TOTP_OK)
		err = keyring_parse(keyring_text_of(ret_text), path, ret_keyring, &why);
	return err == TOTP_OK ? TOOL_DONE : tool_refuse(tool, "%s", why.text);
}

int keys_save(const struct tool *tool, const struct keyring_text *text)
{
	struct reason why = {""};

	if (keyring_put(tool->policy.keyring, keyring_text_of(text), &why) != TOTP_OK)
		return tool_refuse(tool, "%s", why.text);
	return TOOL_DONE;
}

void keys_log(const struct tool *tool, const char *what, uint32_t id)
{
	char detail[32];

	snprintf(detail, sizeof(detail), "key %08x", (unsigned)id);
	tool_log_detail(tool, NULL, what, NULL, detail);
}
