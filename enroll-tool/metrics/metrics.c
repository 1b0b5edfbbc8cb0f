/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * totpctl metrics: the state of the host as numbers, in Prometheus' text format, for node_exporter
 * to collect from a file. No name of a user is among them.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "base/file.h"
#include "ctl/entry.h"
#include "doctor/finding.h"
#include "host/clock.h"
#include "host/conf.h"
#include "host/tally.h"
#include "record/recovery.h"
#include "report/report.h"
#include "store/keyring.h"

static struct {
	const char *output;
} options;

static const struct option_row option_rows[] = {
	{"output", "FILE", "replace this file, which all can read; else print",
	 .text = &options.output},
	{0},
};

/* The words of entry_judge. */
static const char *const statuses[] = {"ok",         "bypass",    "pending",  "throttled",
				       "locked",     "clock",     "disabled", "other-uid",
				       "no-account", "unreadable"};
#define STATUSES (sizeof(statuses) / sizeof(statuses[0]))

static const struct {
	const char *name;
	int64_t seconds;
} spans[] = {{"1d", 86400}, {"7d", 7 * 86400}, {"30d", 30 * 86400}, {"90d", 90 * 86400}};
#define SPANS (sizeof(spans) / sizeof(spans[0]))

/* What is counted of the records. */
struct records {
	struct ctl *ctl;
	struct names *names;
	int64_t now, last_login;
	size_t of[STATUSES], within[SPANS], bypasses;
};

/* --- the text format --- */

/* What a metric is: the lines before its numbers. */
static void describe(FILE *out, const char *name, const char *type, const char *help)
{
	fprintf(out, "# HELP pam_totp_%s %s\n# TYPE pam_totp_%s %s\n", name, help, name, type);
}

static void put_one(FILE *out, const char *name, const char *help, uint64_t value)
{
	describe(out, name, "gauge", help);
	fprintf(out, "pam_totp_%s %" PRIu64 "\n", name, value);
}

/* label: a word that needs no escape. */
static void put_labeled(FILE *out, const char *name, const char *label, const char *word,
			uint64_t value)
{
	fprintf(out, "pam_totp_%s{%s=\"%s\"} %" PRIu64 "\n", name, label, word, value);
}

/* --- the numbers --- */

static void count_record(void *context, const struct store_row *row)
{
	struct records *records = context;
	struct entry entry = {
		.user = row->user, .err = row->err, .why = *row->why, .txn = row->txn};
	int64_t last;

	entry_judge(&entry, &records->ctl->tool, records->names);
	for (size_t i = 0; i < STATUSES; i++)
		records->of[i] += strcmp(statuses[i], entry.status) == 0;
	if (row->err != TOTP_OK)
		return;
	records->bypasses += bypass_left(&row->txn->cred, &row->txn->state, records->now) > 0;
	last = row->txn->state.last_success;
	if (last > records->last_login)
		records->last_login = last;
	for (size_t i = 0; i < SPANS; i++)
		records->within[i] += last && last > records->now - spans[i].seconds;
}

static bool put_records(FILE *out, struct ctl *ctl, int64_t now)
{
	struct records records = {.ctl = ctl, .names = names_load(), .now = now};
	struct reason why = {""};
	enum totp_err err = store_each_credential(ctl->tool.store, count_record, &records, &why);

	names_scope_end(&records.names);
	if (err != TOTP_OK)
		return false;
	describe(out, "records", "gauge", "Enrolled users by status, as totpctl list prints it.");
	for (size_t i = 0; i < STATUSES; i++)
		put_labeled(out, "records", "status", statuses[i], records.of[i]);
	put_one(out, "temporary_codes", "Users with a valid temporary code.", records.bypasses);
	describe(out, "recent_users", "gauge",
		 "Users whose last login with a code is not longer ago.");
	for (size_t i = 0; i < SPANS; i++)
		put_labeled(out, "recent_users", "within", spans[i].name, records.within[i]);
	put_one(out, "last_login_timestamp_seconds", "Last login of any user with a code, 0: none.",
		(uint64_t)records.last_login);
	return true;
}

static bool put_people(FILE *out, struct ctl *ctl, int64_t now)
{
	struct report report = {.tool = &ctl->tool, .policy = &ctl->tool.policy, .now = now};
	bool collected = report_collect(&report) == TOOL_DONE;

	if (collected) {
		describe(out, "people", "gauge",
			 "Users by enrollment, as totpctl report counts them.");
		for (enum stage stage = 0; stage < STAGES; stage++)
			put_labeled(out, "people", "enrollment", report_stages[stage].word,
				    report.tally.of[stage]);
	}
	accounts_end(&report.people);
	return collected;
}

static void put_host(FILE *out, const struct policy *policy)
{
	OWN_KEYRING struct keyring keyring = {.count = 0};
	struct statvfs disk;

	put_one(out, "keys", "Keys of the keyring, 0: it cannot be read.",
		keyring_load(policy->keyring, &keyring, NULL) == TOTP_OK ? keyring.count : 0);
	if (policy->store != STORE_IN_FILES || statvfs(policy->store_dir, &disk) != 0)
		return;
	put_one(out, "store_free_bytes", "Space that is free for the store.",
		(uint64_t)disk.f_bavail * disk.f_frsize);
	put_one(out, "store_size_bytes", "Size of the file system of the store.",
		(uint64_t)disk.f_blocks * disk.f_frsize);
	put_one(out, "store_free_files", "Files that can still be made in the store's file system.",
		disk.f_favail);
}

static void put_findings(FILE *out, struct ctl *ctl)
{
	size_t critical = 0, warnings = 0;

	doctor_count(ctl, &critical, &warnings);
	describe(out, "findings", "gauge", "What totpctl doctor reports.");
	put_labeled(out, "findings", "severity", "critical", critical);
	put_labeled(out, "findings", "severity", "warning", warnings);
}

/* --- decisions --- */

static void put_decisions(FILE *out, const struct policy *policy)
{
	struct account service = {.known = false};

	/* from now on decisions are counted */
	(void)!tally_make(policy->run_dir, TALLY_LOGINS, 0, 0);
	if (account_find(SERVICE_ACCOUNT, &service, NULL) == TOTP_OK && service.known)
		(void)!tally_make(policy->run_dir, TALLY_TOTPD, service.uid, service.gid);
	describe(out, "decisions_total", "counter", "Decisions since boot, as in the log.");
	for (const char *name = tally_names; *name; name += strlen(name) + 1) {
		size_t len = strcspn(name, ".");

		fputs("pam_totp_decisions_total{outcome=\"", out);
		fwrite(name, 1, len, out);
		fprintf(out, "\",reason=\"%s\"} %" PRIu64 "\n", name + len + 1,
			tally_read(policy->run_dir, TALLY_LOGINS, name) +
				tally_read(policy->run_dir, TALLY_TOTPD, name));
	}
}

/* --- all of it --- */

static void put_all(FILE *out, struct ctl *ctl)
{
	const struct policy *policy = &ctl->tool.policy;
	int64_t now = clock_now();
	bool read;

	describe(out, "info", "gauge", "The version of pam_totp.");
	put_labeled(out, "info", "version", VERSION, 1);
	put_findings(out, ctl); /* it reads the policy, and opens the store */
	put_host(out, policy);
	put_decisions(out, policy);
	if (!policy_has_store(policy))
		return; /* the verifiers have it */
	read = ctl->tool.store && put_records(out, ctl, now) && put_people(out, ctl, now);
	put_one(out, "store_up", "1: the store can be read.", read);
}

static int print_metrics(struct ctl *ctl)
{
	const struct file_new file = {AT_FDCWD,        options.output,  0644,
				      FILE_SAME_OWNER, FILE_SAME_GROUP, FILE_DURABLE_LATER};
	int code = tool_need_root(&ctl->tool, "read these numbers");
	OWN_TEXT char *text = NULL;
	size_t len = 0;
	FILE *out;

	if (code == TOOL_DONE)
		code = tool_load_policy(&ctl->tool);
	if (code != TOOL_DONE)
		return code;
	out = open_memstream(&text, &len);
	if (!out)
		return tool_refuse(&ctl->tool, "%s", err_name(TOTP_ERR_NOMEM));
	put_all(out, ctl);
	if (fclose(out) != 0)
		return tool_refuse(&ctl->tool, "%s", err_name(TOTP_ERR_NOMEM));
	if (!options.output)
		fwrite(text, 1, len, stdout);
	else if (file_replace(&file, text, len) != TOTP_OK)
		return tool_refuse(&ctl->tool, "%s: cannot write: %s", options.output,
				   strerror(errno));
	return TOOL_DONE;
}

const struct command ctl_metrics = {
	.name = "metrics",
	.help = "the state of the host as numbers, for Prometheus",
	.more = "For the textfile collector of node_exporter: pam_totp-metrics.timer runs it.\n"
		"Logins are counted from its first run after a boot on.\n",
	.options = option_rows,
	.run = print_metrics,
};
