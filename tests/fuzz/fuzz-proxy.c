/* SPDX-License-Identifier: BSD-2-Clause */
/* The input is a header of the PROXY protocol: what it names is a host's name, and its end is. */
#include "fuzz.h"

#include "login/proxy.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char host[PROXY_HOST_MAX + 1] = "untouched";
	size_t len = 0;
	enum totp_err known = proxy_length(data, size, &len);
	enum totp_err err = proxy_read(data, size, host);

	REQUIRE(known != TOTP_OK || len <= PROXY_HEADER_MAX);
	if (err != TOTP_OK) {
		REQUIRE(strcmp(host, "untouched") == 0);
		return 0;
	}
	REQUIRE(known == TOTP_OK && len == size);
	REQUIRE(host[0] && strlen(host) <= PROXY_HOST_MAX);
	REQUIRE(strspn(host, "abcdefghijklmnopqrstuvwxyz0123456789-_.") == strlen(host));
	return 0;
}
