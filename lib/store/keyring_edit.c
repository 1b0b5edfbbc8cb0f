#include "store/keyring_edit.h"

#include <stdio.h>

#include "base/bytes.h"
#include "base/io.h"
#include "base/secret.h"

#define MARK "# rotating from "

void keyring_text_wipe(struct keyring_text *text)
{
	explicit_bzero(text, sizeof(*text));
}

struct text keyring_text_of(const struct keyring_text *text)
{
	return (struct text){text->text, text->len};
}

enum totp_err keyring_text_set(struct keyring_text *text, struct text from)
{
	if (from.len > sizeof(text->text))
		return TOTP_ERR_RANGE;
	keyring_text_wipe(text);
	memcpy(text->text, from.at, from.len);
	text->len = from.len;
	return TOTP_OK;
}

enum totp_err keyring_text_load(const char *path, struct keyring_text *ret_text, struct reason *why)
{
	OWN_KEYRING struct keyring keyring = {.count = 0};
	OWN_FD int fd = -1;
	enum totp_err err = keyring_open(path, &fd, why);

	keyring_text_wipe(ret_text);
	if (err != TOTP_OK)
		return err;
	err = io_read_all(fd, ret_text->text, sizeof(ret_text->text), &ret_text->len);
	if (err == TOTP_OK)
		err = keyring_parse(keyring_text_of(ret_text), path, &keyring, why);
	else
		reason_set(why, "%s: %s", path, err_name(err));
	if (err != TOTP_OK)
		keyring_text_wipe(ret_text);
	return err;
}

/* --- lines --- */

/* A line with its end, by where it begins. */
struct place {
	size_t at, len;
};

typedef bool line_fn(struct text line, uint32_t id);

static bool is_key(struct text line, uint32_t id)
{
	uint8_t raw[4] = {0};
	struct bytes in = bytes_of(raw, sizeof(raw));

	return line.len > 8 && text_hex((struct text){line.at, 8}, raw, sizeof(raw)) == TOTP_OK &&
	       bytes_u32(&in) == id;
}

static bool is_any_key(struct text line, uint32_t unused)
{
	(void)unused;
	return line.len > 0 && line.at[0] != '#';
}

static bool is_mark(struct text line, uint32_t unused)
{
	(void)unused;
	return line.len >= sizeof(MARK) - 1 && memcmp(line.at, MARK, sizeof(MARK) - 1) == 0;
}

/* The first line that is so. */
static bool find_line(const struct keyring_text *text, line_fn *is, uint32_t id,
		      struct place *ret_place)
{
	struct text rest = keyring_text_of(text), line;

	while (text_line(&rest, &line)) {
		if (!is(line, id))
			continue;
		ret_place->at = (size_t)(line.at - text->text);
		ret_place->len = text->len - rest.len - ret_place->at;
		return true;
	}
	return false;
}

static void remove_line(struct keyring_text *text, struct place place)
{
	char *at = text->text + place.at;
	size_t after = text->len - place.at - place.len;

	memmove(at, at + place.len, after);
	explicit_bzero(at + after, place.len);
	text->len -= place.len;
}

/* Insert whole lines at the beginning of one, or at the end. */
static enum totp_err insert_lines(struct keyring_text *text, size_t at, const char *lines)
{
	size_t len = strlen(lines);

	if (text->len + len > sizeof(text->text))
		return TOTP_ERR_RANGE;
	memmove(text->text + at + len, text->text + at, text->len - at);
	memcpy(text->text + at, lines, len);
	text->len += len;
	return TOTP_OK;
}

/* The last line may have been left without its end. */
static enum totp_err end_last_line(struct keyring_text *text)
{
	if (text->len == 0 || text->text[text->len - 1] == '\n')
		return TOTP_OK;
	return insert_lines(text, text->len, "\n");
}

static size_t count_keys(const struct keyring_text *text)
{
	struct text rest = keyring_text_of(text), line;
	size_t count = 0;

	while (text_line(&rest, &line))
		count += is_any_key(line, 0);
	return count;
}

enum totp_err keyring_text_add(struct keyring_text *text, const struct host_key *key)
{
	char line[KEYRING_LINE_MAX], base64[KEY_BASE64_LEN + 1], day[11];
	enum totp_err err = count_keys(text) < KEYRING_KEYS_MAX ? end_last_line(text)
								: TOTP_ERR_RANGE;

	crypto_key_to_base64(key->key, base64);
	text_to_date(key->created, day);
	snprintf(line, sizeof(line), "%08x %s %s\n", (unsigned)key->id, base64, day);
	if (err == TOTP_OK)
		err = insert_lines(text, text->len, line);
	WIPE(base64);
	WIPE(line);
	return err;
}

/* --- rotation --- */

/* "# rotating from 0123abcd to 89abcdef: …" */
static bool read_mark(const struct keyring_text *text, struct keyring_rotation *rotation)
{
	static const char between[] = " to ";
	const size_t from_at = sizeof(MARK) - 1, to_at = from_at + 8 + sizeof(between) - 1;
	uint8_t raw[8] = {0};
	struct bytes in = bytes_of(raw, sizeof(raw));
	struct place place;
	const char *at;

	if (!find_line(text, is_mark, 0, &place) || place.len < to_at + 8)
		return false;
	at = text->text + place.at;
	if (text_hex((struct text){at + from_at, 8}, raw, 4) != TOTP_OK ||
	    memcmp(at + from_at + 8, between, sizeof(between) - 1) != 0 ||
	    text_hex((struct text){at + to_at, 8}, raw + 4, 4) != TOTP_OK)
		return false;
	rotation->from = bytes_u32(&in);
	rotation->to = bytes_u32(&in);
	return rotation->from != rotation->to;
}

bool keyring_rotation_of(const struct keyring_text *text, struct keyring_rotation *ret_rotation)
{
	struct keyring_rotation rotation;
	struct place first, to;

	if (!read_mark(text, &rotation) || !find_line(text, is_key, rotation.to, &to) ||
	    !find_line(text, is_any_key, 0, &first))
		return false;
	rotation.promoted = first.at == to.at;
	*ret_rotation = rotation;
	return true;
}

/* The new key's line after the first one, and the mark before that. */
static enum totp_err add_second(struct keyring_text *text, const char *line)
{
	char mark[128];
	struct place first;
	enum totp_err err;

	if (!find_line(text, is_any_key, 0, &first))
		return TOTP_ERR_FORMAT;
	snprintf(mark, sizeof(mark), MARK "%.8s to %.8s: totpctl key rotate goes on with it\n",
		 text->text + first.at, line);
	err = insert_lines(text, first.at + first.len, line);
	return err == TOTP_OK ? insert_lines(text, first.at, mark) : err;
}

static enum totp_err add_new_key(struct keyring_text *text, int64_t now)
{
	char line[KEYRING_LINE_MAX] = "";
	struct place place;
	enum totp_err err = end_last_line(text);

	while (find_line(text, is_mark, 0, &place)) /* of a key that is not there any more */
		remove_line(text, place);
	if (err == TOTP_OK)
		err = keyring_new_line(now, line);
	if (err == TOTP_OK)
		err = add_second(text, line);
	WIPE(line);
	return err;
}

enum totp_err keyring_rotation_begin(struct keyring_text *text, int64_t now,
				     struct keyring_rotation *ret_rotation, struct reason *why)
{
	OWN_KEYRING struct keyring keyring = {.count = 0};
	enum totp_err err;

	if (count_keys(text) >= KEYRING_KEYS_MAX) {
		reason_set(why, "%d keys are there already: take away one that seals nothing",
			   KEYRING_KEYS_MAX);
		return TOTP_ERR_RANGE;
	}
	err = add_new_key(text, now);
	if (err != TOTP_OK) {
		reason_set(why, "no key can be added: %s", err_name(err));
		return err;
	}
	/* an id by chance like another's, say, must not reach the disk */
	err = keyring_parse(keyring_text_of(text), "the new keyring", &keyring, why);
	if (err == TOTP_OK && !keyring_rotation_of(text, ret_rotation))
		err = TOTP_ERR_FORMAT;
	return err;
}

enum totp_err keyring_rotation_promote(struct keyring_text *text, struct keyring_rotation *rotation)
{
	char line[KEYRING_LINE_MAX] = "";
	struct place first, to;
	enum totp_err err = end_last_line(text);

	if (err != TOTP_OK)
		return err;
	if (!find_line(text, is_key, rotation->to, &to) || to.len >= sizeof(line))
		return TOTP_ERR_FORMAT;
	memcpy(line, text->text + to.at, to.len);
	remove_line(text, to);
	if (!find_line(text, is_any_key, 0, &first))
		first.at = 0;
	err = insert_lines(text, first.at, line);
	WIPE(line);
	rotation->promoted |= err == TOTP_OK;
	return err;
}

void keyring_rotation_end(struct keyring_text *text, const struct keyring_rotation *rotation)
{
	struct place place;

	if (find_line(text, is_key, rotation->from, &place))
		remove_line(text, place);
	while (find_line(text, is_mark, 0, &place))
		remove_line(text, place);
}
