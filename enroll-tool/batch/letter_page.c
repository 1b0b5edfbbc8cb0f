#include "batch/letter_page.h"

#include <stdio.h>
#include <string.h>

#include "common/html.h"
#include "otp/base32.h"

static const char style[] =
	"</title>\n"
	"<style>\n"
	"@page { size: A4; margin: 22mm 24mm }\n"
	"* { box-sizing: border-box }\n"
	"html { background: #fff; color: #111; color-scheme: light }\n"
	"body { max-width: 162mm; margin: 0 auto; padding: 8mm 4mm;\n"
	"  font: 11.5pt/1.5 system-ui, \"Noto Sans\", \"DejaVu Sans\", Helvetica, Arial, "
	"sans-serif }\n"
	"@media print { body { padding: 0 } }\n"
	"h1 { font-size: 20pt; line-height: 1.25; margin: 0 0 7mm; overflow-wrap: anywhere }\n"
	".card { display: flex; gap: 9mm; align-items: center; border: .3mm solid #999;\n"
	"  border-radius: 3mm; padding: 6mm; break-inside: avoid }\n"
	"svg { flex: none; width: 62mm; height: 62mm; print-color-adjust: exact;\n"
	"  -webkit-print-color-adjust: exact }\n"
	"dl { margin: 0; min-width: 0 }\n"
	"dt { font-size: 9pt; color: #555; margin-top: 3.5mm }\n"
	"dt:first-child { margin-top: 0 }\n"
	"dd { margin: 0; overflow-wrap: anywhere }\n"
	".key { font: 13pt/1.45 \"DejaVu Sans Mono\", \"Noto Sans Mono\", Menlo, Consolas, "
	"monospace }\n"
	".key span { display: inline-block; margin-right: 2mm }\n"
	"ol { padding-left: 6mm; margin: 8mm 0 0 }\n"
	"li { margin-bottom: 3mm; overflow-wrap: anywhere }\n"
	"footer { margin-top: 10mm; font-size: 9pt; color: #555 }\n"
	"@media screen and (max-width: 34em) { .card { flex-direction: column } }\n"
	"</style>\n"
	"</head>\n"
	"<body>\n";

/* Where the codes are for: the issuer, or without one the account. */
static const char *service_name(const struct letter_page *letter)
{
	return letter->uri->issuer[0] ? letter->uri->issuer : letter->uri->account;
}

static void put_key(struct buffer *out, const struct secret *secret)
{
	char key[BASE32_TEXT_MAX];
	size_t len;

	base32_encode(secret, key);
	len = strlen(key);
	html_put(out, "<dt>Key, if you type it</dt>\n<dd class=\"key\">");
	for (size_t i = 0; i < len; i += 4) {
		html_put(out, i ? " <span>" : "<span>");
		buffer_copy(out, key + i, len - i < 4 ? len - i : 4);
		html_put(out, "</span>");
	}
	html_put(out, "</dd>\n");
	WIPE(key);
}

/* Nothing for the settings that an app assumes by itself. */
static void put_settings(struct buffer *out, const struct otp_uri *uri)
{
	char settings[80];

	if (uri->alg == HMAC_SHA1 && uri->digits == 6 && uri->period == 30)
		return;
	snprintf(settings, sizeof(settings), "%s, %u digits, %u seconds", crypto_alg_name(uri->alg),
		 uri->digits, (unsigned)uri->period);
	html_put(out, "<dt>Settings, if you type the key</dt>\n<dd>");
	html_put(out, settings);
	html_put(out, "</dd>\n");
}

static void put_card(struct buffer *out, const struct letter_page *letter, const struct qr *qr)
{
	html_put(out, "<div class=\"card\">\n");
	svg_put(out, qr);
	html_put(out, "<dl>\n<dt>Account</dt>\n<dd>");
	html_bdi(out, letter->uri->account);
	if (letter->uri->issuer[0]) {
		html_put(out, "</dd>\n<dt>Issuer</dt>\n<dd>");
		html_bdi(out, letter->uri->issuer);
	}
	html_put(out, "</dd>\n");
	put_key(out, &letter->uri->secret);
	put_settings(out, letter->uri);
	html_put(out, "</dl>\n</div>\n");
}

static void put_sentences(struct buffer *out, const struct letter_page *letter)
{
	char rhythm[80];

	html_put(out,
		 "<ol>\n"
		 "<li>Scan the picture with an authenticator app on your phone, or type the key "
		 "into it.</li>\n"
		 "<li>The app then shows a code of ");
	snprintf(rhythm, sizeof(rhythm), "%u digits, a new one every %u seconds",
		 letter->uri->digits, (unsigned)letter->uri->period);
	html_put(out, rhythm);
	html_put(out, ": type the one it shows when you log in as ");
	html_bdi(out, letter->user);
	html_put(out, " and are asked for a verification code.</li>\n");
	if (letter->must_confirm)
		html_put(out,
			 "<li>Until you have given a first code your enrollment is not confirmed, "
			 "and you may not be asked for one. Then log in and run <code>totp-enroll "
			 "test</code>, and type the code that the app shows.</li>\n");
	if (letter->help[0]) {
		html_put(out, "<li>If something does not work: ");
		html_name(out, letter->help);
		html_put(out, "</li>\n");
	}
	html_put(out,
		 "<li>Whoever has this letter has your codes: show it to nobody, and destroy it "
		 "once you have logged in.</li>\n"
		 "</ol>\n");
}

static void put_letter(struct buffer *out, const struct letter_page *letter, const struct qr *qr)
{
	char made[11];

	html_begin(out, "Verification codes for ");
	html_name(out, service_name(letter));
	html_put(out, style);
	html_put(out, "<h1>Your verification codes for ");
	html_bdi(out, service_name(letter));
	html_put(out, "</h1>\n");
	put_card(out, letter, qr);
	put_sentences(out, letter);
	text_to_date(letter->made, made);
	html_put(out, "<footer>");
	html_put(out, made);
	html_put(out, "</footer>\n</body>\n</html>\n");
}

enum totp_err letter_page_write(const struct letter_page *letter, char ret_text[LETTER_PAGE_MAX],
				size_t *ret_len, struct reason *why)
{
	static struct qr qr; /* large; wiped below */
	struct buffer out = buffer_of(ret_text, LETTER_PAGE_MAX);
	char uri[URI_TEXT_MAX];
	enum totp_err err = uri_write(letter->uri, uri);

	if (err == TOTP_OK)
		err = qr_encode(uri, &qr, why);
	WIPE(uri);
	if (err == TOTP_OK) {
		put_letter(&out, letter, &qr);
		err = buffer_end(&out);
	}
	qr_wipe(&qr);
	if (err == TOTP_OK)
		*ret_len = out.len;
	return err;
}
