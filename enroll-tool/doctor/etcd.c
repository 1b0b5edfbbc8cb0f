/* SPDX-License-Identifier: BSD-2-Clause */
/* totpctl doctor: the cluster of a store in etcd. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/io.h"
#include "doctor/certificate.h"
#include "host/stores.h"

#define LOOK_MS       20000
#define FULL_PER_CENT 80

/* --- certificates --- */

static void look_at_certificates(struct doctor *doctor, const struct etcd_health *health)
{
	struct certificate_use use = {
		"certificate",
		"without a valid one the store is not asked, and every login is denied",
		"replace it by a renewed one; nothing has to be restarted",
	};
	const struct policy *policy = doctor_policy(doctor);

	doctor_certificate_end(doctor, &use, policy->etcd_certificate, health->certificate_end);
	use.repair = "make a new CA, and certificates of it for every member and verifier";
	doctor_certificate_end(doctor, &use, policy->etcd_ca, health->ca_end);
	use.repair = "replace the member's certificate by a renewed one";
	for (size_t i = 0; i < health->member_count; i++)
		doctor_certificate_end(doctor, &use, health->members[i].url,
				       health->members[i].certificate_end);
}

/* --- members --- */

static void look_at_clock_of(struct doctor *doctor, const struct etcd_member *member)
{
	int64_t since = (int64_t)((io_monotonic_ns() - member->dated) / 1000000000);

	if (member->date)
		doctor_clock_offset(doctor, member->url, member->date + since);
}

static void look_at_member(struct doctor *doctor, const struct etcd_member *member)
{
	if (member->err != TOTP_OK) {
		doctor_report(doctor_subject(doctor, "etcd-member"),
			      "without a majority of the members every login is denied",
			      "look at its log: journalctl -u etcd", "%s",
			      member->why.text[0] ? member->why.text : err_name(member->err));
		return;
	}
	if (!member->leader)
		doctor_report(doctor_subject(doctor, "etcd-leader"),
			      "without a majority of the members every login is denied",
			      "start the other members, or look at the network between them",
			      "%s: the member knows no leader", member->url);
	if (member->quota && member->size / 100 >= member->quota / 10000 * FULL_PER_CENT)
		doctor_report(doctor_subject(doctor, "etcd-quota"),
			      "at its quota the cluster stores nothing, and every login is denied",
			      "set auto-compaction-retention, then defragment one member after the "
			      "other: etcdctl defrag",
			      "%s: its database has %" PRIu64 " of %" PRIu64 " MiB", member->url,
			      member->size >> 20, member->quota >> 20);
	look_at_clock_of(doctor, member);
}

/* Members of two versions are fine while they are updated, and no longer. */
static void look_at_versions(struct doctor *doctor, const struct etcd_health *health)
{
	const struct etcd_member *first = NULL;

	for (size_t i = 0; i < health->member_count; i++) {
		const struct etcd_member *member = &health->members[i];

		if (member->err != TOTP_OK)
			continue;
		if (!first)
			first = member;
		if (strcmp(first->version, member->version) != 0) {
			doctor_report(doctor_subject(doctor, "etcd-version"),
				      "an update of the cluster was not finished",
				      "update the other members", "%s has etcd %s, and %s has %s",
				      first->url, first->version, member->url, member->version);
			return;
		}
	}
}

/* --- the cluster --- */

static void look_at_cluster(struct doctor *doctor, const struct etcd_health *health)
{
	if (health->alarm[0])
		doctor_report(doctor_subject(doctor, "etcd-alarm"),
			      "the cluster stores nothing, so every login is denied",
			      strcmp(health->alarm, "NOSPACE") == 0
				      ? "etcdctl compact, etcdctl defrag on each member, then: "
					"etcdctl alarm disarm"
				      : "replace the member that has it, from the others",
			      "the cluster has the alarm %s", health->alarm);
	if (health->unlisted[0])
		doctor_report(doctor_subject(doctor, "etcd-unlisted"),
			      "this host does not ask it when another member fails",
			      "add its address to etcd_endpoints, or remove it from the cluster",
			      "member of the cluster that did not answer: %s", health->unlisted);
	if (health->cluster_count && health->cluster_count % 2 == 0)
		doctor_report(doctor_subject(doctor, "etcd-even"),
			      "it survives no more failures than a cluster with one member less",
			      "add or remove a member", "the cluster has %zu members",
			      health->cluster_count);
}

/* A store that was restored from a backup, and a key that seals it and is missing here. */
static void look_at_status(struct doctor *doctor, const struct etcd_library *library,
			   const struct keyring *keyring)
{
	struct store *store = doctor->ctl->tool.store;
	struct etcd_status status = {.cluster = 0};
	struct reason why = {""};

	if (library->status(store, tool_deadline(), &status, &why) != TOTP_OK)
		return; /* the records cannot be read either, and that is reported */
	if (store_check_place(store, tool_deadline(), &why) == TOTP_ERR_OTHER_STORE)
		doctor_report(doctor_subject(doctor, "restored"),
			      "every login is denied until it is accepted",
			      "if this is the store that is meant: totpctl store accept", "%s",
			      why.text);
	if (keyring && !keyring_find(keyring, status.key_id))
		doctor_report(
			doctor_subject(doctor, "etcd-key"),
			"nobody can enroll here, and users whose records it sealed are denied",
			"copy the line from another verifier: totpctl key restore FILE",
			"%s lacks key %08x, which seals the store", doctor_policy(doctor)->keyring,
			(unsigned)status.key_id);
}

void doctor_etcd(struct doctor *doctor, const struct keyring *keyring)
{
	const struct etcd_store_config config = stores_etcd(doctor_policy(doctor));
	const struct etcd_library *library = NULL;
	struct etcd_health *health;
	struct reason why = {""};

	if (stores_load_etcd(&library, &why) != TOTP_OK)
		return; /* opening the store failed by that, and was reported */
	health = calloc(1, sizeof(*health));
	if (!health) {
		doctor->no_memory = true;
		return;
	}
	if (library->look_at_health(&config.cluster, io_deadline(LOOK_MS), health, &why) ==
	    TOTP_OK) {
		look_at_certificates(doctor, health);
		for (size_t i = 0; i < health->member_count; i++)
			look_at_member(doctor, &health->members[i]);
		look_at_versions(doctor, health);
		look_at_cluster(doctor, health);
	}
	free(health);
	if (doctor->ctl->tool.store)
		look_at_status(doctor, library, keyring);
}
