/* SPDX-License-Identifier: BSD-2-Clause */
#include "store_fixture.h"

#include "host/conf.h"

struct told {
	unsigned count;
	struct reason last;
};

static void complain(void *context, const struct reason *complaint)
{
	struct told *told = context;

	told->count++;
	told->last = *complaint;
}

struct place {
	char dir[32];
	char path[64];
};

static int place_begin(void **state)
{
	static struct place place;

	directory_begin(place.dir);
	snprintf(place.path, sizeof(place.path), "%.31s/pam_totp.conf", place.dir);
	*state = &place;
	return 0;
}

static int place_end(void **state)
{
	struct place *place = *state;

	directory_end(place->dir);
	return 0;
}

static enum totp_err load(const struct place *place, bool named, struct policy *policy,
			  struct told *told)
{
	enum totp_err err;

	*told = (struct told){0};
	memset(policy, 0xff, sizeof(*policy));
	err = conf_load(place->path, named, policy, complain, told);
	assert_int_equal(err != TOTP_OK, told->count > 0);
	return err;
}

static void write_conf(const struct place *place, const char *text, mode_t mode)
{
	write_file(place->path, text, strlen(text), mode);
}

static void a_file_is_read_over_the_defaults(void **state)
{
	struct place *place = *state;
	struct policy policy;
	struct told told;

	write_conf(place, "window = 3\n", 0644);
	assert_ok(load(place, true, &policy, &told));
	assert_int_equal(3, policy.window);
	assert_int_equal(5, policy.attempts);
	assert_int_equal(ENFORCE_REQUIRED, policy.enforce);
}

static void only_the_default_file_may_be_missing(void **state)
{
	struct place *place = *state;
	struct policy policy, defaults;
	struct told told;
	char *text = place->dir;
	size_t len = 77;

	assert_ok(conf_read(place->path, false, &text, &len, NULL));
	assert_null(text);
	assert_int_equal(0, len);
	policy_default(&defaults);
	assert_ok(load(place, false, &policy, &told));
	assert_memory_equal(&defaults, &policy, sizeof(policy));
	assert_refused(NOT_FOUND, load(place, true, &policy, &told));
	assert_says(place->path, told.last);
	assert_int_equal(1, told.count);
}

static void a_file_that_exists_counts_whether_named_or_not(void **state)
{
	struct place *place = *state;
	struct policy policy;
	struct told told;

	write_conf(place, "windw = 3\n", 0644);
	for (int named = 0; named < 2; named++) {
		assert_refused(FORMAT, load(place, named, &policy, &told));
		assert_says("pam_totp.conf:1: windw: no such key", told.last);
	}
	chmod(place->path, 0666);
	for (int named = 0; named < 2; named++)
		assert_refused(UNSAFE, load(place, named, &policy, &told));
}

static void a_file_that_others_may_write_is_rejected(void **state)
{
	struct place *place = *state;
	struct policy policy;
	struct told told;

	write_conf(place, "enforce = optional\n", 0664);
	assert_refused(UNSAFE, load(place, true, &policy, &told));
	assert_says("mode 0664", told.last);
	chmod(place->path, 0600);
	assert_ok(load(place, true, &policy, &told));
	assert_int_equal(0, chown(place->path, SERVICE_UID, 0));
	assert_refused(UNSAFE, load(place, true, &policy, &told));
	assert_says("expected root", told.last);
}

static void anything_but_a_regular_file_is_rejected_at_once(void **state)
{
	struct place *place = *state;
	struct policy policy;
	struct told told;
	uint64_t start = io_monotonic_ns();

	assert_int_equal(0, mkfifo(place->path, 0600));
	assert_refused(UNSAFE, load(place, false, &policy, &told));
	unlink(place->path);
	assert_int_equal(0, mkdir(place->path, 0755));
	assert_refused(UNSAFE, load(place, false, &policy, &told));
	rmdir(place->path);
	assert_int_equal(0, symlink(place->path, place->path));
	assert_refused(SYSTEM, load(place, false, &policy, &told));
	unlink(place->path);
	assert_int_equal(0, symlink("/dev/zero", place->path));
	assert_refused(UNSAFE, load(place, false, &policy, &told));
	assert_in_range(io_monotonic_ns() - start, 0, 20000 * MS); /* it would wait without end */
}

static void a_link_to_a_file_owned_by_root_is_followed(void **state)
{
	struct place *place = *state;
	struct policy policy;
	struct told told;

	write_conf(place, "window = 3\n", 0644);
	assert_int_equal(0, rename(place->path, path_in(place->dir, "real")));
	assert_int_equal(0, symlink("real", place->path));
	assert_ok(load(place, true, &policy, &told));
	assert_int_equal(3, policy.window);
}

static void sixty_four_kilobytes_are_the_most(void **state)
{
	struct place *place = *state;
	static char text[POLICY_BYTES_MAX + 1];
	struct policy policy;
	struct told told;

	memset(text, '\n', sizeof(text));
	memcpy(text + POLICY_BYTES_MAX - 10, "window = 3", 10);
	write_file(place->path, text, POLICY_BYTES_MAX, 0644);
	assert_ok(load(place, true, &policy, &told));
	assert_int_equal(3, policy.window);
	write_file(place->path, text, POLICY_BYTES_MAX + 1, 0644);
	assert_refused(UNSAFE, load(place, true, &policy, &told));
	assert_says("65537 bytes", told.last);
}

static void an_empty_file_leaves_the_defaults(void **state)
{
	struct place *place = *state;
	struct policy policy, defaults;
	struct told told;

	policy_default(&defaults);
	write_conf(place, "", 0644);
	assert_ok(load(place, true, &policy, &told));
	assert_memory_equal(&defaults, &policy, sizeof(policy));
}

#define IN_PLACE(f) cmocka_unit_test_setup_teardown(f, place_begin, place_end)

int main(void)
{
	static const struct CMUnitTest tests[] = {
		IN_PLACE(a_file_is_read_over_the_defaults),
		IN_PLACE(only_the_default_file_may_be_missing),
		IN_PLACE(a_file_that_exists_counts_whether_named_or_not),
		IN_PLACE(a_file_that_others_may_write_is_rejected),
		IN_PLACE(anything_but_a_regular_file_is_rejected_at_once),
		IN_PLACE(a_link_to_a_file_owned_by_root_is_followed),
		IN_PLACE(sixty_four_kilobytes_are_the_most),
		IN_PLACE(an_empty_file_leaves_the_defaults),
	};

	SKIP_UNLESS_ROOT();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
