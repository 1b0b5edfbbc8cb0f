/* SPDX-License-Identifier: BSD-2-Clause */
/* A client of etcd whose libcurl is another than the one that it was built with. */
#include "records.h"

#include <curl/curl.h>

#include "store/etcd/client.h"

static curl_version_info_data libcurl;

/* Instead of libcurl's own. */
curl_version_info_data *curl_version_info(CURLversion unused)
{
	(void)unused;
	return &libcurl;
}

static enum totp_err open_client(int features, struct reason *why)
{
	static const struct etcd_config config = {"https://192.0.2.1:2379", "/ca", "/crt", "/key"};
	struct etcd_client *client = NULL;
	enum totp_err err;

	libcurl.features = features;
	err = etcd_client_open(&config, &client, why);
	etcd_client_close(client);
	return err;
}

static void a_libcurl_without_http_2_is_named(void **unused)
{
	struct reason why = {""};

	assert_refused(UNSUPPORTED, open_client(CURL_VERSION_SSL, &why));
	assert_says("libcurl does not speak HTTP/2", why);
	assert_ok(open_client(CURL_VERSION_SSL | CURL_VERSION_HTTP2, &why));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_libcurl_without_http_2_is_named),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
