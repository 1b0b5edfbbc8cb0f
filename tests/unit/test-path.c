/* SPDX-License-Identifier: BSD-2-Clause */
#include "store_fixture.h"

#include <sys/socket.h>
#include <sys/un.h>

#include "base/path.h"

struct ground {
	char dir[32];
	int fd;
};

static int ground_begin(void **state)
{
	static struct ground ground;

	directory_begin(ground.dir);
	ground.fd = open(ground.dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	write_file(path_in(ground.dir, "file"), "12345", 5, 0600);
	*state = &ground;
	return 0;
}

static int ground_end(void **state)
{
	struct ground *g = *state;

	close(g->fd);
	directory_end(g->dir);
	return 0;
}

static const struct path_rule strict = {.owner = SERVICE_UID, .forbidden = 077, .size_max = 10};

static enum totp_err open_error(const struct ground *g, const char *name,
				const struct path_rule *rule, struct reason *why)
{
	OWN_FD int fd = -1;
	enum totp_err err = path_open_file(g->fd, name, rule, &fd, why);

	assert_int_equal(err == TOTP_OK, fd >= 0);
	return err;
}

static void a_plain_file_is_opened_at_its_start(void **state)
{
	struct ground *g = *state;
	OWN_FD int fd = -1;
	char text[8];

	assert_ok(path_open_file(g->fd, "file", &strict, &fd, NULL));
	assert_int_equal(5, read(fd, text, sizeof(text)));
	assert_int_equal(FD_CLOEXEC, fcntl(fd, F_GETFD));
}

static void a_name_is_one_component(void **state)
{
	struct ground *g = *state;
	struct reason why = {""};

	assert_refused(ARGUMENT, open_error(g, "./file", &strict, &why));
	assert_refused(ARGUMENT, open_error(g, "../etc/passwd", &strict, &why));
	assert_refused(ARGUMENT, open_error(g, "/etc/passwd", &strict, &why));
	assert_says("holds no '/'", why);
	assert_refused(UNSAFE, open_error(g, "..", &strict, NULL));
	assert_refused(NOT_FOUND, open_error(g, "", &strict, NULL));
}

static void owners_are_root_and_the_one_named(void **state)
{
	static const struct {
		uid_t file, rule;
		enum totp_err err;
	} rows[] = {
		{0, 0, TOTP_OK},
		{0, SERVICE_UID, TOTP_OK},
		{SERVICE_UID, SERVICE_UID, TOTP_OK},
		{SERVICE_UID, 0, TOTP_ERR_UNSAFE},
		{SERVICE_UID + 1, SERVICE_UID, TOTP_ERR_UNSAFE},
	};
	struct ground *g = *state;

	for (size_t i = 0; i < COUNT(rows); i++) {
		struct path_rule rule = strict;

		rule.owner = rows[i].rule;
		assert_int_equal(0, chown(path_in(g->dir, "file"), rows[i].file, 0));
		assert_int_equal(rows[i].err, open_error(g, "file", &rule, NULL));
	}
}

static void every_forbidden_bit_alone_is_rejected(void **state)
{
	struct ground *g = *state;

	for (unsigned bit = 0; bit < 6; bit++) {
		mode_t mode = 0600 | 1u << bit;
		struct path_rule lax = strict;

		lax.forbidden = 0;
		chmod(path_in(g->dir, "file"), mode);
		assert_refused(UNSAFE, open_error(g, "file", &strict, NULL));
		assert_ok(open_error(g, "file", &lax, NULL));
	}
}

static void a_message_about_a_mode_says_what_to_run(void **state)
{
	struct ground *g = *state;
	struct path_rule readable = strict;
	struct reason why = {""};

	chmod(path_in(g->dir, "file"), 0666);
	assert_refused(UNSAFE, open_error(g, "file", &strict, &why));
	assert_string_equal("file: mode 0666: run chmod go-rwx file", why.text);
	readable.forbidden = S_IWGRP | S_IWOTH;
	assert_refused(UNSAFE, open_error(g, "file", &readable, &why));
	assert_string_equal("file: mode 0666: run chmod go-w file", why.text);
}

static void the_size_is_limited(void **state)
{
	struct ground *g = *state;
	struct path_rule rule = strict;
	struct reason why = {""};

	rule.size_max = 5;
	assert_ok(open_error(g, "file", &rule, NULL));
	rule.size_max = 4;
	assert_refused(UNSAFE, open_error(g, "file", &rule, &why));
	assert_string_equal("file: 5 bytes, expected at most 4", why.text);
}

static void bind_socket(const char *path)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	OWN_FD int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	snprintf(address.sun_path, sizeof(address.sun_path), "%s", path);
	assert_int_equal(0, bind(fd, (struct sockaddr *)&address, sizeof(address)));
}

static void nothing_but_a_regular_file_is_opened_and_nothing_blocks(void **state)
{
	static const char *const names[] = {"fifo",     "socket", "directory", "link",
					    "dangling", "loop",   "zero"};
	struct ground *g = *state;

	assert_int_equal(0, mkfifo(path_in(g->dir, "fifo"), 0600));
	bind_socket(path_in(g->dir, "socket"));
	assert_int_equal(0, mkdir(path_in(g->dir, "directory"), 0700));
	assert_int_equal(0, symlink("file", path_in(g->dir, "link")));
	assert_int_equal(0, symlink("nowhere", path_in(g->dir, "dangling")));
	assert_int_equal(0, symlink("loop", path_in(g->dir, "loop")));
	assert_int_equal(0, mknod(path_in(g->dir, "zero"), S_IFCHR | 0600, 0x105));
	for (size_t i = 0; i < 2 * COUNT(names); i++) {
		struct path_rule rule = strict;
		struct reason why = {""};

		rule.flags = i & 1 ? O_RDWR : O_RDONLY;
		assert_refused(UNSAFE, open_error(g, names[i / 2], &rule, &why));
		assert_says("not a regular file", why);
	}
}

static void a_second_hard_link_is_rejected(void **state)
{
	struct ground *g = *state;
	struct reason why = {""};

	assert_int_equal(0, link(path_in(g->dir, "file"), path_in(g->dir, "second")));
	assert_refused(UNSAFE, open_error(g, "file", &strict, &why));
	assert_string_equal("file: 2 hard links, expected one", why.text);
	assert_int_equal(0, unlink(path_in(g->dir, "second")));
	assert_ok(open_error(g, "file", &strict, NULL));
}

static void a_missing_file_is_not_found(void **state)
{
	struct ground *g = *state;
	OWN_FD int fd = -1;
	struct reason why = {""};

	assert_refused(NOT_FOUND, open_error(g, "none", &strict, &why));
	assert_says("none: No such file", why);
	assert_refused(NOT_FOUND, path_open_dir(AT_FDCWD, path_in(g->dir, "none"), 0, &fd, &why));
	assert_refused(NOT_FOUND, path_open_config(path_in(g->dir, "none"), 0, 10, &fd, &why));
	assert_int_equal(-1, fd);
}

static void a_directory_belongs_to_root_or_its_owner_and_only_they_write(void **state)
{
	static const struct {
		mode_t mode;
		uid_t uid;
		enum totp_err err;
	} rows[] = {
		{0755, 0, TOTP_OK},
		{0700, SERVICE_UID, TOTP_OK},
		{0755, SERVICE_UID + 1, TOTP_ERR_UNSAFE},
		{0775, 0, TOTP_ERR_UNSAFE},
		{0757, 0, TOTP_ERR_UNSAFE},
		{01777, 0, TOTP_ERR_UNSAFE},
	};
	struct ground *g = *state;
	const char *path = path_in(g->dir, "directory");

	assert_int_equal(0, mkdir(path, 0700));
	for (size_t i = 0; i < COUNT(rows); i++) {
		OWN_FD int fd = -1;

		assert_int_equal(0, chmod(path, rows[i].mode));
		assert_int_equal(0, chown(path, rows[i].uid, 0));
		assert_int_equal(rows[i].err,
				 path_open_dir(g->fd, "directory", SERVICE_UID, &fd, NULL));
		assert_int_equal(rows[i].err == TOTP_OK, fd >= 0);
	}
}

static void a_directory_is_not_a_link_and_not_a_file(void **state)
{
	struct ground *g = *state;
	OWN_FD int fd = -1;
	struct reason why = {""};

	assert_int_equal(0, symlink(g->dir, path_in(g->dir, "link")));
	assert_refused(UNSAFE, path_open_dir(g->fd, "link", 0, &fd, &why));
	assert_string_equal("link: not a directory", why.text);
	assert_refused(UNSAFE, path_open_dir(g->fd, "file", 0, &fd, &why));
	assert_int_equal(-1, fd);
}

static void a_configuration_may_be_a_link_but_root_must_own_it(void **state)
{
	struct ground *g = *state;
	OWN_FD int fd = -1;
	struct reason why = {""};

	assert_int_equal(0, symlink("file", path_in(g->dir, "link")));
	assert_int_equal(0, link(path_in(g->dir, "file"), path_in(g->dir, "second")));
	assert_ok(path_open_config(path_in(g->dir, "link"), 022, 5, &fd, NULL));
	assert_int_equal(FD_CLOEXEC, fcntl(fd, F_GETFD));
	fd = fd_close(fd);

	assert_refused(UNSAFE, path_open_config(path_in(g->dir, "link"), 022, 4, &fd, NULL));
	chmod(path_in(g->dir, "file"), 0620);
	assert_refused(UNSAFE, path_open_config(path_in(g->dir, "link"), 022, 5, &fd, &why));
	assert_says("mode 0620", why);
	chmod(path_in(g->dir, "file"), 0600);
	assert_int_equal(0, chown(path_in(g->dir, "file"), SERVICE_UID, 0));
	assert_refused(UNSAFE, path_open_config(path_in(g->dir, "link"), 022, 5, &fd, &why));
	assert_says("owned by uid 4711, expected root", why);
	assert_int_equal(0, mkfifo(path_in(g->dir, "fifo"), 0600));
	assert_refused(UNSAFE, path_open_config(path_in(g->dir, "fifo"), 022, 5, &fd, NULL));
	assert_refused(UNSAFE, path_open_config(g->dir, 022, 1 << 20, &fd, NULL));
	assert_int_equal(-1, fd);
}

static void the_reason_may_be_null(void **state)
{
	struct ground *g = *state;
	OWN_FD int fd = -1;

	assert_refused(NOT_FOUND, path_open_file(g->fd, "none", &strict, &fd, NULL));
	assert_refused(NOT_FOUND, path_open_dir(g->fd, "none", 0, &fd, NULL));
	chmod(path_in(g->dir, "file"), 0666);
	assert_refused(UNSAFE, path_open_file(g->fd, "file", &strict, &fd, NULL));
}

#define ON_GROUND(f) cmocka_unit_test_setup_teardown(f, ground_begin, ground_end)

int main(void)
{
	static const struct CMUnitTest tests[] = {
		ON_GROUND(a_plain_file_is_opened_at_its_start),
		ON_GROUND(a_name_is_one_component),
		ON_GROUND(owners_are_root_and_the_one_named),
		ON_GROUND(every_forbidden_bit_alone_is_rejected),
		ON_GROUND(a_message_about_a_mode_says_what_to_run),
		ON_GROUND(the_size_is_limited),
		ON_GROUND(nothing_but_a_regular_file_is_opened_and_nothing_blocks),
		ON_GROUND(a_second_hard_link_is_rejected),
		ON_GROUND(a_missing_file_is_not_found),
		ON_GROUND(a_directory_belongs_to_root_or_its_owner_and_only_they_write),
		ON_GROUND(a_directory_is_not_a_link_and_not_a_file),
		ON_GROUND(a_configuration_may_be_a_link_but_root_must_own_it),
		ON_GROUND(the_reason_may_be_null),
	};

	SKIP_UNLESS_ROOT();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
