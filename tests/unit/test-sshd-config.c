/* SPDX-License-Identifier: BSD-2-Clause */
/* Reading sshd's configuration, in the order of its files and with their Match blocks. */
#include "store_fixture.h"

#include "host/sshd_config.h"

static char directory[32];
static char seen[2048];

static int config_begin(void **state)
{
	directory_begin(directory);
	seen[0] = '\0';
	return 0;
}

static int config_end(void **state)
{
	directory_end(directory);
	return 0;
}

static void keep(void *context, const struct sshd_line *line)
{
	size_t len = strlen(seen);

	snprintf(seen + len, sizeof(seen) - len, "%.*s=%.*s [%.*s:%u]\n", (int)line->keyword.len,
		 line->keyword.at, (int)line->value.len, line->value.at, (int)line->match.len,
		 line->match.at, line->match_number);
}

static const char *put(const char *name, const char *text, size_t len)
{
	static char path[4][80];
	static unsigned next;
	char *at = path[next++ % 4];
	FILE *file;

	snprintf(at, sizeof(path[0]), "%s/%s", directory, name);
	file = fopen(at, "w");
	assert_non_null(file);
	assert_int_equal(len, fwrite(text, 1, len, file));
	assert_int_equal(0, fclose(file));
	return at;
}

static void a_line_is_a_keyword_and_the_rest_without_quotes_and_line_ends(void **state)
{
	static const char text[] =
		"# a comment\r\n\r\n \tUsePAM yes \r\nlogingracetime=10m\n"
		"Banner = \"/etc/two words\"\nAuthenticationMethods a b\nNothing\n=\nLast x";

	assert_true(sshd_config_each(put("a", text, sizeof(text) - 1), keep, NULL));
	assert_string_equal("UsePAM=yes [:0]\nlogingracetime=10m [:0]\n"
			    "Banner=/etc/two words [:0]\nAuthenticationMethods=a b [:0]\n"
			    "Nothing= [:0]\n= [:0]\nLast=x [:0]\n",
			    seen);
}

static void an_included_file_belongs_to_its_block_and_ends_its_own(void **state)
{
	static const char part[] = "A 1\nMatch User b\nA 2\n";
	char text[256];
	const char *path = put("part.conf", part, sizeof(part) - 1);
	int len = snprintf(text, sizeof(text),
			   "Include %s /nowhere/*.conf\nA 3\nMatch User c\nInclude \"%s\"\nA 4\n",
			   path, path);

	assert_true(sshd_config_each(put("main", text, (size_t)len), keep, NULL));
	assert_non_null(
		strstr(seen, "A=1 [:0]\nMatch=User b [User b:2]\nA=2 [User b:2]\nA=3 [:0]\n"));
	assert_non_null(strstr(seen, "A=1 [User c:3]\nMatch=User b [User b:2]\nA=2 [User b:2]\n"
				     "A=4 [User c:3]\n"));
}

static void a_file_that_includes_itself_ends(void **state)
{
	char text[256];
	int len = snprintf(text, sizeof(text), "A 1\nInclude %s/self\n", directory);

	assert_true(sshd_config_each(put("self", text, (size_t)len), keep, NULL));
}

static void bytes_that_are_not_a_configuration_are_read_without_harm(void **state)
{
	static const char text[] = "\0\0 \x80\xff=\"\n\"\"\"\nInclude \0\nInclude\nMatch\n\"";

	assert_true(sshd_config_each(put("x", text, sizeof(text) - 1), keep, NULL));
	assert_true(sshd_config_each(put("empty", "", 0), keep, NULL));
	assert_false(sshd_config_each("/nowhere", keep, NULL));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(
			a_line_is_a_keyword_and_the_rest_without_quotes_and_line_ends, config_begin,
			config_end),
		cmocka_unit_test_setup_teardown(
			an_included_file_belongs_to_its_block_and_ends_its_own, config_begin,
			config_end),
		cmocka_unit_test_setup_teardown(a_file_that_includes_itself_ends, config_begin,
						config_end),
		cmocka_unit_test_setup_teardown(
			bytes_that_are_not_a_configuration_are_read_without_harm, config_begin,
			config_end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
