/* SPDX-License-Identifier: BSD-2-Clause */
#include "unit.h"

#include <stdio.h>
#include <stdlib.h>

#include "host/source.h"

static struct address address; /* what source_of_login also gives */

static struct source source_of(const char *rhost, const char *connection, uid_t uid)
{
	const struct origin caller = {.real_uid = uid,
				      .service = "scene",
				      .rhost = rhost,
				      .terminal = "pts/3",
				      .ssh_connection = connection};

	return source_of_login(&caller, &address);
}

static void assert_text(const char *expected, const struct source *source)
{
	char text[SOURCE_TEXT_MAX];

	source_text(source, text);
	assert_string_equal(expected, text);
}

/* By a process that runs as root. */
static void assert_source(const char *expected, const char *rhost, const char *connection)
{
	struct source source = source_of(rhost, connection, 0);
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
		/* and the environment makes no difference */
		assert_source(rows[i].text, rows[i].rhost, "203.0.113.9 1 203.0.113.1 22");
	}
}

static void neighbours_in_a_network_of_64_bits_are_one_source(void **unused)
{
	struct source one = source_of("2001:db8:0:1::1", NULL, 0);
	struct source two = source_of("2001:db8:0:1:ffff:ffff:ffff:ffff", NULL, 0);
	struct source other = source_of("2001:db8:0:2::1", NULL, 0);

	assert_true(source_equal(&one, &two));
	assert_false(source_equal(&one, &other));
	assert_zeros(one.bytes + 8, 8);
}

static void a_mapped_address_is_the_one_it_maps(void **unused)
{
	struct source mapped = source_of("::ffff:192.0.2.1", NULL, 0);
	struct source plain = source_of("192.0.2.1", NULL, 0);

	assert_true(source_equal(&mapped, &plain));
	assert_zeros(plain.bytes + 4, 12);
}

static void a_host_name_is_not_an_address_and_the_service_is_the_source(void **unused)
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
		assert_source("service:scene", names[i], NULL);
		assert_source("203.0.113.9", names[i], "203.0.113.9 51234 203.0.113.1 22");
	}
}

static void sshd_passes_an_address_and_more(void **unused)
{
	static const struct {
		const char *connection, *text;
	} rows[] = {
		{"203.0.113.9 51234 203.0.113.1 22", "203.0.113.9"},
		{"2001:db8::9 51234 2001:db8::1 22", "2001:db8::/64"},
		{"fe80::9%eth0 51234 fe80::1%eth0 22", "fe80::/64"},
		{"::ffff:203.0.113.9 51234 ::ffff:203.0.113.1 22", "203.0.113.9"},
		{"203.0.113.9", "203.0.113.9"},
		{"UNKNOWN 65535 UNKNOWN 65535", "service:scene"},
		{"host.example.org 1 x 22", "service:scene"},
		{" 203.0.113.9 1 x 22", "service:scene"},
		{"203.0.113.9\t1", "service:scene"},
		{"", "service:scene"},
		{" ", "service:scene"},
	};

	for (size_t i = 0; i < COUNT(rows); i++)
		assert_source(rows[i].text, "host.example.org", rows[i].connection);
}

static void a_program_that_a_user_started_is_the_users_uid(void **unused)
{
	/* whatever it passes, except an address */
	static const char *const rhosts[] = {NULL, "", "tower"};
	struct source one, two;

	for (size_t i = 0; i < COUNT(rhosts); i++) {
		struct source source = source_of(rhosts[i], NULL, 1000);

		assert_text("uid:1000", &source);
	}
	one = source_of(NULL, NULL, 1);
	two = source_of(NULL, NULL, UINT32_MAX - 1);
	assert_int_equal(SOURCE_UID, one.kind);
	assert_false(source_equal(&one, &two));
	for (uint32_t uid = 1; uid; uid <<= 1) {
		struct source source = source_of(NULL, NULL, uid);
		char expected[SOURCE_TEXT_MAX];

		snprintf(expected, sizeof(expected), "uid:%u", uid);
		assert_text(expected, &source);
	}
	one = source_of_uid(0);
	assert_text("uid:0", &one);
}

static struct source source_at(const char *service, const char *terminal, const char *rhost)
{
	const struct origin caller = {.service = service, .rhost = rhost, .terminal = terminal};

	return source_of_login(&caller, &address);
}

static void a_process_of_root_is_its_service_and_terminal(void **unused)
{
	static const struct {
		const char *service, *terminal, *text, *place;
		enum source_class class;
	} rows[] = {
		{"login", "tty1", "service:login:tty1", "tty1 of this host", SOURCE_CONSOLE},
		{"login", "/dev/tty1", "service:login:tty1", "tty1 of this host", SOURCE_CONSOLE},
		{"login", "ttyS0", "service:login:ttyS0", "ttyS0 of this host", SOURCE_CONSOLE},
		{"login", "console", "service:l~nc:console", "console of this host",
		 SOURCE_CONSOLE},
		{"login", "hvc0", "service:login:hvc0", "hvc0 of this host", SOURCE_CONSOLE},
		{"login", "lxc/tty1", "service:~cr:lxc/tty1", "lxc/tty1 of this host",
		 SOURCE_CONSOLE},
		{"login", "pts/0", "service:login:pts", "a terminal of this host", SOURCE_PSEUDO},
		{"login", "/dev/pts/12", "service:login:pts", "a terminal of this host",
		 SOURCE_PSEUDO},
		{"sddm", ":0", "service:sddm::0", ":0 of this host", SOURCE_PSEUDO},
		/* texts that do not name a terminal */
		{"sshd", "ssh", "service:sshd", "a client of sshd", SOURCE_NETWORK},
		{"vsftpd", "ftp", "service:vsftpd", "a client of vsftpd", SOURCE_NETWORK},
		{"cron", "cron", "service:cron", "a client of cron", SOURCE_NETWORK},
		{"x", "tty", "service:x", "a client of x", SOURCE_NETWORK},
		{"x", "/dev/", "service:x", "a client of x", SOURCE_NETWORK},
		{"x", "pts/", "service:x", "a client of x", SOURCE_NETWORK},
		{"x", ":", "service:x", "a client of x", SOURCE_NETWORK},
		{"x", "null", "service:x", "a client of x", SOURCE_NETWORK},
		{"x", "/tmp/tty1", "service:x", "a client of x", SOURCE_NETWORK},
		{"xrdp-sesman", NULL, "service:xrdp-sesman", "a client of xrdp-sesman",
		 SOURCE_NETWORK},
		{"xrdp-sesman", "", "service:xrdp-sesman", "a client of xrdp-sesman",
		 SOURCE_NETWORK},
		{"login", NULL, "service:login", "a client of login", SOURCE_NETWORK},
		{"", NULL, "uid:0", "this host", SOURCE_NETWORK},
		{NULL, NULL, "uid:0", "this host", SOURCE_NETWORK},
		{"a b\n\xff", NULL, "service:a?b??", "a client of a?b??", SOURCE_NETWORK},
	};

	for (size_t i = 0; i < COUNT(rows); i++) {
		struct source source = source_at(rows[i].service, rows[i].terminal, NULL);
		char place[SOURCE_TEXT_MAX];

		assert_text(rows[i].text, &source);
		assert_int_equal(rows[i].class, source_class(&source));
		source_place(&source, place);
		assert_string_equal(rows[i].place, place);
		assert_int_equal(ADDRESS_NONE, address.family);
		/* a program that passes a host name serves a network, whatever its terminal is */
		source = source_at(rows[i].service, rows[i].terminal, "tower.example");
		assert_int_equal(SOURCE_NETWORK, source_class(&source));
	}
}

static void each_service_and_each_console_is_a_source_of_its_own(void **unused)
{
	static const char *const services[] = {"login",
					       "xrdp-sesman",
					       "proxmox-ve-auth",
					       "proxmox-ve-other",
					       "gdm-password",
					       "gdm-smartcard-sssd-exclusive",
					       "gdm-smartcard-sssd-or-password"};
	static const char *const terminals[] = {
		NULL,    "tty1", "tty11", "ttyS0", "ttyUSB000000001", "ttyUSB000000002",
		"pts/1", ":0"};
	struct source all[COUNT(services) * COUNT(terminals)];
	size_t count = 0;

	for (size_t i = 0; i < COUNT(services); i++)
		for (size_t k = 0; k < COUNT(terminals); k++)
			all[count++] = source_at(services[i], terminals[k], NULL);
	for (size_t i = 0; i < count; i++)
		for (size_t k = 0; k < count; k++)
			assert_int_equal(i == k, source_equal(&all[i], &all[k]));
}

static void hostile_strings_are_not_an_address(void **unused)
{
	static const char *const strings[] = {"%s%n%s%n", "\n192.0.2.1", "192.0.2.1\n",
					      "\xff\xfe", "$(reboot)",   "user=root outcome=allow"};
	char *flood = malloc(10241);

	for (size_t i = 0; i < COUNT(strings); i++) {
		assert_source("service:scene", strings[i], NULL);
		assert_source("service:scene", "name", strings[i]);
		assert_source("service:scene", strings[i], strings[i]);
	}
	for (size_t i = 0; i < 4; i++) {
		memset(flood, "1:% "[i], 10240);
		flood[10240] = '\0';
		assert_source("service:scene", flood, NULL);
		assert_source("service:scene", "name", flood);
	}
	/* a zone as long as that is dropped like any other */
	memcpy(flood, "fe80::1%", 8);
	assert_source("fe80::/64", flood, NULL);
	free(flood);
}

static void an_unknown_kind_is_unknown(void **unused)
{
	struct source source = {.kind = 77};
	char text[SOURCE_TEXT_MAX];

	source_text(&source, text);
	assert_string_equal("unknown", text);
}

static void a_user_reads_an_address_or_a_terminal_and_no_uid(void **unused)
{
	static const struct {
		const char *rhost, *place;
	} rows[] = {
		{NULL, "this host"},
		{"a.name.example", "this host"},
		{"192.0.2.1", "192.0.2.1"},
		{"2001:db8:1:2::3", "2001:db8:1:2::/64"},
	};
	const struct source nothing = {.kind = SOURCE_UNKNOWN};
	char place_of_nothing[SOURCE_TEXT_MAX];

	for (size_t i = 0; i < COUNT(rows); i++) {
		struct source source = source_of(rows[i].rhost, NULL, 1000);
		char place[SOURCE_TEXT_MAX];

		source_place(&source, place);
		assert_string_equal(rows[i].place, place);
	}
	source_place(&nothing, place_of_nothing);
	assert_string_equal("elsewhere", place_of_nothing);
}

static void the_longest_network_fits(void **unused)
{
	assert_source("1111:2222:3333:4444::/64", "1111:2222:3333:4444:5555:6666:7777:8888", NULL);
}

/* --- on a verifier --- */

static struct source on(const char *host, struct source source)
{
	struct source made;

	assert_ok(source_on_host(&source, host, &made));
	return made;
}

static bool is_same(struct source a, struct source b)
{
	return a.kind == b.kind && memcmp(a.bytes, b.bytes, sizeof(a.bytes)) == 0;
}

static void an_address_is_the_same_source_on_every_host(void **unused)
{
	struct source source = source_of("192.0.2.1", NULL, 0);

	assert_true(is_same(source, on("web01", source)));
}

static void a_local_caller_is_another_source_on_each_host(void **unused)
{
	struct source alice = source_of(NULL, NULL, 1000), bob = source_of(NULL, NULL, 1001);

	assert_true(is_same(on("web01", alice), on("web01", alice)));
	assert_false(is_same(on("web01", alice), on("web01", bob)));
	assert_false(is_same(on("web01", alice), on("web02", alice)));
	/* the same first label, in other domains */
	assert_false(is_same(on("web01.example.org", alice), on("web01.example.net", alice)));
}

static void a_host_cannot_speak_for_another_one(void **unused)
{
	struct source elsewhere = on("web01", source_of(NULL, NULL, 1000)), claimed;

	claimed = on("web02", elsewhere);
	assert_false(is_same(elsewhere, claimed));
	assert_text("host:web02", &claimed);
}

static void a_caller_of_another_host_keeps_its_class_and_is_called_by_the_host(void **unused)
{
	static const struct {
		const char *terminal;
		uid_t uid;
		enum source_class class;
	} rows[] = {
		{"tty1", 0, SOURCE_CONSOLE},
		{"pts/3", 0, SOURCE_PSEUDO},
		{"", 0, SOURCE_NETWORK},
		{"pts/3", 1000, SOURCE_USER},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		const struct origin caller = {
			.real_uid = rows[i].uid, .service = "login", .terminal = rows[i].terminal};
		struct source source =
			on("a-very-long-name.example.org", source_of_login(&caller, &address));
		char place[SOURCE_TEXT_MAX];

		assert_int_equal(rows[i].class, source_class(&source));
		assert_text("host:a-very-long-", &source);
		source_place(&source, place);
		assert_string_equal("a-very-long-", place);
	}
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_literal_address_is_itself),
		cmocka_unit_test(neighbours_in_a_network_of_64_bits_are_one_source),
		cmocka_unit_test(a_mapped_address_is_the_one_it_maps),
		cmocka_unit_test(a_host_name_is_not_an_address_and_the_service_is_the_source),
		cmocka_unit_test(sshd_passes_an_address_and_more),
		cmocka_unit_test(a_program_that_a_user_started_is_the_users_uid),
		cmocka_unit_test(a_process_of_root_is_its_service_and_terminal),
		cmocka_unit_test(each_service_and_each_console_is_a_source_of_its_own),
		cmocka_unit_test(hostile_strings_are_not_an_address),
		cmocka_unit_test(an_unknown_kind_is_unknown),
		cmocka_unit_test(a_user_reads_an_address_or_a_terminal_and_no_uid),
		cmocka_unit_test(the_longest_network_fits),
		cmocka_unit_test(an_address_is_the_same_source_on_every_host),
		cmocka_unit_test(a_local_caller_is_another_source_on_each_host),
		cmocka_unit_test(a_host_cannot_speak_for_another_one),
		cmocka_unit_test(
			a_caller_of_another_host_keeps_its_class_and_is_called_by_the_host),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
