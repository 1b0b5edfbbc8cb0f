/* SPDX-License-Identifier: BSD-2-Clause */
#include "unit.h"

#include "base/bytes.h"

static void integers_are_big_endian(void **unused)
{
	static const uint8_t wire[] = {1,    0x12, 0x34, 0x12, 0x34, 0x56, 0x78, 0xfe,
				       0xdc, 0xba, 0x98, 0x76, 0x54, 0x32, 0x10};
	struct bytes in = bytes_of(wire, sizeof(wire));

	assert_int_equal(1, bytes_u8(&in));
	assert_int_equal(0x1234, bytes_u16(&in));
	assert_int_equal(0x12345678, bytes_u32(&in));
	assert_int_equal(0xfedcba9876543210, bytes_u64(&in));
	assert_ok(bytes_end(&in));
}

static void every_value_that_is_written_is_read_back(void **unused)
{
	static const uint8_t wire[] = {1,    0x12, 0x34, 0x12, 0x34, 0x56, 0x78, 0xfe, 0xdc,
				       0xba, 0x98, 0x76, 0x54, 0x32, 0x10, 'a',  'b',  0};
	uint8_t seen[sizeof(wire)];
	struct buffer out = buffer_of(seen, sizeof(seen));

	buffer_u8(&out, 1);
	buffer_u16(&out, 0x1234);
	buffer_u32(&out, 0x12345678);
	buffer_u64(&out, 0xfedcba9876543210);
	buffer_copy(&out, "ab", 2);
	buffer_zeros(&out, 1);
	assert_ok(buffer_end(&out));
	assert_int_equal(sizeof(wire), out.len);
	assert_memory_equal(wire, seen, sizeof(wire));
}

static void a_read_past_the_end_gives_zeros_and_is_remembered(void **unused)
{
	static const uint8_t wire[] = {0xff, 0xff, 0xff};
	struct bytes in = bytes_of(wire, sizeof(wire));
	uint8_t copied[4] = {1, 2, 3, 4};

	assert_int_equal(0, bytes_u32(&in));
	assert_int_equal(0, bytes_u8(&in));
	bytes_copy(&in, copied, sizeof(copied));
	assert_wiped(copied);
	assert_refused(FORMAT, bytes_end(&in));
}

static void no_byte_may_be_left_over(void **unused)
{
	static const uint8_t wire[2] = {1, 2};
	struct bytes in = bytes_of(wire, sizeof(wire));

	bytes_u8(&in);
	assert_refused(FORMAT, bytes_end(&in));
	bytes_u8(&in);
	assert_ok(bytes_end(&in));
}

static void a_length_near_the_largest_does_not_wrap(void **unused)
{
	static const uint8_t wire[4];
	struct bytes in = bytes_of(wire, sizeof(wire));

	bytes_zeros(&in, SIZE_MAX);
	assert_refused(FORMAT, bytes_end(&in));
}

static void zeros_must_be_zeros(void **unused)
{
	static const uint8_t wire[] = {0, 0, 0, 1};
	struct bytes in = bytes_of(wire, 3);

	bytes_zeros(&in, 3);
	assert_ok(bytes_end(&in));
	in = bytes_of(wire, 4);
	bytes_zeros(&in, 4);
	assert_refused(FORMAT, bytes_end(&in));
}

static void zeros_are_checked_to_the_last_byte(void **unused)
{
	uint8_t wire[40] = {0};

	for (size_t at = 0; at < sizeof(wire); at++) {
		struct bytes in = bytes_of(wire, sizeof(wire));

		wire[at] = 0x80;
		bytes_zeros(&in, sizeof(wire));
		assert_refused(FORMAT, bytes_end(&in));
		in = bytes_of(wire, at);
		bytes_zeros(&in, at);
		assert_ok(bytes_end(&in));
		wire[at] = 0;
	}
}

static void the_bytes_in_use_end_with_the_last_that_is_not_0(void **unused)
{
	uint8_t wire[41] = {0};

	assert_int_equal(0, bytes_used(NULL, 0));
	for (size_t len = 0; len < sizeof(wire); len++) {
		assert_int_equal(0, bytes_used(wire + 1, len)); /* not aligned either */
		for (size_t at = 0; at < len; at++) {
			wire[1 + at] = 0x80;
			wire[1 + at / 2] |= 1; /* the byte before it makes no difference */
			assert_int_equal(at + 1, bytes_used(wire + 1, len));
			wire[1 + at] = wire[1 + at / 2] = 0;
		}
	}
}

static void no_bytes_at_all_may_be_null(void **unused)
{
	struct bytes in = bytes_of(NULL, 0);
	uint8_t untouched = 7;

	bytes_copy(&in, &untouched, 0);
	bytes_zeros(&in, 0);
	assert_ok(bytes_end(&in));
	assert_int_equal(7, untouched);
	assert_int_equal(0, bytes_u8(&in));
	assert_refused(FORMAT, bytes_end(&in));
}

static void a_write_that_does_not_fit_writes_nothing_and_is_remembered(void **unused)
{
	uint8_t room[4] = {7, 7, 7, 7};
	struct buffer out = buffer_of(room, 3);

	buffer_u16(&out, 0);
	buffer_u16(&out, 0xffff);
	buffer_u8(&out, 0xff);
	buffer_copy(&out, "x", 1);
	buffer_zeros(&out, SIZE_MAX);
	assert_refused(RANGE, buffer_end(&out));
	assert_int_equal(2, out.len);
	assert_int_equal(7, room[2]);
	assert_int_equal(7, room[3]);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(integers_are_big_endian),
		cmocka_unit_test(every_value_that_is_written_is_read_back),
		cmocka_unit_test(a_read_past_the_end_gives_zeros_and_is_remembered),
		cmocka_unit_test(no_byte_may_be_left_over),
		cmocka_unit_test(a_length_near_the_largest_does_not_wrap),
		cmocka_unit_test(zeros_must_be_zeros),
		cmocka_unit_test(zeros_are_checked_to_the_last_byte),
		cmocka_unit_test(the_bytes_in_use_end_with_the_last_that_is_not_0),
		cmocka_unit_test(no_bytes_at_all_may_be_null),
		cmocka_unit_test(a_write_that_does_not_fit_writes_nothing_and_is_remembered),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
