/* SPDX-License-Identifier: BSD-2-Clause */
#include "base/text.h"

#include <stdio.h>
#include <string.h>

struct text text_of(const char *string)
{
	return (struct text){.at = string, .len = strlen(string)};
}

bool text_field(struct text *rest, char separator, struct text *ret_field)
{
	const char *end;

	if (rest->len == 0)
		return false;

	end = memchr(rest->at, separator, rest->len);
	*ret_field = *rest;
	if (!end) {
		rest->at += rest->len;
		rest->len = 0;
		return true;
	}
	ret_field->len = (size_t)(end - rest->at);
	rest->at += ret_field->len + 1;
	rest->len -= ret_field->len + 1;
	return true;
}

bool text_line(struct text *rest, struct text *ret_line)
{
	if (!text_field(rest, '\n', ret_line))
		return false;
	if (ret_line->len && ret_line->at[ret_line->len - 1] == '\r')
		ret_line->len--;
	return true;
}

static bool is_blank(char c)
{
	return c == ' ' || c == '\t';
}

struct text text_trim(struct text text)
{
	while (text.len && is_blank(text.at[0])) {
		text.at++;
		text.len--;
	}
	while (text.len && is_blank(text.at[text.len - 1]))
		text.len--;
	return text;
}

bool text_is(struct text text, const char *string)
{
	/* an empty text may point nowhere */
	return text.len == strlen(string) &&
	       (text.len == 0 || memcmp(text.at, string, text.len) == 0);
}

enum totp_err text_copy(struct text text, char *dst, size_t cap)
{
	if (text.len >= cap)
		return TOTP_ERR_RANGE;
	if (text.len && memchr(text.at, '\0', text.len))
		return TOTP_ERR_FORMAT;

	if (text.len)
		memcpy(dst, text.at, text.len);
	dst[text.len] = '\0';
	return TOTP_OK;
}

enum totp_err text_number(struct text text, uint64_t min, uint64_t max, uint64_t *ret_number)
{
	uint64_t number = 0;

	if (text.len == 0)
		return TOTP_ERR_FORMAT;
	for (size_t i = 0; i < text.len; i++)
		if (text.at[i] < '0' || text.at[i] > '9')
			return TOTP_ERR_FORMAT;

	for (size_t i = 0; i < text.len; i++) {
		uint64_t digit = (uint64_t)(text.at[i] - '0');

		if (number > (UINT64_MAX - digit) / 10)
			return TOTP_ERR_RANGE;
		number = number * 10 + digit;
	}
	if (number < min || number > max)
		return TOTP_ERR_RANGE;

	*ret_number = number;
	return TOTP_OK;
}

static int hex_value(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	return -1;
}

enum totp_err text_hex(struct text text, void *ret_bytes, size_t len)
{
	uint8_t *out = ret_bytes;

	if (text.len != 2 * len)
		return TOTP_ERR_FORMAT;
	for (size_t i = 0; i < text.len; i++)
		if (hex_value(text.at[i]) < 0)
			return TOTP_ERR_FORMAT;

	for (size_t i = 0; i < len; i++)
		out[i] = (uint8_t)((unsigned)hex_value(text.at[2 * i]) << 4 |
				   (unsigned)hex_value(text.at[2 * i + 1]));
	return TOTP_OK;
}

void text_to_hex(const void *bytes, size_t len, char *ret_string)
{
	static const char digits[] = "0123456789abcdef";
	const uint8_t *in = bytes;

	for (size_t i = 0; i < len; i++) {
		ret_string[2 * i] = digits[in[i] >> 4];
		ret_string[2 * i + 1] = digits[in[i] & 15];
	}
	ret_string[2 * len] = '\0';
}

static uint32_t unit_seconds(char unit)
{
	return unit == 's' ? 1 : unit == 'm' ? 60 : unit == 'h' ? 3600 : unit == 'd' ? 86400 : 0;
}

enum totp_err text_duration(struct text text, uint32_t min, uint32_t max, uint32_t *ret_seconds)
{
	uint32_t unit = text.len ? unit_seconds(text.at[text.len - 1]) : 0;
	uint64_t number = 0;
	enum totp_err err;

	if (unit)
		text.len--;
	else
		unit = 1;
	err = text_number(text, 0, max / unit, &number);
	if (err != TOTP_OK)
		return err;
	if (number * unit < min)
		return TOTP_ERR_RANGE;

	*ret_seconds = (uint32_t)(number * unit);
	return TOTP_OK;
}

static bool is_leap(int64_t year)
{
	return (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
}

static int64_t month_days(int64_t year, int64_t month)
{
	static const int64_t days[12] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};

	return month == 2 && is_leap(year) ? 29 : days[month - 1];
}

/* Days from 1970-01-01 to 1 January of year: 365 for each, and a day for each leap year. */
static int64_t year_days(int64_t year)
{
	int64_t before = year - 1;

	return (year - 1970) * 365 + (before / 4 - before / 100 + before / 400) -
	       (1969 / 4 - 1969 / 100 + 1969 / 400);
}

enum totp_err text_date(struct text text, int64_t *ret_unix_time)
{
	uint64_t year = 0, month = 0, day = 0;
	int64_t days;
	enum totp_err err;

	if (text.len != 10 || text.at[4] != '-' || text.at[7] != '-')
		return TOTP_ERR_FORMAT;
	err = text_number((struct text){text.at, 4}, 1970, 9999, &year);
	if (err == TOTP_OK)
		err = text_number((struct text){text.at + 5, 2}, 1, 12, &month);
	if (err == TOTP_OK)
		err = text_number((struct text){text.at + 8, 2}, 1,
				  (uint64_t)month_days((int64_t)year, (int64_t)month), &day);
	if (err != TOTP_OK)
		return err;

	days = year_days((int64_t)year) + (int64_t)day - 1;
	for (int64_t m = 1; m < (int64_t)month; m++)
		days += month_days((int64_t)year, m);
	*ret_unix_time = days * 86400;
	return TOTP_OK;
}

void text_to_date(int64_t unix_time, char ret_date[11])
{
	int64_t days = unix_time / 86400, year = 1970 + days / 366, month = 1;

	if (unix_time < 0 || days >= year_days(10000)) {
		memcpy(ret_date, "0000-00-00", 11);
		return;
	}
	while (year_days(year + 1) <= days)
		year++;
	days -= year_days(year);
	while (days >= month_days(year, month))
		days -= month_days(year, month++);

	(void)!snprintf(ret_date, 11, "%04u-%02u-%02u", (unsigned)year % 10000,
			(unsigned)month % 100, (unsigned)(days + 1) % 100);
}

/* Decode one UTF-8 sequence at the start of text; its length, or 0 if it is not one. */
static size_t utf8_sequence(struct text text, uint32_t *ret_point)
{
	static const uint32_t smallest[5] = {0, 0, 0x80, 0x800, 0x10000};
	uint8_t lead = (uint8_t)text.at[0];
	size_t len = lead < 0x80       ? 1
		     : lead >> 5 == 6  ? 2
		     : lead >> 4 == 14 ? 3
		     : lead >> 3 == 30 ? 4
				       : 0;
	uint32_t point = len == 1 ? lead : lead & (0x7fu >> len);

	if (len == 0 || len > text.len)
		return 0;
	for (size_t i = 1; i < len; i++) {
		if (((uint8_t)text.at[i] & 0xc0) != 0x80)
			return 0;
		point = point << 6 | ((uint8_t)text.at[i] & 0x3f);
	}
	*ret_point = point;
	return point >= smallest[len] && point <= 0x10ffff && point >> 11 != 0x1b ? len : 0;
}

bool text_is_clean(struct text text)
{
	while (text.len) {
		uint32_t point = 0;
		size_t len = utf8_sequence(text, &point);

		if (len == 0 || point < 0x20 || (point >= 0x7f && point <= 0x9f))
			return false;
		text.at += len;
		text.len -= len;
	}
	return true;
}

uint64_t text_hash(const char *string)
{
	uint64_t hash = 0xcbf29ce484222325u;

	for (; *string; string++)
		hash = (hash ^ (uint8_t)*string) * 0x100000001b3u;
	return hash;
}

void text_printable(struct text text, char *dst, size_t cap)
{
	size_t len = text.len < cap - 1 ? text.len : cap - 1;

	for (size_t i = 0; i < len; i++) {
		char c = text.at[i];

		dst[i] = c >= ' ' && c <= '~' && c != '"' && c != '\\' ? c : '?';
	}
	dst[len] = '\0';
}

void text_show(struct text text, char *dst, size_t cap)
{
	if (!text_is_clean(text) || text_copy(text, dst, cap) != TOTP_OK)
		text_printable(text, dst, cap);
}
