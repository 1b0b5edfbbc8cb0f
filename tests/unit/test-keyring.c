/* SPDX-License-Identifier: BSD-2-Clause */
#include "store_fixture.h"

#include <sys/random.h>
#include <sys/syscall.h>

#define KEY   "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="
#define OTHER "//////////////////////////////////////////8="
#define TAIL  " " KEY " 2026-01-31\n"

static bool no_randomness;

/* instead of libc's */
ssize_t getrandom(void *bytes, size_t len, unsigned flags)
{
	if (no_randomness) {
		errno = ENOSYS;
		return -1;
	}
	return syscall(SYS_getrandom, bytes, len, flags);
}

static enum totp_err parse(const char *text, struct keyring *keyring, struct reason *why)
{
	return keyring_parse(text_of(text), "/etc/x/keyring", keyring, why);
}

static void a_line_is_an_id_a_key_and_a_date(void **unused)
{
	struct keyring keyring;

	assert_ok(parse("0123abcd " KEY " 2026-01-31\n", &keyring, NULL));
	assert_int_equal(1, keyring.count);
	assert_int_equal(0x0123abcd, keyring.keys[0].id);
	for (uint8_t i = 0; i < 32; i++)
		assert_int_equal(i, keyring.keys[0].key[i]);
	assert_int_equal(1769817600, keyring.keys[0].created);
}

static void comments_and_empty_lines_are_ignored(void **unused)
{
	struct keyring keyring;

	assert_ok(parse("# made by hand\n\n00000001" TAIL "\r\n#\n00000002 " OTHER " 2027-12-31",
			&keyring, NULL));
	assert_int_equal(2, keyring.count);
	assert_int_equal(1, keyring.keys[0].id);
	assert_int_equal(2, keyring.keys[1].id);
	assert_ptr_equal(&keyring.keys[1], keyring_find(&keyring, 2));
	assert_null(keyring_find(&keyring, 3));
}

static void a_malformed_line_is_rejected_with_its_number(void **unused)
{
	static const char *const lines[] = {
		"0123abc" TAIL,                   /* an id too short */
		"0123abcde" TAIL,                 /* too long */
		"0123abcg" TAIL,                  /* not hexadecimal */
		" 0123abcd" TAIL,                 /* a blank before */
		"0123abcd " TAIL,                 /* two blanks */
		"0123abcd\t" KEY " 2026-01-31\n", /* a tab */
		"0123abcd " KEY "\n",             /* no date */
		"0123abcd " KEY " 2026-02-30\n",  /* a date that does not exist */
		"0123abcd " KEY " 2026-01-31 \n", /* something after it */
		"0123abcd AAEC 2026-01-31\n",     /* a key too short */
		"0123abcd A" KEY " 2026-01-31\n", /* too long */
		"0123abcd ?AECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8= 2026-01-31\n",
		"0123abcd\n",
		"x\n",
	};

	for (size_t i = 0; i < COUNT(lines); i++) {
		struct keyring keyring;
		struct reason why = {""};
		char text[256];

		snprintf(text, sizeof(text), "# first\n00000001" TAIL "%s", lines[i]);
		if (parse(text, &keyring, &why) != TOTP_ERR_FORMAT)
			fail_msg("accepted: %s", lines[i]);
		assert_says("/etc/x/keyring:3: expected", why);
		assert_null(strstr(why.text, "AAEC")); /* never the line itself */
		assert_wiped(keyring);
	}
}

static void a_byte_that_text_cannot_hold_is_rejected(void **unused)
{
	static const char text[] = "0123abcd" TAIL "\0";
	struct keyring keyring;

	assert_refused(FORMAT,
		       keyring_parse((struct text){text, sizeof(text)}, "k", &keyring, NULL));
}

static void a_duplicate_id_is_rejected(void **unused)
{
	struct keyring keyring;
	struct reason why = {""};

	assert_refused(FORMAT,
		       parse("0123abcd" TAIL "0123ABCD " OTHER " 2026-01-31\n", &keyring, &why));
	assert_says("/etc/x/keyring:2: key 0123abcd is there twice", why);
	assert_wiped(keyring);
}

static void a_keyring_without_a_key_is_rejected(void **unused)
{
	static const char *const texts[] = {"", "\n\n", "# nothing\n"};

	for (size_t i = 0; i < COUNT(texts); i++) {
		struct keyring keyring;
		struct reason why = {""};

		assert_refused(FORMAT, parse(texts[i], &keyring, &why));
		assert_says("holds no key", why);
	}
}

static void thirty_two_keys_fit_and_no_more(void **unused)
{
	struct keyring keyring;
	struct reason why = {""};
	char text[4096];
	size_t len = 0;

	for (unsigned i = 0; i < KEYRING_KEYS_MAX; i++)
		len += (size_t)snprintf(text + len, sizeof(text) - len, "%08x" TAIL, i);
	assert_ok(parse(text, &keyring, NULL));
	assert_int_equal(KEYRING_KEYS_MAX, keyring.count);
	snprintf(text + len, sizeof(text) - len, "ffffffff" TAIL);
	assert_refused(FORMAT, parse(text, &keyring, &why));
	assert_says(":33: more than 32 keys", why);
}

static int begin_directory(void **state)
{
	static char dir[32];

	directory_begin(dir);
	*state = dir;
	return 0;
}

static int end_directory(void **state)
{
	directory_end(*state);
	return 0;
}

static void a_created_keyring_loads_and_only_root_can_read_it(void **state)
{
	const char *path = path_in(*state, "keyring");
	struct keyring keyring;
	struct stat st;
	mode_t was = umask(0);

	assert_ok(keyring_create(path, 1769817600 + 86399, NULL));
	umask(was);
	assert_ok(keyring_load(path, &keyring, NULL));
	assert_int_equal(1, keyring.count);
	assert_int_equal(1769817600, keyring.keys[0].created);
	assert_int_equal(0, stat(path, &st));
	assert_int_equal(0600, st.st_mode & 07777);
	assert_int_equal(1, st.st_nlink);
}

static void every_created_keyring_is_different(void **state)
{
	struct keyring one, two;

	assert_ok(keyring_create(path_in(*state, "one"), NOW, NULL));
	assert_ok(keyring_create(path_in(*state, "two"), NOW, NULL));
	assert_ok(keyring_load(path_in(*state, "one"), &one, NULL));
	assert_ok(keyring_load(path_in(*state, "two"), &two, NULL));
	assert_memory_not_equal(one.keys[0].key, two.keys[0].key, 32);
	assert_int_not_equal(one.keys[0].id, two.keys[0].id);
}

static void an_existing_keyring_is_never_overwritten(void **state)
{
	const char *path = path_in(*state, "keyring");
	struct reason why = {""};
	char text[64];

	write_file(path, "precious", 8, 0600);
	assert_refused(EXISTS, keyring_create(path, NOW, &why));
	assert_says(path, why);
	assert_int_equal(8, read_file(path, text, sizeof(text)));
	assert_memory_equal("precious", text, 8);
	assert_int_equal(-1, access(path_in(*state, "keyring~"), F_OK));
	assert_int_equal(0, unlink(path));
	assert_int_equal(0, rmdir(*state)); /* and no temporary file is left */
	assert_int_equal(0, mkdir(*state, 0700));
}

static void a_keyring_is_not_created_on_a_full_disk(void **state)
{
	const char *path = path_in(*state, "keyring");

	limit_files(10);
	assert_refused(SYSTEM, keyring_create(path, NOW, NULL));
	limit_files(RLIM_INFINITY);
	assert_int_equal(0, rmdir(*state));
	assert_int_equal(0, mkdir(*state, 0700));
}

static void a_keyring_is_not_created_without_randomness(void **state)
{
	const char *path = path_in(*state, "keyring");
	struct reason why = {""};

	no_randomness = true;
	assert_refused(SYSTEM, keyring_create(path, NOW, &why));
	no_randomness = false;
	assert_says("no random bytes for a key", why);
	assert_int_equal(-1, access(path, F_OK));
}

static void a_keyring_is_not_created_where_others_could_write(void **state)
{
	struct reason why = {""};

	chmod(*state, 0777);
	assert_refused(UNSAFE, keyring_create(path_in(*state, "keyring"), NOW, &why));
	assert_says("0777", why);
	chmod(*state, 0700);
	assert_refused(NOT_FOUND, keyring_create(path_in(*state, "none/keyring"), NOW, NULL));
	assert_refused(ARGUMENT, keyring_create(path_in(*state, ""), NOW, NULL));
	assert_refused(ARGUMENT, keyring_create("keyring", NOW, NULL));
}

static void a_keyring_file_that_others_can_read_is_rejected(void **state)
{
	const char *path = path_in(*state, "keyring");
	struct keyring keyring;
	struct reason why = {""};

	assert_refused(NOT_FOUND, keyring_load(path, &keyring, &why));
	assert_says("restore it from your backup, or run totpctl init", why);
	assert_ok(keyring_create(path, NOW, NULL));
	chmod(path, 0640);
	assert_refused(UNSAFE, keyring_load(path, &keyring, &why));
	assert_says("0640", why);
	chmod(path, 0400);
	assert_ok(keyring_load(path, &keyring, NULL));
	assert_int_equal(0, chown(path, SERVICE_UID, 0));
	assert_refused(UNSAFE, keyring_load(path, &keyring, &why));
	assert_says("expected root", why);
	assert_wiped(keyring);
}

static void a_keyring_that_is_too_large_is_rejected(void **state)
{
	const char *path = path_in(*state, "keyring");
	struct keyring keyring;
	struct reason why = {""};

	assert_ok(keyring_create(path, NOW, NULL));
	assert_int_equal(0, truncate(path, KEYRING_BYTES_MAX + 1));
	assert_refused(UNSAFE, keyring_load(path, &keyring, &why));
	assert_says("4097 bytes", why);
}

#define IN_DIRECTORY(f) cmocka_unit_test_setup_teardown(f, begin_directory, end_directory)

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_line_is_an_id_a_key_and_a_date),
		cmocka_unit_test(comments_and_empty_lines_are_ignored),
		cmocka_unit_test(a_malformed_line_is_rejected_with_its_number),
		cmocka_unit_test(a_byte_that_text_cannot_hold_is_rejected),
		cmocka_unit_test(a_duplicate_id_is_rejected),
		cmocka_unit_test(a_keyring_without_a_key_is_rejected),
		cmocka_unit_test(thirty_two_keys_fit_and_no_more),
		IN_DIRECTORY(a_created_keyring_loads_and_only_root_can_read_it),
		IN_DIRECTORY(every_created_keyring_is_different),
		IN_DIRECTORY(an_existing_keyring_is_never_overwritten),
		IN_DIRECTORY(a_keyring_is_not_created_on_a_full_disk),
		IN_DIRECTORY(a_keyring_is_not_created_without_randomness),
		IN_DIRECTORY(a_keyring_is_not_created_where_others_could_write),
		IN_DIRECTORY(a_keyring_file_that_others_can_read_is_rejected),
		IN_DIRECTORY(a_keyring_that_is_too_large_is_rejected),
	};

	SKIP_UNLESS_ROOT();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
