/* SPDX-License-Identifier: BSD-2-Clause */
#include <string.h>

#include "login/policy.h"
#include "login/policy_option.h"

#define ETCD      "/etc/pam_totp/etcd/"
#define FLEET_DIR "/etc/pam_totp/fleet"

static const struct policy_option more[] = {
	OPTION(may_check, IN_FILE, KIND_LIST, 0, POLICY_SHORT_LIST, ""),
	OPTION(may_tell_source, IN_FILE, KIND_LIST, 0, POLICY_SHORT_LIST, ""),
	OPTION(etcd_endpoints, IN_FILE, KIND_ENDPOINTS, 0, 0, "https://127.0.0.1:2379"),
	OPTION(etcd_ca, IN_FILE, KIND_PATH, 0, 0, ETCD "ca.crt"),
	OPTION(etcd_certificate, IN_FILE, KIND_PATH, 0, 0, ETCD "verifier.crt"),
	OPTION(etcd_key, IN_FILE, KIND_PATH, 0, 0, ETCD "verifier.key"),
	OPTION(etcd_realm, IN_FILE, KIND_TEXT, 0, 0, "default"),
	OPTION(verifiers, IN_FILE, KIND_VERIFIERS, 0, 0, ""),
	OPTION(fleet_dir, IN_FILE, KIND_PATH, 0, 0, FLEET_DIR),
	OPTION(hosts, IN_FILE, KIND_HOSTS, 0, 0, ""),
	OPTION(hosts_self, IN_FILE, KIND_HOSTS, 0, 0, ""),
	OPTION(hosts_enroll, IN_FILE, KIND_HOSTS, 0, 0, ""),
	OPTION(host_failures, IN_FILE, KIND_NUMBER, 0, 100000, "600"),
};

_Static_assert(sizeof(more) / sizeof(more[0]) == POLICY_MORE, "as policy_option.h has it");

const struct policy_option *policy_more_at(size_t index)
{
	return index < POLICY_MORE ? &more[index] : NULL;
}

const char policy_more_skipped[] = "";

/* --- the members of a cluster --- */

static enum totp_err set_endpoints(struct text value, char *list, struct reason *why)
{
	static const char begin[] = "https://";
	struct text rest = value, entry;
	bool good = value.len && value.at[value.len - 1] != ',';

	while (good && text_field(&rest, ',', &entry)) {
		entry = text_trim(entry);
		good = entry.len > strlen(begin) && text_is_clean(entry) &&
		       memcmp(entry.at, begin, strlen(begin)) == 0 &&
		       !memchr(entry.at, ' ', entry.len);
	}
	if (!good || text_copy(value, list, POLICY_SHORT_LIST) != TOTP_OK)
		return reason_err(why, TOTP_ERR_FORMAT,
				  "expected https://ADDRESS:PORT, separated by commas");
	return TOTP_OK;
}

/* --- hosts --- */

static const char host_letters[] = "abcdefghijklmnopqrstuvwxyz0123456789-_.";

/* A name in lower case, as certificates have it; `*.` may stand before it, or * instead. */
static bool is_host_pattern(struct text entry)
{
	if (text_is(entry, "*"))
		return true;
	if (entry.len > 2 && entry.at[0] == '*' && entry.at[1] == '.')
		entry = (struct text){entry.at + 2, entry.len - 2};
	if (entry.len == 0 || entry.len > POLICY_HOST_MAX)
		return false;
	for (size_t i = 0; i < entry.len; i++)
		if (entry.at[i] == '\0' || !strchr(host_letters, entry.at[i]))
			return false;
	return true;
}

bool policy_hosts_have(const char *list, const char *host)
{
	struct text rest = text_of(list), entry;
	size_t len = strlen(host);

	while (text_field(&rest, ',', &entry)) {
		entry = text_trim(entry);
		if (text_is(entry, "*") || text_is(entry, host))
			return true;
		if (entry.len > 2 && entry.at[0] == '*' && len >= entry.len &&
		    memcmp(host + len - (entry.len - 1), entry.at + 1, entry.len - 1) == 0)
			return true;
	}
	return false;
}

static enum totp_err set_hosts(struct text value, char *list, struct reason *why)
{
	struct text rest = value, entry;

	if (value.len >= POLICY_SHORT_LIST)
		return reason_err(why, TOTP_ERR_RANGE, "longer than %d bytes: use *.example.org",
				  POLICY_SHORT_LIST - 1);
	while (text_field(&rest, ',', &entry))
		if (!is_host_pattern(text_trim(entry)))
			return reason_err(why, TOTP_ERR_FORMAT,
					  "expected names of hosts in lower case, *.example.org "
					  "or *, separated by commas");
	return text_copy(value, list, POLICY_SHORT_LIST);
}

enum totp_err policy_verifier_next(struct text *rest, struct policy_verifier *ret_one)
{
	struct policy_verifier one = {.port = 0};
	struct address address;
	struct text entry, host, port;
	uint64_t number = 0;

	if (!text_field(rest, ',', &entry))
		return TOTP_ERR_NOT_FOUND;
	host = port = text_trim(entry);
	while (host.len && host.at[host.len - 1] != ':')
		host.len--;
	if (host.len < 2)
		return TOTP_ERR_FORMAT;
	port = (struct text){host.at + host.len, port.len - host.len};
	host.len--;
	if (host.at[0] == '[' && host.len > 2 && host.at[host.len - 1] == ']')
		host = (struct text){host.at + 1, host.len - 2};
	else if (memchr(host.at, ':', host.len)) /* where does its port begin? */
		return TOTP_ERR_FORMAT;
	if (text_number(port, 1, 65535, &number) != TOTP_OK ||
	    text_copy(host, one.host, sizeof(one.host)) != TOTP_OK)
		return TOTP_ERR_FORMAT;
	one.port = (uint16_t)number;
	one.is_address = address_read(host, &address);
	if (!one.is_address && (one.host[0] == '*' || !is_host_pattern(host)))
		return TOTP_ERR_FORMAT;
	*ret_one = one;
	return TOTP_OK;
}

static enum totp_err set_verifiers(struct text value, char *list, struct reason *why)
{
	struct text rest = value;
	struct policy_verifier one;
	size_t count = 0;
	enum totp_err err;

	while ((err = policy_verifier_next(&rest, &one)) == TOTP_OK)
		count++;
	if (err != TOTP_ERR_NOT_FOUND || count > POLICY_VERIFIERS_MAX ||
	    (value.len && value.at[value.len - 1] == ',') ||
	    text_copy(value, list, POLICY_SHORT_LIST) != TOTP_OK)
		return reason_err(why, TOTP_ERR_FORMAT,
				  "expected at most %d of ADDRESS:PORT, [ADDRESS]:PORT or "
				  "name:PORT, separated by commas",
				  POLICY_VERIFIERS_MAX);
	return TOTP_OK;
}

enum totp_err policy_more_set(enum policy_kind kind, struct text value, char *member,
			      struct reason *why)
{
	if (kind == KIND_ENDPOINTS)
		return set_endpoints(value, member, why);
	if (kind == KIND_VERIFIERS)
		return set_verifiers(value, member, why);
	return set_hosts(value, member, why);
}
