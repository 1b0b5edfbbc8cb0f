/* SPDX-License-Identifier: BSD-2-Clause */
/* totpctl doctor: a login host whose codes verifiers check. */
#include <fcntl.h>
#include <glob.h>
#include <stdio.h>
#include <sys/stat.h>

#include "base/io.h"
#include "base/own.h"
#include "doctor/certificate.h"
#include "host/ask.h"
#include "host/clock.h"
#include "host/verifier.h"

#define CONNECT_MS 2000

static const char everybody[] = "every login is denied, but those of local_users";

/* --- the files of fleet_dir --- */

static void look_at_certificate(struct doctor *doctor, const char *name, const char *repair)
{
	const struct certificate_use use = {"fleet-certificate",
					    "without a valid one every login is denied, but those "
					    "of local_users",
					    repair};
	char path[POLICY_PATH_MAX + 16];

	snprintf(path, sizeof(path), "%s/%s", doctor_policy(doctor)->fleet_dir, name);
	doctor_certificate(doctor, &use, path);
}

static void look_at_key(struct doctor *doctor)
{
	char path[POLICY_PATH_MAX + 16];

	snprintf(path, sizeof(path), "%s/host.key", doctor_policy(doctor)->fleet_dir);
	doctor_modes(doctor, path,
		     &(struct permissions){.flags = O_NOFOLLOW,
					   .forbidden = S_IRWXO | S_IWGRP | S_IXGRP,
					   .owner = doctor_store_owner(doctor),
					   .why = "totpd does not use a key that others can read, "
						  "so every login is denied"});
}

/* --- the verifiers --- */

static void look_at_verifier(struct doctor *doctor, const struct policy_verifier *verifier)
{
	OWN_FD int fd = -1;
	struct reason why = {""};

	if (verifier_connect(verifier, io_deadline(CONNECT_MS), &fd, &why) != TOTP_OK)
		doctor_report(doctor_subject(doctor, "fleet-verifier"),
			      "each login waits for a verifier that cannot be asked",
			      "on that verifier: systemctl status pam-totp-haproxy; between here "
			      "and there: firewalls, and on this host the drop-in of totpd.service "
			      "that allows the network",
			      "%s", why.text);
}

/* What no connection shows: certificates, whether a verifier lists this host, and its clock. */
static void ask_for_nobody(struct doctor *doctor)
{
	struct wire_request request = {.op = WIRE_LOOK, .user = "-"};
	OWN_WIRE_RESPONSE struct wire_response response = {.op = WIRE_LOOK};
	struct reason why = {""};
	int64_t began = clock_now();
	enum totp_err err =
		ask_totpd(doctor_policy(doctor), ASK_ROOT_SOCKET, &request, &response, &why);

	if (err == TOTP_ERR_NOT_FOUND)
		return; /* doctor_totpd reports that no process is listening */
	if (err == TOTP_OK) {
		err = response.err;
		why = response.why;
	}
	if (err == TOTP_OK)
		doctor_clock_offset(doctor, "the verifier that answers",
				    response.status.created + (clock_now() - began) / 2);
	else if (err != TOTP_ERR_NOT_FOUND)
		doctor_report(doctor_subject(doctor, "fleet"), everybody,
			      "each reason names its verifier: see A STORE FOR MANY HOSTS in "
			      "pam_totp.conf(5)",
			      "%s", why.text[0] ? why.text : err_name(err));
}

/* --- what this host had before --- */

static void look_for_records(struct doctor *doctor)
{
	const char *dir = doctor_policy(doctor)->store_dir;
	char pattern[POLICY_PATH_MAX + 16];
	glob_t found = {0};

	snprintf(pattern, sizeof(pattern), "%s/%s/*", dir, files_part(FILES_PART_USERS));
	if (!policy_has_store(doctor_policy(doctor)) && glob(pattern, 0, NULL, &found) == 0)
		doctor_repair(doctor_report(doctor_subject(doctor, "not-local"), DOCTOR_NOT_LOCAL,
					    NULL, "%s: it has records, and local_users is empty",
					    dir),
			      "if its users are enrolled on the verifiers: rm -r %s", dir);
	globfree(&found);
}

void doctor_fleet(struct doctor *doctor)
{
	struct text rest = text_of(doctor_policy(doctor)->verifiers);
	struct policy_verifier one;

	if (doctor_policy(doctor)->store != STORE_AT_VERIFIER)
		return;
	if (rest.len == 0)
		doctor_report(doctor_subject(doctor, "fleet-verifier"), everybody,
			      "name them: verifiers = ADDRESS:7443 in the policy",
			      "the policy says store = verifier, and names no verifiers")
			->minor = false;
	look_at_certificate(doctor, "host.crt",
			    "replace it by a renewed one; nothing has to be restarted");
	look_at_certificate(doctor, "ca.crt",
			    "copy the fleet's CA there; before it ends, make a new one, and "
			    "certificates of it for every host and verifier");
	look_at_key(doctor);
	look_for_records(doctor);
	while (policy_verifier_next(&rest, &one) == TOTP_OK)
		look_at_verifier(doctor, &one);
	ask_for_nobody(doctor);
}
