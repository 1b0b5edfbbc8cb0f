/* SPDX-License-Identifier: BSD-2-Clause */
/* tests/tools/test_fleet_cert.py reads the certificates with another program. */
#include "unit.h"

#include <openssl/err.h>

#include "base/authority.h"
#include "base/certificate.h"

#define FROM  INT64_C(1800000000)
#define UNTIL (FROM + 86400 * 400)

static struct piece of(const struct pem *pem)
{
	return (struct piece){pem->text, pem->len};
}

static int64_t end_of(const struct pem *pem)
{
	int64_t end = 0;

	assert_ok(certificate_end(of(pem), &end));
	return end;
}

static struct authority *authority_until(int64_t until, struct pem *ret_certificate)
{
	struct authority *authority = NULL;
	struct pem key;

	assert_ok(authority_make("test", FROM, until, &key, ret_certificate));
	assert_ok(authority_read(of(ret_certificate), of(&key), &authority));
	assert_int_equal(until, authority_end(authority));
	return authority;
}

static void a_certificate_ends_when_it_was_asked_for_or_with_its_authority(void **unused)
{
	const char *const names[] = {"v1", "192.0.2.7", "2001:db8::7"};
	struct cert_wish wish = {"v1", names, 3, CERT_SERVER, FROM, UNTIL - 1};
	struct pem ca, key, certificate;
	OWN_AUTHORITY struct authority *authority = authority_until(UNTIL, &ca);

	assert_ok(authority_issue(authority, &wish, &key, &certificate));
	assert_int_equal(UNTIL - 1, end_of(&certificate));
	wish.until = UNTIL + 1;
	assert_ok(authority_issue(authority, &wish, &key, &certificate));
	assert_int_equal(UNTIL, end_of(&certificate));
	/* after 2050 X.509 writes dates in another way, and some hosts count to 2038 */
	assert_ok(authority_make("test", FROM, INT64_C(4000000000), &key, &ca));
	assert_int_equal(INT64_C(4000000000), end_of(&ca));
}

static void a_renewal_keeps_what_follows_the_certificate(void **unused)
{
	const struct cert_wish wish = {"v1", NULL, 0, CERT_CLIENT, FROM, FROM + 100};
	struct pem ca, key, certificate, renewed;
	OWN_AUTHORITY struct authority *authority = authority_until(UNTIL, &ca);

	assert_ok(authority_issue(authority, &wish, &key, &certificate));
	memcpy(certificate.text + certificate.len, key.text, key.len);
	certificate.len += key.len;
	assert_ok(authority_renew(authority, of(&certificate), FROM, FROM + 200, &renewed));
	assert_int_equal(FROM + 200, end_of(&renewed));
	assert_true(renewed.len > key.len);
	assert_memory_equal(key.text, renewed.text + renewed.len - key.len, key.len);

	assert_ok(authority_renew(authority, of(&certificate), FROM, UNTIL + 1, &renewed));
	assert_int_equal(UNTIL, end_of(&renewed));
	/* its own is the one that may end later */
	assert_ok(authority_renew(authority, of(&ca), FROM, UNTIL + 1, &renewed));
	assert_int_equal(UNTIL + 1, end_of(&renewed));
}

static void an_end_after_the_year_9999_is_an_error(void **unused)
{
	const int64_t until = INT64_C(316000000000); /* in the year 11983 */
	struct pem ca, key, certificate = {.len = 7};
	OWN_AUTHORITY struct authority *authority = authority_until(UNTIL, &ca);

	assert_refused(CRYPTO, authority_renew(authority, of(&ca), FROM, until, &certificate));
	assert_refused(CRYPTO, authority_make("test", FROM, until, &key, &certificate));
	assert_int_equal(7, certificate.len);
}

static void what_is_no_authority_or_not_its_own_is_rejected(void **unused)
{
	const struct cert_wish wish = {"v1", NULL, 0, CERT_CLIENT, FROM, UNTIL};
	struct pem ca, other_ca, key, certificate, renewed = {.len = 7};
	OWN_AUTHORITY struct authority *authority = authority_until(UNTIL, &ca);
	OWN_AUTHORITY struct authority *other = authority_until(UNTIL, &other_ca);
	struct authority *none = NULL;

	assert_ok(authority_issue(other, &wish, &key, &certificate));
	assert_refused(SEAL, authority_renew(authority, of(&certificate), FROM, UNTIL, &renewed));
	assert_refused(SEAL, authority_renew(authority, of(&other_ca), FROM, UNTIL, &renewed));
	assert_refused(FORMAT, authority_renew(authority, of(&key), FROM, UNTIL, &renewed));
	assert_int_equal(7, renewed.len);

	assert_refused(SEAL, authority_read(of(&ca), of(&key), &none));
	assert_refused(UNSUPPORTED, authority_read(of(&certificate), of(&key), &none));
	assert_refused(FORMAT, authority_read(of(&ca), of(&ca), &none));
	assert_refused(FORMAT, authority_read((struct piece){"", 0}, (struct piece){"", 0}, &none));
	assert_null(none);
	assert_int_equal(0, ERR_peek_error()); /* the program's queue stays as it was */
}

static void a_text_without_a_readable_certificate_has_no_end(void **unused)
{
	/* whose password is not asked for at the terminal */
	static const char encrypted[] = "-----BEGIN CERTIFICATE-----\n"
					"Proc-Type: 4,ENCRYPTED\n"
					"DEK-Info: AES-128-CBC,00112233445566778899AABBCCDDEEFF\n"
					"\n"
					"AAAAAAAAAAAAAAAAAAAAAA==\n"
					"-----END CERTIFICATE-----\n";
	static const char *const texts[] = {"", "none", encrypted};
	int64_t end = 7;

	for (size_t i = 0; i < COUNT(texts); i++)
		assert_refused(FORMAT,
			       certificate_end((struct piece){texts[i], strlen(texts[i])}, &end));
	assert_int_equal(7, end);
	assert_int_equal(0, ERR_peek_error());
}

static void more_names_than_fit_into_a_certificate_are_rejected(void **unused)
{
	static const char *names[200];
	const struct cert_wish wish = {"v1", names, COUNT(names), CERT_SERVER, FROM, UNTIL};
	struct pem ca, key, certificate;
	OWN_AUTHORITY struct authority *authority = authority_until(UNTIL, &ca);

	for (size_t i = 0; i < COUNT(names); i++)
		names[i] = "a-name-of-a-verifier.example.org";
	assert_refused(RANGE, authority_issue(authority, &wish, &key, &certificate));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_certificate_ends_when_it_was_asked_for_or_with_its_authority),
		cmocka_unit_test(a_renewal_keeps_what_follows_the_certificate),
		cmocka_unit_test(an_end_after_the_year_9999_is_an_error),
		cmocka_unit_test(what_is_no_authority_or_not_its_own_is_rejected),
		cmocka_unit_test(a_text_without_a_readable_certificate_has_no_end),
		cmocka_unit_test(more_names_than_fit_into_a_certificate_are_rejected),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
