/* SPDX-License-Identifier: BSD-2-Clause */
#include "unit.h"

#include <stdio.h>

#include "store/keyring.h"

#define KEY   " AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8= 2026-01-31"
#define OTHER " //////////////////////////////////////////8= 2025-12-24"
#define DAY   1772323200 /* 2026-03-01 */

static void set(struct keyring_text *text, const char *string)
{
	keyring_text_wipe(text);
	text->len = strlen(string);
	assert_true(text->len <= sizeof(text->text));
	memcpy(text->text, string, text->len);
}

static struct keyring keyring_from(const struct keyring_text *text)
{
	struct keyring keyring;
	struct reason why = {""};

	if (keyring_parse(keyring_text_of(text), "it", &keyring, &why) != TOTP_OK)
		fail_msg("%s: %.*s", why.text, (int)text->len, text->text);
	return keyring;
}

static void assert_text(const char *expected, const struct keyring_text *text)
{
	char seen[KEYRING_BYTES_MAX + 1];

	memcpy(seen, text->text, text->len);
	seen[text->len] = '\0';
	assert_string_equal(expected, seen);
}

static void a_rotation_changes_only_its_keys(void **unused)
{
	struct keyring_text text;
	struct keyring_rotation rotation, seen;
	struct keyring keyring;
	char id[9], expected[512];

	set(&text, "# of web1\n\n00000001" KEY "\n# shared with web2\n00000002" OTHER "\n");
	assert_false(keyring_rotation_of(&text, &seen));
	assert_ok(keyring_rotation_begin(&text, DAY, &rotation, NULL));
	assert_int_equal(1, rotation.from);
	assert_false(rotation.promoted);
	keyring = keyring_from(&text);
	assert_int_equal(3, keyring.count);
	assert_int_equal(1, keyring.keys[0].id);
	assert_int_equal(rotation.to, keyring.keys[1].id);
	assert_int_equal(DAY, keyring.keys[1].created);
	assert_int_equal(2, keyring.keys[2].id);

	assert_true(keyring_rotation_of(&text, &seen));
	assert_int_equal(rotation.to, seen.to);
	assert_false(seen.promoted);
	assert_ok(keyring_rotation_promote(&text, &seen));
	assert_true(seen.promoted);
	keyring = keyring_from(&text);
	assert_int_equal(rotation.to, keyring.keys[0].id);
	assert_int_equal(1, keyring.keys[1].id);
	assert_true(keyring_rotation_of(&text, &seen));
	assert_true(seen.promoted);
	assert_int_equal(1, seen.from);

	keyring_rotation_end(&text, &seen);
	assert_false(keyring_rotation_of(&text, &seen));
	keyring = keyring_from(&text);
	assert_int_equal(2, keyring.count);
	snprintf(id, sizeof(id), "%08x", (unsigned)rotation.to);
	assert_memory_equal(id, text.text + strlen("# of web1\n\n"), 8);
	/* except for the new line nothing has changed */
	snprintf(expected, sizeof(expected), "# of web1\n\n%.*s\n# shared with web2\n00000002%s\n",
		 64, text.text + strlen("# of web1\n\n"), OTHER);
	assert_text(expected, &text);
}

static void a_last_line_without_a_line_end_gets_one(void **unused)
{
	struct keyring_text text, added;
	struct keyring_rotation rotation;
	struct host_key key = {.id = 7, .created = DAY};

	set(&text, "00000001" KEY);
	set(&added, "00000001" KEY);
	assert_ok(keyring_rotation_begin(&text, DAY, &rotation, NULL));
	assert_int_equal(2, keyring_from(&text).count);
	assert_ok(keyring_text_add(&added, &key));
	assert_text("00000001" KEY "\n"
		    "00000007 AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA= 2026-03-01\n",
		    &added);
}

static void promoting_twice_or_ending_twice_changes_nothing_more(void **unused)
{
	struct keyring_text text, once;
	struct keyring_rotation rotation;

	set(&text, "00000001" KEY "\n00000002" OTHER "\n");
	assert_ok(keyring_rotation_begin(&text, DAY, &rotation, NULL));
	assert_ok(keyring_rotation_promote(&text, &rotation));
	once = text;
	assert_ok(keyring_rotation_promote(&text, &rotation));
	assert_int_equal(once.len, text.len);
	assert_memory_equal(once.text, text.text, text.len);
	keyring_rotation_end(&text, &rotation);
	once = text;
	keyring_rotation_end(&text, &rotation);
	assert_int_equal(once.len, text.len);
}

static void a_mark_that_does_not_match_is_ignored(void **unused)
{
	static const char *const marks[] = {
		"# rotating from 00000001 to 00000003: x\n", /* no such key */
		"# rotating from 00000001 to 00000001\n",    /* from a key to itself */
		"# rotating from 00000001 to 0000000\n",     /* cut short */
		"# rotating from 00000001 to",
		"# rotating from 00000001\n",
		"# rotating from 0000000g to 00000002\n",
		"# rotating from 00000001 TO 00000002\n",
		"# rotating to 00000002\n",
	};

	for (size_t i = 0; i < COUNT(marks); i++) {
		char string[512];
		struct keyring_text text;
		struct keyring_rotation rotation;

		snprintf(string, sizeof(string), "00000001" KEY "\n00000002" OTHER "\n%s",
			 marks[i]);
		set(&text, string);
		if (keyring_rotation_of(&text, &rotation))
			fail_msg("taken for a mark: %s", marks[i]);
		/* and it is removed when a rotation begins */
		assert_ok(keyring_rotation_begin(&text, DAY, &rotation, NULL));
		keyring_rotation_end(&text, &rotation);
		assert_int_equal(2, keyring_from(&text).count);
		if (strncmp(marks[i], "# rotating from ", 16) == 0)
			assert_null(memmem(text.text, text.len, "# rotating from ", 16));
	}
}

static void a_rotation_can_end_after_its_old_key_was_removed_by_hand(void **unused)
{
	struct keyring_text text;
	struct keyring_rotation rotation;

	set(&text, "# rotating from 0000000a to 00000002: x\n00000001" KEY "\n00000002" OTHER "\n");
	assert_true(keyring_rotation_of(&text, &rotation));
	assert_false(rotation.promoted);
	assert_ok(keyring_rotation_promote(&text, &rotation));
	keyring_rotation_end(&text, &rotation);
	assert_text("00000002" OTHER "\n00000001" KEY "\n", &text);
}

static void a_full_keyring_accepts_no_further_key(void **unused)
{
	struct keyring_text text = {0};
	struct keyring_rotation rotation;
	struct reason why = {""};
	struct host_key key = {.id = 0x100, .created = DAY};

	for (unsigned i = 0; i < KEYRING_KEYS_MAX; i++) {
		key.id++;
		assert_ok(keyring_text_add(&text, &key));
	}
	key.id++;
	assert_refused(RANGE, keyring_text_add(&text, &key));
	assert_refused(RANGE, keyring_rotation_begin(&text, DAY, &rotation, &why));
	assert_non_null(strstr(why.text, "32 keys are there already"));
}

static void a_keyring_full_of_comments_accepts_no_further_line(void **unused)
{
	struct keyring_text text;
	struct keyring_rotation rotation;
	struct host_key key = {.id = 7, .created = DAY};

	set(&text, "00000001" KEY "\n");
	memset(text.text + text.len, '#', sizeof(text.text) - text.len);
	text.len = sizeof(text.text) - 20;
	assert_refused(RANGE, keyring_text_add(&text, &key));
	assert_refused(RANGE, keyring_rotation_begin(&text, DAY, &rotation, NULL));
}

static void a_text_that_is_wiped_holds_nothing(void **unused)
{
	struct keyring_text text;

	set(&text, "00000001" KEY "\n");
	keyring_text_wipe(&text);
	assert_wiped(text);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_rotation_changes_only_its_keys),
		cmocka_unit_test(a_last_line_without_a_line_end_gets_one),
		cmocka_unit_test(promoting_twice_or_ending_twice_changes_nothing_more),
		cmocka_unit_test(a_mark_that_does_not_match_is_ignored),
		cmocka_unit_test(a_rotation_can_end_after_its_old_key_was_removed_by_hand),
		cmocka_unit_test(a_full_keyring_accepts_no_further_key),
		cmocka_unit_test(a_keyring_full_of_comments_accepts_no_further_line),
		cmocka_unit_test(a_text_that_is_wiped_holds_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
