/* SPDX-License-Identifier: BSD-2-Clause */
#include "unit.h"

#include "base/text.h"
#include "import/pskc.h"

#define NOW    1800000000
#define PSKC   "urn:ietf:params:xml:ns:keyprov:pskc:"
#define SECRET "MTIzNDU2Nzg5MDEyMzQ1Njc4OTA=" /* 12345678901234567890, as in RFC 6030 */

/* Figure 2 of RFC 6030 section 4.1, with a user. */
static struct pskc_texts hotp_texts(void)
{
	return (struct pskc_texts){.algorithm = text_of(PSKC "hotp"),
				   .length = text_of("8"),
				   .encoding = text_of("DECIMAL"),
				   .secret = text_of(SECRET),
				   .counter = text_of("0"),
				   .serial = text_of("987654321"),
				   .user = text_of("alice")};
}

static struct pskc_texts totp_texts(void)
{
	struct pskc_texts texts = hotp_texts();

	texts.algorithm = text_of(PSKC "totp");
	texts.counter = text_of("");
	return texts;
}

static struct imported pskc_of(const struct pskc_texts *texts)
{
	struct reason why = {""};
	struct imported pskc;

	if (pskc_decode(texts, NULL, &pskc, &why) != TOTP_OK)
		fail_msg("%s", why.text);
	return pskc;
}

static void assert_refusal(enum totp_err expected, const char *about,
			   const struct pskc_texts *texts)
{
	struct reason why = {""};
	struct imported pskc;

	assert_int_equal(expected, pskc_decode(texts, NULL, &pskc, &why));
	assert_memory_equal(about, why.text, strlen(about));
	assert_wiped(pskc);
}

static void a_counter_based_key_becomes_a_token(void **unused)
{
	struct pskc_texts texts = hotp_texts();
	struct imported pskc = pskc_of(&texts);

	assert_int_equal(TOKEN_HOTP, pskc.token.type);
	assert_int_equal(HMAC_SHA1, pskc.token.alg);
	assert_int_equal(8, pskc.token.digits);
	assert_int_equal(0, pskc.token.period);
	assert_int_equal(0, pskc.moving);
	assert_string_equal("987654321", pskc.token.label);
	assert_string_equal("alice", pskc.user);
	assert_int_equal(20, pskc.token.secret.len);
	assert_memory_equal("12345678901234567890", pskc.token.secret.data, 20);
	texts.counter = text_of(" 42\n");
	assert_int_equal(42, pskc_of(&texts).moving);
}

static void a_time_based_key_becomes_a_token(void **unused)
{
	struct pskc_texts texts = totp_texts();
	struct imported pskc = pskc_of(&texts);

	assert_int_equal(TOKEN_TOTP, pskc.token.type);
	assert_int_equal(30, pskc.token.period);
	assert_int_equal(0, pskc.token.offset);
	assert_int_equal(0, pskc.moving);
	texts.interval = text_of("60");
	texts.time = text_of("1000");
	texts.drift = text_of("-4");
	texts.suite = text_of("HMAC-SHA256");
	texts.length = text_of("");
	texts.encoding = text_of("");
	pskc = pskc_of(&texts);
	assert_int_equal(60, pskc.token.period);
	assert_int_equal(1000, pskc.moving);
	assert_int_equal(-4, pskc.token.offset);
	assert_int_equal(HMAC_SHA256, pskc.token.alg);
	assert_int_equal(6, pskc.token.digits);
	texts.drift = text_of("4");
	assert_int_equal(4, pskc_of(&texts).token.offset);
}

static void base64_may_span_lines(void **unused)
{
	struct pskc_texts texts = hotp_texts();

	texts.secret = text_of("\n  MTIzNDU2Nzg5\n  MDEyMzQ1Njc4OTA=\n");
	assert_int_equal(20, pskc_of(&texts).token.secret.len);
	texts.secret = text_of("MTIzNDU2Nzg5MDEyMzQ1Njc4OTAx"); /* 21 bytes: no padding */
	assert_int_equal(21, pskc_of(&texts).token.secret.len);
	texts.secret = text_of("MTIzNDU2Nzg5MA==");
	assert_int_equal(10, pskc_of(&texts).token.secret.len);
}

static void the_user_is_the_uid_of_a_distinguished_name(void **unused)
{
	static const struct {
		const char *text, *user;
	} rows[] = {
		{"UID=jsmith,DC=example-bank,DC=net", "jsmith"}, /* RFC 6030, figure 5 */
		{"DC=example, uid = jsmith ", "jsmith"},
		{"CN=John Smith,DC=example", ""},
		{"John Smith,UID=jsmith", "jsmith"},
		{",UID=jsmith", "jsmith"},
		{" jsmith\n", "jsmith"},
		{"", ""},
	};

	for (size_t i = 0; i < COUNT(rows); i++) {
		struct pskc_texts texts = hotp_texts();

		texts.user = text_of(rows[i].text);
		assert_string_equal(rows[i].user, pskc_of(&texts).user);
	}
}

static void a_serial_number_that_is_no_label_is_left_out(void **unused)
{
	struct pskc_texts texts = hotp_texts();

	texts.serial = text_of("a serial number of more than thirty-two characters");
	assert_string_equal("", pskc_of(&texts).token.label);
	texts.serial = text_of("");
	assert_string_equal("", pskc_of(&texts).token.label);
}

static void a_malformed_key_is_rejected_and_its_element_named(void **unused)
{
	static const struct {
		size_t member;
		const char *text;
		enum totp_err err;
		const char *about;
	} rows[] = {
#define OF(member) offsetof(struct pskc_texts, member)
		{OF(algorithm), "", TOTP_ERR_UNSUPPORTED, "Algorithm"},
		{OF(algorithm), PSKC "pin", TOTP_ERR_UNSUPPORTED, "Algorithm"},
		{OF(suite), "HMAC-MD5", TOTP_ERR_UNSUPPORTED, "Suite"},
		{OF(length), "10", TOTP_ERR_RANGE, "ResponseFormat"},
		{OF(length), "six", TOTP_ERR_RANGE, "ResponseFormat"},
		{OF(encoding), "HEXADECIMAL", TOTP_ERR_UNSUPPORTED, "ResponseFormat"},
		{OF(check), "true", TOTP_ERR_UNSUPPORTED, "ResponseFormat"},
		{OF(check), "1", TOTP_ERR_UNSUPPORTED, "ResponseFormat"},
		{OF(secret), "", TOTP_ERR_RANGE, "Secret"},
		{OF(secret), "MTIzNDU2Nzg5", TOTP_ERR_RANGE, "Secret"}, /* 9 bytes */
		{OF(secret), "MTIzNDU2Nzg5MDEyMzQ1Njc4OTA", TOTP_ERR_FORMAT, "Secret"},
		{OF(secret), "MTIzNDU2Nzg5MDEyMzQ1Njc4OTB=", TOTP_ERR_FORMAT, "Secret"},
		{OF(secret), "MTIzNDU2Nzg5M===", TOTP_ERR_FORMAT, "Secret"},
		{OF(secret), "MTIz=NDU2Nzg5MDEyMzQ1Njc4OTA", TOTP_ERR_FORMAT, "Secret"},
		{OF(secret), "31323334353637383930-", TOTP_ERR_FORMAT, "Secret"},
		{OF(interval), "10", TOTP_ERR_RANGE, "TimeInterval"},
		{OF(interval), "301", TOTP_ERR_RANGE, "TimeInterval"},
		{OF(time), "-1", TOTP_ERR_RANGE, "Time:"},
		{OF(drift), "5761", TOTP_ERR_RANGE, "TimeDrift"},
		{OF(drift), "-", TOTP_ERR_RANGE, "TimeDrift"},
		{OF(drift), "+-1", TOTP_ERR_RANGE, "TimeDrift"},
		{OF(user), "al\x01ice", TOTP_ERR_FORMAT, "UserId"},
#undef OF
	};

	for (size_t i = 0; i < COUNT(rows); i++) {
		struct pskc_texts texts = totp_texts();

		*(struct text *)(void *)((char *)&texts + rows[i].member) = text_of(rows[i].text);
		assert_refusal(rows[i].err, rows[i].about, &texts);
	}
}

/* As drafts of the RFC have it: the bytes of the number, the highest first. */
static void a_number_may_be_bytes_in_base64(void **unused)
{
	struct pskc_texts texts = hotp_texts();

	texts.counter = text_of("AQI=");
	assert_int_equal(0x0102, pskc_of(&texts).moving);
	texts.counter = text_of("AQAAAAA="); /* 2^32 */
	assert_refusal(TOTP_ERR_RANGE, "Counter", &texts);
	texts.counter = text_of("AAAAAAAAAAAA="); /* nine bytes and a half */
	assert_refusal(TOTP_ERR_RANGE, "Counter", &texts);
	texts.counter = text_of("AAAAAAAAAAAB"); /* nine bytes */
	assert_refusal(TOTP_ERR_RANGE, "Counter", &texts);
	texts.counter = text_of("A=B=");
	assert_refusal(TOTP_ERR_RANGE, "Counter", &texts);
}

static void a_counter_fits_32_bits(void **unused)
{
	struct pskc_texts texts = hotp_texts();

	texts.counter = text_of("4294967295");
	assert_int_equal(UINT32_MAX, pskc_of(&texts).moving);
	texts.counter = text_of("4294967296");
	assert_refusal(TOTP_ERR_RANGE, "Counter", &texts);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_counter_based_key_becomes_a_token),
		cmocka_unit_test(a_time_based_key_becomes_a_token),
		cmocka_unit_test(base64_may_span_lines),
		cmocka_unit_test(the_user_is_the_uid_of_a_distinguished_name),
		cmocka_unit_test(a_serial_number_that_is_no_label_is_left_out),
		cmocka_unit_test(a_malformed_key_is_rejected_and_its_element_named),
		cmocka_unit_test(a_number_may_be_bytes_in_base64),
		cmocka_unit_test(a_counter_fits_32_bits),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
