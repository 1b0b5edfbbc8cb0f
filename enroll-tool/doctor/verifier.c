/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * totpctl doctor: a verifier. Login hosts reach totpd by way of haproxy, which must ask each for a
 * certificate and hand on its name: without either totpd denies, and its log alone says why.
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/own.h"
#include "doctor/certificate.h"

#define CONFIGURATION "/etc/pam_totp/haproxy.cfg" /* of pam-totp-haproxy.service */
#define WORDS_MAX     64                          /* haproxy's own limit for a line */

/* A line of haproxy's configuration, as words. */
struct proxy_line {
	unsigned number;
	size_t count;
	char *words[WORDS_MAX];
};

/* What the configuration has. */
struct proxy_parts {
	bool binds, serves;
};

/* False: it has no words, or only a comment. */
static bool split(char *text, struct proxy_line *line)
{
	char *rest = NULL;

	text[strcspn(text, "#\n")] = '\0';
	line->count = 0;
	for (char *word = strtok_r(text, " \t", &rest); word && line->count < WORDS_MAX;
	     word = strtok_r(NULL, " \t", &rest))
		line->words[line->count++] = word;
	return line->count > 0;
}

/* The index of the word, or 0: the first one is the keyword of the line. */
static size_t find(const struct proxy_line *line, const char *word)
{
	for (size_t i = 1; i < line->count; i++)
		if (strcmp(line->words[i], word) == 0)
			return i;
	return 0;
}

/* What follows the word; NULL: it is not there. */
static const char *value_of(const struct proxy_line *line, const char *word)
{
	size_t i = find(line, word);

	return i && i + 1 < line->count ? line->words[i + 1] : NULL;
}

static void look_at_bind(struct doctor *doctor, const struct proxy_line *line)
{
	struct certificate_use use = {
		"verifier-certificate",
		"login hosts send no code to a verifier without a valid one",
		"replace it by a renewed one, then: systemctl reload pam-totp-haproxy.service",
	};
	const char *certificate = value_of(line, "crt"), *ca = value_of(line, "ca-file");
	const char *verify = value_of(line, "verify");

	if (!find(line, "ssl") || !certificate || !ca || !verify || strcmp(verify, "required") != 0)
		doctor_repair(
			doctor_report(
				doctor_subject(doctor, "verifier-tls"),
				"totpd denies a host whose certificate haproxy has not checked",
				NULL, CONFIGURATION ":%u: hosts need no certificate", line->number),
			"write as in the example: bind ... ssl crt %s/verifier.pem ca-file "
			"%s/ca.crt verify required",
			doctor_policy(doctor)->fleet_dir, doctor_policy(doctor)->fleet_dir);
	if (certificate) {
		doctor_certificate(doctor, &use, certificate);
		doctor_modes(
			doctor, certificate,
			&(struct permissions){
				.flags = O_NOFOLLOW,
				.forbidden = S_IRWXO | S_IWGRP | S_IXGRP,
				.why = "users who can read its key can pose as this verifier"});
	}
	use.why = "no login host has a valid one after that";
	use.repair = "make a new CA, and certificates of it for every host and verifier";
	if (ca)
		doctor_certificate(doctor, &use, ca);
}

static void look_at_server(struct doctor *doctor, const struct proxy_line *line)
{
	char address[POLICY_PATH_MAX + 32];

	snprintf(address, sizeof(address), "unix@%s/verifier.socket",
		 doctor_policy(doctor)->run_dir);
	if (line->count > 2 && strcmp(line->words[2], address) == 0 &&
	    find(line, "send-proxy-v2-ssl-cn"))
		return;
	doctor_repair(doctor_report(doctor_subject(doctor, "verifier-proxy"),
				    "totpd does not learn which host asks, and denies each", NULL,
				    CONFIGURATION
				    ":%u: the server is not totpd, or is not sent the "
				    "name of the host",
				    line->number),
		      "write: server totpd %s send-proxy-v2-ssl-cn", address);
}

static void look_at_line(struct doctor *doctor, const struct proxy_line *line,
			 struct proxy_parts *parts)
{
	if (strcmp(line->words[0], "bind") == 0) {
		parts->binds = true;
		look_at_bind(doctor, line);
	} else if (strcmp(line->words[0], "server") == 0) {
		parts->serves = true;
		look_at_server(doctor, line);
	}
}

void doctor_verifier(struct doctor *doctor)
{
	FILE *file = fopen(CONFIGURATION, "re");
	struct proxy_parts parts = {false, false};
	struct proxy_line line = {.number = 0};
	char *text = NULL;
	size_t room = 0;

	if (!file)
		return; /* no verifier, or one with another program in front */
	while (getline(&text, &room, file) >= 0) {
		line.number++;
		if (split(text, &line))
			look_at_line(doctor, &line, &parts);
	}
	free(text);
	fclose(file);
	if (!parts.binds || !parts.serves)
		doctor_report(doctor_subject(doctor, "verifier-proxy"),
			      "no login host reaches totpd here",
			      "copy it again from the examples of the package",
			      CONFIGURATION ": it has no line %s", parts.binds ? "server" : "bind");
	if (doctor_policy(doctor)->store == STORE_AT_VERIFIER)
		doctor_report(doctor_subject(doctor, "verifier-hosts"),
			      "every login host is denied: a verifier needs a store of its own",
			      "set store to files or etcd; on a host that is no verifier: "
			      "rm " CONFIGURATION,
			      "the policy says store = verifier, and haproxy is set up for hosts");
	else if (!doctor_policy(doctor)->hosts[0])
		doctor_report(doctor_subject(doctor, "verifier-hosts"),
			      "every login host is denied",
			      "list them in the policy: hosts = *.example.org",
			      "the policy does not list which hosts may ask: hosts is empty");
}
