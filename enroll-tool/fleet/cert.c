/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * totpctl fleet cert: the certificates of a fleet, of an authority of its own. It needs no policy,
 * no store and no rights: it runs where the administrator keeps the authority's key, which is no
 * host of the fleet.
 */
#include <string.h>

#include "base/address.h"
#include "common/ctl.h"
#include "common/json.h"
#include "fleet/cert_dir.h"
#include "host/clock.h"

#define DAY           INT64_C(86400)
#define RENEW_DAYS    60        /* twice what doctor warns of, for a monthly cron job */
#define RENEW_CA_DAYS (2 * 365) /* so that no certificate ends early for its authority */
#define DNS_NAME_MAX  253

static const struct cert_kind *const ca = &cert_kinds[CERT_CA];
static const struct cert_kind *const etcd_ca = &cert_kinds[CERT_ETCD_CA];

/* --- names --- */

/* As a policy lists hosts. It is a directory, too. */
static bool is_host_name(struct text name, size_t max)
{
	static const char letters[] = "abcdefghijklmnopqrstuvwxyz0123456789-_.";

	for (size_t i = 0; i < name.len; i++)
		if (!name.at[i] || !strchr(letters, name.at[i]))
			return false;
	return name.len >= 1 && name.len <= max && name.at[0] != '.' && name.at[0] != '-';
}

static int check_host(const struct ctl *ctl, const char *name)
{
	if (is_host_name(text_of(name), CERT_NAME_MAX))
		return TOOL_DONE;
	return tool_usage(&ctl->tool,
			  "'%s': expected a name of 1 to %d letters in lower case, digits, '-', "
			  "'_' and '.'",
			  name, CERT_NAME_MAX);
}

static int check_addresses(const struct ctl *ctl)
{
	struct address address;

	for (int i = 1; i < ctl->word_count; i++)
		if (!is_host_name(text_of(ctl->words[i]), DNS_NAME_MAX) &&
		    (!address_read(text_of(ctl->words[i]), &address) ||
		     strchr(ctl->words[i], '%'))) /* a certificate names no zone */
			return tool_usage(&ctl->tool,
					  "'%s': expected an IP address, or a name in lower case",
					  ctl->words[i]);
	return check_host(ctl, ctl->words[1]);
}

/* --- ca --- */

static int make_authority(const struct cert_dir *dir, const struct cert_kind *kind,
			  const char *what)
{
	char date[11], subject[CERT_NAME_MAX + 1];

	text_to_date(clock_now(), date);
	snprintf(subject, sizeof(subject), "pam_totp %s %s", what, date);
	return cert_dir_make_authority(dir, kind, subject);
}

static int cert_ca(struct ctl *ctl)
{
	struct cert_dir dir;
	int code = cert_dir_open(&ctl->tool, ctl->words[0], true, &dir);

	if (code != TOOL_DONE)
		return code;
	if (cert_dir_has(&dir, ca))
		return tool_refuse(&ctl->tool,
				   "%s has an authority: to renew it: totpctl fleet cert renew %s",
				   dir.path, dir.path);
	code = make_authority(&dir, ca, "fleet");
	if (code == TOOL_DONE)
		printf("Keep %s/%s secret, and a copy of it: its reader can pose as any "
		       "verifier.\n",
		       dir.path, ca->key);
	return code;
}

const struct command ctl_fleet_cert_ca = {
	.name = "fleet cert ca",
	.arguments = "DIRECTORY",
	.help = "make an authority for the certificates",
	.more = "It is valid for ten years. Keep the directory on a machine that is no verifier\n"
		"and no login host. Any user can run this.\n",
	.run = cert_ca,
};

/* --- one host --- */

/* The directory, and the authority of the fleet in it. */
static int open_authority(const struct ctl *ctl, struct cert_dir *dir, struct authority **authority)
{
	int code = cert_dir_open(&ctl->tool, ctl->words[0], false, dir);

	return code == TOOL_DONE ? cert_dir_authority(dir, ca, authority) : code;
}

static int cert_verifier(struct ctl *ctl)
{
	const struct cert_host host = {ctl->words[1], (const char *const *)ctl->words + 1,
				       (size_t)ctl->word_count - 1};
	OWN_AUTHORITY struct authority *authority = NULL;
	struct cert_dir dir;
	int code = check_addresses(ctl);

	if (code == TOOL_DONE)
		code = open_authority(ctl, &dir, &authority);
	return code == TOOL_DONE
		       ? cert_dir_issue(&dir, authority, &cert_kinds[CERT_VERIFIER], &host)
		       : code;
}

const struct command ctl_fleet_cert_verifier = {
	.name = "fleet cert verifier",
	.arguments = "DIRECTORY NAME [ADDRESS...]",
	.help = "make a certificate for a verifier",
	.more = "Login hosts accept it under NAME and each ADDRESS, which is an IP address or\n"
		"another name: list them as 'verifiers' of the hosts' policy does.\n"
		"Copy DIRECTORY/NAME/fleet to /etc/pam_totp/fleet of the verifier.\n",
	.run = cert_verifier,
};

static int cert_hosts(struct ctl *ctl)
{
	OWN_AUTHORITY struct authority *authority = NULL;
	struct cert_dir dir;
	int code = TOOL_DONE;

	for (int i = 1; i < ctl->word_count && code == TOOL_DONE; i++)
		code = check_host(ctl, ctl->words[i]);
	if (code == TOOL_DONE)
		code = open_authority(ctl, &dir, &authority);
	if (code != TOOL_DONE)
		return code;
	for (int i = 1; i < ctl->word_count; i++) {
		const struct cert_host host = {.name = ctl->words[i]};

		if (cert_dir_issue(&dir, authority, &cert_kinds[CERT_HOST], &host) != TOOL_DONE)
			code = TOOL_REFUSED;
	}
	return code;
}

const struct command ctl_fleet_cert_host = {
	.name = "fleet cert host",
	.arguments = "DIRECTORY NAME...",
	.help = "make certificates for login hosts",
	.more = "Verifiers know a host by this NAME: see 'hosts' in pam_totp.conf(5).\n"
		"Copy DIRECTORY/NAME/fleet to /etc/pam_totp/fleet of the host.\n",
	.run = cert_hosts,
};

static int cert_etcd(struct ctl *ctl)
{
	const struct cert_host host = {ctl->words[1], (const char *const *)ctl->words + 1,
				       (size_t)ctl->word_count - 1};
	OWN_AUTHORITY struct authority *authority = NULL;
	struct cert_dir dir;
	int code = check_addresses(ctl);

	if (code == TOOL_DONE)
		code = cert_dir_open(&ctl->tool, ctl->words[0], false, &dir);
	if (code == TOOL_DONE && !cert_dir_has(&dir, etcd_ca))
		code = make_authority(&dir, etcd_ca, "etcd");
	if (code == TOOL_DONE)
		code = cert_dir_authority(&dir, etcd_ca, &authority);
	if (code == TOOL_DONE)
		code = cert_dir_issue(&dir, authority, &cert_kinds[CERT_MEMBER], &host);
	return code == TOOL_DONE
		       ? cert_dir_issue(&dir, authority, &cert_kinds[CERT_ETCD_CLIENT], &host)
		       : code;
}

const struct command ctl_fleet_cert_etcd = {
	.name = "fleet cert etcd",
	.arguments = "DIRECTORY NAME [ADDRESS...]",
	.help = "make certificates for a member of etcd",
	.more = "One is for the member, the other for totpd and totpctl beside it. The first call\n"
		"makes an authority for etcd alone, because its certificates open the store for\n"
		"writing: no login host gets one. NAME and each ADDRESS are those by which the\n"
		"members and verifiers call this one; add 127.0.0.1 if its own totpd does.\n"
		"Copy DIRECTORY/NAME/etcd and DIRECTORY/NAME/etcd-member to /etc/pam_totp.\n",
	.run = cert_etcd,
};

/* --- renew --- */

struct renewal {
	bool named;             /* not only those that end soon */
	bool signs[CERT_KINDS]; /* an authority was renewed, and what it signed follows */
	size_t count;
};

static bool ends_soon(const struct cert_entry *entry)
{
	return entry->end - clock_now() <= (entry->kind->signer ? RENEW_DAYS : RENEW_CA_DAYS) * DAY;
}

static int renew_one(const struct cert_dir *dir, const struct cert_entry *entry, void *context)
{
	struct renewal *renewal = context;
	const struct cert_kind *signer = entry->kind->signer;
	int code;

	if (!renewal->named && !ends_soon(entry) &&
	    !(signer && renewal->signs[signer - cert_kinds]))
		return TOOL_DONE;
	code = cert_dir_renew(dir, entry);
	if (code == TOOL_DONE) {
		renewal->signs[entry->kind - cert_kinds] = !signer;
		renewal->count++;
	}
	return code;
}

static int cert_renew(struct ctl *ctl)
{
	struct renewal renewal = {.named = ctl->word_count > 1};
	struct cert_dir dir;
	int code = TOOL_DONE;

	for (int i = 1; i < ctl->word_count && code == TOOL_DONE; i++)
		code = check_host(ctl, ctl->words[i]);
	if (code == TOOL_DONE)
		code = cert_dir_open(&ctl->tool, ctl->words[0], false, &dir);
	if (code != TOOL_DONE)
		return code;
	if (!renewal.named)
		code = cert_dir_each(&dir, renew_one, &renewal);
	for (int i = 1; i < ctl->word_count; i++)
		if (cert_dir_each_of(&dir, ctl->words[i], renew_one, &renewal) != TOOL_DONE)
			code = TOOL_REFUSED;
	if (renewal.count)
		printf("Copy the renewed files to their hosts: nothing has to be restarted there "
		       "but haproxy,\nwhich is reloaded.\n");
	else if (code == TOOL_DONE)
		printf("No certificate ends within %d days: nothing is renewed.\n", RENEW_DAYS);
	return code;
}

const struct command ctl_fleet_cert_renew = {
	.name = "fleet cert renew",
	.arguments = "DIRECTORY [NAME...]",
	.help = "renew certificates that end soon",
	.more = "With NAME: all certificates of that host. Without: certificates that end within\n"
		"60 days, and authorities that end within two years, with all that they signed.\n"
		"The keys stay as they are, so this needs no key of a host but a verifier's. For\n"
		"a new key remove certificate and key, and make them again.\n",
	.run = cert_renew,
};

/* --- list --- */

static struct {
	bool json;
} options;

static const struct option_row option_rows[] = {
	{"json", NULL, "print an array of objects, one for each certificate",
	 .flag = &options.json},
	{0}};

static int print_line(const struct cert_dir *dir, const struct cert_entry *entry, void *context)
{
	char date[11];

	(void)dir;
	(void)context;
	text_to_date(entry->end, date);
	printf("%-10s  %-14s  %s%s\n", date, entry->kind->name, entry->name,
	       entry->end <= clock_now() ? " (ended)"
	       : ends_soon(entry)        ? " (to be renewed)"
					 : "");
	return TOOL_DONE;
}

static int print_object(const struct cert_dir *dir, const struct cert_entry *entry, void *context)
{
	struct json *json = context;
	char end[WHEN_MAX];

	(void)dir;
	json_open(json, NULL, '{');
	json_text(json, "name", entry->name[0] ? entry->name : NULL);
	json_text(json, "kind", entry->kind->name);
	json_text(json, "end", when_iso(entry->end, end));
	json_close(json, '}');
	return TOOL_DONE;
}

static int cert_list(struct ctl *ctl)
{
	struct cert_dir dir;
	struct json json;
	int code = cert_dir_open(&ctl->tool, ctl->words[0], false, &dir), written;

	if (code != TOOL_DONE)
		return code;
	if (!options.json) {
		printf("%-10s  %-14s  %s\n", "ENDS", "KIND", "NAME");
		return cert_dir_each(&dir, print_line, NULL);
	}
	json_begin(&json, '[');
	code = cert_dir_each(&dir, print_object, &json);
	written = tool_end_json(&ctl->tool, &json);
	return code == TOOL_DONE ? written : code;
}

const struct command ctl_fleet_cert_list = {
	.name = "fleet cert list",
	.arguments = "DIRECTORY",
	.help = "list the certificates, and when they end",
	.options = option_rows,
	.run = cert_list,
};
