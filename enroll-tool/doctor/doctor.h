/*
 * totpctl doctor: what its parts share. Each part looks at one thing, and tells a finding for
 * whatever would let somebody past, keep somebody out, or lose what was used. A part that
 * cannot look says so as a finding too. With doctor->fix it repairs what can be repaired
 * without a choice; nothing else is ever changed.
 */
#ifndef DOCTOR_DOCTOR_H
#define DOCTOR_DOCTOR_H

#include "pamconf/walk.h"
#include "common/ctl.h"

struct finding {
	const char *id;  /* a word for programs */
	const char *why; /* why it matters */
	char *what;
	char *repair;   /* a command, or what to do */
	char *services; /* "sshd, su", or NULL: it is the host's */
	bool repaired;
};

/* A service that asks for codes, or is to do so. */
struct patient {
	char *name;
	bool planned;         /* its stack has no line of ours yet */
	struct policy policy; /* of its first line that asks */
	bool has_code;
	bool key_needed; /* its stack has no first factor: the program must have seen one */
	bool own_prompt; /* a line asks a question of its own */
	size_t line;     /* which line of the stack the first one is */
};

/* The PAM services of the host, with their auth lines. */
struct services {
	char **names;
	struct stack *stacks;
	size_t count, room, stack_room;
};

struct doctor {
	struct ctl *ctl;
	bool fix;
	struct services services;
	const char *repair; /* of the stack that is looked at, or NULL; see doctor_find */
	struct finding *findings;
	size_t count, room;
	struct patient *patients;
	size_t patient_count, patient_room;
	const char *sshd;      /* the program; NULL: there is none */
	char *sshd_settings;   /* what sshd -T prints, or its error messages */
	bool sshd_answered;    /* they are settings */
	char sshd_service[64]; /* the PAM service that sshd uses */
	bool root_by_ssh;      /* sshd lets root answer prompts */
	bool no_memory;
	struct finding spare; /* where there is no memory for one */
};

/*
 * Tell a finding; never NULL. service: where it is one of a stack, or NULL. One that was told
 * with the same words, and the same doctor->repair if there is one, gets the service added.
 */
struct finding *doctor_find(struct doctor *doctor, const char *id, const char *service,
			    const char *why, const char *what, ...) PRINTF_LIKE(5);

/* How it is repaired, in one line. */
void doctor_repair(struct finding *finding, const char *format, ...) PRINTF_LIKE(2);

/* A list that grows: room for one more in *list. False: doctor->no_memory. */
bool doctor_grow(struct doctor *doctor, void *list, size_t count, size_t *room, size_t size);

/*
 * Tell, and with --fix take away, permissions that `path` must not give; tell another owner
 * than root or `owner`. flags: O_NOFOLLOW where a stranger may have put a link. Nothing is
 * told of what is not there.
 */
void doctor_modes(struct doctor *doctor, const char *path, int flags, mode_t forbidden, uid_t owner,
		  const char *why);

#define AT_LINE        "%s:%u: "
#define PLACE_OF(line) (line)->file, (line)->number

/* Repaired by hand: what to do, and the command that opens the file at the line. */
void doctor_edit(struct finding *finding, const struct stack_line *line, const char *what);

/* Add to doctor->patients. */
void doctor_keep(struct doctor *doctor, const char *service, const struct patient *patient);

/* The policy of a line of ours; a mistake in it is told. */
MUST_CHECK enum totp_err doctor_line_policy(struct doctor *doctor, const char *service,
					    const struct stack_line *line,
					    struct policy *ret_policy);

/*
 * Look at the account lines of a service whose auth line, by its policy, lets people on to
 * enrol there.
 */
void doctor_account(struct doctor *doctor, const char *service, const struct stack_line *auth,
		    const struct policy *policy);

/* The role of an auth line by the policy of the line, nothing is told. context: the doctor. */
enum line_role doctor_role(void *context, const struct stack_line *line);

/*
 * A command that makes the stack of a service sound, or NULL; the caller's to free. add: a line
 * of ours that it has to get first, or NULL.
 */
char *doctor_command(struct doctor *doctor, const char *service, const char *add);

/* Does `other` stand for the same program, as "su-l" does beside "su"? */
bool doctor_is_variant(const char *other, const char *name);

/* Tell of programs that ask for a code in one of their services, and not in another. */
void doctor_siblings(struct doctor *doctor);

/* Has the stack a line of ours, or one that is meant to be? */
bool doctor_has_ours(const struct stack *stack);

/* Look at a stack with a line of ours. */
void doctor_stack(struct doctor *doctor, const char *service, const struct stack *stack);

/* Is it harmless in a command line as it is? */
bool doctor_is_plain(const char *word);

/* Has the service's auth stack a line of ours? */
bool doctor_asks(const char *service);

/* Does the stack include the file of this name? */
bool doctor_includes(const struct stack *stack, const char *name);

/* Programs that ask once, or give no address, and have a line of ours… */
void doctor_programs(struct doctor *doctor);
/* …and those that would ask once more if this included file had one. */
void doctor_plan_programs(struct doctor *doctor, const char *part);

/* Can anybody give this user's password? */
bool doctor_has_password(const char *user);

/* Call with the members of the groups that sudo is usually given to, and root. */
typedef void doctor_admin_fn(struct doctor *doctor, const char *name, void *context);
void doctor_each_admin(struct doctor *doctor, doctor_admin_fn *each, void *context);

void doctor_ask_sshd(struct doctor *doctor); /* before the stacks: which service is sshd's */
void doctor_stacks(struct doctor *doctor);   /* /etc/pam.d, and doctor->patients */
void doctor_sshd(struct doctor *doctor);     /* its settings */
void doctor_clock(struct doctor *doctor);
/* These need a policy that was read. */
void doctor_store(struct doctor *doctor);          /* keyring, store, records */
void doctor_totpd(struct doctor *doctor);          /* after those: whom it serves, whose store */
void doctor_host(struct doctor *doctor);           /* the disk, a repository in /etc */
void doctor_administrators(struct doctor *doctor); /* who would be locked out */

#endif
