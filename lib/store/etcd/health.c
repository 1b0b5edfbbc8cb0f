/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the members of a cluster say of themselves, for totpctl doctor. No login depends on it, so a
 * member of an answer that is missing is "unknown" here.
 */
#include <fcntl.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/certificate.h"
#include "base/file.h"
#include "base/io.h"
#include "store/etcd.h"

#define PEM_MAX 65536
#define TRY_MS  2000

#define ALARM_PATH   "/v3/maintenance/alarm"
#define MEMBERS_PATH "/v3/cluster/member/list"
#define METRICS_PATH "/metrics"

static const char *string_of(const json_t *object, const char *name)
{
	const char *string = json_string_value(json_object_get(object, name));

	return string ? string : "";
}

/* An integer of 64 bits, which JSON has as a string. */
static uint64_t number_of(const json_t *object, const char *name)
{
	uint64_t number = 0;

	(void)!text_number(text_of(string_of(object, name)), 0, UINT64_MAX, &number);
	return number;
}

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

/* The object that it answers; the caller frees it. NULL: it does not. */
static json_t *fetch_object(struct etcd_client *client, size_t member, const char *path,
			    const char *json)
{
	const struct etcd_fetch fetch = {member, path, json, TRY_MS};
	struct etcd_fetched fetched;

	if (etcd_client_fetch(client, &fetch, &fetched, NULL) != TOTP_OK)
		return NULL;
	return json_loadb(fetched.body.at, fetched.body.len, JSON_REJECT_DUPLICATES, NULL);
}

static void look_at_status(struct etcd_client *client, size_t index, struct etcd_member *member)
{
	const struct etcd_fetch fetch = {index, ETCD_STATUS_PATH, "{}", TRY_MS};
	struct etcd_fetched fetched;
	json_t *root;

	member->err = etcd_client_fetch(client, &fetch, &fetched, &member->why);
	if (member->err != TOTP_OK)
		return;
	member->date = fetched.date;
	member->dated = io_monotonic_ns();
	(void)!certificate_end(fetched.certificate, &member->certificate_end);
	root = json_loadb(fetched.body.at, fetched.body.len, JSON_REJECT_DUPLICATES, NULL);
	member->id = number_of(json_object_get(root, "header"), "member_id");
	member->leader = number_of(root, "leader");
	member->size = number_of(root, "dbSize");
	text_printable(text_of(string_of(root, "version")), member->version,
		       sizeof(member->version));
	json_decref(root);
	if (!member->id)
		member->err = reason_err(&member->why, TOTP_ERR_PEER, "%.120s: malformed answer",
					 member->url);
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

static void look_at_quota(struct etcd_client *client, size_t index, struct etcd_member *member)
{
	static const char name[] = "etcd_server_quota_backend_bytes ";
	const struct etcd_fetch fetch = {index, METRICS_PATH, NULL, TRY_MS};
	struct etcd_fetched fetched;
	struct text line;

	if (etcd_client_fetch(client, &fetch, &fetched, NULL) != TOTP_OK)
		return;
	while (text_line(&fetched.body, &line))
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

static void look_at_members(const json_t *root, struct etcd_health *health)
{
	const json_t *list = json_object_get(root, "members");
	size_t len = 0;

	health->cluster_count = json_array_size(list);
	for (size_t i = 0; i < health->cluster_count; i++) {
		const json_t *member = json_array_get(list, i);
		char name[ETCD_WORD_MAX];

		if (has_answered(health, number_of(member, "ID")) ||
		    len + sizeof(name) + 2 > sizeof(health->unlisted))
			continue;
		text_printable(text_of(string_of(member, "name")), name, sizeof(name));
		len += (size_t)snprintf(health->unlisted + len, sizeof(health->unlisted) - len,
					"%s%s", len ? ", " : "", name[0] ? name : "?");
	}
}

static void look_at_alarms(const json_t *root, struct etcd_health *health)
{
	const json_t *first = json_array_get(json_object_get(root, "alarms"), 0);

	text_printable(text_of(string_of(first, "alarm")), health->alarm, sizeof(health->alarm));
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
			look_at_quota(client, i, member);
	}
	for (size_t i = 0; i < health->member_count && !health->cluster_count; i++) {
		json_t *list, *alarms;

		if (health->members[i].err != TOTP_OK || !health->members[i].leader)
			continue;
		list = fetch_object(client, i, MEMBERS_PATH, "{}");
		look_at_members(list, health);
		json_decref(list);
		alarms = fetch_object(client, i, ALARM_PATH, "{\"action\":\"GET\"}");
		look_at_alarms(alarms, health);
		json_decref(alarms);
	}
	etcd_client_close(client);
	return TOTP_OK;
}
