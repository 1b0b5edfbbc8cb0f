/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * totpctl: what its subcommands share. Each is a struct command in a file of its own, beside the
 * function that it runs and the options that it takes; totpctl.c lists them. Only root can run
 * most of them, but files of the store and names in it may come from others.
 */
#ifndef COMMON_CTL_H
#define COMMON_CTL_H

#include "common/command.h"
#include "common/when.h"

struct ctl {
	struct tool tool;
	const struct command *command; /* that is run */
	/* TOOL_DONE: it may be done to the account. NULL: to all, as root is an administrator */
	int (*may)(const struct ctl *ctl);
	int word_count;                /* arguments without the subcommand's name and options… */
	char **words;                  /* …of which there are as many as the subcommand takes */
	struct account account;        /* the user whom it is about… */
	char shown[CRED_USER_MAX + 1]; /* …fit for a terminal */
};

extern const struct command ctl_adopt, ctl_check, ctl_delete, ctl_doctor, ctl_enroll, ctl_export,
	ctl_fleet_cert_ca, ctl_fleet_cert_etcd, ctl_fleet_cert_host, ctl_fleet_cert_list,
	ctl_fleet_cert_renew, ctl_fleet_cert_verifier, ctl_forget, ctl_import, ctl_import_csv,
	ctl_import_exported, ctl_import_google, ctl_import_oath, ctl_import_otpauth,
	ctl_import_pskc, ctl_import_sealed, ctl_import_tokens, ctl_import_totpcgi, ctl_init,
	ctl_invite, ctl_key_backup, ctl_key_list, ctl_key_restore, ctl_key_rotate, ctl_key_seal,
	ctl_list, ctl_log, ctl_metrics, ctl_policy, ctl_recovery, ctl_repair, ctl_repair_clock,
	ctl_report, ctl_resume, ctl_resync, ctl_show, ctl_store_accept, ctl_store_init,
	ctl_store_status, ctl_suspend, ctl_temporary_code, ctl_test, ctl_uninvite, ctl_unlock,
	ctl_upgrade;

/* --json of the commands whose answers are a stream of objects. */
extern const struct option_row ctl_json_rows[];

/* Find a user: ctl->account and ctl->shown; messages are about the user from then on. */
MUST_CHECK int ctl_find_user(struct ctl *ctl, const char *name);

/*
 * Do one thing for each user that ctl->words names: ctl->account and ctl->shown. It continues
 * after a user for which it fails. TOOL_DONE: it was done for all.
 */
MUST_CHECK int ctl_each_user(struct ctl *ctl, int (*one)(struct ctl *ctl));

/* What a message names before a subcommand: "totpctl", or "totpctl helpdesk". */
const char *ctl_line(const struct ctl *ctl);

/* Print that the user is not enrolled; returns TOOL_REFUSED. */
int ctl_not_enrolled(const struct ctl *ctl);

/* Print "USER: sentence", and what to do if `why` does not; returns TOOL_REFUSED. */
int ctl_refuse_record(const struct ctl *ctl, enum totp_err err, const struct reason *why);

/* How ctl_edit reads: store_read, or store_read_cred if the state is lost. */
typedef enum totp_err ctl_read_fn(struct store *store, const char *user, uint64_t deadline,
				  struct store_txn *txn, struct reason *why);

/*
 * Change a record that store_begin has begun, and end with store_commit or enroll_commit, or with
 * neither if nothing is to be changed. It is called again from the start if another program
 * replaced the record.
 */
typedef enum totp_err ctl_edit_fn(struct ctl *ctl, void *context, struct store_txn *txn,
				  struct reason *why);

/*
 * Read and begin the record of ctl->account and edit it, again while it is stale. If a write of the
 * record was cut short, its steps are first raised to now, as in a login. An exit code, after a
 * sentence.
 */
MUST_CHECK int ctl_edit(struct ctl *ctl, ctl_read_fn *read, ctl_edit_fn *edit, void *context);

/* The same without a message: errors are those of `read`, store_begin and `edit`. */
MUST_CHECK enum totp_err ctl_edit_record(struct ctl *ctl, ctl_read_fn *read, ctl_edit_fn *edit,
					 void *context, struct reason *why);

/*
 * How many steps after the current one are denied if it is not known which codes were used: those
 * in the window of a login a moment ago, and as many for a clock that moved.
 */
uint64_t ctl_steps_ahead(const struct policy *policy);

/* When the code after step `last` begins, by the token's clock; seconds since 1970 UTC. */
int64_t ctl_next_code_at(const struct token *token, uint64_t last);

/* A throttle as it is at `now`: refilled for the time since it was stored. */
struct throttle ctl_throttle_at(const struct throttle *throttle, const struct policy *policy,
				int64_t now);

#endif
