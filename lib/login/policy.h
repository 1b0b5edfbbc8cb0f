/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The policy: what an administrator decides. One table in policy.c gives every key its
 * name, type, range, default and where it may stand; the manual is checked against it.
 * Parsing is strict: an unknown key, a bad value or a key given twice is an error that
 * names file and line, because half a policy is worse than none.
 */
#ifndef LOGIN_POLICY_H
#define LOGIN_POLICY_H

#include "base/address.h"
#include "base/crypto.h"
#include "base/text.h"

#define POLICY_LIST_MAX      2048
#define POLICY_SHORT_LIST    512
#define POLICY_PATH_MAX      256
#define POLICY_TEXT_MAX      128
#define POLICY_NETWORKS_MAX  768
#define POLICY_BYTES_MAX     65536
#define POLICY_VERIFIERS_MAX 9
#define POLICY_HOST_MAX      64 /* bytes of the name of a host, or of its address */
#ifndef POLICY_FILE
#define POLICY_FILE "/etc/security/pam_totp.conf"
#endif

enum enforce { ENFORCE_REQUIRED = 0, ENFORCE_OPTIONAL, ENFORCE_FROM };

/* The picture inside a login: the terminal at the other end is not known. */
enum enroll_qr { ENROLL_QR_UTF8 = 0, ENROLL_QR_ASCII, ENROLL_QR_NONE };

/* What sshd may have accepted before it asks; a set of these. */
enum ssh_method {
	SSH_PUBLICKEY = 1,
	SSH_GSSAPI = 2, /* with-mic and keyex */
	SSH_HOSTBASED = 4,
};

/* Where the code comes from. */
enum password_mode {
	PASSWORD_NONE = 0,       /* a question of our own */
	PASSWORD_TRY_FIRST_PASS, /* PAM_AUTHTOK, or else the question */
	PASSWORD_USE_FIRST_PASS, /* PAM_AUTHTOK alone */
	PASSWORD_COMBINED,       /* one answer: the password, and the code after it */
};

/* Where credentials and login states are. */
enum store_in {
	STORE_IN_FILES = 0,
	STORE_IN_ETCD,     /* totpd alone reaches it */
	STORE_AT_VERIFIER, /* the verifiers' business: totpd hands requests on to them */
};

struct policy {
	enum enforce enforce;
	int64_t enforce_from; /* ENFORCE_FROM: 00:00 UTC of the day, seconds since 1970 */
	char required_for[POLICY_LIST_MAX]; /* users and @groups, comma-separated */
	char exempt[POLICY_LIST_MAX];
	char may_check[POLICY_SHORT_LIST];          /* may ask totpd about other users */
	char may_tell_source[POLICY_SHORT_LIST];    /* say to totpd from where they log in */
	char trusted_networks[POLICY_NETWORKS_MAX]; /* comma-separated */
	uint32_t remember;                          /* seconds; 0: never */
	unsigned if_publickey; /* enum ssh_method: what spares the lines that follow; 0: asks */
	bool enroll_in_account;
	bool enroll_tool; /* where users may enroll themselves… */
	bool enroll_login;
	int64_t enroll_until; /* …and the last day on which, 00:00 UTC; 0: no end */
	enum enroll_qr enroll_qr;
	enum password_mode password;
	char prompt[POLICY_TEXT_MAX];
	char help[POLICY_TEXT_MAX]; /* what a denied user can do, such as a number to call */
	bool echo;
	bool debug;
	bool readonly_login;
	uint32_t window;                /* steps each side */
	uint32_t hotp_window;           /* counters after the next one */
	uint32_t attempts;              /* failures that the short bucket holds */
	uint32_t attempts_refill;       /* seconds until it holds one fewer */
	uint32_t attempts_total;        /* the same for the long bucket */
	uint32_t attempts_total_refill; /* seconds; 0: never */
	uint32_t fail_delay;            /* seconds */
	char issuer[POLICY_TEXT_MAX];   /* with %h, %f, %u */
	char account[POLICY_TEXT_MAX];
	enum hmac_alg algorithm;
	uint32_t digits;
	uint32_t period;         /* seconds */
	uint32_t recovery_codes; /* of a new enrollment; 0: none */
	enum store_in store;
	bool is_local; /* of the one user that the policy is used for: see local_users */
	char etcd_endpoints[POLICY_SHORT_LIST]; /* comma-separated */
	char etcd_ca[POLICY_PATH_MAX];
	char etcd_certificate[POLICY_PATH_MAX];
	char etcd_key[POLICY_PATH_MAX];
	char etcd_realm[POLICY_TEXT_MAX];
	char verifiers[POLICY_SHORT_LIST];    /* of a login host: policy_verifier_next */
	char fleet_dir[POLICY_PATH_MAX];      /* its certificate */
	char local_users[POLICY_SHORT_LIST];  /* whose store is in files nevertheless */
	char hosts[POLICY_SHORT_LIST];        /* of a verifier: may have codes checked… */
	char hosts_self[POLICY_SHORT_LIST];   /* …of these: users manage their enrollment… */
	char hosts_enroll[POLICY_SHORT_LIST]; /* …users enroll for the first time */
	uint32_t host_failures;               /* of each host, in an hour */
	char store_dir[POLICY_PATH_MAX];
	char keyring[POLICY_PATH_MAX];
	char run_dir[POLICY_PATH_MAX];
};

/* One of policy->verifiers. */
struct policy_verifier {
	char host[POLICY_HOST_MAX + 1]; /* a name, or an address without brackets */
	uint16_t port;
	bool is_address;
};

/*
 * Take the next verifier off *rest: NAME:PORT, ADDRESS:PORT or [ADDRESS]:PORT. TOTP_ERR_NOT_FOUND:
 * there is none. TOTP_ERR_FORMAT: it is something else.
 */
MUST_CHECK enum totp_err policy_verifier_next(struct text *rest, struct policy_verifier *ret_one);

/*
 * Is the host, in lower case, one of a list of hosts? Each is a name, *.example.org for all names
 * that end so, or * for all.
 */
bool policy_hosts_have(const char *list, const char *host);

/*
 * Has this host a store, in files or in etcd? One whose users are all the verifiers' has none; with
 * local_users it has one in files.
 */
static inline bool policy_has_store(const struct policy *policy)
{
	return policy->store != STORE_AT_VERIFIER || policy->local_users[0];
}

/* Does this host check codes for login hosts? It need not have the accounts of their users. */
static inline bool policy_is_verifier(const struct policy *policy)
{
	return policy->store == STORE_IN_ETCD || policy->hosts[0] != '\0';
}

/* Is this address in one of the networks of a list that was read? */
bool policy_networks_have(const char *list, const struct address *address);

/* The method that sshd calls so ("publickey", "gssapi-with-mic"), or 0. */
unsigned policy_ssh_method(struct text name);

/* Receives one complaint, a sentence with file and line; called once for each fault. */
typedef void policy_complain_fn(void *context, const struct reason *complaint);

/* Set every key to its default. */
void policy_default(struct policy *policy);

/*
 * Read a policy file's text over *policy. name: what complaints call the file. Reads to the end,
 * so that all faults are reported. TOTP_ERR_FORMAT: at least one complaint was made, and *policy
 * is not to be used.
 */
MUST_CHECK enum totp_err policy_parse(struct policy *policy, struct text text, const char *name,
				      policy_complain_fn *complain, void *context);

/* A line of a policy file. */
struct policy_line {
	unsigned number;        /* from 1 */
	bool is_pair;           /* `key = value`; false: a mistake, and all of it is `value` */
	struct text key, value; /* as they are written */
};

/*
 * Take the next line that is not empty and no comment off *rest. *line is the one before; of the
 * first, zeros. False: there is none.
 */
bool policy_next_line(struct text *rest, struct policy_line *line);

/*
 * Read the arguments of a PAM line over *policy: `key=value`, or `debug` and `echo` alone.
 * `conf` is passed over: the caller has used it. Errors as policy_parse.
 */
MUST_CHECK enum totp_err policy_parse_args(struct policy *policy, int argc, const char **argv,
					   policy_complain_fn *complain, void *context);

/*
 * The value of `conf=` in a PAM line; NULL: it has none. TOTP_ERR_FORMAT: not an absolute path,
 * or given twice; complaint made.
 */
MUST_CHECK enum totp_err policy_conf_of_args(int argc, const char **argv, const char **ret_path,
					     policy_complain_fn *complain, void *context);

/* Walk a list: take the next entry off *rest; *ret_group says it was written with '@'. */
bool policy_list_next(struct text *rest, struct text *ret_name, bool *ret_group);

/* Is this name one of the list's (groups are passed over)? */
bool policy_list_has(const char *list, struct text wanted);

/* Does the list hold any group? */
bool policy_list_has_groups(const char *list);

/* What a pattern is filled with: %u, %h and %f. */
struct policy_names {
	const char *user, *host, *full_host;
};

/*
 * Replace %u, %h, %f and %% in an issuer or account pattern. TOTP_ERR_FORMAT: another
 * letter after %; TOTP_ERR_RANGE: longer than cap - 1 bytes.
 */
MUST_CHECK enum totp_err policy_expand(const char *pattern, const struct policy_names *names,
				       char *ret_text, size_t cap);

struct policy_key; /* see policy_option.h */

/* The index-th row, or NULL past the last. */
const struct policy_key *policy_key_at(size_t index);

#endif
