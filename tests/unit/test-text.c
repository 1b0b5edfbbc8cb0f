/* SPDX-License-Identifier: BSD-2-Clause */
#include "unit.h"

#include "base/text.h"

/* A literal with its length, so that it may hold a NUL. */
#define TEXT(literal) ((struct text){(literal), sizeof(literal) - 1})

static void assert_text(const char *expected, struct text seen)
{
	assert_int_equal(strlen(expected), seen.len);
	assert_memory_equal(expected, seen.at, seen.len);
}

static void a_line_ends_at_lf_or_crlf_and_the_last_needs_no_end(void **unused)
{
	struct text rest = TEXT("one\ntwo\r\n\n\rx\nlast"), line;

	assert_true(text_line(&rest, &line));
	assert_text("one", line);
	assert_true(text_line(&rest, &line));
	assert_text("two", line);
	assert_true(text_line(&rest, &line));
	assert_text("", line);
	assert_true(text_line(&rest, &line));
	assert_text("\rx", line);
	assert_true(text_line(&rest, &line));
	assert_text("last", line);
	assert_false(text_line(&rest, &line));
}

static void a_line_end_at_the_end_begins_no_new_line(void **unused)
{
	struct text rest = TEXT("one\n"), line;

	assert_true(text_line(&rest, &line));
	assert_false(text_line(&rest, &line));
}

static void fields_may_be_empty(void **unused)
{
	struct text rest = TEXT(",a,,b"), field;

	assert_true(text_field(&rest, ',', &field));
	assert_text("", field);
	assert_true(text_field(&rest, ',', &field));
	assert_text("a", field);
	assert_true(text_field(&rest, ',', &field));
	assert_text("", field);
	assert_true(text_field(&rest, ',', &field));
	assert_text("b", field);
	assert_false(text_field(&rest, ',', &field));
}

static void blanks_are_trimmed_at_both_ends_only(void **unused)
{
	assert_text("a \tb", text_trim(TEXT(" \ta \tb\t ")));
	assert_text("", text_trim(TEXT(" \t ")));
	assert_text("", text_trim(TEXT("")));
	assert_text("\na\r", text_trim(TEXT("\na\r")));
}

static void texts_are_equal_only_in_full(void **unused)
{
	assert_true(text_is(TEXT("window"), "window"));
	assert_true(text_is(TEXT(""), ""));
	assert_true(text_is((struct text){NULL, 0}, "")); /* under UBSan this shows a mistake */
	assert_false(text_is(TEXT("windo"), "window"));
	assert_false(text_is(TEXT("windows"), "window"));
	assert_false(text_is(TEXT("window\0"), "window"));
}

static void a_copy_fits_with_its_nul_or_changes_nothing(void **unused)
{
	char dst[4] = "old";

	assert_refused(RANGE, text_copy(TEXT("four"), dst, sizeof(dst)));
	assert_refused(FORMAT, text_copy(TEXT("a\0b"), dst, sizeof(dst)));
	assert_string_equal("old", dst);
	assert_ok(text_copy(TEXT("new"), dst, sizeof(dst)));
	assert_string_equal("new", dst);
	assert_ok(text_copy(TEXT(""), dst, 1));
	assert_string_equal("", dst);
}

static void a_number_is_digits_only(void **unused)
{
	const struct {
		struct text text;
		enum totp_err err;
		uint64_t number;
	} rows[] = {
		{TEXT("0"), TOTP_OK, 0},
		{TEXT("007"), TOTP_OK, 7},
		{TEXT("18446744073709551615"), TOTP_OK, UINT64_MAX},
		{TEXT("18446744073709551616"), TOTP_ERR_RANGE, 0},
		{TEXT("99999999999999999999999999999999"), TOTP_ERR_RANGE, 0},
		{TEXT(""), TOTP_ERR_FORMAT, 0},
		{TEXT("+1"), TOTP_ERR_FORMAT, 0},
		{TEXT("-1"), TOTP_ERR_FORMAT, 0},
		{TEXT(" 1"), TOTP_ERR_FORMAT, 0},
		{TEXT("1 "), TOTP_ERR_FORMAT, 0},
		{TEXT("1\0"), TOTP_ERR_FORMAT, 0},
		{TEXT("0x1"), TOTP_ERR_FORMAT, 0},
		{TEXT("1e3"), TOTP_ERR_FORMAT, 0},
		{TEXT("1.0"), TOTP_ERR_FORMAT, 0},
		{TEXT("99999999999999999999999999x"), TOTP_ERR_FORMAT, 0},
		{TEXT("\xd9\xa3"), TOTP_ERR_FORMAT, 0}, /* ARABIC-INDIC DIGIT THREE */
	};

	for (size_t i = 0; i < COUNT(rows); i++) {
		uint64_t number = 0;

		assert_int_equal(rows[i].err, text_number(rows[i].text, 0, UINT64_MAX, &number));
		assert_int_equal(rows[i].number, number);
	}
}

static void a_number_stays_in_its_range(void **unused)
{
	uint64_t number = 77;

	assert_refused(RANGE, text_number(TEXT("5"), 6, 8, &number));
	assert_refused(RANGE, text_number(TEXT("9"), 6, 8, &number));
	assert_int_equal(77, number);
	assert_ok(text_number(TEXT("6"), 6, 8, &number));
	assert_int_equal(6, number);
	assert_ok(text_number(TEXT("8"), 6, 8, &number));
	assert_int_equal(8, number);
}

static void a_duration_is_a_number_with_a_unit(void **unused)
{
	const struct {
		struct text text;
		enum totp_err err;
		uint32_t seconds;
	} rows[] = {
		{TEXT("0"), TOTP_OK, 0},
		{TEXT("90"), TOTP_OK, 90},
		{TEXT("90s"), TOTP_OK, 90},
		{TEXT("5m"), TOTP_OK, 300},
		{TEXT("6h"), TOTP_OK, 21600},
		{TEXT("2d"), TOTP_OK, 172800},
		{TEXT("4294967295"), TOTP_OK, UINT32_MAX},
		{TEXT("71582788m"), TOTP_OK, 4294967280},
		{TEXT("49710d"), TOTP_OK, 4294944000},
		{TEXT("4294967296"), TOTP_ERR_RANGE, 0},
		{TEXT("71582789m"), TOTP_ERR_RANGE, 0},
		{TEXT("49711d"), TOTP_ERR_RANGE, 0},
		{TEXT(""), TOTP_ERR_FORMAT, 0},
		{TEXT("m"), TOTP_ERR_FORMAT, 0},
		{TEXT("-5m"), TOTP_ERR_FORMAT, 0},
		{TEXT("5 m"), TOTP_ERR_FORMAT, 0},
		{TEXT("5M"), TOTP_ERR_FORMAT, 0},
		{TEXT("5ms"), TOTP_ERR_FORMAT, 0},
		{TEXT("1h30m"), TOTP_ERR_FORMAT, 0},
		{TEXT("5w"), TOTP_ERR_FORMAT, 0},
	};

	for (size_t i = 0; i < COUNT(rows); i++) {
		uint32_t seconds = 0;

		assert_int_equal(rows[i].err, text_duration(rows[i].text, 0, UINT32_MAX, &seconds));
		assert_int_equal(rows[i].seconds, seconds);
	}
}

static void a_duration_stays_in_its_range_in_seconds(void **unused)
{
	uint32_t seconds = 77;

	assert_refused(RANGE, text_duration(TEXT("59s"), 60, 90, &seconds));
	assert_refused(RANGE, text_duration(TEXT("2m"), 60, 90, &seconds));
	assert_refused(RANGE, text_duration(TEXT("0h"), 60, 90, &seconds));
	assert_int_equal(77, seconds);
	assert_ok(text_duration(TEXT("1m"), 60, 90, &seconds));
	assert_int_equal(60, seconds);
	assert_ok(text_duration(TEXT("90"), 60, 90, &seconds));
	assert_int_equal(90, seconds);
}

static void a_date_is_midnight_utc_of_a_day_that_exists(void **unused)
{
	const struct {
		struct text text;
		enum totp_err err;
		int64_t unix_time;
	} rows[] = {
		{TEXT("1970-01-01"), TOTP_OK, 0},
		{TEXT("1999-12-31"), TOTP_OK, 946598400},
		{TEXT("2000-02-29"), TOTP_OK, 951782400},
		{TEXT("2026-03-01"), TOTP_OK, 1772323200},
		{TEXT("2038-01-20"), TOTP_OK, 2147558400},
		{TEXT("2100-03-01"), TOTP_OK, 4107542400},
		{TEXT("9999-12-31"), TOTP_OK, 253402214400},
		{TEXT("1969-12-31"), TOTP_ERR_RANGE, 0},
		{TEXT("2023-02-29"), TOTP_ERR_RANGE, 0},
		{TEXT("2100-02-29"), TOTP_ERR_RANGE, 0},
		{TEXT("2024-04-31"), TOTP_ERR_RANGE, 0},
		{TEXT("2024-00-10"), TOTP_ERR_RANGE, 0},
		{TEXT("2024-13-01"), TOTP_ERR_RANGE, 0},
		{TEXT("2024-01-00"), TOTP_ERR_RANGE, 0},
		{TEXT("2024-01-32"), TOTP_ERR_RANGE, 0},
		{TEXT(""), TOTP_ERR_FORMAT, 0},
		{TEXT("2024-1-01"), TOTP_ERR_FORMAT, 0},
		{TEXT("2024-01-1"), TOTP_ERR_FORMAT, 0},
		{TEXT("2024/01/01"), TOTP_ERR_FORMAT, 0},
		{TEXT("20240101"), TOTP_ERR_FORMAT, 0},
		{TEXT("2024-01-011"), TOTP_ERR_FORMAT, 0},
		{TEXT("+024-01-01"), TOTP_ERR_FORMAT, 0},
		{TEXT("2024- 1-01"), TOTP_ERR_FORMAT, 0},
		{TEXT("01-01-2024"), TOTP_ERR_FORMAT, 0},
	};

	for (size_t i = 0; i < COUNT(rows); i++) {
		int64_t unix_time = 0;

		assert_int_equal(rows[i].err, text_date(rows[i].text, &unix_time));
		assert_int_equal(rows[i].unix_time, unix_time);
	}
}

static void every_day_of_430_years_is_written_as_it_is_read(void **unused)
{
	for (int64_t day = 0; day < 157000; day++) {
		int64_t unix_time = -1;
		char date[11];

		text_to_date(day * 86400 + 86399, date);
		assert_ok(text_date(text_of(date), &unix_time));
		assert_int_equal(day * 86400, unix_time);
	}
}

static void a_time_that_no_date_of_ten_characters_holds_is_written_as_zeros(void **unused)
{
	char date[11];

	text_to_date(253402300799, date);
	assert_string_equal("9999-12-31", date);
	text_to_date(253402300800, date);
	assert_string_equal("0000-00-00", date);
	text_to_date(INT64_MAX, date);
	assert_string_equal("0000-00-00", date);
	text_to_date(-1, date);
	assert_string_equal("0000-00-00", date);
	text_to_date(INT64_MIN, date);
	assert_string_equal("0000-00-00", date);
}

static void every_byte_is_the_same_after_hexadecimal_and_back(void **unused)
{
	uint8_t bytes[256], back[256] = {0};
	char text[513];

	for (size_t i = 0; i < sizeof(bytes); i++)
		bytes[i] = (uint8_t)i;
	text_to_hex(bytes, sizeof(bytes), text);
	assert_memory_equal("000102", text, 6);
	assert_string_equal("fdfeff", text + 506);
	assert_ok(text_hex(text_of(text), back, sizeof(back)));
	assert_memory_equal(bytes, back, sizeof(bytes));
}

static void hexadecimal_has_exactly_two_digits_a_byte(void **unused)
{
	uint8_t bytes[2] = {7, 7};

	assert_refused(FORMAT, text_hex(TEXT(""), bytes, 2));
	assert_refused(FORMAT, text_hex(TEXT("abc"), bytes, 2));
	assert_refused(FORMAT, text_hex(TEXT("abcde"), bytes, 2));
	assert_refused(FORMAT, text_hex(TEXT("abcg"), bytes, 2));
	assert_refused(FORMAT, text_hex(TEXT("0x1f"), bytes, 2));
	assert_refused(FORMAT, text_hex(TEXT("ab:c"), bytes, 2));
	assert_int_equal(7, bytes[0]);
	assert_ok(text_hex(TEXT("aBCd"), bytes, 2));
	assert_int_equal(0xab, bytes[0]);
	assert_int_equal(0xcd, bytes[1]);
}

static void clean_text_is_shortest_utf8_without_controls(void **unused)
{
	const struct {
		bool clean;
		struct text text;
	} rows[] = {
		{true, TEXT("")},
		{true, TEXT(" ~")},
		{true, TEXT("Zo\xc3\xab")},
		{true, TEXT("\xe6\x97\xa5\xe6\x9c\xac")},
		{true, TEXT("\xc2\xa0")},         /* U+00A0, the first after the controls */
		{true, TEXT("\xed\x9f\xbf")},     /* U+D7FF, the last before the surrogates */
		{true, TEXT("\xee\x80\x80")},     /* U+E000, the first after them */
		{true, TEXT("\xf4\x8f\xbf\xbf")}, /* U+10FFFF */
		{false, TEXT("\0")},
		{false, TEXT("a\nb")},
		{false, TEXT("\x1b[2J")},
		{false, TEXT("\x7f")},
		{false, TEXT("\xc2\x80")},         /* U+0080 */
		{false, TEXT("\xc2\x9f")},         /* U+009F */
		{false, TEXT("\xc0\xaf")},         /* '/' in two bytes */
		{false, TEXT("\xc1\xbf")},         /* U+007F in two */
		{false, TEXT("\xe0\x9f\xbf")},     /* U+07FF in three */
		{false, TEXT("\xf0\x8f\xbf\xbf")}, /* U+FFFF in four */
		{false, TEXT("\xed\xa0\x80")},     /* U+D800 */
		{false, TEXT("\xed\xbf\xbf")},     /* U+DFFF */
		{false, TEXT("\xf4\x90\x80\x80")}, /* U+110000 */
		{false, TEXT("\xf8\x88\x80\x80\x80")},
		{false, TEXT("\xff")},
		{false, TEXT("\x80")}, /* a continuation alone */
		{false, TEXT("\xc3")}, /* cut short */
		{false, TEXT("\xe6\x97")},
		{false, TEXT("\xf4\x8f\xbf")},
		{false, TEXT("\xc3(")}, /* no continuation */
		{false, TEXT("\xe6\x97(")},
	};

	for (size_t i = 0; i < COUNT(rows); i++)
		assert_int_equal(rows[i].clean, text_is_clean(rows[i].text));
}

static void a_sequence_never_reaches_past_the_slice(void **unused)
{
	static const char whole[] = "\xe6\x97\xa5";

	assert_true(text_is_clean((struct text){whole, 3}));
	assert_false(text_is_clean((struct text){whole, 2}));
	assert_false(text_is_clean((struct text){whole, 1}));
}

static void clean_text_is_shown_as_it_is(void **unused)
{
	char seen[8];

	text_show(TEXT("zo\xc3\xab"), seen, sizeof(seen));
	assert_string_equal("zo\xc3\xab", seen);
	text_show(TEXT("zo\xc3"), seen, sizeof(seen));
	assert_string_equal("zo?", seen);
	text_show(TEXT("a\x1b[2J"), seen, sizeof(seen));
	assert_string_equal("a?[2J", seen);
	text_show(TEXT("seven b"), seen, sizeof(seen));
	assert_string_equal("seven b", seen);
	/* one that does not fit is not cut inside of a character */
	text_show(TEXT("sevens\xc3\xab"), seen, sizeof(seen));
	assert_string_equal("sevens?", seen);
}

static void printed_text_is_harmless_ascii(void **unused)
{
	char all[256], seen[257];

	for (size_t i = 0; i < sizeof(all); i++)
		all[i] = (char)i;
	text_printable((struct text){all, sizeof(all)}, seen, sizeof(seen));
	assert_int_equal(sizeof(all), strlen(seen));
	for (size_t i = 0; i < sizeof(all); i++)
		assert_int_equal(i >= ' ' && i <= '~' && i != '"' && i != '\\' ? i : '?', seen[i]);
}

static void printed_text_is_cut_at_the_size_of_the_buffer(void **unused)
{
	char seen[4] = "xxx";

	text_printable(TEXT("abcdef"), seen, sizeof(seen));
	assert_string_equal("abc", seen);
	text_printable(TEXT("abcdef"), seen, 1);
	assert_string_equal("", seen);
	text_printable(TEXT(""), seen, sizeof(seen));
	assert_string_equal("", seen);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_line_ends_at_lf_or_crlf_and_the_last_needs_no_end),
		cmocka_unit_test(a_line_end_at_the_end_begins_no_new_line),
		cmocka_unit_test(fields_may_be_empty),
		cmocka_unit_test(blanks_are_trimmed_at_both_ends_only),
		cmocka_unit_test(texts_are_equal_only_in_full),
		cmocka_unit_test(a_copy_fits_with_its_nul_or_changes_nothing),
		cmocka_unit_test(a_number_is_digits_only),
		cmocka_unit_test(a_number_stays_in_its_range),
		cmocka_unit_test(a_duration_is_a_number_with_a_unit),
		cmocka_unit_test(a_duration_stays_in_its_range_in_seconds),
		cmocka_unit_test(a_date_is_midnight_utc_of_a_day_that_exists),
		cmocka_unit_test(every_day_of_430_years_is_written_as_it_is_read),
		cmocka_unit_test(a_time_that_no_date_of_ten_characters_holds_is_written_as_zeros),
		cmocka_unit_test(every_byte_is_the_same_after_hexadecimal_and_back),
		cmocka_unit_test(hexadecimal_has_exactly_two_digits_a_byte),
		cmocka_unit_test(clean_text_is_shortest_utf8_without_controls),
		cmocka_unit_test(a_sequence_never_reaches_past_the_slice),
		cmocka_unit_test(clean_text_is_shown_as_it_is),
		cmocka_unit_test(printed_text_is_harmless_ascii),
		cmocka_unit_test(printed_text_is_cut_at_the_size_of_the_buffer),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
