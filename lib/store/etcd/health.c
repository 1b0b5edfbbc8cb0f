/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the members of a cluster say of themselves, for totpctl doctor. No login depends on it, so a
 * member of an answer that is missing is "unknown" here.
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/certificate.h"
#include "base/file.h"
#include "base/io.h"
#include "base/protobuf.h"
#include "store/etcd.h"
#include "store/etcd/rpc.h"

#define PEM_MAX 65536
#define TRY_MS  2000

#define METRICS_PATH "/metrics"

/* When the first certificate of a file ends; 0: unknown. */
static int64_t end_of_file(const char *path)
{
	OWN_FD int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	OWN_TEXT char *pem = malloc(PEM_MAX);
	int64_t end = 0;
	size_t len = 0;

	if (fd >= 0 && pem && io_read_all(fd, pem, PEM_MAX, &len) == TOTP_OK)
		(void)!certificate_end((struct piece){pem, len}, &end);
	return end;
}

/* --- one member --- */

static void look_at_status(struct etcd_client *client, size_t index, struct etcd_member *member)
{
	const struct etcd_fetch fetch = {index, RPC_STATUS, false, TRY_MS};
	struct piece header = {NULL, 0}, version = {NULL, 0};
	const struct protobuf_known known[] = {
		{RESPONSE_HEADER, .bytes = &header},
		{STATUS_VERSION, .bytes = &version},
		{STATUS_DB_SIZE, .value = &member->size},
		{STATUS_LEADER, .value = &member->leader},
	};
	const struct protobuf_known known_header[] = {{HEADER_MEMBER_ID, .value = &member->id}};
	struct etcd_fetched fetched;

	member->err = etcd_client_fetch(client, &fetch, &fetched, &member->why);
	if (member->err != TOTP_OK)
		return;
	(void)!certificate_end(fetched.certificate, &member->certificate_end);
	if (!PROTOBUF_READ(fetched.body, known) || !PROTOBUF_READ(header, known_header) ||
	    !member->id)
		member->err = reason_err(&member->why, TOTP_ERR_PEER, "%.120s: malformed answer",
					 member->url);
	text_printable(protobuf_text(version), member->version, sizeof(member->version));
}

/* A number such as 8.589934592e+09, whatever the locale. */
static uint64_t float_of(struct text text)
{
	uint64_t value = 0, exponent = 0, digits = 0;
	bool fraction = false;

	for (; text.len && text.at[0] != 'e'; text.at++, text.len--) {
		if (text.at[0] == '.')
			fraction = true;
		if (text.at[0] < '0' || text.at[0] > '9')
			continue;
		value = value * 10 + (uint64_t)(text.at[0] - '0');
		digits += fraction;
	}
	if (text.len > 2)
		(void)!text_number((struct text){text.at + 2, text.len - 2}, 0, 18, &exponent);
	for (; digits < exponent; digits++)
		value *= 10;
	return value;
}

/* The quota, and the date, which the answers to calls lack. */
static void look_at_metrics(struct etcd_client *client, size_t index, struct etcd_member *member)
{
	static const char name[] = "etcd_server_quota_backend_bytes ";
	const struct etcd_fetch fetch = {index, METRICS_PATH, true, TRY_MS};
	struct etcd_fetched fetched;
	struct text body, line;

	if (etcd_client_fetch(client, &fetch, &fetched, NULL) != TOTP_OK)
		return;
	member->date = fetched.date;
	member->dated = io_monotonic_ns();
	body = protobuf_text(fetched.body);
	while (text_line(&body, &line))
		if (line.len > strlen(name) && memcmp(line.at, name, strlen(name)) == 0)
			member->quota = float_of(
				(struct text){line.at + strlen(name), line.len - strlen(name)});
}

/* --- the cluster --- */

static bool has_answered(const struct etcd_health *health, uint64_t id)
{
	for (size_t i = 0; i < health->member_count; i++)
		if (health->members[i].err == TOTP_OK && health->members[i].id == id)
			return true;
	return false;
}

static void add_unlisted(struct piece name, struct etcd_health *health)
{
	size_t len = strlen(health->unlisted);
	char printable[ETCD_WORD_MAX];

	text_printable(protobuf_text(name), printable, sizeof(printable));
	if (len + sizeof(printable) + 2 <= sizeof(health->unlisted))
		snprintf(health->unlisted + len, sizeof(health->unlisted) - len, "%s%s",
			 len ? ", " : "", printable[0] ? printable : "?");
}

static void look_at_members(struct piece response, struct etcd_health *health)
{
	struct bytes in = bytes_of(response.at, response.len);
	struct protobuf_field field;

	while (protobuf_take(&in, &field)) {
		struct piece name = {NULL, 0};
		uint64_t id = 0;
		const struct protobuf_known known[] = {{MEMBER_ID, .value = &id},
						       {MEMBER_NAME, .bytes = &name}};

		if (field.number != MEMBER_LIST_MEMBERS || field.kind != PROTOBUF_BYTES ||
		    !PROTOBUF_READ(field.bytes, known))
			continue;
		health->cluster_count++;
		if (!has_answered(health, id))
			add_unlisted(name, health);
	}
}

static void look_at_alarms(struct piece response, struct etcd_health *health)
{
	static const char *const names[] = {"", "NOSPACE", "CORRUPT"};
	struct bytes in = bytes_of(response.at, response.len);
	struct protobuf_field field;

	while (protobuf_take(&in, &field) && !health->alarm[0]) {
		uint64_t alarm = 0;
		const struct protobuf_known known[] = {{ALARM_TYPE, .value = &alarm}};

		if (field.number == ALARM_ALARMS && field.kind == PROTOBUF_BYTES &&
		    PROTOBUF_READ(field.bytes, known))
			snprintf(health->alarm, sizeof(health->alarm), "%s",
				 alarm < 3 ? names[alarm] : "unknown");
	}
}

/* What a member answers to a call; empty: nothing. */
static struct piece fetch_response(struct etcd_client *client, size_t member, const char *path)
{
	const struct etcd_fetch fetch = {member, path, false, TRY_MS};
	struct etcd_fetched fetched = {.date = 0};

	(void)!etcd_client_fetch(client, &fetch, &fetched, NULL);
	return fetched.body;
}

enum totp_err etcd_look_at_health(const struct etcd_config *config, uint64_t deadline,
				  struct etcd_health *ret_health, struct reason *why)
{
	struct etcd_health *health = ret_health;
	struct etcd_client *client = NULL;
	enum totp_err err = etcd_client_open(config, &client, why);

	*health = (struct etcd_health){.member_count = 0};
	if (err != TOTP_OK)
		return err;
	health->certificate_end = end_of_file(config->certificate);
	health->ca_end = end_of_file(config->ca);
	health->member_count = etcd_client_members(client);
	for (size_t i = 0; i < health->member_count; i++) {
		struct etcd_member *member = &health->members[i];

		strcpy(member->url, etcd_client_url(client, i));
		member->err = TOTP_ERR_TIMEOUT;
		if (io_monotonic_ns() < deadline)
			look_at_status(client, i, member);
		if (member->err == TOTP_OK)
			look_at_metrics(client, i, member);
	}
	for (size_t i = 0; i < health->member_count && !health->cluster_count; i++) {
		if (health->members[i].err != TOTP_OK || !health->members[i].leader)
			continue;
		look_at_members(fetch_response(client, i, RPC_MEMBER_LIST), health);
		look_at_alarms(fetch_response(client, i, RPC_ALARM), health);
	}
	etcd_client_close(client);
	return TOTP_OK;
}
