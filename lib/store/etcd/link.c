/* SPDX-License-Identifier: BSD-2-Clause */
#include "store/etcd/link.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "store/etcd/answer.h"

#define URL_MAX 512

static size_t take_body(char *data, size_t size, size_t len, void *context)
{
	struct etcd_link *link = context;

	(void)size; /* is 1 */
	if (len > ETCD_ANSWER_MAX - link->body_len)
		return 0;
	while (link->body_room < link->body_len + len)
		if (!array_room(&link->body, link->body_room, &link->body_room, 1))
			return 0;
	memcpy(link->body + link->body_len, data, len);
	link->body_len += len;
	return len;
}

/*
 * Notice whether the status came in the trailers, after the empty line that ends the headers:
 * curl_easy_header(3) of libcurl 7.88 does not tell trailers of HTTP/2 from headers.
 */
static size_t take_header(char *data, size_t size, size_t len, void *context)
{
	struct etcd_link *link = context;
	struct text rest = {data, len}, name = {"", 0};

	(void)size; /* is 1 */
	(void)text_field(&rest, ':', &name);
	if (text_is(name, "\r\n"))
		link->in_trailers = true;
	else if (name.len > 5 && memcmp(name.at, "HTTP/", 5) == 0)
		link->in_trailers = link->is_whole = false;
	else if (text_is(name, "grpc-status"))
		link->is_whole = link->in_trailers;
	return len;
}

/* Each connection reads the files again: a CA that was replaced must not count for a day. */
static bool keep_no_ca(CURL *curl)
{
#if LIBCURL_VERSION_NUM >= 0x075700
	CURLcode code = curl_easy_setopt(curl, CURLOPT_CA_CACHE_TIMEOUT, 0L);

	return code == CURLE_OK || code == CURLE_NOT_BUILT_IN; /* then it keeps none */
#else
	(void)curl;
	return true;
#endif
}

static bool set_up_tls(CURL *curl, const struct etcd_identity *identity)
{
	return keep_no_ca(curl) &&
	       curl_easy_setopt(curl, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_3) == 0 &&
	       curl_easy_setopt(curl, CURLOPT_SSL_VERIFYPEER, 1L) == 0 &&
	       curl_easy_setopt(curl, CURLOPT_SSL_VERIFYHOST, 2L) == 0 &&
	       curl_easy_setopt(curl, CURLOPT_CAINFO, identity->ca) == 0 &&
	       curl_easy_setopt(curl, CURLOPT_CAPATH, NULL) == 0 &&
	       curl_easy_setopt(curl, CURLOPT_SSLCERT, identity->certificate) == 0 &&
	       curl_easy_setopt(curl, CURLOPT_SSLKEY, identity->key) == 0;
}

/* No proxy, redirection, cookie or name of a service that the environment or a member could set. */
static bool set_up_http(struct etcd_link *link)
{
	CURL *curl = link->curl;

	link->headers = curl_slist_append(NULL, "Content-Type: application/grpc");
	return link->headers && curl_slist_append(link->headers, "TE: trailers") &&
	       curl_slist_append(link->headers, "Expect:") &&
	       curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "https") == 0 &&
	       curl_easy_setopt(curl, CURLOPT_PROXY, "") == 0 &&
	       curl_easy_setopt(curl, CURLOPT_FOLLOWLOCATION, 0L) == 0 &&
	       curl_easy_setopt(curl, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_2TLS) == 0 &&
	       curl_easy_setopt(curl, CURLOPT_TCP_NODELAY, 1L) == 0 &&
	       curl_easy_setopt(curl, CURLOPT_ERRORBUFFER, link->error) == 0 &&
	       curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, take_body) == 0 &&
	       curl_easy_setopt(curl, CURLOPT_WRITEDATA, link) == 0 &&
	       curl_easy_setopt(curl, CURLOPT_HEADERFUNCTION, take_header) == 0 &&
	       curl_easy_setopt(curl, CURLOPT_HEADERDATA, link) == 0;
}

enum totp_err etcd_link_open(struct etcd_link *link, const struct etcd_identity *identity)
{
	*link = (struct etcd_link){.curl = NULL};
	/* some systems have a libcurl with less in it, which programs find by the same name */
	if (!(curl_version_info(CURLVERSION_NOW)->features & CURL_VERSION_HTTP2))
		return TOTP_ERR_UNSUPPORTED;
	link->curl = curl_easy_init();
	return link->curl && set_up_tls(link->curl, identity) && set_up_http(link) ? TOTP_OK
										   : TOTP_ERR_NOMEM;
}

void etcd_link_close(struct etcd_link *link)
{
	curl_easy_cleanup(link->curl);
	curl_slist_free_all(link->headers);
	free(link->body);
	*link = (struct etcd_link){.curl = NULL};
}

void etcd_link_drop(struct etcd_link *link)
{
	CURL *fresh = curl_easy_duphandle(link->curl);

	if (!fresh)
		return;
	curl_easy_cleanup(link->curl);
	link->curl = fresh;
}

static bool set_call(struct etcd_link *link, struct piece body)
{
	CURL *curl = link->curl;

	return curl_easy_setopt(curl, CURLOPT_HTTPHEADER, link->headers) == 0 &&
	       curl_easy_setopt(curl, CURLOPT_POSTFIELDSIZE, (long)body.len) == 0 &&
	       curl_easy_setopt(curl, CURLOPT_POSTFIELDS, body.at) == 0;
}

static bool set_get(struct etcd_link *link)
{
	return curl_easy_setopt(link->curl, CURLOPT_HTTPHEADER, NULL) == 0 &&
	       curl_easy_setopt(link->curl, CURLOPT_HTTPGET, 1L) == 0;
}

CURLcode etcd_link_ask(struct etcd_link *link, const struct etcd_question *question)
{
	CURL *curl = link->curl;
	char url[URL_MAX];

	link->body_len = 0;
	link->in_trailers = link->is_whole = false;
	link->error[0] = '\0';
	snprintf(url, sizeof(url), "%s%s", question->member, question->path);
	if (curl_easy_setopt(curl, CURLOPT_URL, url) != 0 ||
	    curl_easy_setopt(curl, CURLOPT_TIMEOUT_MS, (long)question->wait_ms) != 0 ||
	    !(question->body.len ? set_call(link, question->body) : set_get(link)))
		return CURLE_OUT_OF_MEMORY;
	return curl_easy_perform(curl);
}

/* A header or trailer that is there once; else empty. */
static struct text field_of(CURL *curl, const char *name)
{
	struct curl_header *header = NULL;

	if (curl_easy_header(curl, name, 0, CURLH_HEADER | CURLH_TRAILER, -1, &header) !=
		    CURLHE_OK ||
	    header->amount != 1)
		return (struct text){"", 0};
	return text_of(header->value);
}

enum totp_err etcd_link_response(const struct etcd_link *link, struct rpc_status *ret_status,
				 struct piece *ret_message)
{
	CURL *curl = link->curl;

	if (!text_is(field_of(curl, "content-type"), "application/grpc"))
		return TOTP_ERR_PEER;
	rpc_status(field_of(curl, "grpc-status"), field_of(curl, "grpc-message"), ret_status);
	if (ret_status->code == RPC_STATUS_NONE)
		return TOTP_ERR_PEER;
	if (ret_status->code == RPC_OK &&
	    (!link->is_whole ||
	     rpc_open((struct piece){link->body, link->body_len}, ret_message) != TOTP_OK))
		return TOTP_ERR_PEER;
	return TOTP_OK;
}
