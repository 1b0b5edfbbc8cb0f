#include "enroll/secret_json.h"

#include <unistd.h>

#include "base/io.h"
#include "common/json.h"

static void put_codes(struct json *json, const struct recovery_code *codes, unsigned count)
{
	char shown[RECOVERY_SHOWN_MAX];

	json_open(json, "recovery_codes", '[');
	for (unsigned i = 0; i < count; i++) {
		recovery_show(&codes[i], shown);
		json_text(json, NULL, shown);
	}
	json_close(json, ']');
	WIPE(shown);
}

enum totp_err secret_json_show(const struct otp_uri *uri, const char *user, const char *label,
			       const struct recovery_code *codes, unsigned count)
{
	char line[8192], text[URI_TEXT_MAX];
	struct json json = json_of(line, sizeof(line));
	enum totp_err err = uri_write(uri, text);

	json_open(&json, NULL, '{');
	json_text(&json, "user", user);
	json_text(&json, "issuer", uri->issuer);
	json_text(&json, "account", uri->account);
	json_text(&json, "label", label);
	json_text(&json, "type", uri->hotp ? "hotp" : "totp");
	json_text(&json, "algorithm", uri_algorithm_name(uri->alg));
	json_number(&json, "digits", uri->digits);
	if (uri->hotp)
		json_number(&json, "counter", uri->counter);
	else
		json_number(&json, "period", uri->period);
	put_codes(&json, codes, count);
	json_text(&json, "uri", text);
	base32_encode(&uri->secret, text);
	json_text(&json, "secret", text);
	json_close(&json, '}');
	if (err == TOTP_OK)
		err = json_end(&json);
	if (err == TOTP_OK)
		err = io_write(STDOUT_FILENO, line, json.out.len);
	WIPE(line);
	WIPE(text);
	return err;
}
