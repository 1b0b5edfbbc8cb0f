#include "unit.h"

#include <stdio.h>
#include <stdlib.h>

#include "host/source.h"

static struct address address; /* what source_of_login also gives */

static void assert_source(const char *expected, const char *rhost, const char *connection)
{
	struct source source = source_of_login(rhost, connection, 1000, &address);
	char text[SOURCE_TEXT_MAX];

	source_text(&source, text);
	if (strcmp(expected, text) != 0)
		fail_msg("rhost \"%s\": %s, expected %s", rhost ? rhost : "(null)", text, expected);
}

static void a_literal_address_is_itself(void **unused)
{
	static const struct {
		const char *rhost, *text;
	} rows[] = {
		{"192.0.2.1", "192.0.2.1"},
		{"0.0.0.0", "0.0.0.0"},
		{"255.255.255.255", "255.255.255.255"},
		{"2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"},
		{"2001:DB8:1:2::", "2001:db8:1:2::/64"},
		{"::1", "::/64"},
		{"fe80::1%eth0", "fe80::/64"},
		{"fe80::1%25", "fe80::/64"},
		{"fe80::1%", "fe80::/64"},
		{"::ffff:192.0.2.1", "192.0.2.1"},
		{"::FFFF:c000:201", "192.0.2.1"},
		{"::ffff:192.0.2.1%eth0", "192.0.2.1"},
		{"0:0:0:0:0:ffff:192.0.2.1", "192.0.2.1"},
		{"64:ff9b::192.0.2.1", "192.0.2.1"},
		{"64:ff9b::c000:201%eth0", "192.0.2.1"},
		{"2001:0db8:0000:0000:0000:0000:0000:0001", "2001:db8::/64"},
	};

	for (size_t i = 0; i < COUNT(rows); i++) {
		assert_source(rows[i].text, rows[i].rhost, NULL);
		/* and what the environment says does not matter */
		assert_source(rows[i].text, rows[i].rhost, "203.0.113.9 1 203.0.113.1 22");
	}
}

static void neighbours_in_a_network_of_64_bits_are_one_source(void **unused)
{
	struct source one = source_of_login("2001:db8:0:1::1", NULL, 0, &address);
	struct source two = source_of_login("2001:db8:0:1:ffff:ffff:ffff:ffff", NULL, 0, &address);
	struct source other = source_of_login("2001:db8:0:2::1", NULL, 0, &address);

	assert_true(source_equal(&one, &two));
	assert_false(source_equal(&one, &other));
	assert_zeros(one.bytes + 8, 8);
}

static void a_mapped_address_is_the_one_it_maps(void **unused)
{
	struct source mapped = source_of_login("::ffff:192.0.2.1", NULL, 0, &address);
	struct source plain = source_of_login("192.0.2.1", NULL, 0, &address);

	assert_true(source_equal(&mapped, &plain));
	assert_zeros(plain.bytes + 4, 12);
}

static void a_name_is_unknown_without_sshds_word(void **unused)
{
	static const char *const names[] = {
		"host.example.org",
		"localhost",
		"UNKNOWN",
		"192.0.2",
		"192.0.2.256",
		"192.0.2.1.5",
		"192.0.2.1 ",
		" 192.0.2.1",
		"0300.0.2.1",
		"1",
		"3221225985",
		"0xc0000201",
		"2001:db8:::1",
		"[2001:db8::1]",
		"192.0.2.1:22",
		"192.0.2.1/24",
		":",
		"%",
		".",
		"::ffff:192.0.2.256",
		"192.0.2.1%eth0",
	};

	for (size_t i = 0; i < COUNT(names); i++) {
		assert_source("unknown", names[i], NULL);
		assert_source("203.0.113.9", names[i], "203.0.113.9 51234 203.0.113.1 22");
	}
}

static void sshds_word_is_an_address_and_more(void **unused)
{
	static const struct {
		const char *connection, *text;
	} rows[] = {
		{"203.0.113.9 51234 203.0.113.1 22", "203.0.113.9"},
		{"2001:db8::9 51234 2001:db8::1 22", "2001:db8::/64"},
		{"fe80::9%eth0 51234 fe80::1%eth0 22", "fe80::/64"},
		{"::ffff:203.0.113.9 51234 ::ffff:203.0.113.1 22", "203.0.113.9"},
		{"203.0.113.9", "203.0.113.9"},
		{"UNKNOWN 65535 UNKNOWN 65535", "unknown"},
		{"host.example.org 1 x 22", "unknown"},
		{" 203.0.113.9 1 x 22", "unknown"},
		{"203.0.113.9\t1", "unknown"},
		{"", "unknown"},
		{" ", "unknown"},
	};

	for (size_t i = 0; i < COUNT(rows); i++)
		assert_source(rows[i].text, "host.example.org", rows[i].connection);
}

static void a_local_login_is_the_uid_of_its_caller(void **unused)
{
	struct source one, two;

	assert_source("uid:1000", NULL, NULL);
	assert_source("uid:1000", "", NULL);
	/* sudo keeps the variable, which the person may have set */
	assert_source("uid:1000", NULL, "203.0.113.9 51234 203.0.113.1 22");
	one = source_of_login(NULL, NULL, 0, &address);
	two = source_of_login(NULL, NULL, UINT32_MAX - 1, &address);
	assert_int_equal(SOURCE_UID, one.kind);
	assert_false(source_equal(&one, &two));
	for (uint32_t uid = 1; uid; uid <<= 1) {
		struct source source = source_of_login(NULL, NULL, uid, &address);
		char text[SOURCE_TEXT_MAX], expected[SOURCE_TEXT_MAX];

		source_text(&source, text);
		snprintf(expected, sizeof(expected), "uid:%u", uid);
		assert_string_equal(expected, text);
	}
}

static void hostile_strings_are_unknown(void **unused)
{
	static const char *const strings[] = {"%s%n%s%n", "\n192.0.2.1", "192.0.2.1\n",
					      "\xff\xfe", "$(reboot)",   "user=root outcome=allow"};
	char *flood = malloc(10241);

	for (size_t i = 0; i < COUNT(strings); i++) {
		assert_source("unknown", strings[i], NULL);
		assert_source("unknown", "name", strings[i]);
		assert_source("unknown", strings[i], strings[i]);
	}
	for (size_t i = 0; i < 4; i++) {
		memset(flood, "1:% "[i], 10240);
		flood[10240] = '\0';
		assert_source("unknown", flood, NULL);
		assert_source("unknown", "name", flood);
	}
	/* a zone as long as that is dropped like any other */
	memcpy(flood, "fe80::1%", 8);
	assert_source("fe80::/64", flood, NULL);
	free(flood);
}

static void a_kind_that_there_is_not_is_unknown(void **unused)
{
	struct source source = {.kind = 77};
	char text[SOURCE_TEXT_MAX];

	source_text(&source, text);
	assert_string_equal("unknown", text);
}

static void a_person_reads_a_place_and_no_uid(void **unused)
{
	static const struct {
		const char *rhost, *place;
	} rows[] = {
		{NULL, "this host"},
		{"a.name.example", "elsewhere"},
		{"192.0.2.1", "192.0.2.1"},
		{"2001:db8:1:2::3", "2001:db8:1:2::/64"},
	};

	for (size_t i = 0; i < COUNT(rows); i++) {
		struct source source = source_of_login(rows[i].rhost, NULL, 1000, &address);
		char place[SOURCE_TEXT_MAX];

		source_place(&source, place);
		assert_string_equal(rows[i].place, place);
	}
}

static void the_longest_network_fits(void **unused)
{
	assert_source("1111:2222:3333:4444::/64", "1111:2222:3333:4444:5555:6666:7777:8888", NULL);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_literal_address_is_itself),
		cmocka_unit_test(neighbours_in_a_network_of_64_bits_are_one_source),
		cmocka_unit_test(a_mapped_address_is_the_one_it_maps),
		cmocka_unit_test(a_name_is_unknown_without_sshds_word),
		cmocka_unit_test(sshds_word_is_an_address_and_more),
		cmocka_unit_test(a_local_login_is_the_uid_of_its_caller),
		cmocka_unit_test(hostile_strings_are_unknown),
		cmocka_unit_test(a_kind_that_there_is_not_is_unknown),
		cmocka_unit_test(a_person_reads_a_place_and_no_uid),
		cmocka_unit_test(the_longest_network_fits),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
