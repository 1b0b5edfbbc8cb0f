/*
 * What the subcommands of totpctl share. Each is one function in a file of its own, which returns
 * an enum tool_exit; the table in totpctl.c has its name, arguments and help. Root runs it, but the
 * files of the store may be hostile.
 */
#ifndef COMMON_CTL_H
#define COMMON_CTL_H

#include "common/tool.h"
#include "common/when.h"

struct ctl {
	struct tool tool;
	int word_count;      /* arguments that are not options, the subcommand's name left out… */
	char **words;        /* …of which there are as many as its table row allows */
	bool keep_going;     /* --keep-going */
	bool json;           /* --json */
	bool fix;            /* --fix */
	bool revoke;         /* --revoke */
	bool yes;            /* --yes */
	bool must_confirm;   /* --must-confirm */
	bool dry_run;        /* --dry-run */
	bool replace;        /* --replace */
	bool homes;          /* --homes */
	const char *batch;   /* --batch FILE, or NULL, as those that follow */
	const char *letters; /* --letters DIRECTORY */
	const char *uses;    /* --uses NUMBER */
	const char *save;    /* --save FILE */
	const char *service; /* --service NAME */
	const char *from;    /* --from ADDRESS */
	const char *lasting; /* --for DURATION */
	const char *phrase;  /* --passphrase-file FILE */
	const char *keyring; /* --keyring FILE */
	const char *users;   /* --users FILE */
	const char *html;    /* --html FILE */
	struct account account;        /* ctl_open_user: the account that words[0] names… */
	char shown[CRED_USER_MAX + 1]; /* …fit for a terminal */
};

MUST_CHECK int ctl_init(struct ctl *ctl);
MUST_CHECK int ctl_check(struct ctl *ctl);
MUST_CHECK int ctl_delete(struct ctl *ctl);
MUST_CHECK int ctl_enroll(struct ctl *ctl);
MUST_CHECK int ctl_import_csv(struct ctl *ctl);
MUST_CHECK int ctl_import_google(struct ctl *ctl);
MUST_CHECK int ctl_import_oath(struct ctl *ctl);
MUST_CHECK int ctl_import_totpcgi(struct ctl *ctl);
MUST_CHECK int ctl_import_otpauth(struct ctl *ctl);
MUST_CHECK int ctl_import_pskc(struct ctl *ctl);
MUST_CHECK int ctl_import_exported(struct ctl *ctl);
MUST_CHECK int ctl_import_sealed(struct ctl *ctl);
MUST_CHECK int ctl_export(struct ctl *ctl);
MUST_CHECK int ctl_forget(struct ctl *ctl);
MUST_CHECK int ctl_upgrade(struct ctl *ctl);
MUST_CHECK int ctl_doctor(struct ctl *ctl);
MUST_CHECK int ctl_key_list(struct ctl *ctl);
MUST_CHECK int ctl_key_backup(struct ctl *ctl);
MUST_CHECK int ctl_key_restore(struct ctl *ctl);
MUST_CHECK int ctl_key_rotate(struct ctl *ctl);
MUST_CHECK int ctl_key_seal(struct ctl *ctl);
MUST_CHECK int ctl_list(struct ctl *ctl);
MUST_CHECK int ctl_show(struct ctl *ctl);
MUST_CHECK int ctl_suspend(struct ctl *ctl);
MUST_CHECK int ctl_resume(struct ctl *ctl);
MUST_CHECK int ctl_temporary_code(struct ctl *ctl);
MUST_CHECK int ctl_test(struct ctl *ctl);
MUST_CHECK int ctl_unlock(struct ctl *ctl);
MUST_CHECK int ctl_recovery(struct ctl *ctl);
MUST_CHECK int ctl_resync(struct ctl *ctl);
MUST_CHECK int ctl_invite(struct ctl *ctl);
MUST_CHECK int ctl_uninvite(struct ctl *ctl);
MUST_CHECK int ctl_report(struct ctl *ctl);
MUST_CHECK int ctl_repair(struct ctl *ctl);
MUST_CHECK int ctl_repair_clock(struct ctl *ctl);
MUST_CHECK int ctl_adopt(struct ctl *ctl);
MUST_CHECK int ctl_store_accept(struct ctl *ctl);

/* tool_open, and find the account that words[0] names: ctl->account and ctl->shown. */
MUST_CHECK int ctl_open_user(struct ctl *ctl, const char *doing);

/* What a subcommand does for one user, ctl->account. An exit code. */
typedef int ctl_user_fn(struct ctl *ctl, void *context);

/*
 * tool_open, and do one thing for each user that ctl->words names, also after a failure for one of
 * them. TOOL_DONE: it was done for all.
 */
MUST_CHECK int ctl_each_user(struct ctl *ctl, const char *doing, ctl_user_fn *one, void *context);

/* Print that the user is not enrolled; returns TOOL_REFUSED. */
int ctl_not_enrolled(const struct ctl *ctl);

/* Print "USER: sentence", and what to do if `why` does not say it; returns TOOL_REFUSED. */
int ctl_refuse_record(const struct ctl *ctl, enum totp_err err, const struct reason *why);

/* How ctl_edit reads: store_read, or store_read_cred if the state is lost. */
typedef enum totp_err ctl_read_fn(struct store *store, const char *user, struct store_txn *txn,
				  struct reason *why);

/*
 * Change a locked record, and end with store_commit or enroll_commit, or with neither if nothing is
 * to be changed. It is called again from the start if another program replaced the record.
 */
typedef enum totp_err ctl_edit_fn(struct ctl *ctl, void *context, struct store_txn *txn,
				  struct reason *why);

/*
 * Read and lock the record of ctl->account and edit it, again while it is stale. If a write of the
 * record was cut short, its steps are first raised to now, as in a login. An exit code, after a
 * sentence.
 */
MUST_CHECK int ctl_edit(struct ctl *ctl, ctl_read_fn *read, ctl_edit_fn *edit, void *context);

/* The same without a sentence. Errors as `read`, store_lock and `edit`. */
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
