/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What a program and totpd say to each other: one request, one response, each a message of
 * one fixed length whose bytes are specified in totpd-protocol(5). A field that an
 * operation does not use is zero, so that each message has one encoding.
 *
 * Either end may be hostile: totpd reads from any user, and a program may have connected to an
 * impostor.
 */
#ifndef LOGIN_WIRE_H
#define LOGIN_WIRE_H

#include "login/attempt.h"
#include "login/policy.h"

#define WIRE_REQUEST_LEN  817
#define WIRE_RESPONSE_LEN 1067
#define WIRE_SERVICE_MAX  32 /* bytes of a program's name */

enum wire_op {
	WIRE_LOOK = 1, /* what a gate needs to know */
	WIRE_CHECK,    /* one answer, which is used up or counted */
	WIRE_STATUS,   /* what there is, for its owner */
	WIRE_ENROLL,   /* a first token; what follows needs a code in `answer` */
	WIRE_ADD,
	WIRE_REPLACE, /* the token `label` by another */
	WIRE_REMOVE,
	WIRE_RENAME,          /* `label` to `new_label` */
	WIRE_RECOVERY,        /* new recovery codes */
	WIRE_DISABLE,         /* the whole record goes */
	WIRE_ENROLL_IN_LOGIN, /* a first token, from root, which has decided that it may be */
};

/* A token that is to be stored, and the code that shows that the phone has it. */
struct wire_token {
	enum token_type type; /* 0: there is none */
	enum hmac_alg alg;
	uint8_t digits;
	uint16_t period;
	char label[CRED_LABEL_MAX + 1];
	struct secret secret;
	uint64_t counter;    /* HOTP: the next one */
	struct answer typed; /* ANSWER_CODE, of this token */
};

/*
 * The store that a request means. totpd serves one store, and a PAM line may mean another: a
 * request that does not name totpd's store is denied with TOTP_ERR_OTHER_STORE. The id is the
 * marker's; zeros: the program cannot read the marker, and the path names the store. If the path
 * is empty, too, the store is that of the verifiers.
 */
struct wire_store {
	uint8_t id[CRED_ID_LEN];
	char dir[POLICY_PATH_MAX];
};

struct wire_request {
	enum wire_op op;
	char user[CRED_USER_MAX + 1];
	char service[WIRE_SERVICE_MAX + 1]; /* the program that asks, for the log */
	struct source source;               /* from root: where the login comes from */
	struct answer answer; /* of the record: ANSWER_CODE, ANSWER_RECOVERY, or zeros */
	char label[CRED_LABEL_MAX + 1];
	char new_label[CRED_LABEL_MAX + 1];
	struct wire_token token;
	struct wire_store store;
	bool tells;             /* CHECK, from root: the person sees text */
	bool by_invitation;     /* LOOK, ENROLL_IN_LOGIN, and from another host STATUS and ENROLL:
				 * the user needs an invitation */
	uint8_t recovery_codes; /* ENROLL_IN_LOGIN: how many to make */
	uint64_t deadline;      /* CLOCK_MONOTONIC, ns: nothing is used up or stored from then on */
};

/* A token as its owner may see it. */
struct wire_shown {
	enum token_type type;
	enum hmac_alg alg;
	uint8_t digits;
	uint16_t period;
	char label[CRED_LABEL_MAX + 1];
	int64_t created;
	int64_t last_used; /* 0: never */
};

struct wire_status {
	int64_t created;
	uint8_t recovery_count;
	uint8_t recovery_left;
	int64_t last_success;
	uint32_t wait_seconds; /* of the throttle of this source */
	uint8_t token_count;
	struct wire_shown tokens[CRED_TOKENS_MAX];
};

struct wire_response {
	enum wire_op op;
	enum totp_err err;
	struct reason why; /* for the log of the client; a client that is not root gets little */
	bool enrolled;
	bool invited;  /* LOOK by_invitation, STATUS: may enroll in the login after the last day */
	bool pending;  /* LOOK, STATUS: the record waits for its first code */
	bool disabled; /* STATUS: an administrator disabled it */
	bool required; /* STATUS: the policy's file says that a code must be given… */
	bool may_enroll; /* …and that this user may enroll with totp-enroll */
	struct outcome outcome;
	struct wire_status status; /* STATUS; of LOOK last_success: from this source, or 0, and
				    * created: the time by which it is judged */
	uint8_t code_count;        /* new recovery codes */
	struct recovery_code codes[RECOVERY_MAX];
};

#define OWN_WIRE_REQUEST  OWN(wire_request_wipe)
#define OWN_WIRE_RESPONSE OWN(wire_response_wipe)

void wire_request_wipe(struct wire_request *request);
void wire_response_wipe(struct wire_response *response);

/* TOTP_ERR_RANGE: a field that a message cannot hold, such as an answer of another kind. */
MUST_CHECK enum totp_err wire_put_request(const struct wire_request *request,
					  uint8_t ret_message[WIRE_REQUEST_LEN]);
MUST_CHECK enum totp_err wire_put_response(const struct wire_response *response,
					   uint8_t ret_message[WIRE_RESPONSE_LEN]);

/*
 * Decode a message of len bytes. TOTP_ERR_UNSUPPORTED: of another version.
 * TOTP_ERR_FORMAT, TOTP_ERR_RANGE: none such. On failure the struct is wiped. The reader checks
 * whether the fields suit the operation.
 */
MUST_CHECK enum totp_err wire_get_request(const uint8_t *message, size_t len,
					  struct wire_request *ret_request);
MUST_CHECK enum totp_err wire_get_response(const uint8_t *message, size_t len,
					   struct wire_response *ret_response);

#endif
