/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * totpctl doctor: what its parts share. Each part checks one thing, and reports a finding for
 * everything that would skip the code, deny the right users, or forget used codes. A part that
 * cannot check reports that as a finding, too. With doctor->fix it repairs what needs no
 * decision; nothing else is ever changed.
 */
#ifndef DOCTOR_FINDING_H
#define DOCTOR_FINDING_H

#include <pwd.h>
#include <sys/stat.h>

#include "pamconf/walk.h"
#include "common/ctl.h"

struct finding {
	const char *id;  /* a word for programs */
	const char *why; /* why it matters */
	char *what;
	char *repair;   /* a command, or what to do */
	char *services; /* "sshd, su", or NULL: of the host */
	bool minor; /* logins work, but perhaps those of one user; else a warning is not enough */
	bool repaired;
};

/* Look at everything, change nothing, and add up the findings by their severity. */
void doctor_count(struct ctl *ctl, size_t *ret_critical, size_t *ret_warnings);

/* "warning" or "critical". */
const char *finding_severity(const struct finding *finding);

/* Which finding it is, and what it is about. */
struct subject {
	struct doctor *doctor;
	const char *id;
	const char *service;           /* whose stack it is; NULL: the host */
	const struct stack_line *line; /* the line that is wrong; NULL: it is not one line */
};

/* A service that asks for codes, or is planned to. */
struct code_service {
	char *name;
	bool planned;         /* its stack has no line of ours yet */
	struct policy policy; /* of its first line that asks */
	bool has_code;
	bool key_needed; /* its stack has no first factor: the program must check one */
	bool own_prompt; /* a line asks a question of its own */
	size_t line;     /* which line of the stack the first one is */
};

/* The PAM services of the host, with their auth lines. */
struct services {
	struct service {
		char *name;
		struct stack stack;
	} * list;
	size_t count, room;
};

struct doctor {
	struct ctl *ctl;
	bool fix;                 /* --fix */
	const char *only_service; /* --service, or NULL */
	struct services services;
	const char *repair; /* of the stack that is being checked, or NULL; see doctor_report */
	struct finding *findings;
	size_t count, room;
	struct code_service *code_services;
	size_t code_service_count, code_service_room;
	const char *sshd;      /* the program; NULL: there is none */
	char *sshd_settings;   /* what sshd -T prints, or its error messages */
	bool sshd_answered;    /* they are settings */
	char sshd_service[64]; /* the PAM service that sshd uses */
	bool totpd_needed;     /* SELinux denies the store to programs that log users in */
	bool root_by_ssh;      /* sshd lets root answer prompts */
	bool no_memory;
	struct finding spare; /* used if there is no memory for one */
};

/* A finding about the host. */
static inline struct subject doctor_subject(struct doctor *doctor, const char *id)
{
	return (struct subject){doctor, id, NULL, NULL};
}

/*
 * Report a finding: why it matters, how it is repaired, and what is wrong; never NULL. The repair
 * of a line is what to do there by hand. NULL: doctor->repair, or what doctor_repair sets. If there
 * is a finding with the same id and words, and with doctor->repair if that is set, the service is
 * added to it.
 */
struct finding *doctor_report(struct subject subject, const char *why, const char *repair,
			      const char *what, ...) PRINTF_LIKE(4);

/* How it is repaired, in one line. */
void doctor_repair(struct finding *finding, const char *format, ...) PRINTF_LIKE(2);

/* A list that grows: room for one more in *list. False: doctor->no_memory. */
bool doctor_grow(struct doctor *doctor, void *list, size_t count, size_t *room, size_t size);

/* The policy of the file, or of --conf. */
const struct policy *doctor_policy(const struct doctor *doctor);

/* What others than the owner could do. */
#define MODE_WRITE (S_IWGRP | S_IWOTH)
#define MODE_ANY   (S_IRWXG | S_IRWXO)

/* What a file must be like. */
struct permissions {
	int flags;        /* O_NOFOLLOW if a stranger may have put a link there */
	mode_t forbidden; /* none of these bits */
	uid_t owner;      /* the owner is root or this user */
	const char *why;
};

/*
 * Report, and with --fix remove, permissions that `path` must not give; report another owner. A
 * missing file is no finding.
 */
void doctor_modes(struct doctor *doctor, const char *path, const struct permissions *rule);

/*
 * Whom the records of this store should belong to: totpd's account; without it, a uid that they
 * have and that no account has, since the account was deleted; or root, which is 0.
 */
uid_t doctor_store_owner(const struct doctor *doctor);

/* Why a record of a user whose codes verifiers check is a finding. */
#define DOCTOR_NOT_LOCAL \
	"verifiers check the codes: the record allows no login, and its secret stays here"

/* Add to doctor->code_services. */
void doctor_keep(struct doctor *doctor, const char *service,
		 const struct code_service *code_service);

/* Report a mistake in a policy file; subject: the line that names the file, or the host. */
void doctor_report_policy(void *subject, const struct reason *complaint);

/* The policy of a line of ours; a mistake in it is reported… */
MUST_CHECK enum totp_err doctor_line_policy(struct subject line, struct policy *ret_policy);
/* …or not. False: there is a mistake. */
bool doctor_quiet_policy(const struct doctor *doctor, const struct stack_line *line,
			 struct policy *ret_policy);

/* Check the account lines of a service whose auth line, by its policy, has users enroll there. */
void doctor_account(struct subject auth, const struct policy *policy);

/*
 * A command that makes the stack of a service sound, or NULL; the caller frees it. add: a line of
 * ours that the stack gets first, or NULL.
 */
char *doctor_command(struct doctor *doctor, const char *service, const char *add);

/* Does `other` stand for the same program, as "su-l" does beside "su"? */
bool doctor_is_variant(const char *other, const char *name);

/* Report programs that ask for a code in one of their services, but not in another. */
void doctor_siblings(struct doctor *doctor);

/* Has the stack a line of ours, perhaps with its name misspelled? */
bool doctor_has_ours(const struct stack *stack);

/* Check a stack with a line of ours. */
void doctor_stack(struct doctor *doctor, const char *service, struct stack *stack);

/* Can the word stand in a shell command without quotes? */
bool doctor_is_plain(const char *word);

/* Does the stack include the file of this name? */
bool doctor_includes(const struct stack *stack, const char *name);

/* Lines of pam_radius_auth.so; and FreeRADIUS, if it asks totpd, which needs a policy. */
void doctor_radius_stack(struct doctor *doctor, const char *service, struct stack *stack);
void doctor_radius(struct doctor *doctor);

/* Programs that ask once, or give no address, and have a line of ours… */
void doctor_programs(struct doctor *doctor);
/* …and those that would ask once more if this included file had one. */
void doctor_plan_programs(struct doctor *doctor, const char *part);

/* Has the user a password that can be given, or the account a shell that opens? */
bool doctor_has_password(const char *user);
bool doctor_has_shell(const struct passwd *entry);

/* Is `is` true of a member of the group, also of one whose first group it is? */
typedef bool doctor_member_fn(void *context, const char *user);
bool doctor_any_member(const char *group, doctor_member_fn *is, void *context);

/* The same of root and the members of the groups that sudo is usually given to. */
bool doctor_any_admin(doctor_member_fn *is, void *context);

void doctor_ask_sshd(struct doctor *doctor); /* before the stacks: which service sshd uses */
void doctor_stacks(struct doctor *doctor);   /* /etc/pam.d, and doctor->code_services */
void doctor_sshd(struct doctor *doctor);     /* its settings */
void doctor_clock(struct doctor *doctor);
/* Report if what has another clock, which shows `now`, is more than 3 seconds off ours. */
void doctor_clock_offset(struct doctor *doctor, const char *what, int64_t now);
/* These need a policy that was read. */
void doctor_store(struct doctor *doctor); /* keyring, store, records */
/* The cluster of a store in etcd. keyring: NULL if it cannot be read. */
void doctor_etcd(struct doctor *doctor, const struct keyring *keyring);
void doctor_fleet(struct doctor *doctor);          /* verifiers, if they check the codes */
void doctor_verifier(struct doctor *doctor);       /* what login hosts ask here */
void doctor_totpd(struct doctor *doctor);          /* after the store and the stacks */
void doctor_host(struct doctor *doctor);           /* the disk, a repository in /etc */
void doctor_administrators(struct doctor *doctor); /* locked out? */

#endif
