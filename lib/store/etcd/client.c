/* SPDX-License-Identifier: BSD-2-Clause */
#include "store/etcd/client.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/io.h"
#include "store/etcd/link.h"

#define MS        UINT64_C(1000000) /* ns */
#define PAUSE_MS  50                /* after each member was tried */
#define DONE      200               /* HTTP's */
#define LEADER_MS 100               /* what a login waits to learn who leads */
#define FEW       8    /* answers: a program that asks more often looks for the leader… */
#define MANY      1024 /* …and again so much later, if a try failed */

struct etcd_client {
	struct etcd_link link;
	size_t member_count;
	size_t current;                            /* the member to ask next */
	char urls[ETCD_MEMBERS_MAX][ETCD_URL_MAX]; /* https://ADDRESS:PORT */
	uint64_t cluster;                          /* whose answers were read… */
	uint64_t revision;                         /* …and the latest revision that one had */
	uint64_t term;                             /* of the answers */
	unsigned later;                            /* so many answers later the leader is found */
	uint64_t leader;                           /* the member to ask; 0: any */
	size_t moves;                              /* from member to member, to find it */
};

static enum totp_err parse_endpoints(const char *endpoints, struct etcd_client *client,
				     struct reason *why)
{
	struct text rest = text_of(endpoints), url;

	while (text_field(&rest, ',', &url)) {
		url = text_trim(url);
		if (client->member_count == ETCD_MEMBERS_MAX)
			return reason_err(why, TOTP_ERR_FORMAT,
					  "more than %d endpoints of the store", ETCD_MEMBERS_MAX);
		if (url.len >= ETCD_URL_MAX || url.len <= 8 ||
		    strncmp(url.at, "https://", 8) != 0 || memchr(url.at + 8, '/', url.len - 8) ||
		    memchr(url.at, '@', url.len))
			return reason_err(why, TOTP_ERR_FORMAT,
					  "endpoint of the store: expected https://ADDRESS:PORT");
		snprintf(client->urls[client->member_count++], ETCD_URL_MAX, "%.*s", (int)url.len,
			 url.at);
	}
	if (!client->member_count)
		return reason_err(why, TOTP_ERR_FORMAT, "no endpoint of the store");
	return TOTP_OK;
}

enum totp_err etcd_client_open(const struct etcd_config *config, struct etcd_client **ret_client,
			       struct reason *why)
{
	struct etcd_client *client = calloc(1, sizeof(*client));
	enum totp_err err = client ? parse_endpoints(config->endpoints, client, why)
				   : TOTP_ERR_NOMEM;

	if (err == TOTP_OK)
		err = etcd_link_open(
			&client->link,
			&(struct etcd_identity){config->ca, config->certificate, config->key});
	if (err == TOTP_ERR_UNSUPPORTED)
		reason_set(why,
			   "libcurl does not speak HTTP/2, as etcd does: install one that does "
			   "(libcurl-minimal does not)");
	if (err == TOTP_ERR_NOMEM)
		reason_set(why, "%s", err_name(err));
	if (err != TOTP_OK) {
		etcd_client_close(client);
		return err;
	}
	*ret_client = client;
	return TOTP_OK;
}

struct etcd_client *etcd_client_close(struct etcd_client *client)
{
	if (!client)
		return NULL;
	etcd_link_close(&client->link);
	free(client);
	return NULL;
}

/* The address of the member that is asked, for a sentence. */
static const char *member_of(const struct etcd_client *client)
{
	return client->urls[client->current];
}

/* Ask the current member. body: of a call, or empty to GET. */
static CURLcode perform(struct etcd_client *client, const char *path, struct piece body,
			uint64_t wait_ms)
{
	const struct etcd_question question = {member_of(client), path, body, wait_ms};
	CURLcode code = etcd_link_ask(&client->link, &question);

	if (code != CURLE_OK)
		etcd_link_drop(&client->link);
	return code;
}

static enum totp_err explain_malformed(struct etcd_client *client, struct reason *why)
{
	etcd_link_drop(&client->link);
	return reason_err(why, TOTP_ERR_PEER, "%.120s: malformed answer", member_of(client));
}

/*
 * Look at what a member answered, to a call or a GET. TOTP_ERR_TIMEOUT: it could not do it;
 * TOTP_ERR_ARGUMENT: nor could another one; TOTP_ERR_PEER: a malformed answer.
 */
static enum totp_err see_response(struct etcd_client *client, bool get, struct piece *ret_message,
				  struct reason *why)
{
	struct rpc_status status;
	long http = 0;

	curl_easy_getinfo(client->link.curl, CURLINFO_RESPONSE_CODE, &http);
	if (http != DONE)
		return reason_err(why, TOTP_ERR_TIMEOUT, "%.120s: HTTP status %ld",
				  member_of(client), http);
	*ret_message = (struct piece){client->link.body, client->link.body_len};
	if (get)
		return TOTP_OK;
	if (etcd_link_response(&client->link, &status, ret_message) != TOTP_OK)
		return explain_malformed(client, why);
	if (status.code == RPC_OK)
		return TOTP_OK;
	return reason_err(
		why, status.code == RPC_INVALID_ARGUMENT ? TOTP_ERR_ARGUMENT : TOTP_ERR_TIMEOUT,
		"%.120s: gRPC status %u: %s", member_of(client), (unsigned)status.code,
		status.message);
}

/* One question under way. */
struct asking {
	struct etcd_client *client;
	const struct etcd_request *request;
	struct piece body;
	struct etcd_answer *answer;
	bool sent;  /* a member may have done it, or do it yet… */
	bool again; /* …and this is not the first try */
};

/* With TLS 1.3 a member that rejects our certificate does so after the connection is made. */
static const char *hint_of(CURLcode code)
{
	return code == CURLE_SEND_ERROR || code == CURLE_RECV_ERROR || code == CURLE_GOT_NOTHING ||
			       code == CURLE_HTTP2
		       ? ": does it accept our certificate?"
		       : "";
}

/* The member did not answer as HTTP has it. */
static enum totp_err explain_failure(struct asking *asking, CURLcode code, struct reason *why)
{
	struct etcd_client *client = asking->client;
	const char *cause = client->link.error[0] ? client->link.error : curl_easy_strerror(code);

	if ((code == CURLE_SSL_CERTPROBLEM || code == CURLE_SSL_CACERT_BADFILE) && !asking->sent)
		return reason_err(why, TOTP_ERR_SYSTEM,
				  "the certificate for the store cannot be used: %.120s", cause);
	if (code == CURLE_OPERATION_TIMEDOUT && asking->sent && why && why->text[0])
		return TOTP_ERR_TIMEOUT; /* what an earlier try met with says more */
	asking->sent = true;
	return reason_err(why, code == CURLE_WRITE_ERROR ? TOTP_ERR_PEER : TOTP_ERR_TIMEOUT,
			  "%.120s: %.120s%s", member_of(client), cause, hint_of(code));
}

/* Did it change the store? Then it made a revision of its own. */
static bool has_changed(const struct etcd_request *request, const struct etcd_answer *answer)
{
	const struct etcd_ops *ops = answer->succeeded ? &request->success : &request->failure;

	for (size_t i = 0; i < ops->count; i++)
		if (ops->ops[i].kind == ETCD_PUT ||
		    (ops->ops[i].kind == ETCD_DELETE && answer->results[i].count > 0))
			return true;
	return false;
}

/*
 * An answer to an earlier request, that came once more, may be older than what we have seen: a
 * transaction sees all that was done before it.
 */
static bool is_new(struct etcd_client *client, const struct etcd_request *request,
		   const struct etcd_answer *answer)
{
	uint64_t least = client->revision + (has_changed(request, answer) ? 1 : 0);

	if (answer->cluster == client->cluster && answer->revision < least)
		return false;
	client->cluster = answer->cluster;
	client->revision = answer->revision;
	return true;
}

static void move_on(struct etcd_client *client)
{
	client->current = (client->current + 1) % client->member_count;
}

/* It does not answer: any member will do for a while. */
static void forget_leader(struct etcd_client *client)
{
	client->leader = 0;
	client->later = MANY;
}

/* Which member leads? One that answered a moment ago says so. */
static uint64_t ask_for_leader(struct etcd_client *client, uint64_t deadline)
{
	struct piece message;
	uint64_t now = io_monotonic_ns(), left_ms = deadline > now ? (deadline - now) / MS : 0;

	if (left_ms < LEADER_MS) /* the login needs it */
		return 0;
	if (perform(client, RPC_STATUS, rpc_empty, LEADER_MS) != CURLE_OK ||
	    see_response(client, false, &message, NULL) != TOTP_OK)
		return 0;
	return etcd_answer_leader(message);
}

/*
 * The leader answers without asking another member first, so later requests are for it. After an
 * election another one leads.
 */
static void prefer_leader(struct etcd_client *client, const struct etcd_answer *answer,
			  uint64_t deadline)
{
	if (client->member_count == 1)
		return;
	if (answer->term != client->term) {
		client->term = answer->term;
		client->later = FEW;
		client->leader = 0;
	}
	if (client->later && --client->later == 0) {
		client->leader = ask_for_leader(client, deadline);
		client->later = client->leader ? 0 : FEW;
		client->moves = 0;
	}
	if (!client->leader || answer->member == client->leader)
		return;
	move_on(client);
	if (++client->moves == client->member_count)
		forget_leader(client);
}

static enum totp_err ask_once(struct asking *asking, uint64_t wait_ms, struct reason *why)
{
	struct etcd_client *client = asking->client;
	struct piece message;
	CURLcode code;
	enum totp_err err;

	asking->again = asking->sent;
	code = perform(client, RPC_TXN, asking->body, wait_ms);
	if (code != CURLE_OK)
		return explain_failure(asking, code, why);
	asking->sent = true;
	err = see_response(client, false, &message, why);
	if (err == TOTP_OK)
		err = etcd_answer_decode(asking->request, message, asking->answer);
	if (err == TOTP_OK && !is_new(client, asking->request, asking->answer)) {
		etcd_answer_free(asking->answer);
		err = TOTP_ERR_FORMAT;
	}
	if (err == TOTP_OK)
		asking->answer->again = asking->again;
	return err == TOTP_ERR_FORMAT ? explain_malformed(client, why) : err;
}

/* Ask one member after the other. */
static enum totp_err ask_members(struct asking *asking, uint64_t deadline, struct reason *why)
{
	struct etcd_client *client = asking->client;
	uint64_t now = io_monotonic_ns();
	uint64_t all_ms = deadline > now ? (deadline - now) / MS : 0;
	uint64_t try_ms = all_ms / 10 > ETCD_TRY_MS ? all_ms / 10 : ETCD_TRY_MS;
	enum totp_err err = reason_err(why, TOTP_ERR_TIMEOUT, "no time to ask the store");

	for (size_t tries = 1; all_ms > 0; tries++) {
		err = ask_once(asking, all_ms < try_ms ? all_ms : try_ms, why);
		if (err == TOTP_OK)
			prefer_leader(client, asking->answer, deadline);
		if (err != TOTP_ERR_TIMEOUT && err != TOTP_ERR_PEER)
			return err;
		move_on(client);
		if (client->leader)
			forget_leader(client);
		if (tries % client->member_count == 0)
			nanosleep(&(struct timespec){.tv_nsec = PAUSE_MS * (long)MS}, NULL);
		now = io_monotonic_ns();
		all_ms = deadline > now ? (deadline - now) / MS : 0;
	}
	return err;
}

enum totp_err etcd_client_ask(struct etcd_client *client, const struct etcd_request *request,
			      uint64_t deadline, struct etcd_answer *ret_answer, struct reason *why)
{
	struct asking asking = {.client = client, .request = request, .answer = ret_answer};
	uint8_t *body = NULL;
	enum totp_err err = etcd_request_encode(request, &body, &asking.body.len);

	*ret_answer = (struct etcd_answer){.succeeded = false};
	if (err != TOTP_OK)
		return reason_err(why, err, "request to the store: %s", err_name(err));
	asking.body.at = body;
	err = ask_members(&asking, deadline, why);
	free(body);
	if (err == TOTP_ERR_NOMEM)
		reason_set(why, "%s", err_name(err));
	return err;
}

/* --- one member at a time --- */

size_t etcd_client_members(const struct etcd_client *client)
{
	return client->member_count;
}

const char *etcd_client_url(const struct etcd_client *client, size_t member)
{
	return client->urls[member];
}

/* RFC 9110 section 5.6.7. Not by libcurl: its time_t may be shorter than ours. */
static int64_t date_of(CURL *curl)
{
	struct curl_header *header = NULL;
	struct tm utc = {.tm_sec = 0};

	if (curl_easy_header(curl, "Date", 0, CURLH_HEADER, -1, &header) != CURLHE_OK ||
	    !strptime(header->value, "%a, %d %b %Y %H:%M:%S GMT", &utc))
		return 0;
	return (int64_t)timegm(&utc);
}

/* The member's own certificate is the first of those that it sends. */
static struct piece certificate_of(CURL *curl)
{
	struct curl_certinfo *chain = NULL;
	const struct curl_slist *field = NULL;

	if (curl_easy_getinfo(curl, CURLINFO_CERTINFO, &chain) == CURLE_OK && chain &&
	    chain->num_of_certs > 0)
		field = chain->certinfo[0];
	for (; field; field = field->next)
		if (strncmp(field->data, "Cert:", 5) == 0)
			return (struct piece){field->data + 5, strlen(field->data + 5)};
	return (struct piece){NULL, 0};
}

enum totp_err etcd_client_fetch(struct etcd_client *client, const struct etcd_fetch *fetch,
				struct etcd_fetched *ret_fetched, struct reason *why)
{
	struct asking asking = {.client = client};
	enum totp_err err;
	struct piece body;
	CURLcode code;

	client->current = fetch->member;
	curl_easy_setopt(client->link.curl, CURLOPT_CERTINFO, 1L);
	code = perform(client, fetch->path, fetch->get ? (struct piece){NULL, 0} : rpc_empty,
		       fetch->wait_ms);
	if (code != CURLE_OK)
		return explain_failure(&asking, code, why);
	err = see_response(client, fetch->get, &body, why);
	if (err != TOTP_OK)
		return err;
	*ret_fetched = (struct etcd_fetched){.body = body,
					     .date = date_of(client->link.curl),
					     .certificate = certificate_of(client->link.curl)};
	return TOTP_OK;
}
