/* SPDX-License-Identifier: BSD-2-Clause */
/* The command line of totp-enroll. */
#ifndef ENROLL_REQUEST_H
#define ENROLL_REQUEST_H

#include "enroll/screen.h"
#include "common/tool.h"

enum request_what {
	REQUEST_NOTHING = 0, /* no subcommand: enroll, or status */
	REQUEST_ENROLL,
	REQUEST_STATUS,
	REQUEST_TEST,
	REQUEST_ADD,
	REQUEST_REPLACE,
	REQUEST_RENAME,
	REQUEST_REMOVE,
	REQUEST_RECOVERY,
	REQUEST_DELETE,
};

struct request {
	enum request_what what;
	const char *user;        /* --user, or NULL */
	const char *issuer;      /* --issuer, or NULL for the policy's */
	const char *account;     /* --account, or NULL for the policy's */
	const char *label;       /* of the token */
	const char *new_label;   /* rename */
	const char *save;        /* --save FILE for the recovery codes, or NULL */
	const char *svg;         /* --svg FILE, or NULL */
	const char *png;         /* --png FILE, or NULL */
	enum hmac_alg algorithm; /* 0 for the policy's */
	uint32_t digits;         /* 0 for the policy's */
	uint32_t period;         /* seconds; 0 for the policy's */
	uint32_t counter;        /* with --hotp: the next one */
	struct screen_wish screen;
	bool confirm; /* ask for a code before anything is stored */
	bool json;
	bool force; /* replace what the user has */
	bool add;   /* a token beside those that the user has */
	bool named; /* label was given */
	bool hotp;
	bool secret; /* it comes on standard input */
	bool done;   /* help or version is printed: nothing is left to do */
};

/*
 * Read the command line. Returns TOOL_DONE, or TOOL_USAGE after one sentence about what is
 * wrong.
 */
MUST_CHECK int request_parse(struct tool *tool, int argc, char **argv, struct request *ret_request);

#endif
